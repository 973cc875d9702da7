"""Task 3.2: a range of elements, row by row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import Layout, indices, memory_of, places, room, table, work

from course import check
from course.trace import trace_chunks
from terox.parallel.elementwise import elementwise_range

pytestmark = pytest.mark.task("3.2")


class Range(NamedTuple):
    """The elements number begin to end (without it) of operands with this layout."""

    sizes: tuple
    strides: list
    begin: int
    end: int

    def __repr__(self):
        return (f"elementwise_range(row, fn, {self.begin}, {self.end}, memory, sizes={list(self.sizes)}, "
                f"strides={self.strides})")


def whole_places(places):
    """Compiled, an array of floats cannot be an index, and its places are no indices in Python either."""
    check.that(all(isinstance(place, (int, np.integer)) for place in places), "places holds floats. It has to be an "
               "array of whole numbers: np.zeros and np.empty make one if they are told so, np.empty(n, np.int64).",
               got=[float(place) for place in places])


def row_for(limit):
    """A row for any number of operands, which may be called `limit` times."""
    calls = [0]

    def row(fn, n, memory, places, steps):
        calls[0] += 1
        if calls[0] > limit:
            raise check.CheckFailed(note=f"row was called more than {limit} times for {limit} elements. Is begin moved "
                                         "on by n after each row?")
        check.that(len(places) == len(steps) == len(memory), "row has to get a place and a step for each operand.",
                   got=[list(map(int, places)), list(map(int, steps))])
        whole_places(places)
        for k in range(len(memory)):
            ends = places[k], places[k] + (n - 1) * steps[k]
            if n > 0 and not 0 <= min(ends) <= max(ends) < len(memory[k]):
                raise check.CheckFailed(note=(
                    f"A row of {n} elements of operand {k} would reach from place {ends[0]} to {ends[1]}; there are "
                    f"{len(memory[k])} places. Does places begin at 0 for each row? np.empty holds what was left in "
                    "memory."))
        for i in range(n):
            memory[0][places[0] + i * steps[0]] = fn(*[memory[k][places[k] + i * steps[k]]
                                                       for k in range(1, len(memory))])

    return row


def weighted(*numbers):
    """Any number of arguments, each of which shows in the result."""
    total = 1.0
    for k, number in enumerate(numbers):
        total += (k + 2) * number
    return total


@st.composite
def ranges(draw, least=1, most=4):
    """Ranges of operands of any layout."""
    sizes, strides = draw(work(least, most, elements=36))
    count = len(places(sizes, strides[0]))
    begin = draw(st.integers(0, count - 1))
    return Range(sizes, strides, begin, draw(st.integers(begin + 1, count)))


def range_examples(test):
    for case in reversed([((6,), [(1,), (1,)], 0, 6), ((2, 3), [(3, 1), (3, 1)], 0, 6),
                 ((2, 3), [(3, 1), (1, 2)], 0, 6), ((2, 3), [(3, 1), (0, 1)], 0, 6), ((6,), [(1,), (1,)], 2, 4),
                 ((2, 3), [(3, 1), (1, 0)], 0, 6), ((2, 3), [(4, 1), (3, 1)], 0, 6),
                 ((2, 3), [(3, 1), (3, 1)], 1, 6), ((2, 3), [(3, 1), (3, 1)], 1, 5),
                 ((2, 3), [(3, 1), (3, 1)], 1, 2), ((2, 3), [(3, 1), (3, 1)], 4, 5), ((3, 3), [(3, 1), (3, 1)], 1, 8),
                 ((2, 3, 4), [(12, 4, 1), (1, 2, 6)], 0, 24), ((2, 3, 4), [(12, 4, 1), (1, 2, 6), (0, 4, 1)], 5, 23),
                 ((2, 2, 2, 2), [(8, 4, 2, 1), (1, 2, 4, 8), (0, 1, 0, 2)], 3, 13), ((1,), [(0,), (0,)], 0, 1),
                 ((3, 1), [(1, 7), (2, 0)], 1, 3)]):
        test = example(case=Range(*case))(test)
    return test


def first_fastest(sizes, strides):
    """The places, with the first dimension running fastest."""
    return places(sizes[::-1], strides[::-1])


FRACTIONS = "The numbers that give the index were divided by `/`, which keeps fractions. It takes `//`."


def walks(sizes, strides, begin, end):
    """Sentences about mistakes in the places or steps of a row, and for each the places of every operand, in order."""
    last, every = len(sizes) - 1, list(indices(sizes))
    starts = [number for number in range(begin, end) if number == begin or every[number][last] == 0]

    def walk(start, step=lambda each: each[-1], starts=starts):
        found = []
        for each in strides:
            found.append([])
            for number, after in zip(starts, [*starts[1:], end]):
                found[-1] += [start(number, each) + i * step(each) for i in range(after - number)]
        return found

    def dims(*kept, number, each):
        return sum(every[number][d] * each[d] for d in kept)

    def right(number, each):
        return dims(*range(last + 1), number=number, each=each)

    def fraction(number, each):
        place = 0
        for size, stride in zip(sizes[::-1], each[::-1]):
            place = int(place + number % size * stride)  # as an array of whole numbers keeps it
            number /= size
        return place

    def whole_rows():
        found, number = [], begin
        while number < end:
            found.append(number)
            number += min(sizes[-1], end - number)
        return found

    return {
        "The range begins in the middle of a row, which was taken for as long as the whole last dimension. Left of it "
        "are sizes[-1] - begin % sizes[-1] elements.": walk(right, starts=whole_rows()),
        FRACTIONS: walk(fraction),
        "The place of a row's first element leaves out the last index. The range may begin in the middle of a row.":
            walk(lambda number, each: dims(*range(last), number=number, each=each)),
        "The place of a row's first element leaves out the first index.":
            walk(lambda number, each: dims(*range(1, last + 1), number=number, each=each)),
        "The place of a row's first element was looked for with the first dimension running fastest. The last one "
        "does: divide by its size first.": walk(lambda number, each: first_fastest(sizes, each)[number]),
        "The places are those of out for all operands. Each has its own strides: strides[k, d].":
            walk(lambda number, each: right(number, strides[0])),
        "The steps are those of the first dimension. A row lies along the last one: strides[:, -1].":
            walk(right, lambda each: each[0]),
        "The steps are all 1. They are the strides of the last dimension.": walk(right, lambda each: 1),
        "places still holds what was added for the row before. It begins at 0 for each row.":
            walk(lambda number, each: sum(right(start, each) for start in starts if start <= number)),
    }


@given(case=ranges())
@range_examples
def test_range(case):
    """The elements number begin to end (without it) are filled, and no others; the last dimension runs fastest."""
    sizes, strides, begin, end = case
    memory = memory_of([room(sizes, each) for each in strides])
    before = [each.tolist() for each in memory]
    where = [places(sizes, each) for each in strides]
    count, last = len(where[0]), sizes[-1]

    def filled(begin=begin, end=end, where=where, moved=0):
        out = list(before[0])
        for number in range(max(begin, 0), min(end, count)):
            o, *ins = (each[number - moved] for each in where)
            if any(place >= len(numbers) for place, numbers in zip((o, *ins), before)):
                return None
            out[o] = weighted(*(numbers[place] for numbers, place in zip(before[1:], ins)))
        return out

    elementwise_range(row_for(end - begin), weighted, begin, end, tuple(memory), *table(sizes, strides))
    right = filled()
    walked = {text: filled(where=wrong, moved=begin) for text, wrong in walks(*case).items()}
    mistakes = {
        "out is as it was before.": before[0],
        FRACTIONS: walked[FRACTIONS],  # an element that it misses seems to be left out
        "Element number `end` no longer belongs to the range.": filled(end=end + 1),
        "The last element of the range is missing.": filled(end=end - 1),
        "The first element of the range is missing.": filled(begin=begin + 1),
        "The range begins in the middle of a row, and the row was done from its beginning.":
            filled(begin=begin - begin % last),
        "The range ends in the middle of a row, and the row was done to its end.": filled(end=-(-end // last) * last),
        "The range was filled from element number 0 on, not from `begin` on.": filled(begin=0),
        "Everything from `begin` on was filled, and not only up to `end`.": filled(end=count),
        "Only the first row of the range was done.": filled(end=min(begin - begin % last + last, end)),
        "The rest of the first row only was done, or a row was left out.": filled(begin=-(-begin // last) * last),
        **walked,
        "The first dimension runs fastest here. The last one has to.":
            filled(where=[first_fastest(sizes, each) for each in strides]),
        "The strides of out were taken for all operands. Each has its own.": filled(where=[where[0]] * len(where)),
        "The strides were read in reverse order. strides[k, d] belongs to sizes[d].":
            filled(where=[places(sizes, each[::-1]) for each in strides]),
    }
    check.equal(memory[0].tolist(), right, call=f"out after {case}", mistakes={
        text: wrong for text, wrong in mistakes.items() if wrong not in (None, right)})


def expected_rows(sizes, strides, begin, end):
    """The calls of row, from the list of all indices: a new row begins where an index has a 0 at its end."""
    calls = []
    for number, index in enumerate(indices(sizes)):
        if not begin <= number < end:
            continue
        if calls and index[-1] > 0:
            calls[-1][0] += 1
        else:
            calls.append([1, [sum(i * step for i, step in zip(index, each)) for each in strides],
                          [each[-1] for each in strides]])
    return calls


@given(case=ranges())
@range_examples
def test_range_row_by_row(case):
    """row is called once for each row of the last dimension, or for its part that is in the range, with the number
    of elements, the places of the first one in every operand, and every operand's step.
    """
    sizes, strides, begin, end = case
    given = tuple(memory_of([room(sizes, each) for each in strides]))
    call, calls = repr(case), []

    def row(fn, n, memory, places, steps):
        check.that(len(calls) < end - begin, f"row was called {len(calls)} times for {end - begin} elements. "
                   "Is begin moved on by n after each row?", call=call)
        check.that(fn is weighted, "row has to get fn as its first argument.", call=call, got=fn)
        check.that(len(memory) == len(given) and all(one is other for one, other in zip(memory, given)),
                   "row has to get the memory of all operands as it is.", call=call)
        check.that(len(places) == len(steps) == len(strides), "row has to get a place and a step for each operand.",
                   call=call, got=[list(map(int, places)), list(map(int, steps))])
        whole_places(places)
        calls.append([int(n), [int(each) for each in places], [int(each) for each in steps]])

    elementwise_range(row, weighted, begin, end, given, *table(sizes, strides))
    right = expected_rows(*case)
    alone = [each for number in range(begin, end) for each in expected_rows(sizes, strides, number, number + 1)]
    mistakes = {
        "row was called for each element alone. It does all that are left in the last dimension and in the range at "
        "once.": alone,
        "The steps are those of the first dimension. A row lies along the last one: strides[:, -1].":
            [[n, where, [each[0] for each in strides]] for n, where, _ in right],
        "The steps are all 1. They are the strides of the last dimension.":
            [[n, where, [1] * len(strides)] for n, where, _ in right],
    }
    check.equal(sorted(calls), sorted(right), call=f"[n, places, steps] of the calls of row by {call}",
                mistakes={text: sorted(wrong) for text, wrong in mistakes.items() if sorted(wrong) != sorted(right)})


def two(row, fn, begin, end, out, a, sizes, strides):
    elementwise_range(row, fn, begin, end, (out, a), sizes, strides)


def three(row, fn, begin, end, out, a, b, sizes, strides):
    elementwise_range(row, fn, begin, end, (out, a, b), sizes, strides)


@given(case=work(2, 3, elements=30), grain=st.integers(1, 12),
       order=st.sampled_from(["forward", "reversed", "shuffled"]))
@example(case=Layout((2, 3), [(3, 1), (3, 1)]), grain=2, order="forward")
@example(case=Layout((2, 3), [(3, 1), (3, 1)]), grain=3, order="forward")
@example(case=Layout((2, 3), [(3, 1), (3, 1)]), grain=4, order="forward")
@example(case=Layout((2, 3), [(3, 1), (3, 1), (0, 1)]), grain=6, order="forward")
@example(case=Layout((2, 3, 2), [(6, 2, 1), (1, 2, 6)]), grain=5, order="reversed")
@example(case=Layout((7,), [(2,), (1,), (0,)]), grain=3, order="shuffled")
@example(case=Layout((7,), [(1,), (1,)]), grain=1, order="forward")
def test_ranges_side_by_side(case, grain, order):
    """Ranges that run at the same time never touch the same element of out; together they fill all of it, and nothing
    outside.
    """
    sizes, strides = case
    count = len(places(sizes, strides[0]))
    memory = memory_of([room(sizes, each) for each in strides], guard=0)
    made = trace_chunks(two if len(strides) == 2 else three, count, grain, *memory, sizes=sizes, strides=strides,
                        leading=(row_for(count), weighted), order=order, once=True)
    made.check()
    right = [weighted(*(float(array[place]) for array, place in zip(memory[1:], ins)))
             for ins in zip(*(places(sizes, each) for each in strides[1:]))]
    check.equal([float(memory[0][place]) for place in places(sizes, strides[0])], right,
                call=f"out after {made.call}, in chunks of {grain}, with sizes={list(sizes)}, strides={strides}")
