"""Task 2.7: train_epoch, against the same epoch in NumPy."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from networks import Epoch, Net, Watched, matrices, run

import terox
from course import check
from terox.foundations.module import Module
from terox.tensors.tensor import Tensor
from terox.tensors.training import train_epoch

pytestmark = pytest.mark.task("2.7")

LR = 0.5
WHOLE = re.compile(r"\.0\b")  # 2.0 is shown as 2
CLOSE = {"rtol": 1e-9, "atol": 1e-9}  # far above the rounding of a few dozen operations, far below any mistake


class Case:
    """Data, a network and an optimizer for one call of train_epoch. `went()` makes them and calls it."""

    def __init__(self, images, labels, order, batch_size, weight=((1.0, -1.0), (0.0, 2.0)), bias=(0.0, 1.0)):
        self.images, self.labels = np.array(images), np.array(labels)
        self.order, self.batch_size = np.array(order), batch_size
        self.weight, self.bias = np.array(weight), np.array(bias)

    def went(self, on_step=None, *, before=None, optimizer=Watched):
        """before: called with the model before it is trained."""
        self.model = Net(self.weight, self.bias)
        self.optimizer = optimizer(self.model.parameters(), lr=LR)
        if before is not None:
            before(self.model)
        told = () if on_step is None else (on_step,)
        return run(train_epoch, self.model, self.optimizer, terox.tensor(self.images), terox.tensor(self.labels),
                   self.batch_size, terox.tensor(self.order), *told)

    def right(self, mistake=""):
        return Epoch(self.weight, self.bias, self.images, self.labels, self.order, self.batch_size, LR, mistake)

    def batches(self, of=None):
        order = self.order if of is None else of
        return [self.images[order[start : start + self.batch_size]].tolist()
                for start in range(0, len(order), self.batch_size)]

    def __str__(self):
        images, weight, bias = (WHOLE.sub("", str(each.tolist())) for each in (self.images, self.weight, self.bias))
        return (f"train_epoch(model, SGD(..., lr={LR}), images, labels, {self.batch_size}, order)\n"
                f"images {images}, labels {self.labels.tolist()}\n"
                f"order {self.order.tolist()}, model x @ {weight} + {bias}")

    __repr__ = __str__


FIVE = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [-1.0, 2.0]], [0, 1, 1, 0, 1]  # images, labels
# On this one, each mistake gives a number of its own.
PLAIN = Case([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]], [0, 1, 1], [2, 0, 1], 2)
TWICE = ("The model was called twice for each batch. Once is enough: the loss that is asked for is the one before the "
         "step.")


@st.composite
def cases(draw, least=1, part=False):
    count = draw(st.integers(least, 5))
    images = draw(st.lists(st.tuples(st.integers(-2, 2).map(float), st.integers(-2, 2).map(float)), min_size=count,
                           max_size=count, unique=True))
    if draw(st.booleans()):
        images = [[image] for image in images]  # (N, 1, 2): more dimensions than one
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    order = st.lists(st.integers(0, count - 1), min_size=1, max_size=count) if part else st.permutations(range(count))
    return Case(images, labels, draw(order), draw(st.integers(1, count + 1)),
                draw(matrices(2, 2)) / 2.0, draw(matrices(2)) / 2.0)


@given(case=cases())
@example(case=PLAIN)
def test_one_epoch(case):
    """Each batch of `order` is one step: forward, backward, optimizer.step(), and the mean loss of all is returned."""
    call = str(case)
    got = case.went()
    seen, batches = case.model.seen, case.batches()
    wrong = {"The last batch was left out. Is that for its size, or does the loop return too early?":
             batches[:1] if len(batches) == 2 else batches,
             "The last batch, which is smaller, was left out.": batches[:-1],
             "Only the first batch was learned from: does the loop return too early?": batches[:1],
             "The examples were taken in the order in which they lie there, and not in that of `order`.":
                 case.batches(np.arange(len(case.order))),
             "The model got all images, and not those of the batch.": [case.images.tolist()] * len(batches),
             TWICE: [batch for batch in batches for _ in range(2)]}
    check.equal(seen, batches, call=call + "\nthe batches that the model got",
                note="The first batch_size numbers of `order` say which examples make the first batch, and so on.",
                mistakes={text: each for text, each in wrong.items() if each != batches})
    steps = case.optimizer.steps
    check.equal(len(steps), len(batches), call=call + "\nhow often the optimizer stepped",
                note="The optimizer has to step once for each batch.")
    check.that(all(steps), "When the optimizer stepped, there were no gradients: backward comes before step, and "
               "nothing is forgotten in between.", call=call)
    right = case.right()
    slips = {"Gradients of earlier batches were added to the new ones: forget them before each batch.":
             case.right("stale gradients"),
             "The labels belong to other images: pick them by the same numbers.":
             case.right("labels in their old order"),
             "The sum of the losses of a batch was differentiated, and not their mean.": case.right("sum"),
             "The parameters moved against the right direction.": case.right("uphill")}
    _check_parameters(case, call, "One step for each batch, against the gradient of the mean of its losses, leads "
                      "elsewhere.", {text: _flat(each.parameters()) for text, each in slips.items()
                                     if _flat(each.parameters()) != _flat(right.parameters())})
    _check_loss(got, right, call)


def _check_parameters(case, call, note, mistakes=None):
    """Weight and bias are now what they have to be. Shown with few decimals, if they differ in those."""
    got, right = _flat(case.model.numbers()), _flat(case.right().parameters())
    try:
        check.all_close(got, right, **CLOSE, call=f"{call}\nweight and bias afterwards, row by row", note=note,
                        mistakes=mistakes)
    except check.CheckFailed as error:
        few = [str([round(number, 4) for number in numbers]) for numbers in (got, right)]
        if few[0] == few[1]:
            raise
        raise check.CheckFailed(error.call, *few, error.note) from None


def _check_loss(got, right, call):
    check.that(not isinstance(got, Tensor), "It returned a tensor: take its number out with item().", call=call,
               got=got)
    mean, losses, counts, largest = right.mean(), right.losses, right.counts, right.batch_size
    wrong = {"That is the mean of the batches' losses; each has to count as often as it has examples.":
             sum(losses) / len(losses),
             "That is the sum of the batches' losses; the mean over all examples is asked for.": sum(losses),
             "That is the sum over all examples; divide by how many there are.": mean * sum(counts),
             "That is the sum over all examples, divided by the number of batches.": mean * sum(counts) / len(counts),
             "That is the sum of the batches' losses, divided by the number of examples.": sum(losses) / sum(counts),
             "The last batch counts as if it had batch_size examples.": sum(losses) * largest / sum(counts),
             "That is the loss of the last batch alone.": losses[-1],
             "That is the loss after each step; the one before it is asked for.": right.mean(right.after)}
    check.close(got, mean, **CLOSE, call=call, mistakes={text: value for text, value in wrong.items()
                                                         if abs(value - mean) > 1e-6})
    check.that(isinstance(got, float), "The loss is returned as a float.", call=call, got=got)


def _flat(parameters):
    weight, bias = parameters
    return [number for row in weight for number in row] + list(bias)


@given(case=cases())
@example(case=PLAIN)
def test_what_on_step_is_told(case):
    """After each step, on_step gets the number of examples in the batch and the mean loss of the batch, a float."""
    told = []
    got = case.went(lambda *args: told.append((*args, len(case.optimizer.steps))))
    call, right = f"{case}, with on_step", case.right()
    check.equal(len(told), len(right.counts), call=call + "\nhow often it was called", note="Once for each batch.")
    for number, args in enumerate(told):
        which = f"{call}\nwhat it got for batch {number}"
        check.that(len(args) == 3 and args[:2] != (right.losses[number], right.counts[number]), "It takes two "
                   "arguments: first the number of examples in the batch, then the loss.", call=which, got=args[:-1])
        check.equal(args[0], right.counts[number], call=f"{which}, the number of examples", mistakes={
            "That is batch_size; this batch has fewer examples.": case.batch_size,
            "That is the number of the batch.": number, "That is how many examples there were so far.":
            sum(right.counts[: number + 1])} if args[0] != right.counts[number] else None)
        check.that(not isinstance(args[1], Tensor), "on_step gets the loss as a float: take it out with item().",
                   call=which, got=args[1])
        loss = right.losses[number]
        wrong = {"That is the sum of the batch's losses; their mean is asked for.": loss * right.counts[number],
                 "That is the loss after the step; the one before it is asked for.": right.after[number],
                 "That is the sum of the losses so far.": sum(right.losses[: number + 1]),
                 "That is the sum over all examples so far.": sum(
                     count * each for count, each in zip(right.counts[: number + 1], right.losses))}
        check.close(args[1], loss, **CLOSE, call=f"{which}, the loss",
                    mistakes={text: value for text, value in wrong.items() if abs(value - loss) > 1e-6})
        check.that(args[2] == number + 1, "on_step is called when the step is done, and not before.", call=which)
    _check_loss(got, right, call)


@pytest.mark.parametrize("batch_size", [2, 5])
def test_stale_gradients(batch_size):
    """What was left in grad before train_epoch has no part in its steps."""
    case, old = Case(*FIVE, [1, 3, 0, 4, 2], batch_size), 100.0

    def leave_gradients(model):
        for parameter in model.parameters():
            parameter.grad = terox.full(parameter.shape, old, dtype=terox.float64)

    case.went(before=leave_gradients)
    _check_parameters(case, f"{case}\nevery grad was {old} before",
                      "Old gradients were added to the new ones: forget them before each batch.")


def test_the_optimizer_decides_about_the_step():
    """In train_epoch, parameters are changed by optimizer.step(), and by nothing else."""
    case = Case(*FIVE, [1, 3, 0, 4, 2], 2)

    class Still(Watched):
        def step(self):
            self.steps.append(True)

    case.went(optimizer=Still)
    check.equal(case.model.numbers(), [case.weight.tolist(), case.bias.tolist()],
                call=f"{case}, whose step() does nothing\nweight and bias afterwards",
                note="The parameters changed although optimizer.step() did not change them.")


@given(case=cases(least=2, part=True))
@example(case=Case(*FIVE, [3, 0, 0], 2))
def test_part_of_the_data(case):
    """`order` may name some of the examples only, and one of them twice: it alone says what is learned from."""
    got = case.went()
    call, count = str(case), len(case.images)
    check.equal(case.model.seen, case.batches(), call=call + "\nthe batches that the model got",
                note="How many batches there are follows from the length of `order`.", mistakes={
                    TWICE: [batch for batch in case.batches() for _ in range(2)]})
    right = case.right()
    wrong = right.mean() * len(case.order) / count
    check.close(got, right.mean(), **CLOSE, call=call, mistakes={
        "It was divided by the number of images; `order` names fewer.": wrong} if wrong != right.mean() else None)


def test_the_model_is_in_training_mode():
    """Whenever train_epoch calls the model, it is in training mode, and recording is on."""
    case = Case(*FIVE, [0, 1, 2, 3, 4], 2)
    case.went(before=lambda model: model.eval())
    modes = case.model.modes
    check.equal(modes, [(True, True)] * max(len(modes), 3), call="(model.training, is_grad_enabled()) when the model "
                "was called, in an epoch of 3 batches",
                note="Call model.train() first: layers such as dropout do otherwise in evaluation.")


def test_no_graph_outlives_its_batch():
    """train_epoch keeps a number of each batch, not its graph: at most the last is there when the next one is made."""
    case = Case(*FIVE, [4, 2, 0, 1, 3], 1)
    case.went()
    check.that(max(case.model.alive) <= 1, "The graphs of earlier batches are still there: a tensor that was kept "
               "(a sum of losses, a list of them) holds them. Keep loss.item().",
               call="train_epoch(...) with 5 batches: how many graphs of earlier batches there were, in each of them",
               got=case.model.alive, expected=[0, 1, 1, 1, 1])


def test_inside_larger_models():
    """train_epoch calls the model, and not its layers: a model of two parts learns in both."""

    class Two(Module):
        def __init__(self):
            super().__init__()
            self.first = Net([[1.0, 0.5], [-0.5, 1.0]], [0.25, 0.0])
            self.second = Net([[1.0, -1.0], [0.5, 0.25]], [0.0, 0.0])

        def forward(self, x):
            return self.second(self.first(x).relu())

    model, images, labels = Two(), *FIVE
    before = [parameter.tolist() for parameter in model.parameters()]
    optimizer = Watched(model.parameters(), lr=LR)
    data = terox.tensor(images, dtype=terox.float64), terox.tensor(labels)
    losses = [run(train_epoch, model, optimizer, *data, 2, terox.tensor([3, 1, 0, 4, 2])) for _ in range(12)]
    call = "12 epochs of train_epoch(...) on five points, with a model of two layers"
    check.that(losses[-1] < 0.7 * losses[0], "The loss has hardly fallen: it does not learn.", call=call,
               got=losses[-1], expected=f"less than 0.7 of {losses[0]!r}")
    still = [name for (name, parameter), old in zip(model.named_parameters(), before) if parameter.tolist() == old]
    check.equal(still, [], call=f"{call}; the parameters that have not changed")
