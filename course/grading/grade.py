"""Grades a submission: each task over the reference for all others, by its public tests and its sealed checks.

What fails there is judged once more, over the submission's own functions of those tasks of the module that passed, and
of those that it builds on.

A task's points, the sum over its functions, count when both have passed, and are lost otherwise: a test judges a task,
and what of it would be whose function's, nobody can say for sure. (`make test-module-N` counts them in the same way.)
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course import policy
from course.grading import beside, reading_answers
from course.grading.box import Box, BoxError
from course.grading.collect import Submission
from course.grading.known import Knowledge, Known
from course.grading.results import FAILED, NOT_ALLOWED, NOT_JUDGED, NOT_RUN, PASSED, TODO, Grade, ModuleGrade, TaskGrade
from course.grading.sandbox import Limits
from course.grading.sealed import CheckFault
from course.grading.stage import Stage, Unreadable, fingerprint
from course.grading.words import Told, Words
from course.manifest import ROOT, Task, load
from course.parallel import in_parallel
from course.runner.source import PathMap, Sources
from course.term import count


@dataclass(frozen=True)
class Patience:
    """Seconds: that a test may go without a sign of life, that an answer may take, that a job may compute, that it may
    last, and that all of a submission may. Nothing honest comes near the last two: the first two end it before.
    """

    test: float = 10.0
    answer: float = 20.0
    job: float = 180.0
    wall: float = 360.0
    submission: float = 2400.0


class Grader:
    """Everything that lasts longer than one submission. Use as a context manager; threads may share it."""

    def __init__(self, secret: bytes, state: Path, *, root: Path = ROOT, trusted: bool = False,
                 patience: Patience | None = None, policed: bool = True) -> None:
        """`policed`: whether the text is read for what is not allowed. (Without, the attacks meet the sandbox.)"""
        self.manifest, self.root, self.patience = load(root), root, patience or Patience()
        self._trusted, self._lock, self._policy = trusted, threading.Lock(), policed
        self._idle: list[Box] = []
        self._boxes: list[Box] = []  # all that are open
        self._stopped = False
        self.version = fingerprint(root)
        self.stage = Stage(self.manifest, root, links=not trusted)
        try:
            self.knowledge = Knowledge(self.stage, state, secret, self.version)
            self._words = Words(root / "solutions", [
                self.stage.grader, self.stage.folder, root, Path(tempfile.gettempdir()), Path(sys.prefix),
                Path(sys.base_prefix)], secret)
            with self._box() as box:  # says at once what the system does not offer
                self.not_offered = box.missing
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _box(self) -> Iterator[Box]:
        with self._lock:
            box = self._idle.pop() if self._idle else None
        if box is None:
            limits = Limits(cpu=int(self.patience.job), wall=self.patience.wall)
            box = Box(self.stage.grader, trusted=self._trusted, limits=limits)
            self._boxes.append(box)
        try:
            if self._stopped:
                raise KeyboardInterrupt
            yield box
        except BaseException:
            self._boxes.remove(box)
            box.close()
            raise
        with self._lock:
            self._idle.append(box)

    def stop(self) -> None:
        """Let all that runs end now, in every thread. Nothing can be graded any more. (For a signal's handler.)"""
        self._stopped = True
        for box in self._boxes:
            box.hang_up()

    def close(self) -> None:
        """End all processes and delete all folders."""
        for box in self._idle:
            box.close()
        self._idle.clear()
        self.stage.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # One submission

    def key(self, submission: Submission, modules: list[int]) -> str:
        """Under which a submission's grade is kept."""
        return self.knowledge.key(submission.digest(), str(modules), str(self._trusted))

    def grade(self, submission: Submission, modules: list[int], *, workers: int = 1) -> Grade:
        """Grade some modules. A fault of the grader itself is told as `error`, with no points."""
        tasks = [task for number in modules for task in self.manifest.module(number).tasks]
        grade = Grade(submission.name, submission.digest(), self.version, [], list(submission.notes),
                      list(self.not_offered))
        submission.spent = 0.0
        try:
            found = self._all([(task, None) for task in tasks], submission, workers)
            for again in (beside.what_passed, beside.what_it_needs):
                more = self._all(again(found, submission, self.manifest), submission, workers)
                found |= {task: result for task, result in more.items() if result.status == PASSED}
            grade.notes += [f"{task}: {result.message}" for task, result in found.items()
                            if result.status == NOT_JUDGED]
        except Exception as error:  # noqa: BLE001 - it costs this submission's grade, and no other's
            grade.error = self._words.clean(f"{type(error).__name__}: {error}")
            return grade
        for number in modules:
            module = self.manifest.module(number)
            grade.modules.append(ModuleGrade(number, module.title, [found[task.id] for task in module.tasks]))
        return grade

    def _all(self, wanted: Sequence[tuple[Task, list[Task] | None]], submission: Submission,
             workers: int) -> dict[str, TaskGrade]:
        """Judge tasks, each beside the submission's own functions of some others (None: and without its helpers)."""
        found: dict[str, TaskGrade] = {}
        jobs = [lambda task=task, own=own: self._task(task, submission, own)  # type: ignore[misc]
                for task, own in wanted]
        with contextlib.closing(in_parallel(jobs, workers=workers)) as results:
            for place, result in results:
                found[wanted[place][0].id] = result
        return {task.id: found[task.id] for task, _ in wanted}

    def _task(self, task: Task, submission: Submission, own: list[Task] | None) -> TaskGrade:
        """A box that fails may have been harmed by something else: a second one is tried.

        What a submission brings the grader's own code to is this task's, and for somebody to look at.
        """
        for attempt in range(2):
            try:
                return self._judge(task, submission, own)
            except BoxError:
                if attempt:
                    raise
            except (CheckFault, OSError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001
                said = self._words.clean(f"The grader cannot judge it: {type(error).__name__}: {str(error)[:200]}")
                return TaskGrade(task.id, task.title, dict(task.functions), NOT_JUDGED, message=said)
        raise AssertionError

    def _judge(self, task: Task, submission: Submission, own: list[Task] | None) -> TaskGrade:
        result = TaskGrade(task.id, task.title, dict(task.functions), beside=[each.id for each in own or ()])
        if not any(file in submission.files for file in task.files):
            reasons = [f"{file} is left out: {submission.left_out[file]}." for file in task.files
                       if file in submission.left_out]
            result.message = " ".join(reasons) or f"There is no {task.file} in the submission."
            return result
        if submission.spent > self.patience.submission:
            result.status = FAILED
            result.message = f"It was not run: all before has taken more than {self.patience.submission:g} s."
            return result
        with tempfile.TemporaryDirectory(dir=self.stage.folder, ignore_cleanup_errors=True) as folder:
            tree = Path(folder)
            try:
                paths = self.stage.tree(task, self._files_for(task, submission, own), tree, own)
            except Unreadable as error:
                result.status, result.message = FAILED, self._words.clean(str(error))
                return result
            if self._before_running(task, result, paths):
                return result
            if task.id.endswith(".R"):
                text = (tree / task.file).read_text(encoding="utf-8")
                result.message = reading_answers.judge(task.module, text, self.root / "tests")
                result.public = FAILED if result.message else PASSED
                result.sealed = NOT_RUN if result.message else PASSED
            else:
                with self._box() as box:
                    begin = time.monotonic()
                    self._run(task, result, paths, box)
                    submission.spent += time.monotonic() - begin
        gone = _gone(task, submission) if result.message else []
        if gone:
            result.message = f"There is no function {', '.join(gone)} in {task.file}.\n{result.message}"
        result.message = self._words.clean(result.message, tree)
        agreed = result.public == PASSED and result.sealed == PASSED
        result.status = PASSED if agreed else FAILED
        result.points = result.possible if agreed else 0
        return result

    def _files_for(self, task: Task, submission: Submission, own: list[Task] | None) -> dict[str, str]:
        """The submission's files. Of others than the task's own, none with what the task may not use."""
        if own is None or not self._policy:
            return submission.files
        return {file: text for file, text in submission.files.items()
                if file in task.files or not policy.hits(task.id, text)}

    def _before_running(self, task: Task, result: TaskGrade, paths: PathMap) -> bool:
        """What the text alone says. True where that is all there is to say."""
        sources = Sources(paths.root, self.manifest, paths)
        stubs = sources.stubs(task.id)
        if stubs:
            names = ", ".join(name for name, _, _ in stubs)
            result.status = TODO
            result.message = f"{len(stubs)} of {count(len(task.functions), 'function')} to do: {names}."
            return True
        for file in paths.lines if self._policy else ():
            text = "".join(line + "\n" for line in sources.lines(file))
            for hit in policy.hits(task.id, text):
                origin, line = paths.lines[file][min(hit.line, len(paths.lines[file])) - 1]
                if origin == paths.root / file:  # and not a line of another task's reference
                    result.policy.append(f"{file}:{line} uses {hit.what}.")
        if result.policy:
            result.status = NOT_ALLOWED
            result.message = self._words.clean("A task may not use this: " + " ".join(result.policy[:5]))
            result.policy = [self._words.clean(each) for each in result.policy[:20]]
        return bool(result.policy)

    def _run(self, task: Task, result: TaskGrade, paths: PathMap, box: Box) -> None:
        known = self.knowledge.of(task, box)
        wrong = self._public(task, paths, known, box)
        result.public = FAILED if wrong else PASSED
        if not wrong:
            wrong = self._sealed(task, paths.root, known, box)
            result.sealed = FAILED if wrong else PASSED
        result.message = wrong

    def _public(self, task: Task, paths: PathMap, known: Known, box: Box) -> str:
        wrong = ""
        for _ in range(2):  # a machine may stand still for a moment: what was late without computing gets a second try
            events, words, ended = box.tests(paths.root, task.id, self.stage.test_files(task),
                                             list(self.manifest.tasks), limit=self.patience.test,
                                             kernels=known.kernels)
            asleep = ended == "time" and "Timeout" not in words
            limit = self.patience.wall if asleep else self.patience.test
            wrong = Told(self.manifest, paths, events).verdict(task.id, known.tests, words, ended, limit)
            if "Timeout" not in words or box.cpu > self.patience.test / 2:
                break
        return wrong

    def _sealed(self, task: Task, tree: Path, known: Known, box: Box) -> str:
        wrong, call = "", known.calls[0]
        for _ in range(2):
            late, wrong, answered = False, "", 0
            with contextlib.closing(box.ask(tree, task.id, known.calls, limit=self.patience.answer,  # type: ignore[type-var]
                                            kernels=known.kernels)) as answers:
                for call, answer, expected in zip(known.calls, answers, known.expected):
                    answered += 1
                    wrong = call.wrong(answer, expected)
                    if wrong:
                        late = isinstance(answer, dict) and "within" in str(answer.get("message"))
                        break
            if not wrong and answered < len(known.calls):
                wrong = "not all questions were answered"
            if not late or box.cpu > self.patience.answer / 2:
                break
        if not wrong:
            return ""
        return f"{task.id} failed: the public tests pass, but {wrong}.\nAsked: {call.asked()}"


def _gone(task: Task, submission: Submission) -> list[str]:
    """The task's functions whose names stand nowhere in the submission's files: renamed, or deleted."""
    return [name for name in task.functions if not re.search(
        rf"\b{re.escape(name.split('.')[-1])}\b", submission.files.get(task.file_of(name), ""))]
