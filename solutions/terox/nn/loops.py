"""From ops on tensors to the learner's loops, or to what a device has in their place. Provided."""

from __future__ import annotations

import math
from collections.abc import Callable

from terox.nn import pooling, unfolding
from terox.nn.windows import Pair, Windows, windows
from terox.tensors.iterator import empty
from terox.tensors.storage import TensorImpl
from terox.tensors.table import register
from terox.tensors.tensor import Tensor

# Runs loop number 0 to `count` of a loop: (loop, count, work of a unit, operands, sizes, steps).
Run = Callable[[Callable[..., None], int, int, list[TensorImpl], tuple[int, ...], tuple[Pair, Pair, Pair]], None]


def rows(tensor: Tensor) -> TensorImpl:
    """The numbers, row by row."""
    return tensor.contiguous().impl


def register_loops(device: str, run: Run) -> None:
    """Register the four ops for a device, on which `run` runs a loop."""

    def im2col(input: Tensor, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
        n, channels, *plane = input.impl.sizes
        of = windows("unfold", tuple(plane), kernel, stride, padding, dilation)  # type: ignore[arg-type]
        count = math.prod(of.counts)
        out = empty((n, channels * math.prod(kernel), count), input.dtype, device)
        run(unfolding.unfold_range, n * channels * math.prod(kernel), count, [out.impl, rows(input)], of.sizes,
            of.steps)
        return out

    def col2im(columns: Tensor, plane: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
        n, deep, count = columns.impl.sizes
        channels = deep // math.prod(kernel)
        of = windows("fold", plane, kernel, stride, padding, dilation)
        if deep != channels * math.prod(kernel) or count != math.prod(of.counts):  # loops do not check
            raise RuntimeError(f"fold: columns of {list(columns.impl.sizes)} do not fit windows of {list(kernel)}, "
                               f"{list(of.counts)} in a plane of {list(plane)}: they have to be (N, C * "
                               f"{math.prod(kernel)}, {math.prod(of.counts)})")
        out = empty((n, channels, *plane), columns.dtype, device)
        run(unfolding.fold_range, n * channels, math.prod(kernel) * count, [out.impl, rows(columns)], of.sizes,
            of.steps)
        return out

    def max_pool2d(input: Tensor, indices: Tensor, of: Windows) -> Tensor:
        n, channels = input.impl.sizes[:2]
        out = empty((n, channels, *of.counts), input.dtype, device)
        run(pooling.max_pool_range, n * channels * of.counts[0], of.counts[1] * math.prod(of.kernel),
            [out.impl, indices.impl, rows(input)], of.sizes, of.steps)
        return out

    def max_pool2d_back(grad: Tensor, indices: Tensor, of: Windows) -> Tensor:
        n, channels = grad.impl.sizes[:2]
        out = empty((n, channels, *of.plane), grad.dtype, device)
        run(pooling.max_pool_back_range, n * channels, math.prod(of.plane), [out.impl, rows(grad), rows(indices)],
            of.sizes, of.steps)
        return out

    for op in (im2col, col2im, max_pool2d, max_pool2d_back):
        register(op.__name__, device, op)
