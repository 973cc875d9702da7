"""What a learner has done so far: the remaining stubs, read from `modules/`, and `.terox/progress.json`.

The file remembers what cannot be read from the code: the verdict of each task's last run, with a digest of the code
that was judged, the hints that were shown and the tasks that were revealed. It is a convenience: a broken file is
kept aside, and a folder that cannot be written to costs a warning, never the command.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course.manifest import Manifest, Task
from course.markers import TODO, MarkerError, function_lines
from course.runner.source import PathMap, Sources
from course.whole_files import write_whole

FILE = Path(".terox") / "progress.json"
VERSION = 1


# ---- The file ----


@dataclass
class Store:
    """The content of the progress file. `tasks`: task id to the verdict of its last run."""

    hints: dict[str, int] = field(default_factory=dict)  # task id to the number of hints shown
    reveals: dict[str, str] = field(default_factory=dict)  # task id to the day
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    writable: bool = True


def load(root: Path) -> Store:
    """Read the progress file. Whatever is wrong with it costs a sentence on stderr, and an empty Store."""
    path = root / FILE
    try:
        text = path.read_bytes().decode("utf-8")
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError
        store = Store(data["hints"], data["reveals"], data["tasks"])
        if not (all(type(number) is int for number in store.hints.values())
                and all(isinstance(day, str) for day in store.reveals.values())
                and all(_is_verdict(entry) for entry in store.tasks.values())):
            raise ValueError
        return store
    except (FileNotFoundError, NotADirectoryError):
        return Store()
    except OSError as error:
        _warn(f"The progress file {FILE.as_posix()} cannot be read: {error.strerror}.")
        return Store(writable=False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        aside = _free_name(path.with_name(path.name + ".broken"))
        try:
            os.replace(path, aside)
        except OSError:
            _warn(f"The progress file {FILE.as_posix()} is broken. Delete it to record your progress again.")
            return Store(writable=False)
        _warn(f"The progress file was broken. It is kept as {aside.relative_to(root).as_posix()}, "
              "and a new one begins; your code is not touched.")
        return Store()


def save(root: Path, store: Store) -> bool:
    """Write the progress file; a reader never sees half of it. Says so on stderr, and returns False, if it cannot."""
    if not store.writable:
        return False
    path = root / FILE
    data = {"version": VERSION, **{key: value for key, value in asdict(store).items() if key != "writable"}}
    try:
        write_whole(path, json.dumps(data, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        _warn(f"Your progress could not be saved in {FILE.as_posix()}: {error.strerror}.")
        return False
    return True


def _is_verdict(entry: Any) -> bool:
    return (isinstance(entry, dict) and isinstance(entry.get("status"), str) and isinstance(entry.get("digest"), str)
            and isinstance(entry.get("blocked_by", []), list) and isinstance(entry.get("points", 0), int)
            and isinstance(entry.get("message") or "", str))


def _free_name(path: Path) -> Path:
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}{number}")
    return found


def _warn(text: str) -> None:
    print(text, file=sys.stderr)


def record(outcome: Any, root: Path, manifest: Manifest) -> None:
    """Remember the verdicts of a `course.runner.Outcome` on the learner's own `modules/`."""
    if outcome.usage:
        return
    work, store = Work(root, manifest), load(root)
    began = time.time() - outcome.seconds
    for result in outcome.tasks:
        unfinished = result.status == "blocked" and not result.blocked_by  # ended by Ctrl-C, say
        if result.from_reference or unfinished or result.id not in manifest.tasks:
            continue
        task = manifest.task(result.id)
        # A file saved while the tests ran is not the one that they judged.
        digest = work.digest(task) if work.last_change(task) <= began else ""
        store.tasks[result.id] = {"status": result.status, "blocked_by": list(result.blocked_by),
                                  "points": result.points, "message": (result.message or "")[:4000],
                                  "digest": digest, "when": time.strftime("%Y-%m-%d %H:%M:%S")}
    save(root, store)


# ---- The code ----


@dataclass(frozen=True)
class Stub:
    """A function that is still to do. `file` is relative to the source root."""

    function: str
    file: str
    line: int
    todo: str  # the words of its TODO, or ""


