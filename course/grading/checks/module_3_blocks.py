"""Sealed checks of tasks 3.4, 3.5 and 3.6."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks.drawing import at_most, contiguous, places_of, room, sizes_of, strides_of
from course.grading.sealed import Call, sealed

NOWHERE = -987654321  # in out, wherever nothing is to be written


# ---- 3.4 ----


@sealed("3.4")
def kernels(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(14):
        depth = (4, 8, 12, 0)[number % 4]
        rows, columns = int(rng.choice([2, 4, 6])), int(rng.integers(1, 6))
        used, i = int(rng.integers(1, columns + 1)), int(rng.integers(0, rows - 1))
        deep = (depth or 4) + int(rng.choice([0, 4]))
        dtype = "int64" if number % 3 == 2 else "float64"
        nothing: float = -(2**40) if dtype == "int64" else math.nan
        left, right = np.full((rows, deep), nothing, dtype), np.full((deep, columns), nothing, dtype)
        big = 2**55 if dtype == "int64" else 9
        left[i: i + 2, :depth] = rng.integers(-big, big, (2, depth))
        right[:depth, :used] = rng.integers(-9, 10, (depth, used))
        if number in (4, 9):  # 0 times infinity is NaN: no product may be left out
            special = [0.0, 1.0, -2.0, math.inf, -math.inf, math.nan]
            left[i: i + 2, :depth] = rng.choice(special[:3], (2, depth))
            right[:depth, :used] = rng.choice(special, (depth, used), p=[0.2, 0.5, 0.1, 0.1, 0.05, 0.05])
            left[i: i + 2, :1], right[:1, :1] = 0.0, math.inf
        if number in (5, 10):  # nor where all four factors of a step are 0
            left[i: i + 2, :4], right[:1, :used] = 0.0, math.inf if dtype == "float64" else 3
        if number == 13:
            left[i, :depth], right[:depth, :used] = rng.choice([math.inf, 1.0]), 0.0
        yield Call("micro_kernel", {"tile": rng.integers(-99, 99, (rows, columns)).astype(dtype), "left": left,
                                    "right": right, "i": i, "depth": depth, "columns": used},
                   f"micro_kernel, {dtype}, i {i}, depth {depth}, {used} of {columns} columns", rtol=1e-13, atol=0.0)
    yield Call("micro_kernel_fetches", {"depth": 16, "columns": 5}, "what the micro-kernel fetches again",
               compare=at_most(touched=("tile read", "tile written"), **{
                   "down a column": 8, "come back to": 1, "tile read": 8, "tile written": 8}))


def _product(rng: np.random.Generator, n: int, m: int, k: int, batch: list[int], blocks: list[int], dtype: str,
             plain: bool) -> tuple[dict[str, Any], list[list[int]], int]:
    """Inputs of matmul_range, the shapes, and how many units there are."""
    shapes = [[*batch, n, m], [*batch, n, k], [*batch, k, m]]
    own = [contiguous(shape) if plain else strides_of(rng, [max(size, 1) for size in shape], stretched=number > 0)
           for number, shape in enumerate(shapes)]
    strides = [[*own[0], 0], [*own[1][:-1], 0, own[1][-1]], [*own[2][:-2], 0, own[2][-1], own[2][-2]]]
    memories = []
    for number, (shape, steps) in enumerate(zip(shapes, own)):
        nothing = NOWHERE if dtype == "int64" or number == 0 else math.nan
        memory = np.full(room(shape, steps), nothing, dtype)
        if number:
            at = np.unique(places_of(shape, steps))
            memory[at] = rng.integers(-99, 100, len(at))
        memories.append(memory)
    units = math.prod(batch) * -(-n // blocks[0]) * -(-m // blocks[1])
    inputs = {"blocks": blocks, "out": memories[0], "a": memories[1], "b": memories[2], "sizes": [*batch, n, m, k],
              "strides": strides}
    return inputs, own, units


def _cut(count: int, grain: int) -> list[list[int]]:
    return [[begin, min(begin + grain, count)] for begin in range(0, count, grain)]


@sealed("3.4")
def products(rng: np.random.Generator) -> Iterator[Call]:
    fixed: list[tuple[int, int, int, list[int], list[int]]] = [
        (2, 2, 22, [], [2, 2, 8]), (4, 6, 4, [], [2, 2, 4]), (3, 5, 4, [2], [2, 2, 4]), (5, 5, 11, [], [4, 3, 8]),
        (1, 1, 1, [], [2, 2, 4]), (2, 3, 4, [3, 2], [2, 2, 4]), (3, 3, 0, [2], [2, 2, 4]), (7, 2, 9, [], [4, 1, 8]),
        (6, 4, 8, [], [6, 2, 4]), (3, 7, 5, [], [2, 3, 4]), (5, 3, 2, [2, 2], [4, 2, 4])]
    for number, (n, m, k, batch, blocks) in enumerate(fixed * 2):
        dtype = "int64" if number % 5 == 3 else "float64"
        inputs, own, count = _product(rng, n, m, k, batch, blocks, dtype, plain=number < 3)
        if number % 5 == 4 and not k == 0:  # digits that 32 bits do not hold, and 64 do in all sums
            inputs["a"] = np.where(np.isnan(inputs["a"]), inputs["a"], inputs["a"] + 2.0**38)
        if number % 5 == 3:
            inputs["a"] = inputs["a"] + 2**55
        grain = int(rng.integers(1, count + 1))
        yield Call("matmul_range", {**inputs, "chunks": _cut(count, grain),
                                    "written": places_of([*batch, n, m], own[0]).ravel().tolist()},
                   f"matmul_range, {dtype}, sizes {inputs['sizes']}, blocks {blocks}, {grain} units at a time",
                   rtol=0.0, atol=0.0)
    for number in range(10):
        n, m, batch = int(rng.integers(3, 7)), int(rng.integers(3, 7)), [[], [2], [2, 2], [2, 3]][number % 4]
        inputs, _, count = _product(rng, n, m, 5, batch, [2, 2, 4], "float64", plain=False)
        begin = int(rng.integers(0, count))
        end = int(rng.integers(begin + 1, min(begin + 3, count) + 1))
        yield Call("matmul_part", {**inputs, "begin": begin, "end": end},
                   f"matmul_range({begin}, {end}), sizes {inputs['sizes']}", rtol=0.0, atol=0.0)


@sealed("3.4")
def numbers(rng: np.random.Generator) -> Iterator[Call]:
    for n, m, k in ((1, 1, 5), (2, 1, 6), (1, 2, 7), (3, 3, 9)):
        for holder in "ab":
            inputs, own, count = _product(rng, n, m, k, [], [2, 2, 4], "float64", plain=True)
            inputs["a"], inputs["b"] = np.ones(n * k), np.ones(k * m)
            if holder == "a":  # infinities in the first piece alone: what it leaves behind plays no part
                inputs["a"].reshape(n, k)[:, :4] = math.inf
            else:
                inputs["b"].reshape(k, m)[:4] = -math.inf
            yield Call("matmul_range", {**inputs, "chunks": [[0, count]],
                                        "written": places_of([n, m], own[0]).ravel().tolist()},
                       f"matmul_range with infinities in {holder}, sizes {[n, m, k]}", rtol=0.0, atol=0.0)
    for _ in range(3):
        inputs, own, count = _product(rng, 3, 3, 10, [], [2, 2, 4], "float32", plain=True)
        a, b = (rng.uniform(-1, 1, 30).astype("float32") for _ in range(2))
        yield Call("matmul_range", {**inputs, "a": a, "b": b, "chunks": _cut(count, 2),
                                    "written": list(range(9))}, "matmul_range of float32", rtol=0.0, atol=4e-6)
    for blocks, n, m, k in (([4, 3, 8], 8, 9, 20), ([2, 3, 4], 5, 7, 9)):
        yield Call("matmul_fetches", {"blocks": blocks, "n": n, "m": m, "k": k},
                   "what matmul_range fetches again",
                   compare=at_most(touched=("a", "b", "out"), a=-(-m // blocks[1]), b=-(-n // blocks[0]), out=1))


# ---- 3.5 ----


def _eps(dtype: str) -> float:
    return float(np.finfo(dtype).eps)


@sealed("3.5")
def softmax_rows(rng: np.random.Generator) -> Iterator[Call]:
    fixed = [[0.5, 1.0, -1.5], [2.0], [-0.5, -1.0, -0.25], [2000.0, -2000.0, 1999.0], [-2000.0, 1.0, 2000.0],
             [-901.0, 900.0, 899.0], [1.0, -math.inf], [-math.inf, 1.0, 2.0], [1.0, math.nan, 2.0], [math.nan, 1.0],
             [1.0, 2.0, math.nan], [math.inf, 1.0], [-math.inf, -math.inf], [1.0, 3.0, math.inf],
             [0.0, 2000.0, 1.0], [1.0, 900.0, 2.0, -3.0]]
    for _ in range(8):
        offset = float(rng.choice([0.0, 1000.0, -1000.0, 30000.0]))
        fixed.append((offset + rng.uniform(-4, 4, rng.integers(4, 12))).tolist())
    for number, row in enumerate(fixed):
        dtype = ("float64", "float32")[number % 2]
        for in_place in (False, True):
            source = np.array(row, dtype)
            finite = source[np.isfinite(source)]
            spread = float(np.ptp(finite)) if len(finite) else 0.0
            rtol = _eps(dtype) * (8 + 2 * len(row) + 2 * min(spread, 750.0))
            yield Call("softmax_row", {"target": np.full(len(row), -7.0, dtype), "source": source,
                                       "in_place": in_place}, f"softmax_row of {len(row)} {dtype} numbers",
                       compare=at_most(rtol, 4 * float(np.finfo(dtype).smallest_normal), ("passes",), passes=2
                                       if len(row) >= 4 else 99))
    yield Call("softmax_exp", {"n": 5}, "exp of vector_math.py", True)


@sealed("3.5")
def softmax_back_rows(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(9):
        n, dtype = int(rng.integers(1, 10)) if number else 6, ("float64", "float32")[number % 2]
        x = np.exp(rng.uniform(-3, 3, n))
        grad = rng.uniform(-4, 4, n).astype(dtype)
        for in_place in ("", "grad", "y"):
            yield Call("softmax_back_row", {"target": np.full(n, -7.0, dtype), "grad": grad,
                                            "y": (x / x.sum()).astype(dtype), "in_place": in_place},
                       f"softmax_back_row of {n} {dtype} numbers", compare=at_most(
                           0.0, 12 * _eps(dtype) * (4 + n), ("passes",), passes=2 if n >= 4 else 99))


LAYOUTS: list[tuple[list[int], list[list[int]]]] = [
    ([3], [[2], [3], [1]]), ([2, 3], [[3, 1], [4, 1], [5, 1]]), ([3, 2], [[1, 3], [2, 1], [2, 1]]),
    ([3, 2], [[2, 1], [1, 3], [1, 3]]), ([2, 2, 3], [[3, 6, 1], [6, 3, 1], [6, 3, 1]]),
    ([2, 3, 2], [[12, 4, 2], [0, 2, 1], [6, 2, 1]]), ([2, 3], [[3, 1], [3, 0], [3, 1]]),
    ([2, 3], [[3, 1], [0, 0], [3, 1]]),
    ([4, 2], [[2, 1], [4, 2], [5, 2]]), ([3, 3], [[3, 1], [1, 3], [3, 1]]), ([5, 2], [[2, 1]] * 3)]


def _within(rng: np.random.Generator, count: int, low: float, high: float, dtype: str) -> np.ndarray:
    return rng.uniform(low, high, count).astype(dtype)


@sealed("3.5")
def softmax_ranges(rng: np.random.Generator) -> Iterator[Call]:
    cases = list(LAYOUTS)
    for _ in range(6):
        sizes = sizes_of(rng, 1, 3, 30)
        cases.append((sizes, [strides_of(rng, sizes, False), strides_of(rng, sizes), strides_of(rng, sizes)]))
    for number, (sizes, strides) in enumerate(cases):
        dtype, count = ("float64", "float32")[number % 2], math.prod(sizes[:-1])
        order, same = ("forward", "reversed", "shuffled")[number % 3], str(rng.choice(["grad", "y"]))
        rooms = [room(sizes, each) + 2 for each in strides]
        common = {"count": count, "grain": int(rng.integers(1, count + 1)), "order": order, "sizes": sizes,
                  "out": np.full(rooms[0], -7.0, dtype)}
        rtol, atol = _eps(dtype) * (24 + 2 * sizes[-1]), 20 * _eps(dtype) * (4 + sizes[-1])
        says = f"sizes {sizes}, strides {strides}, {dtype}"
        for in_place in (False, True):
            a = _within(rng, rooms[0 if in_place else 1], -2, 2, dtype)
            yield Call("softmax_range", {**common, "a": a, "strides": [strides[0]] * 2 if in_place else strides[:2],
                                         "in_place": in_place},
                       f"softmax_range{' in place' if in_place else ''}, {says}", rtol=rtol, atol=0.0)
            grad = _within(rng, rooms[0 if in_place else 1], -1, 2, dtype)
            y = _within(rng, rooms[0 if in_place else 2], 0.1, 0.9, dtype)
            yield Call("softmax_back_range", {**common, "grad": grad, "y": y,
                                              "strides": [strides[0]] * 3 if in_place else strides,
                                              "in_place": same if in_place else ""},
                       f"softmax_back_range{f', out being {same}' if in_place else ''}, {says}", rtol=0.0, atol=atol)


@sealed("3.5")
def z_compiled(rng: np.random.Generator) -> Iterator[Call]:
    """As machine code: a long row, whose sum 32 bits cannot hold; every second number is another row's."""
    n, number = 2**20 + 3, float(rng.uniform(0.2, 0.4))
    a = np.full(n, -number, "float32")
    a[5] = 0.0
    eps, out = _eps("float32"), np.full(8, -7.0, "float32")
    sizes, strides = [4, 2], [[1, 4], [2, 1], [1, 4]]
    yield Call("softmax_compiled", {"backward": False, "cuts": [0, 1, 4], "out": out, "sizes": sizes,
                                    "operands": [rng.uniform(-2, 2, 8).astype("float32")], "strides": strides[:2]},
               "softmax_range, compiled", rtol=24 * eps, atol=0.0)
    yield Call("softmax_compiled", {"backward": False, "cuts": [0, 1], "out": np.zeros(n, "float32"), "operands": [a],
                                    "sizes": [n], "strides": [[1], [1]]}, "a long row, compiled", rtol=20 * eps,
               atol=0.0)
    grad, y = np.full(n, 0.7, "float32"), np.full(n, 1.0 / n, "float32")
    yield Call("softmax_compiled", {"backward": True, "cuts": [0, 1], "out": np.zeros(n, "float32"),
                                    "operands": [grad, y], "sizes": [n], "strides": [[1], [1], [1]]},
               "the gradient of a long row, compiled", rtol=0.0, atol=16 * eps * 0.7 / n)


