"""Reductions, each a call of the device's `reduce` with a scalar function; and what is made of them. Provided.

In PyTorch: `aten/src/ATen/native/ReduceOps.cpp`, `SoftMax.cpp`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from terox.foundations import operators as base
from terox.tensors import operators as ops
from terox.tensors.dispatcher import COMPOSITE, find_kernel, register
from terox.tensors.dtype import bool as bool_
from terox.tensors.dtype import dtype as DType
from terox.tensors.dtype import int64
from terox.tensors.iterator import converted, empty
from terox.tensors.storage import row_major
from terox.tensors.tensor import Tensor


def reduce(self: Tensor, fn: Callable[..., Any], dims: Sequence[int], keepdim: bool, start: Any,
           dtype: DType) -> Tensor:
    """`fn` folded along `dims`, in the dtype `dtype`."""
    storage = self.impl.storage
    source = self if storage.dtype is dtype else converted(self, dtype)
    dims = tuple(dims)
    with_ones, kept = _sizes(self.impl.sizes, dims)
    out = empty(with_ones if keepdim else kept, dtype, storage.device)
    target = out.impl if keepdim else out.impl.look(with_ones, row_major(with_ones)[1], 0)
    find_kernel("reduce", storage.device)(fn, target, source.impl, dims, start)
    return out


@functools.lru_cache(4096)
def _sizes(sizes: tuple[int, ...], dims: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is left of `sizes` where `dims` are folded: with their dimensions, of size 1, and without."""
    return (tuple([1 if dim in dims else size for dim, size in enumerate(sizes)]),
            tuple([size for dim, size in enumerate(sizes) if dim not in dims]))


def without(out: Tensor, dims: Sequence[int]) -> Tensor:
    """A fresh result, without its dimensions `dims`, which have size 1."""
    kept = [dim for dim in range(len(out.impl.sizes)) if dim not in dims]
    impl = out.impl
    return Tensor._of(impl.look(tuple(impl.sizes[d] for d in kept), tuple(impl.strides[d] for d in kept), impl.offset))


def _count_dtype(self: Tensor) -> DType:
    return self.dtype if self.dtype.is_floating_point else int64


def sum(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    return reduce(self, base.add, dims, keepdim, 0, _count_dtype(self))


def prod(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    return reduce(self, base.mul, dims, keepdim, 1, _count_dtype(self))


def mean(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    count = math.prod([self.impl.sizes[dim] for dim in dims])
    return sum(self, dims, keepdim) / count


def amax(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    start = -math.inf if self.dtype.is_floating_point else -(2**63) if self.dtype is int64 else False
    return reduce(self, base.max, dims, keepdim, start, self.dtype)


def amin(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    start = math.inf if self.dtype.is_floating_point else 2**63 - 1 if self.dtype is int64 else True
    return reduce(self, ops.min, dims, keepdim, start, self.dtype)


def all(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    return reduce(self, ops.logical_and, dims, keepdim, True, bool_)


def any(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    return reduce(self, ops.logical_or, dims, keepdim, False, bool_)


def _arg_reduce(better: Callable[..., Any]) -> Callable[..., Tensor]:
    def kernel(self: Tensor, dim: int, keepdim: bool) -> Tensor:
        sizes = [1 if d == dim else size for d, size in enumerate(self.impl.sizes)]
        out = empty(sizes, int64, self.device)
        find_kernel("arg_reduce", self.device)(better, out.impl, self.impl, dim)
        return out if keepdim else without(out, (dim,))

    return kernel


def _shift(self: Tensor, dims: Sequence[int]) -> Tensor:
    """The maximum along `dims`, which is taken away before exp so that nothing overflows; 0 where it is infinite."""
    if 0 in [self.impl.sizes[dim] for dim in dims]:
        sizes = [1 if dim in dims else size for dim, size in enumerate(self.impl.sizes)]
        return empty(sizes, self.dtype, self.device).fill_(0)
    largest = amax(self, dims, True)
    return largest.masked_fill(largest.isinf(), 0)


def logsumexp(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    shift = _shift(self, dims)
    out = sum((self - shift).exp(), dims, True).log() + shift
    return out if keepdim else without(out, dims)


def softmax(self: Tensor, dims: Sequence[int]) -> Tensor:
    powers = (self - amax(self, dims, True)).exp() if self.numel() else self.exp()
    return powers / sum(powers, dims, True)


def log_softmax(self: Tensor, dims: Sequence[int]) -> Tensor:
    if not self.numel():
        return self.clone()
    shifted = self - amax(self, dims, True)
    return shifted - sum(shifted.exp(), dims, True).log()


for _op, _kernel in {"sum": sum, "prod": prod, "mean": mean, "amax": amax, "amin": amin, "all": all, "any": any,
                     "argmax": _arg_reduce(ops.gt), "argmin": _arg_reduce(base.lt), "logsumexp": logsumexp,
                     "softmax": softmax, "log_softmax": log_softmax}.items():
    register(_op, COMPOSITE, _kernel)
