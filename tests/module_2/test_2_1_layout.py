"""Task 2.1: contiguous strides, positions and indices, and what is contiguous."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import Layout, answer, column_major, empty_shapes, indices, layouts, row_major, shapes, whole

from course import check
from terox.tensors.layout import contiguous_strides, index_at, is_contiguous, position

pytestmark = pytest.mark.task("2.1")

WITHOUT_ZERO = st.sampled_from([2, 3, 1, 4])


# ---- contiguous_strides ----


@given(sizes=shapes(sizes=WITHOUT_ZERO, most=100))
@example(sizes=(2, 3))
@example(sizes=(2, 3, 4))
@example(sizes=())
def test_contiguous_strides(sizes):
    """A step along a dimension goes as far as the elements behind it reach: the product of the sizes behind it."""
    call = f"contiguous_strides({sizes})"
    right = row_major(sizes)
    got = answer(contiguous_strides, (sizes,), call, f"{right}")
    own = tuple(math.prod(sizes[d:]) for d in range(len(sizes)))
    check.equal(got, right, call=call, mistakes={
        "Here the first dimension runs fastest. The last one has to, with a stride of 1.": column_major(sizes),
        "These are the right numbers in reverse order. Turn them round before you return them.": right[::-1],
        "The stride of a dimension does not count its own size, only those behind it.": own,
        "In each dimension this is the size behind it alone. It has to be the product of all sizes behind it.":
            (*sizes[1:], 1) if sizes else (),
        "These are the numbers in a list; strides are a tuple.": list(right)})
    whole(got, call, "A stride")


@given(sizes=empty_shapes(4))
@example(sizes=(2, 0, 4))
@example(sizes=(3, 0))
def test_contiguous_strides_of_nothing(sizes):
    """Where there is no element, sizes of 0 count as 1: no stride is 0."""
    call = f"contiguous_strides({sizes})"
    got = answer(contiguous_strides, (sizes,), call, f"{row_major(sizes)}")
    check.equal(got, row_major(sizes), call=call, mistakes={
        "A size of 0 was multiplied in. It counts as 1.":
            tuple(math.prod(sizes[d + 1 :]) for d in range(len(sizes)))}, note="A size of 0 counts as 1.")


def test_contiguous_strides_of_a_list():
    """Sizes may come as a list, and stay as they are; the result is a tuple."""
    sizes = [2, 3]
    call = "contiguous_strides([2, 3])"
    check.equal(answer(contiguous_strides, (sizes,), call, "(3, 1)"), (3, 1), call=call)
    check.equal(sizes, [2, 3], call="contiguous_strides(sizes) for sizes = [2, 3]",
                note="The list that was given has changed. Work on one of your own.")


# ---- position ----


@given(layout=layouts(most=12))
@example(layout=Layout((2, 3), (3, 1)))
@example(layout=Layout((2, 3), (1, 2), 5))
@example(layout=Layout((), (), 2))
@example(layout=Layout((2, 3), (0, 1), 1))
def test_position(layout):
    """An element lies `index[d]` steps of `strides[d]` away from the offset, along each dimension d."""
    for index, place in zip(indices(layout.sizes), layout.places()):
        sizes, strides, offset = layout
        call = f"position({index}, {strides}, {offset})"
        got = answer(position, (index, strides, offset), call, f"{place}")
        mistakes = {
            "The offset is missing.": place - offset,
            "The offset was added for every dimension. Add it once.": place + (len(index) - 1) * offset,
            "The index was multiplied with the strides of contiguous memory. Take the strides that are given.":
                offset + sum(i * stride for i, stride in zip(index, row_major(sizes))),
            "Index and strides belong together place by place; here one of them is turned round.":
                offset + sum(i * stride for i, stride in zip(index, strides[::-1])),
        }
        check.equal(got, place, call=call,
                    mistakes={text: wrong for text, wrong in mistakes.items() if wrong != place})
        whole(got, call, "A place")


def test_position_without_an_offset():
    """Without an offset, counting begins at 0."""
    call = "position((1, 2), (3, 1))"
    check.equal(answer(position, ((1, 2), (3, 1)), call, "5"), 5, call=call)


# ---- index_at ----


@given(sizes=shapes(sizes=WITHOUT_ZERO))
@example(sizes=(2, 3))
@example(sizes=())
@example(sizes=(1,))
def test_index_at(sizes):
    """Element number n has the index that comes n-th when the last dimension runs fastest."""
    expected = indices(sizes)
    got = [answer(index_at, (number, sizes), f"index_at({number}, {sizes})", f"{right}")
           for number, right in enumerate(expected)]
    numbers = range(len(expected))
    known = {
        "Here the first dimension runs fastest. The last one has to.":
            [tuple(n // step % size for size, step in zip(sizes, column_major(sizes))) for n in numbers],
        "These are the right numbers in reverse order. Turn them round before you return them.":
            [right[::-1] for right in expected],
        "Each index has to be below the size of its dimension: take a remainder.":
            [tuple(n // step for step in row_major(sizes)) for n in numbers],
        "This takes the remainder of the number itself each time. Divide the number before you go on to the next size.":
            [tuple(n % size for size in sizes) for n in numbers],
        "These are the numbers in a list; an index is a tuple.": [list(right) for right in expected],
    }
    for number, (found, right) in enumerate(zip(got, expected)):
        check.equal(found, right, call=f"index_at({number}, {sizes})", mistakes={
            sentence: wrong[number] for sentence, wrong in known.items() if wrong == got})
        whole(found, f"index_at({number}, {sizes})", "An index")


# ---- is_contiguous ----


@given(layout=layouts(max_offset=0))
@example(layout=Layout((2, 3), (3, 1)))
@example(layout=Layout((), ()))
@example(layout=Layout((3, 2), (1, 3)))
@example(layout=Layout((2, 2), (1, 2)))
@example(layout=Layout((2,), (2,)))
@example(layout=Layout((2, 3), (4, 1)))
@example(layout=Layout((2, 3), (6, 2)))
@example(layout=Layout((2, 2, 3), (12, 3, 1)))
@example(layout=Layout((2, 3), (0, 1)))
@example(layout=Layout((2, 2), (0, 0)))
@example(layout=Layout((1, 3), (7, 1)))
@example(layout=Layout((2, 1), (1, 7)))
@example(layout=Layout((2, 1, 2), (2, 0, 1)))
@example(layout=Layout((1, 2), (2, 3)))
@example(layout=Layout((2, 1, 2), (4, 2, 1)))
@example(layout=Layout((2, 0), (5, 3)))
@example(layout=Layout((0, 2), (2, 2)))
@example(layout=Layout((1, 0, 3), (0, 1, 0)))
def test_is_contiguous(layout):
    """A tensor is contiguous if its elements, counted with the last dimension running fastest, lie one after the
    other.
    """
    sizes, strides, _ = layout
    call = f"is_contiguous({sizes}, {strides})"
    places = layout.places()
    right = places == list(range(len(places)))
    got = contiguous(sizes, strides, right)
    if right:
        note = f"In their order, the elements lie at {places}."
        if not places:
            note = "A tensor without elements is contiguous, whatever its strides."
        elif 1 in sizes:
            note += " No step is ever taken along a dimension of size 1, so its stride does not matter."
    else:
        number = next(n for n, place in enumerate(places) if n != place)
        note = f"Element number {number} does not lie at {number}, but at {places[number]}."
        if 1 in sizes:
            note += " A stride of any other dimension than those of size 1 does matter."
    check.equal(got, right, call=call, note=note)


def contiguous(sizes, strides, right):
    """What `is_contiguous` says; a NumPy bool is as good as one of Python's."""
    got = answer(is_contiguous, (sizes, strides), f"is_contiguous({sizes}, {strides})", f"{right}")
    return bool(got) if isinstance(got, np.bool_) else got


@given(sizes=shapes())
@example(sizes=(2, 3, 4))
def test_memory_without_gaps_is_contiguous(sizes):
    """Sizes with the strides of contiguous memory are contiguous."""
    strides = row_major(sizes)
    check.equal(contiguous(sizes, strides, True), True, call=f"is_contiguous({sizes}, {strides})")
