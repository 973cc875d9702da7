"""The error for a mistake in compiled code, raised in the line that it is about. Provided.

A frame with the learner's file, line and function ends its traceback, so that editors, notebooks and the messages of
the tests all lead there.

In PyTorch: `torch/_dynamo/exc.py`, `Unsupported`, `augment_exc_message`.
"""

from __future__ import annotations

import linecache
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

UNCOMPILED = ("To see it run as plain Python, uncompiled, set the environment variable NUMBA_DISABLE_JIT=1 and start "
              "Python again.")


class CompileError(TypeError):
    """A function cannot be compiled. The message says in which line, why, and what to do; `place` is that line."""

    place: Place | None = None


@dataclass(frozen=True)
class Place:
    """A line of a source file, inside of a function."""

    path: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}: in {self.function}"

    def text(self) -> str:
        return linecache.getline(self.path, self.line).strip()


def shown(path: str) -> str:
    """A path as short as it can be: from where Python was started, or from the folder of the package."""
    import terox

    for base in (Path.cwd(), Path(terox.__file__).resolve().parents[1]):
        try:
            return Path(path).resolve().relative_to(base).as_posix()
        except (ValueError, OSError):
            continue
    return path


def mistake(place: Place | None, text: str, *, shows_uncompiled: bool = False) -> CompileError:
    """The error for a mistake at a place. shows_uncompiled: whether Python, too, would stumble over it, and show more.

    Where it would not (`try`, a variable of two kinds), a run without the compiler would only hide the mistake.
    """
    text = text if text.endswith((".", "?", ")")) else f"{text}."
    text = f"{text} {UNCOMPILED}" if shows_uncompiled else text
    error = CompileError(f"{place}: {text}" if place else text)
    error.place = place
    return error


def advised(error: CompileError, advice: str) -> CompileError:
    """The same error with other advice at its end."""
    error.args = (str(error).replace(UNCOMPILED, advice).strip(),)
    return error


def raise_there(error: BaseException, place: Place | None) -> NoReturn:
    """Raise an error such that its traceback ends in the line that it is about."""
    error.__suppress_context__ = True
    if place is None:
        raise error.with_traceback(None)
    code = compile("\n" * (place.line - 1) + "raise error", place.path, "exec")
    code = code.replace(co_name=place.function, co_qualname=place.function)
    exec(code, {"error": error.with_traceback(None)})
    raise AssertionError("not reached")


def running(error: Exception, source: Any, text: str, path: str, loop: Any) -> tuple[Exception, Place | None]:
    """An error out of running compiled code, with words where it had none; and the line that it is about.

    Where the error comes from what compiled code calls (np.empty, an assignment to a slice), no line is known.
    """
    place, step = None, error.__traceback__
    while step is not None:
        if os.path.basename(step.tb_frame.f_code.co_filename) == os.path.basename(path):
            place = source.original(text, step.tb_lineno) or place
        step = step.tb_next
    if place is None:
        tree, file = source.originals[source.names[loop]]
        if type(error).__module__ == "builtins" and len(error.args) == 1:
            error = type(error)(f"{error} (in this loop, or in a function that it calls. To see the line, set the "
                                "environment variable NUMBA_DISABLE_JIT=1 and start Python again.)")
        return error, Place(file, tree.lineno, tree.name)
    if isinstance(error, ValueError) and not str(error) and "=" in place.text():
        error = ValueError("there are more or fewer values on the right of `=` than names on the left")
    return error, place
