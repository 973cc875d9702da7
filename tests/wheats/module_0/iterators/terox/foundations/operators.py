"""A right solution built another way: iterators."""

from __future__ import annotations

import math


def max(x: float, y: float) -> float:
    if x != x or y != y:
        return x + y
    return x if x >= y else y


def is_close(x: float, y: float) -> float:
    return 1.0 if x == y or (abs(x) < math.inf and abs(y) < math.inf and abs(y - x) <= abs(y) * 1e-5 + 1e-8) else 0.0


def relu(x: float) -> float:
    return max(x, 0.0)


def exp(x: float) -> float:
    if x > 710.0:
        return math.inf
    half = math.exp(0.5 * x)
    return half * half


def log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def inv(x: float) -> float:
    return 1.0 / x if x != 0.0 else math.copysign(math.inf, x)


def sigmoid(x: float) -> float:
    small = exp(-abs(x))
    return (1.0 if x >= 0.0 else small) / (1.0 + small)


def relu_back(x: float, d: float) -> float:
    if x > 0.0 or x != x:
        return d
    return 0.0


def log_back(x: float, d: float) -> float:
    if x == 0.0:
        return math.copysign(math.inf, x) * d
    return d / x


def inv_back(x: float, d: float) -> float:
    return -d * inv(x) ** 2
