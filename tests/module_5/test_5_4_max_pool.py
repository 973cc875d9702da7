"""Task 5.4: max_pool_range, the largest of each window and where it stands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from pooled import SPECIAL, UNTOUCHED, Pooling, poolings, ranges, run

from course.check import CheckFailed, shown
from terox.nn.pooling import max_pool_range

pytestmark = pytest.mark.task("5.4")


def pooled(case):
    """`out` and `indices` as the learner's loop fills them, (P, OH, OW)."""
    units = case.out_shape[0] * case.out_shape[1]
    arrays = np.full(math.prod(case.out_shape), UNTOUCHED), np.full(math.prod(case.out_shape), -7), case.planes.ravel()
    run(max_pool_range, case.chunks(units), arrays, ("out", "indices", "a"), ("out", "indices"), case,
        f"max_pool_range, {case!r}")
    return [each.reshape(case.out_shape) for each in arrays[:2]]


def any_nan(case, got, right):
    """`right`, but where a window has several NaN, the place of any of them is."""
    right = right.copy()
    width = case.planes.shape[2]
    for p, y, x in np.ndindex(*case.out_shape):
        row, column = divmod(int(got[p, y, x]), width)
        if (row, column) in case.inside(y, x) and math.isnan(case.planes[p, row, column]):
            right[p, y, x] = got[p, y, x]
    return right


def judge(case):
    """Compare with what the definition gives, values first."""
    pairs = [(*each, wrong) for each, wrong in zip(zip(("out", "indices"), pooled(case), case.right()),
                                                   (case.wrong_values, case.wrong_indices))]
    for name, got, right, wrong in pairs:
        if name == "indices":
            right = any_nan(case, got, right)
        if np.array_equal(got, right, equal_nan=True):
            continue
        sentence = next((words for words, value in wrong().items() if np.array_equal(value, got, equal_nan=True)), None)
        place = tuple(np.argwhere(~((got == right) | ((got != got) & (right != right))))[0].tolist())
        p, y, x = place
        if sentence is None:
            under = [f"{case.planes[p, row, column] + 0.0:g} at {row * case.planes.shape[2] + column}"
                     for row, column in case.inside(y, x)]
            sentence = (f"The first difference is in plane {p}, window y = {y}, x = {x}: it has {', '.join(under)}; "
                        f"here comes {got[place]:g}.")
        raise CheckFailed(f"max_pool_range for {ranges(case, case.out_shape[0] * case.out_shape[1], 'row')}; {case!r}; "
                          f"{name}", shown(got.tolist()), shown(right.tolist()), sentence.strip())


COUNTED = np.arange(24.0).reshape(2, 3, 4) * 7 % 24
WIDE = np.arange(30.0).reshape(1, 5, 6) * 17 % 31 - 15


@given(case=poolings())
@example(case=Pooling([[[1, 8, 2, 3], [7, 4, 6, 5]]], (2, 2), (1, 1)))
@example(case=Pooling(WIDE, (2, 3), (1, 1)))
@example(case=Pooling(WIDE, (2, 2), (2, 3)))
@example(case=Pooling(WIDE, (2, 2), (1, 1), dilation=(2, 3)))
@example(case=Pooling(WIDE, (2, 4), (1, 1), (1, 2)))
@example(case=Pooling([[[-1, -3], [-4, -2]]], (2, 2)))
@example(case=Pooling([[[2, 2], [2, 2]]], (2, 2)))
@example(case=Pooling([[[1, 2], [2, 1]]], (2, 2)))
@example(case=Pooling([[[5, 1, 2], [3, 9, 4], [8, 6, 7], [1, 2, 3]]], (2, 1), (2, 1)))
@example(case=Pooling([[[-1, -3, -2], [-4, -2, -5], [-6, -9, -8]]], (2, 2), (1, 1), (1, 1)))
@example(case=Pooling([[[-1, -3, -2], [-4, -5, -6]]], (2, 2), (1, 1), (0, 1)))
@example(case=Pooling(COUNTED[:1], (2, 1), (1, 2)))
@example(case=Pooling(COUNTED[:1], (2, 2), (1, 1), dilation=(1, 2)))
@example(case=Pooling(COUNTED, (2, 1), (1, 3)))
@example(case=Pooling(COUNTED, (3, 2), (2, 3), (1, 0), (1, 2)))
@example(case=Pooling(COUNTED, (2, 3), (1, 1), grain=1))
def test_max_pool_range(case):
    """`out` gets the largest element of each window, `indices` where it stands in its plane; of equal ones, the first.

    What lies outside of the plane does not count.
    """
    judge(case)


@given(case=poolings(values=SPECIAL))
@example(case=Pooling([[[math.nan, 1], [1, math.nan]]], (1, 2)))
@example(case=Pooling([[[1, math.nan, 2, 3]]], (1, 4)))
@example(case=Pooling([[[1, math.nan, 2, math.nan]]], (1, 4)))
@example(case=Pooling([[[-math.inf, -math.inf]]], (1, 2)))
@example(case=Pooling([[[0, -math.inf, -math.inf]]], (1, 2), (1, 1)))
@example(case=Pooling([[[-math.inf, math.nan]]], (1, 2)))
def test_not_finite(case):
    """NaN is larger than everything. A window of nothing but -inf has an index as well."""
    judge(case)


def test_windows_that_do_not_fit():
    """Behind the last window, elements may be left: they belong to none, and no window reaches beyond the plane."""
    judge(Pooling([[[1, 2, 3, 9], [4, 5, 6, 9], [7, 8, 9, 10]]], (2, 2), (2, 2)))
    judge(Pooling(np.arange(25.0).reshape(1, 5, 5) * 7 % 25, (3, 2), (3, 3)))


def test_windows_that_reach_beyond_the_end():
    """`sizes` says how many windows there are: with ceil_mode, the last ones reach beyond the plane, also without
    padding.
    """
    case = Pooling(np.arange(15.0).reshape(1, 3, 5) * 7 % 15 - 20, (2, 2), (2, 2))
    case.counts = (2, 3)
    judge(case)
