"""Sizes and strides as kernels for the GPU take them: tuples of a few ranks only. Provided.

A kernel is compiled for each length of its tuples. Few dimensions are left once neighbors are made one (module 3's
`coalesce`), and dimensions of size 1 in front make them 1, 2, 4, 8, ...; so a kernel is compiled two or three times,
and not for each number of dimensions. What was found out for some sizes and strides is kept for the next call.

In PyTorch: `aten/src/ATen/cuda/detail/OffsetCalculator.cuh`, `MAX_DIMS`; `aten/src/ATen/cuda/detail/IndexUtils.cuh`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

from terox.parallel.coalescing import coalesce, reorder

Sizes = tuple[int, ...]
Packed = tuple[Sizes, tuple[Sizes, ...]]  # sizes; for each operand, its strides


def padded(sizes: Sizes, strides: Sequence[Sizes]) -> Packed:
    """The same with dimensions of size 1 in front, so that there are 1, 2, 4, 8, ... of them."""
    rank = 1
    while rank < len(sizes):
        rank *= 2
    more = rank - len(sizes)
    return (1,) * more + tuple(sizes), tuple((0,) * more + tuple(each) for each in strides)


@functools.lru_cache(4096)
def pack(sizes: Sizes, *strides: Sizes) -> Packed:
    """For work on elements in any order: that of the first operand's memory. No size is 0."""
    return padded(*coalesce(*reorder(sizes, list(strides))))


@functools.lru_cache(4096)
def pack_in_order(sizes: Sizes, *strides: Sizes) -> Packed:
    """For work that counts elements: the last dimension still runs fastest. No size is 0."""
    return padded(*coalesce(sizes, list(strides)))


def pieces(sizes: Sizes, most: int) -> Iterator[tuple[Sizes, Sizes]]:
    """Boxes of at most `most` elements that make up `sizes`, in order: where each begins, and its sizes.

    The elements of each box follow one another also when all of them are counted, last dimension fastest.
    """
    inner, d = 1, len(sizes)
    while d > 0 and inner * sizes[d - 1] <= most:
        d -= 1
        inner *= sizes[d]
    if d == 0:
        yield (0,) * len(sizes), sizes
        return
    step, outer, rest = most // inner, sizes[: d - 1], sizes[d:]
    for index in itertools.product(*map(range, outer)):
        for start in range(0, sizes[d - 1], step):
            yield ((*index, start, *(0,) * len(rest)),
                   (*(1,) * len(outer), min(step, sizes[d - 1] - start), *rest))


def place(index: Sequence[int], strides: Sequence[int]) -> int:
    """How far an element lies from the first one."""
    return sum(map(math.prod, zip(index, strides)))
