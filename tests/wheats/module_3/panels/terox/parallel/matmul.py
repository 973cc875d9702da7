"""A right solution built another way: all of a's rows of a block are packed at once, and kept for the blocks beside it;
the micro-kernel goes backward, by two k; all scratch of a block begins with zeros.
"""

import numpy as np


def micro_kernel(tile, left, right, i, depth, columns):
    upper, lower = tile[i], tile[i + 1]
    for p in range(depth - 2, -1, -2):
        first, second = right[p], right[p + 1]
        for j in range(columns - 1, -1, -1):
            upper[j] += left[i, p + 1] * second[j] + left[i, p] * first[j]
            lower[j] += left[i + 1, p + 1] * second[j] + left[i + 1, p] * first[j]


def _up(number, step):
    return (number + step - 1) // step * step


def _block(unit, n, m):
    across = _up(m, COLUMNS) // COLUMNS
    down = _up(n, ROWS) // ROWS
    return unit // (down * across), unit // across % down, unit % across


def matmul_range(begin, end, out, a, b, sizes, strides):
    n, m, k = sizes[-3:]
    (to_row, to_column, _), (a_row, _, a_step), (_, b_column, b_step) = strides[0, -3:], strides[1, -3:], strides[2, -3:]
    k_up = _up(k, 4)
    left = np.zeros((ROWS, k_up), out.dtype)
    last = -1
    for unit in range(begin, end):
        number, s, t = _block(unit, n, m)
        at_out, at_a, at_b = batch_places(number, sizes, strides)
        s, t = s * ROWS, t * COLUMNS
        rows, columns = min(n - s, ROWS), min(m - t, COLUMNS)
        if unit - t // COLUMNS != last:
            pack(left, rows, k, a, at_a + s * a_row, a_row, a_step)
            last = unit - t // COLUMNS
        tile = np.zeros((ROWS, COLUMNS), out.dtype)
        for first in range(0, k_up, DEPTH):
            depth = min(DEPTH, k_up - first)
            right = np.zeros((DEPTH, COLUMNS), out.dtype)
            pack(right, min(depth, k - first), columns, b, at_b + first * b_step + t * b_column, b_step, b_column)
            i = 0
            while i < rows:
                micro_kernel(tile, left[:, first : first + depth], right, i, depth, columns)
                i += 2
        for j in range(columns):
            for i in range(rows):
                out[at_out + (s + i) * to_row + (t + j) * to_column] = tile[i, j]
