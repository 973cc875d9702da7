"""Task 5.2: the loop of fold."""

from __future__ import annotations

import numpy as np
import pytest
from convolutions import numbers
from hypothesis import example, given
from hypothesis import strategies as st
from planes import EXAMPLES, UNSET, Part, Windows, Work, compare, race_in, traced, windows

from course import check
from terox.nn.unfolding import fold_range

pytestmark = pytest.mark.task("5.2")


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


def judge(work):
    case, columns = work.windows, work.numbers
    out, call = np.full(int(np.prod(case.of_planes)), UNSET), f"fold_range{work!r}"
    made = traced(fold_range, work, out, call)
    expected = case.fold(columns)

    def what(index, number):
        race = race_in(made)
        if race:
            return race
        p, y, x = index
        place = int(np.ravel_multi_index(index, case.of_planes))
        copies = [columns[at].item() for at, to in case.links() if to == place]
        if number == UNSET:
            return f"Plane {p}, row {y}, column {x} was not written: what was in the memory before is still there."
        return (f"The first difference is at plane {p}, row {y}, column {x}: its copies in the columns are "
                f"{copies}.")

    compare(call, out, expected, mistakes(case, columns), what)
    for problem in made.problems:
        raise check.CheckFailed(call, note=problem.message)


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=Work(case, 100, fold=True))(example(case=Work(case, fold=True))(test))
    return test


@st.composite
def works(draw):
    case = draw(windows())
    return Work(case, draw(st.one_of(st.none(), st.integers(0, 2))), draw(numbers(*case.of_columns)), fold=True)


@given(case=works())
@with_examples
def test_fold_range(case):
    """Each element of a plane is the sum of all its copies in the columns, and 0 where there are none."""
    judge(case)


@given(case=st.builds(Part, windows(), st.integers(0, 3), st.integers(0, 2), st.just(True)))
@example(case=Part(Windows((2, 2), (1, 2), planes=3), 1, 1, fold=True))
@example(case=Part(Windows((2, 2), (1, 2), planes=3), 2, 1, fold=True))
def test_only_its_planes(case):
    """fold_range writes planes number begin to end, and no others."""
    of, begin, end = case.windows, case.begin, case.end
    out = np.full(int(np.prod(of.of_planes)), UNSET)
    fold_range(begin, end, out, case.numbers.reshape(-1), of.sizes, of.steps)
    expected = of.fold(case.numbers)
    expected[:begin], expected[end:] = UNSET, UNSET
    call = f"fold_range{case!r}"

    def what(index, number):
        p, y, x = index
        if begin <= p < end:
            return (f"Plane {p} is wrong, from row {y}, column {x} on. Its columns begin at p * kernel_h * kernel_w * "
                    "out_h * out_w.")
        return f"Row {y}, column {x} of plane {p} was written. Planes {begin} to {end}, without {end}, were asked for."

    compare(call, out, expected, {}, what)
