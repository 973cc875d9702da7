"""A right solution built another way: by recursion, and a view divided from the front."""

from __future__ import annotations

from collections.abc import Sequence

import functools
import math


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(math.prod(max(1, size) for size in sizes[dim + 1 :]) for dim in range(len(sizes)))


def position(index: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
    place = offset
    for dim in range(len(index)):
        place += index[dim] * strides[dim]
    return place


def index_at(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    if not sizes:
        return ()
    behind = math.prod(sizes[1:])
    return (number // behind, *index_at(number % behind, sizes[1:]))


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    def from_the_end(dim: int, step: int) -> bool:
        if dim < 0:
            return True
        if sizes[dim] == 1:
            return from_the_end(dim - 1, step)
        return strides[dim] == step and from_the_end(dim - 1, step * sizes[dim])

    return math.prod(sizes) == 0 or from_the_end(len(sizes) - 1, 1)


def _chunks(dims: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(elements, stride of the last dimension) of each run of dimensions that could be one."""

    def join(found: list[tuple[int, int]], each: tuple[int, int]) -> list[tuple[int, int]]:
        size, stride = each
        if found and found[-1][1] == stride * size:
            return [*found[:-1], (found[-1][0] * size, stride)]
        return [*found, each]

    return functools.reduce(join, dims, [])


def view_strides(sizes: Sequence[int], strides: Sequence[int], new_sizes: Sequence[int]) -> tuple[int, ...] | None:
    if list(sizes) == list(new_sizes):
        return tuple(strides)
    if math.prod(sizes) == 0:
        return contiguous_strides(new_sizes)
    chunks = _chunks([(size, stride) for size, stride in zip(sizes, strides) if size > 1])
    if not chunks:
        return contiguous_strides(new_sizes)
    # From the front: each chunk has `left` elements that new dimensions have not yet divided among themselves.
    left, stride = chunks.pop(0)
    result = []
    for size in new_sizes:
        if left == 1 and chunks and size != 1:
            left, stride = chunks.pop(0)
        if left % size:
            return None
        left //= size
        result.append(left * stride)
    return tuple(result)
