"""Task 3.4: the micro-kernel, which adds products to two rows of a tile."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.trace import trace
from terox.parallel import matmul

pytestmark = pytest.mark.task("3.4")


class Call:
    """Sizes for one call of micro_kernel."""

    def __init__(self, i, depth, columns, sizes=(4, 4, 8), dtype="float64"):
        self.i, self.depth, self.columns, self.sizes, self.dtype = i, depth, columns, sizes, dtype

    def __repr__(self):
        rows, columns, depth = self.sizes
        return (f"micro_kernel(tile, left, right, i={self.i}, depth={self.depth}, columns={self.columns}), tile "
                f"{(rows, columns)}, left {(rows, depth)}, right {(depth, columns)}, {self.dtype}")

    def arrays(self):
        """tile, left, right. What the call has no business with is NaN in left and right."""
        rows, columns, depth = self.sizes
        nothing = -(2**40) if self.dtype == "int64" else math.nan
        tile = np.arange(100, 100 + rows * columns, dtype=self.dtype).reshape(rows, columns)
        left, right = np.full((rows, depth), nothing, self.dtype), np.full((depth, columns), nothing, self.dtype)
        for used, first, step in ((left[self.i : self.i + 2, : self.depth], 1, 1),
                                  (right[: self.depth, : self.columns], 5, 3)):
            used[...] = first + step * np.arange(used.size).reshape(used.shape)
        return tile, left, right

    def run(self, arrays):
        with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
            for name, value in zip(("ROWS", "COLUMNS", "DEPTH"), self.sizes):
                patch.setattr(matmul, name, value)
            matmul.micro_kernel(*arrays, self.i, self.depth, self.columns)

    def after(self, arrays, a=lambda left: left, b=lambda right: right, keep=True, rows=(0, 1), to=(0, 1)):
        """The tile after the call, as sums of products; with other operands, for what slips leave."""
        tile, left, right = arrays
        left, right = a(left[self.i : self.i + 2, : self.depth]), b(right[: self.depth, : self.columns])
        result = tile.copy()
        for row in rows:
            into = result[self.i + to[row], : self.columns]
            into[:] = (into if keep else 0) + left[row] @ right
        return result


@st.composite
def calls(draw, depths=(4, 8, 0, 12)):
    depth = draw(st.sampled_from(depths))
    rows, columns = draw(st.sampled_from((2, 4, 6))), draw(st.integers(1, 5))
    used = draw(st.integers(1, columns))
    deep = depth + draw(st.sampled_from((0, 4))) if depth else 4
    return Call(draw(st.integers(0, rows - 2)), depth, used, (rows, columns, deep),
                draw(st.sampled_from(("float64", "int64"))))


def judge(call, arrays, right, mistakes):
    got = arrays[0]
    if np.array_equal(got, right):
        return
    said = next((text for text, slip in mistakes.items() if np.array_equal(got, slip, equal_nan=got.dtype.kind == "f")
                 and not np.array_equal(slip, right)), None)
    index = tuple(int(part[0]) for part in np.nonzero(~(got == right)))
    inside = call.i <= index[0] < call.i + 2 and index[1] < call.columns
    note = (f"tile[i{'' if index[0] == call.i else ' + 1'}, {index[1]}] is what it was, and {call.depth} products more."
            if inside else
            f"This element has to stay as it is: only the rows i and i + 1, and {call.columns} of their columns, are "
            "the call's.")
    raise check.CheckFailed(repr(call), f"tile[{index[0]}, {index[1]}] = {got[index].item()}",
                            f"tile[{index[0]}, {index[1]}] = {right[index].item()}", said or note)


@given(call=calls())
@example(call=Call(0, 4, 1, (2, 1, 4)))
@example(call=Call(0, 8, 2, (2, 2, 8)))
@example(call=Call(2, 4, 3, (4, 4, 8)))
@example(call=Call(1, 8, 2, (4, 3, 12)))
@example(call=Call(0, 0, 2, (2, 2, 4)))
@example(call=Call(0, 12, 1, (2, 2, 12), "int64"))
def test_micro_kernel(call):
    """Both rows of the tile grow by the sums of products, and nothing else in it changes."""
    arrays = call.arrays()
    before = [array.copy() for array in arrays]
    call.run(arrays)
    right = call.after(before)
    others = [[p for p in range(call.depth) if p % 4 != n] for n in range(4)]
    firsts = [p - p % 4 for p in range(call.depth)]
    mistakes = {
        "The sum replaces what was in the tile. It has to be added: the tile holds the pieces before.":
            call.after(before, keep=False),
        "Only the last four products are there: each step of p has to add to the tile, not to write anew.":
            call.after(before, keep=False, a=lambda x: x[:, -4:], b=lambda x: x[-4:]),
        "Row i + 1 has not changed. The micro-kernel does two rows.": call.after(before, rows=(0,)),
        "Row i has not changed. The micro-kernel does two rows.": call.after(before, rows=(1,)),
        "Row i + 1 was computed with the numbers of row i of left.": call.after(before, a=lambda x: x[[0, 0]]),
        "Row i was computed with the numbers of row i + 1 of left.": call.after(before, a=lambda x: x[[1, 1]]),
        "The sums of row i and row i + 1 have changed places.": call.after(before, to=(1, 0)),
        "The loop over p ends after the first four. It has to go on to `depth`.":
            call.after(before, a=lambda x: x[:, :4], b=lambda x: x[:4]),
        "The last four products are missing: p goes up to `depth`, in steps of 4.":
            call.after(before, a=lambda x: x[:, :-4], b=lambda x: x[:-4]),
        "All four factors of `left` were multiplied by the same row of `right`. Each k has a row of its own.":
            call.after(before, b=lambda x: x[firsts]),
        "All four rows of `right` were multiplied by the same number of `left`. Each k has a number of its own.":
            call.after(before, a=lambda x: x[:, firsts]),
        "Only one of each four products is there. A step of 4 is four products.":
            call.after(before, a=lambda x: x[:, ::4], b=lambda x: x[::4]),
        **{f"Of each four products, number {n} is missing, counted from 0.": call.after(
            before, a=lambda x, kept=kept: x[:, kept], b=lambda x, kept=kept: x[kept])
           for n, kept in enumerate(others)},
    }
    judge(call, arrays, right, mistakes)
    for name, array, old in zip(("left", "right"), arrays[1:], before[1:]):
        check.that(np.array_equal(array, old, equal_nan=call.dtype == "float64"), f"{name} has changed. It is an "
                   "input.", call=repr(call))


@given(call=calls(depths=(4, 8)))
@example(call=Call(0, 4, 1, (2, 1, 4)))
@example(call=Call(2, 4, 2, (4, 3, 4)))
@example(call=Call(0, 4, 2, (4, 3, 8)))
def test_micro_kernel_stays_inside(call):
    """Nothing is read or written outside of the two rows, the first `depth` of k and the first `columns` columns."""
    tile, left, right = call.arrays()
    columns = tile.shape[1]
    places = [row * columns + j for row in (call.i, call.i + 1) for j in range(call.columns)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("ROWS", "COLUMNS", "DEPTH"), call.sizes):
            patch.setattr(matmul, name, value)
        traced = trace(matmul.micro_kernel, tile, left, right, call.i, call.depth, call.columns, out="tile",
                       fresh=False, elements={"tile": places}, names=("tile", "left", "right", "i", "depth", "columns"))
    traced.check()


special = st.sampled_from((0.0, 1.0, -2.0, math.inf, -math.inf, math.nan))


@given(numbers=st.lists(special, min_size=12, max_size=12))
@example(numbers=[0.0] * 8 + [math.inf] + [1.0] * 3)
@example(numbers=[1.0] * 7 + [0.0] + [1.0] * 3 + [math.nan])
def test_micro_kernel_of_infinities_and_nan(numbers):
    """0 times infinity, or NaN, is NaN: no product may be left out."""
    left, right = np.array(numbers[:8]).reshape(2, 4), np.array(numbers[8:]).reshape(4, 1)
    tile = np.ones((2, 1))
    with np.errstate(all="ignore"):
        matmul.micro_kernel(tile, left, right, 0, 4, 1)
    for row in range(2):
        terms = [x * y for x, y in zip(left[row].tolist(), numbers[8:])]
        skipped = [x * y for x, y in zip(left[row].tolist(), numbers[8:]) if x and y]
        check.close(tile[row, 0], sum(terms, 1.0), mistakes={
            "A product was left out because a factor is 0.": sum(skipped, 1.0)},
            call=f"tile[{row}, 0], which was 1.0, after micro_kernel with left[{row}] = {left[row].tolist()} and "
            f"right[:, 0] = {numbers[8:]}")
