"""Task 5.2: the loop of fold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from planes import EXAMPLES, UNSET, Windows, columns_of, compare, cut, traced, windows

from course import check
from terox.nn.unfolding import fold_range

pytestmark = pytest.mark.task("5.2")


def counting(case):
    """1, 2, 3, ... as columns."""
    return np.arange(1.0, 1.0 + np.prod(case.of_columns)).reshape(case.of_columns)


def mistakes(case, columns):
    """Sentence -> a function that gives what comes of it."""
    right = case.fold(columns)
    turned = columns.transpose(0, 2, 1, 3, 4).reshape(columns.shape)
    across = columns.transpose(0, 1, 2, 4, 3).reshape(columns.shape)
    wrong = {
        "An element got the last one of its copies. It gets the sum of all of them.":
            lambda: case.fold(columns, add=False),
        "The planes were not set to 0 before: what was in the memory was added.": lambda: right + UNSET,
        "The copies were averaged; their sum is asked for.":
            lambda: right / np.maximum(case.fold(np.ones(case.of_columns)), 1.0),
        "i and j were taken for each other: in the columns j runs faster.": lambda: case.fold(turned),
        "y and x were taken for each other: in the columns x runs fastest.": lambda: case.fold(across),
        "Every plane got the columns of plane 0. The columns of a plane begin at plane * kernel_h * kernel_w * out_h * "
        "out_w.": lambda: np.broadcast_to(right[:1], right.shape),
        "An element that no window reaches was not written. It is 0.":
            lambda: np.where(case.fold(np.ones(case.of_columns)) == 0, UNSET, right),
    }
    return wrong | {sentence: lambda changes=changes: case.fold(columns, **changes)
                    for sentence, changes in case.changes().items()}


def judge(case, columns, at):
    chunks = cut(case.planes, at)
    out = np.full(int(np.prod(case.of_planes)), UNSET)
    ranges = " and ".join(f"{begin}, {end}" for begin, end in chunks[:2]) + (", ..." if len(chunks) > 2 else "")
    call = (f"fold_range({ranges}, out, columns, sizes, steps) for {case!r}; columns hold "
            f"{check.shown(columns.tolist(), 120)}")
    made = traced(fold_range, case, out, columns.reshape(-1).copy(), chunks, call)
    expected = case.fold(columns)

    def what(index, number):
        p, y, x = index
        place = int(np.ravel_multi_index(index, case.of_planes))
        copies = [columns[at] for at, to in case.links() if to == place]
        if number == UNSET:
            return f"Plane {p}, row {y}, column {x} was not written: what was in the memory before is still there."
        return (f"The first difference is at plane {p}, row {y}, column {x}: its copies in the columns are "
                f"{copies}.")

    compare(call, out, expected, mistakes(case, columns), what)
    for problem in made.problems:
        raise check.CheckFailed(call, note=problem.message)


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(made=(case, counting(case)), at=None)(example(made=(case, counting(case)), at=100)(test))
    return test


@given(made=windows().flatmap(lambda case: st.tuples(st.just(case), columns_of(case))),
       at=st.one_of(st.none(), st.integers(0, 2)))
@with_examples
def test_fold_range(made, at):
    """Each element of a plane is the sum of all its copies in the columns, and 0 where there are none."""
    judge(*made, at)


@given(case=windows(), begin=st.integers(0, 3), size=st.integers(0, 2))
@example(case=Windows((2, 2), (1, 2), planes=3), begin=1, size=1)
@example(case=Windows((2, 2), (1, 2), planes=3), begin=2, size=1)
def test_only_its_planes(case, begin, size):
    """fold_range writes planes number begin to end, and no others."""
    begin = min(begin, case.planes)
    end, columns = min(begin + size, case.planes), counting(case)
    out = np.full(int(np.prod(case.of_planes)), UNSET)
    fold_range(begin, end, out, columns.reshape(-1), case.sizes, case.steps)
    expected = case.fold(columns)
    expected[:begin], expected[end:] = UNSET, UNSET
    call = f"fold_range({begin}, {end}, out, columns, sizes, steps) for {case!r}"

    def what(index, number):
        p, y, x = index
        if begin <= p < end:
            return (f"Plane {p} is wrong, from row {y}, column {x} on. Its columns begin at p * kernel_h * kernel_w * "
                    "out_h * out_w.")
        return f"Row {y}, column {x} of plane {p} was written. Planes {begin} to {end}, without {end}, were asked for."

    compare(call, out, expected, {}, what)
