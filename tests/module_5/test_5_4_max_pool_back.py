"""Task 5.4: max_pool_back_range, the gradient for what was pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pooled import UNTOUCHED, Pooling, poolings, ranges, run

from course.check import CheckFailed, shown
from terox.nn.pooling import max_pool_back_range

pytestmark = pytest.mark.task("5.4")


class Backward:
    """The gradient for `out` of a pooling; whole numbers, so that sums are exact."""

    def __init__(self, case, first=1):
        self.case = case
        self.indices = case.right()[1]
        self.grad = (np.arange(self.indices.size) * 3 % 7 + first).reshape(case.out_shape).astype(np.float64)

    def right(self, fold=np.add, start=0.0):
        found = np.full(self.case.planes.shape, start).reshape(len(self.grad), -1)
        for p, *place in np.ndindex(self.grad.shape):
            at = self.indices[(p, *place)]
            found[p, at] = fold(found[p, at], self.grad[(p, *place)])
        return found.reshape(self.case.planes.shape)

    def mistakes(self):
        right, windows = self.right(), math.prod(self.case.kernel)
        found = {
            "Where two windows have their largest element in one place, both gradients arrive there: add them.":
                self.right(lambda old, new: new),
            "`grad_input` holds anything before: set all of the plane to 0 first.": self.right(start=UNTOUCHED),
            "That is the number of windows whose largest element stands there. Each of them has a gradient, in `grad`.":
                self.right(lambda old, new: old + 1),
            "The gradient was divided among all elements of a window. Only the largest has an effect on the result.":
                right / windows,
            "The sign is the wrong way round.": -right,
        }
        if len(self.grad) > 1:
            found |= {
                "`indices` count from the beginning of their own plane: plane number p begins at p * height * width.":
                    self._all_to_the_first(),
                "All planes have the gradient of the first one: its results begin at plane * out_h * out_w.":
                    np.repeat(right[:1], len(right), 0),
            }
        return found

    def _all_to_the_first(self):
        found = np.zeros(self.case.planes.shape).reshape(-1)
        for place in np.ndindex(self.grad.shape):
            found[self.indices[place]] += self.grad[place]
        return found.reshape(self.case.planes.shape)

    def __repr__(self):
        height, width = self.case.planes.shape[1:]
        return f"planes of {height}x{width}, indices {self.indices.tolist()}, grad {self.grad.tolist()}"


def judge(backward):
    case, planes = backward.case, len(backward.grad)
    got = np.full(case.planes.size, UNTOUCHED)
    call = f"max_pool_back_range for {ranges(case, planes, 'plane')}; {backward!r}"
    run(max_pool_back_range, case.chunks(planes), (got, backward.grad.ravel(), backward.indices.ravel()),
        ("grad_input", "grad", "indices"), ("grad_input",), case, call)
    got, right = got.reshape(case.planes.shape), backward.right()
    if not np.array_equal(got, right):
        sentence = next((words for words, wrong in backward.mistakes().items() if np.array_equal(wrong, got)), None)
        if sentence is None and (got == UNTOUCHED).any():
            sentence = "Some elements still are what was there before: each one is written, 0 where nothing arrives."
        p, y, x = np.argwhere(got != right)[0].tolist()
        raise CheckFailed(f"{call}; grad_input", shown(got.tolist()), shown(right.tolist()), sentence
                          or f"The first difference is in plane {p}, at row {y}, column {x}.")


@given(case=poolings(max_planes=3), first=st.integers(-3, 3))
@example(case=Pooling([[[1, 3], [4, 2]]], (2, 2)), first=3)
@example(case=Pooling([[[1, 5, 2]]], (1, 2), (1, 1)), first=2)
@example(case=Pooling([[[1, 2], [4, 3]], [[7, 6], [5, 8]]], (2, 2)), first=2)
@example(case=Pooling([[[1, 2, 3]], [[6, 5, 4]]], (1, 2), (1, 1), grain=1), first=1)
@example(case=Pooling([[[1, 2, 3]], [[4, 9, 6]], [[8, 7, 5]]], (1, 3), (1, 1), (0, 1), grain=2), first=-2)
@example(case=Pooling([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], (3, 3), (1, 1), (1, 1)), first=1)
@example(case=Pooling([[[1, 2], [3, 4], [5, 6]]], (2, 1), (1, 1)), first=1)
def test_max_pool_back_range(case, first):
    """Each element of `grad` is added where its maximum stood; everything else is 0."""
    judge(Backward(case, first))
