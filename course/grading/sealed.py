"""Sealed checks: the grader draws the inputs, asks the sandbox, and compares what comes back with what it alone knows.

A check of a module stands in `checks/module_N.py` and yields calls of programs in `programs/module_N.py`:

    @sealed("2.4")
    def views(rng: np.random.Generator) -> Iterator[Call]:
        yield Call("permute", {"sizes": [2, 3], "dims": [1, 0]}, "permute of a 2 x 3 matrix")

The draws depend on a secret, the task and the check's name, and on nothing else. To develop checks:
`python -m course.grading.sealed TASK [--code DIR] [--seed TEXT]`.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from course.grading import wire
from course.grading.compare import difference, shown
from course.grading.wire import Value
from course.manifest import ROOT


class _Reference:
    def __repr__(self) -> str:
        return "REFERENCE"


TEXT_OF = "text_of"  # the program of a call whose answer the grader reads itself: the text of inputs["file"]
REFERENCE: Any = _Reference()  # "what the same program gives on the reference"


@dataclass(frozen=True)
class Call:
    """One question. `program` is a function of `programs/module_N.py`, called with `inputs` as keyword arguments.

    `says` is one line for the report. `expected` is what is right; floats may differ from it by
    `atol + rtol * |expected|`, all else has to be equal, of the same type and shape. `compare(inputs, got, expected)`,
    where given, decides instead: "" if right, else one line that says why; it must expect a `got` of any kind.

    `serves(asked)`, where given, answers what the program asks back (`child.ask_back`): so a question may be about
    something that the sandbox never has. It must expect an `asked` of any kind, and take little time for each.
    """

    program: str
    inputs: dict[str, Value]
    says: str
    expected: Value = REFERENCE
    rtol: float = 1e-6
    atol: float = 1e-9
    compare: Callable[[dict[str, Value], Value, Value], str] | None = None
    serves: Callable[[Value], Value] | None = None

    def asked(self) -> str:
        """The program and what it was called with, in at most 1000 characters."""
        values = ", ".join(f"{name}={shown(value, 400)}" for name, value in self.inputs.items())
        text = f"{self.program}({values})"
        return text if len(text) <= 1000 else text[:997] + "..."

    def right(self, answer: Value) -> Value:
        """What is right, where `answer` is the reference's."""
        if self.expected is not REFERENCE:
            return self.expected
        return answer.get("value") if answer["kind"] == "value" else None

    def wrong(self, answer: Value, expected: Value) -> str:
        """"" where the sandbox's `answer` (see `child.answer`) is right, else one line. Never raises."""
        kind = answer.get("kind") if type(answer) is dict else None
        if type(kind) is not str or kind not in ("value", "raised", "unfit"):
            return f"{self.says}: the answer has no form that the grader knows"
        if kind == "value" and "value" in answer:
            try:
                if self.compare is not None:
                    reason = self.compare(self.inputs, answer["value"], expected)
                else:
                    reason = difference(answer["value"], expected, self.rtol, self.atol)
            except Exception as error:  # `compare` did not expect this kind of value: whose fault it is, is clear
                reason = f"the answer is of a kind that was not asked for ({type(error).__name__})"
            return f"{self.says}: {reason}" if reason else ""
        if kind == "raised" and type(answer.get("type")) is str:
            message = str(answer.get("message", ""))[:300]
            if answer.get("todo") is True:
                return f"still to do: {message}"
            return f"{self.says}: raised {answer['type'][:80]}: {message}"
        return f"{self.says}: {str(answer.get('message', 'no value'))[:300]}"


Check = Callable[[np.random.Generator], Iterator[Call]]
_CHECKS: dict[str, list[Check]] = {}
_BESIDE: dict[str, set[str]] = {}


def sealed(task: str, beside: Sequence[str] = ()) -> Callable[[Check], Check]:
    """Register a check of `task`. A task may have several.

    `beside`, once for a task: others of its module whose reference its checks need, which `needs` in course.toml does
    not name, since the task can be done and tested without them. They must be of no use for doing it.
    """
    def register(check: Check) -> Check:
        _BESIDE.setdefault(task, set()).update(beside)
        known = _CHECKS.setdefault(task, [])
        if all(check.__name__ != other.__name__ for other in known):
            known.append(check)
        return check
    return register


class CheckFault(Exception):
    """A check is wrong by itself: the reference does not answer it, or its answer is not what the check expects."""


