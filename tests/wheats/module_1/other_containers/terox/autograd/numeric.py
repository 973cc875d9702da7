"""A right solution built another way: the two points in a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def central_difference(f: Callable[..., float], *values: float, arg: int = 0, epsilon: float = 1e-6) -> float:
    found = []
    for step in (epsilon, -epsilon):
        moved = [value + step if place == arg else value for place, value in enumerate(values)]
        found.append(f(*moved))
    return (found[0] - found[1]) / (epsilon + epsilon)
