"""Task 4.5: the parts of all threads of a block become one, by tracing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_softmax import NUMBER, joined, part_of
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda import softmax

pytestmark = pytest.mark.task("4.5")


def each_gets(kind, out, tops, totals):
    """out: two numbers for each thread, once for each call. tops and totals: one number for each thread and call."""
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    for call in range(out.shape[0] // (2 * threads)):
        i = call * threads + t
        top, total = softmax.block_join(kind, tops[i], totals[i])
        out[2 * i] = top
        out[2 * i + 1] = total


EMPTY = []
rows_of_threads = st.lists(st.one_of(st.just(EMPTY), st.lists(NUMBER, min_size=1, max_size=3)), min_size=8, max_size=8)


@given(elements=rows_of_threads, threads=st.sampled_from([1, 2, 4, 8]), most=st.sampled_from([8, 16]),
       calls=st.sampled_from([1, 2, 3]))
@example(elements=[[1.0]] * 8, threads=2, most=2, calls=1)
@example(elements=[[2.0], [1.0]] * 4, threads=2, most=2, calls=1)
@example(elements=[[float(n)] for n in range(8)], threads=4, most=4, calls=1)
@example(elements=[[float(n)] for n in range(8)], threads=8, most=8, calls=1)
@example(elements=[[float(n)] for n in range(8)], threads=4, most=8, calls=1)
@example(elements=[[float(n)] for n in range(8)], threads=4, most=4, calls=2)
@example(elements=[[3.0], EMPTY, EMPTY, [1.0, 2.0]] * 2, threads=4, most=4, calls=1)
@example(elements=[EMPTY] * 8, threads=4, most=4, calls=2)
@example(elements=[[1.0, 3.0]] * 8, threads=1, most=8, calls=2)
def test_block_join(elements, threads, most, calls):
    """The parts of all threads, joined, in every thread; no race, also where it is called again."""
    parts = [[part_of([x + call for x in row]) for row in elements[:threads]] for call in range(calls)]
    rows = [[[x + call for x in row] for row in elements[:threads]] for call in range(calls)]
    tops, totals = (np.array([part[which] for call in parts for part in call]) for which in (0, 1))
    out = np.full(2 * threads * calls, np.nan)
    made = trace_kernel(each_gets, 1, threads, np.float64, out, tops, totals, constants={"BLOCK": max(most, threads)})
    made.check()
    call = (f"block_join, {threads} thread{'s' if threads > 1 else ''}, BLOCK = {max(most, threads)}, called {calls} "
            f"time{'s' if calls > 1 else ''}; the parts are {[tuple(map(float, part)) for part in parts[0]]}")
    for number in range(calls):
        top, total = joined(rows[number])
        for t in range(threads):
            got = out[2 * (number * threads + t) :][:2].tolist()
            where = f"{call}: what thread {t} gets" + (f" from call {number + 1}" if calls > 1 else "")
            own = parts[number][t]
            note = "That is the thread's own part. Every thread gets the one of all." if threads > 1 and \
                np.allclose(got, own, equal_nan=True) and not np.allclose(own, (top, total)) else None
            if top == -math.inf:
                check.that(got[0] == -math.inf and math.isfinite(got[1]), "No thread has elements: top is -inf, and "
                           "total is finite.", call=where, got=got)
                continue
            check.close(got[0], top, rtol=0.0, atol=0.0, call=f"{where}, top", note=note)
            check.close(got[1], total, rtol=1e-13, atol=0.0, call=f"{where}, total", note=note)


@pytest.mark.parametrize("threads", [2, 8])
def test_block_join_memory(threads):
    """Two arrays in shared memory: one for maxima, one for totals."""
    numbers = np.arange(float(threads))
    out = np.zeros(2 * threads)
    made = trace_kernel(each_gets, 1, threads, np.float64, out, numbers, numbers + 1.0, constants={"BLOCK": threads})
    made.check()
    check.that(len(made.shared) == 2, "block_join takes two arrays in shared memory: cuda.shared.array(BLOCK, kind), "
               "each on a line of its own.", got=made.shared)
