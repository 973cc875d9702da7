"""Task 2.4: views as sizes, strides and offset, beside what NumPy reads when it is indexed in the same way."""

from __future__ import annotations

import traceback
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import Layout, layouts
from looks import asked, check_view, geometry_of, lost_offset

from course import check
from terox.tensors import views

pytestmark = pytest.mark.task("2.4")

MATRIX = Layout((2, 3), (3, 1))
LATER = Layout((2, 3), (4, 1), 2)  # two rows of three in a row of four, from place 2 on
TURNED = Layout((3, 2), (1, 4), 5)
CUBE = Layout((2, 3, 4), (12, 4, 1), 1)
WITH_DIMS = layouts().filter(lambda layout: layout.sizes)


def picked(values, dims):
    return tuple(values[d] for d in dims)


def without(values, dim):
    return values[:dim] + values[dim + 1 :]


def replaced(values, dim, value):
    return values[:dim] + (value,) + values[dim + 1 :]


# ---- permute ----


class Permuted(NamedTuple):
    layout: Layout
    dims: tuple


@st.composite
def permuted(draw):
    layout = draw(layouts())
    return Permuted(layout, tuple(draw(st.permutations(range(len(layout.sizes))))))


@given(case=permuted())
@example(case=Permuted(MATRIX, (1, 0)))
@example(case=Permuted(CUBE, (2, 0, 1)))
@example(case=Permuted(Layout((), (), 3), ()))
def test_permute(case):
    """permute reads dimension dims[n] of the tensor as dimension n of the view, from the same offset."""
    layout, dims = case
    call = f"permute({layout.sizes}, {layout.strides}, {layout.offset}, {dims})"
    with asked(call):
        got = views.permute(*layout, dims)
    expected = layout.array().transpose(dims)
    right = geometry_of(expected)
    back = [dims.index(d) for d in range(len(dims))]
    check_view(
        got,
        expected,
        call,
        {
            "The sizes moved, and the strides did not.": (right[0], layout.strides, layout.offset),
            "The strides moved, and the sizes did not.": (layout.sizes, right[1], layout.offset),
            "That is the inverse: dims[n] says where dimension n of the view comes from, not where the tensor's goes.":
                (picked(layout.sizes, back), picked(layout.strides, back), layout.offset),
            "That is the transpose, whatever dims says.": (layout.sizes[::-1], layout.strides[::-1], layout.offset),
            **lost_offset(right),
        },
    )


# ---- expand ----


class Expanded(NamedTuple):
    layout: Layout
    shape: tuple
    wanted: tuple  # the same without -1


@st.composite
def expanded(draw):
    """A layout, a shape to which it can be stretched, and the same shape without -1."""
    layout = draw(layouts(max_dims=3, most=12))
    front = draw(st.lists(st.integers(0, 3), max_size=2))
    wanted = [draw(st.sampled_from([1, 2, 3, 0])) if size == 1 else size for size in layout.sizes]
    asked = [-1 if size == old and draw(st.booleans()) else size for size, old in zip(wanted, layout.sizes)]
    return Expanded(layout, (*front, *asked), (*front, *wanted))


@given(case=expanded())
@example(case=Expanded(Layout((3,), (1,)), (2, 3), (2, 3)))
@example(case=Expanded(Layout((3, 1), (1, 1)), (3, 2), (3, 2)))
@example(case=Expanded(Layout((3, 1), (2, 5), 4), (-1, 2), (3, 2)))
@example(case=Expanded(Layout((3, 2), (2, 7), 4), (4, -1, 2), (4, 3, 2)))
@example(case=Expanded(Layout((2,), (3,), 1), (4, -1), (4, 2)))
@example(case=Expanded(Layout((1, 0), (1, 1)), (2, -1), (2, 0)))
def test_expand(case):
    """expand reads each element again along stretched and new dimensions; a size of -1 keeps the tensor's own."""
    layout, shape, wanted = case
    call = f"expand({layout.sizes}, {layout.strides}, {layout.offset}, {shape})"
    with asked(call, f"sizes {wanted}", note=lambda error: still_minus_one(error, shape)):
        got = views.expand(*layout, shape)
    expected = np.broadcast_to(layout.array(), wanted)
    strides = geometry_of(expected)[1]
    new = len(shape) - len(layout.sizes)
    kept = (0,) * new + layout.strides
    mistakes = {
        "A size of -1 stands for the tensor's own size: it is still -1.": (shape, strides, layout.offset),
        "A stretched dimension needs the stride 0, so that a step along it stays where it is.":
            (wanted, kept, layout.offset),
        "A size of -1 was taken for 1.": (tuple(1 if n == -1 else n for n in shape), strides, layout.offset),
        **lost_offset((wanted, strides)),
    }
    if new:
        from_front = tuple(layout.sizes[d] if n == -1 and d < len(layout.sizes) else n for d, n in enumerate(shape))
        mistakes["Shapes are aligned at their last dimension: the -1 got the size of another one."] = (
            from_front, strides, layout.offset)
    check_view(got, expected, call, mistakes)


