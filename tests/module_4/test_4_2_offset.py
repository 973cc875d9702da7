"""Task 4.2: the place of an element from its number, and the number of blocks."""

from __future__ import annotations

import math

import pytest
from geometry import contiguous, first_fastest, places, shapes, strides_for
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.check import CheckFailed
from terox.cuda.elementwise import blocks_for, offset

pytestmark = pytest.mark.task("4.2")

# ---- offset ----


class NoDivisor(int):
    """A number by which nothing may be divided."""

    def _refuse(self, other):
        raise CheckFailed(note=(
            "A number was divided by sizes[0]. What is left for the first dimension is its index there already, so it "
            "needs no division, and a tensor of one dimension needs none at all. A division is the slowest thing that "
            "a GPU does with whole numbers."))

    __rmod__ = __rfloordiv__ = __rdivmod__ = __rtruediv__ = _refuse


@st.composite
def looks(draw):
    sizes = draw(shapes())
    return sizes, draw(strides_for(sizes))


def look_examples(test):
    for look in reversed([((6,), (1,)), ((6,), (2,)), ((2, 3), (3, 1)), ((2, 3), (1, 2)), ((2, 3), (0, 1)),
                          ((3, 2), (1, 0)), ((2, 3, 4), (12, 4, 1)), ((2, 3, 4), (1, 8, 2)), ((5,), (0,)),
                          ((2, 2, 3, 2), (1, 2, 4, 12)), ((1, 3, 1), (7, 1, 7)), ((1,), (0,))]):
        test = example(look=look)(test)
    return test


@given(look=looks())
@look_examples
def test_offset(look):
    """An element's place is its index times the strides, where the last dimension runs fastest."""
    sizes, strides = look
    right = places(sizes, strides)
    reversed_strides = places(sizes, strides[::-1])
    for number, expected in enumerate(right):
        call = f"offset({number}, {sizes}, {strides})"
        got = offset(number, sizes, strides)
        check.equal(got, expected, call=call, mistakes={text: wrong for text, wrong in {
            "The first dimension runs fastest here. The last one has to: its index is the first remainder.":
                first_fastest(sizes, strides)[number],
            "The strides were taken in reverse order: strides[d] belongs to sizes[d].": reversed_strides[number],
            "That is the element's number. Its place depends on the strides.": number,
            "The first dimension is missing: what is left after the last division is its index.":
                expected - number // contiguous(sizes)[0] * strides[0],
            "The last dimension is missing: its index is number % sizes[-1].":
                expected - number % sizes[-1] * strides[-1],
            "The number was not divided by a size before the next one's remainder was taken.":
                number * strides[0] + sum(number % size * stride for size, stride in zip(sizes[1:], strides[1:])),
        }.items() if wrong != expected})
        check.that(isinstance(got, int), "A place is a whole number: divide by //, not by /.", call=call, got=got)


@given(look=looks())
@look_examples
def test_nothing_is_divided_by_the_first_size(look):
    """What is left for the first dimension needs no division; one dimension needs none at all."""
    sizes, strides = look
    for number, expected in enumerate(places(sizes, strides)):
        call = f"offset({number}, {sizes}, {strides})"
        try:
            got = offset(number, (NoDivisor(sizes[0]), *sizes[1:]), strides)
        except CheckFailed as error:
            raise CheckFailed(call, note=error.note) from None
        check.equal(int(got), expected, call=call)


# ---- blocks_for ----


@given(count=st.integers(0, 70), block=st.sampled_from([1, 4, 8, 256]), most=st.integers(1, 20))
@example(count=16, block=8, most=10)
@example(count=17, block=8, most=10)
@example(count=15, block=8, most=10)
@example(count=8, block=8, most=10)
@example(count=1, block=8, most=10)
@example(count=0, block=8, most=10)
@example(count=0, block=8, most=1)
@example(count=24, block=8, most=3)
@example(count=25, block=8, most=3)
@example(count=1000, block=8, most=3)
@example(count=10**10 + 1, block=256, most=10**9)
@example(count=2**60 + 1, block=1, most=2**61)
def test_blocks_for(count, block, most):
    """As few blocks as give each element a thread of its own; never more than `most`, never none."""
    got = blocks_for(count, block, most)
    call = f"blocks_for({count}, {block}, {most})"
    needed = 0  # by counting up, near the end
    while needed * block < count:
        needed += max((count - needed * block) // block, 1)
    expected = needed
    if needed > most:
        expected = most
    if needed == 0:
        expected = 1
    check.that(isinstance(got, int) and not isinstance(got, bool),
               "It returned None. Is a `return` missing?" if got is None else
               "A number of blocks is a whole number: divide by //, not by /.", call=call, got=got, expected=expected)
    mistakes = {
        f"There has to be a block, also for {count} elements: a grid without blocks is an error.": 0,
        f"{got} blocks of {block} have {got * block} threads, fewer than there are elements. Round up.": count // block,
        f"That is a block more than it takes: {got - 1} of them have {(got - 1) * block} threads.": needed + 1,
        f"There may be at most {most} blocks. The threads go on with further elements, so {most} do all the work.":
            needed,
        "That is `most`, but fewer blocks are enough.": most,
        "That is the number of elements. A block has several threads.": count,
        "count / block is a float, which has 53 bits: of large numbers, the last digits are lost. // keeps them all.":
            max(min(math.ceil(count / block), most), 1),
    }
    if got != expected:  # not as floats, which would lose digits
        found = (text for text, wrong in mistakes.items() if got == wrong)
        raise CheckFailed(call, check.shown(got), check.shown(expected), next(found, None))
