"""Sizes and strides of several operands, as tensors come by them, for the kernels of tasks 4.2 to 4.5."""

from __future__ import annotations

import itertools
import math

from hypothesis import strategies as st

# Around the ends of blocks and of warps.
COUNTS = (1, 7, 8, 9, 31, 32, 33, 65)


@st.composite
def shapes(draw, most=72, dims=4):
    """Sizes without 0. `most` elements at most; often as many as a few blocks have, or one more or less."""
    if draw(st.booleans()):
        count = draw(st.sampled_from([each for each in COUNTS if each <= most]))
        parts = [d for d in range(2, count) if count % d == 0]
        return draw(st.sampled_from([(count,), *((part, count // part) for part in parts)]))
    kept = []
    for size in draw(st.lists(st.sampled_from([2, 3, 1, 4, 5]), min_size=1, max_size=dims)):
        kept.append(size if size * math.prod(kept) <= most else 1)
    return tuple(kept)


@st.composite
def strides_for(draw, sizes, stretched=True):
    """Strides of one operand: memory in any order of the dimensions, often that of its transpose, with gaps.

    stretched: how many of the first dimensions may have a stride of 0; True for all of them, False for none.
    """
    rank = len(sizes)
    may = rank if stretched is True else int(stretched)
    order = list(range(rank))
    how = draw(st.sampled_from(["plain", "plain", "turned", "any", "any"]))
    if how == "turned":
        order[-2:] = order[:-3:-1]
    elif how == "any":
        order = draw(st.permutations(order))
    strides, step = [0] * rank, 1
    for d in reversed(order):
        look = draw(st.sampled_from(["plain", "plain", "plain", "gap", "other"]))
        if look == "gap":
            step *= draw(st.integers(2, 3))
        if look == "other" and sizes[d] == 1:
            strides[d] = draw(st.sampled_from([0, 1, 7]))  # no step is ever taken along it
        elif look != "other" or d >= may:
            strides[d] = step
            step *= max(sizes[d], 1)
    chosen = tuple(strides)
    return chosen


def contiguous(sizes):
    """The strides of a new tensor."""
    return tuple(math.prod(sizes[d + 1 :]) for d in range(len(sizes)))


def places(sizes, strides):
    """Where the elements lie, the last dimension running fastest: by brute force, index for index."""
    return [sum(i * stride for i, stride in zip(index, strides)) for index in itertools.product(*map(range, sizes))]


def first_fastest(sizes, strides):
    """The places, were the first dimension the one that runs fastest."""
    return places(sizes[::-1], strides[::-1])


def room(sizes, strides):
    """How many places there are from element 0 to the last one in memory."""
    return 0 if 0 in sizes else 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides))
