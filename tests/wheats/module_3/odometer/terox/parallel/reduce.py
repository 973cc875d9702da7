"""Lanes are folded in pairs, the rest goes into the lanes, and rows are counted by an odometer."""

import numpy as np


def fold_row(fn, start, n, a, first, step):
    lanes = np.full(LANES, start)  # noqa: F821
    full = (n // LANES) * LANES  # noqa: F821
    for i in range(0, full, LANES):  # noqa: F821
        for j in range(LANES):  # noqa: F821
            lanes[j] = fn(lanes[j], a[first + (i + j) * step])
    for i in range(full, n):
        lanes[i - full] = fn(lanes[i - full], a[first + i * step])
    half = LANES  # noqa: F821
    while half > 1:
        odd = half % 2
        half = half // 2
        for j in range(half):
            lanes[j] = fn(lanes[j], lanes[half + odd + j])
        half += odd
    return lanes[0]


def reduce_range(fn, start, begin, end, out, a, sizes, strides):
    dims = len(sizes)
    kept = dims
    while kept > 0 and strides[0, kept - 1] == 0:
        kept -= 1
    index = np.zeros(dims, np.int64)
    for number in range(begin, end):
        rest = number
        index[:] = 0
        for d in range(kept - 1, -1, -1):
            index[d] = rest % sizes[d]
            rest = rest // sizes[d]
        value = start
        more = True
        while more:
            place = 0
            for d in range(dims):
                place += index[d] * strides[1, d]
            if kept == dims:
                value = fn(value, a[place])
                more = False
            else:
                value = fn(value, fold_row(fn, start, sizes[dims - 1], a, place, strides[1, dims - 1]))
                d = dims - 2
                while d >= kept and index[d] == sizes[d] - 1:
                    index[d] = 0
                    d -= 1
                if d < kept:
                    more = False
                else:
                    index[d] += 1
        target = 0
        for d in range(kept):
            target += index[d] * strides[0, d]
        out[target] = value


def partial_range(fn, start, begin, end, out, a, sizes, strides):
    for block in range(begin, end):
        first = block * BLOCK  # noqa: F821
        last = first + BLOCK  # noqa: F821
        if last > sizes[0]:
            last = sizes[0]
        out[block] = fold_row(fn, start, last - first, a, first * strides[1, 0], strides[1, 0])
