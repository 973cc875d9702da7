"""What the tests of 5.6 and 5.7 share: how a call is made and reported, how a tensor is held against an array."""

from __future__ import annotations

import numpy as np

from course import check_tensors
from course.check_tensors import gradient_of, near
from terox.tensors.factories import from_array
from terox.tensors.tensor import Tensor

__all__ = ["gradient_of", "near", "numbers_of", "run", "tensor_close", "tensor_of"]


def run(function, *args, call, note=None, **options):
    """`function(*args, **options)`. An error inside is reported with the call, at the function's own line if it has
    one. note(error): a sentence, or None.
    """
    return check_tensors.run(function, *args, call=call, hint=note, **options)


def tensor_of(array, device=None, *, strided=False, requires_grad=False):
    """A tensor with these numbers. strided: a view with an offset and gaps, the first dimension running fastest."""
    array = np.asarray(array)
    if not strided or not array.size:
        return from_array(np.array(array, order="C"), device).requires_grad_(requires_grad)
    strides, step = (), 2
    for size in array.shape:
        strides, step = (*strides, step), step * (size + 1)
    memory = np.full(3 + step, 1000).astype(array.dtype)
    view = np.lib.stride_tricks.as_strided(memory[3:], array.shape, [stride * memory.itemsize for stride in strides])
    view[...] = array
    whole = from_array(memory, device)
    return Tensor._of(whole.impl.look(array.shape, strides, 3)).requires_grad_(requires_grad)


def numbers_of(tensor):
    return np.array(tensor.detach().tolist(), dtype=np.float64).reshape(tensor.shape)


def tensor_close(got, expected, *, call, mistakes=None, note=None, rtol=1e-9, atol=1e-9):
    """`got` is a Tensor with the shape and the numbers of the array `expected`, which are shown with few digits."""
    check_tensors.tensor_close(got, np.asarray(expected, dtype=np.float64), call=call, mistakes=mistakes, note=note,
                               rtol=rtol, atol=atol,
                               listed=lambda array: np.round(np.asarray(array, np.float64), 6).tolist())
