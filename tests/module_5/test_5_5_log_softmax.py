"""Task 5.5: log_softmax."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from logits import WHOLE, gradient_of, run, tensor_close

import terox
from course import check
from course.check_tensors import log_softmax, softmax
from terox.nn import losses

pytestmark = pytest.mark.task("5.5")


class Along:
    """An array and a dimension."""

    def __init__(self, x, dim):
        self.x, self.dim = np.array(x, np.float64), dim

    def rounding(self, eps=2.0**-52):
        return 32.0 * eps * (1.0 + np.abs(self.x).max() + np.log(self.x.shape[self.dim]))

    def mistakes(self):
        x, dim, right = self.x, self.dim, log_softmax(self.x, self.dim)
        with np.errstate(all="ignore"):
            shifted = x - x.max(axis=dim, keepdims=True)
            total = np.exp(shifted).sum(axis=dim, keepdims=True)
            wrong = {
                "The maximum was added again: log(exp(x - top) / total) is x - top - log(total).":
                    right + x.max(axis=dim, keepdims=True),
                "The maximum was subtracted in the sum twice, or in `input` not at all.":
                    shifted - np.log(np.exp(x).sum(axis=dim, keepdims=True)),
                "The logarithm of the sum is missing: that is `input` minus its maximum.": shifted,
                "The logarithm is missing: the sum itself was subtracted.": shifted - total,
                "The logarithm of the sum was added; it has to be subtracted.": shifted + np.log(total),
                "That is softmax; its logarithm is asked for.": softmax(x, dim),
                "That is minus log-softmax.": -right,
                "The mean of exp was taken; it has to be the sum.": right + np.log(x.shape[dim]),
                "All numbers were added up, whatever `dim` says.":
                    x - x.max() - np.log(np.exp(x - x.max()).sum()),
                "That is the logarithm to base 2.": right / np.log(2.0),
            }
            for other in range(x.ndim):
                if other != dim % x.ndim:
                    wrong[f"That is log-softmax along dimension {other}; dim is {dim}."] = log_softmax(x, other)
                    largest, sums = x.max(axis=other, keepdims=True), np.exp(shifted).sum(axis=other, keepdims=True)
                    wrong[f"The sum goes along dimension {other}; dim is {dim}."] = shifted - np.log(sums)
                    wrong[f"The largest was looked for along dimension {other}; dim is {dim}."] = \
                        x - largest - np.log(np.exp(x - largest).sum(axis=dim, keepdims=True))
        return wrong

    def __repr__(self):
        return f"log_softmax({(self.x + 0.0).tolist()}, {self.dim})"


@st.composite
def alongs(draw, far=False):
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    x = draw(arrays(np.float64, shape, elements=WHOLE)) * draw(st.sampled_from([1.0, 0.5, 2.0]))
    if far:
        x = x + 1000.0 * draw(arrays(np.float64, shape, elements=st.sampled_from([1.0, -1.0, 0.0])))
    return Along(x, draw(st.integers(-len(shape), len(shape) - 1)))


PLAIN = Along([[1.0, 3.0, 0.0], [2.0, -1.0, 1.0]], 1)


@given(case=alongs())
@example(case=PLAIN)
@example(case=Along(PLAIN.x, 0))
@example(case=Along([2.0, 0.5], -1))
@example(case=Along([[[1.0, 2.0], [0.0, 5.0], [3.0, 3.0]]], 1))
def test_log_softmax(case):
    """log_softmax gives log(exp(input) / sum of exp(input) along dim), in the shape and dtype of the input."""
    x = terox.tensor(case.x)
    got = run(losses.log_softmax, x, case.dim, call=repr(case))
    tensor_close(got, log_softmax(case.x, case.dim), call=repr(case), atol=case.rounding(), mistakes=case.mistakes)
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=repr(case),
               got=got.dtype)
    tensor_close(x, case.x, call=f"{case!r}; input afterwards", note="log_softmax has changed its input.", atol=0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=alongs(far=True))
@example(case=Along([[1000.0, 999.0], [-1000.0, -1001.0]], 1))
@example(case=Along([[0.0, 1000.0, -1000.0]], 1))
@example(case=Along([[1000.0, 0.0], [-1000.0, -1000.0]], 1))
def test_far_apart(dtype, case):
    """exp of 1000 is infinite, and of -1000 it is 0. log_softmax is right all the same, up to rounding."""
    call = f"{case!r}, in {dtype}"
    got = run(losses.log_softmax, terox.tensor(case.x, dtype=getattr(terox, dtype)), case.dim, call=call)
    tensor_close(got, log_softmax(case.x, case.dim), call=call, atol=case.rounding(np.finfo(dtype).eps),
                 note="exp(1000) is infinite, exp(-1000) is 0, and log(0) -infinite. Subtract the largest along `dim` "
                 "first, each row its own, and take the logarithm of the sum only.")


@given(case=alongs(), seed=st.integers(0, 99))
@example(case=PLAIN, seed=0)
@example(case=Along(PLAIN.x, 0), seed=1)
def test_gradient(case, seed):
    """The gradient of input is grad - softmax * (sum of grad along dim): module 2 differentiates what you wrote."""
    grad = np.random.default_rng(seed).integers(-4, 5, case.x.shape).astype(np.float64)
    x = terox.tensor(np.ascontiguousarray(case.x.T), requires_grad=True)
    call = f"y = {case!r}, of a transposed tensor; y.backward({grad.tolist()}); input.grad"
    got = run(losses.log_softmax, x.permute(*reversed(range(case.x.ndim))), case.dim, call=call)
    check.that(got.requires_grad, "The result has no history: nothing can be differentiated. Only the maximum may "
               "be detached; the input itself goes into both terms as it is.", call=call)
    got.backward(terox.tensor(grad))
    right = grad - softmax(case.x, case.dim) * grad.sum(axis=case.dim, keepdims=True)
    tensor_close(gradient_of(x, call), right.T, call=call, atol=64 * 2.0**-52 * (1 + np.abs(grad).sum()),
                 mistakes=lambda: {"What was subtracted has no history. Only the maximum may be cut off.": grad.T})
