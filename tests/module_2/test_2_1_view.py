"""Task 2.1: which strides show the same memory in another shape.

The right answer is found by trying. New sizes leave no choice: along a dimension of size above 1, the stride has to be
the distance from element number 0 to the element one step further. Either these strides then give every element its
place, or there are none.
"""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import (
    Layout,
    answer,
    factorizations,
    is_strides,
    layouts,
    places_by_formula,
    regrouped,
    row_major,
    shapes,
    whole,
)

from course import check
from terox.tensors.layout import view_strides

pytestmark = pytest.mark.task("2.1")

WITHOUT_ZERO = st.sampled_from([2, 3, 4, 1, 6])


def by_trying(layout, new_sizes):
    """The only strides that can be right, with 0 along dimensions of size 1; None if they are not."""
    places = layout.places()
    strides = tuple(places[step] - places[0] if size > 1 else 0 for size, step in zip(new_sizes, row_major(new_sizes)))
    return strides if Layout(new_sizes, strides, layout.offset).places() == places else None


def compare(sizes, strides, new_sizes):
    """`view_strides` gives strides that show each element where it is, or None if there are none."""
    call = f"view_strides({sizes}, {strides}, {new_sizes})"
    layout = Layout(sizes, strides)
    right = by_trying(layout, new_sizes)
    words = in_words(right, new_sizes)
    got = answer(view_strides, (sizes, strides, new_sizes), call, words)
    if right is None:
        check.equal(got, None, call=call, mistakes=known(layout, new_sizes), note=moved(layout, new_sizes, got))
        return
    if got is None:
        problem = "There are such strides, but None was returned."
        raise check.CheckFailed(call, "None", words, " ".join(filter(None, [
            problem, why_legal(sizes, strides, new_sizes)])))
    listed = isinstance(got, list)
    if is_strides(tuple(got) if listed else got, len(right)):  # along a dimension of size 1, any stride is right
        right = tuple(found if size == 1 else stride for size, stride, found in zip(new_sizes, right, got))
    elif 1 in new_sizes and not (isinstance(got, tuple) and len(got) == len(right)):
        raise check.CheckFailed(call, check.shown(got), words,
                                "A tuple with a stride for each of the new dimensions was expected.")
    check.equal(got, right, call=call, mistakes=known(layout, new_sizes, right), note=moved(layout, new_sizes, got)
                or f"A tuple with a stride for each of the {len(right)} new dimensions was expected.")
    whole(got, call, "A stride")


def in_words(right, new_sizes):
    """The right strides; those along dimensions of size 1 may be any."""
    if right is None or 1 not in new_sizes:
        return f"{right}"
    if set(new_sizes) == {1}:
        return "one stride, any number" if len(new_sizes) == 1 else f"{len(new_sizes)} strides, any numbers"
    return f"({', '.join('any' if size == 1 else str(stride) for size, stride in zip(new_sizes, right))})"


def why_legal(sizes, strides, new_sizes):
    """A sentence for a view that was refused, or None."""
    if 1 in sizes:
        return "Dimensions of size 1 never end a chunk, whatever their strides."
    if 1 in new_sizes:
        return "A new dimension of size 1 fits anywhere."
    if 0 in strides:
        return "Strides of 0 follow the same rule as all others: 0 == 0 * size continues a chunk."
    if strides != row_major(sizes):
        return "Memory need not be contiguous: divide each chunk by itself."
    return None


def known(layout, new_sizes, filled=None):
    """Wrong results that give the mistake away. `filled` is right, and has the strides found where any is right."""
    right = by_trying(layout, new_sizes)
    wrong = {
        "These are the strides of contiguous memory, but this memory has another layout. Look at its strides.":
            row_major(new_sizes),
        "The right strides in reverse order. Turn them round before you return them.": right and right[::-1],
        "These are the strides in a list; strides are a tuple.": filled and list(filled),
    }
    return {text: strides for text, strides in wrong.items() if strides != right}


def moved(layout, new_sizes, got):
    """A sentence about the first element that `got` shows at a wrong place, or None."""
    if not is_strides(got, len(new_sizes)):
        return None
    for number, (place, wrong) in enumerate(zip(layout.places(), places_by_formula(new_sizes, got))):
        if place != wrong:
            return f"Element number {number} lies at {place}; with the strides {got} it would be looked for at {wrong}."
    return None


def with_new_sizes(drawn):
    """Pairs of what is drawn, sizes or a layout, and other sizes for the same number of elements."""
    return drawn.flatmap(lambda each: st.tuples(st.just(each), regrouped(getattr(each, "sizes", each))))


@given(pair=with_new_sizes(shapes(sizes=WITHOUT_ZERO)))
@example(pair=((4, 3), (2, 2, 3)))
@example(pair=((2, 3), (6,)))
@example(pair=((6,), (2, 3)))
@example(pair=((2, 3), (3, 2)))
@example(pair=((2, 3), (2, 3)))
@example(pair=((), ()))
def test_contiguous_memory_in_any_shape(pair):
    """Contiguous memory can be looked at in every shape with as many elements."""
    sizes, new_sizes = pair
    compare(sizes, row_major(sizes), new_sizes)


@pytest.mark.parametrize("new_sizes", [(3, 4), (3, 2, 2), (12,), (4, 3), (6, 2), (2, 6)])
def test_a_transposed_matrix(new_sizes):
    """A transposed matrix has two chunks: each can be divided, but none of the new dimensions may reach across."""
    compare((3, 4), (1, 3), new_sizes)


