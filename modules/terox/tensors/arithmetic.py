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
    """Whether `value` can stand beside a tensor in arithmetic: another tensor, or a real number.

    Raises TypeError for an array of NumPy: its own words would be about ufuncs.
    """
    if hasattr(value, "impl") or isinstance(value, _NUMBERS):
        return True
    if isinstance(value, np.ndarray):
        raise TypeError("a NumPy array cannot stand beside a tensor; terox.from_numpy(array) makes a tensor of it")
    return False


def operand(value: Any, op: str) -> Any:
    """`value`, if it can stand beside a tensor. Raises TypeError otherwise."""
    if not is_operand(value):
        raise TypeError(f"{op}(): argument 'other' must be Tensor or Number, not {type(value).__name__}")
    return value


def _binary(op: str) -> Any:
    """A pair of methods for an operator: `x + other` and `other + x`."""

    def forward(self: Any, other: Any) -> Any:
        return call(op, self, other) if other.__class__ is self.__class__ or is_operand(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return call(op, other, self) if is_operand(other) else NotImplemented

    return forward, reflected


def _unary(op: str, doc: str) -> Any:
    """The method for an op on one tensor."""

    def method(self: Any) -> Any:
        return call(op, self)

    method.__name__ = op
    method.__doc__ = doc
    return method


class Arithmetic:
    """Elementwise operators and functions. Shapes are broadcast and dtypes promoted, as in PyTorch."""

    __slots__ = ()

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
        if self.dtype.name == "bool":
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self

    def __abs__(self) -> Any:
        return call("abs", self)

    def __invert__(self) -> Any:
        if self.dtype.is_floating_point:
            raise TypeError(f"~ (operator.invert) is only implemented on integer and bool tensors, not {self.dtype!r}")
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
        return call("maximum", self, tensor_operand(other, "maximum"))

    def minimum(self, other: Any) -> Any:
        """The smaller of the two, element by element."""
        return call("minimum", self, tensor_operand(other, "minimum"))

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
        return call("logical_and", self, tensor_operand(other, "logical_and"))

    def logical_or(self, other: Any) -> Any:
        """Whether at least one is not zero."""
        return call("logical_or", self, tensor_operand(other, "logical_or"))

    def logical_xor(self, other: Any) -> Any:
        """Whether exactly one is not zero."""
        return call("logical_xor", self, tensor_operand(other, "logical_xor"))

    # ---- One operand ----

    neg = _unary("neg", "`-self`.")
    abs = _unary("abs", "Magnitudes; the derivative at 0 is 0.")
    sign = _unary("sign", "1, 0 or -1.")
    reciprocal = _unary("reciprocal", "`1 / self`.")
    exp = _unary("exp", "e to the power of `self`.")
    log = _unary("log", "The natural logarithm.")
    sqrt = _unary("sqrt", "The square root.")
    rsqrt = _unary("rsqrt", "`1 / sqrt(self)`.")
    sin = _unary("sin", "The sine.")
    cos = _unary("cos", "The cosine.")
    erf = _unary("erf", "The error function.")
    tanh = _unary("tanh", "The hyperbolic tangent.")
    sigmoid = _unary("sigmoid", "`1 / (1 + exp(-self))`.")
    relu = _unary("relu", "The positive part.")
    floor = _unary("floor", "Rounded down.")
    ceil = _unary("ceil", "Rounded up.")
    isnan = _unary("isnan", "Whether each element is NaN.")
    isinf = _unary("isinf", "Whether each element is infinite.")
    isfinite = _unary("isfinite", "Whether each element is neither infinite nor NaN.")
    logical_not = _unary("logical_not", "Whether each element is zero.")

    def square(self) -> Any:
        """`self * self`."""
        return call("pow", self, 2)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Between `min` and `max`, of which one may be left out."""
        return call("clamp", self, *bounds(self, min, max))

    def where(self, condition: Any, other: Any) -> Any:
        """`self` where `condition`, else `other`."""
        return call("where", tensor_operand(condition, "where"), self, operand(other, "where"))

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """`value`, a number or a tensor without dimensions, where `mask` is true, else `self`."""
        return call("masked_fill", self, mask_operand(mask), fill_value(self, value))


def tensor_operand(value: Any, op: str) -> Any:
    """`value`, if it is a tensor. Raises TypeError otherwise."""
    if not hasattr(value, "impl"):
        raise TypeError(f"{op}(): argument 'other' must be Tensor, not {type(value).__name__}")
    return value


def mask_operand(mask: Any) -> Any:
    """`mask`, if it is a tensor of bools. Raises TypeError or RuntimeError otherwise."""
    if tensor_operand(mask, "masked_fill").dtype.name != "bool":
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype.name}")
    return mask


def fill_value(self: Any, value: Any) -> Any:
    """A number, or a tensor without dimensions, that can stand in `self`. Raises RuntimeError otherwise."""
    from terox.tensors.dtype import of_number

    if isinstance(value, Variable):
        if value.dim():
            raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                               f"{value.dim()} dimension(s).")
        return value.to(self.dtype)
    of_number(value)
    return self.dtype.numpy.type(value).item()


def bounds(self: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The bounds of `clamp`, where one may be None. Raises RuntimeError if both are."""
    if low is None and high is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    whole = not self.dtype.is_floating_point and all(
        bound is None or isinstance(bound, int) or hasattr(bound, "impl") for bound in (low, high))
    if low is None:
        low = -(2**63) if whole else float("-inf")
    if high is None:
        high = 2**63 - 1 if whole else float("inf")
    return low, high
