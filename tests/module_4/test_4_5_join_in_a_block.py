"""Task 4.5: the parts of all threads of a block become one, by tracing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_softmax import NUMBER, joined, part_of
from hypothesis import example, given
from hypothesis import strategies as st
from launching import few_threads

from course import check
from course.check import Whole
from course.term import count
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda import softmax

pytestmark = pytest.mark.task("4.5")


def each_gets(kind, out, maxima_given, sums_given):
    """out: two numbers for each thread, once for each call. What is given: one number for each thread and call."""
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    for call in range(out.shape[0] // (2 * threads)):
        i = call * threads + t
        got = softmax.block_join(kind, maxima_given[i], sums_given[i])
        if not isinstance(got, tuple) or len(got) != 2:
            raise check.CheckFailed("block_join(kind, top, total)", check.shown(got), note="Every thread gets a pair, "
                                    "(top, total)." + (" Is a `return` missing?" if got is None else ""))
        out[2 * i] = got[0]
        out[2 * i + 1] = got[1]


def traced(out, maxima_given, sums_given, threads, most, call):
    """Run block_join traced, in each_gets. Raises CheckFailed with the first problem."""
    made = trace_kernel(each_gets, 1, threads, np.float64, out, maxima_given, sums_given, constants={"BLOCK": most})
    for problem in made.problems:
        few = few_threads(threads, most) if problem.kind == "not initialized" else ""
        raise check.CheckFailed(call, note=f"{problem.message} {few}".rstrip())
    return made


def overwritten(parts):
    """The total of all parts, if in each step of the tree the total is joined after the top was replaced."""
    parts = list(parts)
    while len(parts) > 1:
        half, joined_parts = len(parts) // 2, []
        for (one_top, one), (two_top, two) in zip(parts[:half], parts[half:]):
            top = max(one_top, two_top)
            joined_parts.append((top, one + (two * math.exp(two_top - top) if top > -math.inf else 0)))
        parts = joined_parts
    return parts[0][1]


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
    out, most = np.full(2 * threads * calls, np.nan), max(most, threads)
    call = Whole(f"block_join, {count(threads, 'thread')}, BLOCK = {most}, called {count(calls, 'time')}; the parts "
                 f"are {', '.join(f'({top:.6g}, {total:.6g})' for top, total in parts[0])}")
    traced(out, tops, totals, threads, most, call)
    for number in range(calls):
        top, total = joined(rows[number])
        for t in range(threads):
            got = out[2 * (number * threads + t) :][:2].tolist()
            where = Whole(f"{call}: what thread {t} gets" + (f" from call {number + 1}" if calls > 1 else ""))
            own = parts[number][t]
            note = "That is the thread's own part. Every thread gets the one of all." if threads > 1 and \
                np.allclose(got, own, equal_nan=True) and not np.allclose(own, (top, total)) else None
            if top == -math.inf:
                check.that(got[0] == -math.inf and math.isfinite(got[1]), "No thread has elements: top is -inf, and "
                           "total is finite.", call=where, got=got)
                continue
            check.close(got[0], top, rtol=0.0, atol=0.0, call=Whole(f"{where}, top"), note=note)
            check.close(got[1], total, rtol=1e-13, atol=0.0, call=Whole(f"{where}, total"), note=note, mistakes={
                "The total was joined after the top had been replaced. join needs both tops as they were: call it "
                "once, and write both of its results.": overwritten(parts[number])})


@pytest.mark.parametrize("threads", [2, 8])
def test_block_join_memory(threads):
    """Shared memory has a place for a top and a total of each of BLOCK threads, whatever the block."""
    numbers, most = np.arange(float(threads)), 16
    call = f"block_join, {count(threads, 'thread')}, BLOCK = {most}"
    made = traced(np.zeros(2 * threads), numbers, numbers + 1.0, threads, most, call)
    places = sum(made.counts(name)[0].size for name in made.shared)
    check.that(places == 2 * most, f"It has {places} places. Take two arrays, cuda.shared.array(BLOCK, kind), each on "
               "a line of its own, or one of (2, BLOCK): BLOCK is a constant, and the size of shared memory has to be "
               "known when the kernel is compiled.", call=call, got=made.shared)