def still_minus_one(error, shape):
    """A sentence, where broadcast_strides refuses a shape in which the -1 still is."""
    frames = traceback.extract_tb(error.__traceback__)
    if -1 in shape and "-1" in str(error) and any(frame.name == "broadcast_strides" for frame in frames):
        _end_in_views(error)
        return "The -1 is still in the shape that was handed on; put the tensor's own size in its place."
    return None


def _end_in_views(error):
    """The error is then reported at the learner's line in views.py, and not further in."""
    last, place = None, error.__traceback__
    while place is not None:
        last = place if place.tb_frame.f_code.co_filename == views.__file__ else last
        place = place.tb_next
    if last is not None:
        last.tb_next = None


class NotExpanded(NamedTuple):
    layout: Layout
    shape: tuple
    why: str


@st.composite
def not_expanded(draw):
    """A layout and a shape to which it cannot be stretched, with the reason."""
    layout = draw(layouts(max_dims=3, most=12))
    why = draw(st.sampled_from(["size", "fewer", "front"]))
    fixed = [d for d, size in enumerate(layout.sizes) if size != 1]
    shape = list(layout.sizes)
    if why == "size" and fixed:
        dim = draw(st.sampled_from(fixed))
        shape[dim] = draw(st.integers(0, 5).filter(lambda n: n != layout.sizes[dim]))
        front = draw(st.lists(st.integers(1, 3), max_size=1))
        return NotExpanded(layout, (*front, *shape), f"{layout.sizes[dim]} is not 1")
    if why == "fewer" and shape:
        return NotExpanded(layout, tuple(shape[draw(st.integers(1, len(shape))) :]), "it would lose dimensions")
    return NotExpanded(layout, (-1, *shape), "-1 means nothing in front, where the tensor has no dimension")


@given(case=not_expanded())
@example(case=NotExpanded(MATRIX, (3, 3), "2 is not 1"))
@example(case=NotExpanded(MATRIX, (2, 1), "3 is not 1"))
@example(case=NotExpanded(Layout((3,), (1,)), (-1, 3), "-1 means nothing in front, where the tensor has no dimension"))
@example(case=NotExpanded(Layout((), ()), (-1,), "-1 means nothing in front, where the tensor has no dimension"))
@example(case=NotExpanded(MATRIX, (3,), "it would lose dimensions"))
def test_expand_refuses(case):
    """Where a tensor cannot be stretched to a shape, or -1 stands in front, expand raises RuntimeError naming both."""
    layout, shape, why = case
    call = f"expand({layout.sizes}, {layout.strides}, {layout.offset}, {shape})"
    note = f"A tensor of shape {list(layout.sizes)} cannot be expanded to {list(shape)}: {why}."
    with asked(call, "RuntimeError", note=lambda error: note):
        error = check.raises(RuntimeError, lambda: views.expand(*layout, shape), call=call, note=note)
    for each in (layout.sizes, shape):
        check.that(str(list(each)) in str(error) or str(tuple(each)) in str(error),
                   f"The message has to name both shapes, and does not have {list(each)}.", call=call, got=str(error))


# ---- slice ----


class Sliced(NamedTuple):
    layout: Layout
    dim: int
    start: int
    stop: int
    step: int


@st.composite
def sliced(draw):
    layout = draw(WITH_DIMS)
    dim = draw(st.integers(0, len(layout.sizes) - 1))
    size = layout.sizes[dim]
    # Mostly long ranges: two elements at least have to be left for a stride to matter.
    start = draw(st.one_of(st.integers(0, min(size, 1)), st.integers(0, size)))
    stop = draw(st.one_of(st.just(size), st.integers(0, size)))
    return Sliced(layout, dim, start, stop, draw(st.sampled_from([1, 2, 1, 3, 4])))


