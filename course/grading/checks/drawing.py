"""What checks share: sizes, strides, memory, and comparisons in which a count has a limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course.grading.compare import difference
from course.grading.wire import Value

Compare = Callable[[dict[str, Value], Value, Value], str]


def sizes_of(rng: np.random.Generator, least: int = 1, most: int = 4, elements: int = 40) -> list[int]:
    """Sizes without 0, `elements` elements at most."""
    found: list[int] = []
    for size in rng.choice([1, 2, 2, 3, 3, 4, 5], rng.integers(least, most + 1)).tolist():
        found.append(size if size * math.prod(found) <= elements else 1)
    return found


def strides_of(rng: np.random.Generator, sizes: Sequence[int], stretched: bool = True) -> list[int]:
    """Strides of one operand: dimensions in any order, with gaps, and, where `stretched`, some of 0."""
    order = list(range(len(sizes))) if rng.random() < 0.4 else rng.permutation(len(sizes)).tolist()
    strides, step = [0] * len(sizes), 1
    for d in reversed(order):
        kind = rng.choice(["plain", "plain", "plain", "gap", "stretched"])
        if kind == "gap":
            step *= int(rng.integers(2, 4))
        if kind == "stretched" and stretched:
            continue
        strides[d] = step
        step *= sizes[d]
    return strides


def contiguous(sizes: Sequence[int]) -> list[int]:
    return [math.prod(sizes[d + 1:]) for d in range(len(sizes))]


def room(sizes: Sequence[int], strides: Sequence[int]) -> int:
    """How many places there are from the first element to the last one in memory."""
    return 0 if 0 in sizes else 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides))


def places_of(sizes: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """The place of each element: int64, of the shape `sizes`."""
    found = np.zeros((), np.int64)
    for size, stride in zip(sizes, strides):
        found = found[..., None] + np.arange(size) * stride
    return found


def at_most(rtol: float = 0.0, atol: float = 0.0, touched: Sequence[str] = (), **limits: float) -> Compare:
    """A comparison of dicts in which the numbers under these keys (or in lists there) have limits; the rest is equal,
    floats up to the tolerances. Those of `touched` are at least 1: what nobody was seen to read was read behind the
    tracer's back.
    """
    def compare(inputs: dict[str, Value], got: Value, expected: Value) -> str:
        if type(got) is not dict:
            return f"the result is a {type(got).__name__}"
        for key, limit in limits.items():
            numbers = got.get(key)
            numbers = numbers if isinstance(numbers, list) else [numbers]
            for number in numbers:
                if type(number) not in (int, float) or not number <= limit:
                    return f"{key}: {number!r}, and {limit} is enough"
                if key in touched and number < 1:
                    return f"{key}: {number!r}, and all of it is needed"
        rest: list[Any] = [{key: value for key, value in each.items() if key not in limits}
                           for each in (got, expected)]
        return difference(rest[0], rest[1], rtol, atol)
    return compare
