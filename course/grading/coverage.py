"""How many of the known mistakes the sealed checks catch by themselves, and whether they accept what is right.

`python -m course.grading.coverage MODULE [--task N.M] [--seed TEXT]` applies every chaff of `tests/chaffs/` to the
reference, as `make chaffs` does, and runs nothing but the sealed checks of its task; and those on the untouched
skeleton, which has to get nothing. Then it grades each wheat as a submission, which has to get all points.

An attacker may fool public tests, which run beside the code that they judge. So the sealed checks of a task have to
catch the great majority of its chaffs without them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from course import chaffs
from course.chaffs import Chaff, Wheat
from course.grading import sealed, wire
from course.grading.collect import Submission
from course.grading.grade import Grader
from course.grading.results import TaskGrade
from course.grading.sealed import Call
from course.grading.wire import Value
from course.manifest import ROOT, Manifest, Task, load
from course.parallel import cores
from course.term import count, style

LIMIT = 300.0  # seconds for all calls of a task on one source root; an endless loop is caught by it
SEED = b"coverage"


@dataclass
class Questions:
    """The calls of a task for one seed, and what is right for each. They are the same for all source roots."""

    task: str
    seed: bytes = SEED
    calls: list[Call] = field(init=False)
    expected: list[Value] = field(init=False)

    def __post_init__(self) -> None:
        self.calls = sealed.draw(self.task, self.seed)
        self.expected = sealed.expected_values(self.task, self.calls)

    def first_wrong(self, root: Path) -> str:
        """What the first wrong answer says on a source root, or "" where all are right."""
        return next(self.wrong(root), "")

    def wrong(self, root: Path) -> Iterator[str]:
        """The wrong answers on a source root, in words, one after the other."""
        answers = _ask(self.task, self.calls, root)
        for call, answer, expected in zip(self.calls, answers, self.expected):
            line = call.wrong(answer, expected)
            if line:
                yield line
        answers.close()


def _ask(task: str, calls: list[Call], root: Path) -> Generator[Value, None, None]:
    """As `sealed.ask_trusted`, with a limit of time, after which the process ends and all further answers are wrong."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root.absolute()), str(ROOT)]),
                   "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen([sys.executable, "-P", "-m", "course.grading.child"], env=environment, cwd=ROOT,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    talk = partial(wire.write, process.stdin), partial(wire.read, process.stdout)  # type: ignore[arg-type]
    try:
        for call in calls:
            try:
                yield sealed.answered(task, call, root, *talk)
            except (EOFError, OSError, wire.WireError) as error:
                yield {"kind": "raised", "type": type(error).__name__, "message": "the process has ended"}
    finally:
        timer.cancel()
        process.kill()
        with suppress(OSError):  # what was never read
            process.communicate()


@contextmanager
def with_chaff(chaff: Chaff, manifest: Manifest, root: Path = ROOT) -> Iterator[Path]:
    """A source root: the reference with one mistake."""
    file, text = chaffs.changed(chaff, manifest, root)
    with _copy(root) as code:
        (code / file).write_text(text, encoding="utf-8", newline="")
        yield code


@contextmanager
def with_wheat(wheat: Wheat, root: Path = ROOT) -> Iterator[Path]:
    """A source root: the reference with another correct solution laid over it."""
    with _copy(root) as code:
        for path in wheat.files():
            target = code / path.relative_to(wheat.folder)
            target.write_text(chaffs.laid_over(target, path), encoding="utf-8")
        yield code


@contextmanager
def _copy(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="terox-sealed-", ignore_cleanup_errors=True) as folder:
        code = Path(folder)
        shutil.copytree(root / "solutions" / "terox", code / "terox", ignore=shutil.ignore_patterns("__pycache__"))
        yield code


def judge_task(task: Task, manifest: Manifest, seed: bytes = SEED, root: Path = ROOT) -> tuple[int, list[Chaff]]:
    """(how many chaffs a task has, those that escape its sealed checks)."""
    questions = Questions(task.id, seed)
    mine = [chaff for chaff in chaffs.load_chaffs(root)[0] if chaff.task == task.id]
    escaped = []
    for chaff in mine:
        with with_chaff(chaff, manifest, root) as code:
            if not questions.first_wrong(code):
                escaped.append(chaff)
    return len(mine), escaped


def passed_by_skeleton(task: Task, seed: bytes = SEED, root: Path = ROOT) -> int:
    """How many of a task's calls the untouched skeleton answers rightly."""
    questions = Questions(task.id, seed)
    return len(questions.calls) - sum(1 for _ in questions.wrong(root / "modules"))


def without_points(wheat: Wheat, grader: Grader, root: Path = ROOT) -> list[TaskGrade]:
    """The tasks of the wheat's module that grading refuses, if the wheat is handed in."""
    files = grader.manifest.module(wheat.module).files
    with with_wheat(wheat, root) as code:
        submission = Submission(wheat.folder.name, {file: (code / file).read_text(encoding="utf-8") for file in files})
        grade = grader.grade(submission, [wheat.module], workers=cores())
    if grade.error:
        raise RuntimeError(grade.error)
    return [task for task in grade.modules[0].tasks if task.points < task.possible]


def main(arguments: list[str] | None = None) -> int:
    """Print one line for each task, wheat and escaped chaff. Returns 1 where a wheat fails or a skeleton passes."""
    parser = argparse.ArgumentParser(prog="python -m course.grading.coverage", description="Prove sealed checks.")
    parser.add_argument("module", type=int)
    parser.add_argument("--task", metavar="N.M", help="this task alone")
    parser.add_argument("--seed", default=SEED.decode(), metavar="TEXT")
    parser.add_argument("--no-wheats", action="store_true", help="chaffs and skeleton alone")
    options = parser.parse_args(arguments)
    manifest, seed, bad = load(), options.seed.encode(), 0
    module = manifest.module(options.module)
    tasks = [task for task in module.tasks if not task.id.endswith(".R") and options.task in (None, task.id)]
    for task in tasks:
        total, escaped = judge_task(task, manifest, seed)
        rate = 100.0 * (total - len(escaped)) / max(total, 1)
        skeleton = passed_by_skeleton(task, seed)
        bad += bool(skeleton)
        print(f"{task.id} {task.title}: {total - len(escaped)} of {count(total, 'chaff')} ({rate:.0f} %)"
              + (f"; {style('the skeleton passes', 'red')} {count(skeleton, 'call')}" if skeleton else ""))
        for chaff in escaped:
            print(f"    escaped: {chaff.where} {chaff.bug}: {chaff.mistake}")
        sys.stdout.flush()
    if options.no_wheats:
        return 1 if bad else 0
    with tempfile.TemporaryDirectory() as state, Grader(seed, Path(state)) as grader:
        for wheat in chaffs.load_wheats(module):
            for lost in without_points(wheat, grader):
                bad += 1
                print(f"{style('Wheat fails', 'red')}: {wheat.name(ROOT)}, {lost.id} {lost.status}: {lost.message}")
            print(f"Wheat {wheat.folder.name} graded.")
            sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
