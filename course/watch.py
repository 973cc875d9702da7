"""`make watch MODULE=N`: runs what is affected on every save."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course.manifest import ROOT, Manifest, ManifestError, Module, load
from course.progress import Work
from course.runner import Outcome, run_tests
from course.runner.events import task_of_file
from course.term import style, wrapped

POLL = 0.5  # seconds between two looks, where watchfiles is missing
SETTLE = 0.03
TIME_LIMIT = 5.0  # for a test without a sign of life: whoever watches waits for it


@dataclass(frozen=True)
class Affected:
    """Ids of the tasks to run: `first` those that changed, `then` those that need them, if they pass."""

    first: list[str] = field(default_factory=list)
    then: list[str] = field(default_factory=list)


def affected(manifest: Manifest, changed: Iterable[Path | str], module: int, *, root: Path = ROOT,
             before: dict[str, str] | None = None) -> Affected:
    """Which tasks of a module the changed files (absolute, or relative to `root`) concern.

    A file of the module's tasks concerns those; of an earlier module's tasks, those that need them; the tests of a
    task, that task; anything else that belongs to the module or to an earlier one, all tasks. `before` has the digests
    of the tasks as they were: then only those of a file's tasks count whose code is another one now.
    """
    chosen = manifest.module(module)
    work = Work(root, manifest)
    every = {task.id for task in chosen.tasks}
    hit: set[str] = set()
    for path in changed:
        file = _relative(path, root)
        if file is None or not file.endswith(".py"):
            continue
        if file.startswith("modules/"):
            touched = _touched(manifest, chosen, work, file.removeprefix("modules/"), before)
            hit |= every if touched is None else touched
            for task in chosen.tasks:
                if touched and touched & manifest.requirements(task.id) and not touched & every:
                    hit.add(task.id)
        elif file.startswith(f"tests/module_{module}/"):
            task_id = task_of_file(Path(file).name)
            hit |= {task_id} if task_id in every else every
        elif file.startswith("tests/") and file.count("/") == 1:
            hit |= every
    first = [task.id for task in chosen.tasks if task.id in hit]
    then = [task.id for task in chosen.tasks if task.id not in hit and manifest.requirements(task.id) & hit]
    return Affected(first, then)


def _touched(manifest: Manifest, chosen: Module, work: Work, file: str,
             before: dict[str, str] | None) -> set[str] | None:
    """Ids of the tasks (of any module up to the chosen one) that a file of the source root is about; None for all."""
    for module in manifest.modules:
        if file.startswith(module.package + "/") and module.number > chosen.number:
            return set()
    tasks = work.tasks_in(file)
    if not tasks:
        return None
    if before is not None:
        other = {task.id for task in tasks if before.get(task.id) != work.digest(task)}
        if other:
            return other
    return {task.id for task in tasks}


def _relative(path: Path | str, root: Path) -> str | None:
    try:
        return Path(os.path.abspath(root / path)).relative_to(os.path.abspath(root)).as_posix()
    except ValueError:
        return None


class Watcher:
    """One `make watch`: remembers the last verdict of each task, and the code that it was about."""

    def __init__(self, module: int, root: Path = ROOT) -> None:
        self.root, self.manifest = root, load(root)
        self.module = self.manifest.module(module)
        self.status: dict[str, str] = {}
        self.digests: dict[str, str] = {}

    def react(self, changed: Iterable[Path | str] | None) -> bool:
        """Run what the changed files concern (None: everything). False when Ctrl-C ended it."""
        if changed is None:
            wanted = Affected([task.id for task in self.module.tasks])
        else:
            try:
                self.manifest = load(self.root)
            except ManifestError:
                pass  # half-saved: go on with what was there
            wanted = affected(self.manifest, changed, self.module.number, root=self.root, before=self.digests)
        work = Work(self.root, self.manifest)
        self.digests = {task.id: work.digest(task) for task in self.manifest.tasks.values()}
        for tasks in (wanted.first, wanted.then):
            if not tasks:
                continue
            outcome = run_once(self.module.number, tasks, self.root, stop_at_first=changed is not None)
            if outcome.interrupted:
                return False
            self.status.update({task.id: task.status for task in outcome.tasks})
            if outcome.exit_status:
                break
        else:
            if wanted.first and all(self.status.get(task.id) == "passed" for task in self.module.tasks):
                print(wrapped(f"All tasks of module {self.module.number} pass in this quick form. "
                              f"The full verdict: make test-module-{self.module.number}"))
        sys.stdout.flush()
        return True


def run_once(module: int, tasks: list[str], root: Path = ROOT, *, stop_at_first: bool = False) -> Outcome:
    """Run the tests of some tasks of a module on `modules/`, quickly, and print a short verdict."""
    limit = None if os.environ.get("TEROX_TIME_LIMIT") else TIME_LIMIT
    outcome = run_tests(module, tasks=tasks, profile="watch", time_limit=limit, stop_at_first=stop_at_first,
                        quiet=True, course_root=root)
    for line in verdict(outcome):
        print(line)
    sys.stdout.flush()
    return outcome


def verdict(outcome: Outcome) -> list[str]:
    """A line with the tasks by status, then the first failure."""
    if outcome.usage:
        return list(outcome.problems)
    groups: dict[str, list[str]] = {"passed": [], "failed": [], "to do": [], "blocked": [], "not run": []}
    for task in outcome.tasks:
        word = {"todo": "to do"}.get(task.status, task.status)
        # A failure ended the run before this task's turn.
        groups["not run" if word == "blocked" and not task.blocked_by else word].append(task.id)
    looks = {"passed": "green", "failed": "red"}
    parts = [f"{style(word, looks.get(word, 'yellow'))} {' '.join(ids)}" for word, ids in groups.items() if ids]
    found = [f"{time.strftime('%H:%M:%S')}  {', '.join(parts)}  ({outcome.seconds:.1f} s)"]
    if outcome.failures:
        found += ["", *outcome.failures[0].lines, ""]
    return found + [line for problem in outcome.problems for line in problem.splitlines()]


def watch(module: int, root: Path = ROOT) -> int:
    """Run the module's tests now and after every save, until Ctrl-C. Returns 0; 2 where there is nothing to watch."""
    try:
        watcher = Watcher(module, root)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    code, tests = root / "modules" / "terox", root / "tests" / f"module_{module}"
    folders = [folder for folder in (code, tests) if folder.is_dir()]
    if not code.is_dir():
        print("There is no folder modules/terox to watch.", file=sys.stderr)
        return 2
    print(f"Watching modules/terox for module {module}. Every save runs its tests; Ctrl-C ends.")
    sys.stdout.flush()
    try:
        saves = changes(folders)
        going = watcher.react(None)
        while going:
            going = watcher.react(next(saves))
    except (KeyboardInterrupt, StopIteration):
        pass
    print("Watching has ended.")
    return 0


