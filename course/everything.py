"""`make test`: what CI runs. It judges the reference and the tooling, not a learner's work.

In the learner's edition, where there is no reference, it judges what the learner has built so far.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

from course import consistency, skeleton
from course.guide import has_begun
from course.manifest import ROOT, load
from course.parallel import in_parallel
from course.runner.parent import run_tests

PARTS = 12  # of the tooling's tests: more than there are cores, so that all cores have something to do until the end
LONGEST = "beside_torch/test_tensors.py"


class Tally:
    """Counts tests over all steps, and keeps what went wrong."""

    def __init__(self) -> None:
        self.passed = self.failed = 0
        self.problems: list[str] = []

    def step(self, title: str, problems: list[str]) -> None:
        """A step that is one test: it passed if there are no problems."""
        self.passed += not problems
        self.failed += bool(problems)
        self.problems += problems
        print(f"{title}: {'ok' if not problems else 'FAILED'}", flush=True)
        for problem in problems:
            print(f"  {problem}")


def check(root: Path = ROOT) -> int:
    """Everything, on the reference. Returns 0 if all passed."""
    print("make test judges the reference, solutions/, and the tooling. It does not judge your work in modules/:\n"
          "for that there is make test-module-0.\n", flush=True)
    started = time.monotonic()
    tally = Tally()
    stale = skeleton.out_of_step(root)
    tally.step("modules/ is in step with solutions/", [*stale, "Bring it in step: make skeleton"] if stale else [])
    tally.step("course.toml, markers, tests, handouts and texts agree", consistency.problems(root))
    for module in load(root).modules:
        print(flush=True)
        outcome = run_tests(module.number, code="solutions", profile="ci")
        tally.passed += sum(task.passed for task in outcome.tasks)
        if outcome.exit_status:
            tally.failed += max(1, sum(task.failed for task in outcome.tasks))
            tally.problems.append(f"module {module.number} does not pass on the reference")
    print("\nThe tooling's own tests (tests/course/), the notebooks among them:", flush=True)
    _pytest(root, tally)
    print(f"\n{time.monotonic() - started:.0f} seconds.")
    for problem in tally.problems:
        print(f"Problem: {problem}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or tally.problems else 0


def check_learner(root: Path = ROOT) -> int:
    """In the learner's edition: every module that was begun. Returns 0 if all of it passed."""
    print("This is the learner's edition, without the reference: make test judges what you have built so far.\n")
    status, begun = 0, False
    for module in load(root).modules:
        if not has_begun(module.number, root):
            print(f"Module {module.number}, {module.title}: not begun.")
            continue
        begun = True
        status |= run_tests(module.number).exit_status
    if not begun:
        print("\nNothing is written yet. What to do first: make next")
    return status


def _pytest(root: Path, tally: Tally) -> None:
    """The tests of the tooling, as many at a time as there are cores, each file in one process."""
    folder = root / "tests/course"
    files = [path.relative_to(root).as_posix() for path in sorted(folder.rglob("test_*.py"))]
    files.sort(key=lambda file: not file.endswith(LONGEST))  # so that nothing waits for it at the end
    parts = [files[number::PARTS] for number in range(min(PARTS, len(files)))]
    with tempfile.TemporaryDirectory() as reports:
        jobs = [lambda part=part, report=Path(reports) / f"{number}.xml": _part(root, part, report)  # type: ignore[misc]
                for number, part in enumerate(parts)]
        with closing(in_parallel(jobs)) as results:
            for place, (status, output) in results:
                print(output, flush=True)
                _count(parts[place], Path(reports) / f"{place}.xml", status, tally)


def _part(root: Path, files: list[str], report: Path) -> tuple[int, str]:
    """pytest's exit status and output for some files."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "solutions"), str(root)])}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=4", "-rs",
                           f"--junitxml={report}", *files], cwd=root, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace")
    return done.returncode, done.stdout


def _count(files: list[str], report: Path, status: int, tally: Tally) -> None:
    """Add what a report says. A part that left none, or no test, has failed."""
    if not report.exists():
        tally.failed += 1
        tally.problems.append(f"pytest ended without a report on {', '.join(files)}")
        return
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    count = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    bad = count["failures"] + count["errors"]
    tally.passed += count["tests"] - bad - count["skipped"]
    tally.failed += bad
    if count["skipped"]:
        print(f"{count['skipped']} tests could not run; the reasons stand above.")
    if status:
        tally.problems.append(f"tests/course: {bad} of {count['tests']} tests failed (pytest's status: {status})")
