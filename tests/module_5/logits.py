"""What the tests of task 5.5 share: cross-entropy in NumPy, what comes of mistakes, and words for errors."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course import check_tensors
from course.check_tensors import log_softmax, softmax
from terox.nn import losses

WHOLE = st.integers(-4, 4).map(float)


class Rows:
    """Logits (N, C) and targets (N,), as arrays."""

    def __init__(self, logits, targets):
        self.logits, self.targets = np.array(logits, np.float64), np.array(targets)

    def each(self):
        """-log(softmax(logits)[target]) of each row."""
        return -log_softmax(self.logits)[np.arange(len(self.targets)), self.targets]

    def onehot(self):
        return np.eye(self.logits.shape[1])[self.targets]

    def error(self):
        """softmax - onehot, (N, C)."""
        return softmax(self.logits) - self.onehot()

    def rounding(self, eps=2.0**-52):
        """A few units of the largest number that is added."""
        return 32.0 * eps * (1.0 + np.abs(self.logits).max() + np.log(self.logits.shape[1]))

    def wrong_losses(self):
        """Sentence -> the loss that comes of it."""
        logits, targets, each = self.logits, self.targets, self.each()
        (count, classes), rows = logits.shape, np.arange(len(logits))
        picked, chances = logits[rows, targets], softmax(logits)
        wrong = {
            "That is the sum over the batch; its mean is asked for.": each.sum(),
            "The sign is the wrong way round: the loss is never negative.": -each.mean(),
            "The mean was taken over all classes of all rows; one number for each row is asked for.":
                each.mean() / classes,
            "The mean was taken over all log-softmax values: pick one number from each row first.":
                -log_softmax(logits).mean(),
            "The logarithm is missing: that is the mean of the probabilities.": chances[rows, targets].mean(),
            "The logarithm is missing: that is minus the mean of the probabilities.": -chances[rows, targets].mean(),
            "softmax was taken twice: log_softmax takes the logits as they are.": Rows(chances, targets).each().mean(),
            "softmax was taken along the batch, and not along the classes.":
                -log_softmax(logits, 0)[rows, targets].mean(),
            "Every target was looked up in every row: pick one number from each row.":
                -log_softmax(logits)[:, targets].mean(),
            "All targets were looked up in the first row: the index for gather has to have one row for each example.":
                -log_softmax(logits)[0, targets].mean(),
            "The logit of the right class is missing: that is logsumexp alone.": (each + picked).mean(),
            "softmax is missing: that is minus the mean of the logits themselves.": -picked.mean(),
            "These are the numbers of all rows; their mean is asked for.": each,
        }
        if targets.max() < count:
            wrong["The targets were taken for numbers of rows: gather along dimension 1."] = -log_softmax(logits)[
                targets, 0].mean()
        return wrong

    def wrong_gradients(self, upstream):
        """Sentence -> the gradient that comes of it, if `upstream` comes in."""
        count, classes = self.logits.shape
        error, chances, onehot = self.error(), softmax(self.logits), self.onehot()
        scaled = upstream * error / count
        return {
            "That is the gradient of the sum over the batch, and not of its mean: divide by N.": upstream * error,
            "The gradient that comes in was left out: multiply by `grad`.": error / count,
            "The gradient that comes in was left out, and the mean over the batch, too.": error,
            "The sign is the wrong way round: softmax minus 1 at the right class.": -scaled,
            "The 1 at the right class is missing: that is softmax alone.": upstream * chances / count,
            "The softmax is missing: that is the -1 at the right class alone.": -upstream * onehot / count,
            "1 was added at the right class; it has to be subtracted.": upstream * (chances + onehot) / count,
            "1 was subtracted from all classes. Only at the right one it has to be.": upstream * (chances - 1) / count,
            "It was divided by the number of classes; the mean is one over the batch.": upstream * error / classes,
            "It was divided by the number of all logits; the mean is one over the batch.": scaled / classes,
            "The exp is missing: log_softmax(input, 1).exp() is softmax.":
                upstream * (log_softmax(self.logits) - onehot) / count,
            "softmax went along the batch, and not along the classes.":
                upstream * (softmax(self.logits, 0) - onehot) / count,
            "1 was scaled by `grad`, but softmax was not.": (chances - upstream * onehot) / count,
            "softmax was scaled by `grad / N`, but the 1 was not.": upstream * chances / count - onehot,
        }

    def __repr__(self):
        return f"logits {(self.logits + 0.0).tolist()}, targets {self.targets.tolist()}"


@st.composite
def batches(draw, far=False):
    """Small logits, in which ties come up, too; or such as are 1000 away from each other."""
    count, classes = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    logits = draw(arrays(np.float64, (count, classes), elements=WHOLE)) * draw(st.sampled_from([1.0, 0.5, 2.0]))
    if far:
        logits = logits + 1000.0 * draw(arrays(np.float64, (count, classes), elements=st.sampled_from([1., -1., 0.])))
    return Rows(logits, draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))


# On this one, each mistake gives a number of its own.
PLAIN = Rows([[2.0, 1.0, -1.0], [0.0, 3.0, 1.0]], [0, 2])


# ---- Running, comparing ----


def run(function, *args, call):
    """`function(*args)`. An error inside is reported at the learner's line in losses.py, with the call."""
    return check_tensors.run(function, *args, call=call, file=losses.__file__, hint=lambda error: _cause(error, call))


def _cause(error, call):
    words = str(error)
    if "out of range (expected to be in range of [-1, 0]" in words and "CrossEntropy" in call:
        return ("Here log_softmax gets a tensor of one dimension, which may be the target: saved_tensors gives the "
                "tensors in the order in which save_for_backward got them.")
    if "out of range" in words:
        return "Go along `dim`, in amax and in sum; the input may have any number of dimensions."
    if words.startswith(("gather()", "scatter_add()")) and "number of dimensions" in words:
        return ("The index has as many dimensions as the logits: give the target a second one, for example with "
                "unsqueeze(1).")
    if "values to unpack (expected 2" in words:
        return "ctx.saved_tensors gives what ctx.save_for_backward got in forward: two of them, `input` and `target`."
    if words.startswith("sub:") and "must match" in words:
        return "keepdim=True keeps the dimension that was folded, with a size of 1: each row gets its own number."
    if "gradient(s)" in words:
        return "backward returns two values: the gradient for `input`, and None for `target`."
    if "not an input" in words or "neither an input" in words:
        return "Save `input` and `target`, and compute the rest from them: what was computed has no history."
    return None


def tensor_close(got, expected, *, call, mistakes=None, note=None, atol=1e-12):
    """`got` is a Tensor with the shape and, within `atol`, the numbers of the array `expected`."""
    def not_a_number(found, expected):
        return "NaN: exp gave infinity, or a logarithm got 0." if note is None and np.isnan(found).any() else None

    check_tensors.tensor_close(got, expected, call=call, mistakes=mistakes, note=note, atol=atol, slack=10.0,
                               otherwise=not_a_number)


def gradient_of(tensor, call):
    return check_tensors.gradient_of(tensor, "input", call)