class Work:
    """The learner's files, read as text: nothing of them is imported or run."""

    def __init__(self, root: Path, manifest: Manifest, folder: str = "modules") -> None:
        self.source = root / folder
        self.manifest = manifest
        self.sources = Sources(self.source, manifest, PathMap(self.source, root))

    def tasks_in(self, file: str) -> list[Task]:
        """The tasks that have a function in a file, in the manifest's order."""
        return [task for task in self.manifest.tasks.values() if file in task.files]

    def stubs(self, task: Task) -> list[Stub]:
        """What is still to do of a task, in the order of its files and lines."""
        found = []
        for file in task.files:
            for number, owner, function in self.sources.stub_lines(file):
                if owner == task.id:
                    found.append(Stub(function, file, number, self._todo(file, number, task.id)))
        return found

    def _todo(self, file: str, stub: int, task_id: str) -> str:
        """The words of the TODO above a stub, which may go on over several comment lines."""
        lines = self.sources.lines(file)
        heads = [number for number, _ in self.sources.heads(file) if number < stub]
        for number in range(stub - 1, heads[-1] if heads else 0, -1):
            match = TODO.search(lines[number - 1])
            if match is not None and match.group(1) == task_id:
                words = [lines[number - 1][match.end():].strip()]
                for line in lines[number: stub - 1]:
                    if not line.strip().startswith("#"):
                        break
                    words.append(line.strip().lstrip("#").strip())
                return " ".join(words)
        return ""

    def digest(self, task: Task) -> str:
        """Tells whether a task's code has changed: its files without comments and without other tasks' functions."""
        digest = hashlib.sha256()
        for file in task.files:
            others = self.lines_of_others(task, file)
            for number, line in enumerate(self.sources.lines(file), start=1):
                if number not in others and line.strip() and not line.strip().startswith("#"):
                    digest.update(line.rstrip().encode("utf-8", errors="replace") + b"\n")
        return digest.hexdigest()[:32]

    def lines_of_others(self, task: Task, file: str) -> set[int]:
        """The lines of a file in which other tasks' functions stand; none where it does not parse."""
        others = {name for other in self.tasks_in(file) if other.id != task.id for name in other.functions
                  if other.file_of(name) == file}
        found: set[int] = set()
        with contextlib.suppress(MarkerError):
            for name, (first, last) in function_lines("\n".join(self.sources.lines(file)), file).items():
                if name in others:
                    found.update(range(first, last + 1))
        return found

    def last_change(self, task: Task) -> float:
        """When one of the task's files was last saved; 0.0 where none can be read."""
        times = [0.0]
        for file in task.files:
            with contextlib.suppress(OSError):
                times.append((self.source / file).stat().st_mtime)
        return max(times)


# ---- Both together ----


@dataclass
class State:
    """Where one task stands. `status`: passed, failed, to do, blocked, changed, not run."""

    task: Task
    status: str
    stubs: list[Stub]
    verdict: dict[str, Any] | None  # of the last run, also where the code has changed since
    hints: int
    revealed: bool

    @property
    def points(self) -> int:
        return self.task.points if self.status == "passed" else 0


def states(root: Path, manifest: Manifest, store: Store | None = None) -> dict[str, State]:
    """Task id to its State, in the manifest's order."""
    store = load(root) if store is None else store
    work = Work(root, manifest)
    found: dict[str, State] = {}
    for task in manifest.tasks.values():
        stubs, verdict = work.stubs(task), store.tasks.get(task.id)
        found[task.id] = State(task, _status(work, task, stubs, verdict, found), stubs, verdict,
                               store.hints.get(task.id, 0), task.id in store.reveals)
    return found


def _status(work: Work, task: Task, stubs: list[Stub], verdict: dict[str, Any] | None, before: dict[str, State]) -> str:
    current = verdict is not None and verdict["digest"] == work.digest(task)
    if verdict is not None and current and verdict["status"] in ("passed", "failed"):
        return verdict["status"]
    if stubs:
        return "to do"
    if verdict is not None and current and verdict["status"] == "blocked":
        by = [before[task_id] for task_id in verdict.get("blocked_by", []) if task_id in before]
        return "blocked" if any(state.status != "passed" for state in by) else "not run"
    return "changed" if verdict is not None and verdict["status"] in ("passed", "failed") else "not run"
