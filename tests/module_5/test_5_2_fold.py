"""Task 5.2: the loop of fold."""

from __future__ import annotations

import numpy as np
import pytest
from convolutions import numbers
from hypothesis import example, given
from hypothesis import strategies as st
from loops_as_formulas import UNSET, folded
from planes import EXAMPLES, Part, Windows, Work, compare, race_in, traced, windows, words_of
from slips import FOLD_SLIPS

from course import check
from terox.nn.unfolding import fold_range

pytestmark = pytest.mark.task("5.2")


def mistakes(case, columns):
    """(sentence, what comes of it, the place outside of the memory at which it ends or None)."""
    right, copies = case.fold(columns), case.fold(np.ones(case.of_columns))
    for words, changes in FOLD_SLIPS:
        yield words, *folded(case, columns, changes)
    last = folded(case, columns, add=False)
    yield "An element got the last one of its copies. It gets the sum of all of them.", *last
    yield "The copies were subtracted; their sum is asked for.", -right, None
    yield "The copies were averaged; their sum is asked for.", right / np.maximum(copies, 1.0), None
    yield "An element that no window reaches was not written. It is 0.", np.where(copies == 0, UNSET, right), None


def judge(work):
    case, columns = work.windows, work.numbers
    out, call = np.full(int(np.prod(case.of_planes)), UNSET), f"fold_range{work!r}"
    expected = case.fold(columns)

    def slips():
        return mistakes(case, columns)

    made = traced(fold_range, work, out, call, expected, slips)

    def what(index, number):
        race = race_in(made)
        if race:
            return race
        p, y, x = index
        if (out.reshape(case.planes, -1)[p] == UNSET).all():
            return f"Plane {p} was not written at all. A call does the planes from begin to end, without end."
        place = int(np.ravel_multi_index(index, case.of_planes))
        links = [at for at, to in case.links() if to == place]
        copies = " + ".join(f"{columns[at]:g}" for at in links) or "none, so that it is 0"
        where = f"Plane {p}, row {y}, column {x} has the copies {copies}"
        if number == UNSET:
            return f"{where}. It was not written: what was in the memory before is still there."
        more = "" if not links else "; the first of them has i = {}, j = {}, y = {}, x = {}".format(*links[0][1:])
        return f"{where}{more}. Here it is {number:g}."

    compare(call, out, expected, slips, what)
    for problem in made.problems:
        raise check.CheckFailed(call, note=words_of(problem))


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

    compare(call, out, expected, tuple, what)
