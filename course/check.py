"""The assertions that the course's tests use, and the words they fail with.

A plain `assert a == b` tells a learner that two numbers differ. These functions also say which call gave the
number, what was expected, and, where the wrong number is the one that a known mistake gives, which mistake.
`course/runner/explain.py` turns a `CheckFailed` into the message that `make test-module-N` prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from course.runner.events import todo_task

_MISSING: Any = object()


class Whole(str):
    """A call that says all of the input, in its own words: no row "Input" repeats it."""

    whole = True


class CheckFailed(AssertionError):
    """A property does not hold. `call`, `got`, `expected` and `note` are texts, or None where they do not apply."""

    def __init__(self, call: str | None = None, got: str | None = None, expected: str | None = None,
                 note: str | None = None) -> None:
        self.call, self.got, self.expected, self.note = call, got, expected, note
        rows = [("call", call), ("got", got), ("expected", expected), ("note", note)]
        super().__init__("\n".join(f"{name}: {text}" for name, text in rows if text is not None))


def close(got: Any, expected: float, *, call: str | None = None, rtol: float = 1e-9, atol: float = 1e-12,
          mistakes: Mapping[str, float] | None = None, note: str | None = None) -> None:
    """`got` is a number within `atol + rtol * abs(expected)` of `expected`.

    NaN equals NaN, and an infinity equals only itself. `mistakes` maps a sentence about a mistake to the
    number that it gives: if `got` is that number, the failure says the sentence.
    """
    problem = _not_a_number(got)
    if problem is not None:
        raise CheckFailed(call, shown(got), shown(expected), problem)
    if not _is_close(got, expected, rtol, atol):
        raise CheckFailed(call, shown(got), shown(expected), _recognized(got, mistakes, rtol, atol) or note)


def all_close(got: Any, expected: Any, *, call: str | None = None, rtol: float = 1e-9, atol: float = 1e-12,
              mistakes: Mapping[str, Any] | None = None, note: str | None = None) -> None:
    """`got` and `expected` are sequences of numbers of the same length, and close at every place.

    `mistakes` maps a sentence to the whole wrong sequence.
    """
    if got is None or not hasattr(got, "__len__") or not hasattr(got, "__getitem__"):
        raise CheckFailed(call, shown(got), shown(list(expected)),
                          _no_return(got) or "A sequence of numbers was expected.")
    if len(got) != len(expected):
        raise CheckFailed(call, shown(list(got)), shown(list(expected)),
                          f"{len(expected)} numbers were expected, not {len(got)}.")
    for index, (one, other) in enumerate(zip(got, expected)):
        problem = _not_a_number(one)
        if problem is None and _is_close(one, other, rtol, atol):
            continue
        found = None
        for sentence, wrong in (mistakes or {}).items():
            if len(wrong) == len(got) and all(
                    _not_a_number(g) is None and _is_close(g, w, rtol, atol) for g, w in zip(got, wrong)):
                found = sentence
                break
        place = f"The first difference is at place {index}."
        raise CheckFailed(call, shown(list(got)), shown(list(expected)), problem or found or note or place)


def equal(got: Any, expected: Any, *, call: str | None = None, mistakes: Mapping[str, Any] | None = None,
          note: str | None = None) -> None:
    """`got == expected`, and both are of the same kind (1 and 1.0 are equal; a list and a tuple are not)."""
    if _same(got, expected):
        return
    for sentence, wrong in (mistakes or {}).items():
        if _same(got, wrong):
            raise CheckFailed(call, shown(got), shown(expected), sentence)
    raise CheckFailed(call, shown(got), shown(expected), _no_return(got) or note)


def that(condition: object, problem: str, *, call: str | None = None, got: Any = _MISSING,
         expected: Any = _MISSING, note: str | None = None) -> None:
    """`condition` is true; otherwise `problem` says in words what is wrong."""
    if not condition:
        raise CheckFailed(call, None if got is _MISSING else shown(got),
                          None if expected is _MISSING else shown(expected),
                          problem if note is None else f"{problem} {note}")


def raises(kinds: type[BaseException] | tuple[type[BaseException], ...], call_it: Callable[[], Any], *,
           call: str | None = None, mentions: tuple[str, ...] = (), note: str | None = None) -> BaseException:
    """`call_it()` raises one of `kinds`, and its message holds every text of `mentions`. Returns the exception."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    wanted = " or ".join(kind.__name__ for kind in kinds)
    try:
        result = call_it()
    except kinds as error:
        if todo_task(error) is not None:
            raise  # a stub's NotImplementedError is a RuntimeError, and never the error that was asked for
        absent = [text for text in mentions if text.lower() not in str(error).lower()]
        if absent:
            raise CheckFailed(call, f"{type(error).__name__}: {error}", f"{wanted} whose message mentions "
                              + ", ".join(repr(text) for text in absent), note) from None
        return error
    raise CheckFailed(call, f"no error; it returned {shown(result)}", wanted, note)


def shown(value: Any, limit: int = 300) -> str:
    """`repr(value)`, cut where it is very long, and never an exception."""
    try:
        text = repr(value)
    except Exception as error:  # a learner's __repr__ may itself be at fault
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def _is_close(got: Any, expected: Any, rtol: float, atol: float) -> bool:
    got, expected = float(got), float(expected)
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if math.isinf(expected) or math.isinf(got):
        return got == expected
    return abs(got - expected) <= atol + rtol * abs(expected)


def _not_a_number(got: Any) -> str | None:
    if isinstance(got, Real):
        return None
    return _no_return(got) or f"A number was expected, not a value of type {type(got).__name__}."


def _no_return(got: Any) -> str | None:
    return "It returned None. Is a `return` missing?" if got is None else None


def _recognized(got: Any, mistakes: Mapping[str, float] | None, rtol: float, atol: float) -> str | None:
    for sentence, wrong in (mistakes or {}).items():
        if _is_close(got, wrong, rtol, atol):
            return sentence
    return None


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, Real) and isinstance(expected, Real):
        return _is_close(got, expected, 0.0, 0.0)
    if type(got) is not type(expected):
        return False
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(_same(g, e) for g, e in zip(got, expected))
    return bool(got == expected)
