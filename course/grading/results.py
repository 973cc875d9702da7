"""What grading found: one `TaskGrade` a task, one `Grade` a submission. The same on every run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PASSED, FAILED, TODO, MISSING = "passed", "failed", "to do", "missing"
NOT_ALLOWED, NOT_RUN, NOT_JUDGED = "not allowed", "not run", "not judged"


@dataclass
class TaskGrade:
    """`public`, `sealed`: passed, failed or not run; `functions`: name to points possible; `message`: words, or "".

    `beside`: the tasks whose own functions stood in the tree, too, where that is how it passed.
    """

    id: str
    title: str
    functions: dict[str, int]
    status: str = MISSING
    public: str = NOT_RUN
    sealed: str = NOT_RUN
    points: int = 0
    policy: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    message: str = ""

    @property
    def possible(self) -> int:
        return sum(self.functions.values())

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "possible": self.possible}


@dataclass
class ModuleGrade:
    number: int
    title: str
    tasks: list[TaskGrade] = field(default_factory=list)

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    @property
    def possible(self) -> int:
        return sum(task.possible for task in self.tasks)

    def to_json(self) -> dict[str, Any]:
        return {"module": self.number, "title": self.title, "points": self.points, "possible": self.possible,
                "tasks": [task.to_json() for task in self.tasks]}


@dataclass
class Grade:
    """One submission. `error`: why the grader itself could not judge it, or ""; there are no points then."""

    name: str
    digest: str
    grader: str
    modules: list[ModuleGrade] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_offered: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def points(self) -> int:
        return sum(module.points for module in self.modules)

    @property
    def possible(self) -> int:
        return sum(module.possible for module in self.modules)

    def task(self, task_id: str) -> TaskGrade:
        """Raises KeyError for a task that was not graded."""
        for module in self.modules:
            for task in module.tasks:
                if task.id == task_id:
                    return task
        raise KeyError(task_id)

    def to_json(self) -> dict[str, Any]:
        return {"submission": self.name, "digest": self.digest, "grader": self.grader, "points": self.points,
                "possible": self.possible, "error": self.error, "notes": self.notes, "not_offered": self.not_offered,
                "modules": [module.to_json() for module in self.modules]}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Grade:
        """The grade that `to_json` wrote. Raises KeyError or TypeError for anything else."""
        grade = Grade(data["submission"], data["digest"], data["grader"], [], data["notes"], data["not_offered"],
                      data["error"])
        for entry in data["modules"]:
            tasks = [TaskGrade(**{key: value for key, value in task.items() if key != "possible"})
                     for task in entry["tasks"]]
            grade.modules.append(ModuleGrade(entry["module"], entry["title"], tasks))
        return grade
