"""Task 5.2: the loop of unfold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from loops_as_formulas import UNSET, unfolded
from planes import EXAMPLES, Part, Windows, Work, compare, race_in, traced, windows, words_of
from slips import UNFOLD_SLIPS

from course import check
from terox.nn.unfolding import unfold_range

pytestmark = pytest.mark.task("5.2")


def judge(work):
    case, planes = work.windows, work.numbers
    out, call = np.full(int(np.prod(case.of_columns)), UNSET), f"unfold_range{work!r}"
    expected = case.unfold(planes)

    def slips():
        return ((words, *unfolded(case, planes, changes)) for words, changes in UNFOLD_SLIPS)

    made = traced(unfold_range, work, out, call, expected, slips)

    def what(index, number):
        race = race_in(made)
        if race:
            return race
        p, i, j, y, x = index
        row = (p * case.kernel[0] + i) * case.kernel[1] + j
        place = dict(case.links())[index]
        right = "outside of the plane, so it is 0" if place is None else f"on a[{place}] = {planes.flat[place]:g}, " \
            f"{case.at(place)}"
        units = out.reshape(-1, case.counts[0] * case.counts[1])
        if (units[row] == UNSET).all():
            return f"Row {row} was not written at all. A call does the rows from begin to end, without end."
        right = f"At plane {p}, i = {i}, j = {j}, y = {y}, x = {x}, in row {row}, the window stands {right}."
        if number == UNSET:
            return f"{right} Nothing was written there: what was in the memory before is still there."
        stands = np.flatnonzero(planes == number)
        return f"{right} Here it is {number:g}" + (f", as at {case.at(stands[0])}." if len(stands) == 1 else ".")

    compare(call, out, expected, slips, what)
    for problem in made.problems:
        raise check.CheckFailed(call, note=words_of(problem))


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=Work(case, 100))(example(case=Work(case))(test))
    return test


@given(case=st.builds(Work, windows(), st.one_of(st.none(), st.integers(0, 12))))
@with_examples
@example(case=Work(EXAMPLES[2], 4))
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

    compare(call, out, expected, tuple, what)
