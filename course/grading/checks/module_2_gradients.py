"""Sealed checks of task 2.6: the derivatives of ops on tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from course.grading.checks.layouts import shape, stretched_from
from course.grading.sealed import Call, sealed

Arguments = list[list[Any]]  # [name, value]


def _numbers(rng: np.random.Generator, sizes: list[int], positive: bool = False) -> np.ndarray:
    """Multiples of 1/2 from 1.5 on, in any order: none is near 0, and none is 1. All are different."""
    count = int(np.prod(sizes, dtype=int))
    found = (rng.permutation(np.arange(count)) + 3.0) / 2.0
    if not positive:
        found *= rng.choice([-1.0, 1.0], count)
    return found.reshape(sizes)


def _two(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
    wanted = shape(rng, 3, 12, int(rng.integers(0, 5)) and 1)
    one, other = stretched_from(rng, wanted), stretched_from(rng, wanted)
    out = list(np.broadcast_shapes(tuple(one), tuple(other)))
    return [["self", _numbers(rng, one)], ["other", _numbers(rng, other)]], out


def _one(positive: bool = False, scale: float = 1.0) -> Callable[[np.random.Generator], tuple[Arguments, list[int]]]:
    def make(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
        sizes = shape(rng, 3, 12)
        return [["self", np.asarray(_numbers(rng, sizes, positive) * scale)]], sizes
    return make


def _reduced(rng: np.random.Generator, ties: bool = False) -> tuple[Arguments, list[int]]:
    sizes = [int(each) for each in rng.choice([1, 2, 3, 2, 3], int(rng.integers(1, 4)))]
    dims = [int(each) for each in rng.permutation(len(sizes))[:int(rng.integers(1, len(sizes) + 1))]]
    keepdim = bool(rng.integers(0, 2))
    array = rng.integers(4, 6, sizes).astype(np.float64) if ties else _numbers(rng, sizes)
    out = [1 if dim in dims else size for dim, size in enumerate(sizes) if keepdim or dim not in dims]
    return [["self", array], ["dims", dims], ["keepdim", keepdim]], out


def _product(rng: np.random.Generator, batches: bool) -> tuple[Arguments, list[int]]:
    n, k, m = (int(each) for each in rng.integers(1, 4, 3))
    batch = [int(each) for each in rng.integers(1, 4, int(rng.integers(1, 3)))] if batches else []
    one, other = ([1 if rng.random() < 0.3 else size for size in batch] for _ in range(2))
    out = list(np.broadcast_shapes(tuple(one), tuple(other)))
    return [["self", _numbers(rng, [*one, n, k])], ["other", _numbers(rng, [*other, k, m])]], [*out, n, m]


def _permuted(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
    sizes = [2, 3, 4][:int(rng.integers(2, 4))] if rng.random() < 0.7 else shape(rng, 4, 24)
    dims = [int(each) for each in rng.permutation(len(sizes))]
    return [["self", _numbers(rng, sizes)], ["dims", dims]], [sizes[dim] for dim in dims]


def _expanded(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
    wanted = shape(rng, 4, 24, int(rng.integers(0, 5)) and 1)
    return [["self", _numbers(rng, stretched_from(rng, wanted))], ["shape", wanted]], wanted


def _sliced(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
    sizes = [int(each) for each in rng.integers(1, 4, int(rng.integers(1, 4)))]
    dim, step, start = (int(rng.integers(0, len(sizes))), int(rng.integers(1, 4)), int(rng.integers(0, 3)))
    count = int(rng.choice([1, 2, 3, 2, 3, 0]))
    stop = start + max(count - 1, 0) * step + int(rng.integers(1, step + 1)) if count else start
    sizes[dim] = stop + int(rng.integers(0, 2))
    out = [*sizes[:dim], count, *sizes[dim + 1:]]
    options = [["dim", dim], ["start", start], ["stop", stop], ["step", step]]
    return [["self", _numbers(rng, sizes)], *options], out


def _gathered(rng: np.random.Generator) -> tuple[Arguments, list[int]]:
    sizes = [int(each) for each in rng.integers(1, 4, int(rng.integers(1, 4)))]
    dim = int(rng.integers(0, len(sizes)))
    out = [int(rng.integers(1, 6)) if d == dim else int(rng.integers(1, size + 1)) for d, size in enumerate(sizes)]
    index = rng.integers(0, sizes[dim], out)
    return [["self", _numbers(rng, sizes)], ["dim", dim], ["index", index]], out


CASES: dict[str, Callable[[np.random.Generator], tuple[Arguments, list[int]]]] = {
    "mul": _two, "div": _two, "exp": _one(scale=0.5), "log": _one(positive=True), "relu": _one(), "sum": _reduced,
    "amax": _reduced, "mm": lambda rng: _product(rng, False), "bmm": lambda rng: _product(rng, True),
    "permute": _permuted, "expand": _expanded, "slice": _sliced, "gather": _gathered}
NEEDED = {"mul": ["self", "other"], "div": ["self", "other"], "mm": ["self", "other"], "bmm": ["self", "other"]}


@sealed("2.6")
def sums(rng: np.random.Generator) -> Iterator[Call]:
    cases = [([2, 3], [1, 3]), ([2, 3], [2, 1]), ([2, 3], [1, 1]), ([2, 2], [2]), ([2], []), ([3, 2, 2], [2]), ([], []),
             ([0, 3], [1, 3]), ([2, 0], []), ([2, 3], [2, 3]), ([2, 1, 3], [1, 3]), ([2, 2, 2], [2, 2])]
    for number in range(30):
        wanted = shape(rng, 4, 24)
        sizes = cases[number] if number < len(cases) else (wanted, stretched_from(rng, wanted))
        array = _numbers(rng, sizes[0]).astype(["float64", "float32"][number % 4 == 3])
        yield Call("to_sizes", {"array": array, "sizes": sizes[1], "strided": bool(number % 2)},
                   f"sum_to of {sizes[0]} to {sizes[1]}")


@sealed("2.6")
def single_formulas(rng: np.random.Generator) -> Iterator[Call]:
    for op, make in CASES.items():
        for number in range(7):
            arguments, out = _reduced(rng, ties=number % 2 == 0) if op == "amax" else make(rng)
            grad = _numbers(rng, out)
            if op == "relu":
                array = arguments[0][1]
                array.reshape(-1)[: number % 3] = 0.0
                if number == 1 and array.size:
                    array.reshape(-1)[-1], grad.reshape(-1)[-1] = -2.0, np.inf
            yield Call("formulas", {"op": op, "arguments": arguments, "grad": grad, "strided": number % 2 == 1},
                       f"the formulas of {op} on {_shapes(arguments)}", rtol=1e-9)


def _shapes(arguments: Arguments) -> str:
    return ", ".join(f"{name} {list(value.shape) if isinstance(value, np.ndarray) else value}"
                     for name, value in arguments)


@sealed("2.6")
def in_the_graph(rng: np.random.Generator) -> Iterator[Call]:
    for op, make in CASES.items():
        for number in range(5):
            arguments, out = make(rng)
            needed = NEEDED.get(op, ["self"])
            grad = _numbers(rng, out)
            rtol = 1e-9
            if number >= 3:  # in 32 bits; where there are two operands, perhaps only one of them
                rtol, grad = 1e-4, grad.astype(np.float32)
                for place, entry in enumerate(arguments):
                    if isinstance(entry[1], np.ndarray) and entry[0] != "index" and (number == 3 or place == 0 or
                                                                                     op not in ("mul", "div")):
                        entry[1] = entry[1].astype(np.float32)
            if number in (1, 2) and len(needed) == 2:
                needed = [needed[number - 1]]
                if op in ("mul", "div") and number == 1:
                    arguments[1][1], grad = 2.5, _numbers(rng, list(arguments[0][1].shape))
            yield Call("through_graph", {"op": op, "arguments": arguments, "grad": grad, "strided": number % 2 == 0,
                                         "needed": needed}, f"gradients through {op} on {_shapes(arguments)}",
                       rtol=rtol, atol=rtol)
    for strided in (False, True):
        yield Call("expressions", {"array": _numbers(rng, [3, 3], positive=True) / 4.0, "grad": _numbers(rng, [3, 3]),
                                   "strided": strided}, "gradients where a matrix occurs more than once", rtol=1e-8)


@sealed("2.6")
def derivatives_of_derivatives(rng: np.random.Generator) -> Iterator[Call]:
    for op, make in CASES.items():
        for number in range(3):
            arguments, out = make(rng)
            for entry in arguments:
                if isinstance(entry[1], np.ndarray) and entry[0] != "index":
                    entry[1] = np.asarray(entry[1] / 4.0)
            needed = NEEDED.get(op, ["self"])
            weights = [_numbers(rng, list(value.shape)) for name, value in arguments if name in needed]
            yield Call("recorded", {"op": op, "arguments": arguments, "grad": np.asarray(_numbers(rng, out) / 4.0),
                                    "weights": weights, "needed": needed, "strided": number % 2 == 1},
                       f"derivatives of the derivatives of {op} on {_shapes(arguments)}", rtol=1e-8)