@given(case=sliced())
@example(case=Sliced(Layout((6,), (1,)), 0, 1, 6, 2))
@example(case=Sliced(Layout((5,), (1,)), 0, 0, 5, 2))
@example(case=Sliced(MATRIX, 0, 1, 2, 1))
@example(case=Sliced(LATER, 1, 1, 3, 1))
@example(case=Sliced(CUBE, 2, 1, 4, 2))
@example(case=Sliced(TURNED, 0, 0, 3, 2))
@example(case=Sliced(Layout((4, 3), (3, 1)), 0, 0, 4, 2))
@example(case=Sliced(MATRIX, 1, 2, 2, 3))
@example(case=Sliced(MATRIX, 1, 3, 1, 1))
@example(case=Sliced(MATRIX, 1, 3, 0, 2))
def test_slice(case):
    """slice reads the indices start, start + step, ... below stop along one dimension; maybe none at all."""
    layout, dim, start, stop, step = case
    sizes, strides, offset = layout
    call = f"slice({sizes}, {strides}, {offset}, dim={dim}, start={start}, stop={stop}, step={step})"
    with asked(call):
        got = views.slice(*layout, dim, start, stop, step)
    expected = layout.array()[(slice(None),) * dim + (slice(start, stop, step),)]
    right = geometry_of(expected)
    stride, room = strides[dim], stop - start

    def counting(n):
        return (replaced(sizes, dim, n),)

    mistakes = other_dimensions(case, right[0][dim]) | {
        "The offset moves by start steps, and a step along this dimension is as long as its stride.":
            (*right[:2], offset + start),
        "The offset moves by start steps of the tensor; the longer steps of the view come after that.":
            (*right[:2], offset + start * stride * step),
        "The view begins where the tensor does: the offset did not move to start.": (*right[:2], offset),
        "The offset moves on from where it was: the tensor's own offset was lost.": (*right[:2], start * stride),
        "A step of the view is step times as long as one of the tensor: the stride has to grow.":
            (right[0], strides, right[2]),
        "The new stride is the old one times step, not step alone.": (right[0], replaced(strides, dim, step), right[2]),
    }
    if room <= 0:
        mistakes["Nothing is left where stop is not above start, not even one element: the size is 0."] = counting(1)
        mistakes["A negative size: where stop is not above start, nothing is left."] = counting(-(-room // step))
        mistakes["A negative size: nothing is left here, and its size is 0."] = counting(room)
        mistakes["A negative size: with stop below start, the size is 0."] = counting(room // step)
    else:
        mistakes["The last index is missing: with room for a part of a step, one more element fits."] = counting(
            room // step)
        mistakes["That is one element too many: stop itself is not read."] = counting(room // step + 1)
        mistakes["The number of indices between start and stop; of those, only every step-th is read."] = counting(room)
    check_view(got, expected, call, mistakes)


def other_dimensions(case, count):
    """What slicing another dimension than dim gives."""
    (sizes, strides, offset), dim, start, _, step = case
    return {
        f"Dimension {other} was sliced, not dim={dim}.": [
            (replaced(sizes, other, count), replaced(strides, other, stride * step), offset + start * strides[by])
            for stride in (strides[other], strides[dim]) for by in (other, dim)]
        for other in range(len(sizes)) if other != dim}


# ---- select ----


class Selected(NamedTuple):
    layout: Layout
    dim: int
    index: int


@st.composite
def selected(draw):
    layout = draw(layouts().filter(lambda layout: any(layout.sizes)))
    dim = draw(st.sampled_from([d for d, size in enumerate(layout.sizes) if size]))
    return Selected(layout, dim, draw(st.integers(0, layout.sizes[dim] - 1)))


@given(case=selected())
@example(case=Selected(MATRIX, 0, 1))
@example(case=Selected(MATRIX, 1, 2))
@example(case=Selected(LATER, 0, 1))
@example(case=Selected(CUBE, 1, 2))
@example(case=Selected(Layout((3, 3), (3, 1)), 1, 1))
@example(case=Selected(Layout((4,), (2,), 1), 0, 3))
@example(case=Selected(Layout((1, 2, 1), (2, 1, 1)), 2, 0))
def test_select(case):
    """select reads the part with one index along a dimension, and the view does not have that dimension."""
    layout, dim, index = case
    sizes, strides, offset = layout
    call = f"select({sizes}, {strides}, {offset}, dim={dim}, index={index})"
    with asked(call):
        got = views.select(*layout, dim, index)
    expected = layout.array()[(slice(None),) * dim + (index,)]
    right, stride = geometry_of(np.asarray(expected)), strides[dim]
    mistakes = {
        "The offset moves by index steps, and a step along this dimension is as long as its stride.":
            (*right[:2], offset + index),
        "The offset did not move: that is the part with index 0.": (*right[:2], offset),
        "The offset moves on from where it was: the tensor's own offset was lost.": (*right[:2], index * stride),
        "The dimension is still there, with size 1; select leaves it out.":
            (replaced(sizes, dim, 1), strides, right[2]),
        "The dimension is still there; select leaves it out.": (sizes, strides, right[2]),
    }
    if dim + 1 < len(strides):
        mistakes["The offset moved by the stride of the next dimension."] = (
            *right[:2], offset + index * strides[dim + 1])
    for other in range(len(sizes)):
        if other != dim:
            mistakes[f"Dimension {other} was left out, not dimension {dim}."] = (
                without(sizes, other), without(strides, other), right[2])
    for name, values, right_values in (("sizes", sizes, right[0]), ("strides", strides, right[1])):
        removed = without(values, values.index(values[dim]))
        if removed != right_values:
            sentence = (f"`remove` takes out the first of the {name} that is {values[dim]}, and that is not the one of "
                        f"dimension {dim}: `del` takes a place.")
            mistakes[sentence] = (removed,) if name == "sizes" else (right[0], removed, right[2])
    check_view(got, expected, call, mistakes)