def changes(folders: list[Path], wait: Callable[[], object] | None = None) -> Iterator[set[Path]]:
    """Sets of changed Python files, as they are saved, also while the tests of an earlier save still run.

    What changed is read from the files themselves; watchfiles only ends the wait early.
    """
    known = _snapshot(folders)
    wait = _wait(folders) if wait is None else wait

    def look() -> Iterator[set[Path]]:
        nonlocal known
        while True:
            now = _snapshot(folders)
            if now == known:
                wait()
                continue
            for _ in range(20):  # an editor may still be writing
                time.sleep(SETTLE)
                earlier, now = now, _snapshot(folders)
                if now == earlier:
                    break
            found = {path for path in known.keys() | now.keys() if known.get(path) != now.get(path)}
            known = now
            if found:
                yield found

    return look()


def _wait(folders: list[Path]) -> Callable[[], object]:
    try:
        import watchfiles
    except ImportError:
        return lambda: time.sleep(POLL)
    events = watchfiles.watch(*folders, watch_filter=lambda _, path: path.endswith(".py"), debounce=200, step=20,
                              rust_timeout=1000, yield_on_timeout=True, raise_interrupt=True)
    return lambda: next(events)


def _snapshot(folders: list[Path]) -> dict[Path, tuple[int, int]]:
    found = {}
    for folder in folders:
        for path in folder.rglob("*.py"):
            try:
                data = path.stat()
            except OSError:
                continue
            found[path] = (data.st_mtime_ns, data.st_size)
    return found
