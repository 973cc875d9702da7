"""Scalar: a number that remembers how it was computed. Provided; its arithmetic is the learner's `functions.py`.

In PyTorch: a 0-dimensional `torch.Tensor` of dtype float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from terox.autograd import functions as F
from terox.autograd.node import Node
from terox.autograd.variable import Variable

_new = object.__new__


class Scalar(Variable):
    """`Scalar(3.0, requires_grad=True)`: a float, its gradient, and its place in the graph.

    Raises TypeError if `data` is not a real number.
    """

    __slots__ = ("data",)

    data: float

    def __init__(self, data: float, requires_grad: bool = False) -> None:
        if not isinstance(data, (int, float)):
            raise TypeError(f"Scalar: a real number was expected, not {type(data).__name__}")
        # Times 1.0, so that each Scalar has a float object of its own: nodes tell by identity whose value they saved.
        self.data = data * 1.0
        self._edge = None
        if requires_grad:
            self.requires_grad = True

    @classmethod
    def _wrap(cls, raw: Any, node: Node | None, output_nr: int = 0) -> Self:
        if raw.__class__ is not float:
            raw = _as_float(raw, node)
        out = _new(cls)
        out.data = raw * 1.0
        out._edge = None if node is None else (node, output_nr)
        return out

    def _raw_grad(self, gradient: Any) -> Any:
        if gradient is None:
            return 1.0
        if isinstance(gradient, Scalar):
            return gradient.data
        if isinstance(gradient, (int, float)):
            return gradient * 1.0
        raise TypeError(f"a gradient of a Scalar must be a Scalar or a number, not {type(gradient).__name__}")

    def _numbers(self) -> list[float]:
        return [self.data]

    def _like(self, numbers: Sequence[float]) -> Self:
        return self._wrap(float(numbers[0]), None)

    # ---- The value ----

    def item(self) -> float:
        """The number, as a float."""
        return self.data

    __float__ = item

    def __bool__(self) -> bool:
        return self.data != 0.0

    def copy_(self, value: Scalar | float) -> Self:
        """Take over another value in place. A leaf that requires grad may be changed only under `no_grad`."""
        self._check_in_place()
        if self.grad_fn is not None:
            raise RuntimeError("copy_: a computed Scalar cannot be changed in place; compute a new one")
        self.data = float(value) * 1.0
        return self

    def __repr__(self) -> str:
        suffix = f", grad_fn={self.grad_fn!r}" if self.grad_fn is not None else ""
        if self.is_leaf and self.requires_grad:
            suffix = ", requires_grad=True"
        return f"Scalar({self.data!r}{suffix})"

    # ---- Arithmetic ----

    def __add__(self, other: Any) -> Scalar:
        return F.Add.apply(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Scalar:
        return F.Sub.apply(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rsub__(self, other: Any) -> Scalar:
        return F.Sub.apply(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __mul__(self, other: Any) -> Scalar:
        return F.Mul.apply(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Scalar:
        return F.Div.apply(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rtruediv__(self, other: Any) -> Scalar:
        return F.Div.apply(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __pow__(self, exponent: Any) -> Scalar:
        if isinstance(exponent, Scalar):
            return F.PowVariable.apply(self, exponent)
        return F.Pow.apply(self, exponent) if isinstance(exponent, _OPERANDS) else NotImplemented

    def __rpow__(self, base: Any) -> Scalar:
        return F.PowVariable.apply(base, self) if isinstance(base, _OPERANDS) else NotImplemented

    def __neg__(self) -> Scalar:
        return F.Neg.apply(self)

    def __pos__(self) -> Scalar:
        return self

    def __abs__(self) -> Scalar:
        return F.Abs.apply(self)

    def exp(self) -> Scalar:
        """e to the power of this."""
        return F.Exp.apply(self)

    def log(self) -> Scalar:
        """The natural logarithm."""
        return F.Log.apply(self)

    def relu(self) -> Scalar:
        """The positive part."""
        return F.Relu.apply(self)

    def sigmoid(self) -> Scalar:
        """`1 / (1 + exp(-x))`."""
        return F.Sigmoid.apply(self)

    def tanh(self) -> Scalar:
        """The hyperbolic tangent."""
        return F.Tanh.apply(self)

    pow = __pow__

    # ---- Comparisons: Scalars of 1.0 or 0.0, without history (a step has no derivative to speak of) ----

    def __eq__(self, other: Any) -> Any:
        return _compared(self, other, float.__eq__)

    def __ne__(self, other: Any) -> Any:
        return _compared(self, other, float.__ne__)

    def __lt__(self, other: Any) -> Any:
        return _compared(self, other, float.__lt__)

    def __le__(self, other: Any) -> Any:
        return _compared(self, other, float.__le__)

    def __gt__(self, other: Any) -> Any:
        return _compared(self, other, float.__gt__)

    def __ge__(self, other: Any) -> Any:
        return _compared(self, other, float.__ge__)

    # `==` compares numbers, so dicts and sets tell Scalars apart by identity, as PyTorch's do.
    __hash__ = object.__hash__


_OPERANDS = (Scalar, float, int)


def _compared(left: Scalar, right: Any, compare: Any) -> Any:
    if not isinstance(right, _OPERANDS):
        return NotImplemented
    return Scalar(1.0 if compare(left.data, float(right)) else 0.0)


def _as_float(raw: Any, node: Node | None) -> float:
    if isinstance(raw, (int, float)):
        return float(raw)
    where = "" if node is None else f"{node.name().removesuffix('Backward0')}: "
    hint = " Is a `return` missing?" if raw is None else ""
    raise TypeError(f"{where}a float was expected, not {type(raw).__name__}.{hint}")
