"""A right solution built another way: iterators."""

from __future__ import annotations

import builtins
import functools
import itertools
import math
from collections.abc import Callable, Iterable
from terox.foundations import operators


def map(fn: Callable[[float], float]) -> Callable[[Iterable[float]], list[float]]:
    return lambda xs: list(builtins.map(fn, xs))


def zip_with(fn: Callable[[float, float], float]) -> Callable[[Iterable[float], Iterable[float]], list[float]]:
    def apply(xs, ys):
        first, second = [*xs], [*ys]
        if len(first) != len(second):
            raise ValueError("cannot combine %d elements with %d" % (len(first), len(second)))
        return list(itertools.starmap(fn, zip(first, second)))

    return apply


def reduce(fn: Callable[[float, float], float], start: float) -> Callable[[Iterable[float]], float]:
    return lambda xs: functools.reduce(fn, xs, start)


def sum(xs: Iterable[float]) -> float:
    return math.fsum(xs)


def dot(xs: Iterable[float], ys: Iterable[float]) -> float:
    return functools.reduce(operators.add, zip_with(operators.mul)(xs, ys), 0.0)
