"""Sealed checks of module 4, tasks 4.1 to 4.3. Those of 4.4 and 4.5 stand in module_4_tiles.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks import module_4_tiles  # noqa: F401  (its checks register themselves)
from course.grading.checks.drawing import Compare, contiguous, places_of, room, sizes_of, strides_of
from course.grading.compare import difference
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

COUNTS = (1, 7, 8, 9, 31, 33)


def _quarters(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Different float32 numbers, none of them 0. Sums and products of a few have no rounding."""
    numbers = rng.permutation(math.prod(shape) + 8)[: math.prod(shape)] + 1
    return (numbers / 4).astype(np.float32).reshape(shape)


# ---- 4.1 ----


def _puzzle(*limited: str, steps: int = 0) -> Compare:
    """Of the counts, only those that the docstring promises are compared."""
    keys = ("out", "problems", "writers", *limited)

    def compare(inputs: dict[str, Value], got: Value, expected: Value) -> str:
        wrong = difference({key: got[key] for key in keys}, {key: expected[key] for key in keys}, 0.0, 0.0)
        if not wrong and steps and not 0 < got["shared reads"] <= 4 * steps + 4:
            wrong = f"a thread reads shared memory {got['shared reads']} times in {steps} steps"
        if not wrong and steps and not 0 < got["barriers"] <= 2 * steps + 2:
            wrong = f"{got['barriers']} barriers for {steps} steps"
        return wrong
    return compare


def _run(name: str, grid: Any, block: Any, shape: list[int], *operands: np.ndarray, width: int = 0,
         compare: Compare | None = None) -> Call:
    return Call("puzzle", {"name": name, "grid": grid, "block": block, "shape": shape, "operands": list(operands),
                           "width": width}, f"{name}, grid {grid}, block {block}"
                + (f", WIDTH {width}" if width else ""), compare=compare or _puzzle())


