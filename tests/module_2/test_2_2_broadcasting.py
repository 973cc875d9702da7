"""Task 2.2: the shape to which operands are stretched, and the strides with which that costs no memory."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import Layout, answer, empty_shapes, is_strides, layouts, places_by_formula, row_major, shapes, whole

from course import check
from terox.tensors.broadcasting import broadcast_shapes, broadcast_strides

pytestmark = pytest.mark.task("2.2")

UNEQUAL = st.sampled_from(list(itertools.permutations((2, 3, 4, 5), 2)))
WITHOUT_ZERO = st.sampled_from([2, 3, 4, 1])


@st.composite
def operands(draw, shape, least=0, most=3):
    """Shapes that broadcast to `shape` at most: some sizes are made 1, some dimensions in front are left out."""
    found = []
    for _ in range(draw(st.integers(least, most))):
        kept = shape[draw(st.integers(0, len(shape))) :] if draw(st.booleans()) else shape
        found.append(tuple(1 if draw(st.booleans()) else size for size in kept))
    return tuple(found)


def call_of(shapes):
    return f"broadcast_shapes({', '.join(map(str, shapes))})"


# ---- broadcast_shapes ----


@given(pair=shapes(max_dims=3, sizes=WITHOUT_ZERO).flatmap(lambda shape: operands(shape, 2, 2)))
@example(pair=((2, 3), (2, 3)))
@example(pair=((2, 3), (3,)))
@example(pair=((3,), (2, 3)))
@example(pair=((4, 1), (3,)))
@example(pair=((2, 1), (1, 3)))
@example(pair=((), (2,)))
@example(pair=((), ()))
@example(pair=((2, 1), (2, 2)))
def test_two_shapes(pair):
    """Shapes are aligned at their last dimension; along each, the size that is not 1 wins, and what is missing counts
    as 1.
    """
    compare(pair)


@given(pair=empty_shapes().flatmap(lambda shape: operands(shape, 2, 2)))
@example(pair=((2, 1), (0,)))
@example(pair=((0,), (2, 1)))
@example(pair=((1,), (0,)))
@example(pair=((0,), (1,)))
@example(pair=((), (0,)))
def test_a_size_of_zero(pair):
    """A size of 1 is stretched to any other, also to 0: an operand without elements gives a result without
    elements.
    """
    compare(pair)


@given(several=shapes(max_dims=4).flatmap(operands))
@example(several=())
@example(several=((2, 3),))
@example(several=((1,),))
@example(several=((2, 1), (1, 3), (4, 1, 1)))
@example(several=((1,), (1,), (3,)))
@example(several=((3,), (1,), (1,)))
def test_any_number_of_shapes(several):
    """There may be any number of shapes: none give (), and one alone gives itself."""
    compare(several)


FLUSH_RIGHT = ("These shapes agree: written one below the other, flush right, each column has one size only, but for "
               "1 and what is missing.")


def compare(several):
    right = tuple(map(int, np.broadcast_shapes(*several)))
    got = answer(broadcast_shapes, several, call_of(several), f"{right}", FLUSH_RIGHT)
    rank = len(right)
    in_front = [(*shape, *[1] * (rank - len(shape))) for shape in several]
    columns = list(zip(*[(*[1] * (rank - len(shape)), *shape) for shape in several]))
    shortest = min(map(len, several), default=0)
    mistakes = {
        "The dimensions that only some of the shapes have are missing.": right[rank - shortest :],
        "1 gives way to 0 as well: the larger size is not always the right one."
        if any({0, 1} <= set(sizes) for sizes in columns) else "A size of 0 is not a missing one: it stays 0.":
            tuple(max(1, *sizes) for sizes in columns),
        "A size of 1 has to give way to the other size.": tuple(sizes[0] for sizes in columns),
        "This is the shape of the first operand alone.": tuple(several[0]) if several else None,
        "This is what the first two shapes alone give. There are more.":
            tuple(map(int, np.broadcast_shapes(*several[:2]))),
        "This is the longest of the shapes. Its sizes of 1 have to give way to those of the others.":
            tuple(max(several, key=len, default=())),
        "These are the sizes in a list; a shape is a tuple.": list(right),
        "The dimensions are in reverse order.": right[::-1],
        # Last, as other mistakes often give the same.
        "The shapes were aligned at their first dimension. They are aligned at their last one.":
            tuple(max(sizes) for sizes in zip(*in_front)),
    }
    check.equal(got, right, call=call_of(several),
                mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right})
    whole(got, call_of(several), "A size")


@given(front=st.integers(0, 2), sizes=UNEQUAL, behind=shapes(max_dims=2, most=8), swapped=st.booleans())
@example(front=1, sizes=(2, 3), behind=(), swapped=False)
@example(front=0, sizes=(2, 4), behind=(), swapped=False)
@example(front=0, sizes=(0, 2), behind=(), swapped=False)
@example(front=0, sizes=(3, 2), behind=(2,), swapped=True)
def test_sizes_that_do_not_agree(front, sizes, behind, swapped):
    """Two sizes that differ, and neither of which is 1, raise RuntimeError that names both sizes, the dimension of the
    result, and all shapes.
    """
    pair = ((*[1] * front, sizes[0], *behind), (sizes[1], *[1] * len(behind)))
    refused(pair[::-1] if swapped else pair)


@st.composite
def disagreeing(draw):
    """Shapes of which two have different sizes above 1 in one dimension, in any order."""
    shape = draw(shapes(max_dims=2, most=8))
    bad = [(size, *draw(operands(shape, 1, 1))[0]) for size in draw(st.permutations([2, 3]))]
    rank = max(map(len, bad))
    bad = [(each[0], *[1] * (rank - len(each)), *each[1:]) for each in bad]
    return tuple(draw(st.permutations([*bad, *draw(operands(shape, 0, 2))])))


@given(several=disagreeing())
@example(several=((2,), (1,), (3,)))
@example(several=((2,), (2,), (3,)))
@example(several=((1,), (2,), (3,)))
@example(several=((3, 1), (1, 2), (2, 1)))
@example(several=((2,), (0,), (1,)))
def test_several_shapes_that_do_not_agree(several):
    """Every shape has to agree with every other one, and not only with its neighbor; the error names all shapes."""
    refused(several)


def refused(several):
    """The call raises RuntimeError, whose message names the shapes, two sizes that disagree, and where."""
    rank = max(map(len, several))
    columns = list(zip(*[(*[1] * (rank - len(shape)), *shape) for shape in several]))
    disagree = {d: set(sizes) - {1} for d, sizes in enumerate(columns) if len(set(sizes) - {1}) > 1}
    call, note = call_of(several), " ".join(
        f"Along dimension {d} of the result, the sizes are {' and '.join(map(str, columns[d]))}." for d in disagree)
    error = answer(lambda: check.raises(RuntimeError, lambda: broadcast_shapes(*several), call=call, note=note), (),
                   call, "RuntimeError")
    text = names_all(error, several, call_of(several))
    for shape in several:
        text = text.replace(str(list(shape)), "", 1)
    numbers = {int(found) for found in re.findall(r"\d+", text)}
    expected = " or ".join(f"sizes {' and '.join(map(str, sorted(sizes)))} at dimension {d}"
                           for d, sizes in disagree.items())
    check.that(any(len(sizes & numbers) > 1 for sizes in disagree.values()),
               "The message has to name two sizes that do not agree, beside all shapes.", call=call, got=str(error),
               expected=expected)
    check.that(any(d in numbers and len(sizes & numbers) > 1 for d, sizes in disagree.items()),
               "The message has to name the dimension, counted in the result.", call=call_of(several), got=str(error),
               expected=expected)
    found = re.search(r"tensor a \((\d+)\).*tensor b \((\d+)\)", str(error))
    if found and len(several) == 2:
        sizes = tuple(map(int, found.groups()))
        check.that(any(sizes == columns[d] for d in disagree),
                   "The sizes have changed places: a is the one of the first shape.", call=call_of(several),
                   got=str(error), expected=expected)


def names_all(error, several, call):
    """The message, with all shapes written as lists, after a look at whether it has them."""
    said = str(error)
    text = re.sub(r",?\)", "]", said.replace("(", "["))
    tensors = re.sub(r"tensor [ab] \(\d+\)", "", said)  # these are sizes, and no shapes
    tensors = re.sub(r",?\)", "]", tensors.replace("(", "["))
    every = {1: "The shape has", 2: "Both shapes have", 3: "All three shapes have"}.get(len(several), "All shapes have")
    listed = ", ".join(str(list(shape)) for shape in several)
    for shape in several:
        count = tensors.count(str(list(shape)))
        check.that(count, f"The message has to name the shape {list(shape)}.", call=call, got=said)
        check.that(count >= several.count(shape), f"{every} to be listed: {listed}.", call=call, got=said)
    return text


# ---- broadcast_strides ----


@st.composite
def stretched(draw):
    """A layout, and a shape to which it can be stretched."""
    layout = draw(layouts(max_dims=3, most=12, max_offset=0))
    wanted = tuple(draw(st.sampled_from([1, 2, 3, 0])) if size == 1 else size for size in layout.sizes)
    return layout, (*draw(shapes(max_dims=2, most=6)), *wanted)


def numpy_strides(sizes, strides, shape):
    """What NumPy says: the strides, in elements, with which it broadcasts an array of these sizes and strides."""
    array = np.lib.stride_tricks.as_strided(np.zeros(1, dtype=np.int8), sizes, strides)  # its numbers are not read
    return np.broadcast_to(array, shape).strides


@given(case=stretched())
@example(case=(Layout((3,), (1,)), (3,)))
@example(case=(Layout((3,), (1,)), (2, 3)))
@example(case=(Layout((3,), (2,)), (3, 3)))
@example(case=(Layout((2, 1), (1, 1)), (2, 3)))
@example(case=(Layout((1, 3), (3, 1)), (2, 3)))
@example(case=(Layout((), ()), (2, 3)))
@example(case=(Layout((), ()), ()))
@example(case=(Layout((1,), (1,)), (0,)))
@example(case=(Layout((0,), (1,)), (2, 0)))
@example(case=(Layout((2, 3), (1, 2)), (2, 3)))
@example(case=(Layout((2, 3), (0, 1)), (2, 2, 3)))
def test_strides(case):
    """A dimension that is stretched, or new in front, gets the stride 0; all others keep theirs."""
    layout, shape = case
    sizes, strides, _ = layout
    call = f"broadcast_strides({sizes}, {strides}, {shape})"
    right = numpy_strides(sizes, strides, shape)
    got = answer(broadcast_strides, (sizes, strides, shape), call, f"{right}",
                 "A size of 1 can be stretched to any other, and new dimensions can come in front.")
    kept = right[len(right) - len(sizes):]
    front = (0,) * (len(right) - len(sizes))
    mistakes = {
        "The dimensions were aligned at the front. They are aligned at the last one, and new ones come in front.":
            (*kept, *front),
        "The strides of the new dimensions are missing.": tuple(kept),
        "A dimension that is stretched gets the stride 0: a step along it stays where it is.": (*front, *strides),
        "A step along a new dimension stays where it is: its stride is 0.": (*[1 for _ in front], *kept),
        "The strides are those of contiguous memory. Dimensions that are not stretched keep the strides given.":
            numpy_strides(sizes, row_major(sizes), shape),
        "These are the strides in a list; strides are a tuple.": list(right),
    }
    mistakes = {text: wrong for text, wrong in mistakes.items() if wrong != right}
    if is_strides(got, len(shape)):  # where no step is ever taken, any stride is right
        right = tuple(found if size == 1 or 0 in shape else stride for size, found, stride in zip(shape, got, right))
    check.equal(got, right, call=call, mistakes=mistakes)
    whole(got, call, "A stride")
    check.equal(places_by_formula(shape, got), np.broadcast_to(layout.array(), shape).ravel().tolist(),
                call=f"where the elements lie with the strides of {call}")


@st.composite
def not_stretchable(draw):
    """A layout, and a shape with another size in a dimension that has not size 1."""
    layout = draw(layouts(max_dims=3, most=12, max_offset=0))
    if not set(layout.sizes) - {1}:
        layout = Layout((*layout.sizes, 2), (*layout.strides, 1))
    changed = draw(st.sampled_from([d for d, size in enumerate(layout.sizes) if size != 1]))
    other = draw(st.integers(0, 4).filter(lambda size: size != layout.sizes[changed]))
    return layout, (*draw(shapes(max_dims=1)), *layout.sizes[:changed], other, *layout.sizes[changed + 1 :])


@given(case=not_stretchable())
@example(case=(Layout((2,), (1,)), (3,)))
@example(case=(Layout((3,), (1,)), (1,)))
@example(case=(Layout((2,), (1,)), (4,)))
@example(case=(Layout((2,), (1,)), (0,)))
@example(case=(Layout((0,), (1,)), (1,)))
@example(case=(Layout((2,), (1,)), (2, 3)))
@example(case=(Layout((2, 3), (3, 1)), (1, 3)))
def test_what_cannot_be_stretched(case):
    """A size that is not 1 cannot become another one: RuntimeError that names both shapes."""
    (sizes, strides, _), shape = case
    not_expanded(sizes, strides, shape, "Only a size of 1 can be stretched.")


@given(layout=layouts(max_dims=3, most=12, max_offset=0))
@example(layout=Layout((2,), (1,)))
@example(layout=Layout((1,), (1,)))
@example(layout=Layout((2, 3), (3, 1)))
def test_too_few_dimensions(layout):
    """A shape with fewer dimensions than the tensor has raises RuntimeError that names both shapes."""
    sizes, strides, _ = layout
    for lost in range(1, len(sizes) + 1):
        not_expanded(sizes, strides, sizes[lost:], "No dimension can be left out, not even one of size 1.")


def not_expanded(sizes, strides, shape, note):
    call = f"broadcast_strides({sizes}, {strides}, {shape})"
    error = answer(lambda: check.raises(RuntimeError, lambda: broadcast_strides(sizes, strides, shape), call=call,
                                        note=note), (), call, "RuntimeError")
    names_all(error, (sizes, shape), call)


def test_operands_stretched_to_their_common_shape():
    """All operands can be stretched to the shape that broadcast_shapes gives, and have the same elements there as in
    NumPy.
    """
    sizes = [(), (1,), (3,), (2, 1), (1, 3), (2, 3), (4, 1, 1), (4, 2, 1)]
    for pair in itertools.product(sizes, repeat=2):
        common = answer(broadcast_shapes, pair, call_of(pair))
        check.equal(common, np.broadcast_shapes(*pair), call=call_of(pair))
        for each in pair:
            array = np.arange(np.prod(each, dtype=int), dtype=np.int64).reshape(each)
            strides = tuple(stride // array.itemsize for stride in array.strides)
            call = f"broadcast_strides({each}, {strides}, {common})"
            got = answer(broadcast_strides, (each, strides, common), call)
            check.that(is_strides(got, len(common)), "A tuple with a stride for each dimension was expected.",
                       call=call, got=got)
            check.equal(places_by_formula(common, got), np.broadcast_to(array, common).ravel().tolist(),
                        call=f"where the elements lie with {call}")
