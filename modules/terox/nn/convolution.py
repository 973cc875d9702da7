"""Convolution in two dimensions as products of matrices, and its two gradients. Task 5.3.

`unfold` and `fold` are those of functional.py, which run your loops of task 5.2 on every device. All three functions
here get and return tensors; stride, padding and dilation are pairs (vertical, horizontal). Write them with operations
on tensors, without `detach()` or `item()`: each can then be differentiated itself.

In PyTorch: `torch/nn/functional.py`, `conv2d`; `torch/nn/grad.py`, `conv2d_input`, `conv2d_weight`;
`aten/src/ATen/native/ConvolutionMM2d.cpp`, `slow_conv2d_forward_out_cpu`.
"""

from __future__ import annotations

from terox.nn.sliding import output_size  # noqa: F401  For you to use.
from terox.nn.window_ops import fold, unfold  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor

Pair = tuple[int, int]


def conv2d(input: Tensor, weight: Tensor, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
    """Each kernel over each image: `unfold(input, kernel, dilation, padding, stride)`, times the weight as a matrix.

    Shapes: input (N, C, H, W), weight (O, C, KH, KW), result (N, O, OH, OW); the columns are (N, C * KH * KW, OH * OW).

    In PyTorch: `aten/src/ATen/native/ConvolutionMM2d.cpp`, `slow_conv2d_update_output_frame`.
    """
    # TODO 5.3: unfold; the weight with one row for each kernel; the product; the shape of the result.

    raise NotImplementedError("Task 5.3: conv2d")


def conv2d_input(input_size: tuple[int, ...], weight: Tensor, grad_output: Tensor, stride: Pair, padding: Pair,
                 dilation: Pair) -> Tensor:
    """The gradient for the input: the transposed product gives columns, and `fold(columns, (H, W), kernel, dilation,
    padding, stride)` adds up what belongs to the same element.

    Shapes: input_size (N, C, H, W), weight (O, C, KH, KW), grad_output (N, O, OH, OW), result (N, C, H, W).

    In PyTorch: `torch.nn.grad.conv2d_input`; `ConvolutionMM2d.cpp`, `slow_conv2d_backward_update_grad_input_frame`.
    """
    # TODO 5.3: what is the gradient for the right factor of a product of matrices? And what undoes unfold?

    raise NotImplementedError("Task 5.3: conv2d_input")


def conv2d_weight(input: Tensor, weight_size: tuple[int, ...], grad_output: Tensor, stride: Pair, padding: Pair,
                  dilation: Pair) -> Tensor:
    """The gradient for the weight: the gradient for the left factor, added up over the batch.

    Shapes: input (N, C, H, W), weight_size (O, C, KH, KW), grad_output (N, O, OH, OW), result (O, C, KH, KW).

    In PyTorch: `torch.nn.grad.conv2d_weight`; `ConvolutionMM2d.cpp`, `slow_conv2d_backward_weight_frame`.
    """
    # TODO 5.3: unfold again, transposed; a product for each example; their sum, in the shape of the weight.

    raise NotImplementedError("Task 5.3: conv2d_weight")


# End of the file.
