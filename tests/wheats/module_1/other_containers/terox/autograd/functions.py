"""A right solution built another way: several numbers are saved where one would do."""

from __future__ import annotations

from typing import Any
from terox.autograd import arithmetic
from terox.foundations import operators


class Mul(Function):
    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        ctx.save_for_backward(x, y)
        return operators.mul(y, x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        x, y = ctx.saved_tensors[:2]
        gradients = [grad * factor for factor in (y, x)]
        return tuple(gradients)


class Div(Function):
    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        x, y = ctx.saved_tensors
        of_x = arithmetic.div(grad, y)
        return of_x, -arithmetic.div(arithmetic.div(x, y) * grad, y)


class Pow(Function):
    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
        (x,) = ctx.saved_tensors
        return (grad * ctx.n * arithmetic.pow(x, ctx.n - 1) if ctx.n else grad * 0), None


class Exp(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        y = operators.exp(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return ctx.saved_tensors[1] * grad


class Relu(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        y = operators.relu(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (y,) = ctx.saved_tensors
        return grad if y > 0.0 else grad * 0.0


class Sigmoid(Function):
    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (y,) = ctx.saved_tensors
        return (y - y * y) * grad
