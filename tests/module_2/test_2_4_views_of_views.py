"""Task 2.4: a view of a view moves on from where that one is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import Layout, layouts
from looks import check_view, places

from terox.tensors import views

pytestmark = pytest.mark.task("2.4")


def in_numpy(array, name, args):
    """What NumPy does instead of the view `name`."""
    if name == "permute":
        return array.transpose(args[0])
    if name == "expand":
        return np.broadcast_to(array, args[0])
    dim, *rest = args
    return array[(slice(None),) * dim + ((slice(*rest) if name == "slice" else rest[0]),)]


@st.composite
def next_view(draw, sizes):
    """The name of a view of a tensor of these sizes, and its arguments."""
    name = draw(st.sampled_from(["permute", "expand"] + ["slice"] * bool(sizes) + ["select"] * any(sizes)))
    if name == "permute":
        return name, (tuple(draw(st.permutations(range(len(sizes))))),)
    if name == "expand":
        front = draw(st.lists(st.integers(1, 2), max_size=1 if len(sizes) < 4 else 0))
        return name, (tuple([*front, *(2 if size == 1 and draw(st.booleans()) else size for size in sizes)]),)
    dim = draw(st.sampled_from([d for d, size in enumerate(sizes) if size or name == "slice"]))
    if name == "select":
        return name, (dim, draw(st.integers(0, sizes[dim] - 1)))
    start = draw(st.integers(0, sizes[dim]))
    return name, (dim, start, draw(st.integers(start, sizes[dim])), draw(st.integers(1, 2)))


@st.composite
def chains(draw):
    """A layout, and several views, one of the other."""
    layout = draw(layouts(max_dims=3))
    array, steps = layout.array(), []
    for _ in range(draw(st.integers(2, 4))):
        steps.append(draw(next_view(array.shape)))
        array = in_numpy(array, *steps[-1])
    return layout, steps


@given(case=chains())
@example(case=(Layout((8, 3), (3, 1)), [("slice", (0, 4, 8, 1)), ("permute", ((1, 0),)), ("select", (0, 1))]))
def test_views_of_views(case):
    """A view of a view of a view reads what the same indexing reads step by step: nothing of the first is lost."""
    layout, steps = case
    geometry, expected = tuple(layout), layout.array()
    for name, args in steps:
        before, expected = geometry, in_numpy(expected, name, args)
        geometry = getattr(views, name)(*before, *args)
        check_view(geometry, expected, f"{name}({', '.join(map(str, (*before, *args)))})")


def test_a_row_of_a_half():
    """A view of a view moves on from where that begins: row 1 of the lower half of 8 rows is row 5."""
    whole = Layout((8, 3), (3, 1))
    half = views.slice(*whole, 0, 4, 8, 1)
    check_view(half, places(*whole)[4:], "half = slice((8, 3), (3, 1), 0, dim=0, start=4, stop=8, step=1)")
    check_view(views.select(*half, 0, 1), places(*whole)[5], "select(*half, dim=0, index=1)",
               {"That is row 1 of the whole tensor: the offset of the half was lost.": ((3,), (1,), 3)})
