"""A right solution built another way: pytorch style."""

from __future__ import annotations

import math

_LARGEST_LOG = math.log(1.7976931348623157e308)


def max(x: float, y: float) -> float:
    if math.isnan(x):
        return x
    if math.isnan(y):
        return y
    return x if x > y else y


def is_close(x: float, y: float) -> float:
    close = x == y
    if math.isfinite(x) and math.isfinite(y):
        allowed = 1e-8 + abs(1e-5 * y)
        close = close or abs(x - y) <= allowed
    return 1.0 if close else 0.0


def relu(x: float) -> float:
    return x if x != x else (x if x > 0.0 else 0.0)


def exp(x: float) -> float:
    if x <= _LARGEST_LOG or math.isnan(x):
        return math.exp(x)
    return math.inf


def log(x: float) -> float:
    if x > 0.0 or math.isnan(x):
        return math.log(x)
    return math.nan if x < 0.0 else -math.inf


def inv(x: float) -> float:
    if x == 0.0:
        return math.inf if math.atan2(x, -1.0) > 0.0 else -math.inf
    return x ** -1.0


def sigmoid(x: float) -> float:
    if x > 0.0:
        return 0.5 * (1.0 + math.tanh(0.5 * x))
    z = math.exp(x)
    return z / (1.0 + z)


def relu_back(x: float, d: float) -> float:
    threshold = 0.0
    if x <= threshold:
        return 0.0
    return d


def log_back(x: float, d: float) -> float:
    if x == 0.0:
        return d * inv(x)
    return d / x


def inv_back(x: float, d: float) -> float:
    result = inv(x)
    return -(d * (result * result))
