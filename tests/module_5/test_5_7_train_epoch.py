"""Task 5.7: train_epoch, against the same epoch in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from epochs import LR, PLAIN, Epoch, Watched, epochs, loss_of
from hypothesis import assume, example, given
from layer_checks import near, run, tensor_close, tensor_of

import terox
from course import check
from terox.foundations.module import Module
from terox.nn.lenet import train_epoch
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("5.7")

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def clear(epoch):
    """Whether all numbers stay so small, and no two logits are so close, that rounding could decide about anything."""
    weight, losses, hits, _ = epoch.right()
    if not np.isfinite(weight).all() or max(losses) > 1e6:
        return False
    now, old = epoch.weight, epoch.weight
    for part in epoch.parts:
        x = epoch.x[part]
        for each in (now, old):
            out = np.sort(x @ each, axis=1)
            if (out[:, -1] - out[:, -2] < 1e-6).any() and x.any():
                return False
        if not x.any(axis=1).all():
            return False
        old = now
        now = now - LR * 2 * x.T @ (x @ now - np.eye(3)[epoch.labels[part]]) / len(x)
        out = np.sort(x @ now, axis=1)
        if (out[:, -1] - out[:, -2] < 1e-6).any():
            return False
    return True


def check_result(got, epoch, call):
    check.that(isinstance(got, tuple) and len(got) == 2, "It returns two numbers: the mean loss and the accuracy."
               + (" Is a `return` missing?" if got is None else ""), call=call, got=got)
    _, losses, hits, after = epoch.right()
    sizes, count = epoch.sizes, sum(epoch.sizes)
    for name, value in zip(("mean loss", "accuracy"), got):
        check.that(not isinstance(value, Tensor), f"The {name} is a tensor: take its number out with item().",
                   call=call, got=value)
    mean = sum(size * loss for size, loss in zip(sizes, losses)) / count
    wrong = {"That is the mean of the batches' losses; each has to count as often as it has examples.":
             sum(losses) / len(losses),
             "That is the sum of the batches' losses; the mean over all examples is asked for.": sum(losses),
             "That is the sum over all examples; divide by how many there are.": mean * count,
             "That is the sum over all examples, divided by the number of batches.": mean * count / len(sizes),
             "That is the sum of the batches' losses, divided by the number of examples.": sum(losses) / count,
             "That is the loss of the last batch alone.": losses[-1],
             "That is the loss after each step; the one before it is asked for.":
                 sum(size * each[0] for size, each in zip(sizes, after)) / count}
    check.close(got[0], mean, **CLOSE, call=f"{call}\nthe mean loss", mistakes=_others(wrong, mean))
    accuracy = sum(hits) / count
    wrong = {"That is how many were right; divide by the number of examples.": float(sum(hits)),
             "That is in percent; from 0.0 to 1.0 is asked for.": 100 * accuracy,
             "That is the mean of the batches' accuracies; each has to count as often as it has examples.":
                 sum(hit / size for hit, size in zip(hits, sizes)) / len(sizes),
             "That is divided by the number of batches, and not of examples.": sum(hits) / len(sizes),
             "That is the part of the wrong ones.": 1 - accuracy,
             "That is the accuracy of the last batch alone.": hits[-1] / sizes[-1],
             "That is the accuracy after each step; the one before it is asked for.":
                 sum(each[1] for each in after) / count}
    check.close(got[1], accuracy, **CLOSE, call=f"{call}\nthe accuracy", mistakes=_others(wrong, accuracy),
                note="Right is where the largest logit, argmax(1), is that of the target.")
    for name, value in zip(("mean loss", "accuracy"), got):
        check.that(isinstance(value, float), f"The {name} is returned as a float.", call=call, got=value)


def _others(wrong, right):
    return {text: value for text, value in wrong.items() if abs(value - right) > 1e-6}


@given(epoch=epochs())
@example(epoch=PLAIN)
def test_one_epoch(epoch):
    """Each batch is one step: forward, loss, backward, optimizer.step(); mean loss and accuracy of all are returned."""
    assume(clear(epoch))
    got, call = epoch.went(), str(epoch)
    seen, batches = epoch.model.seen, [epoch.x[part].tolist() for part in epoch.parts]
    check.equal(seen, batches, call=f"{call}\nthe batches that the model got", mistakes={
        text: wrong for text, wrong in {
            "The model was called twice for each batch. Once is enough: loss and accuracy are those before the step.":
                [batch for batch in batches for _ in range(2)],
            "Only the first batch was learned from: does the loop return too early?": batches[:1],
            "The last batch was left out.": batches[:-1]}.items() if wrong != batches},
        note="Each batch goes through the model once, in the order of batches.")
    steps = [entry for entry in epoch.log if entry.startswith("step")]
    check.that("step without gradients" not in steps, "When the optimizer stepped, there were no gradients: backward "
               "comes before step, and nothing is forgotten in between.", call=call)
    check.equal(len(steps), len(batches), call=f"{call}\nhow often the optimizer stepped", note="Once for each batch.")
    right = epoch.right()[0]
    tensor_close(epoch.model.weight, right, call=f"{call}\nthe weight afterwards", **CLOSE, mistakes={
        "Gradients of earlier batches were added to the new ones: forget them before each batch.":
            epoch.right("stale gradients")[0],
        "The sum of the losses of a batch was differentiated, and not loss_function's mean.": epoch.right("sum")[0],
        "The weight is as it was: nothing was learned.": epoch.right("no step")[0]},
        note="One step for each batch, against the gradient of its loss, leads elsewhere.")
    check_result(got, epoch, call)


@given(epoch=epochs())
@example(epoch=PLAIN)
def test_what_on_step_is_told(epoch):
    """After each step, on_step gets the number of examples in the batch, its loss, and how many of them were right."""
    assume(clear(epoch))
    told = []

    def on_step(*args):
        told.append((*args, sum(entry == "step" for entry in epoch.log)))

    got = epoch.went(on_step)
    call, (_, losses, hits, after) = f"{epoch}, with on_step", epoch.right()
    check.equal(len(told), len(losses), call=f"{call}\nhow often on_step was called", note="Once for each batch.")
    for number, args in enumerate(told):
        which = f"{call}\nwhat on_step got for batch {number}"
        check.that(len(args) == 4, "It takes three arguments: the number of examples, the loss, how many were right.",
                   call=which, got=args[:-1])
        check.that(not any(isinstance(each, Tensor) for each in args), "on_step gets numbers: take them out of their "
                   "tensors with item().", call=which, got=args[:-1])
        size, sofar = epoch.sizes[number], number + 1
        check.equal(args[0], size, call=f"{which}, the number of examples", mistakes={
            text: wrong for text, wrong in {"That is the number of the batch.": number,
                                            "That is how many there were so far.": sum(epoch.sizes[:sofar])}.items()
            if wrong != size})
        check.close(args[1], losses[number], **CLOSE, call=f"{which}, the loss", mistakes=_others({
            "That is the sum of the batch's losses; their mean is asked for.": losses[number] * size,
            "That is the loss after the step; the one before it is asked for.": after[number][0],
            "That is the sum of the losses so far.": sum(losses[:sofar])}, losses[number]))
        check.close(args[2], hits[number], **CLOSE, call=f"{which}, how many were right", mistakes=_others({
            "That is the part of them; how many is asked for.": hits[number] / size,
            "That is how many were right so far.": sum(hits[:sofar]),
            "That is how many are right after the step; before it is asked for.": after[number][1]}, hits[number]))
        check.that(args[3] == sofar, "on_step is called when the step is done, and not before.", call=which)
    check_result(got, epoch, call)


def test_stale_gradients():
    """What was left in grad before train_epoch has no part in its steps."""
    def leave(model):
        model.weight.grad = terox.full((2, 3), 100.0, dtype=terox.float64)

    PLAIN.went(before=leave)
    tensor_close(PLAIN.model.weight, PLAIN.right()[0], **CLOSE,
                 call=f"{PLAIN}\nevery grad was 100 before; the weight afterwards",
                 note="Old gradients were added to the new ones: forget them before each batch.")


def test_the_optimizer_decides_about_the_step():
    """Parameters are changed by optimizer.step(), and by nothing else."""
    class Still(Watched):
        def step(self):
            self.log.append("step")

    PLAIN.went(optimizer=Still)
    tensor_close(PLAIN.model.weight, PLAIN.weight, call=f"{PLAIN}\nwhose step() does nothing; the weight afterwards",
                 note="The parameters changed although optimizer.step() did not change them.")


def test_the_loss_function_decides_about_the_loss():
    """The loss is that of loss_function(output, targets): whatever it is, it is what is differentiated and counted."""
    from epochs import Net

    log, given = [], []
    model = Net(PLAIN.weight, log)

    def loss_function(output, target):
        given.append((tuple(output.shape), tuple(target.shape), target.dtype))
        return (output * output).mean() + 7

    call = f"{PLAIN}, with the loss (output ** 2).mean() + 7"
    optimizer = Watched(model.parameters(), lr=LR, log=log)
    got = run(train_epoch, model, loss_function, optimizer, PLAIN.batches(), call=call)
    check.equal(given, [((size, 3), (size,), terox.int64) for size in PLAIN.sizes],
                call=f"{call}\nshapes of output and target, and dtype of target, that it got",
                note="loss_function(output, targets), once for each batch.")
    check.that(got[0] > 7, "The mean loss is not that of loss_function.", call=call, got=got[0])


def test_the_model_is_in_training_mode():
    """Whenever the model is called, it is in training mode, and recording is on."""
    PLAIN.went(before=lambda model: model.eval())
    modes = PLAIN.model.modes
    check.equal(modes, [(True, True)] * 3, call="(model.training, is_grad_enabled()) when the model was called, in an "
                "epoch of 3 batches, after model.eval()",
                note="Call model.train() first: dropout and batch normalization do otherwise in evaluation.")


def test_batches_are_gone_through_once():
    """batches may be a generator, which has no length, and gives each batch once, when it is asked for."""
    asked = []

    def batches():
        for number, batch in enumerate(PLAIN.batches()):
            asked.append((number, sum(entry == "step" for entry in PLAIN.log)))
            yield batch

    got = PLAIN.went(batches=batches())
    check.equal(asked, [(0, 0), (1, 1), (2, 2)], call="(number of the batch, steps until then) when a batch was asked "
                "for", note="Take one batch after the other: all at once may not fit into memory.")
    check_result(got, PLAIN, str(PLAIN))


def test_no_graph_outlives_its_batch():
    """A number is kept of each batch, not its graph: at most the last is there when the next one is made."""
    epoch = Epoch([1] * 5, [[1, 0], [0, 1], [1, 1], [0, -1], [2, 1]], [0, 1, 2, 2, 0])
    epoch.went()
    check.that(max(epoch.model.alive) <= 1, "The graphs of earlier batches are still there: a tensor that was kept "
               "(a sum of losses, a list of outputs) holds them. Keep loss.item().",
               call="train_epoch(...) with 5 batches: how many graphs of earlier batches there were, in each of them",
               got=epoch.model.alive, expected=[0, 1, 1, 1, 1])


def test_images_and_larger_models():
    """The model is called, and not its parts; inputs may have any number of dimensions."""
    class Two(Module):
        def __init__(self):
            super().__init__()
            self.scale = terox.nn.Parameter(terox.ones(4, dtype=terox.float64))

        def forward(self, x):
            return x.flatten(1) * self.scale

    model, x = Two(), np.arange(12.0).reshape(3, 1, 2, 2) / 10
    call = "train_epoch(model, loss_function, SGD(..., lr=0.5), [(images of shape [3, 1, 2, 2], targets)])"
    got = run(train_epoch, model, loss_of, terox.optim.SGD(model.parameters(), lr=LR),
              [(tensor_of(x), tensor_of(np.array([3, 0, 3])))], call=call)
    check.close(got[1], 2 / 3, call=f"{call}\nthe accuracy")
    flat = x.reshape(3, 4)
    gradient = 2 * (flat * (flat - np.eye(4)[[3, 0, 3]])).sum(0) / 3
    check.that(near(np.array(model.scale.tolist()), 1 - LR * gradient, 1e-9, 1e-9), "The model's parameters did not "
               "make one step.", call=call)
