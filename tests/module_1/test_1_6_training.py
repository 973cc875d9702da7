"""Task 1.6: the training loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import BATCHES, SMALL, Line, by_hand, split, square

import terox
from course import check, oracle
from terox.autograd.scalar import Scalar
from terox.autograd.training import evaluate, train_step
from terox.foundations.module import Module
from terox.optim import SGD

pytestmark = pytest.mark.task("1.6")


class Watched(SGD):
    """SGD that writes down what was called, and the gradients that there were then."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log = []

    def zero_grad(self, *args, **kwargs):
        self.log.append("zero_grad")
        super().zero_grad(*args, **kwargs)

    def step(self):
        self.log.append("step")
        self.grads = [None if parameter.grad is None else parameter.grad.item() for parameter in self.params]
        super().step()


def words(w, b, batch):
    return f"train_step(...) for w * x + b with w = {w}, b = {b}, squared error, lr = 0.125, (x, target) in {batch}"


@given(w=SMALL, b=SMALL, batch=BATCHES)
def test_one_step_by_hand(w, b, batch):
    """After one step, each parameter has moved by lr times the derivative of the mean loss; the loss before it
    is returned.
    """
    model = Line(w, b)
    optimizer = Watched(model.parameters(), lr=0.125)
    got = train_step(model, optimizer, *split(batch), loss_fn=square)
    call, count = words(w, b, batch), len(batch)
    loss, dw, db = by_hand(w, b, batch)
    check.that(
        optimizer.log.count("step") == 1,
        "The optimizer has to step once in a train_step.",
        call=call,
        got=optimizer.log,
        expected=["zero_grad", "step"],
    )
    check.that(
        optimizer.grads != [None, None],
        "When the optimizer stepped, there were no gradients: backward comes before step, and nothing is forgotten "
        "in between.",
        call=call,
        got=optimizer.log,
    )
    found = (model.w.item(), model.b.item())
    wrong = {"The parameters moved against the right direction.": (w + 0.125 * dw, b + 0.125 * db)}
    if count > 1:
        wrong["The losses were added up; the loss of a batch is their mean."] = (
            w - 0.125 * count * dw,
            b - 0.125 * count * db,
        )
        wrong["The mean was taken twice."] = (w - 0.125 * dw / count, b - 0.125 * db / count)
        one = by_hand(w, b, batch[-1:])
        wrong["Only the last pair of the batch was learned from."] = (w - 0.125 * one[1], b - 0.125 * one[2])
    right = (w - 0.125 * dw, b - 0.125 * db)
    check.all_close(
        found,
        right,
        call=call + "; the parameters (w, b) afterwards",
        mistakes={text: pair for text, pair in wrong.items() if pair != right},
    )
    check.that(
        not isinstance(got, Scalar),
        "It returned a Scalar, which keeps the whole graph alive; return its number.",
        call=call,
        got=got,
    )
    after = by_hand(*found, batch)[0]
    mistakes = {} if after == loss else {"That is the loss after the step; return the one before.": after}
    if count > 1 and loss:
        mistakes["That is the sum of the losses; the loss of a batch is their mean."] = loss * count
        mistakes["That is the mean divided by the number of pairs once more."] = loss / count
    check.close(got, loss, call=call, mistakes=mistakes)
    check.that(isinstance(got, float), "The loss is returned as a float.", call=call, got=got)


@given(w=SMALL, b=SMALL, batch=BATCHES)
def test_stale_gradients_are_forgotten(w, b, batch):
    """What earlier steps, or anyone else, left in grad does not take part in the step."""
    model = Line(w, b)
    model.w.grad, model.b.grad = Scalar(100.0), Scalar(-50.0)
    optimizer = SGD(model.parameters(), lr=0.125)
    note = "Gradients of earlier passes were added to the new ones: forget them first."
    for step in (1, 2):
        _, dw, db = by_hand(w, b, batch)
        train_step(model, optimizer, *split(batch), loss_fn=square)
        w, b = w - 0.125 * dw, b - 0.125 * db
        check.all_close(
            (model.w.item(), model.b.item()),
            (w, b),
            call=words(w, b, batch) + f"; (w, b) after step {step}",
            atol=1e-9,
            note=note,
        )


