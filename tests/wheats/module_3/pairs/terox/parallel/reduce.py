"""A right solution built another way: lanes are folded in pairs, and places are counted up and not computed."""

from __future__ import annotations

from typing import Any

import numpy as np


def fold_row(fn: Any, start: Any, n: int, a: Any, first: int, step: int) -> Any:
    lanes = np.full(LANES, start)
    groups, left = n // LANES, n % LANES
    if step == 1:
        row = a[first : first + n]
        for group in range(groups):
            for j in range(LANES):
                lanes[j] = fn(row[group * LANES + j], lanes[j])
        for j in range(left):
            lanes[j] = fn(lanes[j], row[groups * LANES + j])
    else:
        place = first
        for _group in range(groups):
            for j in range(LANES):
                lanes[j] = fn(lanes[j], a[place + j * step])
            place += LANES * step
        for j in range(left):
            lanes[LANES - 1 - j] = fn(lanes[LANES - 1 - j], a[place + j * step])
    half = LANES // 2
    while half > 0:
        for j in range(half):
            lanes[j] = fn(lanes[j], lanes[j + half])
        half //= 2
    return lanes[0]


def reduce_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    d = len(sizes)
    kept = d
    while kept > 0 and strides[0, kept - 1] == 0:
        kept -= 1
    index = np.zeros(d, np.int64)
    for number in range(end - 1, begin - 1, -1):
        rest, place, first = number, 0, 0
        for k in range(kept - 1, -1, -1):
            place += rest % sizes[k] * strides[0, k]
            first += rest % sizes[k] * strides[1, k]
            rest //= sizes[k]
        if kept == d:
            out[place] = fn(start, a[first])
            continue
        index[:] = 0
        value = start
        done = False
        while not done:
            value = fn(fold_row(fn, start, sizes[d - 1], a, first, strides[1, d - 1]), value)
            k = d - 2
            while k >= kept:
                index[k] += 1
                first += strides[1, k]
                if index[k] < sizes[k]:
                    break
                first -= sizes[k] * strides[1, k]
                index[k] = 0
                k -= 1
            done = k < kept
        out[place] = value


def partial_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    n = sizes[0]
    for b in range(begin, end):
        last = min((b + 1) * BLOCK, n)
        out[b] = fold_row(fn, start, last - b * BLOCK, a, b * BLOCK * strides[1, 0], strides[1, 0])
