"""The remaining kernels of the device "python", and the registration of all of them. Provided.

Plain loops, like the learner's in kernels.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from terox.foundations import operators
from terox.tensors import kernels
from terox.tensors.dispatcher import register
from terox.tensors.dtype import int64
from terox.tensors.layout import index_at, is_contiguous, position
from terox.tensors.storage import Storage, TensorImpl


def arg_reduce(better: Callable[[Any, Any], Any], out: TensorImpl, a: TensorImpl, dim: int) -> None:
    """The index along `dim` of the element that is better than all others; the first one, where several are equal.

    `out` has size 1 in `dim`, else the sizes of `a`; `a` is not empty along `dim`. `better(x, y)` is true if x beats
    y. NaN beats everything, as in PyTorch.
    """
    for index in itertools.product(*map(range, out.sizes)):
        place = position(index, a.strides, a.offset)
        best, where = a.storage.data[place], 0
        for number in range(1, a.sizes[dim]):
            value = a.storage.data[place + number * a.strides[dim]]
            if best == best and (value != value or better(value, best)):
                best, where = value, number
        out.storage.data[position(index, out.strides, out.offset)] = where


def copy(out: TensorImpl, a: TensorImpl) -> None:
    """`out[index] = a[index]`, converted to the dtype of `out`."""
    if is_contiguous(out.sizes, out.strides) and is_contiguous(a.sizes, a.strides) and out.dtype is a.dtype:
        count = out.numel
        out.storage.data[out.offset : out.offset + count] = a.storage.data[a.offset : a.offset + count]
    else:
        exact(kernels.elementwise, 1)(operators.id, out, a)


def fetch(out: TensorImpl, a: TensorImpl, numbers: TensorImpl) -> None:
    """`out[index]` = element number `numbers[index]` of `a`, counted with the last dimension running fastest."""

    def at(number: int) -> Any:
        return a.storage.data[position(index_at(number, a.sizes), a.strides, a.offset)]

    kernels.elementwise(at, out, numbers)


def store(out: TensorImpl, numbers: TensorImpl, source: TensorImpl, accumulate: bool) -> None:
    """Element number `numbers[index]` of `out` becomes `source[index]`, or, with `accumulate`, larger by it."""
    for index in itertools.product(*map(range, numbers.sizes)):
        number = numbers.storage.data[position(index, numbers.strides, numbers.offset)]
        place = position(index_at(number, out.sizes), out.strides, out.offset)
        value = source.storage.data[position(index, source.strides, source.offset)]
        out.storage.data[place] = out.storage.data[place] + value if accumulate else value


def exact(kernel: Callable[..., None], out_at: int) -> Callable[..., None]:
    """The kernel, for whole numbers as for others: its results are cut to int64, and wrap around as in PyTorch.

    It writes to a list, which takes any number; memory of int64 takes neither a float nor 2**63. out_at: which of the
    kernel's arguments is `out`.
    """

    def run(*args: Any) -> None:
        out = args[out_at]
        if out.dtype is not int64:
            kernel(*args)
            return
        numbers = _Numbers(out.storage)
        kernel(*args[:out_at], TensorImpl(numbers, out.sizes, out.strides, out.offset), *args[out_at + 1 :])
        for place in numbers.changed:
            out.storage.data[place] = to_int64(numbers.values[place])

    return run


class _Numbers:
    """A storage whose numbers are in a list, and that knows where something was written."""

    def __init__(self, storage: Storage) -> None:
        self.values = storage.data.tolist()
        self.changed: set[int] = set()
        self.dtype, self.device = storage.dtype, storage.device

    @property
    def data(self) -> _Numbers:
        return self  # as an attribute it would be a circle, which only the garbage collector ends

    def __getitem__(self, place: int) -> Any:
        return self.values[place]

    def __setitem__(self, place: int, value: Any) -> None:
        self.values[place] = value
        self.changed.add(place)


def to_int64(value: Any) -> int:
    """A number without its fraction, in 64 bits. Whole numbers wrap around; floats out of range, infinities and NaN
    become the smallest number, as on most machines.
    """
    if not isinstance(value, int):
        if not -(2.0**63) <= value < 2.0**63:
            return -(2**63)
        value = int(value)
    return (value + 2**63) % 2**64 - 2**63


register("elementwise", "python", exact(kernels.elementwise, 1))
register("reduce", "python", exact(kernels.reduce, 1))
register("matmul", "python", exact(kernels.matmul, 0))
register("copy", "python", copy)
register("fetch", "python", exact(fetch, 0))
register("store", "python", exact(store, 0))
register("arg_reduce", "python", arg_reduce)
