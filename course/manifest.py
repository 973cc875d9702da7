"""`course.toml`, read once: the modules, their tasks, points, hints and bug classes.

Everything that names a task reads it here. What has to agree with it (markers, tests, handouts, chaffs) is
compared in `course/consistency.py`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TASK_ID = re.compile(r"^(\d+)\.(\d+|R)$")


class ManifestError(ValueError):
    """`course.toml` cannot be read, or contradicts itself."""


@dataclass(frozen=True)
class Task:
    """One task: what the learner writes (`functions`: qualified name to points) and where (`file`).

    A function that stands in another file than the others is written `"path::name"` in course.toml.
    """

    id: str
    title: str
    hours: float
    file: str  # relative to the source root, e.g. "terox/foundations/operators.py"
    functions: dict[str, int]
    hints: tuple[str, ...]
    bugs: dict[str, str]  # slug to sentence
    pytorch: tuple[str, ...]  # "path:symbol" at the release that the manifest names
    needs: tuple[str, ...] = ()
    elsewhere: dict[str, str] = field(default_factory=dict)  # function to its file, where that is not `file`

    def file_of(self, function: str) -> str:
        """The file of one of the task's functions, relative to the source root."""
        return self.elsewhere.get(function, self.file)

    @property
    def files(self) -> tuple[str, ...]:
        """All files that the task's functions stand in."""
        return tuple(dict.fromkeys([self.file, *self.elsewhere.values()]))

    @property
    def module(self) -> int:
        return int(self.id.split(".")[0])

    @property
    def points(self) -> int:
        return sum(self.functions.values())


@dataclass(frozen=True)
class Module:
    """One module: one subpackage of `terox`."""

    number: int
    name: str
    title: str
    hours: float
    idea: str
    pytorch: str
    notebook: str  # file name in notebooks/
    train: str  # module that `make train MODULE=N` runs, or ""
    reaches: str  # what a learner has when it is done
    tasks: tuple[Task, ...] = field(default=())

    @property
    def package(self) -> str:
        """The subpackage's folder, relative to the source root."""
        return f"terox/{self.name}"

    @property
    def files(self) -> tuple[str, ...]:
        """The files in which a learner writes, relative to the source root."""
        return tuple(dict.fromkeys(file for task in self.tasks for file in task.files))


@dataclass(frozen=True)
class Manifest:
    torch: str  # the PyTorch release that the reading tasks name
    modules: tuple[Module, ...]

    @property
    def tasks(self) -> dict[str, Task]:
        return {task.id: task for module in self.modules for task in module.tasks}

    @property
    def files(self) -> tuple[str, ...]:
        """The files in which a learner writes, relative to the source root."""
        return tuple(dict.fromkeys(file for module in self.modules for file in module.files))

    def module(self, number: int) -> Module:
        """Raises ManifestError for a number that is no module of the course."""
        for module in self.modules:
            if module.number == number:
                return module
        known = ", ".join(str(module.number) for module in self.modules)
        raise ManifestError(f"There is no module {number}. The modules are {known}.")

    def task(self, task_id: str) -> Task:
        """Raises ManifestError for an id that is no task of the course."""
        task = self.tasks.get(task_id)
        if task is None:
            raise ManifestError(f"There is no task {task_id!r}. The tasks are {', '.join(self.tasks)}.")
        return task

    def requirements(self, task_id: str) -> set[str]:
        """Ids of all tasks that `task_id` builds on, directly or not."""
        found: set[str] = set()
        waiting = list(self.task(task_id).needs)
        while waiting:
            needed = waiting.pop()
            if needed not in found:
                found.add(needed)
                waiting.extend(self.task(needed).needs)
        return found


def load(root: Path | None = None) -> Manifest:
    """Read `course.toml` under `root` (default: this repository). Raises ManifestError that says what is wrong."""
    path = (root or ROOT) / "course.toml"
    try:
        return _of_text(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path.name} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path.name} is not valid TOML: {error}.") from error


@functools.lru_cache(4)  # `make chaffs` asks thousands of times
def _of_text(text: str) -> Manifest:
    data = tomllib.loads(text)
    modules = tuple(_module(entry) for entry in data.get("module", []))
    manifest = Manifest(torch=data.get("course", {}).get("torch", ""), modules=modules)
    _check(manifest)
    return manifest


def _module(entry: dict) -> Module:
    where = f"module {entry.get('number', '?')}"
    tasks = tuple(_task(task) for task in entry.get("task", []))
    name = _need(entry, "name", where)
    return Module(number=_need(entry, "number", where), name=name, title=_need(entry, "title", where),
                  hours=_need(entry, "hours", where), idea=entry.get("idea", ""), pytorch=entry.get("pytorch", ""),
                  notebook=entry.get("notebook", ""), train=entry.get("train", ""),
                  reaches=entry.get("reaches", ""), tasks=tasks)


def _task(entry: dict) -> Task:
    where = f"task {entry.get('id', '?')}"
    functions, elsewhere = {}, {}
    for key, points in _need(entry, "functions", where).items():
        file, _, name = key.rpartition("::")
        functions[name] = points
        if file:
            elsewhere[name] = file
    return Task(id=_need(entry, "id", where), title=_need(entry, "title", where), hours=_need(entry, "hours", where),
                file=_need(entry, "file", where), functions=functions, elsewhere=elsewhere,
                hints=tuple(entry.get("hints", ())), bugs=entry.get("bugs", {}),
                pytorch=tuple(entry.get("pytorch", ())), needs=tuple(entry.get("needs", ())))


def _need(entry: dict, key: str, where: str):
    if key not in entry:
        raise ManifestError(f"course.toml: {where} has no `{key}`.")
    return entry[key]


def _check(manifest: Manifest) -> None:
    seen: set[str] = set()
    for module in manifest.modules:
        for task in module.tasks:
            if not TASK_ID.match(task.id) or task.module != module.number:
                raise ManifestError(f"course.toml: {task.id!r} is no task id of module {module.number}.")
            if task.id in seen:
                raise ManifestError(f"course.toml: task {task.id} stands there twice.")
            unknown = [needed for needed in task.needs if needed not in seen]
            if unknown:
                raise ManifestError(
                    f"course.toml: task {task.id} needs {', '.join(unknown)}, which does not come before it."
                )
            seen.add(task.id)
