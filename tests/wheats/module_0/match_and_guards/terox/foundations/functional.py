"""A right solution built another way: match and guards."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def map(fn: Callable[[float], float]) -> Callable[[Iterable[float]], list[float]]:
    def on_list(xs):
        results = []
        for x in xs:
            results.append(fn(x))
        return results

    return on_list


def zip_with(fn: Callable[[float, float], float]) -> Callable[[Iterable[float], Iterable[float]], list[float]]:
    def on_lists(xs, ys):
        match list(xs), list(ys):
            case left, right if len(left) == len(right):
                return [fn(left[place], right[place]) for place in range(len(left))]
            case left, right:
                raise ValueError(f"{len(left)} elements on the left, {len(right)} on the right")

    return on_lists


def reduce(fn: Callable[[float, float], float], start: float) -> Callable[[Iterable[float]], float]:
    def fold(xs):
        def step(so_far, rest):
            match rest:
                case []:
                    return so_far
                case [first, *others]:
                    return step(fn(so_far, first), others)

        return step(start, list(xs))

    return fold


def sum(xs: Iterable[float]) -> float:
    total = 0.0
    for x in xs:
        total += x
    return total


def dot(xs: Iterable[float], ys: Iterable[float]) -> float:
    xs, ys = list(xs), list(ys)
    if len(xs) != len(ys):
        raise ValueError(f"dot of {len(xs)} and {len(ys)} elements")
    return sum(x * y for x, y in zip(xs, ys))
