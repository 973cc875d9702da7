"""The elementwise methods of Tensor. Provided; each is a call of the dispatcher.

In PyTorch: `torch/_tensor.py`; the entries of `native_functions.yaml` that are elementwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.autograd.variable import Variable
from terox.tensors.dispatcher import call

_NUMBERS = (int, float, np.bool_, np.integer, np.floating)


def is_operand(value: Any) -> bool:
    """Whether `value` can stand beside a tensor in arithmetic: another tensor, or a real number."""
    return hasattr(value, "impl") or isinstance(value, _NUMBERS)


def operand(value: Any, op: str) -> Any:
    """`value`, if it can stand beside a tensor. Raises TypeError otherwise."""
    if not is_operand(value):
        raise TypeError(f"{op}(): argument 'other' must be Tensor or Number, not {type(value).__name__}")
    return value


def _binary(op: str) -> Any:
    """A pair of methods for an operator: `x + other` and `other + x`."""

    def forward(self: Any, other: Any) -> Any:
        return call(op, self, other) if is_operand(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return call(op, other, self) if is_operand(other) else NotImplemented

    return forward, reflected


def _in_place(op: str) -> Any:
    """The method for an operator that changes its left side: `x += other`."""

    def method(self: Any, other: Any) -> Any:
        return self._in_place(op, other) if is_operand(other) else NotImplemented

    return method


class Arithmetic:
    """Elementwise operators and functions. Shapes are broadcast and dtypes promoted, as in PyTorch."""

    __slots__ = ()

    _in_place: Any

    # ---- Operators ----

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("div")
    __floordiv__, __rfloordiv__ = _binary("floor_divide")
    __mod__, __rmod__ = _binary("remainder")
    __pow__, __rpow__ = _binary("pow")
    __and__, __rand__ = _binary("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor")

    __iadd__ = _in_place("add")
    __isub__ = _in_place("sub")
    __imul__ = _in_place("mul")
    __itruediv__ = _in_place("div")
    __ifloordiv__ = _in_place("floor_divide")
    __imod__ = _in_place("remainder")
    __ipow__ = _in_place("pow")
    __iand__ = _in_place("bitwise_and")
    __ior__ = _in_place("bitwise_or")
    __ixor__ = _in_place("bitwise_xor")

    __eq__, _ = _binary("eq")
    __ne__, _ = _binary("ne")
    __lt__, _ = _binary("lt")
    __le__, _ = _binary("le")
    __gt__, _ = _binary("gt")
    __ge__, _ = _binary("ge")
    del _

    def __neg__(self) -> Any:
        return call("neg", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return call("abs", self)

    def __invert__(self) -> Any:
        return call("bitwise_not", self)

    # ---- Two operands ----

    def add(self, other: Any, *, alpha: float = 1) -> Any:
        """`self + alpha * other`."""
        return call("add", self, operand(other, "add") if alpha == 1 else other * alpha)

    def sub(self, other: Any, *, alpha: float = 1) -> Any:
        """`self - alpha * other`."""
        return call("sub", self, operand(other, "sub") if alpha == 1 else other * alpha)

    def mul(self, other: Any) -> Any:
        """`self * other`."""
        return call("mul", self, operand(other, "mul"))

    def div(self, other: Any) -> Any:
        """`self / other`."""
        return call("div", self, operand(other, "div"))

    def floor_divide(self, other: Any) -> Any:
        """`self // other`."""
        return call("floor_divide", self, operand(other, "floor_divide"))

    def remainder(self, other: Any) -> Any:
        """`self % other`, with the sign of `other`."""
        return call("remainder", self, operand(other, "remainder"))

    def pow(self, exponent: Any) -> Any:
        """`self ** exponent`."""
        return call("pow", self, operand(exponent, "pow"))

    def maximum(self, other: Any) -> Any:
        """The larger of the two, element by element; where they are equal, the gradient is halved between them."""
        return call("maximum", self, _tensor(other, "maximum"))

    def minimum(self, other: Any) -> Any:
        """The smaller of the two, element by element."""
        return call("minimum", self, _tensor(other, "minimum"))

    def eq(self, other: Any) -> Any:
        """`self == other`."""
        return call("eq", self, operand(other, "eq"))

    def ne(self, other: Any) -> Any:
        """`self != other`."""
        return call("ne", self, operand(other, "ne"))

    def lt(self, other: Any) -> Any:
        """`self < other`."""
        return call("lt", self, operand(other, "lt"))

    def le(self, other: Any) -> Any:
        """`self <= other`."""
        return call("le", self, operand(other, "le"))

    def gt(self, other: Any) -> Any:
        """`self > other`."""
        return call("gt", self, operand(other, "gt"))

    def ge(self, other: Any) -> Any:
        """`self >= other`."""
        return call("ge", self, operand(other, "ge"))

    def logical_and(self, other: Any) -> Any:
        """Whether neither is zero."""
        return call("logical_and", self, _tensor(other, "logical_and"))

    def logical_or(self, other: Any) -> Any:
        """Whether at least one is not zero."""
        return call("logical_or", self, _tensor(other, "logical_or"))

    def logical_xor(self, other: Any) -> Any:
        """Whether exactly one is not zero."""
        return call("logical_xor", self, _tensor(other, "logical_xor"))

    # ---- One operand ----

    def neg(self) -> Any:
        """`-self`."""
        return call("neg", self)

    def abs(self) -> Any:
        """Magnitudes; the derivative at 0 is 0."""
        return call("abs", self)

    def sign(self) -> Any:
        """1, 0 or -1."""
        return call("sign", self)

    def square(self) -> Any:
        """`self * self`."""
        return call("pow", self, 2)

    def reciprocal(self) -> Any:
        """`1 / self`."""
        return call("reciprocal", self)

    def exp(self) -> Any:
        """e to the power of `self`."""
        return call("exp", self)

    def log(self) -> Any:
        """The natural logarithm."""
        return call("log", self)

    def sqrt(self) -> Any:
        """The square root."""
        return call("sqrt", self)

    def rsqrt(self) -> Any:
        """`1 / sqrt(self)`."""
        return call("rsqrt", self)

    def sin(self) -> Any:
        """The sine."""
        return call("sin", self)

    def cos(self) -> Any:
        """The cosine."""
        return call("cos", self)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return call("tanh", self)

    def sigmoid(self) -> Any:
        """`1 / (1 + exp(-self))`."""
        return call("sigmoid", self)

    def relu(self) -> Any:
        """The positive part."""
        return call("relu", self)

    def floor(self) -> Any:
        """Rounded down."""
        return call("floor", self)

    def ceil(self) -> Any:
        """Rounded up."""
        return call("ceil", self)

    def isnan(self) -> Any:
        """Whether each element is NaN."""
        return call("isnan", self)

    def isinf(self) -> Any:
        """Whether each element is infinite."""
        return call("isinf", self)

    def isfinite(self) -> Any:
        """Whether each element is neither infinite nor NaN."""
        return call("isfinite", self)

    def logical_not(self) -> Any:
        """Whether each element is zero."""
        return call("logical_not", self)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Between `min` and `max`, of which one may be left out."""
        return call("clamp", self, *_bounds(self, min, max))

    def where(self, condition: Any, other: Any) -> Any:
        """`self` where `condition`, else `other`."""
        return call("where", _tensor(condition, "where"), self, operand(other, "where"))

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """`value`, a number or a tensor without dimensions, where `mask` is true, else `self`."""
        return call("where", _mask(mask), _fill_value(self, value), self)

    # ---- In place ----

    def add_(self, other: Any, *, alpha: float = 1) -> Any:
        """`self += alpha * other`."""
        return self._in_place("add", operand(other, "add_") if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: float = 1) -> Any:
        """`self -= alpha * other`."""
        return self._in_place("sub", operand(other, "sub_") if alpha == 1 else other * alpha)

    def mul_(self, other: Any) -> Any:
        """`self *= other`."""
        return self._in_place("mul", operand(other, "mul_"))

    def div_(self, other: Any) -> Any:
        """`self /= other`."""
        return self._in_place("div", operand(other, "div_"))

    def pow_(self, exponent: Any) -> Any:
        """`self **= exponent`."""
        return self._in_place("pow", operand(exponent, "pow_"))

    def neg_(self) -> Any:
        """`self = -self`, in place; so with the following."""
        return self._in_place("neg")

    def abs_(self) -> Any:
        """`abs`, in place."""
        return self._in_place("abs")

    def exp_(self) -> Any:
        """`exp`, in place."""
        return self._in_place("exp")

    def log_(self) -> Any:
        """`log`, in place."""
        return self._in_place("log")

    def sqrt_(self) -> Any:
        """`sqrt`, in place."""
        return self._in_place("sqrt")

    def relu_(self) -> Any:
        """`relu`, in place."""
        return self._in_place("relu")

    def sigmoid_(self) -> Any:
        """`sigmoid`, in place."""
        return self._in_place("sigmoid")

    def tanh_(self) -> Any:
        """`tanh`, in place."""
        return self._in_place("tanh")

    def clamp_(self, min: Any = None, max: Any = None) -> Any:
        """`clamp`, in place."""
        return self._in_place("clamp", *_bounds(self, min, max))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """`masked_fill`, in place."""
        return self._in_place("masked_fill", _mask(mask), _fill_value(self, value))


def _tensor(value: Any, op: str) -> Any:
    if not hasattr(value, "impl"):
        raise TypeError(f"{op}(): argument 'other' must be Tensor, not {type(value).__name__}")
    return value


def _mask(mask: Any) -> Any:
    if _tensor(mask, "masked_fill").dtype.name != "bool":
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype.name}")
    return mask


def _fill_value(self: Any, value: Any) -> Any:
    from terox.tensors.dtype import can_cast, of_number

    if isinstance(value, Variable):
        if value.dim():
            raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                               f"{value.dim()} dimension(s).")
        return value.to(self.dtype)
    if not can_cast(of_number(value), self.dtype):
        raise RuntimeError(f"value cannot be converted to type {self.dtype.name} without overflow")
    return value


def _bounds(self: Any, low: Any, high: Any) -> tuple[Any, Any]:
    if low is None and high is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    whole = not self.dtype.is_floating_point and all(
        bound is None or isinstance(bound, int) or hasattr(bound, "impl") for bound in (low, high))
    if low is None:
        low = -(2**63) if whole else float("-inf")
    if high is None:
        high = 2**63 - 1 if whole else float("inf")
    return low, high
