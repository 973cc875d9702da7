"""Task 4.2: which thread touches which element."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from geometry import COUNTS, contiguous, places, room, shapes, strides_for
from hypothesis import example, given
from hypothesis import strategies as st
from launching import described, threads

from course import check
from course.term import count as counted
from course.trace.gpu import trace_kernel
from terox.cuda.elementwise import map_kernel, zip_kernel

pytestmark = pytest.mark.task("4.2")

GRIDS = st.integers(1, 3)
BLOCKS = st.sampled_from([1, 2, 4, 8])


def one(x):
    return 2.0 * x


def two(x, y):
    return x - y


@st.composite
def work(draw):
    """(sizes, strides) of two or three operands, without stretched dimensions in the first one."""
    sizes = draw(shapes(most=40, dims=3))
    strides = [draw(strides_for(sizes, stretched=False))]
    return sizes, [*strides, *(draw(strides_for(sizes)) for _ in range(draw(st.integers(1, 2))))]


def traced(case, grid, block):
    """(the trace, a text for the call) of map_kernel or zip_kernel, by the number of operands."""
    sizes, strides = case
    kernel, fn = (map_kernel, one) if len(strides) == 2 else (zip_kernel, two)
    memory = [np.arange(room(sizes, each), dtype=np.float64) for each in strides]
    made = trace_kernel(kernel, grid, block, fn, *memory, math.prod(sizes), sizes, tuple(strides), once=True,
                        elements={"out": places(sizes, strides[0])})
    operands = ", ".join(("out", "a", "b")[: len(strides)])
    return made, (f"{kernel.__name__}(fn, {operands}, {math.prod(sizes)}, sizes={sizes}, strides={tuple(strides)}), "
                  f"{described(grid, block)}")


def small_examples(test):
    line = (1,)
    for case, grid, block in reversed([
            (((4,), [line, line]), 1, 4), (((8,), [line, line]), 1, 4), (((3,), [line, line]), 1, 4),
            (((8,), [line, line]), 2, 2), (((9,), [line, line, line]), 2, 4), (((3,), [line, line, line]), 2, 4),
            (((2, 3), [(3, 1), (1, 2), (0, 1)]), 1, 4), (((2, 3), [(1, 2), (3, 1)]), 2, 2)]):
        test = example(case=case, grid=grid, block=block)(test)
    return test


@given(case=work(), grid=GRIDS, block=BLOCKS)
@small_examples
def test_one_thread_for_each_element(case, grid, block):
    """Each element of out is written once, by one thread, and nothing is touched where no element lies."""
    made, call = traced(case, grid, block)
    for problem in made.problems:
        steps = (" A thread begins with the element of its own number, cuda.grid(1), and goes on in steps of the "
                 "number of all threads, cuda.gridsize(1): so each element belongs to one thread.")
        raise check.CheckFailed(call, note=problem.message + (steps if problem.kind == "race" else ""))


@given(case=work(), grid=GRIDS, block=BLOCKS)
@small_examples
def test_read_once(case, grid, block):
    """Each element of an operand is read once, however many threads there are."""
    sizes, strides = case
    made, call = traced(case, grid, block)
    for name, each in zip("ab", strides[1:]):
        wanted, reads = Counter(places(sizes, each)), made.counts(name)[0].tolist()
        for place, times in enumerate(reads):
            check.that(times == wanted[place], f"Place {place} of {name} was read {counted(times, 'time')}. " + (
                f"{counted(wanted[place], 'element')} of {math.prod(sizes)} {'lies' if wanted[place] == 1 else 'lie'} "
                "there. Memory is slow: read each once, into a variable if it is used twice."), call=call)


@given(case=work(), grid=GRIDS, block=BLOCKS)
@small_examples
def test_neighboring_threads_touch_neighbors(case, grid, block):
    """The thread with number n in the grid does element n, and goes on in steps of the number of all threads."""
    sizes, strides = case
    made, call = traced(case, grid, block)
    everyone = threads(grid, block)
    writers = made.writers("out")
    for number, place in enumerate(places(sizes, strides[0])):
        owner = number % len(everyone)
        got = [everyone.index(tuple(each)) for each in writers[place]]
        check.that(got == [owner], (
            f"Element {number} was written by thread number {', '.join(map(str, got)) or '-'} of the grid, and belongs "
            f"to number {owner}: thread n begins with element n, and goes on in steps of {len(everyone)}, the number "
            "of all threads. So the threads of a warp, which run in step, touch neighbors at the same time, and memory "
            "delivers them in one piece."), call=call)


@pytest.mark.parametrize("count", COUNTS)
def test_a_warp_gets_its_elements_in_one_piece(count):
    """Of contiguous operands, the 32 threads of a warp touch 32 neighbors together."""
    case = ((count,), [contiguous((count,))] * 3)
    made, call = traced(case, 1, 32)
    for name in ("out", "a", "b"):
        for access in made.warps(name):
            about = f"elements {check.shown(list(access.elements), 90)} of {name}, in {call}"
            check.equal(access.segments, 1, call=f"pieces of memory that a warp needs in {access.line}, for {about}",
                        note="Neighboring threads have to touch neighboring elements.")
