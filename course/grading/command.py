"""Carries out `python -m course grade` and `grade-all`; `course/grade_arguments.py` has what they take."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from course.grading import report
from course.grading.box import BoxError
from course.grading.collect import collect, submissions_in
from course.grading.grade import Grader
from course.grading.known import SecretError, load_secret
from course.grading.sealed import CheckFault
from course.grading.whole_class import grade_all, grade_kept, to_csv
from course.manifest import ROOT, Manifest, load
from course.runner.outcome import UsageError
from course.runner.overlay import parse_reference


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
    secret = load_secret(options.state, options.secret)
    with Grader(secret, options.state, trusted=options.trust) as grader:
        for sentence in grader.not_offered:
            print(f"NOT closed off on this system: {sentence}.", file=sys.stderr)
        if whole_class:
            return _all(options, grader, modules)
        submission = collect(Path(os.path.abspath(place)), grader.manifest)
        grade = grade_kept(grader, submission, modules, options.state, workers=options.workers)
    out = options.out or ROOT / "build/grades" / grade.name
    report.write(grade, out)
    print(*report.summary(grade), f"Report: {out / report.REPORT}", sep="\n")
    return 1 if grade.error else 0


def _all(options: argparse.Namespace, grader: Grader, modules: list[int]) -> int:
    paths, others = submissions_in(options.submissions)
    if others:
        print(f"Not graded, being no folder, zip or tar file: {', '.join(others)}.", file=sys.stderr)
    if not paths:
        raise UsageError(f"{options.submissions} holds no folder, zip or tar file.")
    out = options.out
    reports = options.reports or (out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-reports"))
    for path, is_right in ((out, not out.is_dir()), (reports, reports.is_dir() or not reports.exists())):
        if not is_right:
            raise UsageError(f"{path} exists already, and is {'a folder' if path.is_dir() else 'no folder'}.")
    grades = grade_all(grader, paths, modules, options.state, reports, options.workers)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_csv(grades, modules), encoding="utf-8")
    failed = [grade for grade in grades if grade.error]
    for grade in failed:
        print(f"Not graded: {grade.name}: {grade.error}", file=sys.stderr)
    print(f"{len(grades) - len(failed)} of {len(grades)} submissions graded: {out}; the reports: {reports}")
    return 1 if failed else 0


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
