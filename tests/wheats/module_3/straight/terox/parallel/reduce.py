"""A right solution built another way: twice as many lanes, and places computed from all dimensions at once."""

from __future__ import annotations

from typing import Any

import numpy as np


def fold_row(fn: Any, start: Any, n: int, a: Any, first: int, step: int) -> Any:
    one, two = np.full(LANES, start), np.full(LANES, start)
    i = 0
    while i + 2 * LANES <= n:
        for j in range(LANES):
            one[j] = fn(one[j], a[first + (i + j) * step])
            two[j] = fn(two[j], a[first + (i + LANES + j) * step])
        i += 2 * LANES
    value = start
    while i < n:
        value = fn(value, a[first + i * step])
        i += 1
    for j in range(LANES):
        value = fn(value, fn(one[j], two[j]))
    return value


def reduce_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    count = 1
    folded = 1
    for d in range(len(sizes)):
        if strides[0, d] != 0:
            count *= sizes[d]
        else:
            folded *= sizes[d]
    kept = 0
    for d in range(len(sizes)):
        if strides[0, d] != 0:
            kept = d + 1
    row = sizes[len(sizes) - 1] if kept < len(sizes) else 1
    for number in range(begin, end):
        value = start
        for r in range(0, folded, row):
            first = place_of(number * folded + r, sizes, strides[1])
            value = fn(value, fold_row(fn, start, row, a, first, strides[1, len(sizes) - 1]))
        out[place_of(number * folded, sizes, strides[0])] = value


def partial_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    for block in range(begin, end):
        n = BLOCK
        if (block + 1) * BLOCK > sizes[0]:
            n = sizes[0] - block * BLOCK
        value = fold_row(fn, start, n, a, block * BLOCK * strides[1, 0], strides[1, 0])
        out[block] = value
