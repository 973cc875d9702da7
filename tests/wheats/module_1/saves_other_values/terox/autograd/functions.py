"""The differentiable operations on scalars, each a Function with a forward and a backward.

In PyTorch: `tools/autograd/derivatives.yaml` has one entry, with these formulas, for each operation.

A right solution built another way: other numbers are saved, and arithmetic is spelled out.
"""

from __future__ import annotations

import math
from typing import Any

from terox.autograd import arithmetic
from terox.autograd.function import Function
from terox.foundations import operators

# ---- Provided: two worked examples. ----


class Neg(Function):
    """`-x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        return operators.neg(x)  # nothing to save: the derivative is -1 everywhere

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return -grad


class Tanh(Function):
    """The hyperbolic tangent. Its derivative is `1 - tanh(x)**2`: the *output* is all that has to be saved."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        y = operators.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (y,) = ctx.saved_tensors
        return grad * (1.0 - y * y)


# ---- Tasks 1.2 (forward) and 1.3 (backward): the learner's part. ----


class Add(Function):
    """`x + y`."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        """The sum of `x` and `y`. Think whether backward needs anything saved."""
        return x + y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """The gradients of `x` and of `y`: a sum hands its gradient on to both."""
        return (grad * 1.0, grad * 1.0)


class Mul(Function):
    """`x * y`."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        """The product of `x` and `y`."""
        ctx.save_for_backward(y, x)
        return x * y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """`d(x * y) / dx = y` and `d(x * y) / dy = x`, each times `grad`."""
        y, x = ctx.saved_tensors
        return y * grad, x * grad


class Div(Function):
    """`x / y`, with IEEE results where `y` is zero."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        """The quotient of `x` and `y`. `operators.div` is provided; Python's `/` raises for a zero."""
        quotient = operators.div(x, y)
        ctx.save_for_backward(y, quotient)
        return quotient

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """`1 / y` for `x` and `-x / y**2` for `y`, each times `grad`.

        `arithmetic.div` and `arithmetic.inv_back` work for floats and for Scalars.
        """
        y, quotient = ctx.saved_tensors
        of_x = arithmetic.div(grad, y)
        return of_x, arithmetic.div(-grad * quotient, y)


class Pow(Function):
    """`x ** n` for a plain number `n` (a Scalar as exponent is `PowVariable`, below)."""

    @staticmethod
    def forward(ctx: Any, x: float, n: float) -> float:
        """`x` to the power of `n`. `operators.pow` is provided.

        `n` is a constant of the operation: set it on `ctx` as an attribute. `save_for_backward` is for inputs
        and outputs that can have a gradient.
        """
        ctx.save_for_backward(x, n)
        return operators.pow(x, n)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
        """`n * x ** (n - 1)` times `grad` for `x`; None for `n`, which has no gradient.

        For `n = 0` the power is the constant 1: the gradient is 0, also at `x = 0`. `arithmetic.pow` works for
        floats and for Scalars.
        """
        x, n = ctx.saved_tensors
        if float(n) == 0.0:
            return 0.0 * grad, None
        return arithmetic.pow(x, n - 1) * n * grad, None


class Exp(Function):
    """e to the power of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`exp(x)`. Which number does backward need: the input or the output?"""
        ctx.save_for_backward(x)
        return operators.exp(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """The derivative of exp is exp."""
        x = ctx.saved_tensors[0]
        return grad * (operators.exp(x) if isinstance(x, float) else x.exp())


class Log(Function):
    """The natural logarithm of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`log(x)`."""
        y = operators.log(x)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`1 / x` times `grad`. `arithmetic.log_back` works for floats and for Scalars."""
        return arithmetic.div(grad, *ctx.saved_tensors)


class Relu(Function):
    """The positive part of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`relu(x)`."""
        ctx.slope = 1.0 if x > 0.0 else 0.0
        return operators.relu(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`grad` where `x > 0`, else 0. `arithmetic.relu_back` works for floats and for Scalars."""
        return (grad * ctx.slope,)


class Sigmoid(Function):
    """`1 / (1 + exp(-x))`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`sigmoid(x)`. Its derivative is `y * (1 - y)` for the output `y`."""
        ctx.save_for_backward(x)
        return operators.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`y * (1 - y)` times `grad`."""
        x = ctx.saved_tensors[0]
        if isinstance(x, float):
            return grad * (operators.sigmoid(x) * operators.sigmoid(-x))
        return grad * x.sigmoid() * (-x).sigmoid()


# ---- Provided: what repeats an idea. ----


class Sub(Function):
    """`x - y`."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        return operators.sub(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        return grad, -grad


class Abs(Function):
    """The absolute value of `x`. Its derivative at 0 is 0, as in PyTorch."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        ctx.sign = math.copysign(1.0, x) if x != 0.0 else 0.0
        return abs(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.sign


class PowVariable(Function):
    """`x ** y`, differentiable in both."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        ctx.save_for_backward(x, y)
        return operators.pow(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        x, y = ctx.saved_tensors
        # Where y is 0 the power is 1 for every x; where x is 0 and y positive it is 0 for every y near by.
        grad_x = grad * 0.0 if y == 0.0 else grad * (y * arithmetic.pow(x, y - 1.0))
        grad_y = grad * 0.0 if x == 0.0 and y >= 0.0 else grad * (arithmetic.pow(x, y) * arithmetic.log(x))
        return grad_x, grad_y


class Linear(Function):
    """`w_1 * x_1 + ... + w_n * x_n + b` as one operation, called with `w_1, ..., w_n, x_1, ..., x_n, b`.

    The same from `Mul` and `Add` makes a graph of 2n nodes; this is one. Fewer and larger operations are what makes
    a framework fast, and the reason for tensors in module 2. In PyTorch: `torch.nn.functional.linear`.
    """

    @staticmethod
    def forward(ctx: Any, *args: float) -> float:
        ctx.save_for_backward(*args[:-1])
        half = len(args) // 2
        return args[-1] + sum([w * x for w, x in zip(args[:half], args[half:-1])])

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, ...]:
        saved = ctx.saved_tensors
        half = len(saved) // 2
        # The derivative for a weight is its input, for an input its weight.
        return *[grad * x for x in saved[half:]], *[grad * w for w in saved[:half]], grad