# ---- 3.6 ----


def _cost(rng: np.random.Generator) -> dict[str, int]:
    return {"flop": int(2 ** rng.integers(0, 12)) * int(rng.integers(1, 50)),
            "bytes": int(2 ** rng.integers(0, 12)) * int(rng.integers(1, 50))}


def _asked(function: str, *arguments: Any, **options: Any) -> Call:
    given = ", ".join([*map(str, arguments), *(f"{name}={value}" for name, value in options.items())])
    return Call("roofline", {"function": function, "arguments": list(arguments), "options": options},
                f"{function}({given})", rtol=1e-9, atol=0.0)


@sealed("3.6")
def costs(rng: np.random.Generator) -> Iterator[Call]:
    for _ in range(6):
        n, m, k, size, flop = (int(each) for each in rng.integers(2, 9, 5))
        yield _asked("elementwise_cost", [n, m], [n, m], [m])
        yield _asked("elementwise_cost", [n, m], [n, 1], [m], [1, 1], flop=flop, itemsize=size)
        yield _asked("elementwise_cost", [n, m, k])
        yield _asked("matmul_cost", n, m + 9, k + 20)
        yield _asked("matmul_cost", n, m, k, itemsize=size)
        for fused in (True, False):
            yield _asked("softmax_cost", n, m + 9, fused)
            yield _asked("softmax_cost", n + 9, m, fused, itemsize=size)
    for bad in (0, -int(rng.integers(1, 9))):
        yield _asked("elementwise_cost", [4, bad], [4])
        yield _asked("elementwise_cost", [4, 3], [bad])
        for option in ({"flop": bad}, {"itemsize": bad}):
            yield _asked("elementwise_cost", [3], [3], **option)
        for sizes in ((bad, 3, 4), (2, bad, 4), (2, 3, bad)):
            yield _asked("matmul_cost", *sizes)
        yield _asked("matmul_cost", 2, 3, 4, itemsize=bad)
        for fused in (True, False):
            yield _asked("softmax_cost", bad, 3, fused)
            yield _asked("softmax_cost", 2, bad, fused)
            yield _asked("softmax_cost", 2, 3, fused, itemsize=bad)


