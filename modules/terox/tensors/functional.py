"""Functions that stand beside the methods of Tensor: `terox.exp(x)` is `x.exp()`. Provided.

In PyTorch: `torch/__init__.py`, `torch/functional.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terox.tensors.broadcasting import broadcast_shapes as _broadcast_shapes
from terox.tensors.dispatcher import call
from terox.tensors.inspecting import Size
from terox.tensors.tensor import Tensor


def _function(name: str) -> Callable[..., Any]:
    """The function that calls the method `name` of its first argument."""
    method = getattr(Tensor, name)

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
        return method(input, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = method.__doc__
    return function


_METHODS = (
    "add sub mul div pow matmul maximum minimum exp log relu sigmoid tanh sqrt rsqrt sin cos erf abs clamp sum "
    "mean prod amax amin max min argmax argmin all any var std logsumexp softmax log_softmax gather "
    "broadcast_to mm isnan isinf isfinite logical_not permute transpose reshape flatten squeeze unsqueeze"
)
globals().update({name: _function(name) for name in _METHODS.split()})


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape of the result of an operation on operands of these shapes. See `terox.tensors.broadcasting`."""
    return Size(_broadcast_shapes(*[(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]))


def isclose(input: Tensor, other: Tensor) -> Tensor:
    """Whether `|input - other| <= 1e-8 + 1e-5 * |other|`, element by element: module 0's `is_close`."""
    return call("isclose", input, other)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `|input - other| <= atol + rtol * |other|` everywhere."""
    close = ((input - other).abs() <= atol + rtol * other.abs()).logical_or(input == other)
    if equal_nan:
        close = close.logical_or(input.isnan().logical_and(other.isnan()))
    return bool(close.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements."""
    return input.shape == other.shape and bool((input == other).all())
