"""Everything in `[]`, and picking elements by number. Provided; the views among it are the learner's.

An index is taken apart from left to right. Ints, slices, `None` and `...` give views: `select`, `slice`, `unsqueeze`,
one after the other. Tensors of indices give copies: their numbers are made into the numbers of elements, counted with
the last dimension running fastest, and one kernel, `fetch`, reads them (`store` writes them).

In PyTorch: `torch/csrc/autograd/python_variable_indexing.cpp`; `aten/src/ATen/native/TensorAdvancedIndexing.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from terox._grad_mode import is_grad_enabled
from terox.tensors import device as devices
from terox.tensors import dtype as dtypes
from terox.tensors.dispatcher import COMPOSITE, call, find_kernel, register
from terox.tensors.factories import arange, from_array
from terox.tensors.iterator import constant, converted, empty
from terox.tensors.tensor import Tensor

# ---- x[index] ----


def getitem(self: Tensor, index: Any) -> Tensor:
    """`self[index]`: a view, unless there are tensors (or lists) of indices in it."""
    if index.__class__ is int and self.impl.sizes:
        return self.select(0, index)  # the same, sooner
    view, chosen = _views(self, _as_tuple(index))
    if any(each is not None for each in chosen):
        return call("take", view, _numbers(view, chosen))
    return view if view is not self else call("view", self, self.impl.sizes)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """`self[index] = value`, where `value` is broadcast and converted."""
    recorded = self.requires_grad or (isinstance(value, Tensor) and value.requires_grad)
    self._check_in_place()
    if recorded and isinstance(value, Tensor) and is_grad_enabled():
        value._check_history()
    with_numbers = self.detach()
    view, chosen = _views(with_numbers, _as_tuple(index))
    advanced = any(each is not None for each in chosen)
    target = _numbers(view, chosen) if advanced else None
    shape = view.shape if target is None else target.shape
    tensors = [part for part in _as_tuple(index) if isinstance(part, Tensor)]
    one_mask = len(tensors) == 1 and tensors[0].dtype is dtypes.bool
    if advanced and isinstance(value, Tensor) and value.dtype is not self.dtype and not (
            one_mask and value.numel() == 1):  # PyTorch makes that one a masked_fill_
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {self.dtype.name} for the "
                           f"destination and {value.dtype.name} for the source.")
    value = _fitting(self, value, shape)
    self._check_writable("index_put_")
    if recorded:
        if target is None or view.impl.sizes != self.impl.sizes or view.impl.strides != self.impl.strides:
            target = _numbers_in(self, index)
        self._in_place("put", target, value, False)
    elif target is None:
        view.copy_(value)
    else:
        if value.impl.storage is view.impl.storage:
            value = value.clone()  # what is written must not change what is still to be read
        find_kernel("store", self.device)(view.impl, target.impl, value.impl, False)
        self.impl.storage.version += 1


def _fitting(self: Tensor, value: Any, shape: Sequence[int]) -> Tensor:
    """The value to be assigned, in the dtype of `self`, stretched to `shape`."""
    if not isinstance(value, Tensor):
        if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
            raise TypeError(f"can't assign a {type(value).__name__} to a {self.dtype.name} tensor")
        if isinstance(value, np.ndarray):
            value = from_array(np.asarray(value, dtype=self.dtype.numpy), self.device)
        else:
            value = Tensor._of(constant(value, self.dtype, self.device))
    value = value.to(self.dtype)
    while value.dim() > len(shape) and value.shape[0] == 1:
        value = value.squeeze(0)
    try:
        return value.expand(shape)
    except NotImplementedError:
        raise
    except RuntimeError:
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing "
                           f"result of shape {list(shape)}") from None


def _numbers_in(self: Tensor, index: Any) -> Tensor:
    """The numbers, among all elements of `self`, of the elements of `self[index]`."""
    return getitem(arange(self.numel(), device=self.device).view(self.impl.sizes), index)


def _as_tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _length(part: Any) -> int:
    """How many dimensions of the tensor a part of an index takes."""
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    if isinstance(part, Tensor) and part.dtype is dtypes.bool:
        return part.dim()
    return 1


def _views(self: Tensor, parts: tuple[Any, ...]) -> tuple[Tensor, list[Tensor | None]]:
    """Carry out what gives views; for each dimension of the result, say by which tensor its indices are chosen."""
    parts = tuple(_as_tensor(part, self) for part in parts)
    given = sum(_length(part) for part in parts)
    if given > self.dim():
        if not self.dim():
            raise IndexError("invalid index of a 0-dim tensor; x.item() is its number")
        raise IndexError(f"too many indices for tensor of dimension {self.dim()}, shape {list(self.shape)}")
    if sum(part is Ellipsis for part in parts) > 1:
        raise IndexError("an index can have only one ellipsis (...)")
    view, chosen, dim = self, [], 0
    for part in parts:
        if part is Ellipsis:
            rest = self.dim() - given
            chosen += [None] * rest
            dim += rest
        elif part is None:
            view, dim = view.unsqueeze(dim), dim + 1
            chosen.append(None)
        elif isinstance(part, slice):
            view, dim = _sliced(view, dim, part), dim + 1
            chosen.append(None)
        elif isinstance(part, Tensor) and not part.dim():  # one bool: a new dimension, taken or not
            view, dim = view.unsqueeze(dim), dim + 1
            chosen.append(from_array(np.zeros(int(part), dtype=np.int64), self.device))
        elif isinstance(part, Tensor):
            for each in _indices(view, dim, part):
                chosen.append(each)
                dim += 1
        else:
            view = view.select(dim, part)
    return view, chosen + [None] * (view.dim() - len(chosen))


def _as_tensor(part: Any, self: Tensor) -> Any:
    """A part of an index as it is, or, for lists and arrays, as a tensor. Raises for what is none."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        part = np.array(part)
    if isinstance(part, (list, np.ndarray)):
        array = np.asarray(part) if np.size(part) else np.zeros(np.shape(part), dtype=np.int64)
        part = from_array(array, self.device)
    if isinstance(part, Tensor):
        if part.dtype.is_floating_point:
            raise IndexError(f"tensors used as indices must be int64 or bool tensors, not {part.dtype.name}")
        return part if part.dim() or part.dtype is dtypes.bool else int(part.item())
    if hasattr(part, "__index__"):
        return part.__index__()
    kind = TypeError if isinstance(part, str) else IndexError
    raise kind(f"only integers, slices (`:`), ellipsis (`...`), None and int64 or bool Tensors are valid indices "
               f"(got {type(part).__name__})")


