"""Functions that are applied to each number on its own. Provided.

In PyTorch: `torch/nn/functional.py`; `aten/src/ATen/native/Activation.cpp`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from terox.tensors.factories import where
from terox.tensors.tensor import Tensor


def _floats(op: str, input: Any) -> None:
    if input.__class__ is not Tensor:
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"{op}: not implemented for {input.dtype.name} tensors")


def in_place(function: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    """`function(input)`; where `inplace`, written into `input`, of which what the gradient needs is kept."""
    return input.copy_(function(input.clone())) if inplace else function(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """The positive part."""
    if input.__class__ is not Tensor:
        raise TypeError(f"relu(): argument 'input' must be Tensor, not {type(input).__name__}")
    return in_place(Tensor.relu, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else `negative_slope * x`."""
    _floats("leaky_relu", input)
    return in_place(lambda x: where(x > 0, x, x * negative_slope), input, inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the probability that a normally distributed number is below x; "tanh": an approximation by tanh.

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    _floats("gelu", input)
    if approximate == "none":
        return input * 0.5 * (1 + (input * math.sqrt(0.5)).erf())
    if approximate != "tanh":
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, not {approximate}")
    return input * 0.5 * (1 + (math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)).tanh())


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """`x * sigmoid(x)`."""
    _floats("silu", input)
    return in_place(lambda x: x * x.sigmoid(), input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-x))`."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()
