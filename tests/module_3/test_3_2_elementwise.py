"""Task 3.2: one row of elements, and a range of elements, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import indices, places, room, table, work

from course import check
from course.trace import trace, trace_chunks
from terox.parallel.elementwise import elementwise_range, zip_row

pytestmark = pytest.mark.task("3.2")

GUARD = 12  # places behind each operand, which hold something, so that a slip ends in a wrong number


def minus(x, y):
    return x - 2 * y


def memory_of(lengths, guard=GUARD):
    """A 1-D array for each operand, all of whose numbers differ."""
    return [np.arange(length + guard, dtype=np.float64) * 10.0**k + 10.0**k for k, length in enumerate(lengths)]


# ---- zip_row ----


@st.composite
def rows(draw):
    """(n, places, steps) of three operands."""
    n = draw(st.integers(1, 6))
    steps = [draw(st.sampled_from([1, 2, 3] if n > 1 else [1, 2, 0]))]
    steps += [draw(st.sampled_from([1, 0, 2, 3])) for _ in range(2)]
    if draw(st.booleans()):
        steps = [1, 1, 1]
    return n, [draw(st.integers(0, 4)) for _ in range(3)], steps


def row_examples(test):
    for case in reversed([(3, [0, 0, 0], [1, 1, 1]), (3, [1, 2, 3], [1, 1, 1]), (1, [0, 0, 0], [1, 1, 1]),
                 (1, [0, 0, 0], [0, 0, 0]), (3, [0, 0, 0], [2, 2, 2]), (3, [0, 0, 0], [2, 1, 1]),
                 (3, [0, 0, 0], [1, 2, 1]), (3, [0, 0, 0], [1, 1, 2]), (3, [0, 0, 0], [1, 0, 1]),
                 (3, [0, 0, 0], [1, 1, 0]), (3, [0, 0, 0], [1, 0, 0]), (4, [2, 1, 0], [3, 2, 1])]):
        test = example(case=case)(test)
    return test


def row_call(n, where, steps):
    return f"zip_row(fn, {n}, (out, a, b), places={where}, steps={steps})"


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
    call = row_call(*case)
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
    check.equal(memory[0].tolist(), right, call=f"out after {call}",
                mistakes={text: wrong for text, wrong in mistakes.items() if wrong not in (None, right)})
    for name, after, old in zip("ab", memory[1:], before[1:]):
        check.equal(after.tolist(), old, call=f"{name} after {call}", note="An operand is only read.")


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
    check.equal(out.tolist(), right, call=f"out after {row_call(n, where, steps)}, where a is out")


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
                   "variable.", call=row_call(n, where, [1, 1, 1]))


# ---- elementwise_range ----


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
    """(sizes, strides, begin, end)."""
    sizes, strides = draw(work(least, most, elements=36))
    count = len(places(sizes, strides[0]))
    begin = draw(st.integers(0, count - 1))
    return sizes, strides, begin, draw(st.integers(begin + 1, count))


def range_examples(test):
    for case in reversed([((6,), [(1,), (1,)], 0, 6), ((2, 3), [(3, 1), (3, 1)], 0, 6),
                 ((2, 3), [(3, 1), (1, 2)], 0, 6), ((2, 3), [(3, 1), (0, 1)], 0, 6), ((6,), [(1,), (1,)], 2, 4),
                 ((2, 3), [(3, 1), (1, 0)], 0, 6), ((2, 3), [(4, 1), (3, 1)], 0, 6),
                 ((2, 3), [(3, 1), (3, 1)], 1, 6), ((2, 3), [(3, 1), (3, 1)], 1, 5),
                 ((2, 3), [(3, 1), (3, 1)], 1, 2), ((2, 3), [(3, 1), (3, 1)], 4, 5), ((3, 3), [(3, 1), (3, 1)], 1, 8),
                 ((2, 3, 4), [(12, 4, 1), (1, 2, 6)], 0, 24), ((2, 3, 4), [(12, 4, 1), (1, 2, 6), (0, 4, 1)], 5, 23),
                 ((2, 2, 2, 2), [(8, 4, 2, 1), (1, 2, 4, 8), (0, 1, 0, 2)], 3, 13), ((1,), [(0,), (0,)], 0, 1),
                 ((3, 1), [(1, 7), (2, 0)], 1, 3)]):
        test = example(case=case)(test)
    return test


def range_call(sizes, strides, begin, end):
    return f"elementwise_range(row, fn, {begin}, {end}, memory, sizes={list(sizes)}, strides={strides})"


def first_fastest(sizes, strides):
    """The places, with the first dimension running fastest."""
    return places(sizes[::-1], strides[::-1])


def walks(sizes, strides, begin, end):
    """Sentences about mistakes in the places or steps of a row, and for each the places of every operand, in order."""
    last, every = len(sizes) - 1, list(indices(sizes))
    starts = [number for number in range(begin, end) if number == begin or every[number][last] == 0]

    def walk(start, step=lambda each: each[-1]):
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

    return {
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
    mistakes = {
        "out is as it was before.": before[0],
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
        **{text: filled(where=wrong, moved=begin) for text, wrong in walks(*case).items()},
        "The first dimension runs fastest here. The last one has to.":
            filled(where=[first_fastest(sizes, each) for each in strides]),
        "The strides of out were taken for all operands. Each has its own.": filled(where=[where[0]] * len(where)),
        "The strides were read in reverse order. strides[k, d] belongs to sizes[d].":
            filled(where=[places(sizes, each[::-1]) for each in strides]),
    }
    check.equal(memory[0].tolist(), right, call=f"out after {range_call(*case)}", mistakes={
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
    call, calls = range_call(*case), []

    def row(fn, n, memory, places, steps):
        check.that(len(calls) < end - begin, f"row was called {len(calls)} times for {end - begin} elements. "
                   "Is begin moved on by n after each row?", call=call)
        check.that(fn is weighted, "row has to get fn as its first argument.", call=call, got=fn)
        check.that(len(memory) == len(given) and all(one is other for one, other in zip(memory, given)),
                   "row has to get the memory of all operands as it is.", call=call)
        check.that(len(places) == len(steps) == len(strides), "row has to get a place and a step for each operand.",
                   call=call, got=[list(map(int, places)), list(map(int, steps))])
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
@example(case=((2, 3), [(3, 1), (3, 1)]), grain=2, order="forward")
@example(case=((2, 3), [(3, 1), (3, 1)]), grain=3, order="forward")
@example(case=((2, 3), [(3, 1), (3, 1)]), grain=4, order="forward")
@example(case=((2, 3), [(3, 1), (3, 1), (0, 1)]), grain=6, order="forward")
@example(case=((2, 3, 2), [(6, 2, 1), (1, 2, 6)]), grain=5, order="reversed")
@example(case=((7,), [(2,), (1,), (0,)]), grain=3, order="shuffled")
@example(case=((7,), [(1,), (1,)]), grain=1, order="forward")
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
