"""A right solution without cleverness: plain loops in place of `pack`, everything cleared for each piece; the
micro-kernel takes two k, and has no variables for the numbers of left.
"""

import numpy as np


def micro_kernel(tile, left, right, i, depth, columns):
    for p in range(0, depth, 2):
        for j in range(columns):
            x, y = right[p, j], right[p + 1, j]
            for row in range(i, i + 2):
                tile[row, j] += left[row, p] * x + left[row, p + 1] * y


def matmul_range(begin, end, out, a, b, sizes, strides):
    d = len(sizes) - 3
    n, m, k = sizes[d], sizes[d + 1], sizes[d + 2]
    across = -(-m // COLUMNS)
    blocks = across * -(-n // ROWS)
    tile = np.empty((ROWS, COLUMNS), out.dtype)
    left = np.empty((ROWS, DEPTH), out.dtype)
    right = np.empty((DEPTH, COLUMNS), out.dtype)
    for unit in range(begin, end):
        to, at_a, at_b = batch_places(unit // blocks, sizes, strides)
        row = unit % blocks // across * ROWS
        column = unit % across * COLUMNS
        rows = min(n, row + ROWS) - row
        columns = min(m, column + COLUMNS) - column
        tile[:] = 0
        for piece in range(0, k, DEPTH):
            left[:] = 0
            right[:] = 0
            for p in range(min(DEPTH, k - piece)):
                for s in range(rows):
                    left[s, p] = a[at_a + (row + s) * strides[1, d] + (piece + p) * strides[1, d + 2]]
                for t in range(columns):
                    right[p, t] = b[at_b + (piece + p) * strides[2, d + 2] + (column + t) * strides[2, d + 1]]
            for i in range(0, rows, 2):
                micro_kernel(tile, left, right, i, DEPTH, columns)
        for s in range(rows):
            for t in range(columns):
                out[to + (row + s) * strides[0, d] + (column + t) * strides[0, d + 1]] = tile[s, t]
