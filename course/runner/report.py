"""The report on the terminal: plain lines of at most 80 columns; color only says again what a word says."""

from __future__ import annotations

import os
import sys
import textwrap
import time

from course.manifest import Manifest
from course.runner.outcome import BLOCKED, FAILED, PASSED, TODO, Outcome, TaskResult
from course.term import WIDTH, in_color

MORE = 20  # failures that -v shows at most
_COLORS = {PASSED: "32", FAILED: "31", TODO: "33", BLOCKED: "36", "bold": "1"}
_WORDS = {PASSED: "passed", FAILED: "failed", TODO: "to do", BLOCKED: "blocked"}


class Progress:
    """One line that says what runs, on a terminal only."""

    def __init__(self, wanted: bool) -> None:
        self._on = wanted and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._total, self._last, self._shown = 0, 0.0, False

    def total(self, tests: int) -> None:
        self._total = tests

    def test(self, task: str, done: int) -> None:
        now = time.monotonic()
        if self._on and now - self._last > 0.1:
            self._last, self._shown = now, True
            sys.stderr.write(f"\r{task}: {done} of {self._total} tests".ljust(40))
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * 40 + "\r")
            sys.stderr.flush()
            self._shown = False


def report(outcome: Outcome, manifest: Manifest | None, *, verbose: bool = False) -> None:
    """Print what was found. A wrong call goes to stderr, everything else to stdout."""
    if outcome.usage:
        print("\n".join(outcome.problems), file=sys.stderr)
        return
    text = "\n".join(lines(outcome, manifest, verbose=verbose, color=in_color()))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding))
    sys.stdout.flush()


def lines(outcome: Outcome, manifest: Manifest | None, *, verbose: bool = False, color: bool = False) -> list[str]:
    """The report, line by line."""
    def paint(text: str, style: str) -> str:
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if color else text

    found = [paint(f"Module {outcome.module}: {outcome.title} (on {outcome.code})", "bold")]
    if outcome.device:
        before = {"simulator": "in the", "Numba's simulator": "in"}.get(outcome.device, "on")
        found.append(f"  Kernels for the GPU ran {before} {outcome.device}.")
    for task in outcome.tasks:
        status = paint(_WORDS[task.status].ljust(8), task.status)
        head, *rest = textwrap.wrap(_task_text(task), WIDTH - 15, break_on_hyphens=False, break_long_words=False)
        found.append(f"  {task.id:<4} {status} {head}".rstrip())
        found += [" " * 16 + line for line in rest]
    if outcome.failures:
        shown = outcome.failures[:MORE if verbose else 1]
        for failure in shown:
            first, *block = failure.lines
            found += ["", paint(first, FAILED), *block]
        others = len(outcome.failures) - len(shown)
        if others:
            more = "Add V=1 to see more of them." if not verbose else ""
            verb = "failure is" if others == 1 else "failures are"
            found += ["", f"{others} other {verb} not shown. {more}".rstrip()]
    for problem in outcome.problems:
        found += ["", paint("The tests could not judge everything.", FAILED), *problem.splitlines()]
    if outcome.interrupted:
        found += ["", "Stopped by you (Ctrl-C): this is what was known until then."]
    return [*found, "", *_summary(outcome, manifest)]


def _task_text(task: TaskResult) -> str:
    title = task.title + (" (from the reference)" if task.from_reference else "")
    if task.status == PASSED:
        return f"{_tests(task.passed)}  {title}"
    if task.status == FAILED:
        ran = task.passed + task.failed + task.todo + task.blocked
        return f"{task.failed} of {_tests(ran)}  {title}" if ran else title
    if task.status == TODO:
        if not task.left:
            return f"{title}: {task.where}"
        more = f", {len(task.left) - 1} more" if len(task.left) > 1 else ""
        passed = f"; {_tests(task.passed)} passed so far" if task.passed else ""
        return f"{task.left[0]} at {task.where}{more}{passed}"
    by = f"by {', '.join(task.blocked_by)}" if task.blocked_by else "not run to its end"
    return f"{by}  {title}"


def _tests(number: int) -> str:
    return f"{number} test" if number == 1 else f"{number} tests"


def _summary(outcome: Outcome, manifest: Manifest | None) -> list[str]:
    passed = sum(task.status == PASSED for task in outcome.tasks)
    total = len(outcome.tasks)
    found = [f"{passed} of {total} {'task' if total == 1 else 'tasks'} passed, "
             f"{outcome.points} of {outcome.points_possible} points."]
    if outcome.exit_status == 0:
        return found + _next_module(outcome, manifest)
    if outcome.interrupted:
        return [*found, f"Next: make test-module-{outcome.module}"]
    for status in (FAILED, TODO, BLOCKED):
        task = next((task for task in outcome.tasks if task.status == status), None)
        if task is not None and not task.from_reference:
            asked = task.id if status != BLOCKED or not task.blocked_by else task.blocked_by[0]
            if status == TODO:
                return [*found, f"Next: make next, which says what to do (stuck? make hint TASK={asked})"]
            return [*found, f"Next: make hint TASK={asked}"]
    return found


def _next_module(outcome: Outcome, manifest: Manifest | None) -> list[str]:
    if manifest is None or not outcome.code.rstrip("/").endswith("modules"):
        return []
    module = manifest.module(outcome.module)
    if len(outcome.tasks) < len(module.tasks):
        return ["Next: make next"]
    found = [f"Module {module.number} is done."]
    if module.reaches:
        found += textwrap.wrap(module.reaches, WIDTH)
    if module.train:
        found.append(f"Next: make train MODULE={module.number}")
    later = [other for other in manifest.modules if other.number > module.number]
    if later:
        other = min(later, key=lambda entry: entry.number)
        word = "Then" if module.train else "Next"
        found.append(f"{word}: module {other.number}, {other.title}: modules/{other.package}/README.md")
    return found
