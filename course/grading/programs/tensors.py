"""What the programs of module 5 share: tensors from arrays, in any layout, and back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def on_python(program: Callable[..., Any]) -> Callable[..., Any]:
    """The default device is "python", as in the tests: the learner's loops as they stand."""
    @functools.wraps(program)
    def run(**inputs: Any) -> Any:
        from terox.tensors import device

        device.set_default_device("python")
        return program(**inputs)
    return run


def leaf(array: np.ndarray, layout: str = "contiguous", device: str | None = None) -> tuple[Any, Any]:
    """(a tensor with these numbers that requires grad where it can; the leaf that it is a view of).

    layout: "contiguous"; "turned", the transpose of a tensor; "cut", every other element of a larger one.
    """
    import terox

    grad = array.dtype.kind == "f"
    if layout == "turned":
        base = terox.tensor(np.ascontiguousarray(array.T), device=device, requires_grad=grad)
        return base.permute(*reversed(range(array.ndim))), base
    if layout == "cut":
        room = np.full((*array.shape[:-1], 2 * array.shape[-1] + 1), 77, array.dtype)
        room[..., 1::2] = array
        base = terox.tensor(room, device=device, requires_grad=grad)
        return base[..., 1::2], base
    base = terox.tensor(array, device=device, requires_grad=grad)
    return base, base


def array_of(tensor: Any) -> Any:
    """A tensor's numbers; what is no tensor, as it is."""
    return np.array(tensor.detach().numpy()) if hasattr(tensor, "detach") else tensor


def gradient(tensor: Any) -> Any:
    """The gradient that has arrived at a leaf, or None."""
    return None if tensor is None or tensor.grad is None else array_of(tensor.grad)


def seen_in(layout: str, gradient: Any) -> Any:
    """The gradient of a leaf, where its view has its elements."""
    if gradient is None or layout == "contiguous":
        return gradient
    return gradient.T.copy() if layout == "turned" else gradient[..., 1::2].copy()
