"""From what the children reported to a status for every task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from course.manifest import Task
from course.runner.explain import Explainer
from course.runner.outcome import BLOCKED, FAILED, PASSED, TODO, Failure, Outcome, TaskResult


@dataclass
class Findings:
    """What is known so far. Tests are named by pytest's node ids."""

    tests: dict[str, dict[str, Any]] = field(default_factory=dict)  # every test that was collected
    finished: dict[str, dict[str, Any]] = field(default_factory=dict)  # its "finished" event
    failed: dict[str, list[str]] = field(default_factory=dict)  # tasks that failed outside of a test, and the words
    stopped_by: dict[str, str] = field(default_factory=dict)  # task that was not run to its end -> the task that is why
    to_do: set[str] = field(default_factory=set)  # tasks whose stub already stops the import
    others: list[Failure] = field(default_factory=list)  # failures of tasks that are not part of this run

    def is_open(self, task: str) -> bool:
        """Nothing is known of this task yet, or not all of its tests have run."""
        mine = [test for test, data in self.tests.items() if data["task"] == task]
        return task not in self.failed and (not mine or any(test not in self.finished for test in mine))

    def any_failed(self) -> bool:
        return bool(self.failed) or any(finished["outcome"] == FAILED for finished in self.finished.values())


class Verdict:
    """Fills an outcome from the findings."""

    def __init__(self, findings: Findings, explainer: Explainer, outcome: Outcome) -> None:
        self.findings, self.explainer, self.outcome = findings, explainer, outcome
        self.order = list(explainer.manifest.tasks)

    def fill(self, chosen: list[Task], from_reference: list[str], stop_at_first: bool) -> None:
        """`chosen`: the tasks to judge, in order. Tests keep the order in which they were collected."""
        unfinished = self.outcome.interrupted or (stop_at_first and self.findings.any_failed())
        failures: list[Failure] = list(self.findings.others)
        for task in chosen:
            result = TaskResult(task.id, task.title, points_possible=task.points, functions=len(task.functions),
                                from_reference=task.id in from_reference)
            words = self._judge(result, unfinished)
            if result.status == FAILED:
                result.message = words[0].text
                failures += words
            elif result.status == PASSED and not result.from_reference:
                result.points = result.points_possible
            self._say_what_is_left(result, task.file)
            self.outcome.tasks.append(result)
        self.outcome.failures = _distinct(failures)

    def _judge(self, result: TaskResult, unfinished: bool) -> list[Failure]:
        """Sets status and counts; returns the failures."""
        known = self.findings
        blocked = {known.stopped_by[result.id]} if result.id in known.stopped_by else set()
        words = [Failure(result.id, None, known.failed[result.id])] if result.id in known.failed else []
        for test, info in known.tests.items():
            if info["task"] == result.id and test in known.finished:
                self._count(result, test, words, blocked)
        if words:
            result.status = FAILED
        elif result.todo or result.id in known.to_do:
            result.status = TODO
        elif blocked:
            # What is not written yet is to do, also where its tests cannot get as far as finding out.
            result.status = TODO if self.explainer.sources.stubs(result.id) else BLOCKED
        elif result.passed and not known.is_open(result.id):
            result.status = PASSED
        elif unfinished:
            result.status, result.message = BLOCKED, "Not run to its end."
        else:
            result.status = FAILED
            number = "Not all tests" if result.passed else "No test"
            lines = [f"{result.id} failed: {result.title}",
                     f"  {number} of this task ran, so nothing says that it is right."]
            words.append(Failure(result.id, None, lines))
        if result.status != PASSED:
            result.blocked_by = sorted(blocked, key=self.order.index)
        return _distinct(words)

    def _count(self, result: TaskResult, test: str, words: list[Failure], blocked: set[str]) -> None:
        finished = self.findings.finished[test]
        kind, stub = finished["outcome"], finished.get("todo") or ("", "")
        if kind == PASSED:
            result.passed += 1
        elif kind == TODO and stub[0] == result.id:
            result.todo += 1
        elif kind == TODO and stub[0] in self.order:
            result.blocked += 1
            blocked.add(stub[0])
        else:
            result.failed += 1
            lines = finished.get("lines")
            if kind == TODO:
                lines = [f"{result.id} failed: {result.title}",
                         f"  A stub names task {stub[0]}, which does not exist."]
            elif lines is None:
                lines = self.explainer.failure(result.id, self.findings.tests[test], finished["failure"])
            words.append(Failure(result.id, test, lines))

    def _say_what_is_left(self, result: TaskResult, file: str) -> None:
        sources = self.explainer.sources
        stubs = sources.stubs(result.id)
        result.left = [name for name, _, _ in stubs]
        if result.status == TODO:
            shown, line = sources.paths.where(*(stubs[0][1:] if stubs else (file, 1)))
            result.where = f"{shown}:{line}" if stubs else shown
            result.message = (f"{len(stubs)} of {result.functions} functions left: {', '.join(result.left)}"
                              f" ({result.where})" if stubs else f"To do: {result.where}")
        elif result.status == BLOCKED and result.message is None:
            result.message = f"Blocked by {', '.join(result.blocked_by)}."


def _distinct(failures: list[Failure]) -> list[Failure]:
    return list({failure.text: failure for failure in reversed(failures)}.values())[::-1]
