"""What the scalar functions and their derivatives are, for the tests of module 1: plain formulas, no graph.

Nothing here uses a learner's code. `tests/course/test_oracle.py` holds the derivatives against the numeric ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

EPS = 2.0 ** -52


def ieee(function: Callable[..., np.float64], *values: float) -> float:
    """`function` of NumPy on float64, with IEEE results and without warnings."""
    with np.errstate(all="ignore"):
        return float(function(*[np.float64(value) for value in values]))


def sigmoid(x: float) -> float:
    """`1 / (1 + exp(-x))` as `exp(-log(1 + exp(-x)))`, which neither overflows nor rounds a small result to 0."""
    return ieee(lambda v: np.exp(-np.logaddexp(0.0, -v)), x)


def bce_with_logits(logit: float, target: float) -> float:
    """Binary cross-entropy of `sigmoid(logit)`, by `log(1 + exp(z))`, stable on both sides."""
    return ieee(lambda z: target * np.logaddexp(0.0, -z) + (1.0 - target) * np.logaddexp(0.0, z), logit)


@dataclass(frozen=True)
class Operation:
    """One Function of the course: its value, and its derivative for each argument.

    positive: only positive arguments are in the domain.
    """

    name: str
    value: Callable[..., float]
    derivatives: Callable[..., tuple[float, ...]]
    arity: int
    positive: bool = False

    def usual(self, *values: float) -> bool:
        """Whether the derivatives at `values` are ordinary numbers: no pole and no corner close by."""
        return all(abs(value) >= 0.05 for value in values) and (not self.positive or min(values) > 0.0)


OPERATIONS = {operation.name: operation for operation in (
    Operation("Add", lambda x, y: ieee(np.add, x, y), lambda x, y: (1.0, 1.0), 2),
    Operation("Mul", lambda x, y: ieee(np.multiply, x, y), lambda x, y: (y, x), 2),
    Operation("Div", lambda x, y: ieee(np.divide, x, y), lambda x, y: (1.0 / y, -x / (y * y)), 2),
    Operation("Exp", lambda x: ieee(np.exp, x), lambda x: (math.exp(x),), 1),
    Operation("Log", lambda x: ieee(np.log, x), lambda x: (1.0 / x,), 1, positive=True),
    Operation("Relu", lambda x: ieee(np.maximum, x, 0.0), lambda x: (1.0 if x > 0.0 else 0.0,), 1),
    Operation("Sigmoid", sigmoid, lambda x: (sigmoid(x) * sigmoid(-x),), 1),
)}


def power(x: float, n: float) -> float:
    """`x ** n`, with IEEE results."""
    if x == -math.inf:  # NumPy takes the square root for n = 0.5, which is NaN here; IEEE 754's power is an infinity
        size = power(math.inf, n)
        return -size if math.fmod(n, 2.0) in (1.0, -1.0) else size
    return ieee(np.power, x, n)


def power_derivative(x: float, n: float) -> float:
    """The derivative of `x ** n` for `x`; 0 everywhere for `n = 0`."""
    return 0.0 if n == 0 else ieee(np.multiply, n, power(x, n - 1))


def derivative(f: Callable[..., float], values: Sequence[float], arg: int = 0) -> float:
    """The derivative of a plain function, from four points around `values[arg]` (error of fourth order)."""
    def at(step: float) -> float:
        moved = list(values)
        moved[arg] = moved[arg] + step
        return f(*moved)

    h = 1e-3 * max(1.0, abs(values[arg]))
    return (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)


class Dual:
    """A number with its derivatives: forward-mode differentiation, which has no graph and no engine.

    value: the number. slopes: its derivative for each input. sizes: the same with all terms taken positive,
    which bounds how much rounding can matter in a sum of terms that cancel.
    """

    def __init__(self, value: float, slopes: Sequence[float], sizes: Sequence[float] | None = None) -> None:
        self.value, self.slopes = value, tuple(slopes)
        self.sizes = tuple(abs(slope) for slope in slopes) if sizes is None else tuple(sizes)

    @staticmethod
    def inputs(values: Sequence[float]) -> list[Dual]:
        """One Dual for each value; each has slope 1 for itself."""
        return [Dual(value, [1.0 if place == other else 0.0 for other in range(len(values))])
                for place, value in enumerate(values)]


def chain(value: float, *parts: tuple[Dual, float]) -> Dual:
    """A result whose derivative for each operand is given: `chain(x * y, (x_dual, y), (y_dual, x))`."""
    width = len(parts[0][0].slopes)
    return Dual(value,
                [sum(dual.slopes[n] * factor for dual, factor in parts) for n in range(width)],
                [sum(dual.sizes[n] * abs(factor) for dual, factor in parts) for n in range(width)])
