"""`make grade-all`: many submissions, as many at a time as there are cores. What was graded is not graded again."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from course.grading import report
from course.grading.collect import Submission, collect
from course.grading.grade import Grader
from course.grading.results import Grade
from course.grading.tables import cell
from course.parallel import cores, in_parallel
from course.whole_files import write_whole


def kept(grader: Grader, submission: Submission, modules: list[int], state: Path) -> Grade | None:
    """The grade that an earlier call has left for the same content, grader and secret."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        grade = Grade.from_json(json.loads(_file(grader, submission, modules, state).read_text(encoding="utf-8")))
        grade.name, grade.not_offered = submission.name, list(grader.not_offered)
        return grade
    return None


def grade_and_keep(grader: Grader, submission: Submission, modules: list[int], state: Path, *,
                   workers: int = 1) -> Grade:
    """A new grade, kept for later calls unless the grader failed."""
    grade = grader.grade(submission, modules, workers=workers)
    if not grade.error:
        write_whole(_file(grader, submission, modules, state), json.dumps(grade.to_json()))
    return grade


def _file(grader: Grader, submission: Submission, modules: list[int], state: Path) -> Path:
    return state / "grades" / f"{grader.key(submission, modules)}.json"


def grade_all(grader: Grader, paths: Mapping[str, Path], modules: list[int], state: Path, reports: Path | None = None,
              workers: int | None = None) -> list[Grade]:
    """Grade all of `submissions_in`, each with a report in `reports/NAME/`.

    A submission that the grader fails on costs only itself.
    """
    bar = Bar(len(paths))

    def job(name: str, path: Path) -> tuple[Grade, bool]:
        old = None
        try:
            submission = collect(path, grader.manifest, name)
            old = kept(grader, submission, modules, state)
            grade = old or grade_and_keep(grader, submission, modules, state)
        except Exception as error:  # noqa: BLE001 - the class goes on
            grade = Grade(name, "", grader.version, error=f"{type(error).__name__}: {error}"[:300])
        if reports is not None:
            try:
                report.write(grade, reports / name)
            except OSError as error:
                grade.notes.append(f"Its report cannot be written: {error.strerror or error}.")
        return grade, old is not None

    found: dict[int, Grade] = {}
    with contextlib.closing(in_parallel([partial(job, *each) for each in paths.items()],
                                        workers=workers or cores())) as results:
        for place, (grade, is_old) in results:
            found[place] = grade
            bar.step(report.line(grade) + (" (graded before)" if is_old else ""), is_old)
    bar.end()
    return [found[place] for place in range(len(paths))]


def to_csv(grades: Sequence[Grade], modules: list[int]) -> str:
    """One row a submission: name, points of each module, total, what is odd about it, the tasks without points."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["submission", *(f"module {number}" for number in modules), "total", "notes", "tasks"])
    for grade in grades:
        notes = [grade.error and f"not graded: {grade.error}", *grade.notes]
        tasks = [f"{task.id} {task.status}" for module in grade.modules for task in module.tasks
                 if task.status != "passed"]
        points: list[object] = [module.points for module in grade.modules] or [""] * len(modules)
        writer.writerow([cell(grade.name), *points, "" if grade.error else grade.points,
                         cell("; ".join(note for note in notes if note)), cell("; ".join(tasks))])
    return text.getvalue()


class Bar:
    """How far it is, on one line of a terminal; elsewhere a line for each submission."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._old, self._start = total, 0, 0, time.monotonic()
        self._on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def step(self, text: str, is_old: bool = False) -> None:
        """One more is done. `is_old`: by an earlier call, which says nothing about the time that the others take."""
        self._done, self._old = self._done + 1, self._old + is_old
        left = (time.monotonic() - self._start) / max(1, self._done - self._old) * (self._total - self._done)
        if self._on:
            filled = 24 * self._done // max(1, self._total)
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (24 - filled)}] {self._done} of {self._total}, "
                             f"about {left / 60:.0f} min left ".ljust(79))
            sys.stderr.flush()
        else:
            print(f"{self._done} of {self._total}  {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._on and self._done:
            sys.stderr.write("\r" + " " * 79 + "\r")
            sys.stderr.flush()
