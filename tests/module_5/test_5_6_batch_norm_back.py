"""Task 5.6: the gradients of batch_norm, against formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from batch_norms import EPS, PLAIN, Batch, along, batches, input_gradient, normalized, parameter_gradients, statistics
from hypothesis import example, given
from layer_checks import gradient_of, run, tensor_close, tensor_of

from course import check
from terox.nn.normalization import batch_norm

pytestmark = pytest.mark.task("5.6")


def gradients(batch, training):
    """The tensors for input, weight and bias, after backward, and the call in words."""
    leaves = [None if each is None else tensor_of(each, strided=batch.strided and each is batch.x, requires_grad=True)
              for each in (batch.x, batch.weight, batch.bias)]
    running = [None if each is None else tensor_of(each) for each in (batch.running_mean, batch.running_var)]
    call = batch.call(training)
    out = run(batch_norm, leaves[0], *running, *leaves[1:], training, batch.momentum, EPS, call=call)
    check.that(out is not None and out.requires_grad, "The result has no history: no gradient can reach the input.",
               call=call)
    out.backward(tensor_of(batch.grad))
    return leaves, f"{call}\nfor the gradient {batch.grad.tolist()}"


def check_parameters(batch, leaves, normal, call):
    for name, tensor, expected in zip(("weight", "bias"), leaves[1:], parameter_gradients(normal, batch.grad)):
        if tensor is not None:
            tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}: that for {name}")


@given(batch=batches(parameters=False))
@example(batch=PLAIN)
def test_gradients_in_training(batch):
    """In training, the gradient for the input also goes through mean and variance of the batch."""
    leaves, call = gradients(batch, True)
    x, weight = batch.x, batch.weight
    mean, var, _ = statistics(x)
    tensor_close(gradient_of(leaves[0], "input", call), input_gradient(x, weight, batch.grad),
                 call=f"{call}: that for the input", rtol=1e-8, atol=1e-8, mistakes={
        "Mean and variance were constants for the gradient. They are computed from the input, and the gradient has to "
        "flow through both: no detach(), no no_grad() around them.":
            lambda: input_gradient(x, weight, batch.grad, False, False),
        "The variance was a constant for the gradient. It is computed from the input: the gradient flows through it.":
            lambda: input_gradient(x, weight, batch.grad, True, False),
        "The mean was a constant for the gradient. It is computed from the input: the gradient flows through it.":
            lambda: input_gradient(x, weight, batch.grad, False, True)})
    check_parameters(batch, leaves, normalized(x, mean, var), call)


@given(batch=batches(parameters=False))
@example(batch=PLAIN)
def test_gradients_in_evaluation(batch):
    """In evaluation, the running statistics are constants."""
    leaves, call = gradients(batch, False)
    scale = 1 / np.sqrt(along(batch.running_var, batch.x.ndim) + EPS)
    scale = scale if batch.weight is None else scale * along(batch.weight, batch.x.ndim)
    tensor_close(gradient_of(leaves[0], "input", call), batch.grad * scale, call=f"{call}: that for the input")
    check_parameters(batch, leaves, normalized(batch.x, batch.running_mean, batch.running_var), call)


def test_an_input_used_beside():
    """An input that is also added to its normalization gets both gradients."""
    batch = Batch(PLAIN.x, PLAIN.weight, PLAIN.bias, PLAIN.running_mean, PLAIN.running_var)
    x = tensor_of(batch.x, requires_grad=True)
    running = [tensor_of(batch.running_mean), tensor_of(batch.running_var)]
    out = run(batch_norm, x, *running, tensor_of(batch.weight), tensor_of(batch.bias), True, 0.25, EPS,
              call=batch.call(True))
    call = f"y = {batch.call(True)}; (input + y).backward({batch.grad.tolist()})"
    (out + x).backward(tensor_of(batch.grad))
    tensor_close(gradient_of(x, "input", call), batch.grad + input_gradient(batch.x, batch.weight, batch.grad),
                 call=f"{call}: the gradient for the input", rtol=1e-8, atol=1e-8)
