"""Rows of numbers for task 3.3, whose folds are exact in any order, and what a wrong fold says about itself.

All values are whole numbers (or powers of two), so small that no sum or product of them is rounded in 64 bits. So every
grouping gives the same result, to the last bit, and no tolerance is needed. In 32 bits they would be rounded.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from course.check import CheckFailed, shown
from terox.parallel import reduce as module

UNSET = -77  # what stands in the memory of a result before the call


def add(x, y):
    """The test's own, so that nothing hangs on another task."""
    return x + y


def times(x, y):
    return x * y


def larger(x, y):
    return x if x > y else y


class Kind(NamedTuple):
    """A function, its neutral start, the dtype of the numbers, and how they are drawn. guard: what lies beside them."""

    fn: Callable[..., Any]
    start: Any
    dtype: str
    numbers: Any
    guard: Any

    def fold(self, numbers):
        """The exact result: Python's whole numbers have as many digits as it takes."""
        if self.fn is add:
            return sum(int(number) for number in numbers)
        return functools.reduce(self.fn, numbers, self.start)

    def __repr__(self):
        return f"{self.fn.__name__}, {self.start}"


KINDS = (
    Kind(add, 0.0, "float32", st.integers(-(2**24), 2**24), 1003),
    Kind(add, 0.0, "float64", st.integers(-(2**40), 2**40), 2**41 + 1),
    Kind(add, 0, "int64", st.integers(-(2**54), 2**54), 2**50 + 1),
    Kind(times, 1.0, "float64", st.sampled_from([1, -1, 2, -2, 0.5]), 3),
    Kind(larger, -math.inf, "float32", st.integers(-(2**20), -1), 5),
    Kind(larger, -(2**63), "int64", st.integers(-(2**62), -(2**61)), 5),
)
ADD, MAX_INT = KINDS[0], KINDS[5]


def numbers_for(kind):
    """Numbers to fill memory with, over and over. They differ, so that a wrong place shows."""
    if kind.fn is times:
        return st.lists(kind.numbers, min_size=5, max_size=31)
    return st.lists(kind.numbers, min_size=5, max_size=31, unique=True)


def exactly(value):
    """A NumPy number as Python's, without a digit lost."""
    return value.item() if isinstance(value, np.generic) else value


def same(got, expected):
    """Equal to the last digit; whole numbers are not turned into floats for it."""
    got = exactly(got)
    return isinstance(got, (int, float)) and (got == expected or (got != got and expected != expected))


def stored(kind_of_out, value):
    """What an array of this dtype makes of an exact number."""
    return value if kind_of_out == "int64" else float(np.dtype(kind_of_out).type(float(value)))


def lost_digits(kind, got, expected, numbers):
    """A sentence, if `got` differs from `expected` by no more than rounding in fewer bits would explain."""
    if kind.fn is times or not isinstance(got, (int, float)) or not math.isfinite(got):
        return None
    size = sum(abs(number) for number in numbers) if kind.fn is add else abs(expected)
    if kind.dtype == "int64" and abs(got - expected) <= (len(numbers) + 1) * size * 2.0**-52:
        return ("Whole numbers went through floats, which hold no more than 53 bits. With a whole `start`, "
                "`np.full(LANES, start)` gives whole lanes.")
    if kind.dtype != "int64" and abs(got - expected) <= (len(numbers) + 1) * size * 2.0**-23:
        return ("Digits were lost on the way: in float32, 2**24 + 1 is 2**24. All that is folded has to stay in 64 "
                "bits until the result is written: lanes, and what they are folded into. (In compiled code, a variable "
                "that begins with an element of a is a float32, too.)")
    return None


def known(kind, numbers, memory, first, step):
    """What known mistakes would make of a row: sentence -> number."""
    whole, lanes = len(numbers) - len(numbers) % module.LANES, module.LANES
    n = len(numbers)
    found = {
        "n is no multiple of LANES, and the elements behind the last whole group are missing.": numbers[:whole],
        "The lanes are missing: only the elements behind the last whole group were folded.": numbers[whole:],
        "Only lane 0 was taken: the other lanes have to be folded into the result, too.": numbers[:whole:lanes],
        "All lanes but the last were folded into the result.": [x for i, x in enumerate(numbers)
                                                                if i >= whole or i % lanes < lanes - 1],
        "The last element is missing.": numbers[:-1],
        "The first element is missing.": numbers[1:],
        "Only the first whole group was folded.": numbers[:lanes],
        "Elements behind the last whole group were folded twice.": [*numbers, *numbers[whole:]],
        "The step was ignored: the elements of the row do not lie side by side.": memory[first : first + n],
        "`first` was ignored: the row does not begin at place 0 of a.": memory[: n * max(step, 1) : max(step, 1)],
        "The step was not applied to all elements: element i lies at place first + i * step.": [
            memory[min(first + (i if i >= whole else i * step), len(memory) - 1)] for i in range(n)],
    }
    results = {sentence: kind.fold(row) for sentence, row in found.items()}
    if kind.fn is not add:
        results["Something began with 0 instead of start: a product has to begin with 1, a maximum with -inf."] = \
            kind.fold([*numbers, 0])
    return results