@sealed("3.6")
def roofs(rng: np.random.Generator) -> Iterator[Call]:
    for _ in range(12):
        cost, bandwidth, peak = _cost(rng), float(rng.uniform(1, 100)), float(rng.uniform(1, 1000))
        seconds = float(rng.uniform(1e-9, 1e-6))
        yield _asked("intensity", cost)
        yield _asked("attainable", float(rng.uniform(0.01, 100)), bandwidth, peak)
        yield _asked("ridge_point", bandwidth, peak)
        yield _asked("bound_by", cost, bandwidth, peak)
        yield _asked("fraction_of_roof", cost, seconds, bandwidth, peak)
    for cost in ({"flop": 64, "bytes": 16}, {"flop": 1, "bytes": 8}, {"flop": 80, "bytes": 2}):
        yield _asked("bound_by", cost, 16.0, 64.0)  # the first is right at the ridge
        yield _asked("bound_by", cost, 4.0, 1.0)
        yield _asked("attainable", cost["flop"] / cost["bytes"], 16.0, 64.0)
        yield _asked("fraction_of_roof", cost, 1e-12, 16.0, 64.0)
    for bad in (0, 0.0, -float(rng.uniform(0.1, 2))):
        for values in ((bad, 2.0, 3.0), (1.0, bad, 3.0), (1.0, 2.0, bad), (100.0, bad, 3.0)):
            yield _asked("attainable", *values)
            yield _asked("fraction_of_roof", {"flop": 4, "bytes": 8}, *values)
        for pair in ((bad, 3.0), (2.0, bad)):
            yield _asked("ridge_point", *pair)
            yield _asked("bound_by", {"flop": 4, "bytes": 8}, *pair)
