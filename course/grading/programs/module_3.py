"""What the sandbox runs for module 3: the learner's loops, as plain Python on small inputs, traced, and some compiled.

The programs of 3.4 to 3.6 stand in module_3_blocks.py.

Tracing says as data what results do not show: races, bounds, what is read how often. `problems` are the kinds of what
`course.trace` has found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course.grading.programs.module_3_blocks import (
    matmul_fetches,
    matmul_part,
    matmul_range,
    micro_kernel,
    micro_kernel_fetches,
    roofline,
    softmax_back_range,
    softmax_back_row,
    softmax_compiled,
    softmax_exp,
    softmax_range,
    softmax_row,
)
from course.grading.programs.tracing import patched, problems, table
from course.trace import trace, trace_chunks

__all__ = ["matmul_fetches", "matmul_part", "matmul_range", "micro_kernel", "micro_kernel_fetches", "roofline",
           "softmax_back_range", "softmax_back_row", "softmax_compiled", "softmax_exp", "softmax_range", "softmax_row"]


def add(x, y):
    return x + y


def times(x, y):
    return x * y


def larger(x, y):
    return x if x > y else y


def minus(x, y):
    return x - 2 * y


def weighted(*numbers):
    """Any number of arguments, each of which shows in the result."""
    total = 1.0
    for k, number in enumerate(numbers):
        total += (k + 2) * number
    return total


FUNCTIONS = {"add": add, "times": times, "larger": larger, "minus": minus}


# ---- 3.1 ----


def reorder(sizes, strides):
    from terox.parallel.coalescing import reorder as learned

    return _layout(learned, sizes, strides)


def coalesce(sizes, strides):
    from terox.parallel.coalescing import coalesce as learned

    return _layout(learned, sizes, strides)


def _layout(learned, sizes, strides):
    given = [tuple(operand) for operand in strides]
    before = list(given)
    found, steps = learned(tuple(sizes), given)
    return {"sizes": found, "strides": steps, "unchanged": given == before}


# ---- 3.2 ----


class Noted(np.ndarray):
    """Counts how often one element is taken from it or put into it by its place, and not through a slice."""

    def __array_finalize__(self, source):
        self.single = 0

    def __getitem__(self, key):
        self.single += not isinstance(key, slice)
        return self.view(np.ndarray)[key]

    def __setitem__(self, key, value):
        self.single += not isinstance(key, slice)
        self.view(np.ndarray)[key] = value


def zip_row(n, memory, lengths, places, steps, in_place):
    """One row: what it leaves in all memory, what the trace says, and whether neighbors are reached through slices."""
    from terox.parallel.elementwise import zip_row as learned

    operands = [array.copy() for array in memory]
    if in_place:
        operands[1] = operands[0]
    learned(minus, n, tuple(operands), np.array(places), np.array(steps))
    tight = [array[:length].copy() for array, length in zip(memory, lengths)]
    # The trace takes arrays, not a tuple of them.
    made = trace(_one_row, learned, n, *tight, np.array(places), np.array(steps), out="out",
                 elements={"out": [places[0] + i * steps[0] for i in range(n)]})
    single = []
    if steps == [1, 1, 1]:
        noted = [array.view(Noted) for array in tight]
        learned(minus, n, tuple(noted), np.array(places), np.array(steps))
        single = [array.single for array in noted]
    return {"memory": operands, "problems": problems(made), "single": single}


def _one_row(learned, n, out, a, b, places, steps):
    learned(minus, n, (out, a, b), places, steps)


def elementwise_range(begin, end, memory, sizes, strides):
    """A range: what is in memory afterwards, and the calls of `row`."""
    from terox.parallel.elementwise import elementwise_range as learned

    calls: list[Any] = []
    operands = tuple(array.copy() for array in memory)

    def row(fn, n, memory, places, steps):
        if len(calls) > end - begin:
            raise RuntimeError("row was called more often than there are elements")
        calls.append([int(n), _whole(places), _whole(steps), fn is weighted and len(memory) == len(operands) and
                      all(one is other for one, other in zip(memory, operands))])
        for i in range(n):
            memory[0][places[0] + i * steps[0]] = fn(*[memory[k][places[k] + i * steps[k]]
                                                       for k in range(1, len(memory))])

    learned(row, weighted, begin, end, operands, *table(sizes, strides))
    return {"memory": list(operands), "calls": sorted(calls)}


def elementwise_chunks(memory, count, grain, order, sizes, strides):
    """Ranges side by side, traced."""
    from terox.parallel.elementwise import elementwise_range as learned

    def two(row, fn, begin, end, out, a, sizes, strides):
        learned(row, fn, begin, end, (out, a), sizes, strides)

    def three(row, fn, begin, end, out, a, b, sizes, strides):
        learned(row, fn, begin, end, (out, a, b), sizes, strides)

    calls = [0]

    def row(fn, n, memory, places, steps):
        calls[0] += 1
        if calls[0] > count:
            raise RuntimeError("row was called more often than there are elements")
        for i in range(n):
            memory[0][places[0] + i * steps[0]] = fn(*[memory[k][places[k] + i * steps[k]]
                                                       for k in range(1, len(memory))])

    arrays = [array.copy() for array in memory]
    made = trace_chunks(two if len(arrays) == 2 else three, count, grain, *arrays, sizes=sizes, strides=strides,
                        leading=(row, weighted), order=order, once=True)
    return {"out": arrays[0], "problems": problems(made)}


def _whole(numbers):
    """Numbers as ints; those that are floats stay floats, which no place in memory may be."""
    return [int(each) if isinstance(each, (int, np.integer)) else float(each) for each in numbers]


def _numbered(begin, end, operands):
    for unit in range(begin, end):
        operands[0][unit] = unit


def parallel_for(count, grain, order):
    """The chunks; who writes which unit; and what each iteration does alone."""
    from terox.parallel.elementwise import parallel_for as learned

    found, operands = [], (object(),)

    def loop(begin, end, given):
        if len(found) > count + 2:
            raise RuntimeError("too many chunks")
        found.append([int(begin), int(end), given is operands])

    learned(loop, count, grain, operands)

    def traced(order):
        out = np.zeros(count)
        made = trace(learned, _numbered, count, grain, (out,), names=("loop", "count", "grain", "operands"),
                     out="operands[0]", once=True, order=order)
        return out, made

    out, made = traced(order)
    by = made.writers("operands[0]")
    borders = [bool(by[unit] != by[unit - 1]) for unit in range(1, count)]
    alone, steps = [], set()
    for number in range(-(-count // grain)):
        def one(iterations, number=number):
            steps.add(iterations.step)
            return list(iterations)[number : number + 1]

        out_alone, one_made = traced(one)
        done = [unit for unit, labels in enumerate(one_made.writers("operands[0]")) if labels]
        alone.append([done[0], done[-1] + 1] if done else [])
    return {"chunks": sorted(found), "out": out, "problems": problems(made), "in prange": all(map(bool, by)),
            "borders": borders, "alone": sorted(alone), "steps": sorted(steps)}


def launch(size, count, work):
    from terox.parallel import elementwise

    calls: list[Any] = []

    class Kernel:
        def serial(self, *args):
            calls.append(["serial", *args])

        def parallel(self, *args):
            calls.append(["parallel", *args])

    with patched(elementwise, GRAIN=elementwise.GRAIN if size is None else size):
        elementwise.launch(Kernel(), count, work, "memory", "sizes", "strides")
    return calls


def elementwise_compiled(sizes, strides, cases, memory):
    """The loops as machine code: in ranges, and in chunks at the same time. cases: begin, end, grain (0: serial)."""
    from terox.parallel import compiler, elementwise

    kernel = compiler.kernel(elementwise.elementwise_range, ("float32",) * 3, row=elementwise.zip_row, fn=minus)
    results = []
    for begin, end, grain in cases:
        operands = [array.copy() for array in memory]
        if grain:
            with patched(elementwise, GRAIN=grain):
                elementwise.launch(kernel, end, 1, *operands, *table(sizes, strides))
        else:
            kernel.serial(begin, end, *operands, *table(sizes, strides))
        results.append(operands[0])
    return results


# ---- 3.3 ----


def _plain(number):
    return number.item() if isinstance(number, np.generic) else number


def fold_row(fn, start, n, a, first, step):
    from terox.parallel.reduce import fold_row as learned

    made = trace(learned, FUNCTIONS[fn], start, n, a, first, step, read_only=("a",),
                 names=("fn", "start", "n", "a", "first", "step"))
    return {"value": _plain(made.result), "problems": problems(made)}


def fold_chain(n, step):
    """The longest chain of calls of fn, each of which waits for the one before."""
    from terox.parallel.reduce import fold_row as learned

    return float(learned(lambda x, y: max(x, y) + 1.0, 0.0, n, np.zeros(n * step), 0, step))


def reduce_range(fn, start, count, chunks, order, out, a, sizes, strides):
    from terox.parallel.reduce import reduce_range as learned

    made = trace_chunks(learned, count, [tuple(chunk) for chunk in chunks], out, a, sizes=sizes, strides=strides,
                        leading=(FUNCTIONS[fn], start), once=True, order=order)
    return {"out": out, "problems": problems(made)}


def partial_range(fn, start, block, count, chunks, order, out, a, n, step):
    from terox.parallel import reduce

    with patched(reduce, BLOCK=block):
        made = trace_chunks(reduce.partial_range, count, [tuple(chunk) for chunk in chunks], out, a, sizes=[n],
                            strides=[[0], [step]], leading=(FUNCTIONS[fn], start), once=True, order=order,
                            elements={"out": range(count)})
    return {"out": out, "problems": problems(made)}
