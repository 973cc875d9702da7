"""Task 5.5: CrossEntropy, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from logits import PLAIN, WHOLE, Rows, batches, gradient_of, run, tensor_close

import terox
from course import check
from course.check_tensors import softmax
from terox.nn.losses import CrossEntropy
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("5.5")


def apply(input, target, call):
    return run(CrossEntropy.apply, input, target, call=call)


@given(batch=batches())
@example(batch=PLAIN)
@example(batch=Rows([[1.0, 3.0]], [0]))
def test_forward(batch):
    """CrossEntropy gives the mean over the batch of -log_softmax(input, 1)[n, target[n]], without dimensions."""
    input, target, call = terox.tensor(batch.logits), terox.tensor(batch.targets), f"CrossEntropy, {batch!r}"
    got = apply(input, target, call)
    tensor_close(got, batch.each().mean(), call=call, atol=batch.rounding(), mistakes=batch.wrong_losses)
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=call, got=got.dtype)
    tensor_close(input, batch.logits, call=f"{call}; input afterwards", atol=0.0,
                 note="CrossEntropy has changed its input.")
    tensor_close(target, batch.targets, call=f"{call}; target afterwards", atol=0.0,
                 note="CrossEntropy has changed its target.")


@given(batch=batches(), upstream=WHOLE)
@example(batch=PLAIN, upstream=5.0)
@example(batch=Rows([[1.0, 3.0]], [0]), upstream=-2.0)
def test_backward(batch, upstream):
    """The gradient of input is softmax, minus 1 at the right class, times grad / N."""
    input, target = terox.tensor(batch.logits, requires_grad=True), terox.tensor(batch.targets)
    grad = terox.tensor(upstream, dtype=terox.float64)
    call = f"loss = CrossEntropy, {batch!r}; loss.backward({upstream}); input.grad"
    loss = apply(input, target, call)
    check.that(isinstance(loss, Tensor) and loss.requires_grad, "The loss has no history.", call=call)
    run(loss.backward, grad, call=call)
    tensor_close(gradient_of(input, call), upstream * batch.error() / len(batch.targets), call=call,
                 atol=(1.0 + abs(upstream)) * batch.rounding(), mistakes=lambda: batch.wrong_gradients(upstream))
    for name, tensor, before in (("input", input, batch.logits), ("target", target, batch.targets),
                                 ("grad", grad, upstream)):
        tensor_close(tensor, before, call=f"{call}; {name} afterwards", atol=0.0,
                     note=f"backward has changed `{name}`, which others hold as well: compute a new tensor.")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(batch=batches(far=True))
@example(batch=Rows([[1000.0, -1000.0], [-1000.0, 1000.0]], [0, 0]))
def test_far_apart(dtype, batch):
    """Of logits of 1000 and -1000, both the loss and its gradient are finite, and right."""
    call, eps = f"CrossEntropy, {batch!r}, in {dtype}", float(np.finfo(dtype).eps)
    input = terox.tensor(batch.logits, dtype=getattr(terox, dtype), requires_grad=True)
    loss = apply(input, terox.tensor(batch.targets), call)
    note = "exp(1000) is infinite, and the logarithm of a probability of 0 is -infinite: take log_softmax, as a whole."
    tensor_close(loss, batch.each().mean(), call=call, atol=batch.rounding(eps), note=note)
    run(loss.backward, call=f"{call}; backward")
    tensor_close(gradient_of(input, call), batch.error() / len(batch.targets), call=f"{call}; the gradient",
                 atol=batch.rounding(eps), note=note, mistakes=lambda: batch.wrong_gradients(1.0))


@given(batch=batches())
@example(batch=PLAIN)
def test_used_twice(batch):
    """Logits in views with gaps that go into two losses get the sum of both gradients, each with its own factor."""
    room = np.full((batch.logits.shape[0], 2 * batch.logits.shape[1] + 1), 50.0)
    room[:, 1::2] = batch.logits
    base = terox.tensor(room, requires_grad=True)
    targets = terox.tensor(np.stack([batch.targets - 1, batch.targets], axis=1))[:, 1]
    others = Rows(batch.logits, (batch.targets + 1) % batch.logits.shape[1])
    call = (f"loss = CrossEntropy * 3 - CrossEntropy of the targets {others.targets.tolist()}, {batch!r}, views; the "
            "gradient")
    input = base[:, 1::2]
    loss = apply(input, targets, call) * 3 - apply(input, terox.tensor(others.targets), call)
    run(loss.backward, call=call)
    right = np.zeros(room.shape)
    right[:, 1::2] = (3 * batch.error() - others.error()) / len(batch.targets)
    tensor_close(gradient_of(base, call), right, call=call, atol=8 * batch.rounding())


def test_second_derivative():
    """The gradient can itself be differentiated: what backward computes is recorded."""
    batch = PLAIN
    input = terox.tensor(batch.logits, requires_grad=True)
    call = f"(gradient,) = grad(CrossEntropy, input, create_graph=True), {batch!r}; the gradient of 3 * gradient[0, 0]"
    loss = apply(input, terox.tensor(batch.targets), call)
    (gradient,) = run(lambda: terox.autograd.grad(loss * 3, [input], create_graph=True), call=call)
    check.that(gradient.requires_grad, "The gradient has no history. Save `input` itself, and compute from it, with "
               "operations on tensors only, in backward.", call=call)
    (second,) = run(lambda: terox.autograd.grad(gradient[0, 0] * 3, [input], allow_unused=True), call=call)
    check.that(second is not None, "The gradient was cut off from the input.", call=call)
    chances = softmax(batch.logits)
    right = np.zeros(batch.logits.shape)
    right[0] = 9 * chances[0, 0] * (np.eye(3)[0] - chances[0]) / len(batch.targets)
    tensor_close(second, right, call=call, atol=16 * batch.rounding(), note="Something that backward computes with was "
                 "cut off from the input, or saved in forward, where nothing is recorded.")


def test_the_upstream_gradient_has_a_history_too():
    """What the loss is multiplied by may require grad itself: the gradient depends on it."""
    batch = PLAIN
    input = terox.tensor(batch.logits, requires_grad=True)
    factor = terox.tensor(3.0, dtype=terox.float64, requires_grad=True)
    call = (f"(gradient,) = grad(CrossEntropy * s, input, create_graph=True), {batch!r}; the gradient of "
            "gradient[0, 0] for s = 3")
    loss = apply(input, terox.tensor(batch.targets), call)
    (gradient,) = run(lambda: terox.autograd.grad(loss * factor, [input], create_graph=True), call=call)
    (second,) = run(lambda: terox.autograd.grad(gradient[0, 0], [factor], allow_unused=True), call=call)
    check.that(second is not None, "The gradient does not depend on the upstream gradient any more. Multiply by the "
               "tensor `grad`; a number that was taken out of it has no history.", call=call)
    tensor_close(second, batch.error()[0, 0] / len(batch.targets), call=call, atol=16 * batch.rounding())


def test_freed():
    """What is kept from forward to backward goes through save_for_backward, which is freed after backward."""
    input = terox.tensor(PLAIN.logits, requires_grad=True)
    call = f"loss = CrossEntropy, {PLAIN!r}; loss.backward() twice"
    loss = apply(input, terox.tensor(PLAIN.targets), call)
    run(loss.backward, call=call)
    check.raises(RuntimeError, loss.backward, call=call, mentions=("second time",),
                 note="Keep `input` and `target` with ctx.save_for_backward, and not as attributes of ctx.")
