"""Carries out `python -m course grade` and `grade-all`; `course/grade_arguments.py` has what they take."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from course.grading import report
from course.grading.box import BoxError
from course.grading.collect import collect, is_one, submissions_in
from course.grading.grade import Grader
from course.grading.known import SecretError, load_secret
from course.grading.results import Grade
from course.grading.sealed import CheckFault
from course.grading.whole_class import grade_all, grade_and_keep, kept, to_csv
from course.manifest import ROOT, Manifest, load
from course.runner.outcome import UsageError
from course.runner.overlay import parse_reference
from course.term import count
from course.whole_files import write_whole


def run(options: argparse.Namespace) -> int:
    """Carry out parsed arguments. Returns 0 when all were graded, 1 when not, 2 for a wrong call."""
    try:
        return _run(options)
    except (UsageError, SecretError, BoxError, CheckFault, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    whole_class = hasattr(options, "submissions")
    modules = _modules(options.modules, load(ROOT))
    place = options.submissions if whole_class else options.submission
    if not place.exists() or (whole_class and not place.is_dir()):
        raise UsageError(f"There is no {'folder' if whole_class else 'submission'} {place}.")
    if whole_class:
        out, reports, paths = _places(options)
    secret = load_secret(options.state, options.secret)
    with Grader(secret, options.state, trusted=options.trust) as grader, stopped_by_signals(grader):
        if _is_new(options.state, grader.version):
            print("The course has changed since the last call: what was graded before is graded anew.", file=sys.stderr)
        for sentence in grader.not_offered:
            print(f"NOT closed off on this system: {sentence}.", file=sys.stderr)
        new = [task for number in modules for task in grader.manifest.module(number).tasks
               if not task.id.endswith(".R") and not grader.knowledge.is_kept(task)]
        if new:
            print(f"First, and once with this secret, the reference is judged: {count(len(new), 'task')}, some minutes "
                  "for all.", file=sys.stderr, flush=True)
        if whole_class:
            try:
                grades = grade_all(grader, paths, modules, options.state, reports, options.workers)
            except KeyboardInterrupt:
                print("What is graded is kept: the same command goes on.", file=sys.stderr)
                raise
            return _say_all(grades, modules, out, reports)
        submission = collect(Path(os.path.abspath(place)), grader.manifest)
        grade = kept(grader, submission, modules, options.state) or grade_and_keep(
            grader, submission, modules, options.state, workers=options.workers)
    folder = options.out or ROOT / "build/grades" / grade.name
    report.write(grade, folder)
    print(*report.summary(grade), f"Report: {folder / report.REPORT}", sep="\n")
    return 1 if grade.error else 0


@contextlib.contextmanager
def stopped_by_signals(grader: Grader) -> Iterator[None]:
    """Ctrl-C and `kill` end what runs at once; then all folders are deleted, as at any other end."""
    def stop(number: int, frame: object) -> None:
        grader.stop()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _places(options: argparse.Namespace) -> tuple[Path, Path, dict[str, Path]]:
    """Where the table and the reports go, and the submissions by name. Raises UsageError before anything is done."""
    folder, out = options.submissions, options.out
    reports = options.reports or (out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-reports"))
    if is_one(folder):
        raise UsageError(f"{folder} looks like one submission: make grade SUBMISSION={folder}")
    for path in (out, reports):
        if folder.resolve() in (path.resolve(), *path.resolve().parents):
            raise UsageError(f"{path} would be written among the submissions: choose another OUT, outside of {folder} "
                             "and of another name.")
    for path, is_right in ((out, not out.is_dir()), (reports, reports.is_dir() or not reports.exists())):
        if not is_right:
            raise UsageError(f"{path} exists already, and is {'a folder' if path.is_dir() else 'no folder'}.")
    paths = submissions_in(folder)
    if not paths:
        raise UsageError(f"{folder} is empty.")
    return out, reports, paths


def _say_all(grades: list[Grade], modules: list[int], out: Path, reports: Path) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_csv(grades, modules), encoding="utf-8")
    failed = [grade for grade in grades if grade.error]
    odd = [grade for grade in grades if grade.notes and not grade.error]
    for grade in failed:
        print(f"Not graded: {grade.name}: {grade.error}", file=sys.stderr)
    print(f"{len(grades) - len(failed)} of {len(grades)} submissions graded: {out}; the reports: {reports}")
    if odd:
        print("Somebody should look at: " + ", ".join(grade.name for grade in odd) + ". (The column notes says why.)")
    return 1 if failed else 0


def _is_new(state: Path, version: str) -> bool:
    """Whether an earlier call was made with another version of the course. Notes this one."""
    file = state / "version"
    with contextlib.suppress(OSError):
        before = file.read_text(encoding="utf-8").strip() if file.is_file() else version
        write_whole(file, f"{version}\n")
        return before != version
    return False


def _modules(text: str, manifest: Manifest) -> list[int]:
    """The numbers that "0-2,4" names; all for "". Raises UsageError."""
    if not text:
        return [module.number for module in manifest.modules]
    if "." in text:
        raise UsageError(f"MODULES={text}: whole modules only, for example 0-2,4.")
    try:
        return sorted({manifest.task(task).module for task in parse_reference(text, manifest)})
    except UsageError as error:
        raise UsageError(str(error).replace("REFERENCE=", "MODULES=").replace("0-1,2.1-2.3", "0-2,4")) from error
