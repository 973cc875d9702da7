"""Programs of task 3.5: softmax, row by row."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from course.grading.programs.tracing import patched, problems
from course.trace import trace, trace_chunks


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
        kernel.serial(begin, end, out, *operands, np.array(sizes, np.int64), np.array(strides, np.int64))
    return out
