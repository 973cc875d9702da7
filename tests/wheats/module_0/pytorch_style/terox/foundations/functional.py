"""A right solution built another way: pytorch style."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from terox.foundations import operators


def map(fn: Callable[[float], float]) -> Callable[[Iterable[float]], list[float]]:
    class Map:
        def __call__(self, xs):
            out = []
            iterator = iter(xs)
            while True:
                try:
                    x = next(iterator)
                except StopIteration:
                    return out
                out += [fn(x)]

    return Map()


def zip_with(fn: Callable[[float, float], float]) -> Callable[[Iterable[float], Iterable[float]], list[float]]:
    def loop(xs, ys):
        missing = object()
        out, sizes = [], [0, 0]
        pairs = list(itertools.zip_longest(xs, ys, fillvalue=missing))
        for x, y in pairs:
            sizes[0] += x is not missing
            sizes[1] += y is not missing
        if sizes[0] != sizes[1]:
            raise ValueError("the size of a ({}) must match the size of b ({})".format(*sizes))
        for x, y in pairs:
            out.append(fn(x, y))
        return out

    return loop


def reduce(fn: Callable[[float, float], float], start: float) -> Callable[[Iterable[float]], float]:
    def loop(xs):
        *_, result = itertools.accumulate(xs, fn, initial=start)
        return result

    return loop


def sum(xs: Iterable[float]) -> float:
    total = reduce(operators.add, 0.0)
    return total(xs)


def dot(xs: Iterable[float], ys: Iterable[float]) -> float:
    products = zip_with(operators.mul)
    return reduce(operators.add, 0.0)(products(xs, ys))
