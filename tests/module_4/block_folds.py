"""Functions and numbers for task 4.3, whose folds are exact in any order.

All numbers are whole, and so small that no sum or product of them is rounded in the kind in which they are folded. So
every grouping gives the same result, to the last bit, and no tolerance is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from geometry import COUNTS, contiguous, places, strides_for
from hypothesis import strategies as st
from launching import described

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


class Work:
    """A tensor whose elements are to be folded, and by how many blocks of how many threads."""

    def __init__(self, kind, kept, folded, strides=None, parts=1, block=4, seed=(1, 2, 4, 8, 16, 32, -64, 128)):
        """kept, folded: sizes. strides: those of `a`, first for `kept`, then for `folded`."""
        self.kind, self.kept, self.folded, self.parts, self.block = kind, tuple(kept), tuple(folded), parts, block
        strides = tuple(strides or contiguous((*kept, *folded)))
        self.kept_strides, self.folded_strides = strides[: len(kept)], strides[len(kept) :]
        self.results, self.length = math.prod(kept), math.prod(folded)
        self.firsts, self.steps = places(self.kept, self.kept_strides), places(self.folded, self.folded_strides)
        self.room = 3 + max(self.firsts) + max(self.steps)
        self.memory = [seed[place % len(seed)] for place in range(self.room)]

    @property
    def blocks(self):
        return self.results * self.parts

    def numbers_at(self, part):
        """The numbers (of elements of a result) that a part folds: every thread's first, then a step further, ..."""
        return [i for i in range(self.length) if i // self.block % self.parts == part]

    def elements(self, b, numbers=None):
        """What block number b folds, or the elements of its result with these numbers."""
        first = self.firsts[b // self.parts]
        numbers = self.numbers_at(b % self.parts) if numbers is None else numbers
        return [self.memory[first + self.steps[i]] for i in numbers]

    def expected(self, b):
        return self.kind.stored(self.kind.fold(self.elements(b)))

    def arguments(self, out, a):
        return (out, a, self.length, self.parts, self.kept, self.kept_strides, self.folded, self.folded_strides)

    def bound(self):
        return {"fn": self.kind.fn, "start": self.kind.start, "kind": self.kind.kind}

    def __repr__(self):
        return (f"reduce_kernel({self.kind.fn.__name__}, {self.kind.neutral}, {self.kind.kind.__name__}, out, a, "
                f"length={self.length}, parts={self.parts}, kept={self.kept}, kept_strides={self.kept_strides}, "
                f"folded={self.folded}, folded_strides={self.folded_strides}), {self.kind.dtype} arrays, "
                f"{described(self.blocks, self.block)}")


@st.composite
def works(draw, most=65):
    """Up to two dimensions of either kind, in any order in memory, with gaps, and with strides of 0."""
    kind = draw(st.sampled_from(KINDS))
    small = st.integers(1, 3)
    kept, folded = draw(st.lists(small, min_size=1, max_size=2)), draw(st.lists(small, min_size=1, max_size=2))
    if draw(st.booleans()):
        kept, folded = kept[:1], [*folded[:1], draw(st.sampled_from([count for count in COUNTS if count <= most]))]
    strides = draw(strides_for((*kept, *folded), stretched=draw(st.integers(0, 3)) == 0))
    block = draw(st.sampled_from(THREADS[:4]))
    seed = draw(st.lists(kind.numbers, min_size=5, max_size=31))
    return Work(kind, kept, folded, strides, draw(st.integers(1, 3)), block, seed)


def same(got, expected):
    """Equal to the last digit; whole numbers are not turned into floats for it. NaN equals NaN."""
    got = got.item() if isinstance(got, np.generic) else got
    return got == expected or (got != got and expected != expected)


def compare(call, kind, got, expected, numbers, mistakes, note=None):
    """`got` is `expected`, or a failure that says what is known about the mistake.

    mistakes, note: functions that give sentence -> wrong number, and a sentence. They are called only when needed.
    """
    got = got.item() if isinstance(got, np.generic) else got
    if same(got, expected):
        return
    found = (sentence for sentence, wrong in mistakes().items() if same(got, wrong))
    raise CheckFailed(call, shown(got), shown(expected), next(found, None) or _rounded(kind, got, expected, numbers)
                      or (note and note()))


def _rounded(kind, got, expected, numbers):
    """A sentence, if `got` is off by no more than rounding in fewer bits would explain, or is what nobody wrote."""
    unwritten = np.iinfo(np.int64).max - 41 if kind.dtype == "int64" else math.nan
    if same(got, unwritten) and not same(expected, unwritten):
        return ("Shared memory was read where no thread of this block had written. Before it is written it holds "
                "whatever was there, in the simulator NaN. Of its BLOCK elements, only cuda.blockDim.x have a thread.")
    if kind.fn is times or not math.isfinite(got) or not math.isfinite(expected):
        return None
    size = sum(map(abs, numbers)) if kind.fn is add else abs(expected)
    if kind.kind is not np.float32 and abs(got - expected) <= (len(numbers) + 1) * size * 2.0**-24:
        return (f"Digits were lost on the way. All that is folded is of the kind `kind`, here {kind.kind.__name__}: "
                "the shared memory, and the value of each thread, which begins with `start`.")
    return None
