"""Every kernel of modules 4 and 5 with small operands, for those who compile all of them, or run all of them twice."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from terox.cuda import compiler, matmul, other_elementwise, puzzles, reduce, softmax
from terox.cuda.runtime import BLOCK, TILE
from terox.foundations import operators as base
from terox.nn import window_kernels
from terox.nn.windows import windows
from terox.tensors import operators as ops
from terox.tensors.pointwise import _NOT_FOR_BOOL, _ONLY_WHOLE, OPS

KINDS = {"float32": np.float32, "float64": np.float64, "int64": np.int64}
SHAPES = {1: (7,), 2: (3, 5), 3: (2, 3, 2), 4: (2, 1, 3, 2)}


@dataclass
class Case:
    """One kernel, and what it is launched with; the first argument is written."""

    name: str
    loop: Callable[..., None]
    dtypes: tuple[str, ...]
    bound: dict[str, Any]
    grid: Any
    block: Any
    args: tuple[Any, ...]

    def kernel(self) -> compiler.Kernel:
        return compiler.kernel(self.loop, self.dtypes, **self.bound)


def numbers(count: int, dtype: str, seed: int) -> np.ndarray:
    """Positive and negative ones; whole ones are never 0."""
    rng = np.random.default_rng([seed, count])
    if dtype == "bool":
        return rng.integers(0, 2, count).astype(bool)
    if dtype == "int64":
        return rng.integers(1, 6, count) * rng.choice([-1, 1], count)
    return (3 * rng.normal(size=count)).astype(dtype)


def row_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(shape[d + 1:])) for d in range(len(shape)))


def elementwise_case(name: str, fn: Any, dtypes: tuple[str, ...], rank: int = 2) -> Case:
    """The first operand is transposed in memory, the last one is broadcast along the last dimension."""
    shape = SHAPES[rank]
    count = int(np.prod(shape))
    rows, columns = row_strides(shape), tuple(reversed(row_strides(shape[::-1])))
    strides = [rows, *[columns] * (len(dtypes) > 1), *[(*rows[:-1], 0)] * (len(dtypes) - 2)]
    arrays = [np.zeros(count, dtypes[0]), *(numbers(count, dtype, k) for k, dtype in enumerate(dtypes[1:]))]
    kernel = other_elementwise.KERNELS[len(dtypes) - 1]
    return Case(f"{name} of {', '.join(dtypes)}, {rank}-D", kernel, dtypes, {"fn": fn}, 2, 4,
                (*arrays, count, shape, tuple(strides)))


def zero() -> float:
    """What fill_kernel is to write."""
    return 0.5


def elementwise_cases() -> Iterator[Case]:
    for op, (fn, whole, result) in OPS.items():
        for dtype in ("float32", "float64", "int64", "bool"):
            inexact = dtype.startswith("float")
            if (inexact and op in _ONLY_WHOLE) or (dtype == "bool" and op in _NOT_FOR_BOOL):
                continue
            used = fn if inexact or whole is None else whole
            if op == "bitwise_not" and dtype == "bool":
                used = ops.logical_not
            out = {"same": dtype, "bool": "bool"}.get(result, dtype if inexact else "float32")
            yield elementwise_case(op, used, (out, *[dtype] * len(inspect.signature(fn).parameters)))
    for dtype in ("float32", "float64", "int64", "bool"):
        yield elementwise_case("where", ops.where, (dtype, "bool", dtype, dtype))
        yield elementwise_case("id", base.id, ("float32", dtype))
        yield elementwise_case("id", base.id, (dtype, "float32"))
        yield elementwise_case("fill", zero, (dtype,))
    for rank in (1, 3, 4):
        yield elementwise_case("neg", base.neg, ("float32", "float32"), rank)
        yield elementwise_case("mul", base.mul, ("float32",) * 3, rank)
        yield elementwise_case("clamp", ops.clamp, ("float32",) * 4, rank)


def reduce_cases() -> Iterator[Case]:
    rows = [(name, fn, start, dtype, dtype, dtype) for dtype in KINDS
            for name, fn, start in (("add", base.add, 0), ("mul", base.mul, 1), ("max", base.max, -1000),
                                    ("min", ops.min, 1000))]
    rows += [("add", base.add, 0, "int64", "int64", "bool"), ("and", ops.logical_and, 1, "int64", "bool", "bool"),
             ("or", ops.logical_or, 0, "float32", "bool", "float32")]
    for name, fn, start, kind, out, dtype in rows:
        for kept, folded, parts in (((3, 2), (4, 2), 2), ((6,), (8,), 1)):
            results, length = int(np.prod(kept)), int(np.prod(folded))
            strides = row_strides((*kept, *folded))
            bound = {"fn": fn, "start": start, "kind": KINDS[kind]}
            yield Case(f"{name} folded in {kind}, {dtype} to {out}, {len(kept)}-D", reduce.reduce_kernel, (out, dtype),
                       bound, results * parts, min(BLOCK, 4),
                       (np.zeros(results * parts, out), numbers(results * length, dtype, 5), length, parts, kept,
                        strides[: len(kept)], folded, strides[len(kept):]))


def matmul_cases() -> Iterator[Case]:
    n, m, k, many = 5, 3, 6, 2
    for dtype in KINDS:
        for batch, steps in (((many,), ((n * m,), (n * k,), (0,))), ((1, many), ((0, n * m), (0, n * k), (0, 0)))):
            for loop in (matmul.matmul_kernel, matmul.plain_matmul_kernel):
                yield Case(f"{loop.__name__} of {dtype}, {len(batch)} batch dimensions", loop, (dtype,) * 3,
                           {"kind": KINDS[dtype]}, (-(-m // TILE), -(-n // TILE), many), (TILE, TILE),
                           (np.zeros(many * n * m, dtype), numbers(many * n * k, dtype, 6), numbers(k * m, dtype, 7),
                            (n, m, k), ((m, 1), (1, n), (m, 1)), batch, steps))


def softmax_cases() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        for rows in ((3,), (3, 2)):
            length, count = 6, int(np.prod(rows))
            steps = tuple(length * step for step in row_strides(rows))
            yield Case(f"softmax of {dtype}, {len(rows)}-D", softmax.softmax_kernel, (dtype, dtype),
                       {"kind": KINDS[dtype]}, count, min(BLOCK, 4),
                       (np.zeros(count * length, dtype), numbers(count * length, dtype, 8), length, (1, 1), rows,
                        (steps, steps)))


def window_cases() -> Iterator[Case]:
    of = windows("a case", (5, 4), (3, 2), (2, 1), (1, 1), (1, 2))
    planes, in_plane, out_plane = 2, 20, of.counts[0] * of.counts[1]
    columns, elements, maxima = planes * 6 * out_plane, planes * in_plane, planes * out_plane
    indices = np.random.default_rng(11).integers(0, in_plane, maxima)
    for dtype in ("float32", "float64", "int64", "bool"):
        for loop, count, others in [
                (window_kernels.im2col_kernel, columns, (numbers(elements, dtype, 12),)),
                (window_kernels.col2im_kernel, elements, (numbers(columns, dtype, 13),)),
                (window_kernels.max_pool_kernel, maxima, (np.zeros(maxima, np.int64), numbers(elements, dtype, 14))),
                (window_kernels.max_pool_back_kernel, elements, (numbers(maxima, dtype, 15), indices))]:
            yield Case(f"windows: {loop.__name__} of {dtype}", loop, (dtype, *[str(each.dtype) for each in others]),
                       {"kind": KINDS.get(dtype, np.int64)}, 3, min(BLOCK, 4),
                       (np.zeros(count, dtype), *others, count, of.sizes, of.steps))


def puzzle_cases() -> Iterator[Case]:
    a = numbers(puzzles.WIDTH, "float32", 9)
    square, column, row = a[:6].reshape(2, 3), a[:3].reshape(3, 1), a[:4].reshape(1, 4)
    for name, grid, block, out, *ins in [
            ("shift", 1, len(a), a, a), ("guarded", 1, 11, a, a), ("transposed", 1, (4, 4), square.T.copy(), square),
            ("outer", 1, (5, 5), np.zeros((3, 4), np.float32), column, row), ("blocks", 3, 4, a, a),
            ("reversed_blocks", 2, puzzles.WIDTH, np.zeros(16, np.float32), numbers(16, "float32", 10)),
            ("pooled", 1, puzzles.WIDTH, a[:6], a[:6].copy()), ("running_sum", 1, puzzles.WIDTH, a, a)]:
        yield Case(f"puzzle {name}", getattr(puzzles, name), ("float32",) * (1 + len(ins)), {}, grid, block,
                   (np.zeros_like(out), *ins))


def cases() -> list[Case]:
    """All of them."""
    return [*elementwise_cases(), *reduce_cases(), *matmul_cases(), *softmax_cases(), *window_cases(), *puzzle_cases()]


# ---- In a child process ----


def compile_all() -> dict[str, Any]:
    """The PTX of each, as for a GPU: {name: text, or the error}."""
    from numba import typeof

    found = {}
    for case in cases():
        try:
            found[case.name] = case.kernel().ptx(*map(typeof, case.args))
        except Exception as error:  # noqa: BLE001
            found[case.name] = f"{type(error).__name__}: {error}"
    return found


def run_all() -> dict[str, Any]:
    """What each writes: {name: numbers}. None where Numba's simulator cannot do it: NumPy's bool has no minus."""
    found: dict[str, Any] = {}
    for case in cases():
        try:
            case.kernel().launch(case.grid, case.block, *case.args)
            found[case.name] = case.args[0].ravel().tolist()
        except TypeError as error:
            if "numpy boolean" not in str(error):
                raise
            found[case.name] = None
    return found


if __name__ == "__main__":
    json.dump({"compile": compile_all, "run": run_all}[sys.argv[1]](), sys.stdout)
