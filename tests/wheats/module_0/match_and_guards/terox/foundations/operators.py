"""A right solution built another way: match and guards."""

from __future__ import annotations

import math


def max(x: float, y: float) -> float:
    match x:
        case _ if x != x or y != y:
            return math.nan
        case _ if x < y:
            return y
        case _:
            return x


def is_close(x: float, y: float) -> float:
    if x != x or y != y:
        return 0.0
    if abs(x) == math.inf or abs(y) == math.inf:
        return 1.0 if x == y else 0.0
    if abs(x - y) > 1e-8 + 1e-5 * abs(y):
        return 0.0
    return 1.0


def relu(x: float) -> float:
    match x:
        case _ if x < 0.0:
            return 0.0
        case _:
            return x


def exp(x: float) -> float:
    return math.inf if x >= 709.7827128933841 else math.exp(x)


def log(x: float) -> float:
    match x:
        case 0.0:
            return -math.inf
        case _ if x < 0.0:
            return math.nan
        case _:
            return math.log(x)


def inv(x: float) -> float:
    match x:
        case 0.0 if math.copysign(1.0, x) < 0.0:
            return -math.inf
        case 0.0:
            return math.inf
        case _:
            return 1.0 / x


def sigmoid(x: float) -> float:
    return inv(1.0 + exp(-x))


def relu_back(x: float, d: float) -> float:
    return d if not x <= 0.0 else 0.0


def log_back(x: float, d: float) -> float:
    return div(d, x)


def inv_back(x: float, d: float) -> float:
    return -div(d, x * x)
