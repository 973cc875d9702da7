"""A right solution without cleverness: three loops for each block, nothing packed."""

import numpy as np


def micro_kernel(tile, left, right, i, depth, columns):
    for row in range(i, i + 2):
        for p in range(depth):
            for j in range(columns):
                tile[row, j] += left[row, p] * right[p, j]


def matmul_range(begin, end, out, a, b, sizes, strides):
    d = len(sizes) - 3
    n, m, k = sizes[d], sizes[d + 1], sizes[d + 2]
    across = -(-m // COLUMNS)
    blocks = across * -(-n // ROWS)
    total = np.empty(COLUMNS, out.dtype)
    for unit in range(begin, end):
        to, at_a, at_b = batch_places(unit // blocks, sizes, strides)
        row = unit % blocks // across * ROWS
        column = unit % across * COLUMNS
        columns = min(m, column + COLUMNS) - column
        for s in range(row, min(n, row + ROWS)):
            total[:] = 0
            for p in range(k):
                x = a[at_a + s * strides[1, d] + p * strides[1, d + 2]]
                for t in range(columns):
                    total[t] += x * b[at_b + p * strides[2, d + 2] + (column + t) * strides[2, d + 1]]
            for t in range(columns):
                out[to + s * strides[0, d] + (column + t) * strides[0, d + 1]] = total[t]
