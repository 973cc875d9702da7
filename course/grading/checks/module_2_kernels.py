"""Sealed checks of task 2.3: kernels on memory of every layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks.layouts import room, row_major, shape, strides
from course.grading.sealed import Call, sealed


def _operand(rng: np.random.Generator, sizes: list[int], dtype: str, stretched: float = 0.0, out: bool = False,
             plain: bool = False, numbers: tuple[int, int] = (-9, 10)) -> dict[str, Any]:
    """Sizes in some layout, and memory that is larger than it needs. Numbers are halves, so that sums are exact."""
    steps = row_major(sizes) if plain else strides(rng, sizes, 0.0 if out else stretched)
    offset = 0 if plain else int(rng.integers(0, 5))
    count = 2 * room(sizes, steps, offset) + 3
    memory: np.ndarray
    if out:  # numbers that no kernel would write
        memory = -1_000_001 - np.arange(count)
    elif dtype == "int64":
        memory = rng.integers(numbers[0], numbers[1], count)
    else:
        memory = rng.integers(*numbers, count) / 2.0
    return {"memory": memory.astype(dtype), "sizes": sizes, "strides": steps, "offset": offset}


def _dtypes(rng: np.random.Generator) -> str:
    return str(rng.choice(["float64", "float64", "float32", "int64"]))


@sealed("2.3", beside=("2.2", "2.5"))
def elementwise(rng: np.random.Generator) -> Iterator[Call]:
    for number, count in enumerate((1, 2, 2, 2, 3, 0, 1, 4, 2, 2, 3, 1)):
        sizes = [[], [3], [2, 3], [1, 4], [0, 2]][number] if number < 5 else shape(rng, least=number % 4)
        dtype = "int64" if number == 2 else _dtypes(rng)
        big = (2**53, 2**55) if dtype == "int64" else (-9, 10)
        out = _operand(rng, sizes, dtype, out=True, plain=number in (1, 6, 8))
        ins = [_operand(rng, sizes, dtype, 0.2, plain=number == 6, numbers=big) for _ in range(count)]
        factors: list[Any] = [int(each) for each in rng.choice([-5, -3, -2, 2, 3, 4, 7], count, replace=False)]
        yield Call("kernel", {"name": "elementwise", "out": out, "ins": ins,
                              "options": {"factors": factors, "start": 1}},
                   f"elementwise on {count} operands of sizes {sizes}, {dtype}")


@sealed("2.3")
def reduce(rng: np.random.Generator) -> Iterator[Call]:
    known: list[tuple[list[int], list[int]]] = [([3], [0]), ([2, 3], [1]), ([2, 3], [0]), ([2, 3, 2], [2, 0]), ([], []),
                                                ([2, 3], []), ([2, 0, 3], [1]), ([0, 2], [1]), ([2, 4, 3], [0, 1]),
                                                ([4, 3, 2], [1, 0]), ([3, 4], [0, 1]), ([0], [0])]
    for number in range(len(known) + 8):
        sizes, dims = known[number] if number < len(known) else (shape(rng), [])
        if number >= len(known):
            dims = [int(each) for each in rng.permutation(len(sizes))[:int(rng.integers(0, len(sizes) + 1))]]
        dtype = ["float64", "int64", "float32"][number % 3]
        start: Any = {"float64": 0.5, "int64": int(rng.integers(2**53, 2**56)) * 2 + 1, "float32": 2.0**24}[dtype]
        a = _operand(rng, sizes, dtype, 0.2)
        if dtype == "float32":  # each of them is lost in a sum of 32 bits, and all together are not
            a["memory"] = np.ones_like(a["memory"])
        out_sizes = [1 if dim in dims else size for dim, size in enumerate(sizes)]
        yield _reduce(a, _operand(rng, out_sizes, dtype, out=True), dims, start, 1 if dtype == "float32" else 3)
    for dims in ([0, 1], [1, 0], [0], [1]):
        a = _operand(rng, [4, 4], "float32")
        a["memory"] = np.ones_like(a["memory"])
        out_sizes = [1 if dim in dims else 4 for dim in range(2)]
        yield _reduce(a, _operand(rng, out_sizes, "float32", out=True), dims, 2.0**24, 1)


def _reduce(a: dict[str, Any], out: dict[str, Any], dims: list[int], start: Any, factor: int) -> Call:
    return Call("kernel", {"name": "reduce", "out": out, "ins": [a],
                           "options": {"factors": [factor], "start": start, "dims": dims}},
                f"reduce of sizes {a['sizes']} along {dims}, {a['memory'].dtype}", rtol=0.0, atol=0.0)


@sealed("2.3")
def matmul(rng: np.random.Generator) -> Iterator[Call]:
    known: list[tuple[list[int], int, int, int]] = [
        ([], 2, 3, 4), ([], 3, 2, 2), ([], 1, 1, 1), ([2], 2, 3, 2), ([2, 3], 2, 2, 3), ([], 2, 0, 3), ([2], 2, 0, 2),
        ([], 0, 2, 3), ([], 2, 3, 0), ([0], 2, 3, 2), ([], 4, 5, 3), ([3], 1, 4, 2), ([2, 1, 2], 2, 3, 2)]
    for number, (batch, n, k, m) in enumerate(known):
        dtype = "float64" if number % 3 else ["int64", "float32"][number // 3 % 2]
        big = (2**26, 2**29) if dtype == "int64" else (-9, 10)
        a, b = (_operand(rng, [*batch, *last], dtype, numbers=big) for last in ((n, k), (k, m)))
        if batch and number % 2:  # one of the two was broadcast
            steps = a["strides"] if rng.random() < 0.5 else b["strides"]
            steps[:len(batch)] = [0] * len(batch)
        yield _matmul(a, b, _operand(rng, [*batch, n, m], dtype, out=True))
    a, b = _operand(rng, [3, 3], "float64"), _operand(rng, [3, 3], "float64")
    a["memory"][::2], b["memory"][::3], b["memory"][1::5] = 0.0, np.inf, -np.inf  # 0 times infinity is NaN
    yield _matmul(a, b, _operand(rng, [3, 3], "float64", out=True))
    a, b = _operand(rng, [2, 5], "float32"), _operand(rng, [5, 2], "float32")
    a["memory"], b["memory"] = np.ones_like(a["memory"]), np.ones_like(b["memory"])
    a["memory"][a["offset"]] = a["memory"][a["offset"] + a["strides"][0]] = 2.0**24
    yield _matmul(a, b, _operand(rng, [2, 2], "float32", out=True))
    a, b = (_operand(rng, sizes, "float32", numbers=(4097, 8190)) for sizes in ([2, 3], [3, 2]))
    yield _matmul(a, b, _operand(rng, [2, 2], "float32", out=True))
    yield Call("whole_numbers", {"rows": rng.integers(2**26, 2**30, (3, 4)).tolist(),
                                 "other": rng.integers(2**26, 2**30, (4, 2)).tolist()}, "sums of whole numbers")


def _matmul(a: dict[str, Any], b: dict[str, Any], out: dict[str, Any]) -> Call:
    return Call("kernel", {"name": "matmul", "out": out, "ins": [a, b], "options": {}},
                f"matmul of sizes {a['sizes']} and {b['sizes']}, {a['memory'].dtype}", rtol=0.0, atol=0.0)
