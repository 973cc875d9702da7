"""Indices to numbers of elements, counted with the last dimension running fastest; and whether they exist. Provided.

Here for devices whose memory is the host's, with NumPy. A device that can do it where the indices are, registers
kernels of its own: `terox/cuda/index_ops.py`.

In PyTorch: `aten/src/ATen/native/TensorAdvancedIndexing.cpp`, `computeIndex`; `aten/src/ATen/native/IndexingUtils.h`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from terox.tensors.broadcasting import broadcast_shapes
from terox.tensors.factories import from_array
from terox.tensors.layout import contiguous_strides
from terox.tensors.table import COMPOSITE, register
from terox.tensors.tensor import Tensor


def joint_shape(view: Tensor, places: list[int],
                tensors: Sequence[Tensor]) -> tuple[Sequence[int], list[int], list[int]]:
    """To what shape the tensors are broadcast, and which dimensions of `view` come before and after it in the result.

    places: the dimensions in which tensors choose.
    """
    try:
        shape = broadcast_shapes(*[each.shape for each in tensors])
    except NotImplementedError:
        raise
    except RuntimeError:
        raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                         + ", ".join(str(list(each.shape)) for each in tensors)) from None
    together = places == list(range(places[0], places[0] + len(places)))
    before = list(range(places[0])) if together else []
    return shape, before, [dim for dim in range(view.dim()) if dim not in places and dim not in before]


def index_numbers(view: Tensor, chosen: Sequence[Tensor | None]) -> Tensor:
    """The numbers of the elements of `view` that are chosen by tensors in some of its dimensions, as an int64 tensor.

    Raises IndexError for the first index that does not exist.
    """
    places = [dim for dim, each in enumerate(chosen) if each is not None]
    tensors = [each for each in chosen if each is not None]
    shape, before, after = joint_shape(view, places, tensors)
    sizes = view.impl.sizes
    result = np.zeros([sizes[d] for d in before] + list(shape) + [sizes[d] for d in after], dtype=np.int64)
    steps = contiguous_strides(sizes)
    for axis, dim in enumerate(before):
        result += _along(np.arange(sizes[dim]) * steps[dim], axis, result.ndim)
    for axis, dim in enumerate(after, start=len(before) + len(shape)):
        result += _along(np.arange(sizes[dim]) * steps[dim], axis, result.ndim)
    for dim, tensor in zip(places, tensors):
        array = _checked(tensor.numpy(), sizes[dim], dim) * steps[dim]
        result += array.reshape(array.shape + (1,) * len(after))
    return from_array(result, view.device)


def take_numbers(index: Tensor, numel: int) -> Tensor:
    """`index` with all numbers counted from 0 on, for a tensor of `numel` elements."""
    array = index.numpy()
    wrong = (array < -numel) | (array >= numel)
    if wrong.any():
        raise IndexError(f"take(): out of range: tried to access index {array[wrong].flat[0]} on a tensor of {numel} "
                         "elements.")
    return from_array(np.where(array < 0, array + numel, array), index.device)


def element_numbers(op: str, sizes: Sequence[int], dim: int, index: Tensor) -> Tensor:
    """For gather: which number, in a tensor of `sizes`, has the element that each place of `index` means.

    Raises RuntimeError, in the name of `op`, for the first index that does not exist.
    """
    steps = contiguous_strides(sizes)
    shape = index.impl.sizes
    array, size = index.numpy(), (tuple(sizes) or (1,))[dim]
    wrong = (array < 0) | (array >= size)
    if wrong.any():
        raise RuntimeError(f"{op}(): index {array[wrong].flat[0]} is out of bounds for dimension {dim} with size "
                           f"{size}")
    array = array * (steps[dim] if steps else 1)
    for d, size in enumerate(shape):
        if d != dim:
            array = array + _along(np.arange(size) * steps[d], d, len(shape))
    return from_array(array, index.device)


def _along(array: np.ndarray, axis: int, rank: int) -> np.ndarray:
    return array.reshape([-1 if d == axis else 1 for d in range(rank)])


def _checked(index: np.ndarray, size: int, dim: int) -> np.ndarray:
    """Indices counted from 0 on. Raises IndexError for the first that does not exist."""
    wrong = (index < -size) | (index >= size)
    if wrong.any():
        raise IndexError(f"index {index[wrong].flat[0]} is out of bounds for dimension {dim} with size {size}")
    return np.where(index < 0, index + size, index)


register("index_numbers", COMPOSITE, index_numbers)
register("take_numbers", COMPOSITE, take_numbers)
register("element_numbers", COMPOSITE, element_numbers)