def _sliced(view: Tensor, dim: int, part: slice) -> Tensor:
    for bound in (part.start, part.stop, part.step):
        if bound is not None and not hasattr(bound, "__index__"):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
    if part.step is not None and part.step.__index__() < 1:
        raise ValueError("step must be greater than zero")
    start, stop, step = part.indices(view.shape[dim])
    return call("slice", view, dim, start, max(start, stop), step)


def _indices(view: Tensor, dim: int, part: Tensor) -> list[Tensor]:
    """A tensor of indices as it is; a mask as one tensor of indices for each of its dimensions."""
    if part.dtype is not dtypes.bool:
        return [part]
    for number, size in enumerate(part.shape):
        if view.shape[dim + number] != size:
            raise IndexError(f"The shape of the mask {list(part.shape)} at index {number} does not match the shape of "
                             f"the indexed tensor {list(view.shape)} at index {dim + number}")
    return [from_array(each, part.device) for each in np.nonzero(part._host())]


def _numbers(view: Tensor, chosen: Sequence[Tensor | None]) -> Tensor:
    """The numbers of the elements of `view` that are chosen by tensors in some of its dimensions, as an int64 tensor.

    The tensors are broadcast to one shape. Its dimensions take the place of those that they choose from, or come
    first, if these are not next to each other.
    """
    for each in chosen:
        if each is not None and each.device != view.device and each.device in devices.ALLOCATORS:
            raise RuntimeError("indices should be either on the host or on the same device as the indexed tensor "
                               f"({view.device}), not on {devices.full_name(each.device)}")
    return find_kernel("index_numbers", view.device)(view, chosen)


# ---- By number ----


def take(self: Tensor, index: Tensor) -> Tensor:
    """The elements of `self` with the numbers in `index`."""
    index = _long(index, "take")
    if self.numel() == 0 and index.numel():
        raise IndexError("take(): tried to take from an empty tensor")
    return call("take", self, find_kernel("take_numbers", index.device)(index, self.numel()))


