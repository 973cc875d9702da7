"""Runs the children of one call and gathers what they find.

A crash or an endless loop ends a child. The next one runs the rest, without the task that was the reason and without
the tasks that need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course.manifest import Task
from course.runner.child import Child
from course.runner.events import task_of_file
from course.runner.explain import Explainer
from course.runner.outcome import FAILED, Failure, Outcome
from course.runner.report import Progress
from course.runner.verdict import Findings

RESTARTS = 3
IMPORT_FACTOR = 2.0  # how much longer an import may take: NumPy's first one, from a cold disk
USUAL_LIMIT = 10.0  # seconds a test may go without a sign of life


class Session:
    """The tests of some tasks of one module, on one source root."""

    def __init__(self, outcome: Outcome, chosen: list[Task], base: Path, folder: Path, explainer: Explainer,
                 progress: Progress) -> None:
        self.outcome, self.chosen, self.base, self.folder = outcome, chosen, base, folder
        self.explainer, self.progress = explainer, progress
        self.manifest = explainer.manifest
        self.found = Findings()

    def run(self, options: dict[str, Any]) -> Findings:
        """`options`: limit, profile, seed, stop_at_first. Ctrl-C ends it early and marks the outcome."""
        files = self._files()
        self._unreadable()
        request = {**options, "root": str(self.explainer.sources.root), "tests": str(self.base / "tests"),
                   "order": list(self.manifest.tasks), "usual_limit": USUAL_LIMIT,
                   "import_limit": IMPORT_FACTOR * options["limit"]}
        try:
            for attempt in range(RESTARTS + 1):
                run = [task.id for task in self.chosen if not self._left_out(task.id)]
                chosen_files = _of_tasks(files, run)
                if not run or not chosen_files or (options["stop_at_first"] and self.found.any_failed()):
                    break
                request.update(run=run, skip=list(self.found.finished))
                child = Child(self.folder / f"run{attempt}", self.base, request, chosen_files)
                if self._follow(child):
                    break
            else:
                for task in self.chosen:
                    if self.found.is_open(task.id):
                        self.found.stopped_by.setdefault(task.id, next(reversed(self.found.failed)))
        except KeyboardInterrupt:
            self.outcome.interrupted = True
        finally:
            self.progress.end()
        return self.found

    def _left_out(self, task: str) -> bool:
        return task in self.found.failed or task in self.found.stopped_by

    def _files(self) -> list[str]:
        """The test files of the tasks to run, relative to the repository."""
        folder = self.base / "tests" / f"module_{self.outcome.module}"
        files = [path.relative_to(self.base).as_posix() for path in sorted(folder.rglob("test_*.py"))]
        if not files:
            self._broken(f"No tests were found in tests/module_{self.outcome.module}/.")
        return files

    def _unreadable(self) -> None:
        sources = self.explainer.sources
        for task in self.chosen:
            for file in sources.files_of(task):
                problem = sources.problem(file)
                if problem is not None:
                    nearest = sources.task_at(file, problem.line) or task.id
                    self.found.failed.setdefault(task.id, self.explainer.syntax(problem, nearest))

    # One child

    def _follow(self, child: Child) -> bool:
        """Follow one child to its end; False when another one has to run the rest."""
        test: str | None = None
        importing: str | None = None
        finished = broken = False
        limit = 0.0  # as it is where nothing else runs, so that the message is the same on every run
        try:
            for event in child.events():
                kind = event["event"]
                if kind == "collecting":
                    importing, limit = event["file"], event["usual"]
                elif kind == "collection_error":
                    importing = None
                    self._collection_error(event)
                elif kind == "collected":
                    importing = None
                    self._collected(event)
                elif kind == "started":
                    test, limit = event["test"], event["usual"]
                    self.progress.test(self.found.tests[test]["task"], len(self.found.finished))
                elif kind == "finished":
                    self.found.finished[event["test"]] = event
                    test = None
                elif kind == "internal_error":
                    broken = True
                    self._broken("The test run itself failed:", event["lines"])
                elif kind == "finish":
                    finished = True
                    self.outcome.device = event.get("device")
                    break
        except KeyboardInterrupt:
            child.close(0.0)
            self._take_what_is_written(child)
            raise
        finally:
            status = child.close(2.0 if finished else 0.0)
        if finished or (broken and test is None and importing is None):
            return True
        return self._ended_early(child, status, test, importing, limit)

    def _take_what_is_written(self, child: Child) -> None:
        """After a Ctrl-C, which may come while events wait to be read: the results that the child has written."""
        for event in child.all_events():
            if event["event"] == "collected" and any(test["id"] not in self.found.tests for test in event["tests"]):
                self._collected(event)
            elif event["event"] == "finished":
                self.found.finished[event["test"]] = event

    def _ended_early(self, child: Child, status: int | None, test: str | None, importing: str | None,
                     limit: float) -> bool:
        info = self.found.tests[test] if test else None
        task = info["task"] if info else task_of_file(importing) if importing else None
        log = child.text(child.log_file)
        if task is None or task not in self.manifest.tasks:
            self._broken("The test run ended too early:", log.strip().splitlines()[-6:])
            return True
        hang, crash = child.text(child.hang_file), child.text(child.crash_file)
        if hang or child.timed_out:
            lines = self.explainer.stopped(task, info, hang, limit)
        else:
            lines = self.explainer.crashed(task, info, crash or log, status)
        self.found.failed[task] = lines
        if test is not None:
            self.found.finished[test] = {"outcome": FAILED, "failure": None, "todo": None, "lines": lines}
        for other in self.chosen:
            if task in self.manifest.requirements(other.id) and self.found.is_open(other.id):
                self.found.stopped_by.setdefault(other.id, task)
        return False

    # Events

    def _collected(self, event: dict[str, Any]) -> None:
        mine = {task.id for task in self.chosen}
        for test in event["tests"]:
            self.found.tests[test["id"]] = test
        for entry in event["unmarked"]:
            what = ("carries no task: it needs `pytestmark = pytest.mark.task(...)`" if entry["task"] is None
                    else f"names task {entry['task']}, which course.toml does not have")
            self._broken(f"{entry['test']} {what}.")
        for entry in event["foreign"]:
            if entry["task"] not in mine and self.manifest.task(entry["task"]).module != self.outcome.module:
                self._broken(f"{entry['test']} names task {entry['task']}, which is of another module.")
        self.progress.total(len(self.found.tests))

    def _collection_error(self, event: dict[str, Any]) -> None:
        """A test file could not be imported: whose part is it?"""
        task, failure = event["task"], event["failure"]
        mine = {entry.id for entry in self.chosen}
        if task not in mine:
            self._broken(f"{event['file']} cannot be imported: {failure['type']}: {failure['message']}")
            return
        if event.get("todo"):
            blamed = event["todo"][0]
            if blamed == task:
                self.found.to_do.add(task)
            else:
                self.found.stopped_by.setdefault(task, blamed)
            return
        blamed = self.explainer.blamed_by_import(failure)
        lines = self.explainer.imported(blamed or task, event["file"], failure)
        sources = self.explainer.sources
        if blamed is None or set(sources.files_of(self.manifest.task(blamed))) & set(
                sources.files_of(self.manifest.task(task))):
            self.found.failed.setdefault(task, lines)
            return
        self.found.stopped_by.setdefault(task, blamed)
        if blamed not in mine and all(failure.task != blamed for failure in self.found.others):
            self.found.others.append(Failure(blamed, None, lines))

    def _broken(self, words: str, lines: list[str] | None = None) -> None:
        text = "\n".join([words, *("  " + line for line in lines or [])])
        if text not in self.outcome.problems:
            self.outcome.problems.append(text)


def _of_tasks(files: list[str], tasks: list[str]) -> list[str]:
    """The files that can hold tests of these tasks: by their names, or all where a task has no file of its own."""
    owners = [task_of_file(Path(file).name) for file in files]
    if not set(tasks) <= set(owners):
        return files
    return [file for file, owner in zip(files, owners) if owner is None or owner in tasks]
