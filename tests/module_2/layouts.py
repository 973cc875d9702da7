"""What the tests of module 2 share: layouts of every kind (sizes, strides, offset), and where their elements lie.

A layout is drawn as a tensor could have come by it: memory in any order of the dimensions, with gaps (as slices leave
them), stretched dimensions (stride 0), dimensions of size 1 with any stride, and sizes of 0.
"""

from __future__ import annotations

import itertools
import math
from numbers import Integral
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from course import check
from course.runner.events import todo_task

# A 0 is rare, because nothing is left to be compared then. Small ones come first: examples shrink to them.
SIZES = st.sampled_from([1, 2, 3, 2, 3, 4, 2, 3, 4, 1, 2, 0])


class Layout(NamedTuple):
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    def __repr__(self):
        return f"Layout(sizes={self.sizes}, strides={self.strides}, offset={self.offset})"

    @property
    def numel(self):
        return math.prod(self.sizes)

    def room(self):
        """How many elements the storage needs to have."""
        if not self.numel:
            return self.offset
        return self.offset + 1 + sum((size - 1) * stride for size, stride in zip(self.sizes, self.strides))

    def of(self, storage):
        """A NumPy array on the same memory as `storage`, which is a flat array, looked at with this layout."""
        strides = [stride * storage.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.sizes, strides)

    def array(self):
        """An array of this layout, each of whose elements is its own place in the storage."""
        return self.of(np.arange(self.room(), dtype=np.int64))

    def places(self):
        """Where the elements lie, counted with the last dimension running fastest."""
        return self.array().ravel().tolist()


def shapes(max_dims=4, most=24, sizes=SIZES):
    """Sizes, `most` elements at most."""

    def fewer(drawn):
        kept = []
        for size in drawn:  # a size that would be too much becomes 1
            kept.append(size if size * math.prod(kept) <= most else 1)
        return tuple(kept)

    return st.lists(sizes, max_size=max_dims).map(fewer)


@st.composite
def empty_shapes(draw, max_dims=3):
    """Sizes, one of which at least is 0."""
    shape = draw(shapes(max_dims - 1))
    where = draw(st.integers(0, len(shape)))
    return (*shape[:where], 0, *shape[where:])


def places_by_formula(sizes, strides, offset=0):
    """The same for any strides, also such as would lead out of memory: with what a learner's code returned."""
    return [offset + sum(i * stride for i, stride in zip(index, strides)) for index in indices(sizes)]


def is_strides(got, rank):
    """Whether `got` is a tuple of `rank` whole numbers."""
    return isinstance(got, tuple) and len(got) == rank and all(isinstance(each, Integral) for each in got)


def answer(function, arguments, call, expected=None, refused=None):
    """What `function(*arguments)` gives. An error is reported with the call and with `expected`, a text, and a
    RuntimeError, which refuses the arguments, also with the sentence `refused`.
    """
    try:
        return function(*arguments)
    except Exception as error:
        # They have words of their own.
        elsewhere = check.CheckFailed, RecursionError, ImportError, SyntaxError, OSError
        if todo_task(error) or isinstance(error, elsewhere) or type(error).__name__ == "Debugger":
            raise
        note = refused if isinstance(error, RuntimeError) else None
        found = check.CheckFailed(call, f"{type(error).__name__}: {error}".removesuffix(": "), expected, note)
        raise found.with_traceback(error.__traceback__) from None


def whole(got, call, what):
    """A right result is made of whole numbers: `3.0 == 3`, but nothing can be looked up at 3.0."""
    for each in got if isinstance(got, tuple) else (got,):
        check.that(isinstance(each, Integral), f"{what} has to be an int; {check.shown(each)} is a "
                   f"{type(each).__name__}.", call=call, got=got)


def row_major(sizes):
    """The strides of memory without gaps, the last dimension running fastest."""
    return tuple(math.prod(max(size, 1) for size in sizes[d + 1 :]) for d in range(len(sizes)))


def column_major(sizes):
    """The strides of memory without gaps, the first dimension running fastest."""
    return tuple(math.prod(max(size, 1) for size in sizes[:d]) for d in range(len(sizes)))


def indices(sizes):
    """All indices, the last dimension running fastest."""
    return list(itertools.product(*map(range, sizes)))


@st.composite
def layouts(draw, max_dims=4, most=24, sizes=SIZES, stretched=True, max_offset=3):
    """A Layout. Without `stretched`, no two elements have the same place, so that it can be written to."""
    shape = draw(shapes(max_dims, most, sizes))
    rank = len(shape)
    order = draw(st.permutations(range(rank)))  # of the dimensions in memory, the fastest last
    strides, step = [0] * rank, 1
    for d in reversed(order):
        kind = draw(st.sampled_from(["plain", "plain", "gap", "other"])) if rank else "plain"
        if kind == "gap":
            step *= draw(st.integers(2, 3))
        if kind == "other" and shape[d] == 1:
            strides[d] = draw(st.sampled_from([0, 1, 7]))  # no step is ever taken along it
        elif kind == "other" and stretched:
            strides[d] = 0
        else:
            strides[d] = step
            step *= max(shape[d], 1)
    return Layout(shape, tuple(strides), draw(st.integers(0, max_offset)))


@st.composite
def regrouped(draw, sizes, most_edits=4):
    """Other sizes for the same number of elements: neighbors made one, sizes divided, 1 put in and taken out."""
    new = list(sizes)
    for _ in range(draw(st.integers(0, most_edits))):
        edit = draw(st.sampled_from(["merge", "divide", "insert", "remove"]))
        if edit == "merge" and len(new) > 1:
            d = draw(st.integers(0, len(new) - 2))
            new[d : d + 2] = [new[d] * new[d + 1]]
        elif edit == "divide" and new:
            d = draw(st.integers(0, len(new) - 1))
            factor = draw(st.sampled_from([n for n in range(1, new[d] + 1) if new[d] % n == 0] or [0, 3]))
            new[d : d + 1] = [factor, new[d] // factor if factor else 2]
        elif edit == "insert":
            new.insert(draw(st.integers(0, len(new))), 1)
        elif edit == "remove" and 1 in new:
            new.remove(1)
    return tuple(new)


def factorizations(number, most=3):
    """All ways to write `number` as a product of at most `most` factors above 1, in every order."""
    if number == 1:
        return [()]
    if not most:
        return []
    return [(first, *rest) for first in range(2, number + 1) if number % first == 0
            for rest in factorizations(number // first, most - 1)]