def test_the_loss_is_computed_in_training_mode():
    """train_step puts the model into training mode before it runs it, and calls it once for each pair."""
    model = Line(1.0, 0.0)
    model.eval()
    train_step(model, SGD(model.parameters(), lr=0.1), [[1.0], [2.0]], [1.0, 0.0])
    check.equal(
        model.seen,
        [(True, True)] * 2,
        call="(model.training, is_grad_enabled()) when the model was called",
        note="Call model.train() first: layers such as dropout do otherwise in evaluation.",
    )


def test_the_loss_is_cross_entropy_unless_given():
    """Without loss_fn the loss is the mean of binary_cross_entropy_with_logits."""
    model = Line(0.5, -1.0)
    got = train_step(model, SGD(model.parameters(), lr=0.1), [[3.0], [-1.0]], [1.0, 0.0])
    right = (oracle.bce_with_logits(0.5, 1.0) + oracle.bce_with_logits(-1.5, 0.0)) / 2.0
    check.close(got, right, call="train_step(model, optimizer, [[3.0], [-1.0]], [1.0, 0.0]) for 0.5 * x - 1")


class Table(Module):
    """Gives the number that it is asked about, and remembers how it was called."""

    def __init__(self):
        super().__init__()
        self.inner = Line(1.0, 0.0)
        self.seen = []

    def forward(self, xs):
        self.seen.append((self.training, self.inner.training, terox.is_grad_enabled()))
        return self.inner(xs)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([-2.0, -0.25, 0.0, 0.25, 0.75, 3.0]), st.sampled_from([0, 1])),
        min_size=1,
        max_size=8,
    )
)
def test_accuracy(rows):
    """evaluate gives the part of the inputs for which "logit above 0" and "target is 1" say the same."""
    got = evaluate(Table(), [[logit] for logit, _ in rows], [target for _, target in rows])
    call = f"evaluate(model, ...) for the (logit, target) pairs {rows}"

    def part(says_one):
        return sum(1 for logit, target in rows if says_one(logit) == (target == 1)) / len(rows)

    right = part(lambda logit: logit > 0.0)
    wrong = {
        "A logit of exactly 0 was taken for class 1; it says class 0.": part(lambda logit: logit >= 0.0),
        "The limit is a logit of 0, that is, a probability of 0.5; no sigmoid was applied to the logit.": part(
            lambda logit: logit > 0.5
        ),
        "That is the part that is wrong.": 1.0 - right,
        "That is how many are right; divide by how many there are.": right * len(rows),
        "That is a percentage; the result lies between 0.0 and 1.0.": right * 100.0,
    }
    check.close(got, right, call=call, mistakes={text: value for text, value in wrong.items() if value != right})
    check.that(isinstance(got, float), "The accuracy is returned as a float.", call=call, got=got)


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_leaves_no_trace(training):
    """evaluate runs the model in eval mode without recording, and gives it back in the mode in which it was."""
    model = Table().train(training)
    evaluate(model, [[1.0], [-1.0]], [1, 0])
    call = f"evaluate(model, ...) for a model with model.training == {training}"
    check.equal(
        [modes[:2] for modes in model.seen],
        [(False, False)] * 2,
        call=call + ": the modes of the model and its part",
        note="The model was not in eval mode when it was called.",
    )
    check.equal(
        [modes[2] for modes in model.seen],
        [False, False],
        call=call + ": is_grad_enabled() when it was called",
        note="The model's operations were recorded. That costs time and memory for nothing: use no_grad.",
    )
    check.equal(
        (model.training, model.inner.training),
        (training, training),
        call=call + ": the modes afterwards",
        note="Afterwards the model is not in the mode in which it was before.",
    )
    check.that(terox.is_grad_enabled(), "After evaluate, recording stays off.", call=call)


def test_evaluation_changes_no_gradients():
    """Neither parameters nor their gradients are touched by evaluate."""
    model = Line(2.0, 1.0)
    kept = model.w.grad = Scalar(7.0)
    evaluate(model, [[1.0]], [1])
    check.that(
        model.w.grad is kept and model.b.grad is None and model.w.item() == 2.0,
        "evaluate changed a parameter or its gradient.",
        call="evaluate(model, [[1.0]], [1])",
    )