def compare(call, kind, got, expected, numbers, about, mistakes, note=None):
    """`got` is `expected`, or a failure that says as much about the mistake as can be known.

    mistakes, note: functions of `about` that give sentence -> wrong number, and a sentence. They cost time, and are
    called only when something is wrong.
    """
    if same(got, expected):
        return
    if got is None:
        raise CheckFailed(call, "None", shown(expected), "It returned None. Is a `return` missing?")
    sentence = next((text for text, wrong in mistakes(*about).items() if same(got, wrong)), None)
    sentence = sentence or lost_digits(kind, exactly(got), expected, numbers) or (note and note(*about))
    raise CheckFailed(call, shown(exactly(got)), shown(expected), sentence)


class Work:
    """Sizes and strides for reduce_range, and the numbers that lie there."""

    def __init__(self, kind, kept, folded, of_out, of_a, seed=(1, -2, 3)):
        """kept, folded: sizes. of_out: a stride for each of `kept`. of_a: a stride for each dimension."""
        self.kind, self.kept, self.folded = kind, tuple(kept), tuple(folded)
        self.sizes = (*kept, *folded) or (1,)
        of_out, of_a = (*of_out, *(0 for _ in folded)) or (0,), tuple(of_a) or (0,)
        self.strides = (of_out, of_a)
        self.count = math.prod(kept)
        room = 1 + sum((size - 1) * step for size, step in zip(self.sizes, of_a))
        used = set(self.places(of_a).ravel().tolist())
        numbers = [seed[i % len(seed)] for i in range(room)]
        self.memory = [number if i in used else kind.guard for i, number in enumerate(numbers)] + [kind.guard] * 3
        self.a = np.array(self.memory, kind.dtype)
        self.room = 4 + sum((size - 1) * step for size, step in zip(self.sizes, of_out))
        self.places_of_out = [int(place) for place in self.places(of_out).reshape(self.count, -1)[:, 0]]
        self.places_of_a = self.places(of_a).reshape(self.count, -1).tolist()

    def places(self, strides):
        """Where the elements lie: an array of the shape `sizes`."""
        places = np.zeros((), np.int64)
        for size, step in zip(self.sizes, strides):
            places = places[..., None] + np.arange(size) * step
        return places

    def out(self):
        return np.full(self.room, UNSET, self.kind.dtype)

    def numbers(self, result):
        """What result number `result` is folded from."""
        return [self.memory[place] for place in self.places_of_a[result]]

    def expected(self, result):
        return stored(self.kind.dtype, self.kind.fold(self.numbers(result)))

    def __repr__(self):
        return (f"reduce_range({self.kind}, begin, end, out, a, sizes, strides), with {self.kind.dtype} arrays, "
                f"number of results: {self.count}, sizes {self.sizes}, strides of out {self.strides[0]}, of a "
                f"{self.strides[1]}")


@st.composite
def works(draw, kinds=KINDS, long=3 * module.LANES):
    """Up to three dimensions of either kind, in any order in memory, with gaps, and with stretched ones in `a`."""
    kind = draw(st.sampled_from(kinds))
    small = st.integers(1, 3)
    kept, folded = draw(st.lists(small, max_size=3)), draw(st.lists(small, max_size=3))
    if folded and draw(st.booleans()):
        kept, folded = kept[:1], [*folded[-2:-1], draw(st.integers(5, long))]
    sizes = [*kept, *folded]
    of_a = strides_for(draw, sizes, stretched=draw(st.integers(0, 3)) == 0)
    seed = draw(numbers_for(kind))
    return Work(kind, kept, folded, strides_for(draw, kept), of_a, seed)


def strides_for(draw, sizes, stretched=False):
    """A place of its own for each element, except along dimensions that are stretched, whose stride is 0."""
    strides, step = [0] * len(sizes), draw(st.sampled_from([1, 1, 2]))
    for d in draw(st.one_of(st.just(list(range(len(sizes)))[::-1]), st.permutations(range(len(sizes))))):
        if stretched and draw(st.booleans()):
            continue
        strides[d] = step
        step = step * sizes[d] + draw(st.sampled_from([0, 0, 1]))
    return strides
