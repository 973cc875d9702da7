"""What the grader knows and no submission does: the secret, the questions that follow from it, and the right answers.

Answers of the reference are asked for once, and kept in the state folder for the next call.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from course.grading import wire
from course.grading.box import Box, BoxError
from course.grading.sandbox import Limits
from course.grading.sealed import Call, CheckFault, draw
from course.grading.stage import Stage
from course.grading.wire import Value
from course.manifest import Task
from course.whole_files import write_whole

SECRET = Path("secret")
COMPILING = 300.0  # seconds: the reference's run compiles all kernels
_LIMITS = Limits(cpu=1800, wall=3600.0)


class SecretError(Exception):
    """The secret cannot be used."""


def load_secret(state: Path, given: Path | None) -> bytes:
    """The secret in the file `given`, else that of the state folder, which is made where there is none."""
    path = given or state / SECRET
    try:
        if given is None and not path.exists():
            state.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_hex(32) + "\n")
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SecretError(f"The secret {path} cannot be read: {error.strerror}.") from error
    if len(secret) < 16:
        raise SecretError(f"The secret in {path} is too short: 16 characters at least.")
    return secret


@dataclass
class Known:
    """Of one task: the ids of its public tests, the sealed questions, what is right for each, compiled kernels."""

    tests: list[str]
    calls: list[Call]
    expected: list[Value]
    kernels: Path


class Knowledge:
    """All tasks, each found out when it is first asked for."""

    def __init__(self, stage: Stage, state: Path, secret: bytes, version: str) -> None:
        self._stage, self._state, self._secret, self._version = stage, state, secret, version
        self._known: dict[str, Known] = {}
        self._locks: dict[str, threading.Lock] = {task: threading.Lock() for task in stage.manifest.tasks}
        self._files = {path.relative_to(stage.root / "solutions").as_posix(): path.read_text(encoding="utf-8")
                       for path in (stage.root / "solutions/terox").rglob("*.py")}

    def key(self, *parts: str) -> str:
        """A name for what depends on the secret, the grader's version and `parts`, which tells none of them."""
        text = "\0".join([self._version, *parts])
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:24]

    def is_kept(self, task: Task) -> bool:
        """Whether an earlier call has found out what is right for a task."""
        return self._kept(task).is_file()

    def _kept(self, task: Task) -> Path:
        return self._state / "expected" / f"{self.key(task.id)}.frame"

    def of(self, task: Task, box: Box) -> Known:
        """What is known of a task. Raises CheckFault or BoxError where the reference itself does not pass."""
        with self._locks[task.id]:
            if task.id not in self._known:
                self._known[task.id] = self._load(task, box)
            return self._known[task.id]

    def _load(self, task: Task, box: Box) -> Known:
        calls = draw(task.id, self._secret)
        if not calls:
            raise CheckFault(f"Task {task.id} has no sealed checks.")
        kernels = self._state / "kernels" / f"{self._version}-{task.id}"
        kept = self._kept(task)
        try:
            data = wire.decode(kept.read_bytes())
            return Known(data["tests"], calls, [wire.decode(_bytes(each)) for each in data["expected"]], kernels)
        except (OSError, wire.WireError, KeyError, TypeError):
            pass
        known = self._find_out(task, calls, box, kernels)
        frames = [_array(wire.encode(value)) for value in known.expected]
        write_whole(kept, wire.encode({"tests": known.tests, "expected": frames}))
        return known

    def _find_out(self, task: Task, calls: list[Call], box: Box, kernels: Path) -> Known:
        with tempfile.TemporaryDirectory(dir=self._stage.folder) as folder:
            tree = Path(folder)
            self._stage.tree(task, self._files, tree)
            expected = []
            answers = box.ask(tree, task.id, calls, keep=kernels, limit=COMPILING, limits=_LIMITS)
            for call, answer in zip(calls, answers):
                value = call.right(answer)
                trouble = call.wrong(answer, value)
                if trouble:
                    answers.close()  # type: ignore[attr-defined]
                    raise CheckFault(f"{task.id}: the reference fails its own check: {trouble}")
                expected.append(value)
            answers.close()  # type: ignore[attr-defined]
            events, words, ended = box.tests(tree, task.id, self._stage.test_files(task), list(
                self._stage.manifest.tasks), limit=COMPILING, kernels=kernels, keep=kernels, limits=_LIMITS)
        _leave_out(task, kernels)
        outcomes = {event["test"]: event["outcome"] for event in events if event["event"] == "finished"}
        if ended or not outcomes or set(outcomes.values()) != {"passed"}:
            wrong = [test for test, outcome in outcomes.items() if outcome != "passed"][:1]
            raise BoxError(f"{task.id}: the reference does not pass its own public tests here: {wrong} {ended} "
                           f"{words[:300]} {json.dumps(events[-2:])[:600]}")
        return Known(list(outcomes), calls, expected, kernels)


def _leave_out(task: Task, kernels: Path) -> None:
    """Delete the compiled kernels in which the reference's own functions for this task stand, as text and as code.

    What is kept goes into the sandbox of everybody's run of the task, which may read it.
    """
    names = "|".join(re.escape(name.split(".")[-1]) for name in task.functions)
    for source in kernels.glob("*.py"):
        if re.search(rf"^\s*def \w*({names})\b", source.read_text(encoding="utf-8"), re.MULTILINE):
            for file in (source, *kernels.glob(f"{source.stem}.*"), *kernels.glob(f"__pycache__/{source.stem}.*")):
                file.unlink(missing_ok=True)


def _array(data: bytes) -> Value:
    import numpy as np

    return np.frombuffer(data, np.uint8)


def _bytes(value: Value) -> bytes:
    return value.tobytes()
