"""What the sandbox runs for module 4: kernels in the course's simulator, traced. A GPU is never used.

`writers` and `readers` say for each element which threads touched it: `[block x, y, z, thread x, y, z]` each.
"""

from __future__ import annotations

import math
import os
from typing import Any

os.environ["TEROX_CUDA"] = "sim"

import numpy as np  # noqa: E402

from course.grading.programs.tracing import elements, problems  # noqa: E402


def add(x, y):
    return x + y


def times(x, y):
    return x * y


def larger(x, y):
    """NaN, if either is."""
    return x if x > y or x != x else y


def deeper(x, y):
    """How many times a value has gone through this, if all begin with 0."""
    return (x if x > y else y) + 1


def turned(x):
    return 3 * x - 1


def minus(x, y):
    return x - 5 * y


FUNCTIONS = {"add": add, "times": times, "larger": larger, "deeper": deeper, "turned": turned, "minus": minus}


def _who(found: Any) -> list[list[list[int]]]:
    return [sorted([*map(int, block), *map(int, thread)] for block, thread in labels) for labels in found]


def _trace(kernel, grid, block, *args, **options):
    from course.trace.gpu import trace_kernel

    sizes = [tuple(each) if isinstance(each, list) else each for each in (grid, block)]
    return trace_kernel(kernel, *sizes, *args, **options)


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


# ---- 4.1 ----


def puzzle(name, grid, block, shape, operands, width):
    """Who writes and reads what; what comes out; and how much is done in shared memory."""
    from terox.cuda import puzzles

    names = ("out", "a", "b")[: 1 + len(operands)]
    out = np.full(tuple(shape), np.nan, np.float32)
    made = _trace(getattr(puzzles, name), grid, block, out, *operands, names=names, out="out", read_only=names[1:],
                  once=True, constants={"WIDTH": width} if width else None)
    return {"out": out, "problems": problems(made), "writers": _who(made.writers("out")),
            "readers": _who(made.readers("a")), "reads": made.counts("a")[0],
            "shared reads": int(made.score().shared_reads), "barriers": int(made.barriers)}


def puzzle_launched(name, grid, block, shape, operands):
    """As the course launches kernels."""
    from terox.cuda import compiler, puzzles

    out = np.full(tuple(shape), np.nan, np.float32)
    kernel = compiler.kernel(getattr(puzzles, name), ("float32",) * (1 + len(operands)))
    kernel.launch(*(tuple(each) if isinstance(each, list) else each for each in (grid, block)), out, *operands)
    return out


# ---- 4.2 ----


class NoDivisor(int):
    """A number by which nothing may be divided."""

    def _refuse(self, other):
        raise ZeroDivisionError("a number was divided by sizes[0]")

    __rmod__ = __rfloordiv__ = __rdivmod__ = __rtruediv__ = _refuse


def offset(sizes, strides):
    """The places of all elements."""
    from terox.cuda.elementwise import offset as learned

    guarded = (NoDivisor(sizes[0]), *sizes[1:])
    return [learned(number, guarded, tuple(strides)) for number in range(math.prod(sizes))]


def blocks_for(count, block, most):
    from terox.cuda.elementwise import blocks_for as learned

    return learned(count, block, most)


def elementwise(grid, block, memory, sizes, strides, in_place):
    """map_kernel or zip_kernel, by the number of operands."""
    from terox.cuda.elementwise import map_kernel, zip_kernel

    kernel, fn = (map_kernel, turned) if len(memory) == 2 else (zip_kernel, minus)
    if in_place:
        memory = [memory[0], memory[0], *memory[2:]]
    count = math.prod(sizes)
    made = _trace(kernel, grid, block, fn, *memory, count, tuple(sizes), _tuples(strides), once=True,
                  elements={"out": elements(sizes, strides[0])})
    counts = [] if in_place else [made.counts(name)[0] for name in "ab"[: len(memory) - 1]]
    return {"out": memory[0], "problems": problems(made), "writers": _who(made.writers("out")), "reads": counts}


# ---- 4.3 ----


def block_fold(fn, kind, grid, block, values, rounds, size):
    """What every thread gets, in each of several calls; and the sizes of what is shared, where BLOCK is `size`."""
    from terox._numba import cuda
    from terox.cuda.reduce import block_fold as learned

    def kernel(fn, kind, out, a, rounds, threads):
        i = cuda.grid(1)
        for number in range(rounds):
            out[number * threads + i] = learned(fn, kind, a[number * threads + i])

    out = np.zeros(len(values), kind)
    made = _trace(kernel, grid, block, FUNCTIONS[fn], np.dtype(kind).type, out, values, rounds, grid * block,
                  out="out", once=True, constants={"BLOCK": size})
    shared = sorted({int(made.counts(name)[0].size) for name in made.shared})
    return {"out": out, "problems": problems(made), "shared": shared}


