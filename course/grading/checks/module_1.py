"""Sealed checks of module 1. Those of tasks 1.4 and 1.5: module_1_graphs.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks import module_1_graphs  # noqa: F401 - its checks register
from course.grading.sealed import Call, sealed

# ---- Task 1.1 ----


@sealed("1.1")
def slopes(rng: np.random.Generator) -> Iterator[Call]:
    for count in (1, 1, 2, 2, 3, 4):
        powers = [[float(each) for each in rng.integers(-6, 7, 3)] for _ in range(count)]
        powers = [[a, b, c or 2.0] for a, b, c in powers]  # a cube shows how far the points were moved
        values = [float(each) for each in rng.integers(-8, 9, count)]
        arg = int(rng.integers(0, count))
        options = {"arg": arg, "epsilon": 2.0 ** -float(rng.integers(0, 6))}
        yield Call("slope", {"powers": powers, "mixed": float(rng.integers(1, 5)), "values": values,
                             "options": options}, f"the derivative of a polynomial for argument {arg} of {count}")
    powers = [[0.0, 0.0, float(rng.integers(1, 5))], [float(rng.integers(5, 9)), 0.0, 0.0]]
    yield Call("slope", {"powers": powers, "mixed": 0.0, "values": [0.0, 0.0], "options": {}},
               "the derivative with the epsilon and the argument that are taken unless given", atol=0.0)


# ---- Tasks 1.2 and 1.3 ----

ONE, TWO = ["Exp", "Log", "Relu", "Sigmoid"], ["Add", "Mul", "Div"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]
EXPONENTS: list[Any] = [0, 1, 2, 3, -1, -2, 4, 0.0, 2.0, 0.5, 1.5, -0.5, -3.0]


def _floats(rng: np.random.Generator, count: int, scale: float = 3.0) -> list[float]:
    return [float(each) for each in rng.normal(0.0, scale, count)]


def _exponent(rng: np.random.Generator) -> Any:
    return EXPONENTS[int(rng.integers(0, len(EXPONENTS)))]


@sealed("1.2")
def forwards(rng: np.random.Generator) -> Iterator[Call]:
    for name in ONE:
        rows = [[x] for x in (*SPECIAL, 1000.0, -1000.0, float(rng.uniform(-600.0, -40.0)))]
        yield _forward(name, rows, [[x] for x in _floats(rng, 15)])
    for name in TWO:
        pairs = [[x, y] for x in SPECIAL for y in SPECIAL]
        yield _forward(name, pairs, [[x, y] for x, y in zip(_floats(rng, 15), _floats(rng, 15))])
    rows = [[x, n] for x in (*SPECIAL, 1e200, -8.0) for n in (*EXPONENTS, 1.0 / 3.0)]
    usual: list[list[Any]] = [[x, _exponent(rng)] for x in _floats(rng, 20)]
    yield _forward("Pow", rows, [*usual, [1.75, float(rng.uniform(1.1, 4.0))]])


def _forward(name: str, special: list[list[Any]], usual: list[list[Any]]) -> Call:
    rows = special + usual
    return Call("forwards", {"name": name, "rows": rows, "usual": len(usual)}, f"{name}.forward of {len(rows)} rows",
                rtol=1e-10, atol=0.0)


@sealed("1.3", beside=("1.5",))
def backwards(rng: np.random.Generator) -> Iterator[Call]:
    for name in (*ONE, *TWO, "Pow"):
        rows = _rows(rng, name)
        if name == "Relu":
            rows += [[0.0], [-0.0], [5e-324], [-5e-324]]
        if name == "Div":
            rows += [[3.0, 0.0], [-2.0, 0.0]]
        if name == "Log":
            rows.append([0.0])
        if name == "Exp":
            rows += [[1000.0], [-1000.0]]
        if name == "Sigmoid":
            rows += [[1000.0], [-1000.0], [float(rng.uniform(-300.0, -50.0))]]
        if name == "Pow":
            rows += [[x, n] for x in (0.0, 2.0, -2.0) for n in (0, 1, 2, 3, 0.0, 1.0)]
            rows += [[0.0, 0.5], [0.0, -1]]
        yield Call("backwards", {"name": name, "rows": rows, "upstream": _upstream(rng, len(rows))},
                   f"{name}.backward after {len(rows)} calls of forward", rtol=1e-8, atol=1e-12)


@sealed("1.3")
def recorded(rng: np.random.Generator) -> Iterator[Call]:
    for name in (*ONE, *TWO, "Pow"):
        rows = _rows(rng, name)
        yield Call("seconds", {"name": name, "rows": rows, "upstream": _upstream(rng, len(rows)),
                               "weights": [float(each) for each in rng.uniform(0.5, 2.0, 2)]},
                   f"derivatives of the derivatives of {name}", rtol=1e-7)


def _rows(rng: np.random.Generator, name: str) -> list[list[Any]]:
    """Arguments at which the derivatives are of usual size."""
    away = [float(each) for each in rng.uniform(0.4, 3.0, (16,)) * rng.choice([-1.0, 1.0], 16)]
    if name in TWO:
        return [[x, y] for x, y in zip(away[:8], away[8:])]
    if name == "Pow":
        return [[abs(x) if n != int(n) else x, n] for x in away[:12] for n in (_exponent(rng),)]
    return [[abs(x) if name == "Log" else x] for x in away[:8]]


def _upstream(rng: np.random.Generator, count: int) -> list[float]:
    return [float(each) for each in rng.uniform(1.5, 6.0, count) * rng.choice([-1.0, 1.0], count)]


# ---- Task 1.6 ----


def _batch(rng: np.random.Generator, count: int) -> list[list[float]]:
    return [[float(x), float(target)] for x, target in rng.integers(-4, 5, (count, 2)) / 2.0]


@sealed("1.6")
def steps(rng: np.random.Generator) -> Iterator[Call]:
    for momentum, stale in ((0.0, None), (0.0, 50.0), (0.5, None), (0.25, -7.0)):
        batches = [_batch(rng, int(count)) for count in (*rng.integers(2, 6, 3), 1)]
        yield Call("trained", {"w": float(rng.uniform(-2.0, 2.0)), "b": float(rng.uniform(0.5, 2.0)),
                               "batches": batches, "lr": float(rng.uniform(0.02, 0.1)), "momentum": momentum,
                               "stale": stale}, f"{len(batches)} steps of training a line")
    inputs = [_floats(rng, 2, 1.0) for _ in range(6)]
    yield Call("network", {"sizes": [2, 4, 1], "seed": int(rng.integers(0, 10_000)), "inputs": inputs,
                           "targets": [int(each) for each in rng.integers(0, 2, 6)], "lr": 0.3, "steps": 5},
               "5 steps of training a network")


@sealed("1.6")
def accuracies(rng: np.random.Generator) -> Iterator[Call]:
    for training in (True, False, True):
        bias = float(rng.choice([-0.25, 0.5, 0.0]))
        # In eval mode the model adds twice its bias. Some logits are 0, and some lie just on one side of it.
        logits = [float(each) - 2.0 * bias for each in
                  (0.0, 0.0, *rng.uniform(0.05, 0.45, 4), *rng.uniform(-0.2, -0.05, 2), *rng.normal(0.0, 2.0, 5))]
        targets = [0, 0, 1, 1, 1, 1, *(int(each) for each in rng.integers(0, 2, 7))]
        order = [int(place) for place in rng.permutation(len(logits))]
        yield Call("evaluated", {"logits": [logits[place] for place in order],
                                 "targets": [targets[place] for place in order], "bias": bias, "training": training},
                   f"the accuracy on {len(logits)} inputs, of a model in {'training' if training else 'eval'} mode")
