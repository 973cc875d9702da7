"""Task 2.7: linear and cross_entropy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import WHOLE, gradient_of, log_softmax, matrices, run, softmax, tensor_close

import terox
from course import check
from terox.tensors.tensor import Tensor
from terox.tensors.training import cross_entropy, linear

pytestmark = pytest.mark.task("2.7")


# ---- linear ----


@st.composite
def layers(draw):
    """(x, weight, bias): x with any number of dimensions in front."""
    front = draw(st.lists(st.sampled_from([1, 2, 3, 0]), max_size=3))
    inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return draw(matrices(*front, inputs)), draw(matrices(outputs, inputs)), draw(matrices(outputs))


def words(x, weight, bias=None):
    parts = [f"input {x.tolist()}", f"weight {weight.tolist()}"] + ([] if bias is None else [f"bias {bias.tolist()}"])
    return f"linear(input, weight{'' if bias is None else ', bias'}) for " + ", ".join(parts)


def slips(x, weight, bias=None):
    """What comes of mistakes, where the shapes let them pass."""
    right = x @ weight.T
    wrong = {}
    if bias is not None:
        wrong["The bias was left out."] = right
        wrong["The bias was subtracted."] = right - bias
        if x.ndim > 1 and x.shape[-2] == len(bias):
            wrong["Each row got one number of the bias; each column has its own, and every row gets all of them."] = (
                right + bias[:, None])
    added = 0.0 if bias is None else bias
    if weight.shape[0] == weight.shape[1]:
        wrong["The weight was not transposed: its rows belong to the outputs."] = x @ weight + added
    else:
        wrong["The weight was reshaped, which keeps its numbers in their order; its transpose is asked for."] = (
            x @ weight.reshape(weight.T.shape) + added)
    return wrong


def test_a_square_weight():
    """linear gives input @ weight.T + bias: a row of weight holds the weights of one output."""
    x, weight, bias = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([10.0, 20.0])
    got = run(linear, terox.tensor(x), terox.tensor(weight), terox.tensor(bias))
    tensor_close(got, x @ weight.T + bias, call=words(x, weight, bias), mistakes=slips(x, weight, bias))


@given(layer=layers())
def test_linear(layer):
    """linear gives input @ weight.T + bias, for any number of dimensions in front, and is differentiable."""
    x, weight, bias = layer
    got = run(linear, terox.tensor(x), terox.tensor(weight), terox.tensor(bias))
    call = words(x, weight, bias)
    tensor_close(got, x @ weight.T + bias, call=call, mistakes=slips(x, weight, bias))
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=call, got=got.dtype)


@given(layer=layers())
def test_linear_without_bias(layer):
    """Without bias, linear gives input @ weight.T."""
    x, weight, _ = layer
    for got in (run(linear, terox.tensor(x), terox.tensor(weight)),
                run(linear, terox.tensor(x), terox.tensor(weight), None)):
        tensor_close(got, x @ weight.T, call=words(x, weight), mistakes=slips(x, weight))


def test_a_transposed_weight():
    """A weight that is itself a transposed view is read through its strides."""
    x, weight = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    got = run(linear, terox.tensor(x), terox.tensor(weight).T)
    tensor_close(got, x @ weight, call=words(x, weight.T) + ", itself the transpose of another tensor",
                 mistakes=slips(x, weight.T))


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_a_bias_of_one_number(bias):
    """A bias of zero is a bias: it gets its gradient."""
    x, weight = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[4.0, 5.0]])
    tensors = [terox.tensor(each, requires_grad=True) for each in (x, weight, np.array([bias]))]
    got = run(linear, *tensors)
    call = words(x, weight, np.array([bias]))
    tensor_close(got, x @ weight.T + bias, call=call, mistakes=slips(x, weight, np.array([bias])))
    got.sum().backward()
    check.that(tensors[2].grad is not None, "The bias got no gradient: it was left out. Whether there is one is asked by "
               "`bias is None`; `if bias` asks whether its number is zero.", call=call)


@given(data=st.data(), layer=layers())
def test_gradients_of_linear(data, layer):
    """Each of input, weight and bias gets its gradient, whatever gradient comes in."""
    x, weight, bias = layer
    grad = data.draw(matrices(*x.shape[:-1], len(bias)), label="grad")
    tensors = [terox.tensor(each, requires_grad=True) for each in layer]
    out = run(linear, *tensors)
    call = words(x, weight, bias) + f"; out.backward({grad.tolist()})"
    check.that(isinstance(out, Tensor) and out.requires_grad, "The result has no history, and cannot be differentiated.",
               call=call, got=out)
    out.backward(terox.tensor(grad))
    rows, grads = x.reshape(-1, x.shape[-1]), grad.reshape(-1, len(bias))  # (R, in), (R, out)
    right = (grad @ weight, grads.T @ rows, grads.sum(axis=0))
    for name, tensor, expected in zip(("input", "weight", "bias"), tensors, right):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


def test_one_weight_in_two_places():
    """A layer that is used twice gets the gradients of both places, added."""
    x, weight, bias = np.array([[1.0, 2.0]]), np.array([[0.0, 1.0], [3.0, -1.0]]), np.array([1.0, 0.0])
    grad = np.array([[1.0, 10.0]])
    tensors = [terox.tensor(each, requires_grad=True) for each in (x, weight, bias)]
    call = (f"y = linear(x, w, b); z = linear(y, w, b); z.backward({grad.tolist()}) for x = {x.tolist()}, "
            f"w = {weight.tolist()}, b = {bias.tolist()}")
    run(linear, run(linear, *tensors), *tensors[1:]).backward(terox.tensor(grad))
    y, inner = x @ weight.T + bias, grad @ weight
    right = (inner @ weight, grad.T @ y + inner.T @ x, grad.sum(axis=0) + inner.sum(axis=0))
    for name, tensor, expected in zip("xwb", tensors, right):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


def test_linear_leaves_its_arguments_alone():
    """linear makes a new tensor; input, weight and bias are as before."""
    arrays = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0])
    tensors = [terox.tensor(each) for each in arrays]
    run(linear, *tensors)
    for name, tensor, array in zip(("input", "weight", "bias"), tensors, arrays):
        tensor_close(tensor, array, call=f"{words(*arrays)}; {name} afterwards", note=f"linear has changed its {name}.")


# ---- cross_entropy ----


@st.composite
def rows(draw):
    """(logits (N, C), targets (N,)): halves of whole numbers, so that ties come up, too."""
    count, classes = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    logits = draw(matrices(count, classes)) * draw(st.sampled_from([1.0, 0.5, 2.0]))
    return logits, np.array(draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))


def entropy_words(logits, targets):
    return f"cross_entropy({logits.tolist()}, {targets.tolist()})"


def surprise(logits, targets):
    """-log(softmax(logits)[target]) of each row."""
    return -log_softmax(logits)[np.arange(len(targets)), targets]


def entropy_slips(logits, targets):
    """What comes of mistakes."""
    each, (count, classes) = surprise(logits, targets), logits.shape
    picked = logits[np.arange(count), targets]
    wrong = {
        "That is the sum over the batch; its mean is asked for.": each.sum(),
        "The sign is the wrong way round: the loss is never negative.": -each.mean(),
        "The mean was taken over all classes of all rows; one number for each row is asked for.": each.mean() / classes,
        "The logarithm is missing: that is the mean of the probabilities.": softmax(logits)[
            np.arange(count), targets].mean(),
        "The logarithm is missing: that is the negative mean of the probabilities.": -softmax(logits)[
            np.arange(count), targets].mean(),
        "softmax was taken twice: log_softmax takes the logits as they are.": surprise(softmax(logits), targets).mean(),
        "softmax was taken along the batch, and not along the classes.": -log_softmax(logits, axis=0)[
            np.arange(count), targets].mean(),
        "Every target was looked up in every row: pick one number from each row.": -log_softmax(logits)[
            :, targets].mean(),
        "All targets were looked up in the first row: the index for gather has to have one row for each example.":
            -log_softmax(logits)[0, targets].mean(),
        "The logit of the right class is missing: that is logsumexp alone.": (each + picked).mean(),
        "softmax is missing: that is the mean of the logits themselves.": picked.mean(),
        "softmax is missing: that is the negative mean of the logits themselves.": -picked.mean(),
        "These are the numbers of all rows; their mean is asked for.": each,
    }
    if targets.max() < count:
        wrong["The targets were taken for numbers of rows: gather along dimension 1."] = -log_softmax(logits)[
            targets, 0].mean()
    return wrong


def near(logits, eps):
    """Rounding: a few units of the largest number that is added."""
    return 32.0 * eps * (1.0 + np.abs(logits).max() + np.log(logits.shape[1]))


@given(example=rows())
def test_cross_entropy(example):
    """cross_entropy gives the mean over the batch of -log(softmax(input)[target]), as a tensor without dimensions."""
    logits, targets = example
    input, target = terox.tensor(logits), terox.tensor(targets)
    got = run(cross_entropy, input, target)
    call = entropy_words(logits, targets)
    atol = near(logits, 2.0**-52)
    tensor_close(got, surprise(logits, targets).mean(), call=call, atol=atol, rtol=0.0,
                 mistakes=entropy_slips(logits, targets))
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=call, got=got.dtype)
    tensor_close(input, logits, call=call + "; input afterwards", note="cross_entropy has changed its input.")
    tensor_close(target, targets, call=call + "; target afterwards", note="cross_entropy has changed its target.")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(example=rows(), data=st.data())
def test_large_logits(dtype, example, data):
    """Logits of 1000 and -1000 give a finite loss, and the right one."""
    logits, targets = example
    far = data.draw(st.lists(st.sampled_from([1000.0, -1000.0, 0.0]), min_size=logits.size, max_size=logits.size),
                    label="far")
    logits = logits + np.array(far).reshape(logits.shape)
    got = run(cross_entropy, terox.tensor(logits, dtype=getattr(terox, dtype)), terox.tensor(targets))
    call = f"{entropy_words(logits, targets)}, {dtype}"
    if isinstance(got, Tensor) and not np.isfinite(got.detach().numpy()).all():
        raise check.CheckFailed(
            call, repr(got.tolist()), repr(float(surprise(logits, targets).mean())),
            "exp(1000) is inf, and the logarithm of a softmax of 0 is -inf. Take the logarithm and softmax in one: "
            "log_softmax or logsumexp, which take the maximum away first.")
    tensor_close(got, surprise(logits, targets).mean(), call=call, atol=near(logits, np.finfo(dtype).eps), rtol=0.0,
                 note="For large logits the loss is wrong: something was cut off or added so that exp or log can cope.")


@given(example=rows(), upstream=WHOLE, twice=st.booleans())
def test_gradient_of_cross_entropy(example, upstream, twice):
    """The gradient of the input is (softmax - onehot) / N, times the gradient that comes in."""
    logits, targets = example
    x, t = terox.tensor(logits, requires_grad=True), terox.tensor(targets)
    call = f"loss = {entropy_words(logits, targets)}"
    loss = run(cross_entropy, x, t)
    check.that(isinstance(loss, Tensor) and loss.requires_grad, "The loss has no history, and cannot be differentiated. "
               "It has to be computed from `input` by operations on tensors only.", call=call, got=loss)
    error = softmax(logits)
    error[np.arange(len(targets)), targets] -= 1.0
    right = upstream * error / len(targets)
    if twice:  # the same logits, once more, with other targets
        others = (targets + 1) % logits.shape[1]
        loss = loss + run(cross_entropy, x, terox.tensor(others))
        error = softmax(logits)
        error[np.arange(len(others)), others] -= 1.0
        right += upstream * error / len(targets)
        call += f" + cross_entropy(the same, {others.tolist()})"
    loss.backward(terox.tensor(upstream, dtype=terox.float64))
    scale = 1.0 + abs(upstream)
    tensor_close(gradient_of(x, "input", call), right, call=f"{call}; loss.backward({upstream}); input.grad",
                 atol=scale * near(logits, 2.0**-52), rtol=0.0,
                 mistakes={"That is the gradient of the sum over the batch, and not of its mean.": right * len(targets)})


def test_views_of_logits_and_targets():
    """Logits and targets may be views: transposed, or every second element."""
    logits, targets = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]]), np.array([0, 2])
    input = terox.tensor(np.ascontiguousarray(logits.T)).T
    target = terox.tensor(np.stack([targets, (targets + 1) % logits.shape[1]], axis=1))[:, 0]
    got = run(cross_entropy, input, target)
    tensor_close(got, surprise(logits, targets).mean(), call=entropy_words(logits, targets) + ", both of them views",
                 atol=near(logits, 2.0**-52), rtol=0.0, mistakes=entropy_slips(logits, targets))
