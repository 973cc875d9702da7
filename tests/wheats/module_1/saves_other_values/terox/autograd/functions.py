"""A right solution built another way: other numbers are saved, and arithmetic is spelled out."""

from __future__ import annotations

from typing import Any
from terox.autograd import arithmetic
from terox.foundations import operators


class Add(Function):
    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        return x + y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        return (grad * 1.0, grad * 1.0)


class Mul(Function):
    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        ctx.save_for_backward(y, x)
        return x * y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        y, x = ctx.saved_tensors
        return y * grad, x * grad


class Div(Function):
    @staticmethod
    def forward(ctx: Any, x: float, y: float) -> float:
        quotient = operators.div(x, y)
        ctx.save_for_backward(y, quotient)
        return quotient

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, Any]:
        y, quotient = ctx.saved_tensors
        of_x = arithmetic.div(grad, y)
        return of_x, arithmetic.div(-grad * quotient, y)


class Pow(Function):
    @staticmethod
    def forward(ctx: Any, x: float, n: float) -> float:
        ctx.save_for_backward(x, n)
        return operators.pow(x, n)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
        x, n = ctx.saved_tensors
        if float(n) == 0.0:
            return 0.0 * grad, None
        return arithmetic.pow(x, n - 1) * n * grad, None


class Exp(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        ctx.save_for_backward(x)
        return operators.exp(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x = ctx.saved_tensors[0]
        return grad * (operators.exp(x) if isinstance(x, float) else x.exp())


class Log(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        y = operators.log(x)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return arithmetic.div(grad, *ctx.saved_tensors)


class Relu(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        ctx.slope = 1.0 if x > 0.0 else 0.0
        return operators.relu(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return (grad * ctx.slope,)


class Sigmoid(Function):
    @staticmethod
    def forward(ctx: Any, x: float) -> float:
        ctx.save_for_backward(x)
        return operators.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x = ctx.saved_tensors[0]
        if isinstance(x, float):
            return grad * (operators.sigmoid(x) * operators.sigmoid(-x))
        return grad * x.sigmoid() * (-x).sigmoid()
