"""The report on one submission: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

from course.grading.known import write_whole
from course.grading.results import PASSED, Grade, TaskGrade

RESULTS, REPORT = "results.json", "report.md"


def write(grade: Grade, folder: Path) -> None:
    """Write both into `folder`, which is made."""
    write_whole(folder / RESULTS, (json.dumps(grade.to_json(), indent=1, ensure_ascii=False) + "\n").encode())
    write_whole(folder / REPORT, markdown(grade).encode())


def markdown(grade: Grade) -> str:
    """The report. Words that come from the submission stand in code blocks, where Markdown means nothing."""
    lines = [f"# {_plain(grade.name)}", ""]
    if grade.error:
        return "\n".join([*lines, "**Not graded.** The grader itself failed; this says nothing about the submission.",
                          "", *_block(grade.error), ""])
    lines += [f"**{grade.points} of {grade.possible} points.**", ""]
    lines += [f"- {_plain(note)}" for note in grade.notes]
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
    lines += ["A task's points count when its public tests and its sealed checks both pass, over the reference for all "
              f"other tasks. Sealed checks run once the public tests pass. Grader {grade.grader}.", ""]
    return "\n".join(lines)


def _details(task: TaskGrade) -> list[str]:
    functions = ", ".join(f"`{name}` {points}" for name, points in task.functions.items())
    lines = [f"### {task.id} {task.title}: {task.status}", "", f"Functions and their points: {functions}.", ""]
    return [*lines, *_block(task.message), ""] if task.message else lines


def _block(text: str) -> list[str]:
    return ["    " + line for line in text.splitlines()]


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() and letter not in "`*_[]<>|#\\" else "?" for letter in text)[:200]


def summary(grade: Grade) -> list[str]:
    """A few lines for the terminal."""
    if grade.error:
        return [f"{_plain(grade.name)}: not graded. {grade.error}"]
    lines = [f"{_plain(grade.name)}: {grade.points} of {grade.possible} points"]
    lines += [f"  Note: {_plain(note)}" for note in grade.notes]
    for module in grade.modules:
        lines.append(f"  Module {module.number}, {module.title}: {module.points} of {module.possible}")
        for task in module.tasks:
            first = task.message.splitlines()[0] if task.message else ""
            if task.status != PASSED:
                lines.append(f"    {task.id} {task.status}: {first}"[:118])
    return lines
