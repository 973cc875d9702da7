"""Windows as columns and back, for a few images at a time: the loops of fused_conv.py. Provided.

They do what the learner's `unfold_range` and `fold_range` do, with two differences. A plane is first copied into
scratch memory with its padding, so that nothing inside asks whether a place is outside. And rows are moved in pieces
of 8, all of which are read before any is written: that becomes one vector instruction. The last piece of a row may
reach beyond it: into what is written next, or into memory that is there for that.

In PyTorch: `aten/src/ATen/native/im2col.h`, which copies element by element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PIECE = 8


def copy_row(target: Any, source: Any, n: int) -> None:
    """`target[:n] = source[:n]`, in whole pieces: up to 7 elements more are read and written."""
    for x in range(0, n, PIECE):
        a, b = source[x : x + PIECE], target[x : x + PIECE]
        a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = a0, a1, a2, a3, a4, a5, a6, a7


def unfold_planes(begin: int, end: int, columns: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Rows `first_y` to `last_y` of the windows of planes `begin` to `end` of `a`, (planes, height, width).

    columns: (end - begin, kernel_h, kernel_w, last_y - first_y, out_w), and PIECE elements more, which come to hold
    anything. sizes: height, width, kernel_h, kernel_w, out_w, first_y, last_y.
    """
    height, width, kernel_h, kernel_w, out_w, first_y, last_y = (
        sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6])
    stride_h, stride_w, padding_h, padding_w = steps[0, 0], steps[0, 1], steps[1, 0], steps[1, 1]
    dilation_h, dilation_w = steps[2, 0], steps[2, 1]
    wide = width + 2 * padding_w
    # Of the padded plane, the rows that are needed: those from `top` on.
    top = first_y * stride_h
    high = (last_y - 1 - first_y) * stride_h + (kernel_h - 1) * dilation_h + 1
    plane = np.zeros(high * wide + PIECE, a.dtype)
    place = 0
    for number in range(begin, end):
        for y in range(max(top, padding_h), min(top + high, padding_h + height)):
            row = (number * height + y - padding_h) * width
            start = (y - top) * wide + padding_w
            inside, source = plane[start : start + width], a[row : row + width]
            for x in range(width):
                inside[x] = source[x]
        for i in range(kernel_h):
            for j in range(kernel_w):
                start = i * dilation_h * wide + j * dilation_w
                for _ in range(first_y, last_y):
                    if stride_w == 1:
                        copy_row(columns[place:], plane[start:], out_w)
                    else:
                        target, source = columns[place : place + out_w], plane[start:]
                        for x in range(out_w):
                            target[x] = source[x * stride_w]
                    place += out_w
                    start += stride_h * wide


def widen_rows(begin: int, end: int, out: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Rows `begin` to `end` of `a`, each with zeros behind. sizes: width of a row of `a`, and of `out`."""
    width, wide = sizes[0], sizes[1]
    for row in range(begin, end):
        source, target = a[row * width : (row + 1) * width], out[row * wide : (row + 1) * wide]
        for x in range(width):
            target[x] = source[x]
        for x in range(width, wide):
            target[x] = 0


def fold_wide(begin: int, end: int, out: Any, columns: Any, sizes: Any, steps: Any) -> None:
    """Planes `begin` to `end` of `out`, (planes, height, width): the sums of their copies in the columns, for a stride
    of 1.

    columns: (end - begin, kernel_h, kernel_w, out_h, wide), where wide = width + 2 * padding_w, and what lies beyond
    out_w is 0. So a plane with its padding has rows as long as those of the columns, and where a kernel's element
    (i, j) goes differs from where (0, 0) goes by one number: all rows can be added as one. sizes: height, width,
    kernel_h, kernel_w, out_h.
    """
    height, width, kernel_h, kernel_w, out_h = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    padding_h, padding_w, dilation_h, dilation_w = steps[1, 0], steps[1, 1], steps[2, 0], steps[2, 1]
    wide = width + 2 * padding_w
    n = out_h * wide
    plane = np.empty((height + 2 * padding_h) * wide, out.dtype)
    place = 0
    for number in range(begin, end):
        plane[:] = 0
        for i in range(kernel_h):
            target = plane[i * dilation_h * wide : i * dilation_h * wide + n]
            j = 0
            while j < kernel_w:
                # Of element j, what would come before its first is the end of the one before: 0.
                if j + 4 <= kernel_w and j > 0:
                    add_four(target, columns, place - j * dilation_w, n, n - dilation_w)
                    j, place = j + 4, place + 4 * n
                else:
                    add_one(target[j * dilation_w :], columns[place : place + n - j * dilation_w])
                    j, place = j + 1, place + n
        for y in range(height):
            row, start = (number * height + y) * width, (y + padding_h) * wide + padding_w
            inside, whole = plane[start : start + width], out[row : row + width]
            for x in range(width):
                whole[x] = inside[x]


def add_one(target: Any, a: Any) -> None:
    """`target += a`."""
    for x in range(len(a)):
        target[x] += a[x]


def add_four(target: Any, columns: Any, place: int, n: int, apart: int) -> None:
    """To `target`, add four times n elements of the columns, which begin at `place` and `apart` from each other."""
    a, b = columns[place : place + n], columns[place + apart : place + apart + n]
    c, d = columns[place + 2 * apart : place + 2 * apart + n], columns[place + 3 * apart : place + 3 * apart + n]
    for x in range(n):
        target[x] = target[x] + a[x] + b[x] + c[x] + d[x]


def fold_planes(begin: int, end: int, out: Any, columns: Any, sizes: Any, steps: Any) -> None:
    """The same for any stride; the rows of the columns are out_w long. sizes: as there, and out_w."""
    height, width, kernel_h, kernel_w, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    stride_h, stride_w, padding_h, padding_w = steps[0, 0], steps[0, 1], steps[1, 0], steps[1, 1]
    dilation_h, dilation_w = steps[2, 0], steps[2, 1]
    wide = width + 2 * padding_w
    plane = np.empty((height + 2 * padding_h) * wide, out.dtype)
    place = 0
    for number in range(begin, end):
        plane[:] = 0
        for i in range(kernel_h):
            for j in range(kernel_w):
                start = i * dilation_h * wide + j * dilation_w
                for _ in range(out_h):
                    target, source = plane[start:], columns[place : place + out_w]
                    for x in range(out_w):
                        target[x * stride_w] += source[x]
                    place += out_w
                    start += stride_h * wide
        for y in range(height):
            row, start = (number * height + y) * width, (y + padding_h) * wide + padding_w
            inside, whole = plane[start : start + width], out[row : row + width]
            for x in range(width):
                whole[x] = inside[x]
