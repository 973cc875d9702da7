"""The report on one submission: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from course.grading.results import PASSED, Grade, TaskGrade
from course.whole_files import write_whole

RESULTS, REPORT = "results.json", "report.md"


def write(grade: Grade, folder: Path) -> None:
    """Write both into `folder`, which is made."""
    write_whole(folder / RESULTS, json.dumps(grade.to_json(), indent=1, ensure_ascii=False) + "\n")
    write_whole(folder / REPORT, markdown(grade))


def markdown(grade: Grade) -> str:
    """The report. Words that come from the submission stand in code blocks, where Markdown means nothing."""
    lines = [f"# {_escaped(grade.name)}", ""]
    if grade.error:
        return "\n".join([*lines, "**Not graded.** The grader itself failed; this says nothing about the submission.",
                          "", *_block(grade.error), ""])
    lines += [f"**{grade.points} of {grade.possible} points.**", ""]
    lines += [f"- {_escaped(note)}" for note in grade.notes]
    lines += [f"- Not closed off on this system: {each}." for each in grade.not_offered]
    lines += [""] if grade.notes or grade.not_offered else []
    for module in grade.modules:
        lines += [f"## Module {module.number}, {module.title}: {module.points} of {module.possible} points", "",
                  "| task | | public tests | sealed checks | points |", "|---|---|---|---|---|"]
        lines += [f"| {task.id} {task.title} | {task.status} | {task.public} | {task.sealed} "
                  f"| {task.points} of {task.possible} |" for task in module.tasks]
        lines.append("")
        for task in module.tasks:
            if task.status != PASSED:
                lines += _details(task)
            elif task.beside:
                lines += [f"{task.id} passed beside the submission's own {', '.join(task.beside)}, not over the "
                          "reference's.", ""]
    lines += ["A task has all of its points, the sum over its functions, or none: it needs its public tests and its "
              "sealed checks to pass, over the reference for all other tasks. Sealed checks run once the public tests "
              f"pass. Of a task that fails, the first failure is shown. Grader {grade.grader}.", ""]
    return "\n".join(lines)


def _details(task: TaskGrade) -> list[str]:
    functions = ", ".join(f"`{name}` {points}" for name, points in task.functions.items())
    lines = [f"### {task.id} {task.title}: {task.status}", "",
             f"Functions: {functions}; together {task.possible} points or none.", ""]
    return [*lines, *_block(task.message), ""] if task.message else lines


def _block(text: str) -> list[str]:
    return ["    " + line for line in text.splitlines()]


def _plain(text: str) -> str:
    """One line for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


def _escaped(text: str) -> str:
    """One line in which Markdown means nothing."""
    return "".join(f"\\{letter}" if letter in "`*_[]<>|#\\&" else letter for letter in _plain(text))


def line(grade: Grade) -> str:
    """The outcome in one line."""
    if grade.error:
        return f"{_plain(grade.name)}: not graded"
    notes = f" ({_plain('; '.join(grade.notes))})" if grade.notes else ""
    return f"{_plain(grade.name)}: {grade.points} of {grade.possible}{notes}"


def summary(grade: Grade) -> list[str]:
    """A few lines for the terminal."""
    if grade.error:
        return [f"{_plain(grade.name)}: not graded. {grade.error}"]
    lines = [f"{_plain(grade.name)}: {grade.points} of {grade.possible} points"]
    lines += [f"  Note: {_plain(note)}" for note in grade.notes]
    for module in grade.modules:
        lines.append(f"  Module {module.number}, {module.title}: {module.points} of {module.possible}")
        for task in module.tasks:
            if task.status != PASSED:
                first = task.message.partition("\n")[0].removeprefix(f"{task.id} failed: ")
                lines.append(f"    {task.id} {task.status}: " + textwrap.shorten(first, 100, placeholder=" ..."))
    return lines
