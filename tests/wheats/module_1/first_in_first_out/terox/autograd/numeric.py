"""A right solution built another way: an inner function of one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def central_difference(f: Callable[..., float], *values: float, arg: int = 0, epsilon: float = 1e-6) -> float:
    def along(x: float) -> float:
        return f(*values[:arg], x, *values[arg + 1:])

    rise = along(values[arg] + epsilon) - along(values[arg] - epsilon)
    return rise / epsilon / 2.0
