"""Convolution in one dimension, from its definition. Task 5.1.

In PyTorch: `torch/nn/functional.py`, `conv1d`; `aten/src/ATen/native/ConvUtils.h`, `conv_output_size`.
"""

from __future__ import annotations

from terox.tensors.factories import cat  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many windows there are along one dimension.

    `size` elements, with `padding` more on either side. A window takes `kernel` of them, `dilation` apart (1: they are
    neighbors). The first window begins at the first one, padding included, and each further one `stride` elements
    later, as long as it lies inside. Where not even one fits, the result is 0 or negative.

    In PyTorch: `aten/src/ATen/native/ConvUtils.h`, `conv_output_size`.
    """
    # TODO 5.1: how many elements does a window reach over? How far can its beginning move, and in how many steps?

    raise NotImplementedError("Task 5.1: output_size")


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """`out[n, o, x] = bias[o] + sum over c and k of weight[o, c, k] * input[n, c, x * stride + k - padding]`.

    Shapes: input (N, C, L), weight (O, C, K), bias (O,) or None, result (N, O, output_size(L, K, stride, padding)).
    Outside of the input stand zeros. At least one window fits. The kernel is not turned around: what mathematics calls
    cross-correlation, deep learning calls convolution.

    Write it with operations on tensors, and module 2 differentiates it: no loop over n, o, c or x, only one over k.

    In PyTorch: `torch.nn.functional.conv1d`.
    """
    # TODO 5.1: pad; for each k, one slice of the input and one product of matrices; add them up; add the bias.

    raise NotImplementedError("Task 5.1: conv1d")


# End of the file.
