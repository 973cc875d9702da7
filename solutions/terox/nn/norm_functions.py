"""Dropout and normalization, with all that PyTorch's functions have: checks and defaults. Provided.

In PyTorch: `torch/nn/functional.py`, `dropout`, `batch_norm`, `layer_norm`; `aten/src/ATen/native/Normalization.cpp`,
`layer_norm.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox.nn.activation_functions import in_place
from terox.tensors.tensor import Tensor


def _tensors(op: str, input: Any, **others: Any) -> None:
    """All are tensors of the input's dtype, and of floating-point numbers; the others may be None."""
    for name, value in (("input", input), *others.items()):
        if value.__class__ is not Tensor and (value is not None or name == "input"):
            raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(value).__name__}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"{op}: not implemented for {input.dtype.name} tensors")
    for name, value in others.items():
        if value is not None and value.dtype is not input.dtype:
            raise RuntimeError(f"{op}: expected {name} to have the input's dtype, {input.dtype.name}, but found "
                               f"{value.dtype.name}")


def check_probability(p: float) -> None:
    """Raises ValueError for a `p` that is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element is 0 with probability `p`, and else divided by 1 - p; otherwise the input as it is.

    Raises ValueError for a `p` below 0 or above 1.

    In PyTorch: `torch.nn.functional.dropout`.
    """
    from terox.nn import dropping

    check_probability(p)
    if input.__class__ is not Tensor:
        raise TypeError(f"dropout(): argument 'input' must be Tensor, not {type(input).__name__}")
    if not training:
        return input
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"dropout: the result, of floating-point numbers, can't be kept as {input.dtype.name}")
    return in_place(lambda x: dropping.dropout(x, p, training), input, inplace)


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Each channel of (N, C, ...) normalized, with the statistics of the batch in training, else with the running ones.

    Raises ValueError for a single number in each channel in training, RuntimeError for other sizes than (C,), other
    dtypes than the input's, and where running statistics are missing outside of training.

    In PyTorch: `torch.nn.functional.batch_norm`.
    """
    from terox.nn import normalization

    others = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _tensors("batch_norm", input, **others)
    if input.dim() < 2:
        raise RuntimeError(f"batch_norm: expected an input of shape (N, C, ...), but got {list(input.shape)}")
    channels = input.shape[1]
    if training and channels and input.numel() == channels:
        raise ValueError(f"batch_norm: Expected more than 1 value per channel when training, got input size "
                         f"{list(input.shape)}")
    for name, value in others.items():
        if value is None:
            if not training and name.startswith("running"):
                raise RuntimeError(f"batch_norm: Expected {name} to be defined when training=False")
        elif tuple(value.shape) != (channels,):
            raise RuntimeError(f"batch_norm: {name} should contain {channels} elements, one for each channel of an "
                               f"input of shape {list(input.shape)}, not be of shape {list(value.shape)}")
    if not input.numel():
        return input * 1
    return normalization.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Each example normalized by itself: over the last dimensions, whose sizes are `normalized_shape`, as are those of
    weight and bias. There are no running statistics, so training and evaluation are alike.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    In PyTorch: `torch.nn.functional.layer_norm`.
    """
    _tensors("layer_norm", input, weight=weight, bias=bias)
    if not isinstance(normalized_shape, Sequence):
        raise TypeError("layer_norm(): argument 'normalized_shape' must be tuple of ints, not "
                        f"{type(normalized_shape).__name__}")
    sizes = tuple(normalized_shape)
    if not sizes:
        raise RuntimeError("layer_norm: Expected normalized_shape to be at least 1-dimensional, but got []")
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value.shape) != sizes:
            raise RuntimeError(f"layer_norm: Expected {name} to be of same shape as normalized_shape, but got {name} "
                               f"of shape {list(value.shape)} and normalized_shape={list(sizes)}")
    if tuple(input.shape[-len(sizes):]) != sizes:
        raise RuntimeError(f"layer_norm: Given normalized_shape={list(sizes)}, expected input with shape (*, "
                           f"{', '.join(map(str, sizes))}), but got input of size {list(input.shape)}")
    dims = list(range(-len(sizes), 0))
    difference = input - input.mean(dims, keepdim=True)
    out = difference * ((difference * difference).mean(dims, keepdim=True) + eps).rsqrt()
    out = out if weight is None else out * weight
    return out if bias is None else out + bias
