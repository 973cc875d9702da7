"""Functions and numbers for task 4.3, whose folds are exact in any order.

All numbers are whole, and so small that no sum or product of them is rounded in the kind in which they are folded. So
every grouping gives the same result, to the last bit, and no tolerance is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from course.check import CheckFailed, shown
from terox.cuda.runtime import BLOCK

THREADS = [1 << power for power in range(BLOCK.bit_length())]  # 1, 2, 4, ..., BLOCK
UNSET = -77  # what stands in the memory of a result before the launch


def add(x, y):
    """The test's own, so that nothing hangs on another task."""
    return x + y


def times(x, y):
    return x * y


def larger(x, y):
    """NaN, if either is."""
    return x if x > y or x != x else y


def deeper(x, y):
    """How many times a value has gone through this, if all begin with 0."""
    return (x if x > y else y) + 1


class Kind(NamedTuple):
    """A function, its neutral start, the kind in which it folds, the dtype of the arrays, and how numbers are drawn."""

    fn: Callable[..., Any]
    neutral: float
    kind: Any
    dtype: str
    numbers: Any

    @property
    def start(self):
        return self.kind(self.neutral)

    def fold(self, numbers):
        """The exact result, in Python's own numbers."""
        value = int(self.neutral) if self.dtype == "int64" else self.neutral
        for number in numbers:
            value = self.fn(value, number)
        return value

    def stored(self, value):
        """What an array makes of an exact number."""
        return value if self.dtype == "int64" else float(np.dtype(self.dtype).type(value))

    def __repr__(self):
        return f"{self.fn.__name__}, {self.kind.__name__}"


KINDS = (
    Kind(add, 0, np.float64, "float64", st.integers(-(2**40), 2**40)),
    Kind(add, 0, np.float32, "float32", st.integers(-(2**14), 2**14)),
    Kind(add, 0, np.int64, "int64", st.integers(-(2**54), 2**54)),
    Kind(add, 0, np.float64, "float32", st.integers(-(2**24), 2**24)),
    Kind(times, 1, np.float64, "float64", st.sampled_from([2, -1, 0.5, 1, -2])),
    Kind(larger, -math.inf, np.float32, "float32", st.one_of(st.integers(-(2**20), -1), st.just(math.nan))),
    Kind(larger, -(2**63), np.int64, "int64", st.integers(-(2**62), -(2**61))),
)
SUM, SUM32, SUM_INT, WIDER, PRODUCT, MAX, MAX_INT = KINDS


def same(got, expected):
    """Equal to the last digit; whole numbers are not turned into floats for it. NaN equals NaN."""
    got = got.item() if isinstance(got, np.generic) else got
    return got == expected or (got != got and expected != expected)


def compare(call, kind, got, expected, numbers, mistakes):
    """`got` is `expected`, or a failure that says what is known about the mistake. mistakes: called when needed."""
    got = got.item() if isinstance(got, np.generic) else got
    if same(got, expected):
        return
    found = (sentence for sentence, wrong in mistakes().items() if same(got, wrong))
    raise CheckFailed(call, shown(got), shown(expected), next(found, None) or _rounded(kind, got, expected, numbers))


def _rounded(kind, got, expected, numbers):
    """A sentence, if `got` is off by no more than rounding in fewer bits would explain, or is what nobody wrote."""
    unwritten = np.iinfo(np.int64).max - 41 if kind.dtype == "int64" else math.nan
    if same(got, unwritten) and not same(expected, unwritten):
        return ("Shared memory was read where no thread of this block had written. Before it is written it holds "
                "whatever was there, in the simulator NaN. Of its BLOCK elements, only cuda.blockDim.x have a thread.")
    if kind.fn is times or not math.isfinite(got) or not math.isfinite(expected):
        return None
    size = sum(map(abs, numbers)) if kind.fn is add else abs(expected)
    bits = 24 if kind.kind is np.float64 else 53
    if kind.kind is not np.float32 and abs(got - expected) <= (len(numbers) + 1) * size * 2.0**-bits:
        return (f"Digits were lost on the way. All that is folded is of the kind `kind`, here {kind.kind.__name__}: "
                "the shared memory, and the value of each thread, which begins with `start`.")
    return None
