"""The ops that look at memory in another way, and those that copy it. Provided; the geometry is the learner's.

In PyTorch: `aten/src/ATen/native/TensorShape.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox.tensors import dtype as dtypes
from terox.tensors import views
from terox.tensors.device import ALLOCATORS
from terox.tensors.dispatcher import COMPOSITE, find_kernel, register
from terox.tensors.dtype import dtype as DType
from terox.tensors.iterator import constant, converted, empty, shape_of
from terox.tensors.shaping import known_view_strides
from terox.tensors.tensor import Tensor


def _view(tensor: Tensor, geometry: views.Geometry) -> Tensor:
    """A tensor on the same memory, which knows that it is a view, and of which state of the history."""
    out = Tensor._of(tensor.impl.look(*geometry))
    out._view = tensor._shared()
    return out


def _geometry(tensor: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    return tensor.impl.sizes, tensor.impl.strides, tensor.impl.offset


def permute(self: Tensor, dims: Sequence[int]) -> Tensor:
    return _view(self, views.permute(*_geometry(self), dims))


def expand(self: Tensor, shape: Sequence[int]) -> Tensor:
    return _view(self, views.expand(*_geometry(self), shape))


def slice(self: Tensor, dim: int, start: int, stop: int, step: int) -> Tensor:
    return _view(self, views.slice(*_geometry(self), dim, start, stop, step))


def select(self: Tensor, dim: int, index: int) -> Tensor:
    return _view(self, views.select(*_geometry(self), dim, index))


def view(self: Tensor, sizes: tuple[int, ...]) -> Tensor:
    strides = known_view_strides(self.impl.sizes, self.impl.strides, sizes)
    if strides is None:
        raise RuntimeError(f"view: size {list(sizes)} is not compatible with input tensor's size "
                           f"{list(self.impl.sizes)} and stride {list(self.impl.strides)} (at least one dimension "
                           "spans across two contiguous subspaces). Use .reshape(...) instead.")
    return _view(self, (sizes, strides, self.impl.offset))


def clone(self: Tensor) -> Tensor:
    return converted(self, self.dtype)


def to_copy(self: Tensor, dtype: DType) -> Tensor:
    return converted(self, dtype)


def copy_from(self: Tensor, source: Any) -> Tensor:
    """What `self` will hold after `self.copy_(source)`."""
    out = empty(self.impl.sizes, self.dtype, self.device)
    if isinstance(source, Tensor):
        shape_of("copy_", (self, source))
        find_kernel("copy", self.device)(out.impl, source.impl.expand(self.impl.sizes))
    else:
        find_kernel("copy", self.device)(out.impl, constant(source, self.dtype, self.device).expand(self.impl.sizes))
    return out


def to_device(self: Tensor, device: str) -> Tensor:
    from terox.tensors.factories import from_array

    array = self.detach()._host()
    if self.device not in ALLOCATORS and device not in ALLOCATORS:
        array = array.copy()
    return from_array(array, device)


def cat(tensors: Sequence[Tensor], dim: int) -> Tensor:
    dtype = dtypes.result_type(*tensors)
    parts = [part for part in tensors if part.impl.sizes != (0,)] or list(tensors[:1])
    sizes = list(parts[0].impl.sizes)
    sizes[dim] = sum(part.impl.sizes[dim] for part in parts)
    out = empty(sizes, dtype, parts[0].device)
    start = 0
    for part in parts:
        stop = start + part.impl.sizes[dim]
        room = out.impl.look(*views.slice(*_geometry(out), dim, start, stop, 1))
        find_kernel("copy", out.device)(room, part.impl)
        start = stop
    return out


def pad_slice(self: Tensor, sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Tensor:
    """Zeros of `sizes`, with `self` in the places that `start:stop:step` names along `dim`."""
    out = empty(sizes, self.dtype, self.device)
    find_kernel("copy", self.device)(out.impl, constant(0, self.dtype, self.device).expand(out.impl.sizes))
    room = out.impl.look(*views.slice(*_geometry(out), dim, start, stop, step))
    find_kernel("copy", self.device)(room, self.impl)
    return out


for _op, _kernel in {"permute": permute, "expand": expand, "slice": slice, "select": select, "view": view,
                     "clone": clone, "_to_copy": to_copy, "copy_from": copy_from, "_to_device": to_device,
                     "cat": cat, "pad_slice": pad_slice}.items():
    register(_op, COMPOSITE, _kernel)
