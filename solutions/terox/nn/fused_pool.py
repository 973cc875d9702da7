"""Max-pooling on the device "cpu" for windows of 2 x 2 that neither overlap nor reach outside. Provided.

Each such window is four numbers at known places: no loops over a window, no question whether a place is inside, and
no jump that depends on the numbers, so the compiler works on several windows at once. All other windows are the
learner's loops' (pooling.py), which also do this where the hand-over is disabled; the results are the same.

In PyTorch: `aten/src/ATen/native/cpu/MaxPoolKernel.cpp`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from terox._numba import maximum
from terox.nn.loops import rows
from terox.nn.windows import Windows
from terox.parallel import compiler, elementwise, handover
from terox.parallel.kernels import begins
from terox.tensors.iterator import empty
from terox.tensors.table import KERNELS, Kernel, register
from terox.tensors.tensor import Tensor


def pool_twos(begin: int, end: int, out: Any, indices: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Planes `begin` to `end` of the maxima and of their places, (planes, out_h, out_w), of `a`, (planes, height,
    width).

    sizes: height, width, out_h, out_w. The first of equal ones counts, row by row, and NaN is the largest, the last
    one if there are several.
    """
    height, width, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3]
    count, row = out_h * out_w, 2 * out_w
    # Upper rows of windows, lower rows, and the places of the upper left corners, each without what lies between.
    upper, lower, corners = np.empty(2 * count, a.dtype), np.empty(2 * count, a.dtype), np.empty(count, np.int32)
    for k in range(count):
        corners[k] = k // out_w * 2 * width + k % out_w * 2
    corner, side, below, across = np.int32(0), np.int32(1), np.int32(width), np.int32(width + 1)
    for plane in range(begin, end):
        for y in range(out_h):
            place = (plane * height + 2 * y) * width
            first, second = a[place : place + row], a[place + width : place + width + row]
            to_first, to_second = upper[y * row : (y + 1) * row], lower[y * row : (y + 1) * row]
            for x in range(row):
                to_first[x] = first[x]
            for x in range(row):
                to_second[x] = second[x]
        best, where = out[plane * count : (plane + 1) * count], indices[plane * count : (plane + 1) * count]
        for k in range(count):
            w, x, y, z = upper[2 * k], upper[2 * k + 1], lower[2 * k], lower[2 * k + 1]
            top = maximum(maximum(w, x), maximum(y, z))
            # From the last to the first, so that the first of equal ones stays. NaN is equal to nothing, so it is asked
            # for: the last one stays, as in the loop.
            number = below if y == top else across
            number = side if x == top else number
            number = corner if (w == top) | (w != w) else number
            number = side if x != x else number
            number = below if y != y else number
            number = across if z != z else number
            best[k] = top
            where[k] = corners[k] + number


def pool_twos_back(begin: int, end: int, grad_input: Any, grad: Any, indices: Any, sizes: Any, steps: Any) -> None:
    """Planes `begin` to `end` of the gradient for `a`: each number of `grad` goes where its maximum stood, all else is
    0. sizes: as above."""
    inside, count = sizes[0] * sizes[1], sizes[2] * sizes[3]
    for plane in range(begin, end):
        target = grad_input[plane * inside : (plane + 1) * inside]
        source, where = grad[plane * count : (plane + 1) * count], indices[plane * count : (plane + 1) * count]
        target[:] = 0
        for k in range(count):
            target[where[k]] = source[k]


def _twos(tensor: Tensor, of: Windows) -> bool:
    """Whether a loop of this file fits."""
    return (handover.state.enabled and of.kernel == of.stride == (2, 2) and of.padding == (0, 0)
            and of.dilation == (1, 1) and of.plane[1] > 2 and tensor.impl.dtype.is_floating_point
            and 0 not in tensor.impl.sizes and all([2 * n <= size for n, size in zip(of.counts, of.plane)]))


def _launch(loop: Any, planes: int, of: Windows, *arrays: np.ndarray) -> None:
    """Run over all planes."""
    kernel = compiler.kernel(loop, tuple([array.dtype.name for array in arrays]))
    sizes, steps = np.array([*of.plane, *of.counts], np.int64), np.zeros((1, 1), np.int64)
    elements = math.prod(of.plane)
    if planes * elements < 2 * elementwise.GRAIN:  # as elementwise ops do
        kernel.serial(0, planes, *arrays, sizes, steps)
    else:
        elementwise.launch(kernel, planes, elements, *arrays, sizes, steps)


def max_pool2d(input: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The maxima; `indices` gets their places."""
    if not _twos(input, of):
        return _loops["max_pool2d"](input, indices, of)
    n, channels = input.impl.sizes[:2]
    out = empty((n, channels, *of.counts), input.impl.storage.dtype, "cpu")
    _launch(pool_twos, n * channels, of, out.impl.storage.array, indices.impl.storage.array, begins(rows(input)))
    return out


def max_pool2d_back(grad: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The gradient for the input."""
    if not _twos(grad, of):
        return _loops["max_pool2d_back"](grad, indices, of)
    n, channels = grad.impl.sizes[:2]
    out = empty((n, channels, *of.plane), grad.impl.storage.dtype, "cpu")
    _launch(pool_twos_back, n * channels, of, out.impl.storage.array, begins(rows(grad)), begins(rows(indices)))
    return out


_loops: dict[str, Kernel] = {}  # what runs the learner's


def register_over_loops() -> None:
    """Register both ops over those of loops.py, which are there already."""
    for op in (max_pool2d, max_pool2d_back):
        _loops[op.__name__] = KERNELS[op.__name__, "cpu"]
        register(op.__name__, "cpu", op)
