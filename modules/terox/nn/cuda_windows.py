"""Windows on the device "cuda": what the host does before one of the kernels of window_kernels.py starts. Provided.

In PyTorch: `aten/src/ATen/native/cuda/Im2Col.cu`, `Col2Im.cu`, `DilatedMaxPool2d.cu`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from terox.cuda.kernels import begins
from terox.cuda.launching import KINDS, over_elements
from terox.nn import window_kernels as kernels
from terox.nn.loops import rows
from terox.nn.windows import Pair, Windows, windows
from terox.tensors.iterator import empty
from terox.tensors.storage import TensorImpl
from terox.tensors.table import register
from terox.tensors.tensor import Tensor


def _run(loop: Callable[..., None], operands: list[TensorImpl], count: int, of: Windows) -> None:
    if count:
        dtypes = tuple([impl.dtype.name for impl in operands])
        over_elements(loop, dtypes, count, *[begins(impl) for impl in operands], count, of.sizes, of.steps,
                      kind=KINDS[dtypes[0]])


def im2col(input: Tensor, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
    """All windows of (N, C, H, W) as columns, (N, C * KH * KW, OH * OW)."""
    n, channels, height, width = input.impl.sizes
    of = windows("unfold", (height, width), kernel, stride, padding, dilation)
    out = empty((n, channels * math.prod(kernel), math.prod(of.counts)), input.dtype, "cuda")
    _run(kernels.im2col_kernel, [out.impl, rows(input)], out.numel(), of)
    return out


def col2im(columns: Tensor, plane: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
    """The sum of all columns, (N, C * KH * KW, OH * OW), at the places that they were unfolded from: (N, C, H, W)."""
    n, deep, _ = columns.impl.sizes
    of = windows("fold", plane, kernel, stride, padding, dilation)
    out = empty((n, deep // math.prod(kernel), *plane), columns.dtype, "cuda")
    _run(kernels.col2im_kernel, [out.impl, rows(columns)], out.numel(), of)
    return out


def max_pool2d(input: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The maxima of (N, C, H, W), (N, C, OH, OW); where each stands in its plane is written into `indices`."""
    out = empty((*input.impl.sizes[:2], *of.counts), input.dtype, "cuda")
    _run(kernels.max_pool_kernel, [out.impl, indices.impl, rows(input)], out.numel(), of)
    return out


def max_pool2d_back(grad: Tensor, indices: Tensor, of: Windows) -> Tensor:
    """The gradient for the input, (N, C, H, W), from that for the maxima, (N, C, OH, OW)."""
    out = empty((*grad.impl.sizes[:2], *of.plane), grad.dtype, "cuda")
    _run(kernels.max_pool_back_kernel, [out.impl, rows(grad), rows(indices)], out.numel(), of)
    return out


for _op in (im2col, col2im, max_pool2d, max_pool2d_back):
    register(_op.__name__, "cuda", _op)
