"""Programs of tasks 3.4 to 3.6: products in blocks, softmax row by row, the roofline."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager

import numpy as np

from course.grading.programs.tracing import elements, patched, problems, table
from course.trace import READ, WRITE, trace, trace_chunks

# ---- 3.4 ----


@contextmanager
def _blocks(rows, columns, depth):
    from terox.parallel import matmul

    with patched(matmul, ROWS=rows, COLUMNS=columns, DEPTH=depth), np.errstate(all="ignore"):
        yield matmul


def micro_kernel(tile, left, right, i, depth, columns):
    """The tile after the call, and what the trace says of another one with the same arguments."""
    before = tile.copy(), left.copy(), right.copy()
    with _blocks(tile.shape[0], tile.shape[1], left.shape[1]) as matmul:
        matmul.micro_kernel(tile, left, right, i, depth, columns)
        places = [row * tile.shape[1] + j for row in (i, i + 1) for j in range(columns)]
        made = trace(matmul.micro_kernel, *before, i, depth, columns, out="tile", fresh=False,
                     elements={"tile": places}, names=("tile", "left", "right", "i", "depth", "columns"))
    return {"tile": tile, "left": left, "right": right, "problems": problems(made)}


def micro_kernel_fetches(depth, columns):
    """How often the kernel comes back to what it has fetched already."""
    with _blocks(2, columns, depth) as matmul:
        made = trace(matmul.micro_kernel, np.ones((2, columns)), np.ones((2, depth)), np.ones((depth, columns)), 0,
                     depth, columns, out="tile", fresh=False, names=("tile", "left", "right", "i", "depth", "columns"))
    visits: list[tuple[int, set[int]]] = []
    last = None
    for access in made.accesses:
        if access.memory is made.memories["right"] and not access.write:
            p, j = divmod(access.element, columns)
            if j != last:
                visits.append((j, set()))
                last = j
            visits[-1][1].add(p)
    reads, writes = made.counts("tile")
    again = Counter((p, j) for j, rows in visits for p in rows)
    return {"down a column": max(len(rows) for _, rows in visits), "come back to": max(again.values()),
            "tile read": int(reads.max()), "tile written": int(writes.max()), "problems": problems(made)}


def matmul_range(blocks, chunks, out, a, b, sizes, strides, written):
    """All chunks, as they are. Then the same with memory that records, tight. written: flat places of the result."""
    spare = [np.concatenate([array, np.full(64, -7, array.dtype)]) for array in (out, a, b)]
    geometry = table(sizes, strides)
    with _blocks(*blocks) as matmul:
        for begin, end in chunks:
            matmul.matmul_range(begin, end, *spare, geometry[0].copy(), geometry[1].copy())
        made = trace_chunks(matmul.matmul_range, len(chunks), [tuple(chunk) for chunk in chunks], out, a, b,
                            sizes=sizes, strides=strides, order="shuffled", elements={"out": written})
    return {"memory": spare, "problems": problems(made)}


def matmul_part(blocks, begin, end, out, a, b, sizes, strides):
    """Some units alone."""
    with _blocks(*blocks) as matmul:
        matmul.matmul_range(begin, end, out, a, b, *table(sizes, strides))
    return out


def matmul_fetches(blocks, n, m, k):
    """How often a number is read or written at most."""
    sizes, strides = [n, m, k], [[m, 1, 0], [k, 0, 1], [0, 1, m]]
    out, a, b = np.zeros(n * m), np.ones(n * k), np.ones(k * m)
    with _blocks(*blocks) as matmul:
        count = matmul.matmul_blocks(sizes)
        made = trace_chunks(matmul.matmul_range, count, count, out, a, b, sizes=sizes, strides=strides,
                            elements={"out": elements([n, m], [m, 1])})
    return {"a": made.counts("a")[READ].ravel().tolist(), "b": made.counts("b")[READ].ravel().tolist(),
            "out": made.counts("out")[WRITE].ravel().tolist(), "problems": problems(made)}


# ---- 3.5 ----


def _passes(made, name):
    """How often most elements of an array are come back to, after others."""
    memory, last, found = made.memories[name], None, Counter()
    for access in made.accesses:
        if access.memory is memory:
            if access.element != last:
                found[access.element] += 1
            last = access.element
    return sorted(found.values())[len(found) // 2] if found else 0


def softmax_row(target, source, in_place):
    from terox.parallel.softmax import softmax_row as learned

    if in_place:
        target = source
    made = trace(learned, target, source, out=("target",))
    passes = [] if in_place else [_passes(made, name) for name in made.memories]
    return {"target": target, "source": source, "problems": problems(made), "passes": passes}


def softmax_back_row(target, grad, y, in_place):
    from terox.parallel.softmax import softmax_back_row as learned

    target = {"": target, "grad": grad, "y": y}[in_place]
    made = trace(learned, target, grad, y, out=("target",))
    passes = [] if in_place else [_passes(made, name) for name in made.memories]
    return {"target": target, "problems": problems(made), "passes": passes}


def softmax_exp(n):
    """Whether the course's own exp is called."""
    from terox.parallel import vector_math
    from terox.parallel.softmax import softmax_row as learned

    calls = [0]

    def counted(x):
        calls[0] += 1
        return math.exp(x)

    with patched(vector_math, exp_float64=counted):
        trace(learned, np.full(n, -7.0), np.linspace(-1.0, 1.0, n))
    return calls[0] > 0


def softmax_range(count, grain, order, out, a, sizes, strides, in_place):
    from terox.parallel.softmax import softmax_range as learned

    if in_place:
        out = a
    made = trace_chunks(learned, count, grain, out, a, sizes=sizes, strides=strides, order=order)
    return {"out": out, "problems": problems(made)}


def softmax_back_range(count, grain, order, out, grad, y, sizes, strides, in_place):
    from terox.parallel.softmax import softmax_back_range as learned

    out = {"": out, "grad": grad, "y": y}[in_place]
    made = trace_chunks(learned, count, grain, out, grad, y, sizes=sizes, strides=strides, order=order)
    return {"out": out, "problems": problems(made)}


def softmax_compiled(backward, cuts, out, operands, sizes, strides):
    """The loop as machine code, in ranges of rows."""
    from terox.parallel import compiler, softmax

    loop = softmax.softmax_back_range if backward else softmax.softmax_range
    kernel = compiler.kernel(loop, ("float32",) * (1 + len(operands)))
    for begin, end in zip(cuts, cuts[1:]):
        kernel.serial(begin, end, out, *operands, *table(sizes, strides))
    return out


# ---- 3.6 ----


def roofline(function, arguments, options):
    """One figure, or the name of the error. A Cost is a dict of flop and bytes, both ways."""
    from terox.parallel import roofline as module

    given = [module.Cost(**each) if isinstance(each, dict) else tuple(each) if isinstance(each, list) else each
             for each in arguments]
    try:
        value = getattr(module, function)(*given, **options)
    except (ValueError, ZeroDivisionError, TypeError) as error:
        return {"raised": type(error).__name__}
    return {"flop": value.flop, "bytes": value.bytes} if isinstance(value, module.Cost) else value
