"""Max-pooling on the device "cpu" for windows of 2 x 2 that neither overlap nor reach outside. Provided.

Each such window is four numbers at known places: no loops over a window, no question whether a place is inside, and
no jump that depends on the numbers, so the compiler works on several windows at once. All other windows are the
learner's loops' (pooling.py), which also do this where the hand-over is disabled; the results are the same.

In PyTorch: `aten/src/ATen/native/cpu/MaxPoolKernel.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.nn.loops import rows
from terox.nn.windows import Windows
from terox.parallel import compiler, handover, workers
from terox.parallel.kernels import begins
from terox.tensors.iterator import empty
from terox.tensors.table import KERNELS, register
from terox.tensors.tensor import Tensor

JOB = 1 << 16  # elements of the input; as many jobs as that makes, each of whole planes


def pool_twos(begin: int, end: int, out: Any, indices: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Rows `begin` to `end` of the maxima and of their places, (planes, out_h, out_w), of `a`, (planes, height, width).

    sizes: height, width, out_h, out_w. The first of equal ones counts, row by row, and NaN is the largest.
    """
    height, width, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3]
    for row in range(begin, end):
        y = row % out_h * 2
        place = (row // out_h * height + y) * width
        upper, lower = a[place : place + 2 * out_w], a[place + width : place + width + 2 * out_w]
        best, where = out[row * out_w : (row + 1) * out_w], indices[row * out_w : (row + 1) * out_w]
        at = y * width
        for x in range(out_w):
            top, number = upper[2 * x], 0
            other = upper[2 * x + 1]
            # Larger, or NaN; nothing is larger than NaN.
            number = 1 if not other <= top and top == top else number
            top = other if number == 1 else top
            other = lower[2 * x]
            number = width if not other <= top and top == top else number
            top = other if number == width else top
            other = lower[2 * x + 1]
            number = width + 1 if not other <= top and top == top else number
            best[x] = other if number == width + 1 else top
            where[x] = at + 2 * x + number


def pool_twos_back(begin: int, end: int, grad_input: Any, grad: Any, indices: Any, sizes: Any, steps: Any) -> None:
    """Planes `begin` to `end` of the gradient for `a`: each number of `grad` goes where its maximum stood, all else is
    0. sizes: as above."""
    height, width, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3]
    zero = grad.dtype.type(0)
    for plane in range(begin, end):
        for y in range(out_h):
            row, place = (plane * out_h + y) * out_w, (plane * height + 2 * y) * width
            source, where = grad[row : row + out_w], indices[row : row + out_w]
            upper, lower = grad_input[place : place + width], grad_input[place + width : place + 2 * width]
            at = 2 * y * width
            for x in range(out_w):
                number = where[x] - (at + 2 * x)
                upper[2 * x] = source[x] if number == 0 else zero
                upper[2 * x + 1] = source[x] if number == 1 else zero
                lower[2 * x] = source[x] if number == width else zero
                lower[2 * x + 1] = source[x] if number == width + 1 else zero
            for x in range(2 * out_w, width):
                upper[x] = lower[x] = zero
        for place in range((plane * height + 2 * out_h) * width, (plane + 1) * height * width):
            grad_input[place] = zero


def _twos(tensor: Tensor, of: Windows) -> bool:
    """Whether a loop of this file fits."""
    return (handover.state.enabled and of.kernel == of.stride == (2, 2) and of.padding == (0, 0)
            and of.dilation == (1, 1) and of.plane[1] > 2 and tensor.impl.dtype.is_floating_point
            and 0 not in tensor.impl.sizes and all([2 * n <= size for n, size in zip(of.counts, of.plane)]))


def _share(kernel: Any, planes: int, unit: int, of: Windows, *arrays: np.ndarray) -> None:
    """Run over all planes, each of which is `unit` of the loop's units."""
    sizes, steps = np.array([*of.plane, *of.counts], np.int64), np.zeros((1, 1), np.int64)
    count = max(1, JOB // (of.plane[0] * of.plane[1]))

    def do(job: int) -> None:
        kernel.serial(job * count * unit, min((job + 1) * count, planes) * unit, *arrays, sizes, steps)

    workers.share(do, -(-planes // count))


def max_pool2d(input: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The maxima; `indices` gets their places."""
    if not _twos(input, of):
        return _loop(input, indices, of)
    n, channels = input.impl.sizes[:2]
    out = empty((n, channels, *of.counts), input.impl.storage.dtype, "cpu")
    name = input.impl.storage.dtype.name
    _share(compiler.kernel(pool_twos, (name, "int64", name)), n * channels, of.counts[0], of, out.impl.storage.array,
           indices.impl.storage.array, begins(rows(input)))
    return out


def max_pool2d_back(grad: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The gradient for the input."""
    if not _twos(grad, of):
        return _loop_back(grad, indices, of)
    n, channels = grad.impl.sizes[:2]
    out = empty((n, channels, *of.plane), grad.impl.storage.dtype, "cpu")
    name = grad.impl.storage.dtype.name
    _share(compiler.kernel(pool_twos_back, (name, name, "int64")), n * channels, 1, of, out.impl.storage.array,
           begins(rows(grad)), begins(rows(indices)))
    return out


_loop, _loop_back = KERNELS["max_pool2d", "cpu"], KERNELS["max_pool2d_back", "cpu"]
register("max_pool2d", "cpu", max_pool2d)
register("max_pool2d_back", "cpu", max_pool2d_back)
