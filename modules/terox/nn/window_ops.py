"""The ops that slide windows, and their derivatives. Provided.

    unfold, fold                 `im2col` and `col2im`: each is the other's derivative
    convolution                  with bias and groups; its gradients are ops, too, so there are second derivatives
    max_pool2d                   with where the maxima stood

A device registers `im2col`, `col2im`, `max_pool2d` and `max_pool2d_back` when it is first used here (`ready`). The rest
is made of these and of the learner's functions; a device may do better, as "cpu" does.

In PyTorch: `tools/autograd/derivatives.yaml`, `im2col`, `col2im`, `convolution`, `max_pool2d_with_indices`;
`aten/src/ATen/native/Convolution.cpp`, `convolution`, `convolution_backward`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from terox.nn.windows import Pair, Windows, windows
from terox.tensors.derivatives import Formula
from terox.tensors.dispatcher import COMPOSITE, call, register
from terox.tensors.dtype import int64
from terox.tensors.factories import cat
from terox.tensors.iterator import empty
from terox.tensors.schema import derivative
from terox.tensors.tensor import Tensor

_MODULES = {"python": "terox.nn.plain_windows", "cpu": "terox.nn.cpu_windows", "cuda": "terox.nn.cuda_windows"}
_ready: set[str] = set()


def ready(tensor: Tensor) -> None:
    """Have the kernels of the tensor's device registered."""
    device = tensor.impl.storage.device
    if device not in _ready:
        importlib.import_module(_MODULES[device])
        _ready.add(device)


# ---- Windows as columns ----


def unfold(input: Tensor, kernel: Sequence[int], dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
    """All windows of (N, C, H, W) as columns, (N, C * KH * KW, OH * OW). Arguments are pairs that fit."""
    ready(input)
    return call("im2col", input, tuple(kernel), dilation, padding, stride)


def fold(columns: Tensor, output_size: Sequence[int], kernel: Sequence[int], dilation: Pair, padding: Pair,
         stride: Pair) -> Tensor:
    """The sum of all columns, (N, C * KH * KW, OH * OW), at the places that they were unfolded from: (N, C, H, W)."""
    ready(columns)
    return call("col2im", columns, tuple(output_size), tuple(kernel), dilation, padding, stride)


@derivative("im2col(self, kernel, dilation, padding, stride)", "self")
def im2col(self_sizes: Any, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Formula:
    return lambda grad: call("col2im", grad, self_sizes[2:], kernel, dilation, padding, stride)


@derivative("col2im(self, output_size, kernel, dilation, padding, stride)", "self")
def col2im(kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Formula:
    return lambda grad: call("im2col", grad, kernel, dilation, padding, stride)


# ---- Convolution ----


def _convolution(input: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair,
                 groups: int) -> Tensor:
    from terox.nn.convolution import conv2d

    parts = [conv2d(x, w, stride, padding, dilation)
             for x, w in zip(_parts(input, 1, groups), _parts(weight, 0, groups))]
    out = _joined(parts, 1)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def _convolution_input(grad: Tensor, weight: Tensor, input_size: tuple[int, ...], stride: Pair, padding: Pair,
                       dilation: Pair, groups: int) -> Tensor:
    from terox.nn.convolution import conv2d_input

    n, channels, *plane = input_size
    size = (n, channels // groups, *plane)
    return _joined([conv2d_input(size, w, g, stride, padding, dilation)
                    for g, w in zip(_parts(grad, 1, groups), _parts(weight, 0, groups))], 1)


def _convolution_weight(grad: Tensor, input: Tensor, weight_size: tuple[int, ...], stride: Pair, padding: Pair,
                        dilation: Pair, groups: int) -> Tensor:
    from terox.nn.convolution import conv2d_weight

    size = (weight_size[0] // groups, *weight_size[1:])
    return _joined([conv2d_weight(x, size, g, stride, padding, dilation)
                    for g, x in zip(_parts(grad, 1, groups), _parts(input, 1, groups))], 0)


def _convolution_bias(grad: Tensor) -> Tensor:
    return grad.sum((0, 2, 3))


def _parts(tensor: Tensor, dim: int, groups: int) -> Sequence[Tensor]:
    return (tensor,) if groups == 1 else tensor.chunk(groups, dim)


def _joined(parts: Sequence[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else cat(parts, dim)


@derivative("convolution(input, weight, bias, stride, padding, dilation, groups)", "input", "weight", "bias")
def convolution(input: Tensor, weight: Tensor, input_sizes: Any, weight_sizes: Any, stride: Pair, padding: Pair,
                dilation: Pair, groups: int) -> tuple[Formula, Formula, Formula]:
    return (lambda grad: call("convolution_input", grad, weight, input_sizes, stride, padding, dilation, groups),
            lambda grad: call("convolution_weight", grad, input, weight_sizes, stride, padding, dilation, groups),
            lambda grad: call("convolution_bias", grad))


@derivative("convolution_bias(grad_output)", "grad_output")
def convolution_bias(grad_output_sizes: Any) -> Formula:
    return lambda grad: grad.reshape(1, -1, 1, 1).expand(grad_output_sizes)


@derivative("convolution_input(grad_output, weight, input_size, stride, padding, dilation, groups)", "grad_output",
            "weight")
def convolution_input(grad_output: Tensor, weight: Tensor, weight_sizes: Any, stride: Pair, padding: Pair,
                      dilation: Pair, groups: int) -> tuple[Formula, Formula]:
    return (lambda grad: call("convolution", grad, weight, None, stride, padding, dilation, groups),
            lambda grad: call("convolution_weight", grad_output, grad, weight_sizes, stride, padding, dilation, groups))


@derivative("convolution_weight(grad_output, input, weight_size, stride, padding, dilation, groups)", "grad_output",
            "input")
def convolution_weight(grad_output: Tensor, input: Tensor, input_sizes: Any, stride: Pair, padding: Pair,
                       dilation: Pair, groups: int) -> tuple[Formula, Formula]:
    return (lambda grad: call("convolution", input, grad, None, stride, padding, dilation, groups),
            lambda grad: call("convolution_input", grad_output, grad, input_sizes, stride, padding, dilation, groups))


# ---- Max-pooling ----


def max_pool2d(input: Tensor, of: Windows) -> tuple[Tensor, Tensor]:
    """The maxima of (N, C, H, W), (N, C, OH, OW), and where each stands in its plane, int64."""
    ready(input)
    indices = empty((*input.shape[:2], *of.counts), int64, input.device)
    return call("max_pool2d", input, indices, of), indices


def _max_pool2d_at(input: Tensor, indices: Tensor) -> Tensor:
    return input.flatten(2).gather(2, indices.flatten(2)).reshape(indices.shape)


@derivative("max_pool2d(self, indices, of)", "self")
def max_pool2d_(indices: Tensor, of: Windows) -> Formula:
    return lambda grad: call("max_pool2d_back", grad, indices, of)


@derivative("max_pool2d_back(grad_output, indices, of)", "grad_output")
def max_pool2d_back(indices: Tensor) -> Formula:
    return lambda grad: _max_pool2d_at(grad, indices)


for _op, _kernel in {"convolution": _convolution, "convolution_input": _convolution_input,
                     "convolution_weight": _convolution_weight, "convolution_bias": _convolution_bias}.items():
    register(_op, COMPOSITE, _kernel)

__all__ = ["fold", "max_pool2d", "ready", "unfold", "windows"]