def gather(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """See `Tensor.gather`. `index` has as many dimensions as `self`, and is nowhere larger, except along `dim`."""
    dim, index = _places(self, dim, index, "gather")
    return call("gather", self, dim, index)


def scatter_add(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """See `Tensor.scatter_add`: the counterpart of `gather`."""
    dim, index = _places(self, dim, index, "scatter_add")
    if self.dtype is not src.dtype:
        raise RuntimeError("scatter_add(): Expected self.dtype to be equal to src.dtype")
    if src.dim() != index.dim() or any(a > b for a, b in zip(index.shape, src.shape)):
        raise RuntimeError(f"scatter_add(): Expected index {list(index.shape)} to be no larger than src "
                           f"{list(src.shape)} in every dimension")
    return call("scatter_add", self, dim, index, src)


def index_select(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """See `Tensor.index_select`."""
    index = _long(index, "index_select")
    if index.dim() > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    dim = self._dim(dim, "index_select")
    parts: list[Any] = [slice(None)] * dim
    if index.device not in devices.ALLOCATORS and (index.numpy() < 0).any():
        raise IndexError("index_select(): index out of range in self")
    if not self.dim():
        if index.numel() != 1:
            raise IndexError(f"index_select(): Index to scalar can have only 1 value, got {index.numel()} value(s)")
        return take(self, index.reshape(()))
    return getitem(self, (*parts, index.reshape(-1)))


def nonzero(self: Tensor) -> Tensor:
    """See `Tensor.nonzero`."""
    array = self.detach()._host()
    places = np.nonzero(np.atleast_1d(array))[: self.dim()]
    return from_array(np.array(places, dtype=np.int64).reshape(self.dim(), np.count_nonzero(array)).T, self.device)


def _long(index: Any, op: str) -> Tensor:
    if not isinstance(index, Tensor):
        raise TypeError(f"{op}(): argument 'index' must be Tensor, not {type(index).__name__}")
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"{op}(): Expected dtype int64 for index, not {index.dtype.name}")
    return index


def _places(self: Tensor, dim: int, index: Any, op: str) -> tuple[int, Tensor]:
    dim, index = self._dim(dim, op), _long(index, op)
    if max(index.dim(), 1) != max(self.dim(), 1):
        raise RuntimeError(f"{op}(): Index tensor must have the same number of dimensions as input tensor; the shapes "
                           f"are {list(index.shape)} and {list(self.shape)}")
    if any(a > b for d, (a, b) in enumerate(zip(index.shape, self.shape)) if d != dim):
        raise RuntimeError(f"{op}(): Size does not match: expected index {list(index.shape)} to be no larger than self "
                           f"{list(self.shape)} apart from dimension {dim}")
    return dim, index


# ---- The ops ----


def _take(self: Tensor, index: Tensor) -> Tensor:
    out = empty(index.impl.sizes, self.dtype, self.device)
    find_kernel("fetch", self.device)(out.impl, self.impl, index.impl)
    return out


def _put(self: Tensor, index: Tensor, source: Tensor, accumulate: bool) -> Tensor:
    """A copy of `self` in which the elements with the numbers `index` are those of `source`."""
    out = converted(self, self.dtype)
    find_kernel("store", self.device)(out.impl, index.impl, source.impl, accumulate)
    return out


def _gather(self: Tensor, dim: int, index: Tensor) -> Tensor:
    return _take(self, find_kernel("element_numbers", self.device)("gather", self.impl.sizes, dim, index))


def _scatter_add(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    for d, size in enumerate(index.impl.sizes):
        if src.impl.sizes[d] != size:
            src = call("slice", src, d, 0, size, 1)
    numbers = find_kernel("element_numbers", self.device)("scatter_add", self.impl.sizes, dim, index)
    return _put(self, numbers, src, True)


for _op, _kernel in {"take": _take, "put": _put, "gather": _gather, "scatter_add": _scatter_add}.items():
    register(_op, COMPOSITE, _kernel)

from terox.tensors import element_numbers  # noqa: E402, F401  It registers what is looked up here.
