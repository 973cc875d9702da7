"""A right solution built another way: column by column, from the end."""

from __future__ import annotations

from collections.abc import Sequence

import itertools


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    columns = list(itertools.zip_longest(*[reversed(shape) for shape in shapes], fillvalue=1))
    result: list[int] = []
    for number, column in enumerate(columns):
        sizes = [size for size in column if size != 1]
        other = next((size for size in sizes if size != sizes[0]), None)
        if other is not None:
            raise mismatch(sizes[0], other, len(columns) - 1 - number, shapes)
        result.insert(0, sizes[0] if sizes else 1)
    return tuple(result)


def broadcast_strides(sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) < len(sizes):
        raise cannot_expand(sizes, shape)
    pairs = [(None, 0)] * (len(shape) - len(sizes)) + list(zip(sizes, strides))
    for (size, _), wanted in zip(pairs, shape):
        if size not in (None, 1, wanted):
            raise cannot_expand(sizes, shape)
    return tuple([stride if size == wanted else 0 for (size, stride), wanted in zip(pairs, shape)])
