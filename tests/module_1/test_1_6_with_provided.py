"""Task 1.6: what is provided for training (network, loss, optimizer), and learns with your loop."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import BATCHES, Line, by_hand, split, square

from course import check, oracle
from terox.autograd.mlp import Neuron, ScalarMLP
from terox.autograd.scalar import Scalar
from terox.autograd.training import binary_cross_entropy_with_logits, evaluate, fit, train_step
from terox.optim import SGD

pytestmark = pytest.mark.task("1.6")


@settings(max_examples=5)  # each of them trains a network
@given(seed=st.integers(0, 10_000))
def test_a_network_learns(seed):
    """A small network's loss falls to less than half within 60 steps, on points that a line separates."""
    inputs = [[1.0, 0.5], [0.5, 1.5], [1.5, 1.0], [1.0, 2.0], [-1.0, -0.5], [-0.5, -1.5], [-1.5, -1.0], [-1.0, -2.0]]
    targets = [1, 1, 1, 1, 0, 0, 0, 0]
    model = ScalarMLP([2, 4, 1], seed=seed)
    optimizer = SGD(model.parameters(), lr=0.3, momentum=0.5)
    first = train_step(model, optimizer, inputs, targets)
    for _ in range(60):
        last = train_step(model, optimizer, inputs, targets)
    call = f"61 train_steps of ScalarMLP([2, 4, 1], seed={seed}) on 8 points"
    check.that(
        last < 0.5 * first,
        "The loss has hardly changed: it does not learn.",
        call=call,
        got=last,
        expected=f"less than half of {first!r}",
    )


def test_fit_goes_through_all_data():
    """fit, provided, makes one train_step for each batch, the last one smaller, and reports the mean loss of
    each epoch.
    """
    model, steps = Line(0.0, 0.0), []
    history = fit(
        model,
        SGD(model.parameters(), lr=0.1),
        [[float(n)] for n in range(-3, 4)],
        [int(n > 0) for n in range(-3, 4)],
        epochs=3,
        batch_size=3,
        on_step=lambda count, loss: steps.append((count, loss)),
    )
    check.equal(
        [count for count, _ in steps],
        [3, 3, 1] * 3,
        call="the sizes of the batches of fit(..., epochs=3, batch_size=3)",
    )
    means = [sum(count * loss for count, loss in steps[start : start + 3]) / 7 for start in (0, 3, 6)]
    check.all_close(history, means, call="fit(...)")
    check.that(history[-1] < history[0], "The loss did not fall.", call="fit(...)", got=history)


@given(
    logit=st.one_of(st.floats(-40.0, 40.0), st.sampled_from([1000.0, -1000.0, 0.0])),
    target=st.sampled_from([0.0, 1.0, 0.25]),
)
def test_the_loss_and_its_derivative(logit, target):
    """binary_cross_entropy_with_logits is exact for any logit, and one step goes along sigmoid(logit) - target."""
    model = Line(0.0, logit)
    got = train_step(model, SGD(model.parameters(), lr=1.0), [[0.0]], [target])
    call = f"binary_cross_entropy_with_logits({logit!r}, {target!r})"
    check.close(got, oracle.bce_with_logits(logit, target), call=call, rtol=1e-9, atol=1e-12)
    if logit != 0.0:  # its two parts each have a corner there
        check.close(
            model.b.grad.item(),
            oracle.sigmoid(logit) - target,
            call=f"the derivative of {call}",
            rtol=1e-9,
            atol=1e-12,
        )
    check.close(binary_cross_entropy_with_logits(Scalar(logit), target).item(), got, call=call)


@given(momentum=st.sampled_from([0.0, 0.5, 0.9]), decay=st.sampled_from([0.0, 0.25]), batch=BATCHES)
def test_the_optimizer_by_hand(momentum, decay, batch):
    """SGD, provided: v = momentum * v + grad + weight_decay * p, and p = p - lr * v, step after step."""
    model, w, b = Line(1.0, -1.0), 1.0, -1.0
    optimizer = SGD(model.parameters(), lr=0.03125, momentum=momentum, weight_decay=decay)
    speed_w = speed_b = 0.0
    for _ in range(3):
        _, dw, db = by_hand(w, b, batch)
        train_step(model, optimizer, *split(batch), loss_fn=square)
        speed_w, speed_b = momentum * speed_w + dw + decay * w, momentum * speed_b + db + decay * b
        w, b = w - 0.03125 * speed_w, b - 0.03125 * speed_b
    check.all_close(
        (model.w.item(), model.b.item()),
        (w, b),
        rtol=1e-7,
        atol=1e-9,
        call=f"(w, b) after 3 steps with momentum={momentum}, weight_decay={decay}, (x, target) in {batch}",
    )


def test_errors_of_what_is_provided():
    """A network, a neuron or an optimizer that is asked for what makes no sense says so."""
    model = ScalarMLP([2, 3, 2], seed=1)
    check.equal(
        evaluate(ScalarMLP([1, 1], seed=0), [[0.0]], [0]), 1.0, call="evaluate(ScalarMLP([1, 1]), [[0.0]], [0])"
    )
    check.equal(len(model([1.0, 2.0])), 2, call="len(ScalarMLP([2, 3, 2])([1.0, 2.0]))")
    check.equal(
        [p.item() for p in ScalarMLP([2, 3, 2], seed=1).parameters()],
        [p.item() for p in model.parameters()],
        call="the parameters of two networks with the same seed",
    )
    for sizes in ([3], [], [2, 0]):
        check.raises(
            ValueError, lambda sizes=sizes: ScalarMLP(sizes), call=f"ScalarMLP({sizes})", mentions=("positive sizes",)
        )
    check.raises(ValueError, lambda: model([1.0]), call="ScalarMLP([2, 3, 2])([1.0])", mentions=("2 inputs",))
    check.that(
        "inputs=2" in repr(next(each for each in model.modules() if isinstance(each, Neuron))),
        "A neuron prints how many inputs it has.",
        call="repr(model)",
    )
    check.raises(ValueError, lambda: SGD([]), call="SGD([])", mentions=("empty",))
    check.raises(TypeError, lambda: SGD([1.0]), call="SGD([1.0])", mentions=("float",))
    for name in ("lr", "momentum", "weight_decay"):
        check.raises(
            ValueError, lambda name=name: SGD(model.parameters(), **{name: -1.0}), call=f"SGD(..., {name}=-1.0)"
        )


def test_zero_grad_and_parameters_without_gradient():
    """SGD leaves parameters alone that have no gradient; zero_grad(set_to_none=False) leaves zeros."""
    model = Line(2.0, 1.0)
    optimizer = SGD(model.parameters(), lr=0.5)
    train_step(model, optimizer, [[0.0]], [1.0], loss_fn=square)
    optimizer.zero_grad(set_to_none=False)
    check.equal(
        (model.w.grad.item(), model.b.grad.item()),
        (0.0, 0.0),
        call="the gradients after zero_grad(set_to_none=False)",
    )
    optimizer.zero_grad()
    before = model.w.item(), model.b.item()
    optimizer.step()
    check.equal((model.w.item(), model.b.item()), before, call="the parameters after a step without gradients")
    check.that(
        math.isfinite(before[0]) and model.w.is_leaf and model.w.requires_grad,
        "A parameter lost its state.",
        call="step()",
    )
