"""The derivatives of all other ops, once for all devices. Provided.

In PyTorch: `tools/autograd/derivatives.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from terox.tensors.derivatives import Formula
from terox.tensors.dispatcher import call
from terox.tensors.dtype import bool as bool_
from terox.tensors.factories import eye, full_like, where, zeros_like
from terox.tensors.functions import pad, relu_back, unreduced
from terox.tensors.schema import derivative
from terox.tensors.tensor import Tensor

# ---- Elementwise ----


@derivative("sub(self, other)", "self", "other")
def sub() -> tuple[Formula, Formula]:
    return lambda grad: grad, lambda grad: -grad


@derivative("neg(self)", "self")
def neg() -> Formula:
    return lambda grad: -grad


@derivative("pow(self, exponent)", "self", "exponent")
def pow(self: Any, exponent: Any, result: Tensor) -> tuple[Formula, Formula]:
    # Written as lambdas, so that `result` is kept only where the exponent needs a gradient.
    return lambda grad: _pow_base(grad, self, exponent), lambda grad: _pow_exponent(grad, self, exponent, result)


def _pow_base(grad: Tensor, self: Tensor, exponent: Any) -> Tensor:
    # x ** 0 is the constant 1, also at x = 0, where 0 * x ** -1 would be NaN.
    if isinstance(exponent, Tensor):
        return where(exponent == 0, 0.0, grad * (exponent * self ** (exponent - 1)))
    return zeros_like(grad) if exponent == 0 else grad * (exponent * self ** (exponent - 1))


def _pow_exponent(grad: Tensor, self: Any, exponent: Tensor, result: Tensor) -> Tensor:
    # 0 ** y is 0 for every y > 0: the slope is 0 there, where result * log(0) would be NaN.
    if not isinstance(self, Tensor):
        slope = grad * result * full_like(grad, self).log()
        return where(exponent >= 0, 0.0, slope) if self == 0 else slope
    return where((self == 0).logical_and(exponent >= 0), 0.0, grad * (result * self.log()))


@derivative("maximum(self, other)", "self", "other")
def maximum(self: Any, other: Any) -> tuple[Formula, Formula]:
    return _shared(self, other, lambda a, b: a > b)


@derivative("minimum(self, other)", "self", "other")
def minimum(self: Any, other: Any) -> tuple[Formula, Formula]:
    return _shared(self, other, lambda a, b: a < b)


def _shared(self: Tensor, other: Tensor, wins: Any) -> tuple[Formula, Formula]:
    """The gradient goes to the one that wins; half of it to each where they are equal."""
    return (lambda grad: where(self == other, grad / 2, where(wins(other, self), 0.0, grad)),
            lambda grad: where(self == other, grad / 2, where(wins(self, other), 0.0, grad)))


@derivative("clamp(self, low, high)", "self", "low", "high")
def clamp(self: Tensor, low: Any, high: Any) -> tuple[Formula, Formula, Formula]:
    below, above = self < low, self > high
    return (lambda grad: where((self >= low).logical_and(self <= high), grad, 0.0),
            lambda grad: where(below.logical_and(_lower(low, high, self)), grad, 0.0),
            lambda grad: where(above.logical_or(_lower(low, high, self).logical_not()), grad, 0.0))


def _lower(low: Any, high: Any, like: Tensor) -> Tensor:
    """Where `low < high`."""
    result = low < high
    return result if isinstance(result, Tensor) else full_like(like, result, dtype=None).bool()


@derivative("where(condition, input, other)", "input", "other")
def where_(condition: Tensor) -> tuple[Formula, Formula]:
    return lambda grad: where(condition, grad, 0.0), lambda grad: where(condition, 0.0, grad)


@derivative("masked_fill(self, mask, value)", "self", "value")
def masked_fill(mask: Tensor) -> tuple[Formula, Formula]:
    return lambda grad: where(mask, 0.0, grad), lambda grad: where(mask, grad, 0.0)


@derivative("abs(self)", "self")
def abs(self: Tensor) -> Formula:
    return lambda grad: grad * self.sign()


@derivative("sign(self)", "self")
@derivative("floor(self)", "self")
@derivative("ceil(self)", "self")
def steps() -> Formula:
    return zeros_like


@derivative("floor_divide(self, other)", "self", "other")
def floor_divide() -> tuple[Formula, Formula]:
    return zeros_like, zeros_like


@derivative("remainder(self, other)", "self", "other")
def remainder(self: Any, other: Any) -> tuple[Formula, Formula]:
    return lambda grad: grad, lambda grad: -grad * (self // other)


@derivative("reciprocal(self)", "self")
def reciprocal(result: Tensor) -> Formula:
    return lambda grad: -grad * result * result


@derivative("sqrt(self)", "self")
def sqrt(result: Tensor) -> Formula:
    return lambda grad: grad / (2 * result)


@derivative("rsqrt(self)", "self")
def rsqrt(result: Tensor) -> Formula:
    return lambda grad: -0.5 * grad * result**3


@derivative("sin(self)", "self")
def sin(self: Tensor) -> Formula:
    return lambda grad: grad * self.cos()


@derivative("cos(self)", "self")
def cos(self: Tensor) -> Formula:
    return lambda grad: -grad * self.sin()


@derivative("erf(self)", "self")
def erf(self: Tensor) -> Formula:
    return lambda grad: grad * (2 / math.sqrt(math.pi)) * (-self * self).exp()


@derivative("sigmoid(self)", "self")
def sigmoid(result: Tensor) -> Formula:
    return lambda grad: grad * result * (1 - result)


@derivative("relu_back(self, grad_output)", "self", "grad_output")
def relu_back_(self: Tensor) -> tuple[Formula, Formula]:
    return zeros_like, lambda grad: relu_back(self, grad)


# ---- Reductions ----


@derivative("mean(self, dims, keepdim)", "self")
def mean(self_sizes: Sequence[int], dims: Sequence[int], keepdim: bool) -> Formula:
    count = 1
    for dim in dims:
        count *= self_sizes[dim]
    return lambda grad: (unreduced(grad, dims, keepdim) / count).expand(self_sizes)


@derivative("prod(self, dims, keepdim)", "self")
def prod(self: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    # The derivative for each factor is the product of all others: the whole product divided by this factor, or, where
    # a factor is zero, the products of as many copies of the row as it is long, each with another factor left out.
    if not dims:
        return lambda grad: grad
    if not (self == 0).any():
        return lambda grad: unreduced(grad, dims, keepdim) * (call("prod", self, dims, True) / self)
    rows = self.transpose(dims[0], -1) if len(dims) == 1 else self.reshape(-1)
    length = rows.shape[-1]
    copies = where(eye(length, dtype=bool_, device=self.device), 1.0, rows.unsqueeze(-2).expand(*rows.shape, length))
    others = copies.prod(-1)
    others = others.transpose(dims[0], -1) if len(dims) == 1 else others.reshape(self.shape)
    return lambda grad: unreduced(grad, dims, keepdim) * others


@derivative("amin(self, dims, keepdim)", "self")
def amin(self: Tensor, result: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    mask = (self == unreduced(result, dims, keepdim)).to(self.dtype)
    count = mask.sum(dims, keepdim=True)
    return lambda grad: mask * (unreduced(grad, dims, keepdim) / count)


# ---- Views and copies ----


@derivative("view(self, sizes)", "self")
def view(self_sizes: Sequence[int]) -> Formula:
    return lambda grad: grad.reshape(tuple(self_sizes))


@derivative("select(self, dim, index)", "self")
def select(self_sizes: Sequence[int], dim: int, index: int) -> Formula:
    return lambda grad: pad(grad.unsqueeze(dim), self_sizes, dim, index, index + 1, 1)


@derivative("pad_slice(self, sizes, dim, start, stop, step)", "self")
def pad_slice(dim: int, start: int, stop: int, step: int) -> Formula:
    return lambda grad: call("slice", grad, dim, start, stop, step)


@derivative("clone(self)", "self")
@derivative("_to_copy(self, dtype)", "self")
def same() -> Formula:
    return lambda grad: grad


@derivative("_to_device(self, device)", "self")
def to_device(self: Tensor) -> Formula:
    return lambda grad: grad.to(self.device)


@derivative("copy_from(self, source)", "self", "source")
def copy_from() -> tuple[Formula, Formula]:
    return zeros_like, lambda grad: grad


@derivative("cat(tensors, dim)", "tensors")
def cat(tensors_sizes: Sequence[Sequence[int]], dim: int) -> Any:
    def parts(grad: Tensor) -> list[Tensor]:
        gradients, start = [], 0
        for sizes in tensors_sizes:
            if tuple(sizes) == (0,) and grad.dim() != 1:
                gradients.append(grad.new_zeros(0))
                continue
            gradients.append(call("slice", grad, dim, start, start + sizes[dim], 1))
            start += sizes[dim]
        return gradients

    return parts


# ---- By number ----


@derivative("take(self, index)", "self")
def take(self_sizes: Sequence[int], index: Tensor) -> Formula:
    return lambda grad: call("put", grad.new_zeros(tuple(self_sizes)), index, grad, True)


@derivative("put(self, index, source, accumulate)", "self", "source")
def put(index: Tensor, accumulate: bool) -> tuple[Formula, Formula]:
    def of_self(grad: Tensor) -> Tensor:
        return grad if accumulate else call("put", grad, index, zeros_like(call("take", grad, index)), False)

    return of_self, lambda grad: call("take", grad, index)


@derivative("scatter_add(self, dim, index, src)", "self", "src")
def scatter_add(src_sizes: Sequence[int], dim: int, index: Tensor) -> tuple[Formula, Formula]:
    def of_source(grad: Tensor) -> Tensor:
        gradient = call("gather", grad, dim, index)
        for d, (size, wanted) in enumerate(zip(gradient.shape, src_sizes)):
            if size != wanted:  # elements of src beyond the index were not used
                sizes = (*gradient.shape[:d], wanted, *gradient.shape[d + 1 :])
                gradient = pad(gradient, sizes, d, 0, size, 1)
        return gradient

    return lambda grad: grad, of_source
