"""The differentiable operations on scalars, each a Function with a forward and a backward.

In PyTorch: `tools/autograd/derivatives.yaml` has one entry, with these formulas, for each operation.
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
        # TODO 1.2: one of module 0's operators does it.

        raise NotImplementedError("Task 1.2: Add.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """The gradients of `x` and of `y`: a sum hands its gradient on to both."""
        # TODO 1.3: two gradients, one for each input.

        raise NotImplementedError("Task 1.3: Add.backward")


class Mul(Function):
    """`x * y`."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        """The product of `x` and `y`."""
        # TODO 1.2: save what backward needs, then multiply.

        raise NotImplementedError("Task 1.2: Mul.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """`d(x * y) / dx = y` and `d(x * y) / dy = x`, each times `grad`."""
        # TODO 1.3: the product rule.

        raise NotImplementedError("Task 1.3: Mul.backward")


class Div(Function):
    """`x / y`, with IEEE results where `y` is zero."""

    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        """The quotient of `x` and `y`. `operators.div` is provided; Python's `/` raises for a zero."""
        # TODO 1.2: as Mul.

        raise NotImplementedError("Task 1.2: Div.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        """`1 / y` for `x` and `-x / y**2` for `y`, each times `grad`.

        `arithmetic.div` and `arithmetic.inv_back` work for floats and for Scalars.
        """
        # TODO 1.3: the quotient rule; inv_back(y, d) is -d / y**2.

        raise NotImplementedError("Task 1.3: Div.backward")


class Pow(Function):
    """`x ** n` for a plain number `n` (a Scalar as exponent is `PowVariable`, below)."""

    @staticmethod
    def forward(ctx: Any, x: float, n: float) -> float:
        """`x` to the power of `n`. `operators.pow` is provided.

        `n` is a constant of the operation: set it on `ctx` as an attribute. `save_for_backward` is for inputs
        and outputs that can have a gradient.
        """
        # TODO 1.2: save x, remember n.

        raise NotImplementedError("Task 1.2: Pow.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
        """`n * x ** (n - 1)` times `grad` for `x`; None for `n`, which has no gradient.

        For `n = 0` the power is the constant 1: the gradient is 0, also at `x = 0`. `arithmetic.pow` works for
        floats and for Scalars.
        """
        # TODO 1.3: the power rule, and its one exception.

        raise NotImplementedError("Task 1.3: Pow.backward")


class Exp(Function):
    """e to the power of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`exp(x)`. Which number does backward need: the input or the output?"""
        # TODO 1.2: as Tanh.

        raise NotImplementedError("Task 1.2: Exp.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """The derivative of exp is exp."""
        # TODO 1.3: use what you saved; do not compute the exponential again.

        raise NotImplementedError("Task 1.3: Exp.backward")


class Log(Function):
    """The natural logarithm of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`log(x)`."""
        # TODO 1.2: save, then module 0's log.

        raise NotImplementedError("Task 1.2: Log.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`1 / x` times `grad`. `arithmetic.log_back` works for floats and for Scalars."""
        # TODO 1.3: you wrote log_back in module 0.

        raise NotImplementedError("Task 1.3: Log.backward")


class Relu(Function):
    """The positive part of `x`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`relu(x)`."""
        # TODO 1.2: save, then module 0's relu.

        raise NotImplementedError("Task 1.2: Relu.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`grad` where `x > 0`, else 0. `arithmetic.relu_back` works for floats and for Scalars."""
        # TODO 1.3: you wrote relu_back in module 0.

        raise NotImplementedError("Task 1.3: Relu.backward")


class Sigmoid(Function):
    """`1 / (1 + exp(-x))`."""

    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        """`sigmoid(x)`. Its derivative is `y * (1 - y)` for the output `y`."""
        # TODO 1.2: save what the formula needs.

        raise NotImplementedError("Task 1.2: Sigmoid.forward")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """`y * (1 - y)` times `grad`."""
        # TODO 1.3: in terms of the output alone.

        raise NotImplementedError("Task 1.3: Sigmoid.backward")


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
