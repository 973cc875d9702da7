"""Higher-order functions: `map`, `zip_with` and `reduce`, and what can be built from them.

A tensor library is these three over and over: an elementwise operation is a map or a zip, a sum is a reduce,
and a matrix product is a zip followed by a reduce. Here they work on anything that can be iterated; in module
2 on strided memory, in module 3 in parallel, in module 4 on a GPU.

In PyTorch: `aten/src/ATen/native/cpu/Loops.h` (map and zip), `Reduce.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from terox.foundations import operators


def map(fn: Callable[[float], float]) -> Callable[[Iterable[float]], list[float]]:
    """A function that applies `fn` to each element of an iterable and returns the results as a list.

    >>> map(operators.neg)([1.0, -2.0])
    [-1.0, 2.0]

    `fn` is called once for each element, in order.
    """
    # TODO 0.2: define the inner function that does it, and return that function.

    raise NotImplementedError("Task 0.2: map")


def zip_with(fn: Callable[[float, float], float]) -> Callable[[Iterable[float], Iterable[float]], list[float]]:
    """A function that combines two iterables element by element with `fn`, and returns a list.

    >>> zip_with(operators.add)([1.0, 2.0], [10.0, 20.0])
    [11.0, 22.0]

    Raises ValueError, naming both lengths, if the iterables are not equally long: a pair that silently falls
    away is a bug that nobody sees.
    """
    # TODO 0.2: make lists of both (an iterator has no length), compare the lengths, then combine.

    raise NotImplementedError("Task 0.2: zip_with")


def reduce(fn: Callable[[float, float], float], start: float) -> Callable[[Iterable[float]], float]:
    """A function that folds an iterable into one number, from the left, beginning with `start`.

    >>> reduce(operators.sub, 10.0)([1.0, 2.0])   # (10 - 1) - 2
    7.0

    For an empty iterable the result is `start`.
    """
    # TODO 0.2: carry a result along; each step is fn(result so far, next element).

    raise NotImplementedError("Task 0.2: reduce")


def neg_list(xs: Iterable[float]) -> list[float]:
    """Each element negated. Provided: this is how a function is built from `map`."""
    return map(operators.neg)(xs)


def add_lists(xs: Iterable[float], ys: Iterable[float]) -> list[float]:
    """Element by element, `x + y`. Provided: this is how a function is built from `zip_with`."""
    return zip_with(operators.add)(xs, ys)


def sum(xs: Iterable[float]) -> float:
    """The sum of all elements; 0.0 for none."""
    # TODO 0.2: one line, with reduce.

    raise NotImplementedError("Task 0.2: sum")


def prod(xs: Iterable[float]) -> float:
    """The product of all elements; 1.0 for none. Provided."""
    return reduce(operators.mul, 1.0)(xs)


def dot(xs: Iterable[float], ys: Iterable[float]) -> float:
    """The inner product, `sum(x * y)`. Raises ValueError, naming both lengths, if they differ.

    A matrix product is one of these for each of its elements.
    """
    # TODO 0.2: zip_with, then sum.

    raise NotImplementedError("Task 0.2: dot")


# End of the file.
