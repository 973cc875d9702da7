"""Sealed checks of module 0: operators, map, zip and reduce, properties. Those of task 0.4: module_0_tree.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks import module_0_tree  # noqa: F401 - its checks register
from course.grading.checks.implementations import NAMES, served, specimens_of
from course.grading.checks.kernel_language import problem
from course.grading.compare import difference
from course.grading.sealed import TEXT_OF, Call, sealed
from course.grading.wire import Value

# ---- Task 0.1 ----

INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]
OPERATORS = {"max": 2, "is_close": 2, "relu": 1, "exp": 1, "log": 1, "inv": 1, "sigmoid": 1, "relu_back": 2,
             "log_back": 2, "inv_back": 2}


@sealed("0.1")
def operators(rng: np.random.Generator) -> Iterator[Call]:
    for name, count in OPERATORS.items():
        rows = _close_pairs(rng) if name == "is_close" else _arguments(rng, name, count)
        rng.shuffle(rows)
        yield Call("operator", {"name": name, "rows": rows}, f"{name} of {len(rows)} rows of arguments",
                   compare=_numbers)


def _numbers(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """The first row that is wrong, in words. Below 1e-300 floats have fewer digits, so that right ones differ there."""
    reason = difference(got, expected, 1e-9, 1e-300)
    one, other = (each.get("numbers") if isinstance(each, dict) else None for each in (got, expected))
    if reason and isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.shape == other.shape:
        for row, number, right in zip(inputs["rows"].tolist(), one.tolist(), other.tolist()):
            if difference(number, right, 1e-9, 1e-300):
                return f"{inputs['name']}({', '.join(map(repr, row))}) is {number!r}, expected {right!r}"
    return reason


def _arguments(rng: np.random.Generator, name: str, count: int) -> np.ndarray:
    """Rows of arguments: all special numbers, each with each, and others near and far."""
    if count == 2:
        special = [[x, y] for x in SPECIAL for y in SPECIAL]
        tied = np.repeat(rng.normal(0.0, 3.0, (4, 1)), 2, axis=1)
        others: list[Any] = [special, rng.normal(0.0, 3.0, (20, 2)), tied]
        if name == "inv_back":  # squares that are too large for a float
            far = rng.uniform(160.0, 300.0, (8, 1))
            others.append(np.concatenate([10.0**far, rng.uniform(0.5, 4.0, (8, 1))], axis=1))
        return np.concatenate(others)
    near = [rng.normal(0.0, 3.0, 20), rng.uniform(-40.0, 40.0, 10)]
    if name in ("exp", "sigmoid"):
        near += [rng.uniform(-700.0, 709.0, 12), rng.uniform(709.05, 709.78, 6), rng.uniform(709.79, 5000.0, 6)]
    if name == "sigmoid":
        near += [rng.uniform(-690.0, -36.0, 10), rng.uniform(-5000.0, -800.0, 4)]
    if name in ("log", "inv"):
        near += [10.0 ** rng.uniform(-300.0, 300.0, 12)]
    return np.concatenate([np.array(SPECIAL), *near]).reshape(-1, 1)


def _close_pairs(rng: np.random.Generator) -> np.ndarray:
    """Pairs well within, and well beyond, the tolerance of the second argument; some where that of the first differs.
    """
    rows = [[x, y] for x in SPECIAL for y in SPECIAL]
    rows += [[1e-8, 0.0], [-1e-8, 0.0]]  # on the border, and still close
    for factor in (0.2, 0.8, 1.2, 5.0, 1000.0):
        for sign in (-1.0, 1.0):
            for y in [*rng.normal(0.0, 100.0, 2), 0.0]:
                rows.append([y + sign * factor * (1e-8 + 1e-5 * abs(y)), y])
    for y in 10.0 ** rng.uniform(1.0, 6.0, 6) * rng.choice([-1.0, 1.0], 6):
        for outward in (-1.0, 1.0):  # between the tolerances of both: halfway
            step = 1e-8 + 1e-5 * abs(y) * (1.0 + outward * 0.5e-5)
            rows.append([y + outward * math.copysign(step, y), y])
    return np.array(rows)


@sealed("0.1")
def language(rng: np.random.Generator) -> Iterator[Call]:
    yield Call(TEXT_OF, {"file": "terox/foundations/operators.py"}, "the operators, which kernels are compiled from",
               compare=_compiles)


def _compiles(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    return problem(got, list(OPERATORS)) if isinstance(got, str) else "there is no source"


# ---- Task 0.2 ----


def _halves(rng: np.random.Generator, count: int) -> list[float]:
    """Numbers whose sums and products are exact, and of which some are equal."""
    return [float(number) / 2.0 for number in rng.integers(-20, 21, count)]


def _factors(rng: np.random.Generator, count: int) -> list[float]:
    """Different factors, so that arguments cannot change places unseen."""
    return [float(number) for number in rng.choice([-5, -3, -2, 2, 3, 4, 5, 7], count, replace=False)]


@sealed("0.2")
def lists(rng: np.random.Generator) -> Iterator[Call]:
    for kind in ("list", "iterator", "generator", "tuple", "list"):
        several = [_halves(rng, count) for count in (*rng.integers(1, 7, 2).tolist(), 0, int(rng.integers(1, 4)))]
        words = f"{len(several)} calls, each with a {kind}"
        yield Call("mapped", {"lists": several, "factors": _factors(rng, 1), "other": _factors(rng, 1), "kind": kind},
                   f"map: {words}")
        pairs = [[values, _halves(rng, len(values))] for values in several]
        yield Call("zipped", {"pairs": pairs, "factors": _factors(rng, 2), "kind": kind}, f"zip_with: {words}")
        yield Call("reduced", {"lists": several, "factors": _factors(rng, 2), "start": _halves(rng, 1)[0],
                               "kind": kind}, f"reduce: {words}")
        yield Call("built", {"lists": [*several, _halves(rng, 30)], "kind": kind}, f"sum and dot: {words}")


@sealed("0.2")
def different_lengths(rng: np.random.Generator) -> Iterator[Call]:
    for name in ("zip_with", "dot"):
        for kind in ("list", "iterator"):
            one, other = (int(each) for each in rng.choice(np.arange(11, 60), 2, replace=False))
            for sizes in ((one, other), (other, one), (0, one)):
                yield Call("lengths", {"name": name, "one": _halves(rng, sizes[0]), "other": _halves(rng, sizes[1]),
                                       "kind": kind}, f"{name} of {sizes[0]} and {sizes[1]} numbers ({kind})")


# ---- Task 0.3 ----


@sealed("0.3")
def properties(rng: np.random.Generator) -> Iterator[Call]:
    for name in NAMES:
        specimens = specimens_of(name)
        mixed: list[Any] = [*specimens.correct_ones, *specimens.faulty_ones]
        mixed = [mixed[place] for place in rng.permutation(len(mixed))]
        for start in range(0, len(mixed), 4):  # a few at a time, as each is tried a few hundred times
            some = mixed[start:start + 4]
            yield Call("verdicts", {"name": name, "implementations": len(some),
                                    "arguments": list(specimens.signature.parameters)},
                       f"{name} on implementations {start + 1} to {start + len(some)} of {len(mixed)}",
                       expected=["accepted" if each.fault is None else "rejected" for each in some],
                       compare=_verdicts, serves=served(some))


def _verdicts(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    if not isinstance(got, list) or len(got) != len(expected):
        return "there is no verdict for each of them"
    for one, right in zip(got, expected):
        if right == "accepted" and one != "accepted":
            return f"a right one is not accepted ({one})"
        if right == "rejected" and one not in ("rejected", "tripped"):
            return f"a faulty one is not rejected ({one})"
    return ""
