"""Kernels for windows on a GPU, in which each thread writes elements of the result that are its own. Provided.

The learner's loops of 5.2 and 5.4 would be slow there: a unit of theirs is a row or a plane, far too few of them for a
GPU, and neighboring threads would touch memory far apart. Here a unit is one element of the result. Going back, where
windows overlap, `fold_range` scatters: it adds each column to the place that it came from. Threads that did so would
have to add atomically, in any order, and so give another rounding each time. Instead each place *gathers*: its thread
looks for the windows that it is in.

Kernels take what those of terox/cuda take; memory begins at the element with index 0 and holds tensors row by row.
`sizes` and `steps` are tuples as loops get them, see windows.py.

In PyTorch: `aten/src/ATen/native/cuda/im2col.cuh`, `im2col_kernel`, `col2im_device`; `DilatedMaxPool2d.cu`,
`max_pool_forward_nchw`, `max_pool_backward_nchw`.
"""

from __future__ import annotations

from typing import Any

from terox._numba import cuda
from terox.nn.windows import sizes_of, steps_of


def im2col_kernel(kind: Any, out: Any, a: Any, count: int, sizes: Any, steps: Any) -> None:
    """All `count` elements of `out`, (planes, kernel_h, kernel_w, out_h, out_w), from `a`, (planes, height, width)."""
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for number in range(cuda.grid(1), count, cuda.gridsize(1)):
        row, x = number // out_w, number % out_w
        row, y = row // out_h, row % out_h
        row, j = row // kernel_w, row % kernel_w
        plane, i = row // kernel_h, row % kernel_h
        from_y = y * stride_h - padding_h + i * dilation_h
        from_x = x * stride_w - padding_w + j * dilation_w
        if 0 <= from_y < height and 0 <= from_x < width:
            out[number] = a[(plane * height + from_y) * width + from_x]
        else:
            out[number] = kind(0)


def first_window(at: int, kernel: int, stride: int, dilation: int) -> int:
    """The number of the first window that reaches as far as `at`, which counts from the beginning of the padding."""
    reach = dilation * (kernel - 1) + 1
    return (at - reach) // stride + 1 if at >= reach else 0


def end_window(at: int, stride: int, windows: int) -> int:
    """One more than the number of the last window, of so many, that begins at `at` or before."""
    last = at // stride
    return last + 1 if last < windows else windows


def col2im_kernel(kind: Any, out: Any, columns: Any, count: int, sizes: Any, steps: Any) -> None:
    """All `count` elements of `out`, (planes, height, width): each the sum of its copies in the columns.

    Between the first window that reaches an element and the last that begins before, it belongs to those from whose
    beginning it is a whole number of dilations away.
    """
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for number in range(cuda.grid(1), count, cuda.gridsize(1)):
        plane, at_x = number // width, number % width + padding_w
        plane, at_y = plane // height, plane % height + padding_h
        total = kind(0)
        for y in range(first_window(at_y, kernel_h, stride_h, dilation_h), end_window(at_y, stride_h, out_h)):
            i, rest_y = (at_y - y * stride_h) // dilation_h, (at_y - y * stride_h) % dilation_h
            for x in range(first_window(at_x, kernel_w, stride_w, dilation_w), end_window(at_x, stride_w, out_w)):
                j, rest_x = (at_x - x * stride_w) // dilation_w, (at_x - x * stride_w) % dilation_w
                if rest_y == 0 and rest_x == 0:
                    total += columns[(((plane * kernel_h + i) * kernel_w + j) * out_h + y) * out_w + x]
        out[number] = total


def max_pool_kernel(kind: Any, out: Any, indices: Any, a: Any, count: int, sizes: Any, steps: Any) -> None:
    """All `count` elements of `out` and `indices`, (planes, out_h, out_w), as `max_pool_range` writes them."""
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for number in range(cuda.grid(1), count, cuda.gridsize(1)):
        plane, left = number // out_w, number % out_w * stride_w - padding_w
        plane, top = plane // out_h, plane % out_h * stride_h - padding_h
        best, where = kind(0), -1
        for i in range(kernel_h):
            for j in range(kernel_w):
                from_y, from_x = top + i * dilation_h, left + j * dilation_w
                if 0 <= from_y < height and 0 <= from_x < width:
                    place = from_y * width + from_x
                    value = a[plane * height * width + place]
                    # The first one of all counts, whatever it is; nothing is larger than NaN: it stays.
                    if where < 0 or value > best or value != value:
                        best, where = value, place
        out[number] = best
        indices[number] = where


def max_pool_back_kernel(kind: Any, out: Any, grad: Any, indices: Any, count: int, sizes: Any, steps: Any) -> None:
    """All `count` elements of `out`, (planes, height, width): each the sum of the gradients, (planes, out_h, out_w), of
    the windows whose maximum it was."""
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for number in range(cuda.grid(1), count, cuda.gridsize(1)):
        plane, place = number // (height * width), number % (height * width)
        at_y, at_x = place // width + padding_h, place % width + padding_w
        total = kind(0)
        for y in range(first_window(at_y, kernel_h, stride_h, dilation_h), end_window(at_y, stride_h, out_h)):
            for x in range(first_window(at_x, kernel_w, stride_w, dilation_w), end_window(at_x, stride_w, out_w)):
                window = (plane * out_h + y) * out_w + x
                if indices[window] == place:
                    total += grad[window]
        out[number] = total
