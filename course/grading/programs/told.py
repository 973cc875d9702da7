"""What programs have in common: results of any kind as values of the wire, and errors that were asked for as results.

Runs in the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any

import numpy as np


def told(value: Any) -> Any:
    """`value` so that its kind can be told: a tuple is not a list, 1 is not 1.0, and what has no place on the wire is
    named by its type. Whole numbers and truth values of NumPy are as good as Python's.
    """
    if isinstance(value, tuple):
        return {"tuple": [told(each) for each in value]}
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, dict):
        return {str(key): told(each) for key, each in value.items()}
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if value is None or isinstance(value, (str, np.ndarray)):
        return value
    return {"type": type(value).__name__}


def kinds_of(values: Iterable[Any]) -> list[str]:
    """The names of the types of `values`. Every kind of float is one."""
    return sorted({"float" if isinstance(value, float) else type(value).__name__ for value in values})


def attempt(call: Callable[[], Any], *kinds: type[Exception], mentions: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `call()` returns, as {"gave": ...}, or which of `kinds` it raises, as {"raised": name, "mentions": [...]}.

    `mentions` says of each of these texts whether the message has it, be it in capitals. Other errors come through,
    and so does the one that says that a task is still to do.
    """
    try:
        return {"gave": told(call())}
    except kinds as error:
        if isinstance(error, NotImplementedError) and str(error).startswith("Task "):
            raise
        kind = next(kind.__name__ for kind in kinds if isinstance(error, kind))
        said = str(error).lower()
        return {"raised": kind, "mentions": [text.lower() in said for text in mentions]}


def said_by(call: Callable[[], Any], kind: type[Exception]) -> dict[str, Any]:
    """As `attempt`, with the message itself, cut after 600 characters, for checks that look into it."""
    try:
        return {"gave": told(call())}
    except kind as error:
        if isinstance(error, NotImplementedError) and str(error).startswith("Task "):
            raise
        return {"raised": kind.__name__, "said": str(error)[:600].encode("utf-8", "replace").decode()}
