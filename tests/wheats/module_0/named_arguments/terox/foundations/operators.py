"""Right solutions built another way: positional-only parameters, helpers with named arguments, an exp that takes the powers
of two out first.
"""

from __future__ import annotations

import math


def _where_positive(x: float, /, then: float, otherwise: float = 0.0) -> float:
    return then if x > 0.0 else otherwise


def max(x: float, y: float, /) -> float:
    return y if x < y or y != y else x


def is_close(x: float, y: float, /) -> float:
    return 1.0 if x == y or abs(x - y) <= 1e-8 + 1e-5 * abs(y) < math.inf else 0.0


def relu(x: float, /) -> float:
    return x if x != x else _where_positive(x, then=x)


def exp(x: float) -> float:
    if x > 709.782712893384:
        return math.inf
    if x < -746.0:
        return 0.0
    if x != x:
        return x
    power = int(x * 1.4426950408889634)
    rest = x - power * 6.93147180369123816490e-01 - power * 1.90821492927058770002e-10
    return math.ldexp(math.exp(rest), power)


def log(x: float, /) -> float:
    if not 0.0 < x < math.inf:
        return x if x != x or x > 0.0 else _where_positive(-x, otherwise=-math.inf, then=math.nan)
    fraction, power = math.frexp(x)
    if -2 < power < 2:
        return math.log(x)
    return math.log(fraction) + power * 6.93147180369123816490e-01 + power * 1.90821492927058770002e-10


def inv(x: float, /) -> float:
    return 1.0 / x if x != 0.0 else math.copysign(math.inf, x)


def sigmoid(x: float, /) -> float:
    return 1.0 / (1.0 + exp(-x)) if x > -30.0 else exp(x) / (1.0 + exp(x))


def relu_back(x: float, d: float, /) -> float:
    return _where_positive(x, then=d) if x == x else d


def log_back(x: float, d: float, /) -> float:
    return div(d, x)


def inv_back(x: float, d: float, /) -> float:
    return -(d * inv(x)) * inv(x)