def checks_of(task: str) -> list[Check]:
    """The checks of a task; none where its module has no file of checks."""
    name = f"course.grading.checks.module_{task.split('.')[0]}"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    return list(_CHECKS.get(task, ()))


def needed_beside(task: str) -> set[str]:
    """The tasks that the checks of `task` need besides those it builds on."""
    checks_of(task)  # they register when they are imported
    return set(_BESIDE.get(task, ()))


def draw(task: str, secret: bytes) -> list[Call]:
    """All calls of a task, in order: the same for the same secret."""
    calls: list[Call] = []
    for check in checks_of(task):
        key = hmac.new(secret, f"{task} {check.__name__}".encode(), hashlib.sha256).digest()
        calls += check(np.random.default_rng(int.from_bytes(key, "big")))
    return calls


def question(task: str, call: Call) -> dict[str, Value]:
    """What the sandbox is told of a call."""
    return {"module": int(task.split(".")[0]), "program": call.program, "inputs": call.inputs}


def answered(task: str, call: Call, root: Path, send: Callable[[Value], None], receive: Callable[[], Value]) -> Value:
    """The answer to a call, from the process that runs the source root `root`, or by the grader's own reading.

    Raises whatever `send` and `receive` raise.
    """
    if call.program == TEXT_OF:
        return {"kind": "value", "value": (root / call.inputs["file"]).read_text(encoding="utf-8", errors="replace")}
    send(question(task, call))
    while True:
        value = receive()
        if call.serves is None or type(value) is not dict or value.get("kind") != "asked":
            return value
        try:
            send(call.serves(value.get("value")))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            send({"refused": type(error).__name__})


def ask_trusted(task: str, calls: list[Call], root: Path, course_root: Path = ROOT) -> Iterator[Value]:
    """The answers to `calls` on a source root that can be trusted: a child process without a sandbox.

    Where the process ends, an answer of the kind "raised" takes its place, and a new process goes on.
    """
    process: subprocess.Popen[bytes] | None = None
    paths = os.pathsep.join([str(root), str(course_root)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        for call in calls:
            if process is None:
                process = subprocess.Popen([sys.executable, "-P", "-m", "course.grading.child"], env=environment,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=course_root)
            talk = partial(wire.write, process.stdin), partial(wire.read, process.stdout)  # type: ignore[arg-type]
            try:
                yield answered(task, call, root, *talk)
            except (EOFError, OSError) as error:
                yield {"kind": "raised", "type": type(error).__name__, "message": "the process has ended"}
                _end(process)
                process = None
    finally:
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def expected_values(task: str, calls: list[Call], course_root: Path = ROOT) -> list[Value]:
    """What is right for each call. The reference itself has to pass; raises CheckFault where it does not."""
    expected: list[Value] = []
    for call, answer in zip(calls, ask_trusted(task, calls, course_root / "solutions", course_root)):
        value = call.right(answer)
        trouble = call.wrong(answer, value)
        if trouble:
            raise CheckFault(f"{task}: the reference fails its own check: {trouble}")
        expected.append(value)
    return expected


def judge_here(task: str, code_root: Path, seed: bytes | str = b"seed") -> list[str]:
    """Judge a task's sealed checks on a source root (a folder that holds a `terox/`), without a sandbox.

    Returns what is wrong, one line for each wrong answer. For developing checks, and for wheats and chaffs.
    """
    secret = seed.encode() if isinstance(seed, str) else seed
    calls = draw(task, secret)
    expected = expected_values(task, calls)
    answers = ask_trusted(task, calls, Path(os.path.abspath(code_root)))
    lines = [call.wrong(answer, value) for call, answer, value in zip(calls, answers, expected)]
    return [line for line in lines if line]


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong. Returns 0 when nothing is, else 1."""
    parser = argparse.ArgumentParser(prog="python -m course.grading.sealed", description="Judge sealed checks.")
    parser.add_argument("task")
    parser.add_argument("--code", type=Path, default=ROOT / "solutions", metavar="DIR", help="holds a terox/")
    parser.add_argument("--seed", default="seed", metavar="TEXT")
    options = parser.parse_args(arguments)
    number = len(draw(options.task, options.seed.encode()))
    lines = judge_here(options.task, options.code, options.seed)
    print(*lines, f"{len(lines)} of {number} answers are wrong.", sep="\n")
    return 1 if lines or not number else 0


if __name__ == "__main__":
    # As `python -m`, this file is `__main__`: the checks register with the module of its real name.
    from course.grading import sealed as real

    sys.exit(real.main())
