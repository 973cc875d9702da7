"""Sealed checks of tasks 4.4 and 4.5."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks.drawing import at_most, contiguous, places_of, room, strides_of
from course.grading.compare import difference
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

NOWHERE = -987654  # in out, wherever nothing is to be written


# ---- 4.4 ----


def _product(rng: np.random.Generator, sizes: tuple[int, int, int], batch: list[int], tile: int, kind: str = "float64",
             plain: bool = True, special: float = math.nan, values: Any = None) -> Call:
    """special: what stands between and behind the elements of a and b, where there is room."""
    n, m, k = sizes
    shapes = [[*batch, n, m], [*batch, n, k], [*batch, k, m]]
    if plain:
        own = [contiguous(shape) for shape in shapes]
    else:  # gaps, any order; a and b may be the same in all products
        own = [strides_of(rng, [max(size, 1) for size in shape], stretched=False) for shape in shapes]
        for number in (1, 2):
            if rng.random() < 0.4:
                own[number][0] = 0
    memories = []
    for number, (shape, strides) in enumerate(zip(shapes, own)):
        memory = np.full(room(shape, strides), NOWHERE, kind)
        if number:
            memory = np.full(room(shape, strides) + 2 * (k + m), special if kind != "int64" else NOWHERE, kind)
            where = np.unique(places_of(shape, strides))
            memory[where] = rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5], len(where)) if values is None else \
                values(number, len(where))
        memories.append(memory)
    grid = [-(-m // tile), -(-n // tile), math.prod(batch)]
    coalesced = plain and n % tile == m % tile == k % tile == 0
    # A stride of 0 along the batch is the same number again and again.
    layers = math.prod(batch)
    limits = {"reads of a": grid[0] * layers, "reads of b": grid[1] * layers,
              "far apart": tile - 1 if coalesced else 1 << 40}
    if layers == 1 or plain:
        limits |= {"reads of a": grid[0], "reads of b": grid[1]}
    return Call("matmul_kernel", {
        "kind": kind, "tile": tile, "grid": grid, "out": memories[0], "a": memories[1], "b": memories[2],
        "sizes": [n, m, k], "strides": [each[-2:] for each in own], "batch": batch,
        "batch_strides": [each[:-2] for each in own], "written": places_of(shapes[0], own[0]).ravel().tolist(),
        "read": [np.unique(places_of(shape, strides)) if n * m * k else np.zeros(0, np.int64)
                 for shape, strides in zip(shapes[1:], own[1:])]},
        f"matmul_kernel, {kind}, batch {batch}, n {n}, m {m}, k {k}, tiles of {tile}", compare=at_most(
            0, 0, ("reads of a", "reads of b"), **limits))


@sealed("4.4")
def products(rng: np.random.Generator) -> Iterator[Call]:
    for tile in (2, 3):
        for sizes in ((tile, tile, tile), (tile, tile, 3 * tile), (tile, tile, tile + 1), (tile - 1, tile, tile),
                      (tile, tile - 1, tile), (2 * tile, tile, tile), (tile, 2 * tile, tile - 1),
                      (2 * tile + 1, tile + 1, 2 * tile + 1), (tile, tile, 0), (1, 1, 1), (1, 2 * tile + 1, 2),
                      (2 * tile, 2 * tile, 2 * tile)):
            yield _product(rng, sizes, [1], tile)
    for number in range(10):
        tile = (2, 3, 4)[number % 3]
        n, m, k = (int(each) for each in rng.integers(1, 2 * tile + 2, 3))
        yield _product(rng, (n, m, k), [[1], [2], [2, 2], [3]][number % 4], tile, plain=False)
    yield _product(rng, (17, 16, 18), [1], 16)
    yield _product(rng, (2, 2, 1), [1], 17)


@sealed("4.4")
def numbers(rng: np.random.Generator) -> Iterator[Call]:
    for special in (math.inf, math.nan):
        for sizes in ((3, 3, 3), (1, 1, 1), (2, 2, 3), (3, 1, 2)):
            yield _product(rng, sizes, [1], 2, special=special)

        def values(number: int, count: int, special: float = special) -> np.ndarray:
            drawn = rng.choice([0.0, 1.0, -2.0, 3.0], count)
            drawn[rng.integers(count)] = special
            return drawn

        yield _product(rng, (3, 3, 5), [1], 2, values=values)
        yield _product(rng, (2, 2, 3), [2], 2, "float32", values=values)
    for sizes in ((2, 2, 4), (1, 2, 3)):
        yield _product(rng, sizes, [1], 2, "int64", values=lambda number, count:
                       2 ** (37 - 6 * number) + 2 * rng.integers(0, 99, count) + 1)
        yield _product(rng, sizes, [1], 2, "float64", values=lambda number, count:
                       2.0**22 + rng.integers(0, 99, count))


# ---- 4.5 ----


def _part(row: list[float]) -> list[float]:
    """(top, total) of some finite elements, by definition."""
    if not row:
        return [-math.inf, 0.0]
    return [max(row), math.fsum(math.exp(x - max(row)) for x in row)]


def _joined(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """Where all is -inf, any finite total; NaN may be in either number; +inf makes the total NaN."""
    if type(got) is not list or [type(each) for each in got] != [float, float]:
        return f"{got!r} is no pair"
    tops = [top for top, _ in inputs["parts"]]
    if any(map(math.isnan, tops)):
        return "" if any(map(math.isnan, got)) else f"NaN got lost: {got}"
    if max(tops) == -math.inf:
        return "" if got[0] == -math.inf and math.isfinite(got[1]) else f"{got}, expected -inf and a finite total"
    return difference(got, expected, 4e-12, 1e-300)


@sealed("4.5")
def joins(rng: np.random.Generator) -> Iterator[Call]:
    inf, nan, empty = math.inf, math.nan, [-math.inf, 0.0]
    cases = [[empty, [2.0, 1.5]], [[2.0, 1.5], empty], [empty, empty], [[-inf, 1.0], [1.0, 1.0]],
             [[1.0, 1.0], [-inf, 1.0]], [[-inf, 1.0], [-inf, 2.0]], [[nan, 1.0], [1.0, 1.0]], [[1.0, 1.0], [nan, 1.0]],
             [[nan, 1.0], empty], [empty, [nan, 1.0]], [[inf, 1.0], [1.0, 1.0]], [[1.0, 1.0], [inf, 1.0]],
             [[inf, 1.0], [inf, 1.0]], [empty, [inf, 1.0]], [[2000.0, 1.0], [-2000.0, 1.0]],
             [[-2000.0, 1.0], [2000.0, 3.0]], [[nan, 1.0], [-inf, 1.0], [3.0, 1.0]], [[3.0, 2.0], [3.0, 4.0]],
             [[inf, 1.0], [nan, 1.0]], [[nan, 1.0], [inf, 1.0]]]
    for _ in range(10):
        offset = float(rng.choice([0, 1000, -1000, 30000]))
        cases.append([_part((offset + rng.uniform(-4, 4, rng.integers(1, 4))).tolist()) for _ in range(2)])
    for _ in range(3):
        cases.append([empty, *([x, 1.0] for x in rng.uniform(-4, 4, 5).tolist())])
    for parts in cases:
        yield Call("join", {"parts": parts}, f"join of {parts}", compare=_joined)


def _in_a_block(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    found, right = got["out"], expected["out"]
    rest = {**got, "out": 0}, {**expected, "out": 0}
    wrong = difference(rest[0], rest[1], 0.0, 0.0)
    if wrong:
        return wrong
    if found.shape != right.shape or found.dtype != right.dtype:
        return "an array of another shape or kind"
    empty = right[::2] == -math.inf
    if not np.isfinite(found[1::2][empty]).all():
        return "no thread has elements, and the total is not finite"
    one, other = found.copy(), right.copy()
    one[1::2][empty] = other[1::2][empty] = 0.0
    return difference(one, other, 1e-12, 0.0)


@sealed("4.5")
def block_joins(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(10):
        threads, calls = (1, 2, 4, 8, 4)[number % 5], 1 + number % 3
        size = (8, 16)[number % 2]
        parts = [_part(rng.uniform(-4, 4, rng.integers(0 if number % 3 else 1, 4)).tolist())
                 for _ in range(threads * calls)]
        if number == 9:
            parts = [[-math.inf, 0.0]] * len(parts)
        yield Call("block_join", {"threads": threads, "size": size, "tops": np.array([top for top, _ in parts]),
                                  "totals": np.array([total for _, total in parts])},
                   f"block_join, {threads} threads, {calls} times, BLOCK {size}", compare=_in_a_block)


def _rows(rng: np.random.Generator, sizes: list[int], block: int, size: int, kind: str, plain: bool = True,
          values: Any = None) -> Call:
    own = [contiguous(sizes)] * 2 if plain else [strides_of(rng, sizes, False), strides_of(rng, sizes)]
    out = np.full(room(sizes, own[0]), -7.0, kind)
    a = np.full(room(sizes, own[1]), math.nan, kind)
    where = places_of(sizes, own[1])
    a[where] = rng.integers(-12, 13, sizes) / 4 if values is None else values
    finite = a[where][np.isfinite(a[where])]
    widest = min(float(np.ptp(finite)) if len(finite) else 0.0, 750.0)
    rtol = float(np.finfo(kind).eps) * 2 * (8 + 6 * sizes[-1] + 2 * widest)
    one_row = plain and len(sizes) == 2 and sizes[0] == 1
    limits = {"read again": 0, "far apart": block - 1 if one_row else 1 << 40}
    unstretched = all(stride or size == 1 for stride, size in zip(own[1], sizes))
    limits |= {"reads": 2 if unstretched else 2 * math.prod(sizes)}
    return Call("softmax_kernel", {"kind": kind, "block": block, "size": size, "out": out, "a": a, "sizes": sizes,
                                   "strides": own, "read": np.unique(where)},
                f"softmax_kernel, {kind}, {sizes}, {block} threads, BLOCK {size}",
                compare=at_most(rtol, 4 * float(np.finfo(kind).smallest_normal), ("reads",), **limits))


@sealed("4.5")
def softmaxes(rng: np.random.Generator) -> Iterator[Call]:
    for block, size in ((4, 4), (4, 8), (2, 2), (1, 4), (8, 8)):
        for number, length in enumerate((1, block, 2 * block + 3, max(block - 1, 1), 3 * block)):
            kind = ("float64", "float32")[number % 2]
            yield _rows(rng, [1, length], block, size, kind)
            yield _rows(rng, [[3], [2, 2]][number % 2] + [length], block, size, kind, plain=False)


@sealed("4.5")
def unusual_rows(rng: np.random.Generator) -> Iterator[Call]:
    inf, nan = math.inf, math.nan
    rows = [[1.0, -inf], [-inf, 1.0, 2.0], [-inf] * 5 + [1.0], [-inf] * 5, [1.0, nan, 2.0], [nan, 1.0, 1.0, 1.0, 2.0],
            [1.0] * 4 + [nan], [1.0, inf], [inf, inf], [-inf], [1001.0, 1002.0, 1000.5], [-1001.0, -1003.0],
            [-1e7, -2e7, -1e7], [-inf, -1e35], [-1e37] * 5, [-inf, -inf, -inf, -inf, -1e35]]
    for number, row in enumerate(rows):
        plain = [0.25] * len(row)
        yield _rows(rng, [3, len(row)], 4, 4, ("float64", "float32")[number % 2], values=np.array([plain, row, plain]))
    late = rng.uniform(-3, 3, (1, 41))
    late[0, -2] = 50.0
    yield _rows(rng, [1, 41], 2, 4, "float64", values=late)
