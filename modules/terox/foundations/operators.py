"""Scalar operators: the numbers behind everything that follows.

These are the functions that module 2 maps over tensors, module 3 compiles for the CPU and module 4 for the GPU.
So they keep to what a compiler of numerical Python understands: numbers, comparisons, `if`, the functions of
`math`, and each other. And they are *total*: for every float they return a float, the one that IEEE 754 and
PyTorch give, where Python's own `math` would raise (`math.exp(1000)`, `math.log(0)`, `1 / 0`).

In PyTorch: `aten/src/ATen/native/cpu/UnaryOpsKernel.cpp`, `BinaryOpsKernel.cpp`.
"""

from __future__ import annotations

import math

# ---- Provided: read these first; they show the form. ----


def id(x: float) -> float:
    """`x` itself."""
    return x


def add(x: float, y: float) -> float:
    """`x + y`."""
    return x + y


def sub(x: float, y: float) -> float:
    """`x - y`."""
    return x - y


def mul(x: float, y: float) -> float:
    """`x * y`."""
    return x * y


def neg(x: float) -> float:
    """`-x`."""
    return -x


def eq(x: float, y: float) -> float:
    """1.0 if `x` equals `y`, else 0.0. NaN equals nothing."""
    return 1.0 if x == y else 0.0


def lt(x: float, y: float) -> float:
    """1.0 if `x` is less than `y`, else 0.0. NaN is less than nothing."""
    return 1.0 if x < y else 0.0


# ---- Task 0.1: the learner's part. ----


def max(x: float, y: float) -> float:
    """The larger of `x` and `y`; NaN if either of them is NaN.

    `x != x` is true for NaN and for nothing else.

    In PyTorch: `torch.maximum`.
    """
    # TODO 0.1: compare the two; think of NaN on either side, for which every comparison is false.

    raise NotImplementedError("Task 0.1: max")


def is_close(x: float, y: float) -> float:
    """1.0 if `x` and `y` differ by at most `1e-8 + 1e-5 * |y|`, else 0.0.

    Equal infinities are close; NaN is close to nothing; no finite number is close to an infinity.

    In PyTorch: `torch.isclose` with its default tolerances.
    """
    # TODO 0.1: equal numbers first (infinities!), then the distance against the tolerance.

    raise NotImplementedError("Task 0.1: is_close")


def relu(x: float) -> float:
    """`x` where it is positive, else 0.0; NaN stays NaN.

    In PyTorch: `torch.relu`.
    """
    # TODO 0.1: zero for negative numbers, and only for them.

    raise NotImplementedError("Task 0.1: relu")


def exp(x: float) -> float:
    """e to the power of `x`; `inf` where the result is too large for a float (`math.exp` raises there).

    The largest float is about 1.8e308, so the result overflows for `x > 709.782712893384`.

    In PyTorch: `torch.exp`.
    """
    # TODO 0.1: math.exp where it works, infinity above. A compiler has no try/except: test before you call.

    raise NotImplementedError("Task 0.1: exp")


def log(x: float) -> float:
    """The natural logarithm: `log(0) = -inf`, and NaN for negative numbers (`math.log` raises for both).

    In PyTorch: `torch.log`.
    """
    # TODO 0.1: three cases: positive (or NaN), zero, negative.

    raise NotImplementedError("Task 0.1: log")


def inv(x: float) -> float:
    """`1 / x`: `inv(0.0) = inf` and `inv(-0.0) = -inf` (Python's `/` raises for both).

    In PyTorch: `torch.reciprocal`.
    """
    # TODO 0.1: division, but zero has to be dealt with first; math.copysign tells 0.0 from -0.0.

    raise NotImplementedError("Task 0.1: inv")


def sigmoid(x: float) -> float:
    """`1 / (1 + exp(-x))`, between 0 and 1, and accurate to a few units in the last place on both sides.

    For `x < 0` use the equal form `exp(x) / (1 + exp(x))`: it never takes exp of a large number.

    In PyTorch: `torch.sigmoid`.
    """
    # TODO 0.1: one form for each sign of x, so that exp only ever sees a number that is not positive.

    raise NotImplementedError("Task 0.1: sigmoid")


def relu_back(x: float, d: float) -> float:
    """`d` times the derivative of relu at `x`: 0.0 where `x <= 0` (whatever `d` is), else `d`.

    At 0 relu has a corner; PyTorch's choice there is 0, and so is ours. Where `x` is NaN, relu passed it on, and
    `d` passes too.

    In PyTorch: `threshold_backward`.
    """
    # TODO 0.1: the gradient d passes where relu passed x.

    raise NotImplementedError("Task 0.1: relu_back")


def log_back(x: float, d: float) -> float:
    """`d` times the derivative of log at `x`: `d / x`, with IEEE results at zero (`1 / 0 = inf`, `0 / 0 = nan`).

    In PyTorch: the entry `log` of `derivatives.yaml` (`grad.div(self)`).
    """
    # TODO 0.1: you have a total 1 / x already.

    raise NotImplementedError("Task 0.1: log_back")


def inv_back(x: float, d: float) -> float:
    """`d` times the derivative of 1/x at `x`: `-d / x**2`.

    In PyTorch: the entry `reciprocal` of `derivatives.yaml` (`-grad * result * result`).
    """
    # TODO 0.1: in terms of 1 / x, the derivative needs no division of its own.

    raise NotImplementedError("Task 0.1: inv_back")


# ---- Provided: further operators that the later modules need. ----


def div(x: float, y: float) -> float:
    """`x / y`, with IEEE results where `y` is zero."""
    if y == 0.0:
        return x * inv(y)
    return x / y


def pow(x: float, y: float) -> float:
    """`x` to the power of `y`, with IEEE results: `pow(0, -1) = inf`, `pow(-8, 1/3) = nan`, no overflow error.

    In PyTorch: `torch.pow`.
    """
    if y == 0.0 or x == 1.0:
        return 1.0
    if x != x or y != y:
        return math.nan
    odd = y % 2.0 == 1.0  # Python's % has the sign of the divisor; it is NaN for infinite y
    if x == 0.0:
        size = math.inf if y < 0.0 else 0.0
        return math.copysign(size, x) if odd else size
    if math.isinf(x) or math.isinf(y):
        return math.pow(x, y)
    if x < 0.0 and y != math.floor(y):
        return math.nan
    magnitude = y * math.log(abs(x))  # the logarithm of |x|**y
    if magnitude <= 709.0:
        return math.pow(x, y)
    # math.pow raises where the result overflows, and so near the border a product does not: half the exponent, squared.
    root = math.pow(abs(x), 0.5 * y) if magnitude < 711.0 else math.inf
    return -root * root if x < 0.0 and odd else root * root


def tanh(x: float) -> float:
    """The hyperbolic tangent, between -1 and 1."""
    return math.tanh(x)
