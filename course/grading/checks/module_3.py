"""Sealed checks of module 3, tasks 3.1 to 3.3. Those of 3.4, 3.5 and 3.6 stand in module_3_blocks.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks import module_3_blocks  # noqa: F401  (its checks register themselves)
from course.grading.checks.drawing import at_most, contiguous, places_of, room, sizes_of, strides_of
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

ORDERS = ("forward", "reversed", "shuffled")
LANES = 64


# ---- 3.1 ----


@sealed("3.1")
def reordered(rng: np.random.Generator) -> Iterator[Call]:
    fixed = [([2, 3], [[1, 2], [3, 1]]), ([3, 3, 2], [[1, 1, 6], [2, 5, 1], [1, 4, 3]]),
             ([2, 4, 3], [[0, 0, 0], [1, 1, 1], [4, 9, 2]]), ([2, 5], [[1, 1], [7, 7]]), ([4], [[2]])]
    for _ in range(12):
        sizes = sizes_of(rng, 2, 5)
        strides = [rng.integers(0, 4, len(sizes)).tolist() for _ in range(rng.integers(1, 5))]
        fixed.append((sizes, strides))
        fixed.append((sizes, [strides_of(rng, sizes) for _ in range(3)]))
    for sizes, strides in fixed:
        yield Call("reorder", {"sizes": sizes, "strides": strides}, f"reorder({sizes}, {strides})")


@sealed("3.1")
def coalesced(rng: np.random.Generator) -> Iterator[Call]:
    fixed: list[tuple[list[int], list[list[int]]]] = [
        ([8, 3, 4], [[12, 4, 1], [0, 4, 1]]), ([1, 1], [[3, 1], [0, 5]]), ([1], [[7]]), ([2, 1, 3], [[3, 9, 1]] * 2),
        ([2, 3, 4, 2], [[24, 8, 2, 1]] * 3), ([2, 3], [[0, 0], [3, 1]]), ([2, 3], [[0, 0], [0, 0]]),
        ([3, 3], [[1, 1], [3, 1]]), ([2, 3], [[2, 1], [2, 1]]), ([3, 2], [[1, 3], [1, 3]])]
    for _ in range(16):
        sizes = sizes_of(rng, 1, 5)
        base = contiguous(sizes)
        cut = int(rng.integers(len(sizes)))
        gapped = [step * (2 if d < cut else 1) for d, step in enumerate(base)]
        some = [base, gapped, [0 if d < cut else step for d, step in enumerate(base)], strides_of(rng, sizes),
                [0 if d >= cut else step for d, step in enumerate(base)], [0] * len(sizes)]
        fixed.append((sizes, [some[k] for k in rng.integers(0, 6, rng.integers(1, 4))]))
    for sizes, strides in fixed:
        yield Call("coalesce", {"sizes": sizes, "strides": strides}, f"coalesce({sizes}, {strides})")


# ---- 3.2 ----


def _memory(rng: np.random.Generator, lengths: list[int], guard: int, dtype: str = "float64") -> list[np.ndarray]:
    """Memory of whole numbers that all differ."""
    numbers = rng.permutation(sum(lengths) + guard * len(lengths) + 100).astype(dtype)
    ends = np.cumsum([length + guard for length in lengths])
    return [numbers[end - length - guard: end].copy() for end, length in zip(ends, lengths)]


@sealed("3.2")
def rows(rng: np.random.Generator) -> Iterator[Call]:
    steps = [[1, 1, 1], [1, 1, 1], [2, 2, 2], [2, 1, 1], [1, 2, 1], [1, 1, 2], [1, 0, 1], [1, 1, 0], [1, 0, 0],
             [3, 2, 1], [1, 1, 1], [2, 3, 0]]
    for step in steps:
        for in_place in (False, True):
            n, at = int(rng.integers(3, 8)), rng.integers(0, 5, 3).tolist()
            if in_place:
                at, step = [at[0], at[0], at[2]], [step[0], step[0], step[2]]
            lengths = [first + (n - 1) * each + 1 for first, each in zip(at, step)]
            yield Call("zip_row", {"n": n, "memory": _memory(rng, lengths, 14), "lengths": lengths, "places": at,
                                   "steps": step, "in_place": in_place},
                       f"zip_row of {n} elements at {at}, steps {step}{', in place' if in_place else ''}", rtol=0.0,
                       atol=0.0, compare=at_most(single=0))


@sealed("3.2")
def ranges(rng: np.random.Generator) -> Iterator[Call]:
    cases = [([2, 3], [[3, 1], [1, 0]]), ([3, 3], [[3, 1], [3, 1]]), ([2, 3, 4], [[12, 4, 1], [1, 2, 6], [0, 4, 1]]),
             ([5], [[1], [0]])]
    for _ in range(10):
        sizes = sizes_of(rng)
        cases.append((sizes, [strides_of(rng, sizes, False),
                              *(strides_of(rng, sizes) for _ in range(rng.integers(0, 4)))]))
    for sizes, strides in cases:
        count = math.prod(sizes)
        cuts = [(0, count), *[sorted(rng.choice(count + 1, 2, replace=False).tolist()) for _ in range(2)]]
        for begin, end in cuts:
            memory = _memory(rng, [room(sizes, each) for each in strides], 14)
            yield Call("elementwise_range", {"begin": begin, "end": end, "memory": memory, "sizes": sizes,
                                             "strides": strides},
                       f"elementwise_range({begin}, {end}), sizes {sizes}, strides {strides}", rtol=1e-12, atol=0.0)
        if len(strides) in (2, 3):
            yield Call("elementwise_chunks", {
                "memory": _memory(rng, [room(sizes, each) for each in strides], 0), "count": count,
                "grain": int(rng.integers(1, count + 1)), "order": str(rng.choice(ORDERS)), "sizes": sizes,
                "strides": strides}, f"ranges side by side, sizes {sizes}, strides {strides}", rtol=1e-12, atol=0.0)


@sealed("3.2")
def chunks(rng: np.random.Generator) -> Iterator[Call]:
    cases = [(20, 7), (6, 2), (5, 5), (5, 6), (1, 1), (9, 8), (12, 5)]
    cases += [(int(rng.integers(1, 60)), int(rng.integers(1, 13))) for _ in range(5)]
    for count, grain in cases:
        yield Call("parallel_for", {"count": count, "grain": grain, "order": str(rng.choice(ORDERS))},
                   f"parallel_for of {count} units, {grain} at a time")


def _launched(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """A quotient that is "about" a chunk may be rounded either way."""
    size, count, work = inputs["size"] or 262144, inputs["count"], inputs["work"]
    fits, most = max(size // work, 1), max(-(-size // work), 1)
    right: list[Any] = [[["serial", 0, count, "memory", "sizes", "strides"]]] if count <= most else []
    if count > fits:
        right += [[["parallel", count, grain, "memory", "sizes", "strides"]] for grain in {fits, most}
                  if count > grain]
    return "" if got in right and type(got[0][2]) is int else f"kernel calls {got}, expected {right[-1]}"


@sealed("3.2")
def launches(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[tuple[int | None, int, int]] = [
        (None, 262144, 1), (None, 262145, 1), (None, 40 * 262144, 1), (None, 262, 1000), (None, 263 * 8, 1000),
        (None, 2, 1 << 20), (None, 1, 1 << 20), (None, 256, 1024), (None, 257, 1024), (8, 9, 1), (8, 8, 1), (8, 3, 4),
        (8, 2, 4), (8, 2, 100), (8, 1000, 3), (100, 11, 10)]
    for _ in range(8):
        chunk, each = int(rng.integers(5, 200)), int(rng.integers(1, 12))
        cases.append((chunk, int(rng.integers(1, 4 * chunk)), each))
    for size, count, work in cases:
        yield Call("launch", {"size": size, "count": count, "work": work},
                   f"launch of {count} units worth {work} each, GRAIN {size or 'as it is'}", compare=_launched)


@sealed("3.2")
def z_compiled(rng: np.random.Generator) -> Iterator[Call]:
    sizes, strides = [3, 4, 6], [[60, 14, 2], [1, 3, 12], [0, 6, 1]]
    memory = _memory(rng, [room(sizes, each) + 64 for each in strides], 0, "float32")
    # Two calls: each compiles one thing, and has a limit of time.
    for what, cases in (("", [[0, 72, 0], [5, 61, 0]]), (", in parallel", [[0, 72, 7], [0, 72, 100]])):
        yield Call("elementwise_compiled", {"sizes": sizes, "strides": strides, "memory": memory, "cases": cases},
                   f"elementwise_range, compiled{what}", rtol=0.0, atol=0.0)


# ---- 3.3 ----

# fn, start, dtype, numbers whose folds are exact in any order, and what lies beside them
KINDS: list[tuple[str, float | int, str, int, int, int]] = [
    ("add", 0.0, "float32", -(2**24), 2**24, 1003), ("add", 0.0, "float64", -(2**40), 2**40, 2**41 + 1),
    ("add", 0, "int64", -(2**54), 2**54, 2**50 + 1), ("times", 1.0, "float64", -2, 2, 3),
    ("larger", -math.inf, "float32", -(2**20), -1, 5), ("larger", -(2**63), "int64", -(2**62), -(2**61), 5)]


def _numbers(rng: np.random.Generator, kind: tuple[str, Any, str, int, int, int], count: int) -> np.ndarray:
    fn, _, dtype, low, high, _ = kind
    if fn == "times":
        return rng.choice([1, -1, 2, -2, 0.5], count).astype(dtype)
    return rng.integers(low, high, count).astype(dtype)


@sealed("3.3")
def folded_rows(rng: np.random.Generator) -> Iterator[Call]:
    for kind in KINDS:
        for n in (0, 1, 7, LANES - 1, LANES, LANES + int(rng.integers(1, 9)), 3 * LANES + 5):
            step, first = int(rng.choice([1, 1, 2, 3, 0])), int(rng.integers(0, 4))
            where = first + step * np.arange(n)
            a = np.full(int(where.max(initial=first)) + 3, kind[5], kind[2])
            a[where] = _numbers(rng, kind, n)
            if kind[2] == "float32" and kind[0] == "add" and n > 2 * LANES and step:
                a[where[:LANES]], a[where[LANES:]] = 2.0**24, 1  # ones are lost beside it in 32 bits
            yield Call("fold_row", {"fn": kind[0], "start": kind[1], "n": n, "a": a, "first": first, "step": step},
                       f"fold_row of {n} {kind[2]} numbers, {kind[0]}, first {first}, step {step}", rtol=0.0, atol=0.0)
    for step in (1, 2):
        yield Call("fold_chain", {"n": 64 * LANES, "step": step}, f"the longest chain of fold_row, step {step}",
                   compare=lambda inputs, got, expected: "" if type(got) is float and 64 <= got <= 5 * LANES
                   else f"{got} calls wait for each other; with lanes side by side, {5 * LANES} are enough")


def _chunks(rng: np.random.Generator, count: int) -> list[list[int]]:
    grain = int(rng.integers(1, count + 1))
    return [[begin, min(begin + grain, count)] for begin in range(0, count, grain)]


@sealed("3.3")
def reduced(rng: np.random.Generator) -> Iterator[Call]:
    shapes: list[tuple[list[int], list[int]]] = [
        ([], []), ([], [5]), ([], [2, 3, 2]), ([4], []), ([2, 3], []), ([4], [3]), ([2, 3], [2]), ([3, 2], [2, 3]),
        ([3], [2, 2, 3]), ([2], [2, 2 * LANES + 1]), ([2], [LANES - 1]), ([2], [4, 1]), ([2], [2, 3, 2, 2]),
        ([3], [2, 3]), ([2, 2, 2], [3]), ([], [2, 2, 2, 3]), ([3], [7, 2])]
    for number, (kept, folded) in enumerate(shapes * 2):
        kind = KINDS[number % len(KINDS)]
        sizes = [*kept, *folded] or [1]
        of_out = [*strides_of(rng, kept, False), *([0] * len(folded))] or [0]
        of_a = strides_of(rng, sizes, stretched=number % 4 == 3) if kept or folded else [0]
        if number < len(shapes):
            of_a = contiguous(sizes)
        a = np.full(room(sizes, of_a) + 3, kind[5], kind[2])
        where = np.unique(places_of(sizes, of_a))
        a[where] = _numbers(rng, kind, len(where))
        if kind[0] == "add" and kind[2] == "float32" and of_a == contiguous(sizes):
            # 2**24, then ones and -2**24 + 1: rounded to 32 bits after any row, ones are lost.
            each = a[where].reshape(math.prod(kept), -1)
            each[:] = 1
            each[:, 0] = 2.0**24
            a[where] = each.ravel()
        count = math.prod(kept)
        yield Call("reduce_range", {
            "fn": kind[0], "start": kind[1], "count": count, "chunks": _chunks(rng, count),
            "order": str(rng.choice(ORDERS)), "out": np.full(room(sizes, of_out) + 3, -77, kind[2]), "a": a,
            "sizes": sizes, "strides": [of_out, of_a]},
            f"reduce_range, {kind[0]} of {kind[2]}, kept {kept}, folded {folded}", rtol=0.0, atol=0.0)


@sealed("3.3")
def blocks_of_a_row(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(12):
        kind = KINDS[number % len(KINDS)]
        block = int(rng.choice([3, 4, 7, LANES - 1, LANES + 3, 2 * LANES]))
        count = int(rng.integers(1, 5))
        n, step = count * block - int(rng.integers(0, block)), int(rng.choice([1, 2, 3, 1, 0]))
        a = np.full((n - 1) * step + 3, kind[5], kind[2])
        a[np.arange(n) * step] = _numbers(rng, kind, n)
        if number in (0, 6):
            a[np.arange(n) * step] = np.where(np.arange(n) % block < LANES, 2.0**24, 1)
        out = np.full(count + 2, -77, "int64" if kind[2] == "int64" else "float64")
        yield Call("partial_range", {"fn": kind[0], "start": kind[1], "block": block, "count": count,
                                     "chunks": _chunks(rng, count), "order": "shuffled", "out": out, "a": a, "n": n,
                                     "step": step},
                   f"partial_range of {n} {kind[2]} numbers, {kind[0]}, BLOCK {block}, step {step}", rtol=0.0, atol=0.0)
