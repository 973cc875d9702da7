"""A right solution built another way: in loops, and by taking apart what the tuples hold."""

from __future__ import annotations

from collections.abc import Sequence

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


def permute(sizes: Sequence[int], strides: Sequence[int], offset: int, dims: Sequence[int]) -> Geometry:
    if not dims:
        return (), (), offset
    new_sizes, new_strides = zip(*[(sizes[dim], strides[dim]) for dim in dims])
    return new_sizes, new_strides, offset


def expand(sizes: Sequence[int], strides: Sequence[int], offset: int, shape: Sequence[int]) -> Geometry:
    wanted = list(shape)
    for back in range(1, min(len(sizes), len(shape)) + 1):
        if wanted[-back] == -1:
            wanted[-back] = sizes[-back]
    if -1 in wanted:
        raise cannot_expand(sizes, shape)
    return tuple(wanted), broadcast_strides(sizes, strides, wanted), offset


def slice(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, start: int, stop: int,
          step: int) -> Geometry:
    left = 0 if stop <= start else (stop - start - 1) // step + 1
    new_sizes = (*sizes[:dim], left, *sizes[dim + 1 :])
    new_strides = (*strides[:dim], strides[dim] * step, *strides[dim + 1 :])
    return new_sizes, new_strides, strides[dim] * start + offset


def select(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, index: int) -> Geometry:
    sizes, strides = list(sizes), list(strides)
    del sizes[dim]
    step = strides.pop(dim)
    return tuple(sizes), tuple(strides), offset + step * index
