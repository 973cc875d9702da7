"""From what a child saw (an exception, a crash, a hang) to the words that a learner reads.

A block is a list of lines, 80 columns wide, without color: a heading and rows "Name: value".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from course.runner.dumps import dump_frames, dump_reason
from course.runner.rows import LABEL, WIDTH, example_rows, first_line, first_paragraph, row
from course.runner.source import Sources, SyntaxProblem

# What Python, NumPy and the tracer say of a float where a whole number belongs.
_NEEDS_WHOLE = re.compile(
    r"^TypeError: ('(numpy\.)?float\d*' object cannot be interpreted as an integer|slice indices must be integers"
    r"|\w+ indices must be integers or slices, not (numpy\.)?float|an index of \w+ must be a whole number or a slice, "
    r"not (np\.float64\()?-?\d+\.)|^IndexError: only integers, slices")
_NOT_WHOLE = ("A float stands where a whole number is needed. `/` gives a float, 6 / 2 too: `//` gives a whole number. "
              "np.empty and np.zeros without a dtype hold floats.")
_THREE = "cuda.threadIdx, blockIdx, blockDim and gridDim are three numbers each: take .x of them, or .y, or .z."


@dataclass(frozen=True)
class Place:
    """A line of the root that runs: `file` is relative to the root."""

    file: str
    line: int
    function: str


class Explainer:
    """Writes the blocks of one run."""

    def __init__(self, sources: Sources) -> None:
        self.sources, self.paths, self.manifest = sources, sources.paths, sources.manifest

    # Where

    def places(self, frames: list[list[Any]]) -> list[Place]:
        """Frames (outermost first) that lie in the root."""
        found = []
        for file, line, function in frames:
            inside = self.paths.inside(file)
            if inside is not None:
                found.append(Place(inside, line, function))
        return found

    def blame(self, places: list[Place]) -> Place | None:
        """The innermost place in a file that learners write in, by the learner and not the reference where possible."""
        def own(place: Place) -> bool:
            return place.file in self.sources.files

        def from_learner(place: Place) -> bool:
            shown, _ = self.paths.where(place.file, place.line)
            return not shown.startswith("solutions/") or self.paths.shown(self.paths.root) == "solutions"

        for good in (lambda place: own(place) and from_learner(place), own, lambda place: True):
            for place in reversed(places):
                if good(place):
                    return place
        return None

    def task_of(self, place: Place | None) -> str | None:
        """The task whose function a place lies in, or whose file."""
        if place is None:
            return None
        return self.sources.owner(place.file, place.function) or self.sources.task_at(place.file, place.line)

    def at(self, place: Place) -> str:
        shown, line = self.paths.where(place.file, place.line)
        function = "" if place.function == "<module>" else f", in {place.function}"
        return f"{shown}:{line}{function}"

    def _where_rows(self, place: Place | None, task: str | None) -> list[str]:
        if place is None:
            return []
        rows = row("Where", self.at(place))
        text = self.sources.line(place.file, place.line)
        if text:
            rows.append(" " * LABEL + "  " + text[: WIDTH - LABEL - 2])
        owner = self.task_of(place)
        if task is not None and owner is not None and owner != task:
            rows += row("", f"(That line belongs to task {owner}.)")
        return rows

    # Failures

    def failure(self, task: str, test: dict[str, Any] | None, failure: dict[str, Any]) -> list[str]:
        """The block for an exception that came out of a test (or out of importing one: `test` is None)."""
        kind = failure["kind"]
        place = self.blame(self.places(failure["frames"]))
        lines = [self._heading(task, test)]
        lines += self._should_hold(test)
        if kind == "syntax":
            return self._imported_syntax(task, failure) or lines + row("Error", f"SyntaxError: {failure['message']}")
        if kind == "check":
            lines += self._check(failure)
        elif kind == "flaky":
            lines += example_rows(failure["notes"], "")
            lines += row("Problem", "Two runs with the same input gave different results. Does your code keep "
                                    "something between calls, or use random numbers?")
        elif kind == "recursion" and failure.get("recursion"):
            found = failure["recursion"]
            inside = self.paths.inside(found["file"])
            place = Place(inside, found["line"], found["function"]) if inside else None
            lines += example_rows(failure["notes"], "")
            lines += row("Problem", f"Too deep a recursion: {found['function']} calls itself, directly or through "
                                    "others, and Python allows about 1,000 levels. Is there a case that ends it? If "
                                    "there is, use a loop.")
        elif kind == "exit":
            lines += example_rows(failure["notes"], "")
            name = failure["type"]
            lines += row("Problem", f"Your code ends the program ({name}). A function returns a value or raises "
                                    "an error; it does not call sys.exit().")
        elif kind == "skipped":
            lines += row("Problem", "The test was skipped, so it judged nothing. " + first_line(failure["message"]))
        elif kind == "assert":
            lines += example_rows(failure["notes"], "")
            said = [line for line in failure["message"].strip().splitlines() if " at 0x" not in line]
            lines += row("Problem", "\n".join(said) or "An assertion does not hold.")
        else:
            lines += self._error(failure)
        if place is None and kind == "check" and failure.get("call"):
            found = self.sources.place(failure["call"], task)
            place = Place(*found) if found else None
            lines += row("Your code", self.at(place)) if place is not None else []
        elif kind != "check" or place is not None:
            lines += self._where_rows(place, task)
        lines += self._printed(failure.get("output", []))
        lines += self._test_row(test, failure)
        return lines

    def _heading(self, task: str, test: dict[str, Any] | None) -> str:
        title = self.manifest.task(task).title
        return f"{task} failed: {title}"

    def _should_hold(self, test: dict[str, Any] | None) -> list[str]:
        text = first_paragraph(test["doc"]) if test else ""
        return row("Should hold", text) if text else []

    def _check(self, failure: dict[str, Any]) -> list[str]:
        call = failure.get("call")
        rows = row("Call", call) if call else []
        rows += example_rows(failure["notes"], call or "")
        for label, name in (("Expected", "expected"), ("Got", "got"), ("Note", "note")):
            if failure.get(name) is not None:
                rows += row(label, failure[name])
        return rows

    def _error(self, failure: dict[str, Any]) -> list[str]:
        name, message = failure["type"].split(".")[-1], failure["message"].strip()
        rows = example_rows(failure["notes"], "")
        if failure["type"].startswith("hypothesis.errors."):
            words = {
                "DeadlineExceeded": "One input took much longer than the others.",
                "Unsatisfiable": "Hypothesis found no input that fits the test's conditions.",
                "FailedHealthCheck": "Hypothesis had trouble making inputs for this test.",
            }.get(name)
            if words is not None:
                return rows + row("Problem", f"{words} ({name}: {first_line(message)})")
        if name == "Debugger":
            return rows + row("Problem", message)
        if "reading from stdin while output is captured" in message:
            return rows + row("Problem", "Your code waits for input from the keyboard. Remove the call of "
                                       "input(), or of the debugger.")
        if name == "CompileError":  # the next rows say where
            return rows + row("Error", re.sub(r"^\S+:\d+: in [\w.<>]+: ", "", message))
        if name == "ImportError":
            message = re.sub(r" \([^()]*\.py\)$", "", message)  # the path of the file, which the next rows say
        rows += row("Error", f"{name}: {message}" if message else name)
        if "'Dim3'" in message:
            return rows + row("Note", _THREE)
        return rows + (row("Note", _NOT_WHOLE) if _NEEDS_WHOLE.search(f"{name}: {message}") else [])

    def _printed(self, output: list[str]) -> list[str]:
        if not output:
            return []
        return ["  Your code printed:"] + ["    " + line[: WIDTH - 4] for line in output]

    def _test_row(self, test: dict[str, Any] | None, failure: dict[str, Any] | None = None) -> list[str]:
        if test is None:
            return []
        line = test["line"]
        for file, number, function in (failure or {}).get("test_frames", []):
            if function == test["function"] and self.paths.shown(file) == self.paths.shown(test["file"]):
                line = number
        return row("Test", f"{self.paths.shown(test['file'])}:{line}, {test['name']}")

    # Files that Python cannot read

    def syntax(self, problem: SyntaxProblem, task: str | None) -> list[str]:
        """The block for a syntax error in the root."""
        shown, line = self.paths.where(problem.file, problem.line)
        head = f"{task} failed: " if task else ""
        lines = [f"{head}Python cannot read {shown}"]
        lines += row("Where", f"{shown}:{line}")
        text = self.sources.line(problem.file, problem.line) if problem.text is None else problem.text.rstrip()
        bare = text.replace("\0", "?").strip()
        if bare:
            lines.append(" " * LABEL + "  " + bare[: WIDTH - LABEL - 2])
            if problem.offset and problem.text is not None:
                column = problem.offset - 1 - (len(text) - len(text.lstrip()))
                if 0 <= column < WIDTH - LABEL - 2:
                    lines.append(" " * (LABEL + 2 + min(column, len(bare))) + "^")
        lines += row("Error", problem.message)
        return lines

    def _imported_syntax(self, task: str, failure: dict[str, Any]) -> list[str] | None:
        found = failure["syntax"]
        file = self.paths.inside(found["file"]) if found["file"] else None
        if file is None:
            return None
        problem = self.sources.problem(file) or SyntaxProblem(file, found["line"] or 1, found["offset"], found["text"],
                                                              found["message"])
        return self.syntax(problem, self.sources.task_at(file, problem.line) or task)

    def imported(self, task: str, file: str, failure: dict[str, Any]) -> list[str]:
        """The block for an exception while a test file, and with it the learner's code, was imported."""
        if failure["kind"] == "syntax":
            found = self._imported_syntax(task, failure)
            if found is not None:
                return found
        lines = self.failure(task, None, failure)
        where = f"It happened when {file} imported your code."
        name = re.match(r"cannot import name '(\w+)' from '(terox[\w.]*)'", failure["message"])
        if name is not None:
            where = f"Was {name.group(1)} renamed or removed in {name.group(2)}? The tests need it under that name."
        return lines + row("Note", where)

    def blamed_by_import(self, failure: dict[str, Any]) -> str | None:
        """The task in whose part an import failed, if the failure shows it."""
        if failure["kind"] == "syntax" and failure["syntax"]["file"]:
            file = self.paths.inside(failure["syntax"]["file"])
            return self.sources.task_at(file, failure["syntax"]["line"] or 1) if file else None
        name = re.match(r"cannot import name '(\w+)' from '(terox[\w.]*)'", failure["message"])
        if name is not None:
            file = name.group(2).replace(".", "/") + ".py"
            task = self.sources.owners.get((file, name.group(1)))
            if task is not None:
                return task
        places = self.places(failure["frames"])
        return self.task_of(self.blame(places)) if places else None

    # Crashes and hangs

    def stopped(self, task: str, test: dict[str, Any] | None, dump: str, seconds: float) -> list[str]:
        """The block for a test that did not come to an end. `dump` is faulthandler's, `seconds` its limit."""
        place = self.blame(self.places(dump_frames(dump, self.paths.inside)))
        place = self._with_full_name(place)
        lines = [self._heading(task, test)] + self._should_hold(test)
        lines += row("Problem", f"It did not come to an end: it was stopped after more than {round(seconds, 1):g} s.")
        rows = self._where_rows(place, task)
        lines += rows
        if rows:
            lines += row("Note", "This is where it was then. Is there a loop or a recursion that never ends?")
        return lines + self._test_row(test)

    def crashed(self, task: str, test: dict[str, Any] | None, dump: str, status: int | None) -> list[str]:
        """The block for a child that ended in the middle of a test."""
        frames = dump_frames(dump, self.paths.inside)
        place = self._with_full_name(self.blame(self.places(frames)))
        reason = dump_reason(dump)
        lines = [self._heading(task, test)] + self._should_hold(test)
        if reason is not None:
            words = f"Your code crashed the Python interpreter ({reason})."
            names = [tuple(frame[::2]) for frame in frames]
            if names and names.count(names[-1]) > 20:
                words += " It seems to call itself without end."
        elif status in (-9, 137):
            words = "The operating system ended Python. Did your code use up the memory?"
        else:
            words = (f"Python ended in the middle of the test, with exit status {status}. "
                     "Does your code call os._exit() or sys.exit()?")
        lines += row("Problem", words)
        lines += self._where_rows(place, task)
        if place is None:
            task_data = self.manifest.task(task)
            lines += row("Your code", self.paths.where(task_data.file, 1)[0])
        return lines + self._test_row(test)

    def _with_full_name(self, place: Place | None) -> Place | None:
        if place is None or place.function.startswith("<"):
            return place
        full = self.sources.function_at(place.file, place.line, place.function)
        return Place(place.file, place.line, full or place.function)
