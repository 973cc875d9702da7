"""The sandbox's side of the sealed checks: runs one program after the other and answers with values.

It is told inputs only. Whatever it answers is judged by the grader, so nothing here has to be trusted.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, BinaryIO

from course.grading import wire

_streams: list[BinaryIO] = []


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer one frame for each frame until there are no more: `{"module", "program", "inputs"}` is asked."""
    _streams[:] = asked, answers
    while True:
        try:
            call = wire.read(asked)
        except EOFError:
            return
        answers.write(answer(call["module"], call["program"], call["inputs"]))
        answers.flush()


def ask_back(value: Any) -> Any:
    """What the grader says to `value`, while a question waits for its answer. Raises WireError if it cannot be sent."""
    asked, answers = _streams
    wire.write(answers, {"kind": "asked", "value": value})
    return wire.read(asked)


def answer(module: int, program: str, inputs: dict[str, Any]) -> bytes:
    """The frame for one call: kind "value", "raised" (with type, message, todo), or "unfit" for what cannot be sent."""
    try:
        function = getattr(importlib.import_module(f"course.grading.programs.module_{module}"), program)
        value = function(**inputs)
    except Exception as error:
        text = str(error)[:400]
        todo = type(error) is NotImplementedError and text.startswith("Task ")
        return wire.encode({"kind": "raised", "type": type(error).__name__, "message": _plain(text), "todo": todo})
    try:
        return wire.encode({"kind": "value", "value": value})
    except wire.WireError as error:
        return wire.encode({"kind": "unfit", "message": _plain(str(error))})


def _plain(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def main() -> None:
    """Serve on standard input and output; what the code prints goes nowhere."""
    asked = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    serve(asked, answers)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    # As `python -m`, this file is `__main__`: programs ask back by the module of its real name.
    from course.grading import child as real

    real.main()
