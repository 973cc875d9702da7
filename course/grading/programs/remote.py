"""Functions that the grader runs: their arguments go there, and what comes of it comes back.

`packed` and `unpacked` are for both sides. A list is `["list", ...]` there, and a tuple `["tuple", ...]`.
"""

from __future__ import annotations

import builtins
from typing import Any

ITEMS = 1000  # of all lists and texts among the arguments


def call(number: int, arguments: list[Any]) -> Any:
    """What the grader's function `number` returns, or raises, with what it does to lists among its arguments.

    Raises TypeError for arguments that are no numbers, lists or tuples.
    """
    from course.grading import child

    told = child.ask_back({"number": number, "arguments": [packed(each) for each in arguments]})
    if "refused" in told:
        raise TypeError("The arguments cannot be sent there.")
    for argument, after in zip(arguments, told["after"]):
        if after is not None:
            argument[:] = unpacked(after)
    if told["raised"]:
        name, message = told["raised"]
        kind = getattr(builtins, name, None)
        raise (kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError)(message)
    return arguments[told["same"]] if told["same"] >= 0 else unpacked(told["result"])


def packed(value: Any) -> Any:
    """A number, text or None, or lists and tuples of such. Raises TypeError for anything else."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (list, tuple)):
        return ["tuple" if isinstance(value, tuple) else "list", *map(packed, value)]
    raise TypeError(f"A value of type {type(value).__name__} cannot be sent.")


def unpacked(value: Any) -> Any:
    """What was packed. Raises TypeError or ValueError for what was not."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is not list:
        raise TypeError
    kind, *parts = value
    return {"list": list, "tuple": tuple}[kind](map(unpacked, parts))
