"""What the tests of tasks 3.1 and 3.2 share: sizes and strides of several operands, as tensors come by them; memory."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

GUARD = 12  # places behind each operand, which hold something, so that a slip ends in a wrong number

# Small ones come first: examples shrink to them.
SIZES = st.sampled_from([2, 3, 1, 2, 4, 3, 2, 5])


class Layout(NamedTuple):
    """The sizes of a loop's work, and the strides of every operand, the result's first."""

    sizes: tuple
    strides: list

    def __repr__(self):
        return f"sizes={self.sizes}, strides={self.strides}"


def shapes(least_dims=1, max_dims=4, most=48, sizes=SIZES):
    """Sizes without 0, `most` elements at most."""

    def fewer(drawn):
        kept = []
        for size in drawn:  # a size that would be too much becomes 1
            kept.append(size if size * math.prod(kept) <= most else 1)
        return tuple(kept)

    return st.lists(sizes, min_size=least_dims, max_size=max_dims).map(fewer)


@st.composite
def strides_for(draw, sizes, stretched=True):
    """Strides of one operand: memory in any order of the dimensions, with gaps, and, where `stretched`, with strides
    of 0. Otherwise no two elements have the same place.
    """
    rank = len(sizes)
    order = list(range(rank)) if draw(st.booleans()) else draw(st.permutations(range(rank)))
    strides, step = [0] * rank, 1
    for d in reversed(order):
        kind = draw(st.sampled_from(["plain", "plain", "plain", "gap", "other"]))
        if kind == "gap":
            step *= draw(st.integers(2, 3))
        if kind == "other" and sizes[d] == 1:
            strides[d] = draw(st.sampled_from([0, 1, 7]))  # no step is ever taken along it
        elif kind == "other" and stretched:
            strides[d] = 0
        else:
            strides[d] = step
            step *= sizes[d]
    chosen = tuple(strides)
    return chosen


@st.composite
def work(draw, least=3, most=3, max_dims=4, elements=48, stretched_out=False):
    """A layout: `least` to `most` operands of the same sizes, the first of which is the result."""
    sizes = draw(shapes(max_dims=max_dims, most=elements))
    count = draw(st.integers(least, most))
    strides = [draw(strides_for(sizes, stretched=stretched_out))]
    while len(strides) < count:  # often as another one, as where nothing is broadcast
        same = draw(st.booleans()) and draw(st.booleans())
        strides.append(strides[0] if same else draw(strides_for(sizes)))
    return Layout(sizes, strides)


def indices(sizes):
    """All indices, the last dimension running fastest."""
    return itertools.product(*map(range, sizes))


def places(sizes, strides):
    """Where the elements lie, the last dimension running fastest."""
    return [sum(i * stride for i, stride in zip(index, strides)) for index in indices(sizes)]


def room(sizes, strides):
    """How many places there are from the first element to the last one in memory."""
    return 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides))


def table(sizes, strides):
    """Sizes and strides as loops take them."""
    return np.array(sizes, np.int64), np.array(strides, np.int64).reshape(len(strides), len(sizes))


def memory_of(lengths, guard=GUARD):
    """A 1-D array for each operand, all of whose numbers differ."""
    return [np.arange(length + guard, dtype=np.float64) * 10.0**k + 10.0**k for k, length in enumerate(lengths)]