@sealed("4.1")
def own_elements(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(4):
        n, more = int(rng.integers(1, 20)), int(rng.integers(1, 8))
        yield _run("shift", 1, n, [n], _quarters(rng, n))
        yield _run("guarded", 1, n + more * (number > 0), [n], _quarters(rng, n))
    for more_x, more_y in ((0, 0), (2, 0), (0, 3), (1, 2), (4, 1)):
        rows, columns = int(rng.integers(2, 5)), int(rng.integers(2, 5))
        columns += columns == rows and more_x != 4
        block = [columns + more_x, rows + more_y]
        yield _run("transposed", 1, block, [columns, rows], _quarters(rng, rows, columns),
                   compare=_puzzle("readers"))
        yield _run("outer", 1, block, [rows, columns], _quarters(rng, rows, 1), _quarters(rng, 1, columns))
    for threads, idle in ((4, 0), (3, 1), (8, 0), (1, 0), (5, 2)):
        n = int(rng.integers(2 * threads, 4 * threads + 1))
        yield _run("blocks", -(-n // threads) + idle, threads, [n], _quarters(rng, n))


@sealed("4.1")
def shared_elements(rng: np.random.Generator) -> Iterator[Call]:
    own = ("readers", "reads")
    for width in (8, 4, 2, 16):
        for grid in (1, int(rng.integers(2, 5))):
            yield _run("reversed_blocks", grid, width, [grid * width], _quarters(rng, grid * width), width=width,
                       compare=_puzzle(*own))
        for n in {1, min(2, width), int(rng.integers(1, width + 1)), width - 1, width}:
            yield _run("pooled", 1, width, [n], _quarters(rng, n), width=width, compare=_puzzle(*own))
    for width in (8, 4, 2, 16, 32):
        yield _run("running_sum", 1, width, [width], _quarters(rng, width), width=width,
                   compare=_puzzle(*own, steps=int(math.log2(width))))


@sealed("4.1")
def launched(rng: np.random.Generator) -> Iterator[Call]:
    line, sheet = [1000], [13, 9]
    cases: list[tuple[str, Any, Any, list[int], list[list[int]]]] = [
        ("shift", 1, 1000, line, [line]), ("guarded", 1, 64, [50], [[50]]),
        ("transposed", 1, [16, 16], [9, 13], [sheet]),
        ("outer", 1, [16, 16], [12, 15], [[12, 1], [1, 15]]), ("blocks", 3, 256, [513], [[513]]),
        ("reversed_blocks", 20, 8, [160], [[160]]), ("pooled", 1, 8, [7], [[7]]), ("running_sum", 1, 8, [8], [[8]])]
    for name, grid, block, shape, operands in cases:
        yield Call("puzzle_launched", {"name": name, "grid": grid, "block": block, "shape": shape,
                                       "operands": [_quarters(rng, *each) for each in operands]},
                   f"{name}, launched with grid {grid}, block {block}", rtol=0.0, atol=0.0)


# ---- 4.2 ----


@sealed("4.2")
def offsets(rng: np.random.Generator) -> Iterator[Call]:
    cases = [([6], [2]), ([2, 3], [1, 2]), ([3, 2], [1, 0]), ([2, 2, 3, 2], [1, 2, 4, 12]), ([1, 3, 1], [7, 1, 7])]
    for _ in range(10):
        sizes = sizes_of(rng)
        cases.append((sizes, strides_of(rng, sizes)))
    for sizes, strides in cases:
        yield Call("offset", {"sizes": sizes, "strides": strides}, f"offset in {sizes}, {strides}")


@sealed("4.2")
def grids(rng: np.random.Generator) -> Iterator[Call]:
    cases = [(16, 8, 10), (17, 8, 10), (15, 8, 10), (1, 8, 10), (0, 8, 10), (0, 8, 1), (24, 8, 3), (25, 8, 3),
             (1000, 8, 3), (10**10 + 1, 256, 10**9), (2**60 + 1, 1, 2**61)]
    cases += [(int(rng.integers(0, 70)), int(rng.choice([1, 4, 8, 256])), int(rng.integers(1, 20))) for _ in range(12)]
    for count, block, most in cases:
        yield Call("blocks_for", {"count": count, "block": block, "most": most},
                   f"blocks_for({count}, {block}, {most})")


def _elementwise(rng: np.random.Generator, sizes: list[int], strides: list[list[int]], grid: int, block: int,
                 dtype: str = "float64", in_place: bool = False) -> Call:
    memory = [rng.permutation(room(sizes, each) + 40)[: room(sizes, each)].astype(dtype) for each in strides]
    return Call("elementwise", {"grid": grid, "block": block, "memory": memory, "sizes": sizes, "strides": strides,
                                "in_place": in_place},
                f"{'map' if len(strides) == 2 else 'zip'}_kernel, {sizes}, {strides}, grid {grid}, block {block}",
                rtol=0.0, atol=0.0)


@sealed("4.2")
def elementwise(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[tuple[list[int], list[list[int]], int, int]] = [
        ([5], [[1], [1], [1]], 2, 2), ([4], [[2], [3], [4]], 1, 4), ([4], [[1], [0], [1]], 1, 8),
        ([2, 3], [[3, 1], [1, 2], [0, 1]], 1, 4), ([2, 3], [[1, 2], [3, 1], [1, 0]], 2, 2),
        ([2, 3, 2], [[6, 2, 1], [1, 2, 6], [0, 1, 0]], 2, 4)]
    cases += [([n], [[1], [1], [1]], *((1, 32), (3, 8), (2, 4))[k % 3]) for k, n in enumerate(COUNTS)]
    for _ in range(8):
        sizes = sizes_of(rng)
        cases.append((sizes, [strides_of(rng, sizes, False), strides_of(rng, sizes), strides_of(rng, sizes)],
                      int(rng.integers(1, 4)), int(rng.choice([1, 2, 4, 8]))))
    for sizes, strides, grid, block in cases:
        for operands in (2, 3):
            yield _elementwise(rng, sizes, strides[:operands], grid, block)
    for dtype in ("float32", "int64"):
        yield _elementwise(rng, [11], [[1], [1], [1]], 2, 4, dtype)
    yield _elementwise(rng, [9], [[1], [1], [1]], 1, 4, in_place=True)


# ---- 4.3 ----

KINDS: list[tuple[str, float, str, str, int, int]] = [  # fn, start, kind, dtype of the arrays, numbers
    ("add", 0, "float64", "float64", -(2**40), 2**40), ("add", 0, "float32", "float32", -(2**14), 2**14),
    ("add", 0, "int64", "int64", -(2**54), 2**54), ("add", 0, "float64", "float32", -(2**24), 2**24),
    ("times", 1, "float64", "float64", 0, 0), ("larger", -math.inf, "float32", "float32", -(2**20), -1),
    ("larger", -(2**63), "int64", "int64", -(2**62), -(2**61))]


def _numbers(rng: np.random.Generator, kind: tuple[str, float, str, str, int, int], count: int) -> np.ndarray:
    fn, _, _, dtype, low, high = kind
    if fn == "times":
        return rng.choice([2, -1, 0.5, 1, -2], count).astype(dtype)
    return rng.integers(low, high, count).astype(dtype)


@sealed("4.3")
def block_folds(rng: np.random.Generator) -> Iterator[Call]:
    for number, kind in enumerate(KINDS * 2):
        block, grid = (1, 2, 4, 8)[int(rng.integers(0, 4)) if number >= 7 else 1 + number % 3], 1 + number % 3
        rounds, size = (1, 3)[number % 2], int(rng.choice([8, 16]))
        values = _numbers(rng, kind, grid * block * rounds)
        if number == 5:
            values[1] = math.nan
        if kind[3] != kind[2]:
            values = values.astype(kind[2])
        yield Call("block_fold", {"fn": kind[0], "kind": kind[2], "grid": grid, "block": block, "values": values,
                                  "rounds": rounds, "size": size},
                   f"block_fold of {kind[2]}, {kind[0]}, {rounds} times, in {grid} blocks of {block}, BLOCK {size}",
                   rtol=0.0, atol=0.0)
    for block in (4, 8, 32):
        yield Call("block_fold", {"fn": "deeper", "kind": "int64", "grid": 1, "block": block, "rounds": 1,
                                  "values": np.zeros(block, np.int64), "size": 32},
                   f"how often a value goes through fn in a block of {block}")
    for block in (1, 2, 4, 8):
        yield Call("fold_twice", {"kind": "float64", "block": block, "values": _numbers(rng, KINDS[0], block)},
                   f"block_fold twice in a block of {block}", rtol=0.0, atol=0.0)


@sealed("4.3")
def reductions(rng: np.random.Generator) -> Iterator[Call]:
    fixed: list[tuple[list[int], list[int], int, int]] = [  # kept, folded, parts, block
        ([1], [1], 1, 1), ([1], [7], 1, 4), ([1], [2], 1, 8), ([1], [65], 1, 8), ([3], [5], 1, 2), ([2], [7], 2, 2),
        ([2], [3], 3, 2), ([2, 3], [2, 2], 1, 2), ([3, 2], [2, 4], 2, 2), ([2], [33], 3, 4), ([2], [9], 12, 8),
        ([2], [8], 2, 4), ([2, 2], [3], 2, 1), ([3], [2, 5], 3, 2)]
    for number, (kept, folded, parts, block) in enumerate(fixed * 2):
        kind = KINDS[number % len(KINDS)]
        sizes = [*kept, *folded]
        strides = contiguous(sizes) if number < len(fixed) // 2 else strides_of(rng, sizes, number % 3 == 0)
        a = np.full(room(sizes, strides) + 3, 3, kind[3])
        where = np.unique(places_of(sizes, strides))
        a[where] = _numbers(rng, kind, len(where))
        if kind[0] == "larger" and kind[2] == "float32" and number > 10:
            a[where[-1]] = math.nan
        results = math.prod(kept)
        yield Call("reduce_kernel", {
            "fn": kind[0], "start": kind[1], "kind": kind[2], "results": results, "parts": parts, "block": block,
            "out": np.full(results * parts + 2, -77, kind[2]), "a": a, "length": math.prod(folded), "kept": kept,
            "kept_strides": strides[: len(kept)], "folded": folded, "folded_strides": strides[len(kept):]},
            f"reduce_kernel, {kind[0]} of {kind[2]}, kept {kept}, folded {folded}, {parts} parts, {block} threads",
            rtol=0.0, atol=0.0)


@sealed("4.3")
def parts(rng: np.random.Generator) -> Iterator[Call]:
    cases = [(1, 24, 8, 10), (1, 25, 8, 10), (1, 1000, 8, 10), (3, 1000, 8, 10), (5, 1000, 8, 10), (11, 1000, 8, 10),
             (2, 3, 8, 10), (1, 10**10 + 1, 256, 10**9)]
    cases += [(int(rng.integers(1, 12)), int(rng.integers(1, 70)), int(rng.choice([1, 4, 8])), int(rng.integers(1, 30)))
              for _ in range(16)]
    for results, length, block, most in cases:
        yield Call("parts_for", {"results": results, "length": length, "block": block, "most": most},
                   f"parts_for({results}, {length}, {block}, {most})")
