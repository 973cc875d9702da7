"""The methods of Tensor that reduce dimensions, and the softmax family. Provided.

In PyTorch: `aten/src/ATen/native/ReduceOps.cpp`, `SoftMax.cpp`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from terox.tensors import dtype as dtypes
from terox.tensors.device import ALLOCATORS
from terox.tensors.dispatcher import call


class ValuesAndIndices(NamedTuple):
    """What `max` and `min` along a dimension give. In PyTorch: `torch.return_types.max`."""

    values: Any
    indices: Any


class Reducing:
    """Sums and other things that make fewer numbers of many."""

    __slots__ = ()

    impl: Any
    dtype: Any
    _dim: Any
    to: Any
    dim: Any

    def _dims(self, dim: Any, op: str) -> tuple[int, ...]:
        """The dimensions that are meant: all for None or (), else those given, counted from 0 on."""
        if dim is None or (isinstance(dim, (tuple, list)) and not dim):
            return tuple(range(len(self.impl.sizes)))
        given = dim if isinstance(dim, (tuple, list)) else (dim,)
        dims = tuple(self._dim(each, op) for each in given)
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"{op}: dim {next(d for d in dims if dims.count(d) > 1)} appears multiple times in the "
                               "list of dims")
        return dims if self.impl.sizes else ()

    def _not_empty(self, dims: tuple[int, ...], op: str) -> None:
        for dim in dims:
            if self.impl.sizes[dim] == 0:
                raise IndexError(f"{op}(): Expected reduction dim {dim} to have non-zero size; the shape is "
                                 f"{list(self.impl.sizes)}")

    def _full(self, op: str) -> tuple[int, ...]:
        if self.impl.numel == 0:
            raise RuntimeError(f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                               "reduction dim with the 'dim' argument.")
        return tuple(range(len(self.impl.sizes)))

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The sum along `dim` (an int, several in a tuple, or all). Whole numbers and bools are summed as int64."""
        if dtype is not None:
            return self.to(dtype).sum(dim, keepdim)
        return call("sum", self, self._dims(dim, "sum"), keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The mean along `dim`; NaN of no numbers. Raises RuntimeError for whole numbers."""
        if dtype is not None:
            return self.to(dtype).mean(dim, keepdim)
        if not self.dtype.is_floating_point:
            raise RuntimeError(f"mean(): could not infer output dtype. Input dtype must be a floating point dtype. "
                               f"Got: {self.dtype.name}")
        dims = self._dims(dim, "mean")
        return call("mean", self, dims, keepdim)

    def prod(self, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The product along `dim`, or of all."""
        if dtype is not None:
            return self.to(dtype).prod(dim, keepdim)
        dims = self._dims(None, "prod") if dim is None else self._dims(self._dim(dim, "prod"), "prod")
        return call("prod", self, dims, keepdim)

    def amax(self, dim: Any = (), keepdim: bool = False) -> Any:
        """The largest along `dim`. Where several are equal, the gradient is shared evenly among them."""
        dims = self._dims(dim, "amax")
        self._not_empty(dims, "amax") if dim not in (None, ()) else self._full("amax")
        return call("amax", self, dims, keepdim)

    def amin(self, dim: Any = (), keepdim: bool = False) -> Any:
        """The smallest along `dim`. Where several are equal, the gradient is shared evenly among them."""
        dims = self._dims(dim, "amin")
        self._not_empty(dims, "amin") if dim not in (None, ()) else self._full("amin")
        return call("amin", self, dims, keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the largest along `dim`, or its number among all; of the first, if several are equal."""
        return self._number("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the smallest."""
        return self._number("argmin", dim, keepdim)

    def _number(self, op: str, dim: int | None, keepdim: bool) -> Any:
        if self.dtype.name == "bool":
            raise RuntimeError(f"{op}(): does not support bool input")
        return self._arg(op, dim, keepdim)

    def _arg(self, op: str, dim: int | None, keepdim: bool) -> Any:
        if dim is None:
            if self.impl.numel == 0:
                raise IndexError(f"{op}(): Expected reduction dim to be specified for input.numel() == 0.")
            flat = call(op, self.detach().reshape(-1), 0, False)
            return flat.reshape([1] * len(self.impl.sizes)) if keepdim else flat
        dims = self._dims(self._dim(dim, op), op)
        if not dims:
            return call(op, self.detach().reshape(1), 0, False)
        self._not_empty(dims, op)
        return call(op, self.detach(), dims[0], keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest of all; with `dim`, (values, indices) along it; with a tensor, `maximum`."""
        return self._extreme("max", dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest of all; with `dim`, (values, indices) along it; with a tensor, `minimum`."""
        return self._extreme("min", dim, keepdim)

    def _extreme(self, op: str, dim: Any, keepdim: bool) -> Any:
        if hasattr(dim, "impl"):
            return call(f"{op}imum", self, dim)
        if dim is None:
            return call(f"a{op}", self, self._full(op), False)
        dims = self._dims(self._dim(dim, op), op)
        self._not_empty(dims, op)
        indices = self._arg(f"arg{op}", dim, True)
        if not dims:
            return ValuesAndIndices(self.clone(), indices)
        values = self.gather(dim, indices)
        if not keepdim:
            values, indices = values.squeeze(dim), indices.squeeze(dim)
        return ValuesAndIndices(values, indices)

    def all(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether all elements are true (not zero)."""
        return call("all", self, self._dims(dim, "all"), keepdim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether some element is true (not zero)."""
        return call("any", self, self._dims(dim, "any"), keepdim)

    def var(self, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
            correction: float | None = None) -> Any:
        """The variance: the mean squared distance from the mean, with `n - correction` (1) in the place of n."""
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 0 if unbiased is False else 1
        if not self.dtype.is_floating_point:
            raise RuntimeError("std and var only support floating point dtypes")
        dims = self._dims(dim, "var")
        count = math.prod(self.impl.sizes[d] for d in dims)
        distance = self - call("mean", self, dims, True)
        total = call("sum", distance * distance, dims, keepdim)
        divisor = max(count - correction, 0)
        return total / divisor

    def std(self, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
            correction: float | None = None) -> Any:
        """The square root of `var`. Where it is 0, so is the derivative, as in PyTorch: equal numbers have no slope."""
        variance = self.var(dim, unbiased, keepdim, correction=correction)
        # (Where a GPU would have to be waited for, nobody looks whether there is any.)
        if variance.requires_grad and ((flat := variance == 0).device in ALLOCATORS or flat.any()):
            return variance.masked_fill(flat, 1).sqrt().masked_fill(flat, 0)
        return variance.sqrt()

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Any:
        """The logarithm of the sum of exponentials along `dim`, without overflow."""
        floating = self if self.dtype.is_floating_point else self.to(dtypes.get_default_dtype())
        return call("logsumexp", floating, self._dims(dim, "logsumexp"), keepdim)

    def softmax(self, dim: int, *, dtype: Any = None) -> Any:
        """`exp(x) / sum(exp(x))` along `dim`, without overflow."""
        return self._softmax("softmax", dim, dtype)

    def log_softmax(self, dim: int, *, dtype: Any = None) -> Any:
        """The logarithm of softmax, without loss of digits."""
        return self._softmax("log_softmax", dim, dtype)

    def _softmax(self, op: str, dim: int, dtype: Any) -> Any:
        x = self if dtype is None else self.to(dtype)
        if not x.dtype.is_floating_point:
            raise NotImplementedError(f"{op}: not implemented for {x.dtype.name} tensors")
        dims = x._dims(self._dim(dim, op), op)
        return call(op, x, dims)
