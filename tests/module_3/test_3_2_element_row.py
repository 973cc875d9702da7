"""Task 3.2: one row of elements."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import memory_of

from course import check
from course.trace import trace
from terox.parallel.elementwise import zip_row

pytestmark = pytest.mark.task("3.2")


class Row(NamedTuple):
    """How many elements; of out, a and b, the place of the first element and the step to the next."""

    n: int
    places: list
    steps: list

    def __repr__(self):
        return f"zip_row(fn, {self.n}, (out, a, b), places={self.places}, steps={self.steps})"


def minus(x, y):
    return x - 2 * y


@st.composite
def rows(draw):
    """Rows of three operands."""
    n = draw(st.integers(1, 6))
    steps = [draw(st.sampled_from([1, 2, 3] if n > 1 else [1, 2, 0]))]
    steps += [draw(st.sampled_from([1, 0, 2, 3])) for _ in range(2)]
    if draw(st.booleans()):
        steps = [1, 1, 1]
    return Row(n, [draw(st.integers(0, 4)) for _ in range(3)], steps)


def row_examples(test):
    for case in reversed([(3, [0, 0, 0], [1, 1, 1]), (3, [1, 2, 3], [1, 1, 1]), (1, [0, 0, 0], [1, 1, 1]),
                 (1, [0, 0, 0], [0, 0, 0]), (3, [0, 0, 0], [2, 2, 2]), (3, [0, 0, 0], [2, 1, 1]),
                 (3, [0, 0, 0], [1, 2, 1]), (3, [0, 0, 0], [1, 1, 2]), (3, [0, 0, 0], [1, 0, 1]),
                 (3, [0, 0, 0], [1, 1, 0]), (3, [0, 0, 0], [1, 0, 0]), (4, [2, 1, 0], [3, 2, 1])]):
        test = example(case=Row(*case))(test)
    return test


def lengths_of(n, where, steps):
    return [place + (n - 1) * step + 1 for place, step in zip(where, steps)]


@given(case=rows())
@row_examples
def test_zip_row(case):
    """n elements of out are fn(a, b), each operand with its own first place and its own step; all else stays."""
    n, where, steps = case
    memory = memory_of(lengths_of(*case))
    before = [each.tolist() for each in memory]

    def filled(n=n, where=where, steps=steps, fn=minus, place=lambda first, i, step: first + i * step):
        out = list(before[0])
        for i in range(n):
            o, p, q = (place(first, i, step) for first, step in zip(where, steps))
            if any(at >= len(numbers) for at, numbers in zip((o, p, q), before)):
                return None
            out[o] = fn(before[1][p], before[2][q])
        return out

    zip_row(minus, n, tuple(memory), np.array(where), np.array(steps))
    right = filled()
    mistakes = {
        "out is as it was before.": before[0],
        "The two arguments of fn have changed places: it is fn(a, b).": filled(fn=lambda x, y: minus(y, x)),
        "The last element is missing.": filled(n - 1),
        "That is one element too many.": filled(n + 1),
        "Slices are for the case in which all three steps are 1. Otherwise, each element's place is places[k] + i * "
        "steps[k].": filled(steps=[1, 1, 1]),
        "The first places were left out: element i lies at places[k] + i * steps[k].": filled(where=[0, 0, 0]),
        "The step of out was taken for all operands. Each has its own.": filled(steps=[steps[0]] * 3),
        "The steps of a and b have changed places.": filled(steps=[steps[0], steps[2], steps[1]]),
        "The step of a was taken for b as well. Each operand has its own.": filled(steps=[*steps[:2], steps[1]]),
        "The step of b was taken for a as well. Each operand has its own.":
            filled(steps=[steps[0], steps[2], steps[2]]),
        "The step of out was not used. Each operand has its own.": filled(steps=[1, *steps[1:]]),
        "The first places of a and b have changed places.": filled(where=[where[0], where[2], where[1]]),
        "The first place of out was taken for all operands. Each has its own.": filled(where=[where[0]] * 3),
        "The first place is added to the number of steps, and belongs outside: places[k] + i * steps[k].":
            filled(place=lambda first, i, step: (first + i) * step),
    }
    check.equal(memory[0].tolist(), right, call=f"out after {case}",
                mistakes={text: wrong for text, wrong in mistakes.items() if wrong not in (None, right)})
    for name, after, old in zip("ab", memory[1:], before[1:]):
        check.equal(after.tolist(), old, call=f"{name} after {case}", note="An operand is only read.")


@given(case=rows())
@row_examples
def test_zip_row_in_place(case):
    """out may be the memory of an operand, as in a += b."""
    n, where, steps = case
    where, steps = [where[0], where[0], where[2]], [steps[0] or 1, steps[0] or 1, steps[2]]
    out, _, b = memory_of(lengths_of(n, where, steps))
    right = out.tolist()
    for i in range(n):
        right[where[0] + i * steps[0]] = minus(right[where[0] + i * steps[0]], float(b[where[2] + i * steps[2]]))
    zip_row(minus, n, (out, out, b), np.array(where), np.array(steps))
    check.equal(out.tolist(), right, call=f"out after {Row(n, where, steps)}, where a is out")


def one_row(fn, n, out, a, b, places, steps):
    zip_row(fn, n, (out, a, b), places, steps)


@given(case=rows())
@row_examples
def test_zip_row_touches_nothing_else(case):
    """Nothing is touched outside of the row, and what is given is only read."""
    n, where, steps = case
    memory = memory_of(lengths_of(*case), guard=0)
    trace(one_row, minus, n, *memory, np.array(where), np.array(steps), out="out",
          elements={"out": [where[0] + i * steps[0] for i in range(n)]}).check()


class Noted(np.ndarray):
    """An array that counts how often an element is taken from it, or put into it, by a number."""

    def __array_finalize__(self, source):
        self.single = 0

    def __getitem__(self, key):
        self.single += not isinstance(key, slice)
        return self.view(np.ndarray)[key]

    def __setitem__(self, key, value):
        self.single += not isinstance(key, slice)
        self.view(np.ndarray)[key] = value


@given(n=st.integers(2, 9), where=st.lists(st.integers(0, 4), min_size=3, max_size=3))
@example(n=2, where=[0, 0, 0])
@example(n=8, where=[3, 0, 1])
def test_neighbors_are_reached_through_slices(n, where):
    """Where all three steps are 1, each operand's elements are those of a slice, with the loop variable as index: only
    then is it certain for the compiler that they are neighbors.
    """
    memory = [each.view(Noted) for each in memory_of([place + n for place in where])]
    zip_row(minus, n, tuple(memory), np.array(where), np.array([1, 1, 1]))
    for name, array in zip(("out", "a", "b"), memory):
        check.that(array.single == 0, f"Elements of {name} itself were taken by place, {array.single} times. Where "
                   f"all steps are 1, take the slice {name}[place : place + n] once, and index that by the loop's own "
                   "variable.", call=repr(Row(n, where, [1, 1, 1])))
