"""Task 3.3: one row, folded with many lanes."""

from __future__ import annotations

import numpy as np
import pytest
from folds import KINDS, compare, known, numbers_for
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.check import CheckFailed
from course.trace import trace
from terox.parallel.reduce import LANES, fold_row

pytestmark = pytest.mark.task("3.3")

FLOAT32, FLOAT64, INT64, PRODUCT, MAX, MAX_INT = KINDS
TOO_LONG = 2.0**24  # 2**24 + 1 is not a float32


class Row:
    """A row in memory, with other numbers before it, between its elements and after it."""

    def __init__(self, kind, n, first=0, step=1, seed=(1, -2, 3, 5, -8, 13, 21)):
        self.kind, self.n, self.first, self.step = kind, n, first, step
        self.places = [first + i * step for i in range(n)]
        room = max([first, *(place + 1 for place in self.places)]) + 2
        self.memory = [kind.guard] * room
        for i, place in enumerate(self.places):
            self.memory[place] = seed[i % len(seed)]
        self.numbers = [self.memory[place] for place in self.places]
        self.a = np.array(self.memory, kind.dtype)

    def __repr__(self):
        return (f"fold_row({self.kind}, n={self.n}, a, first={self.first}, step={self.step}); a holds "
                f"{self.kind.dtype}")


@st.composite
def rows(draw):
    kind = draw(st.sampled_from(KINDS))
    n = draw(st.one_of(st.integers(0, 3 * LANES + 3), st.integers(0, 9), st.sampled_from([LANES, 2 * LANES])))
    return Row(kind, n, draw(st.integers(0, 3)), draw(st.sampled_from([1, 1, 2, 3, 0])), draw(numbers_for(kind)))


def large_and_small(n, large=TOO_LONG):
    """LANES large numbers, then ones, then LANES times the opposite of the large number. Ones are lost beside it."""
    return [large] * LANES + [1] * (n - 2 * LANES) + [-large] * LANES


@given(rows())
@example(Row(FLOAT32, 0))
@example(Row(MAX, 0, first=2))
@example(Row(FLOAT64, 7, first=1))
@example(Row(FLOAT64, 1, first=1))
@example(Row(FLOAT64, LANES - 1))
@example(Row(FLOAT64, LANES))
@example(Row(FLOAT64, LANES + 1))
@example(Row(FLOAT64, 2 * LANES + 5, first=1))
@example(Row(FLOAT64, 2 * LANES + 5, step=2))
@example(Row(FLOAT64, LANES, first=3, step=3))
@example(Row(FLOAT64, LANES + 7, step=0))
@example(Row(FLOAT32, 3 * LANES + 5, seed=large_and_small(3 * LANES + 5)))
@example(Row(FLOAT32, 4 * LANES + 9, first=1, step=2, seed=large_and_small(4 * LANES + 9)))
@example(Row(FLOAT32, LANES + 9, seed=[1] * LANES + [TOO_LONG, 1, 1, 1, 1, 1, 1, 1, 1]))
@example(Row(PRODUCT, 5, seed=[2]))
@example(Row(PRODUCT, LANES, seed=[2, 1, -1]))
@example(Row(MAX, LANES + 2, seed=[-9, -8, -7]))
@example(Row(INT64, LANES + 2, seed=[2**53 + 1, 2**53 + 3, -(2**53) - 7]))
@example(Row(MAX_INT, LANES + 2, seed=[-(2**62) + 1, -(2**62) + 3]))
def test_fold_row(row):
    """fold_row folds the n elements of its row, each of them once, and no other number; nothing is lost to rounding."""
    made = trace(fold_row, row.kind.fn, row.kind.start, row.n, row.a, row.first, row.step, read_only=("a",),
                 names=("fn", "start", "n", "a", "first", "step"))
    check_bounds(row, made)
    expected = row.kind.fold(row.numbers)
    compare(repr(row), row.kind, made.result, expected, row.numbers,
            (row, made), known_of, what_was_read)


@pytest.mark.parametrize("step", [1, 2])
def test_fold_row_in_lanes(step):
    """A long row is folded in LANES lanes side by side, so that no element waits for all those before it."""
    n = 64 * LANES

    def longer(x, y):
        return max(x, y) + 1.0  # how many calls of fn, one after the other, led to this value

    chain = fold_row(longer, 0.0, n, np.zeros(n * step), 0, step)
    check.that(chain <= n // LANES + 4 * LANES,
               f"The longest chain of calls, each of which waits for the one before, has {chain:.0f} links. "
               f"With LANES = {LANES} lanes side by side, each has {n // LANES}, and a few more fold the lanes.",
               call=f"fold_row(fn, start, n={n}, a, first=0, step={step})")


def check_bounds(row, made):
    for problem in made.problems:
        note = f" A row of {row.n} has {groups(row)}." if problem.array == "a" else ""
        raise CheckFailed(repr(row), note=problem.message + note)


def groups(row):
    whole = row.n // LANES
    return f"{whole} whole group{'s' * (whole != 1)} of {LANES} elements, and {row.n % LANES} elements behind them"


def known_of(row, made):
    return known(row.kind, row.numbers, row.memory, row.first, row.step)


def what_was_read(row, made):
    """Which elements were left out or taken twice, if that explains the result."""
    reads = made.counts("a")[0]
    for i, place in enumerate(row.places):
        if reads[place] == 0:
            return (f"Element {i} of the row, at place {place} of a, was never read. A row of {row.n} has "
                    f"{groups(row)}.")
    for place in range(len(row.memory)):
        if reads[place] and place not in row.places:
            return f"Place {place} of a was read, and holds no element of the row: they lie at first + i * step."
    for i, place in enumerate(row.places):
        if reads[place] > 1 and row.step:
            return f"Element {i} of the row was read {reads[place]} times."
    return "Every element was read once. Is each folded into its lane, and each lane into the result?"
