"""In the child: an exception becomes plain data (JSON), from which the parent makes words.

Nothing here may raise, whatever a learner's exception does in its `__str__`.
"""

from __future__ import annotations

import os
from collections import Counter
from types import CodeType, TracebackType
from typing import Any

MAX_FRAMES = 30
MAX_TEXT = 2000


class Describer:
    """Describes exceptions with respect to the learner's source root and the folder of the tests."""

    def __init__(self, root: str, tests: str) -> None:
        self._root, self._tests = _folder(root), _folder(tests)
        self._known: dict[str, str] = {}

    def __call__(self, error: BaseException) -> dict[str, Any]:
        notes = list(_notes(error))
        flaky = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__.startswith("Flaky")), None)
        if flaky is None:
            while isinstance(error, BaseExceptionGroup):  # several bugs: the first one will do
                error = error.exceptions[0]
                notes += _notes(error)
        found: dict[str, Any] = {"type": _type_name(error), "message": _text(error), "notes": notes}
        if flaky is not None:
            found["kind"] = "flaky"
        elif hasattr(error, "call") and hasattr(error, "expected") and isinstance(error, AssertionError):
            found["kind"] = "check"
            for name in ("call", "got", "expected", "note"):
                value = getattr(error, name, None)
                found[name] = value if value is None else str(value)[:MAX_TEXT]
            if getattr(getattr(error, "call", None), "whole", False):
                found["notes"] = []
        elif isinstance(error, SyntaxError):
            found["kind"] = "syntax"
            found["syntax"] = {"file": error.filename, "line": error.lineno, "offset": error.offset,
                               "text": error.text, "message": error.msg}
        elif isinstance(error, RecursionError):
            found["kind"] = "recursion"
        elif isinstance(error, (SystemExit, KeyboardInterrupt)):
            found["kind"] = "exit"
        elif isinstance(error, AssertionError):
            found["kind"] = "assert"
        else:
            found["kind"] = "error"
        if isinstance(error, ImportError):
            found["import"] = {"name": error.name, "missing": getattr(error, "name_from", None)}
        self._frames(error.__traceback__, found)
        return found

    def _frames(self, traceback: TracebackType | None, found: dict[str, Any]) -> None:
        frames: list[tuple[str, int, str]] = []
        counts: Counter[tuple[str, str]] = Counter()
        tests: list[tuple[str, int, str]] = []
        while traceback is not None:
            code, line = traceback.tb_frame.f_code, traceback.tb_lineno
            where = self._where(code)
            if where == "root":
                name = _function_name(code)
                frames.append((code.co_filename, line, name))
                counts[code.co_filename, name] += 1
            elif where == "tests":
                tests.append((code.co_filename, line, code.co_name))
            traceback = traceback.tb_next
        found["frames"] = frames[-MAX_FRAMES:]
        found["test_frames"] = tests[-MAX_FRAMES:]
        if found["kind"] == "recursion" and counts:
            (file, name), times = counts.most_common(1)[0]
            last = next(line for f, line, n in reversed(frames) if (f, n) == (file, name))
            found["recursion"] = {"file": file, "line": last, "function": name, "times": times}

    def _where(self, code: CodeType) -> str:
        """"root", "tests" or "" for the file of `code`."""
        file = code.co_filename
        if file not in self._known:
            path = os.path.normcase(os.path.abspath(file))
            self._known[file] = ("root" if path.startswith(self._root) else
                                 "tests" if path.startswith(self._tests) else "")
        return self._known[file]


def _folder(path: str) -> str:
    return os.path.normcase(os.path.abspath(path)) + os.sep


def _function_name(code: CodeType) -> str:
    return code.co_qualname.replace("<locals>.", "")


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as problem:  # noqa: BLE001 - a learner's __str__ may itself be at fault
        return f"(its message cannot be shown: {type(problem).__name__})"
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 4] + " ..."


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    return [str(note)[:MAX_TEXT] for note in notes] if isinstance(notes, (list, tuple)) else []
