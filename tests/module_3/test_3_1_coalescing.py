"""Task 3.1: dimensions in the order of memory, and as few of them as possible."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import Layout, places, shapes, work

from course import check
from terox.parallel.coalescing import coalesce, reorder

pytestmark = pytest.mark.task("3.1")


def answer(function, sizes, strides):
    """What `function(sizes, strides)` gives, as a tuple and a list of tuples, and the text of the call."""
    call = f"{function.__name__}({Layout(sizes, strides)})"
    given = copy.deepcopy(strides)
    got = function(sizes, given)
    check.equal(given, strides, call=f"strides after {call}",
                note="The strides that were given have changed. They are kept elsewhere: make new ones.")
    check.that(isinstance(got, tuple) and len(got) == 2, "It returned None. Is a `return` missing?" if got is None
               else "It has to return two things: the sizes, and the strides of all operands.", call=call, got=got)
    for what, part in (("sizes", got[0]), ("strides", got[1])):
        check.that(isinstance(part, (tuple, list)), f"The {what} have to be a {'tuple' if what == 'sizes' else 'list'}"
                   f", not a {type(part).__name__}.", call=call, got=got)
    check.that(all(isinstance(each, (tuple, list)) for each in got[1]),
               "The strides are a list with a tuple for each operand.", call=call, got=got)
    return (tuple(got[0]), [tuple(each) for each in got[1]]), call


def well_formed(got, count, call):
    """At least one dimension; as many strides as sizes, for each of `count` operands."""
    sizes, strides = got
    check.that(sizes != (), "No dimension is left. A loop needs at least one: size 1, strides 0.", call=call, got=got,
               expected=((1,), [(0,)] * count))
    if len(strides) != count or any(len(each) != len(sizes) for each in strides):
        turned = len(strides) == len(sizes) and all(len(each) == count for each in strides)
        check.that(False, "The strides are listed by dimension. They have to be listed by operand: a tuple for each "
                   "operand, with a number for each dimension." if turned else
                   f"There are {count} operands: {count} tuples were expected, each with as many numbers as there are "
                   "sizes.", call=call, got=got)


# ---- reorder ----


def in_order(sizes, strides, order):
    return tuple(sizes[d] for d in order), [tuple(each[d] for d in order) for each in strides]


def sorted_by(*keys):
    """The dimensions, ordered by these keys, the first one first; equal ones stay in their order."""
    return [int(d) for d in np.lexsort([np.array(key) for key in reversed(keys)])]


def minus(each):
    return [-stride for stride in each]


@given(case=work(1, 3, stretched_out=True))
@example(case=Layout((4, 2, 3), [(3, 12, 1), (1, 4, 8)]))  # every mistake gives something else
@example(case=Layout((2, 3), [(1, 2), (3, 1)]))
@example(case=Layout((2, 3), [(3, 1), (1, 2)]))
@example(case=Layout((2, 3, 4), [(12, 4, 1), (12, 4, 1)]))
@example(case=Layout((2, 3, 4), [(1, 8, 2), (12, 4, 1)]))
@example(case=Layout((2, 3), [(0, 0), (1, 2)]))
@example(case=Layout((2, 3, 4), [(0, 0, 0), (0, 0, 1), (1, 3, 0)]))
@example(case=Layout((2, 3, 4), [(0, 0, 1), (1, 2, 0), (0, 9, 0)]))
@example(case=Layout((3, 4, 2), [(0, 0, 0), (1, 1, 1)]))
@example(case=Layout((5,), [(1,), (0,)]))
def test_reorder(case):
    """The dimension with the result's longest stride comes first; where the result's are equal, the next operand
    decides; sizes and all strides move together.
    """
    sizes, strides = case
    got, call = answer(reorder, sizes, strides)
    order = sorted_by(*map(minus, strides))
    right = in_order(sizes, strides, order)
    mistakes = {
        "Only the first operand was asked. Where its strides are equal, the next operand's decide.":
            in_order(sizes, strides, sorted_by(minus(strides[0]))),
        "Only the first two operands were asked. Where their strides are equal, the next operand's decide.":
            in_order(sizes, strides, sorted_by(*map(minus, strides[:2]))),
        "The strides become larger from left to right. The last dimension has to have the smallest one.":
            in_order(sizes, strides, sorted_by(*strides)),
        "The sizes have stayed where they were. They move with their strides.": (sizes, right[1]),
        "The strides have stayed where they were. They move with their sizes.": (right[0], list(strides)),
        "Only the result was put in order. All operands have to be, in the same way.":
            (right[0], [right[1][0], *strides[1:]]),
        "Each operand was put in an order of its own. All have to have that of the result, or an index no longer finds "
        "the elements that belong together.":
            (right[0], [tuple(sorted(each, reverse=True)) for each in strides]),
        "The last operand was asked first. The first one is the result, and decides.":
            in_order(sizes, strides, sorted_by(*map(minus, reversed(strides)))),
        "Dimensions that are equal in all strides have changed places. They stay in their order.":
            in_order(sizes, strides, sorted_by(*strides)[::-1]),
        "The sizes had a say. Only strides decide; dimensions that are equal in them stay in their order.":
            in_order(sizes, strides, sorted_by(*map(minus, strides), minus(sizes))),
        "The strides of all operands were added. The first operand's decide, and the next one's only where they are "
        "equal.": in_order(sizes, strides, sorted_by(minus(map(sum, zip(*strides))))),
        "The dimensions were ordered by their sizes. Their strides decide.":
            in_order(sizes, strides, sorted_by(minus(sizes))),
        "This is the right order turned round.": in_order(sizes, strides, order[::-1]),
        "This is the order that they came in.": (sizes, list(strides)),
    }
    check.equal(got, right, call=call, mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right})


@given(case=work(2, 3))
@example(case=Layout((2, 3), [(1, 2), (3, 1)]))
@example(case=Layout((2, 3, 4), [(4, 8, 1), (0, 1, 3)]))
def test_reorder_keeps_elements_together(case):
    """Each index finds the same elements of all operands together as before, only in another order."""
    sizes, strides = case
    got, call = answer(reorder, sizes, strides)
    well_formed(got, len(strides), call)
    check.equal(sorted(zip(*(places(got[0], each) for each in got[1]))),
                sorted(zip(*(places(sizes, each) for each in strides))),
                call=f"the places that belong together, with the result of {call}",
                note="Sizes and the strides of every operand have to be moved in the same way.")


# ---- coalesce ----


def fewest(points):
    """Sizes and strides of the fewest dimensions that go through these places in this order, found by looking.

    points: for each element, its place in every operand. How many lie one step after another from the first one on is
    the size of the last dimension; what begins the next row of them is left to the others.
    """
    sizes, strides = [], []
    while len(points) > 1:
        step = points[1] - points[0]
        row = 1
        while row < len(points) and (points[row] == points[0] + row * step).all():
            row += 1
        sizes.insert(0, row)
        strides.insert(0, step.tolist())
        points = points[::row]
    return tuple(sizes), strides


def by_looking(sizes, strides):
    found, steps = fewest(np.array([places(sizes, each) for each in strides]).T)
    return (found, [tuple(each) for each in zip(*steps)]) if found else ((1,), [(0,) for _ in strides])


class Pair:
    """Neighbors that may become one: their sizes and, for every operand, their strides."""

    def __init__(self, left, before, right, here, divided):
        self.left, self.before, self.right, self.here = left, before, right, here
        self.divided = divided  # whether a dimension of size 1 was between them
        self.each = [a == right * b for a, b in zip(before, here)]  # whether the operand allows it


def merged(sizes, strides, fits, *, of_left=False, added=False, ones=False):
    """What one gets who merges neighbors where `fits(pair)`, and does so wrong in some other way too."""
    found = []  # size, strides
    for d in range(len(sizes)):
        size, here = sizes[d], [each[d] for each in strides]
        if size == 1 and not ones:
            continue
        if found and fits(Pair(*found[-1], size, here, sizes[d - 1] == 1)):
            left, before = found[-1]
            found[-1] = (left + size if added else left * size, before if of_left else here)
        else:
            found.append((size, here))
    if not found:
        return (1,), [(0,)] * len(strides)
    return tuple(size for size, _ in found), [tuple(steps[k] for _, steps in found) for k in range(len(strides))]


def named(case):
    """Sentences about mistakes, and what they give."""
    sizes, strides = case
    right = by_looking(sizes, strides)

    def by(fits, **how):
        return merged(sizes, strides, fits, **how)

    def rule(pair):
        return all(pair.each)

    bare = by(lambda pair: False)
    other_rules = {
        "Equal strides are not the rule. A step along the left one has to be as long as all steps along the right one "
        "together.": by(lambda pair: pair.before == pair.here),
        "The rule was asked with the left size. A step along the left one has to be as long as all steps along the "
        "right one together.": by(lambda pair: all(a == pair.left * b for a, b in zip(pair.before, pair.here))),
        "The left one was taken for the inner one. The right is: a step along the left one has to be as long as all "
        "steps along the right one together.":
            by(lambda pair: all(pair.left * a == b for a, b in zip(pair.before, pair.here))),
    }
    slips = {
        "The dimensions have come out in reverse order.": (right[0][::-1], [each[::-1] for each in right[1]]),
        "Neighbors were merged as soon as the first operand allows it. All operands have to.":
            by(lambda pair: pair.each[0]),
        "Neighbors were merged as soon as the last operand allows it. All operands have to.":
            by(lambda pair: pair.each[-1]),
        "Neighbors were merged as soon as one operand allows it. All operands have to.":
            by(lambda pair: any(pair.each)),
        **{text: wrong for text, wrong in other_rules.items() if wrong != bare},
        "Everything was merged. Neighbors become one only if a step along the left one is as long as all steps along "
        "the right one together.": by(lambda pair: True),
        "The new dimension has the left one's strides. The right one's steps are those from each element to the next.":
            by(rule, of_left=True),
        "The size of the new dimension is the sum of the two. It has to be their product.": by(rule, added=True),
        "A dimension of size 1 has a say. No step is ever taken along it: leave it out, whatever its strides are.":
            by(rule, ones=True),
        "Dimensions with the stride 0 are as good as others: 0 is size times 0.":
            by(lambda pair: rule(pair) and 0 not in pair.before),
        "A dimension of size 1 keeps its neighbors apart. Leave it out first, whatever its strides are.":
            by(lambda pair: rule(pair) and not pair.divided),
        "Dimensions of size 1 were left out, and nothing was merged.": bare,
        "This is what it was before.": (sizes, list(strides)),
    }
    return {text: wrong for text, wrong in slips.items() if wrong != right}


@st.composite
def divided(draw):
    """Operands of which several dimensions are one dimension, divided, with dimensions of size 1 put in."""
    sizes, strides = draw(work(1, 3, max_dims=2, elements=24, stretched_out=True))
    columns = [(size, *steps) for size, *steps in zip(sizes, *strides)]
    for _ in range(draw(st.integers(1, 3))):
        d = draw(st.integers(0, len(columns) - 1))
        size, *steps = columns[d]
        right = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        if draw(st.booleans()):
            columns[d : d + 1] = [(size // right, *[right * step for step in steps]), (right, *steps)]
        else:
            columns.insert(d, (1, *[draw(st.sampled_from([0, 1, 5])) for _ in strides]))
    sizes, *strides = zip(*columns)
    return Layout(sizes, strides)


CASES = st.one_of(divided(), work(1, 3, stretched_out=True))
EXAMPLES = [
    ((2, 3, 2, 3, 2), [(24, 8, 4, 1, 1), (21, 7, 3, 1, 1)]),  # nearly every mistake gives something else
    ((8, 3, 4), [(12, 4, 1), (0, 4, 1)]),
    ((2, 3), [(3, 1)]),
    ((2, 3, 4), [(12, 4, 1)] * 3),
    ((2, 2, 2, 2), [(8, 4, 2, 1), (8, 4, 2, 1)]),
    ((2, 3), [(3, 1), (1, 2)]),
    ((2, 3), [(3, 1), (3, 1), (0, 1)]),
    ((2, 3), [(3, 1), (0, 1), (3, 1)]),
    ((2, 3), [(1, 2)]),
    ((3, 2), [(3, 1)]),
    ((2, 3), [(6, 2), (3, 1)]),
    ((2, 3), [(3, 1), (0, 0)]),
    ((2, 2, 3), [(6, 3, 1), (0, 0, 1)]),
    ((2, 3, 2), [(6, 2, 1), (2, 0, 0)]),
    ((2, 1, 3), [(3, 5, 1), (3, 0, 1)]),
    ((1, 2), [(2, 1), (7, 1)]),
    ((2, 1), [(1, 1), (1, 0)]),
    ((4,), [(2,), (0,)]),
    ((2, 2, 3), [(2, 1, 8), (2, 1, 8)]),
    ((2, 3, 2, 2), [(24, 8, 2, 1), (12, 4, 2, 1)]),
]


def examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=Layout(*case))(test)
    return test


@given(case=CASES)
@examples
def test_coalesce_same_elements(case):
    """With the new sizes and strides, the elements of every operand are the same ones, in the same order."""
    sizes, strides = case
    got, call = answer(coalesce, sizes, strides)
    well_formed(got, len(strides), call)
    for k, (before, after) in enumerate(zip(strides, got[1])):
        right = places(sizes, before)
        if math.prod(got[0]) == len(right) and places(got[0], after) == right:
            continue
        check.equal(got, by_looking(sizes, strides), call=call, mistakes=named(case), note=(
            f"Operand {k} had its elements at the places {check.shown(right)}. With the new sizes and strides, they "
            f"would be at {check.shown(places(got[0], after) if math.prod(got[0]) < 500 else '...')}."))


@given(case=CASES)
@examples
def test_coalesce_as_few_as_possible(case):
    """No dimension has size 1, and no two neighbors could still be one."""
    sizes, strides = case
    got, call = answer(coalesce, sizes, strides)
    well_formed(got, len(strides), call)
    right = by_looking(sizes, strides)
    if math.prod(sizes) == 1:
        check.equal(got, right, call=call, note="Where nothing is left, the result is one dimension of size 1, with "
                    "the stride 0 for each operand.")
        return
    check.that(1 not in got[0], "A dimension of size 1 is left. No step is ever taken along it.", call=call, got=got,
               expected=right)
    for d in range(len(got[0]) - 1):
        a, b = got[0][d : d + 2]
        if all(each[d] == b * each[d + 1] for each in got[1]):
            check.equal(got, right, call=call, mistakes=named(case), note=(
                f"The dimensions of sizes {a} and {b} could be one: for every operand, a step along the left one is as "
                f"long as {b} steps along the right one."))
    check.equal(got, right, call=call, mistakes=named(case))


@given(rank=st.integers(1, 4), operands=st.integers(1, 3))
@example(rank=1, operands=1)
@example(rank=3, operands=2)
def test_coalesce_one_element(rank, operands):
    """Where all sizes are 1, one dimension of size 1 is left, with the stride 0 for each operand."""
    sizes, strides = (1,) * rank, [tuple(range(k + 2, k + 2 + rank)) for k in range(operands)]
    got, call = answer(coalesce, sizes, strides)
    check.equal(got, ((1,), [(0,)] * operands), call=call, mistakes={
        "Nothing is left. A loop needs at least one dimension: size 1, strides 0.": ((), [()] * operands),
        "Nothing is left, not even the operands. A loop needs at least one dimension: size 1, strides 0.": ((), []),
        "The strides have to be 0, not those of the last dimension.": ((1,), [each[-1:] for each in strides]),
        "The strides have to be 0, not those of the first dimension.": ((1,), [each[:1] for each in strides]),
        "The strides have to be 0: no step is ever taken.": ((1,), [(1,)] * operands),
        "One dimension is enough.": (sizes, strides)})


# ---- Both ----


@given(sizes=shapes(max_dims=4), operands=st.integers(1, 3), data=st.data())
def test_memory_without_gaps_is_one_row(sizes, operands, data):
    """Operands without gaps that all lie in the same order, whatever it is, are one long row after both steps."""
    order = data.draw(st.permutations(range(len(sizes))), "order of the dimensions in memory")
    strides, step = [0] * len(sizes), 1
    for d in reversed(order):
        strides[d] = step
        step *= sizes[d]
    every = [tuple(strides)] * operands
    first, call = answer(reorder, sizes, every)
    got, _ = answer(coalesce, *first)
    count = math.prod(sizes)
    right = ((count,), [(1,)] * operands) if count > 1 else ((1,), [(0,)] * operands)
    check.equal(got, right, call=f"coalesce(*{call})")
