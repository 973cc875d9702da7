"""Task 2.7: cross_entropy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from networks import WHOLE, gradient_of, log_softmax, matrices, run, softmax, tensor_close

import terox
from course import check
from terox.tensors.tensor import Tensor
from terox.tensors.training import cross_entropy

pytestmark = pytest.mark.task("2.7")


class Rows:
    """Logits (N, C) and targets (N,), as arrays."""

    def __init__(self, logits, targets):
        self.logits, self.targets = np.array(logits), np.array(targets)

    def each(self):
        """-log(softmax(logits)[target]) of each row."""
        return -log_softmax(self.logits)[np.arange(len(self.targets)), self.targets]

    def error(self):
        """softmax - onehot, (N, C)."""
        error = softmax(self.logits)
        error[np.arange(len(self.targets)), self.targets] -= 1.0
        return error

    def rounding(self, eps=2.0**-52):
        """A few units of the largest number that is added."""
        return 32.0 * eps * (1.0 + np.abs(self.logits).max() + np.log(self.logits.shape[1]))

    def mistakes(self):
        """What comes of mistakes."""
        logits, targets, each = self.logits, self.targets, self.each()
        (count, classes), rows = logits.shape, np.arange(len(logits))
        picked, chances = logits[rows, targets], softmax(logits)
        wrong = {
            "That is the sum over the batch; its mean is asked for.": each.sum(),
            "The sign is the wrong way round: the loss is never negative.": -each.mean(),
            "The mean was taken over all classes of all rows; one number for each row is asked for.":
                each.mean() / classes,
            "The logarithm is missing: that is the mean of the probabilities.": chances[rows, targets].mean(),
            "The logarithm is missing: that is minus the mean of the probabilities.": -chances[rows, targets].mean(),
            "softmax was taken twice: log_softmax takes the logits as they are.": Rows(chances, targets).each().mean(),
            "softmax was taken along the batch, and not along the classes.":
                -log_softmax(logits, axis=0)[rows, targets].mean(),
            "Every target was looked up in every row: pick one number from each row.":
                -log_softmax(logits)[:, targets].mean(),
            "All targets were looked up in the first row: the index for gather has to have one row for each example.":
                -log_softmax(logits)[0, targets].mean(),
            "The logit of the right class is missing: that is logsumexp alone.": (each + picked).mean(),
            "softmax is missing: that is the mean of the logits themselves.": picked.mean(),
            "softmax is missing: that is minus the mean of the logits themselves.": -picked.mean(),
            "These are the numbers of all rows; their mean is asked for.": each,
        }
        if targets.max() < count:
            wrong["The targets were taken for numbers of rows: gather along dimension 1."] = -log_softmax(logits)[
                targets, 0].mean()
        return wrong

    def __repr__(self):
        return f"cross_entropy({self.logits.tolist()}, {self.targets.tolist()})"


@st.composite
def batches(draw, far=False):
    """Small logits, in which ties come up, too; or such as are 1000 away from each other."""
    count, classes = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    logits = draw(matrices(count, classes)) * draw(st.sampled_from([1.0, 0.5, 2.0]))
    if far:
        logits = logits + 1000.0 * draw(matrices(count, classes, elements=st.sampled_from([1.0, -1.0, 0.0])))
    return Rows(logits, draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))


# On this one, each mistake gives a number of its own.
PLAIN = Rows([[2.0, 1.0, -1.0], [0.0, 3.0, 1.0]], [0, 2])


@given(batch=batches())
@example(batch=PLAIN)
def test_cross_entropy(batch):
    """cross_entropy gives the mean over the batch of -log(softmax(input)[target]), as a tensor without dimensions."""
    input, target, call = terox.tensor(batch.logits), terox.tensor(batch.targets), repr(batch)
    got = run(cross_entropy, input, target)
    tensor_close(got, batch.each().mean(), call=call, atol=batch.rounding(), rtol=0.0, mistakes=batch.mistakes())
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=call, got=got.dtype)
    tensor_close(input, batch.logits, call=f"{call}; input afterwards", note="cross_entropy has changed its input.")
    tensor_close(target, batch.targets, call=f"{call}; target afterwards",
                 note="cross_entropy has changed its target.")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(batch=batches(far=True))
@example(batch=Rows([[1000.0, -1000.0], [-1000.0, 1000.0]], [0, 0]))
def test_large_logits(dtype, batch):
    """Of logits of 1000 and -1000, cross_entropy gives a finite loss, and the right one."""
    got = run(cross_entropy, terox.tensor(batch.logits, dtype=getattr(terox, dtype)), terox.tensor(batch.targets))
    call, right = f"{batch!r}, in {dtype!r}", batch.each().mean()
    if isinstance(got, Tensor) and not np.isfinite(got.detach().numpy()).all():
        raise check.CheckFailed(
            call, repr(got.tolist()), repr(float(right)),
            "exp(1000) is inf, and the logarithm of a softmax of 0 is -inf. Take the logarithm and softmax in one: "
            "log_softmax or logsumexp, which take the maximum away first.")
    tensor_close(got, right, call=call, atol=batch.rounding(np.finfo(dtype).eps), rtol=0.0,
                 note="For large logits the loss is wrong: something was cut off or added so that exp or log can cope.")


@given(batch=batches(), upstream=WHOLE, twice=st.booleans())
@example(batch=PLAIN, upstream=3.0, twice=False)
def test_gradient_of_cross_entropy(batch, upstream, twice):
    """The gradient of the input of cross_entropy is (softmax - onehot) / N, times the gradient that comes in."""
    x, count = terox.tensor(batch.logits, requires_grad=True), len(batch.targets)
    call = f"loss = {batch!r}"
    loss = run(cross_entropy, x, terox.tensor(batch.targets))
    check.that(isinstance(loss, Tensor) and loss.requires_grad, "The loss has no history, and cannot be "
               "differentiated: compute it from `input`, by operations on tensors only.", call=call, got=loss)
    error = batch.error()
    if twice:  # the same logits once more, with other targets
        others = Rows(batch.logits, (batch.targets + 1) % batch.logits.shape[1])
        loss = loss + run(cross_entropy, x, terox.tensor(others.targets))
        error += others.error()
        call += f" + cross_entropy(the same, {others.targets.tolist()})"
    loss.backward(terox.tensor(upstream, dtype=terox.float64))
    sentence = "That is the gradient of the sum over the batch, and not of its mean."
    tensor_close(gradient_of(x, "input", call), upstream * error / count, call=f"{call}; loss.backward({upstream}); "
                 f"input.grad, with softmax - onehot = {error.tolist()}", atol=(1.0 + abs(upstream)) * batch.rounding(),
                 rtol=0.0, mistakes={sentence: upstream * error})


def test_views_of_logits_and_targets():
    """The logits and targets of cross_entropy may be views: transposed, or every second element."""
    batch = Rows([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]], [0, 2])
    input = terox.tensor(np.ascontiguousarray(batch.logits.T)).T
    target = terox.tensor(np.stack([batch.targets, batch.targets - 1], axis=1))[:, 0]
    tensor_close(run(cross_entropy, input, target), batch.each().mean(), call=f"{batch!r}, both of them views",
                 atol=batch.rounding(), rtol=0.0, mistakes=batch.mistakes())
