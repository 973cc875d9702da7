"""Task 5.6: batch_norm, against its definition in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from batch_norms import EPS, PLAIN, Batch, affine, along, batches, normalized, statistics
from hypothesis import example, given
from layer_checks import numbers_of, run, tensor_close, tensor_of

from course import check
from terox.nn.normalization import batch_norm

pytestmark = pytest.mark.task("5.6")


def went(batch, training, **given):
    """The result, and the tensors that went in: input, running_mean, running_var, weight, bias."""
    tensors = [tensor_of(batch.x, strided=batch.strided)]
    for name in ("running_mean", "running_var", "weight", "bias"):
        array = given.get(name, getattr(batch, name))
        tensors.append(None if array is None else tensor_of(array))
    return run(batch_norm, *tensors, training, batch.momentum, EPS, call=batch.call(training), note=cause), tensors


def cause(error):
    text = str(error)
    if "NoneType" in text:
        return "weight, bias and the running statistics may be None: ask for that with `is None`."
    if "Boolean value of Tensor" in text:
        return "To ask whether there is a weight, a bias, or running statistics, write `is not None`."
    if text.startswith("copy_"):
        return "Mean and variance of a channel are over all dimensions but the second, so both are (C,)."
    if any(words in text for words in ("expand", "broadcast", "must match the size", "view", "reshape")):
        return ("Mean and variance are over all dimensions but the second, so they are (C,), as weight and bias are. "
                "To meet dimension 1 of the input, (C,) is viewed as (1, C, 1, ...).")
    return None


def mistakes_of(batch):
    """What known mistakes give in training."""
    x, weight, bias = batch.x, batch.weight, batch.bias
    mean, var, n = statistics(x)
    rest = tuple(range(1, x.ndim))
    normal = normalized(x, mean, var)
    return {
        "These are normalized with the running statistics; in training, those of the batch count.":
            lambda: affine(normalized(x, batch.running_mean, batch.running_var), weight, bias),
        "The variance is corrected, divided by n - 1; to normalize, it is divided by n.":
            lambda: affine(normalized(x, mean, var * n / (n - 1)), weight, bias),
        "Each example is normalized by itself. All examples of the batch share the statistics of a channel.":
            lambda: affine((x - x.mean(rest, keepdims=True)) / np.sqrt(x.var(rest, keepdims=True) + EPS), weight, bias),
        "Each channel has its own mean and variance; here all channels share theirs.":
            lambda: affine((x - x.mean()) / np.sqrt(x.var() + EPS), weight, bias),
        "Each place has its own statistics; those of a channel are over all its places, too.":
            lambda: affine((x - x.mean(0)) / np.sqrt(x.var(0) + EPS), weight, bias),
        "eps is missing: it is added to the variance.": lambda: affine(normalized(x, mean, var, 0.0), weight, bias),
        "eps is added to the variance, below the root, and not to the root.": lambda: affine(
            (x - along(mean, x.ndim)) / (np.sqrt(along(var, x.ndim)) + EPS), weight, bias),
        "It is divided by the variance; the square root of it is asked for.": lambda: affine(
            (x - along(mean, x.ndim)) / (along(var, x.ndim) + EPS), weight, bias),
        "The mean is taken away, and nothing is divided.": lambda: affine(x - along(mean, x.ndim), weight, bias),
        "weight and bias are exchanged.": lambda: affine(normal, bias, weight),
        "The bias was added before the weight was multiplied in: first weight, then bias.":
            lambda: affine(affine(normal, None, bias), weight, None),
        "The weight is missing.": lambda: affine(normal, None, bias),
        "The bias is missing.": lambda: affine(normal, weight, None),
    }


@given(batch=batches())
@example(batch=PLAIN)
def test_training(batch):
    """In training, each channel is normalized with the mean and the variance that it has in the whole batch."""
    got, tensors = went(batch, True)
    mean, var, _ = statistics(batch.x)
    tensor_close(got, affine(normalized(batch.x, mean, var), batch.weight, batch.bias), call=batch.call(True),
                 mistakes=mistakes_of(batch),
                 note="(input - mean) / sqrt(var + eps) * weight + bias, with mean and var over all but dimension 1.")
    check.equal(got.dtype, tensors[0].dtype, call=f"{batch.call(True)}: its dtype")


def moved(batch):
    """running_mean and running_var as a step of training leaves them."""
    mean, var, n = statistics(batch.x)
    m = batch.momentum
    return (1 - m) * batch.running_mean + m * mean, (1 - m) * batch.running_var + m * var * n / (n - 1)


@given(batch=batches())
@example(batch=PLAIN)
def test_evaluation(batch):
    """Outside of training, each channel is normalized with its running statistics, which stay as they are."""
    got, tensors = went(batch, False)
    mean, var, _ = statistics(batch.x)
    tensor_close(got, affine(normalized(batch.x, batch.running_mean, batch.running_var), batch.weight, batch.bias),
                 call=batch.call(False), mistakes={
                     "The running statistics were moved, and then used: in evaluation they do not move.":
                         lambda: affine(normalized(batch.x, *moved(batch)), batch.weight, batch.bias),
                     "The running mean was moved, and then used: in evaluation it does not move.":
                         lambda: affine(normalized(batch.x, moved(batch)[0], batch.running_var), batch.weight,
                                        batch.bias),
                     "These are normalized with the statistics of the batch; in evaluation, the running ones count.":
                         lambda: affine(normalized(batch.x, mean, var), batch.weight, batch.bias)},
                 note="(input - running_mean) / sqrt(running_var + eps) * weight + bias.")
    for name, tensor in zip(("running_mean", "running_var"), tensors[1:3]):
        tensor_close(tensor, getattr(batch, name), call=f"{batch.call(False)}: {name} afterwards",
                     note="In evaluation the running statistics do not move.")


@given(batch=batches())
@example(batch=PLAIN)
def test_running_statistics(batch):
    """In training, running_mean and running_var move in place by the part `momentum` towards those of the batch."""
    _, tensors = went(batch, True)
    mean, var, n = statistics(batch.x)
    m, count = batch.momentum, batch.x.size
    for name, tensor, target in zip(("running_mean", "running_var"), tensors[1:3], (mean, var * n / (n - 1))):
        before = getattr(batch, name)
        wrong = {f"{name} is as it was. It has to change in place: {name}.copy_(...). A new tensor under that name is "
                 "lost when the function returns.": before,
                 "momentum is the part of the new; here it is the part of what stays.": m * before + (1 - m) * target,
                 "That is the number of the batch alone: it makes up only the part `momentum`.": target,
                 "What was there has to be multiplied by 1 - momentum.": before + m * target}
        if name == "running_var":
            size = max(batch.x.shape[0], 2)
            wrong |= {"The running variance is an estimate for all data: multiply that of the batch by n / (n - 1).":
                          (1 - m) * before + m * var,
                      "running_var has moved towards the mean of the batch.": (1 - m) * before + m * mean,
                      "running_var has moved towards the mean of the batch, times n / (n - 1).":
                          (1 - m) * before + m * mean * n / (n - 1),
                      "n is the number of elements of one channel, and not of all.":
                          (1 - m) * before + m * var * count / (count - 1),
                      "n is the number of elements of a channel, and not of examples.":
                          (1 - m) * before + m * var * size / (size - 1),
                      "eps belongs into the result, and not into the running variance.":
                          (1 - m) * before + m * (var + EPS) * n / (n - 1)}
        tensor_close(tensor, (1 - m) * before + m * target, mistakes=wrong,
                     call=f"{batch.call(True)}: {name} afterwards",
                     note=f"(1 - momentum) * {name} + momentum * that of the batch.")
        check.that(not tensor.requires_grad, f"{name} has got a history: it would grow with each batch. Write it under "
                   "no_grad().", call=batch.call(True))


def test_running_statistics_have_no_history():
    """Where the input requires grad, running_mean and running_var are written without becoming part of the graph."""
    x, weight = tensor_of(PLAIN.x, requires_grad=True), tensor_of(PLAIN.weight, requires_grad=True)
    running = [tensor_of(PLAIN.running_mean), tensor_of(PLAIN.running_var)]
    for _ in range(2):
        out = run(batch_norm, x, *running, weight, None, True, PLAIN.momentum, EPS, call=PLAIN.call(True), note=cause)
        for name, tensor in zip(("running_mean", "running_var"), running):
            check.that(not tensor.requires_grad, f"{name} has got a history, and with it the graph of every batch so "
                       "far is kept. Write it under no_grad().", call=f"{PLAIN.call(True)}, for an input that requires "
                       f"grad: {name}.requires_grad afterwards", got=True, expected=False)
    check.that(out.requires_grad, "The result has no history.", call=PLAIN.call(True))


def test_two_batches():
    """Two batches after each other move the running statistics twice."""
    batch, (_, tensors) = PLAIN, went(PLAIN, True)
    after = Batch(batch.x[::-1] * 2 + 1, batch.weight, batch.bias, numbers_of(tensors[1]), numbers_of(tensors[2]))
    run(batch_norm, tensor_of(after.x), *tensors[1:], True, after.momentum, EPS, call=after.call(True))
    mean, var, n = statistics(after.x)
    for name, tensor, target in zip(("running_mean", "running_var"), tensors[1:3], (mean, var * n / (n - 1))):
        tensor_close(tensor, 0.75 * getattr(after, name) + 0.25 * target, call=f"{after.call(True)}: {name} afterwards")


@given(batch=batches(parameters=False))
@example(batch=Batch(PLAIN.x, None, None, PLAIN.running_mean, PLAIN.running_var))
@example(batch=Batch(PLAIN.x, None, [1.0, 2.0, 3.0], PLAIN.running_mean, PLAIN.running_var))
@example(batch=Batch(PLAIN.x, [1.0, 2.0, 3.0], None, PLAIN.running_mean, PLAIN.running_var))
def test_without_parameters(batch):
    """Where weight is None, the factor is 1; where bias is None, nothing is added."""
    for training in (True, False):
        got, _ = went(batch, training)
        mean, var, _ = statistics(batch.x)
        if not training:
            mean, var = batch.running_mean, batch.running_var
        tensor_close(got, affine(normalized(batch.x, mean, var), batch.weight, batch.bias), call=batch.call(training))


@given(batch=batches(parameters=False))
@example(batch=PLAIN)
def test_without_running_statistics(batch):
    """In training, there may be no running statistics: then there is nothing to move."""
    batch = Batch(batch.x, batch.weight, batch.bias, None, None, batch.momentum, batch.strided)
    got, _ = went(batch, True)
    mean, var, _ = statistics(batch.x)
    tensor_close(got, affine(normalized(batch.x, mean, var), batch.weight, batch.bias), call=batch.call(True))


@given(batch=batches())
@example(batch=PLAIN)
def test_arguments_afterwards(batch):
    """The result is a new tensor; input, weight and bias are as before."""
    for training in (True, False):
        _, tensors = went(batch, training)
        for name, tensor, array in zip(("input", "weight", "bias"), (tensors[0], *tensors[3:]),
                                       (batch.x, batch.weight, batch.bias)):
            tensor_close(tensor, array, call=f"{batch.call(training)}: {name} afterwards",
                         note=f"batch_norm has changed its {name}.")


def test_a_constant_channel():
    """A channel whose numbers are all the same has the variance 0, and becomes the bias, thanks to eps."""
    batch = Batch([[3.0], [3.0]], [2.0], [7.0], [0.0], [1.0])
    got, _ = went(batch, True)
    tensor_close(got, [[7.0], [7.0]], call=batch.call(True),
                 note="Without eps, this is 0 / 0: it is added to the variance.")


@pytest.mark.parametrize("device", ["python", "cpu"])
def test_float32(device):
    """float32 stays float32; numbers around 3,000 that differ by 1 are told apart, on every device."""
    x = np.array([[3000.0, 0], [3001, 1], [3000, 3], [3001, 5]])
    mean, var, _ = statistics(x)
    tensors = [tensor_of(each.astype(np.float32), device) for each in (x, np.zeros(2), np.ones(2))]
    call = f"batch_norm({x.tolist()}, ..., weight=None, bias=None, training=True, momentum=0.1, eps=1e-05), float32"
    got = run(batch_norm, *tensors, None, None, True, 0.1, 1e-5, call=call, note=cause)
    tensor_close(got, normalized(x, mean, var, 1e-5), call=call, rtol=1e-3, atol=1e-3,
                 note="The mean of squares minus the square of the mean loses all digits in which numbers differ: take "
                      "the mean of the squared differences, as var() does.")
    check.equal(got.dtype, tensors[0].dtype, call=f"{call}: its dtype")
    check.equal(got.device, device, call=f"{call}: its device")
