"""How the tests of convolution hold a tensor against an array, and run a learner's function."""

from __future__ import annotations

import numpy as np

import terox
from course import check_tensors
from course.check import CheckFailed
from course.check_tensors import gradient_of, run

__all__ = ["gradient_of", "leaf", "place_in", "run", "tensor_close"]


def tensor_close(got, expected, *, call, mistakes=None, note=None, dtype=None, sum_at=None):
    """`got` is a Tensor with the shape and the numbers of the array `expected`, which are whole and exact.

    mistakes: as in `check_tensors`. sum_at(index): what the number there is made of, as text.
    """
    def first(found, expected):
        place = tuple(int(each) for each in np.argwhere(found != expected)[0])
        right = f"{expected[place].item():g}" + (f" = {sum_at(place)}" if sum_at else "")
        return f"The first difference is at {list(place)}: {found[place].item():g}, and it has to be {right}."

    check_tensors.tensor_close(got, expected, call=call, mistakes=mistakes, note=note,
                               otherwise=None if note else first)
    if dtype is not None and got.dtype is not dtype:
        raise CheckFailed(call, f"a tensor of {got.dtype.name}", f"a tensor of {dtype.name}",
                          "The result has another dtype than the input.")


def leaf(array, layout="contiguous", device=None):
    """(a tensor that holds the array, and requires grad; the leaf that it is a view of).

    layout: "contiguous"; "turned", as the transpose of a tensor; or "cut", every other element of a larger tensor,
    from the second one on. `place_in(layout, gradient)` gives the gradient of the leaf.
    """
    array = np.asarray(array)
    if layout == "turned":
        base = terox.tensor(np.ascontiguousarray(array.T), device=device, requires_grad=True)
        return base.permute(*reversed(range(array.ndim))), base
    if layout == "cut":
        room = np.full((*array.shape[:-1], 2 * array.shape[-1] + 1), 77.0, array.dtype)
        room[..., 1::2] = array
        base = terox.tensor(room, device=device, requires_grad=True)
        return base[..., 1::2], base
    base = terox.tensor(array, device=device, requires_grad=True)
    return base, base


def place_in(layout, gradient):
    """The gradient of the leaf, from that of its view."""
    if layout == "turned":
        return gradient.T
    if layout == "cut":
        room = np.zeros((*gradient.shape[:-1], 2 * gradient.shape[-1] + 1))
        room[..., 1::2] = gradient
        return room
    return gradient
