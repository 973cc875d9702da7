"""What has to be settled before a kernel can run over several operands: dtype, shape, memory for the result. Provided.

In PyTorch: `aten/src/ATen/TensorIterator.h`, `TensorIteratorBase::build`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from terox.tensors import device as devices
from terox.tensors.broadcasting import broadcast_shapes
from terox.tensors.dispatcher import find_kernel
from terox.tensors.dtype import bool as bool_
from terox.tensors.dtype import dtype as DType
from terox.tensors.dtype import get_default_dtype, result_type
from terox.tensors.storage import TensorImpl, row_major
from terox.tensors.tensor import Tensor

# What the dtype of a result follows from.
SAME = "same"  # the promoted dtype of the operands
FLOAT = "float"  # the same, but whole numbers become the default floating-point dtype
BOOL = "bool"  # operands are promoted among themselves, the result is bool


def empty(sizes: Sequence[int], dtype: DType, device: str) -> Tensor:
    """A new contiguous tensor whose elements have not been set."""
    sizes = tuple(sizes)
    count, strides = row_major(sizes)
    return Tensor._of(TensorImpl(devices.allocate(count, dtype, device), sizes, strides))


def constant(value: Any, dtype: DType, device: str) -> TensorImpl:
    """A number as an operand without dimensions."""
    try:
        array = np.array([value], dtype=dtype.numpy)
    except OverflowError:
        raise RuntimeError(f"value {value} cannot be converted to type {dtype.name} without overflow") from None
    if device not in devices.ALLOCATORS:
        return TensorImpl(devices.adopt(array, dtype, device), (), ())
    storage = devices.allocate(1, dtype, device)
    storage.array.fill(array[0].item())  # nothing is copied from the host
    return TensorImpl(storage, (), ())


def prepare(op: str, operands: Sequence[Any], result: str = SAME,
            also: Sequence[Tensor] = ()) -> tuple[Tensor, list[TensorImpl]]:
    """Memory for the result of an elementwise op, and the operands, promoted to one dtype and stretched to one shape.

    Operands are tensors of one device and Python numbers. also: further tensors, of which only the shape counts. Raises
    RuntimeError, naming the op and the shapes, where shapes cannot be broadcast.
    """
    first = operands[0]
    ins: list[TensorImpl] | None = None if also or first.__class__ is not Tensor else _alike(first.impl, operands)
    if ins is not None:
        storage = first.impl.storage
        if result is SAME or result is BOOL or storage.dtype.is_floating_point:
            return empty(first.impl.sizes, bool_ if result is BOOL else storage.dtype, storage.device), ins
    tensors = [operand for operand in operands if operand.__class__ is Tensor]
    tensors += also
    device = tensors[0].impl.storage.device
    dtype = result_type(*operands)
    if result is FLOAT and not dtype.is_floating_point:
        dtype = get_default_dtype()
    sizes = shape_of(op, tensors)
    out = empty(sizes, bool_ if result is BOOL else dtype, device)
    ins = []
    for operand in operands:
        if operand.__class__ is Tensor:
            if operand.impl.storage.dtype is not dtype:
                operand = converted(operand, dtype)
            impl = operand.impl
        else:
            impl = constant(operand, dtype, device)
        ins.append(impl if impl.sizes == sizes else impl.expand(sizes))
    return out, ins


def _alike(first: TensorImpl, operands: Sequence[Any]) -> list[TensorImpl] | None:
    """The operands, if all are tensors of the shape and dtype of the first, so that nothing has to be settled."""
    sizes, dtype = first.sizes, first.storage.dtype
    found = []
    for operand in operands:
        if operand.__class__ is not Tensor:
            return None
        impl = operand.impl
        if impl.sizes != sizes or impl.storage.dtype is not dtype:
            return None
        found.append(impl)
    return found


def shape_of(op: str, tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """The shape to which all of `tensors` are broadcast."""
    sizes = tensors[0].impl.sizes
    if all([tensor.impl.sizes == sizes for tensor in tensors]):
        return sizes
    try:
        return broadcast_shapes(*[tensor.impl.sizes for tensor in tensors])
    except NotImplementedError:
        raise  # a task that is to do, and no wrong shape
    except RuntimeError as error:
        raise RuntimeError(f"{op}: {error}") from None


def converted(tensor: Tensor, dtype: DType) -> Tensor:
    """A contiguous copy of `tensor` with another dtype, without history."""
    out = empty(tensor.impl.sizes, dtype, tensor.impl.storage.device)
    find_kernel("copy", out.impl.storage.device)(out.impl, tensor.impl)
    return out


def owned(gradient: Tensor, alone: bool) -> Tensor:
    """A gradient without history, contiguous, in memory that no other tensor sees: a copy, if that is not so already.

    alone: whether nobody else holds this very tensor. Views of it and saved tensors would share its impl or storage.

    In PyTorch: `torch/csrc/autograd/functions/accumulate_grad.h`, the cases of `accumulateGrad`, by `use_count`.
    """
    taken = alone and _unshared(gradient)
    impl, storage = gradient.impl, gradient.impl.storage
    if impl.offset or (len(storage.array), impl.strides) != row_major(impl.sizes):
        return converted(gradient, storage.dtype)
    if not taken and storage.device in devices.ALLOCATORS:
        return converted(gradient, storage.dtype)
    if not taken:
        impl = TensorImpl(devices.adopt(storage.array.copy(), storage.dtype, storage.device), impl.sizes, impl.strides)
    return Tensor._of(impl)


def _unshared(tensor: Tensor) -> bool:
    """Whether nothing but this tensor leads to its memory: impl, storage and array are referred to twice, by what holds
    them and by the question."""
    return (getrefcount(tensor.impl) == getrefcount(tensor.impl.storage) == getrefcount(tensor.impl.storage.array) == 2
            and getattr(tensor.impl.storage.array, "base", None) is None)  # a device's own memory is nobody else's


def elementwise(op: str, fn: Callable[..., Any], operands: Sequence[Any], result: str = SAME) -> Tensor:
    """`fn` of the numbers of all operands, element by element: what every op in pointwise.py comes to."""
    out, ins = prepare(op, operands, result)
    impl = out.impl
    find_kernel("elementwise", impl.storage.device)(fn, impl, *ins)
    return out


Tensor._empty, Tensor._owned = staticmethod(empty), staticmethod(owned)
