"""What a test run found: the data that the report, `--json`, the progress file, chaffs and graders read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from course.whole_files import write_whole

PASSED, FAILED, TODO, BLOCKED = "passed", "failed", "todo", "blocked"


class UsageError(Exception):
    """The call cannot be carried out: no such module, folder or reference. Exit status 2."""


@dataclass
class Failure:
    """One failure in words. `lines` is the block that a learner reads, without color."""

    task: str | None
    test: str | None
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class TaskResult:
    """One task. The four counts are numbers of tests; `left` names the functions that are still to do."""

    id: str
    title: str
    status: str = TODO
    blocked_by: list[str] = field(default_factory=list)
    passed: int = 0
    failed: int = 0
    todo: int = 0
    blocked: int = 0
    points: int = 0  # earned
    points_possible: int = 0
    message: str | None = None
    left: list[str] = field(default_factory=list)
    functions: int = 0
    where: str | None = None  # "file:line" to open
    from_reference: bool = False

    def to_json(self) -> dict:
        return {"id": self.id, "title": self.title, "status": self.status, "blocked_by": self.blocked_by,
                "passed": self.passed, "failed": self.failed, "points": self.points,
                "points_possible": self.points_possible, "message": self.message, "where": self.where,
                "from_reference": self.from_reference}


@dataclass
class Outcome:
    """One run of one module's tests.

    `exit_status`: 0 when every task asked for passed, 1 when not, 2 when the call was wrong (`problems` says why).
    `failures` are in task order, then file order. `problems` are faults of the run itself, not of one task.
    """

    module: int
    title: str = ""
    code: str = ""
    device: str | None = None  # what ran kernels for the GPU: its name, or which simulator
    tasks: list[TaskResult] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    usage: bool = False
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        if self.usage:
            return 2
        done = bool(self.tasks) and all(task.status == PASSED for task in self.tasks)
        return 0 if done and not self.problems and not self.interrupted else 1

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    @property
    def points_possible(self) -> int:
        return sum(task.points_possible for task in self.tasks)

    def task(self, task_id: str) -> TaskResult:
        """Raises KeyError for a task that was not part of the run."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)

    def to_json(self) -> dict:
        data = {"module": self.module, "tasks": [task.to_json() for task in self.tasks]}
        if self.device:
            data["device"] = self.device
        if self.problems:
            data["problems"] = self.problems
        if self.interrupted:
            data["interrupted"] = True
        return data

    def write_json(self, path: Path) -> None:
        """Write `to_json()` to `path`; a reader never sees half of it."""
        write_whole(path, json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")
