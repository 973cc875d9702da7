"""What an entry of the table is that torch and terox have to agree on, and what inputs it gets.

An entry is one function of the library. It is run with both libraries on the same numbers, in several shapes, dtypes
and layouts. The entries stand in `cases_*.py`, the wrong calls in `wrong_*.py`; `compare.py`
runs and compares them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy

FLOATS = ("float64", "float32")
ALL = ("float64", "float32", "int64", "bool")
NUMBERS = ("float64", "float32", "int64")
MIXED = tuple(itertools.product(ALL, repeat=2))


def each(*shapes: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Shapes for an expression of one input."""
    return tuple((shape,) for shape in shapes)


NO_INPUT: tuple[tuple[tuple[int, ...], ...], ...] = ((),)
ONE = each((), (0,), (3,), (2, 3), (2, 0, 3), (2, 1, 3))
PAIRS = (((), ()), ((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 1, 3), (4, 1)),
         ((), (2, 3)), ((2, 3), ()), ((0, 3), (1, 3)), ((0,), (1,)), ((2, 0, 3), (3,)))
ROWS = each((2, 3), (3,), (0, 3), ())
FEW_PAIRS = (((2, 3), (3,)), ((), (3,)), ((3,), ()), ((), ()), ((1,), (0,)))

# How an input lies in its storage. The leaf whose gradient is asked for is the whole storage, so that the gradient of
# the view is part of every comparison. "mixed" gives the inputs different layouts.
LAYOUTS = ("contiguous", "permuted", "sliced", "expanded", "mixed")


@dataclass(frozen=True)
class Case:
    """An expression that both libraries have to agree on.

    run: a function of the library and the inputs. It returns a tensor, a plain value, or a tuple or list of them.
    shapes: for each variant, the shape of every input. dtypes: for each variant, one for all inputs, or one each.
    domain: what numbers the inputs are, by a name of DOMAINS; one for all inputs, or one each.
    grad: whether inputs of floating dtypes require grad. second: whether the derivative's derivative is compared.
    view: whether strides, offsets and shared storage are compared. node: whether the names of grad_fn are.
    may_raise: an exception in torch is an answer that terox has to give, too.
    """

    name: str
    run: Callable[..., Any]
    shapes: tuple[tuple[tuple[int, ...], ...], ...] = NO_INPUT
    dtypes: tuple[Any, ...] = FLOATS
    domain: str | tuple[str, ...] = "any"
    grad: bool = True
    second: bool = True
    view: bool = False
    node: bool = False
    may_raise: bool = False
    layouts: tuple[str, ...] = LAYOUTS


@dataclass(frozen=True, init=False)
class WrongCall:
    """A call that both libraries have to refuse.

    run: a function of the library. says: what terox's message has to contain, words or shapes.
    """

    name: str
    run: Callable[[Any], Any]
    says: tuple[str | tuple[int, ...], ...]

    def __init__(self, name: str, run: Callable[[Any], Any], *says: str | tuple[int, ...]) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "run", run)
        object.__setattr__(self, "says", says)


@dataclass(frozen=True)
class Variant:
    """One choice of shapes, dtypes and layout for a Case."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    layout: str
    second: bool

    def __str__(self) -> str:
        inputs = ", ".join(f"{dtype}{list(shape)}" for shape, dtype in zip(self.shapes, self.dtypes))
        return f"{inputs or 'no input'}, {self.layout}"


def variants(case: Case) -> Iterator[Variant]:
    """The variants of a case. Layouts other than contiguous are tried in the first dtype, where they differ from it."""
    for (number, dtype), shapes in itertools.product(enumerate(case.dtypes), case.shapes):
        dtypes = (dtype,) * len(shapes) if isinstance(dtype, str) else dtype
        largest = max(map(len, shapes), default=0)
        for layout in case.layouts:
            different = layout == "contiguous" or shapes and number == 0 and (
                largest >= 2 and math.prod(max(shapes, key=len)) > 0
                and (layout != "mixed" or len(shapes) > 1) or layout == "sliced")
            if different:
                second = case.second and dtypes == ("float64",) * len(shapes) and layout in ("contiguous", "sliced")
                yield Variant(shapes, dtypes, layout, second)


# ---- Inputs ----

# From a NumPy generator and a shape to float64 numbers that float32 holds exactly, too (where that matters).
DOMAINS: dict[str, Callable[[numpy.random.Generator, Any], Any]] = {
    "any": lambda random, shape: random.uniform(-2, 2, shape),
    "positive": lambda random, shape: random.uniform(0.3, 3, shape),
    "nonzero": lambda random, shape: random.uniform(0.3, 3, shape) * random.choice([-1, 1], shape),
    "large": lambda random, shape: random.uniform(-900, 900, shape),
    "ties": lambda random, shape: random.choice([-1.0, 0.0, 0.5, 2.0], shape),
    "halves": lambda random, shape: random.choice([-3.5, -2.0, -1.5, -0.5, 0.5, 1.0, 1.5, 4.0], shape),
    "special": lambda random, shape: random.choice([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -2.0], shape),
    "infinite": lambda random, shape: random.choice([math.inf, -math.inf, 1.0, -2.0], shape),
    "unit": lambda random, shape: random.uniform(-0.9, 0.9, shape),
}
_WHOLE: dict[str, list[int]] = {"positive": [1, 2, 3, 4], "nonzero": [-3, -2, -1, 1, 2, 3], "halves": [-3, -2, 1, 4]}


def numbers(random: numpy.random.Generator, shape: tuple[int, ...], dtype: str, domain: str) -> numpy.ndarray:
    """Random numbers of a domain, as an array of a dtype."""
    if dtype == "bool":
        return numpy.asarray(random.integers(0, 2, shape), dtype=bool)
    if dtype == "int64":
        return numpy.asarray(random.choice(_WHOLE.get(domain, [-3, -2, -1, 0, 1, 2, 5]), shape), dtype=numpy.int64)
    values = numpy.asarray(DOMAINS[domain](random, shape))
    return values.astype(numpy.float32).astype(dtype)


def lie(layout: str, number: int) -> str:
    """The layout of input `number` of a variant."""
    return ("permuted", "sliced", "contiguous", "expanded")[number % 4] if layout == "mixed" else layout


def base_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """The shape of the tensor that an input of `shape` is a view of."""
    if layout == "sliced":
        return tuple(2 * size + 1 for size in shape) or (3,)
    if layout == "permuted":
        return shape[::-1]
    if layout == "expanded" and shape and shape[0]:
        return (1, *shape[1:])
    return shape


def view_of(base: Any, shape: tuple[int, ...], layout: str) -> Any:
    """The view of `base` that an expression gets. Only basic views, alike in both libraries."""
    if layout == "sliced":
        return base[(slice(1, None, 2),) * len(shape)] if shape else base[1]
    if layout == "permuted" and len(shape) > 1:
        return base.permute(*range(len(shape))[::-1])
    if layout == "expanded" and shape and shape[0]:
        return base.expand(*shape)
    return base


def leaf(a: Any) -> Any:
    """A copy of a tensor that is a leaf and requires grad."""
    return a.detach().clone().requires_grad_()


def node_name(node: Any) -> str:
    """The name without the number that tells apart torch's overloads of one op (PowBackward0, PowBackward1)."""
    return node.name().rpartition("::")[2].rstrip("0123456789")
