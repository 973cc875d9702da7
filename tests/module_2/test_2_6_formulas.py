"""Task 2.6: the formulas of each op, called directly: no graph, no engine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from derivative_cases import cases, ties
from gradients import Case
from hypothesis import example, given
from hypothesis import strategies as st

pytestmark = pytest.mark.task("2.6")

M = np.array  # matrices of the examples


@given(case=cases("mul"))
@example(case=Case("mul", self=[2.0, 3.0], other=[5.0, 7.0], grad=[10.0, -4.0]))
def test_mul(case):
    """mul: the gradient of each factor is the gradient that comes in, times the other factor."""
    case.check()


@given(case=cases("div"))
@example(case=Case("div", self=[3.0, 7.0], other=[2.0, 4.0], grad=[10.0, -4.0]))
def test_div(case):
    """div: the gradient of the numerator is grad / other, that of the denominator -grad * self / other ** 2."""
    case.check()


@given(case=cases("exp"))
@example(case=Case("exp", self=[0.5, -1.5], grad=[10.0, -4.0]))
def test_exp(case):
    """exp: its derivative is its result."""
    case.check()


@given(case=cases("log"))
@example(case=Case("log", self=[0.5, 4.0], grad=[10.0, -3.0]))
def test_log(case):
    """log: its derivative is 1 / x."""
    case.check()


@given(case=cases("relu"))
@example(case=Case("relu", self=[-2.0, 3.0, 5.0], grad=[10.0, -4.0, 7.0]))
def test_relu(case):
    """relu: the gradient passes where x is positive, and is 0 elsewhere."""
    case.check()


CORNER = st.tuples(st.sampled_from([0.0, -0.0, 2.0, -3.0, 5e-324, -5e-324, math.inf, -math.inf]),
                   st.sampled_from([4.0, -5.0, math.inf, -math.inf, math.nan]))


@given(case=st.lists(CORNER, min_size=1, max_size=4).map(
    lambda pairs: Case("relu", self=[x for x, _ in pairs], grad=[grad for _, grad in pairs])))
@example(case=Case("relu", self=[0.0], grad=[10.0]))
@example(case=Case("relu", self=[-2.0, 0.0, 3.0], grad=[math.inf] * 3))
def test_relu_at_its_corner_and_at_infinity(case):
    """relu: where x is 0 or less the gradient is 0, even if the one that comes in is infinite or NaN."""
    case.check()


@given(case=cases("sum"))
@example(case=Case("sum", self=[[2.0, 3.0], [5.0, 7.0]], dims=(1,), keepdim=False, grad=[10.0, -4.0]))
@example(case=Case("sum", self=[[2.0, 3.0], [5.0, 7.0]], dims=(0,), keepdim=True, grad=[[10.0, -4.0]]))
@example(case=Case("sum", self=[[2.0, 3.0], [5.0, 7.0]], dims=(0,), keepdim=False, grad=[10.0, -4.0]))
@example(case=Case("sum", self=[2.0, 3.0], dims=(0,), keepdim=False, grad=M(10.0)))
@example(case=Case("sum", self=np.zeros((2, 0)), dims=(1,), keepdim=False, grad=[10.0, -4.0]))
@example(case=Case("sum", self=M(2.0), dims=(), keepdim=False, grad=M(10.0)))
def test_sum(case):
    """sum: every element gets the gradient of the sum that it was added to."""
    case.check()


@given(case=cases("amax"))
@example(case=Case("amax", self=[[2.0, 8.0], [5.0, 7.0]], dims=(1,), keepdim=False, grad=[10.0, -4.0]))
@example(case=Case("amax", self=[[2.0, 8.0], [5.0, 7.0]], dims=(0,), keepdim=True, grad=[[10.0, -4.0]]))
def test_amax(case):
    """amax: the largest element gets the whole gradient, and all others 0."""
    case.check()


@given(case=ties())
@example(case=Case("amax", self=[3.0, 5.0, 5.0], dims=(0,), keepdim=False, grad=M(10.0)))
@example(case=Case("amax", self=[[5.0, 5.0], [3.0, 7.0]], dims=(1,), keepdim=False, grad=[10.0, -4.0]))
@example(case=Case("amax", self=[[5.0, 5.0, 5.0], [3.0, 7.0, 7.0]], dims=(1,), keepdim=True, grad=[[10.0], [-4.0]]))
@example(case=Case("amax", self=[[5.0, 1.0], [2.0, 5.0]], dims=(0, 1), keepdim=False, grad=M(10.0)))
def test_amax_with_ties(case):
    """amax: where several elements along `dims` are the largest, they get equal shares of the gradient."""
    case.check()


@given(case=cases("mm"))
@example(case=Case("mm", self=[[2.0, 3.0], [5.0, 7.0]], other=[[1.0, 4.0], [6.0, 8.0]],
                   grad=[[10.0, -4.0], [9.0, 2.0]]))
@example(case=Case("mm", self=[[2.0, 3.0]], other=[[5.0], [7.0]], grad=[[10.0]]))
@example(case=Case("mm", self=np.zeros((2, 0)), other=np.zeros((0, 3)), grad=np.full((2, 3), 4.0)))
def test_matmul(case):
    """matmul of two matrices: the gradients are grad @ other.mT and self.mT @ grad."""
    case.check()


@given(case=cases("bmm"))
@example(case=Case("bmm", self=[[[2.0, 3.0], [5.0, 7.0]]] * 2, other=[[[1.0, 4.0], [6.0, 8.0]]] * 2,
                   grad=[[[10.0, -4.0], [9.0, 2.0]], [[3.0, 5.0], [-7.0, 1.0]]]))
def test_matmul_of_batches(case):
    """matmul of batches, where one may have been broadcast: a product for each matrix, of its last two dimensions."""
    case.check()


@given(case=cases("permute"))
@example(case=Case("permute", self=np.arange(8.0).reshape(2, 2, 2), dims=(1, 2, 0),
                   grad=np.arange(10.0, 18.0).reshape(2, 2, 2)))
@example(case=Case("permute", self=np.arange(6.0).reshape(1, 2, 3), dims=(1, 2, 0),
                   grad=np.arange(10.0, 16.0).reshape(2, 3, 1)))
@example(case=Case("permute", self=np.arange(24.0).reshape(4, 3, 2, 1), dims=(2, 0, 3, 1),
                   grad=np.arange(10.0, 34.0).reshape(2, 4, 1, 3)))
def test_permute(case):
    """permute: the gradient's dimensions go back to where they came from, by the inverse permutation."""
    case.check()