def fold_twice(kind, block, values):
    """Two calls, one right after the other, in one kernel without a loop."""
    from terox._numba import cuda
    from terox.cuda.reduce import block_fold as learned

    def kernel(fn, kind, out, second, a, b):
        i = cuda.grid(1)
        x = learned(fn, kind, a[i])
        y = learned(fn, kind, b[i])
        out[i] = x
        second[i] = y

    out, second = np.zeros(block, kind), np.zeros(block, kind)
    made = _trace(kernel, 1, block, add, np.dtype(kind).type, out, second, values, values[::-1].copy(),
                  out=("out", "second"), once=True)
    return {"out": out, "second": second, "problems": problems(made)}


def reduce_kernel(fn, start, kind, results, parts, block, out, a, length, kept, kept_strides, folded, folded_strides):
    from terox.cuda.reduce import reduce_kernel as learned

    number = np.dtype(kind).type
    made = _trace(learned, results * parts, block, FUNCTIONS[fn], number(start), number, out, a, length, parts,
                  tuple(kept), tuple(kept_strides), tuple(folded), tuple(folded_strides), once=True,
                  elements={"out": range(results * parts)})
    return {"out": out, "problems": problems(made), "reads": made.counts("a")[0], "readers": _who(made.readers("a"))}


def parts_for(results, length, block, most):
    from terox.cuda.reduce import parts_for as learned

    return learned(results, length, block, most)


# ---- 4.4 ----


def matmul_kernel(kind, tile, grid, out, a, b, sizes, strides, batch, batch_strides, written, read):
    """read: the elements of a, and those of b, that have to be read."""
    from terox.cuda.matmul import matmul_kernel as learned

    with np.errstate(all="ignore"):
        made = _trace(learned, grid, [tile, tile], np.dtype(kind).type, out, a, b, tuple(sizes), _tuples(strides),
                      tuple(batch), _tuples(batch_strides), out="out", once=True, elements={"out": written},
                      constants={"TILE": tile})
    far = 0
    if not made.problems:
        far = max((max(access.elements) - min(access.elements) for name in ("a", "b", "out")
                   for access in made.warps(name, warp=tile)), default=0)
    return {"out": out, "problems": problems(made), "writers": _who(made.writers("out")),
            "reads of a": made.counts("a")[0][read[0]].tolist(),
            "reads of b": made.counts("b")[0][read[1]].tolist(), "far apart": far}


# ---- 4.5 ----


def join(parts):
    """Parts, joined one after the other: (top, total)."""
    from terox.cuda.softmax import join as learned

    top, total = parts[0]
    for other in parts[1:]:
        top, total = learned(top, total, *other)
    return [float(top), float(total)]


def block_join(threads, size, tops, totals):
    """What every thread gets from one call or several."""
    from terox._numba import cuda
    from terox.cuda.softmax import block_join as learned

    def kernel(kind, out, maxima, sums):
        t, threads = cuda.threadIdx.x, cuda.blockDim.x
        for call in range(out.shape[0] // (2 * threads)):
            i = call * threads + t
            top, total = learned(kind, maxima[i], sums[i])
            out[2 * i] = top
            out[2 * i + 1] = total

    out = np.zeros(2 * len(tops))
    made = _trace(kernel, 1, threads, np.float64, out, tops, totals, constants={"BLOCK": size})
    shared = sum(int(made.counts(name)[0].size) for name in made.shared)
    return {"out": out, "problems": problems(made), "shared": shared}


def softmax_kernel(kind, block, size, out, a, sizes, strides, read):
    """sizes: (*rows, length); strides: of out and of a, the step from one element to the next last; read: the elements
    of a that have to be read.
    """
    from terox.cuda.softmax import softmax_kernel as learned

    *rows, length = sizes
    with np.errstate(all="ignore"):
        made = _trace(learned, math.prod(rows), block, np.dtype(kind).type, out, a, length,
                      tuple(each[-1] for each in strides), tuple(rows), tuple(tuple(each[:-1]) for each in strides),
                      out="out", once=True, elements={"out": elements(sizes, strides[0])}, constants={"BLOCK": size})
    reads, written = made.counts("a")[0], made.counts("out")[0]
    far = 0
    if len(rows) == 1 and rows[0] == 1 and not made.problems:
        far = max((max(access.elements) - min(access.elements) for name in ("a", "out")
                   for access in made.warps(name, warp=block)), default=0)
    return {"out": out, "problems": problems(made), "reads": reads[read].tolist(),
            "read again": int(written.max(initial=0)), "far apart": far}
