"""Task 5.2: the loop of unfold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from planes import EXAMPLES, UNSET, Part, Windows, Work, compare, race_in, traced, windows

from course import check
from terox.nn.unfolding import unfold_range

pytestmark = pytest.mark.task("5.2")


def mistakes(case, planes):
    """Sentence -> a function that gives what comes of it."""
    right = case.unfold(planes)
    kernel_h, kernel_w, out_h, out_w = case.of_columns[1:]
    split = (case.planes, kernel_w, kernel_h, out_h, out_w)
    wrong = {sentence: lambda changes=changes: case.unfold(planes, **changes)
             for sentence, changes in case.changes().items()}
    wrong |= {
        "i and j were taken for each other: row r belongs to j = r % kernel_w, and i is what comes before it.":
            lambda: right.transpose(0, 2, 1, 3, 4).reshape(right.shape),
        "x runs along a row of the result fastest, and y is the outer loop.":
            lambda: right.transpose(0, 1, 2, 4, 3).reshape(right.shape),
        "Every row got the elements of plane 0. Which plane a row has follows from its number.":
            lambda: np.broadcast_to(right[:1], right.shape),
        "A row's number was divided by kernel_h where it has to be kernel_w.":
            lambda: right.transpose(0, 2, 1, 3, 4).reshape(split).transpose(0, 2, 1, 3, 4),
    }
    return wrong


def judge(work):
    case, planes = work.windows, work.numbers
    out, call = np.full(int(np.prod(case.of_columns)), UNSET), f"unfold_range{work!r}"
    made = traced(unfold_range, work, out, call)
    expected = case.unfold(planes)

    def what(index, number):
        race = race_in(made)
        if race:
            return race
        p, i, j, y, x = index
        row = (p * case.kernel[0] + i) * case.kernel[1] + j
        place = dict(case.links())[index]
        where = "lies outside of the plane, so it is 0" if place is None else f"is a[{place}] = {planes.flat[place]:g}"
        if number == UNSET:
            return (f"Plane {p}, i = {i}, j = {j}, y = {y}, x = {x}, in row {row}, was not written: what was in the "
                    f"memory before is still there. It {where}.")
        return f"The first difference is at plane {p}, i = {i}, j = {j}, y = {y}, x = {x}, in row {row}: it {where}."

    compare(call, out, expected, mistakes(case, planes), what)
    for problem in made.problems:
        raise check.CheckFailed(call, note=problem.message)


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=Work(case, 100))(example(case=Work(case))(test))
    return test


@given(case=st.builds(Work, windows(), st.one_of(st.none(), st.integers(0, 12))))
@with_examples
@example(case=Work(EXAMPLES[4], 4))
def test_unfold_range(case):
    """out[plane, i, j, y, x] is the element that row i, column j of window (y, x) stands on, and 0 outside."""
    judge(case)


@given(case=st.builds(Part, windows(), st.integers(0, 12), st.integers(0, 4)))
@example(case=Part(Windows((3, 3), (2, 2)), 1, 2))
@example(case=Part(Windows((2, 2), (2, 2), planes=2), 3, 3))
def test_only_its_rows(case):
    """unfold_range writes rows number begin to end, and no others."""
    of, begin, end = case.windows, case.begin, case.end
    out = np.full(int(np.prod(of.of_columns)), UNSET)
    unfold_range(begin, end, out, case.numbers.reshape(-1), of.sizes, of.steps)
    expected = of.unfold(case.numbers).reshape(case.count, -1)
    expected[:begin], expected[end:] = UNSET, UNSET
    call = f"unfold_range{case!r}"

    def what(index, number):
        row, place = index
        if begin <= row < end:
            return f"Row {row} is wrong from its element {place} on. A row begins at place row * out_h * out_w."
        return f"Element {place} of row {row} was written. Rows {begin} to {end}, without {end}, were asked for."

    compare(call, out, expected, {}, what)