@given(case=cases("expand"))
@example(case=Case("expand", self=[[2.0], [3.0]], shape=(2, 2), grad=[[10.0, -4.0], [7.0, 6.0]]))
@example(case=Case("expand", self=[2.0, 3.0], shape=(2, 2), grad=[[10.0, -4.0], [7.0, 6.0]]))
def test_expand(case):
    """expand: an element that was repeated gets the sum of the gradients of its repetitions."""
    case.check()


@given(case=cases("slice"))
@example(case=Case("slice", self=[2.0, 3.0, 5.0, 7.0, 11.0], dim=0, start=1, stop=4, step=1, grad=[10.0, -4.0, 6.0]))
@example(case=Case("slice", self=[2.0, 3.0, 5.0, 7.0, 11.0], dim=0, start=1, stop=5, step=2, grad=[10.0, -4.0]))
@example(case=Case("slice", self=[[2.0, 3.0], [5.0, 7.0]], dim=1, start=1, stop=2, step=1, grad=[[10.0], [-4.0]]))
def test_slice(case):
    """slice: the gradient is put where its elements came from, and elements that were left out get 0."""
    case.check()


@given(case=cases("gather"))
@example(case=Case("gather", self=[2.0, 3.0], dim=0, index=[1, 0], grad=[10.0, -4.0]))
@example(case=Case("gather", self=[2.0, 3.0], dim=0, index=[1, 1, 0], grad=[10.0, -4.0, 6.0]))
@example(case=Case("gather", self=[[2.0, 3.0], [5.0, 7.0]], dim=0, index=[[1, 0], [1, 1]],
                   grad=[[10.0, -4.0], [6.0, 7.0]]))
@example(case=Case("gather", self=[[2.0, 3.0], [5.0, 7.0]], dim=1, index=[[1, 0], [1, 1]],
                   grad=[[10.0, -4.0], [6.0, 7.0]]))
@example(case=Case("gather", self=[[2.0, 3.0], [5.0, 7.0]], dim=1, index=[[1, 1, 1]], grad=[[10.0, -4.0, 6.0]]))
def test_gather(case):
    """gather: each element gets the sum of the gradients of all places that it was picked for."""
    case.check()