@pytest.mark.parametrize("sizes, strides, new_sizes", [
    ((2, 3), (6, 2), (6,)),
    ((6,), (2,), (2, 3)),
    ((2, 3), (4, 1), (6,)),
    ((4, 3), (4, 1), (2, 2, 3)),
    ((2, 2, 3), (12, 3, 1), (2, 6)),
    ((2, 2, 3), (12, 3, 1), (4, 3)),
    ((2, 2, 3), (6, 3, 2), (4, 3)),
    ((2, 2, 2), (8, 4, 1), (4, 2)),
    ((2, 2, 2), (8, 4, 1), (2, 4)),
])
def test_a_slice(sizes, strides, new_sizes):
    """Where a slice has left gaps, dimensions can be made one only if their steps go on evenly."""
    compare(sizes, strides, new_sizes)


@pytest.mark.parametrize("sizes, strides, new_sizes", [
    ((4, 3), (0, 1), (2, 2, 3)),
    ((2, 3), (0, 1), (6,)),
    ((2, 3), (0, 0), (6,)),
    ((2, 3), (0, 0), (3, 2)),
    ((2, 3), (1, 0), (6,)),
    ((2, 6), (1, 0), (2, 2, 3)),
    ((2, 2), (2, 0), (4,)),
])
def test_a_stretched_dimension(sizes, strides, new_sizes):
    """A dimension of stride 0 can be divided, and made one with another of stride 0, but not with one of any other
    stride.
    """
    compare(sizes, strides, new_sizes)


@pytest.mark.parametrize("sizes, strides, new_sizes", [
    ((2, 3), (3, 1), (1, 2, 3)),
    ((2, 3), (3, 1), (2, 3, 1)),
    ((2, 3), (3, 1), (2, 1, 3)),
    ((3, 2), (1, 3), (1, 3, 1, 2, 1)),
    ((1, 2), (9, 1), (2,)),
    ((2, 1), (1, 9), (2,)),
    ((2, 1, 3), (3, 9, 1), (6,)),
    ((2, 1, 3), (3, 0, 1), (3, 2)),
    ((2, 3, 1), (1, 2, 5), (6,)),
    ((2, 1, 3), (1, 3, 2), (6,)),
    ((1, 1), (5, 7), ()),
    ((), (), (1, 1)),
    ((), (), ()),
    ((1,), (4,), (1, 1, 1)),
])
def test_dimensions_of_size_one(sizes, strides, new_sizes):
    """Dimensions of size 1 can be put in and left out anywhere, and their strides do not matter."""
    compare(sizes, strides, new_sizes)


@given(pair=with_new_sizes(layouts(sizes=WITHOUT_ZERO, max_offset=0)))
def test_any_memory_in_another_shape(pair):
    """A view is possible exactly if some strides for the new sizes show every element where it is."""
    layout, new_sizes = pair
    compare(layout.sizes, layout.strides, new_sizes)


@pytest.mark.parametrize("number", [2, 4, 6, 8, 12])
def test_all_views_of_a_few_elements(number):
    """A view is possible exactly if some strides for the new sizes show every element where it is."""
    for sizes in factorizations(number):
        for order in itertools.permutations(range(len(sizes))):
            for gap in (None, *range(len(sizes))):
                strides, step = [0] * len(sizes), 1
                for d in order:
                    step *= 2 if d == gap else 1
                    strides[d] = step
                    step *= sizes[d]
                for new_sizes in factorizations(number):
                    compare(sizes, tuple(strides), new_sizes)


@st.composite
def empty_layouts(draw):
    layout = draw(layouts(max_dims=3, max_offset=0))
    where = draw(st.integers(0, len(layout.sizes)))
    sizes, strides = ((*each[:where], new, *each[where:]) for each, new in zip(layout, (0, draw(st.integers(1, 3)))))
    return Layout(sizes, strides)


@given(pair=with_new_sizes(empty_layouts()))
@example(pair=(Layout((0,), (1,)), (0, 3)))
@example(pair=(Layout((2, 0), (1, 5)), (0,)))
@example(pair=(Layout((0, 3), (1, 7)), (2, 0, 4)))
@example(pair=(Layout((3, 0), (1, 7)), (3, 0)))
def test_nothing_in_another_shape(pair):
    """Without elements, every view is possible: the same sizes keep their strides, others get contiguous ones."""
    (sizes, strides, _), new_sizes = pair
    call = f"view_strides({sizes}, {strides}, {new_sizes})"
    right = strides if new_sizes == sizes else row_major(new_sizes)
    got = answer(view_strides, (sizes, strides, new_sizes), call, f"{right}")
    if is_strides(got, len(right)):
        right = tuple(found if size == 1 else stride for size, stride, found in zip(new_sizes, right, got))
    mistakes = {
        "The sizes are the same, so the strides have to stay as they are.": row_major(new_sizes),
        "The sizes are others, so the strides of the old ones mean nothing any more.": strides,
        "There are strides for every view of nothing, but None was returned.": None,
        "A size of 0 was multiplied in. It counts as 1.": tuple(
            math.prod(new_sizes[d + 1 :]) for d in range(len(new_sizes))),
    }
    check.equal(got, right, call=call,
                mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right},
                note=None if new_sizes == sizes else "Other sizes get contiguous strides: a size of 0 counts as 1.")
