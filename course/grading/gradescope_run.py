"""In Gradescope's container: grade the submission, and write what Gradescope reads. `run_autograder` calls it.

    python -m course.grading.gradescope_run grade --module 2 --submission DIR --results results.json
    python -m course.grading.gradescope_run warm --module 2        when the image is built: the reference, once

`results.json` is there from the first moment on, with no points and a sentence, and is replaced by the outcome:
whatever happens to the grader, Gradescope never finds an empty file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from course.manifest import ROOT, load
from course.whole_files import write_whole

SECRET = ROOT / "secret"  # beside the course in the autograder's zip
TIMEOUT = 2100.0  # seconds; Gradescope ends a run after 40 minutes at most
AFTER_DUE_DATE = "after_due_date"
NOT_GRADED = ("The grader did not finish, and it cannot tell whose fault that is. You have no points for this "
              "submission; hand it in once more. If that does not help, tell your instructor.")
HIDDEN = "The public tests pass, and a check with other inputs does not. What it asked is shown after the due date."


def results(report: dict[str, Any]) -> dict[str, Any]:
    """What Gradescope wants, from a grade's JSON (`Grade.to_json`). Raises KeyError or TypeError for anything else.

    What a sealed check asked is shown after the due date only; that it failed, at once.
    """
    if report["error"]:
        return failure(report["error"])
    tests: list[dict[str, Any]] = []
    done = 0
    for module in report["modules"]:
        for task in module["tasks"]:
            passed = task["status"] == "passed"
            done += passed
            hidden = task["public"] == "passed" and task["sealed"] == "failed"
            said = HIDDEN if hidden else task["message"] or ("Passed." if passed else task["status"])
            tests.append(_test(f"{task['id']} {task['title']}", task["id"], task["points"], task["possible"], passed,
                               said, "visible"))
            if hidden:
                tests.append(_test(f"{task['id']}: what failed", f"{task['id']}.1", 0, 0, False, task["message"],
                                   AFTER_DUE_DATE))
    notes = [*report["notes"], *(f"On this machine: {each}" for each in report["not_offered"])]
    return {
        "score": report["points"], "output": "\n".join(report["notes"]), "output_format": "text",
        "visibility": "visible", "stdout_visibility": "hidden", "tests": tests,
        "leaderboard": [{"name": "Points", "value": report["points"], "order": "desc"},
                        {"name": "Tasks", "value": done, "order": "desc"}],
        "extra_data": {"digest": report["digest"], "grader": report["grader"], "notes": notes},
    }


def failure(reason: str) -> dict[str, Any]:
    """No points, and why; the reason itself is for the instructor."""
    return {
        "score": 0, "output": NOT_GRADED, "output_format": "text", "visibility": "visible",
        "stdout_visibility": "hidden", "leaderboard": [],
        "tests": [_test("The grader", "0", 0, 0, False, NOT_GRADED, "visible"),
                  _test("What the grader said", "0.1", 0, 0, False, reason or "Nothing.", "hidden")],
    }


def _test(name: str, number: str, score: float, most: float, passed: bool, output: str, seen: str) -> dict[str, Any]:
    return {"name": name, "number": number, "score": score, "max_score": most,
            "status": "passed" if passed else "failed", "output": output, "output_format": "text", "visibility": seen}


def write(path: Path, outcome: dict[str, Any]) -> None:
    write_whole(path, json.dumps(outcome, indent=1, ensure_ascii=True) + "\n")


def grade_in_child(module: int, submission: Path, state: Path, *, trust: bool = False,
                   seconds: float = TIMEOUT) -> dict[str, Any]:
    """The grade's JSON, made by a process of its own, so that its end is not ours. Raises RuntimeError if it fails."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "course.grading.gradescope_run", "judge", "--module", str(module),
                   "--submission", str(submission), "--state", str(state), "--results", str(report),
                   *(["--trust"] if trust else [])]
        try:
            done = subprocess.run(command, cwd=ROOT, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"The grader took more than {seconds:g} seconds.") from error
        if done.returncode or not report.is_file():
            said = done.stderr.decode("utf-8", "replace")[-2000:]
            raise RuntimeError(f"The grader ended with status {done.returncode}. {said}")
        return json.loads(report.read_text(encoding="utf-8"))


def grade(module: int, submission: Path, path: Path, state: Path,
          judge: Callable[[int, Path, Path], dict[str, Any]] = grade_in_child) -> int:
    """Write results.json. Always returns 0: for Gradescope, the file is what counts."""
    write(path, failure("The grader was stopped before it was done."))
    try:
        outcome = results(judge(module, submission, state))
    except Exception as error:  # noqa: BLE001 - whatever it is, the file has to say something
        outcome = failure(f"{type(error).__name__}: {error}")
    write(path, outcome)
    return 0


def judge_here(module: int, submission: Path, state: Path, *, trust: bool = False) -> dict[str, Any]:
    """Grade in this process."""
    from course.grading.collect import collect
    from course.grading.grade import Grader

    with Grader(SECRET.read_bytes(), state, trusted=trust) as grader:
        return grader.grade(collect(submission, load(ROOT)), [module]).to_json()


def warm(module: int, state: Path, *, trust: bool = False) -> int:
    """Grade the reference: what it answers is kept in `state`, and the image proves that it can grade at all."""
    report = judge_here(module, ROOT / "solutions", state, trust=trust)
    wrong = [f"{task['id']}: {task['message']}" for each in report["modules"] for task in each["tasks"]
             if task["status"] != "passed"]
    for line in [*wrong, *([report["error"]] if report["error"] else [])]:
        print(line)
    for each in report["not_offered"]:
        print(f"This machine does not offer: {each}")
    if wrong or report["error"]:
        return 1
    print(f"Ready to grade: the reference has {report['points']} of {report['possible']} points.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course.grading.gradescope_run", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("grade", "judge", "warm"))
    parser.add_argument("--module", type=int, required=True)
    parser.add_argument("--submission", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("--state", type=Path, default=ROOT / ".terox" / "grading")
    options = parser.parse_args(arguments)
    if options.what == "warm":
        return warm(options.module, options.state, trust=options.trust)
    if options.submission is None or options.results is None:
        parser.error("--submission and --results are needed")
    if options.what == "grade":
        return grade(options.module, options.submission, options.results, options.state,
                     partial(grade_in_child, trust=options.trust))
    write(options.results, judge_here(options.module, options.submission, options.state, trust=options.trust))
    return 0


if __name__ == "__main__":
    sys.exit(main())
