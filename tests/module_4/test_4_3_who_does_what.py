"""Task 4.3: which thread of which block reads which element, and who writes the result."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from block_folds import SUM, UNSET, Work, works
from hypothesis import example, given

from course import check
from course.check import CheckFailed
from course.trace.gpu import trace_kernel
from terox.cuda.reduce import reduce_kernel

pytestmark = pytest.mark.task("4.3")


def traced(work):
    out, a = np.full(work.blocks, UNSET, work.kind.dtype), np.array(work.memory, work.kind.dtype)
    return trace_kernel(reduce_kernel, work.blocks, work.block, *work.bound().values(), *work.arguments(out, a),
                        once=True)


def small_examples(test):
    for work in reversed([
            Work(SUM, (1,), (4,), block=4), Work(SUM, (1,), (9,), block=4), Work(SUM, (1,), (2,), block=4),
            Work(SUM, (3,), (5,), block=2), Work(SUM, (2,), (7,), parts=2, block=2),
            Work(SUM, (2,), (3,), parts=3, block=2), Work(SUM, (3,), (4,), (1, 3), block=2),
            Work(SUM, (2,), (5,), (5, 0), block=2), Work(SUM, (2,), (33,), parts=2, block=8)]):
        test = example(work=work)(test)
    return test


@given(work=works(most=33))
@small_examples
def test_no_thread_in_the_way_of_another(work):
    """No race, no index out of range, no barrier that some threads miss; out[b] is written once, by one thread."""
    for problem in traced(work).problems:
        raise CheckFailed(repr(work), note=problem.message)


@given(work=works(most=33))
@small_examples
def test_each_element_by_its_thread(work):
    """Thread t of part p reads element p * threads + t, and so on in steps of the threads of all parts, once each."""
    made = traced(work)
    wanted = Counter(work.firsts[result] + step for result in range(work.results) for step in work.steps)
    for place, times in enumerate(made.counts("a")[0].tolist()):
        check.that(times == wanted[place], f"Place {place} of a was read {times} times, and {wanted[place]} of the "
                   "elements that are folded lie there. Each is read once.", call=repr(work))
    readers = made.readers("a")
    wanted_by = [set() for _ in readers]
    for result in range(work.results):
        for i in range(work.length):
            owner = (result * work.parts + i // work.block % work.parts, i % work.block)
            wanted_by[work.firsts[result] + work.steps[i]].add(owner)
    for place, (got, right) in enumerate(zip(readers, wanted_by)):
        got = {(each[0].x, each[1].x) for each in got}
        check.that(got == right, f"Place {place} of a was read by {_named(got)}, and belongs to {_named(right)}. With "
                   "such steps, the threads of a warp read neighbors at the same time, and memory delivers them in one "
                   "piece.", call=repr(work))


def _named(pairs):
    return " and ".join(f"thread {thread} of block {block}" for block, thread in sorted(pairs))
