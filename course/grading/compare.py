"""Whether two values of the wire are the same, up to rounding, and in words where not."""

from __future__ import annotations

import math

import numpy as np

from course.grading.wire import Value


def difference(got: Value, expected: Value, rtol: float, atol: float, place: str = "") -> str:
    """"" where `got` is right, else one line. Floats within `atol + rtol * |expected|`; NaN equals NaN.

    All else has to be equal. True is not 1, 1 is not 1.0, and float32 is not float64.
    """
    where = f"{place} is " if place else "the result is "
    if type(got) is not type(expected):
        return f"{where}{shown(got)} ({type(got).__name__}), expected {shown(expected)} ({type(expected).__name__})"
    if isinstance(expected, np.ndarray):
        return _arrays(got, expected, rtol, atol, where)
    if isinstance(expected, float):
        same = got == expected or (math.isnan(got) and math.isnan(expected)) or (
            math.isfinite(got) and math.isfinite(expected) and abs(got - expected) <= atol + rtol * abs(expected))
        return "" if same else f"{where}{got!r}, expected {expected!r}"
    if isinstance(expected, list):
        if len(got) != len(expected):
            return f"{where}a list of {len(got)}, expected one of {len(expected)}"
        for number, (one, other) in enumerate(zip(got, expected)):
            reason = difference(one, other, rtol, atol, f"{place}[{number}]")
            if reason:
                return reason
        return ""
    if isinstance(expected, dict):
        if got.keys() != expected.keys():
            return f"{where}a dict of {shown(sorted(got))}, expected one of {shown(sorted(expected))}"
        for key in expected:
            reason = difference(got[key], expected[key], rtol, atol, f"{place}[{key!r}]")
            if reason:
                return reason
        return ""
    return "" if got == expected else f"{where}{shown(got)}, expected {shown(expected)}"


def _arrays(got: np.ndarray, expected: np.ndarray, rtol: float, atol: float, where: str) -> str:
    for what in ("dtype", "shape"):
        if getattr(got, what) != getattr(expected, what):
            return f"{where}an array of {what} {getattr(got, what)}, expected {getattr(expected, what)}"
    if expected.dtype.kind == "f":
        one, other = got.astype(np.float64), expected.astype(np.float64)
        with np.errstate(all="ignore"):
            near = np.abs(one - other) <= atol + rtol * np.abs(other)
        same = (one == other) | (np.isnan(one) & np.isnan(other)) | (near & np.isfinite(one) & np.isfinite(other))
    else:
        same = got == expected
    if same.all():
        return ""
    first = tuple(int(each) for each in np.argwhere(~same)[0])
    return (f"{where}wrong in {int((~same).sum())} of {same.size} places, first at {list(first)}: "
            f"{got[first].item()!r}, expected {expected[first].item()!r}")


def shown(value: Value, limit: int = 120) -> str:
    """A value in at most `limit` characters: a small array with its numbers, a large one by shape and dtype."""
    if isinstance(value, np.ndarray):
        small = math.prod(max(1, size) for size in value.shape) <= 48
        text = str(value.tolist()) if small else f"an array {value.shape} of {value.dtype}"
    elif isinstance(value, list) and any(isinstance(each, (list, dict, np.ndarray)) for each in value):
        text = "[" + ", ".join(shown(each, limit) for each in value[:8]) + (", ..." if len(value) > 8 else "") + "]"
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
