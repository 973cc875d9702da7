"""Task 4.5: what the threads read and write, by tracing: barriers, bounds, passes over global memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_softmax import NUMBER, Rows, lengths_near, many_rows, rows_close, tolerance
from hypothesis import example, given
from hypothesis import strategies as st

from course import check

pytestmark = pytest.mark.task("4.5")


def values_for(case, seed):
    return np.random.default_rng(seed).integers(-12, 13, case.sizes) / 4


EXAMPLES = [
    Rows((1, 2), block=2), Rows((1, 4), block=2), Rows((1, 5), block=4), Rows((1, 3), block=4), Rows((1, 1), block=4),
    Rows((2, 4), block=4), Rows((2, 3), (3, 1), (4, 1), block=2), Rows((2, 3), (1, 2), (3, 1), block=2),
    Rows((2, 2, 3), (6, 3, 1), (3, 6, 1), block=4), Rows((1, 6), (12, 2), (6, 1), block=4), Rows((1, 5), block=1),
]


def examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case, more=False, seed=1)(test)
    return test


@given(case=st.sampled_from([1, 2, 4]).flatmap(lambda block: many_rows(block, lengths_near(block))), more=st.booleans(),
       seed=st.integers(0, 99))
@examples
def test_traced(case, more, seed):
    """No race, no thread kept from a barrier, no place outside of a row, each result written once; with blocks of any
    size, also smaller ones than BLOCK.
    """
    out, a = case.memories(values_for(case, seed))
    rows = case.read(a, 1)
    case.checked((out, a), case.block * 2 if more else None)
    rtol, atol = (max(each) for each in zip(*(tolerance(row, case.kind, case.sizes[-1]) for row in rows)))
    rows_close([x for row in case.read(out, 0) for x in row], rows, rtol, atol,
               check.Whole(f"{case!r}, with BLOCK = {case.block * 2 if more else case.block}"))


@given(block=st.sampled_from([1, 2, 4]), length=st.integers(1, 13), rows=st.integers(1, 3))
@example(block=4, length=4, rows=1)
@example(block=4, length=9, rows=2)
@example(block=2, length=1, rows=1)
def test_passes(block, length, rows):
    """Each element is read twice: once for maximum and sum together, once for the result, by one thread. No result is
    read again.
    """
    case = Rows((rows, length), block=block)
    made = case.checked(case.memories(values_for(case, 0)))
    reads, _ = made.counts("a")
    check.that(reads.max() <= 2, f"An element of `a` is read {reads.max()} times, and twice is enough: maximum and sum "
               "are found together, by join, and each thread has elements of its own.", call=repr(case))
    written = made.counts("out")[0].max()
    check.that(written == 0, "Results are read again. Divide before you write them.", call=repr(case))


@pytest.mark.parametrize("block", [4, 8])
def test_coalesced(block):
    """Neighboring threads have neighboring elements: thread t has t, t + threads, ..."""
    case = Rows((1, 3 * block), block=block)
    made = case.checked(case.memories(values_for(case, 1)))
    for name in ("a", "out"):
        for access in made.warps(name, warp=block):
            check.that(max(access.elements) - min(access.elements) < block, f"Neighboring threads touch elements of "
                       f"`{name}` that are not neighbors. Thread t has the elements t, t + threads, ...",
                       call=repr(case), got=f"elements {list(access.elements)} of `{name}`, at {access.line}")


@given(row=st.lists(NUMBER, min_size=1, max_size=6), other=st.sampled_from([math.nan, math.inf, -math.inf, 500.0]))
@example(row=[1.0, 2.0], other=math.nan)
def test_rows_are_independent(row, other):
    """What is in other rows does not change a row's results."""
    case = Rows((3, len(row)), block=2)
    results = []
    for fill in (0.0, other):
        out, a = case.memories(np.array([[fill] * len(row), row, [fill] * len(row)]))
        case.checked((out, a))
        results.append(case.read(out, 0)[1])
    check.equal(results[1], results[0], call=f"the results of the row {row}, between two rows of {other}",
                note="Between two rows of 0, they are others.")
