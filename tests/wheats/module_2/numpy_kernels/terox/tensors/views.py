"""A right solution built another way: NumPy works the geometry out, on an array of single bytes that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


def _looked_at(sizes: Sequence[int], strides: Sequence[int], offset: int, how: Callable[[Any], Any]) -> Geometry:
    whole = np.lib.stride_tricks.as_strided(np.zeros(1, dtype=np.int8), tuple(sizes), tuple(strides))
    part = how(whole)
    further = part.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    return part.shape, part.strides, offset + further


def permute(sizes: Sequence[int], strides: Sequence[int], offset: int, dims: Sequence[int]) -> Geometry:
    return _looked_at(sizes, strides, offset, lambda whole: whole.transpose(tuple(dims)))


def expand(sizes: Sequence[int], strides: Sequence[int], offset: int, shape: Sequence[int]) -> Geometry:
    padded = [None] * (len(shape) - len(sizes)) + list(sizes)
    wanted = tuple([size if size != -1 or own is None else own for size, own in zip(shape, padded)])
    if -1 in wanted:
        raise cannot_expand(sizes, shape)
    return wanted, broadcast_strides(sizes, strides, wanted), offset


def slice(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, start: int, stop: int,
          step: int) -> Geometry:
    index = (np.s_[:],) * dim + (np.s_[start:stop:step],)
    return _looked_at(sizes, strides, offset, lambda whole: whole[index])


def select(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, index: int) -> Geometry:
    return _looked_at(sizes, strides, offset, lambda whole: whole[(np.s_[:],) * dim + (index, ...)])
