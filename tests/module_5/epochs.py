"""An epoch that is watched: a model, a loss and an optimizer that write down what happens; the same in NumPy."""

from __future__ import annotations

import weakref

import numpy as np
from hypothesis import strategies as st
from layer_checks import run, tensor_of

import terox
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter
from terox.nn.lenet import train_epoch
from terox.optim import SGD

LR = 0.5


class Mark:
    """Something that can be referred to weakly."""


class Net(Module):
    """`x @ weight`, for x (N, 2), weight (2, 3). It remembers its calls."""

    def __init__(self, weight, log):
        super().__init__()
        self.weight = Parameter(tensor_of(np.array(weight, dtype=np.float64)))
        self.log, self.seen, self.modes, self.alive, self._marks = log, [], [], [], []

    def forward(self, x):
        self.log.append("model")
        self.seen.append(x.tolist())
        self.modes.append((self.training, terox.is_grad_enabled()))
        self.alive.append(sum(mark() is not None for mark in self._marks))
        out = x @ self.weight
        if out.grad_fn is not None:
            out.grad_fn.mark = Mark()  # lives as long as the node that has it
            self._marks.append(weakref.ref(out.grad_fn.mark))
        return out


class Watched(SGD):
    """SGD that writes down its calls."""

    def __init__(self, *args, log, **options):
        super().__init__(*args, **options)
        self.log = log

    def zero_grad(self, set_to_none=True):
        self.log.append("zero_grad")
        super().zero_grad(set_to_none)

    def step(self):
        self.log.append("step" if all(each.grad is not None for each in self.params) else "step without gradients")
        super().step()


def loss_of(output, target):
    """The mean of the squared distances from the rows of the unit matrix: any loss will do here."""
    right = terox.eye(output.shape[1], dtype=output.dtype)[target]
    return ((output - right) ** 2).sum(1).mean()


class Epoch:
    """Data for one call of train_epoch. `went()` calls it; `right()` is the same epoch in NumPy."""

    def __init__(self, sizes, numbers, labels, weight=((1.0, -1.0, 0.0), (0.5, 1.0, -0.5))):
        count = sum(sizes)
        self.sizes, self.weight = list(sizes), np.array(weight)
        self.x, self.labels = np.array(numbers, dtype=np.float64).reshape(count, 2), np.array(labels, dtype=np.int64)
        ends = np.cumsum([0, *sizes])
        self.parts = [slice(int(a), int(b)) for a, b in zip(ends, ends[1:])]

    def batches(self):
        for part in self.parts:
            yield tensor_of(self.x[part]), tensor_of(self.labels[part])

    def went(self, on_step=None, *, before=None, batches=None, optimizer=Watched):
        self.log = []
        self.model = Net(self.weight, self.log)
        self.optimizer = optimizer(self.model.parameters(), lr=LR, log=self.log)

        def loss_function(output, target):
            self.log.append("loss")
            return loss_of(output, target)

        if before is not None:
            before(self.model)
        told = () if on_step is None else (on_step,)
        return run(train_epoch, self.model, loss_function, self.optimizer,
                   self.batches() if batches is None else batches, *told, call=str(self), note=cause)

    def right(self, mistake=""):
        """Weight afterwards; of each batch: its loss and right ones before the step, and after it."""
        weight, old = self.weight, 0.0
        losses, hits, after = [], [], []
        for part in self.parts:
            x, labels = self.x[part], self.labels[part]
            loss, hit, gradient = _look(weight, x, labels)
            if mistake == "stale gradients":
                old = gradient = old + gradient
            if mistake != "no step":
                weight = weight - LR * gradient * (len(x) if mistake == "sum" else 1)
            losses.append(loss)
            hits.append(hit)
            after.append(_look(weight, x, labels)[:2])
        return weight, losses, hits, after

    def __str__(self):
        x, weight = (str(each.tolist()).replace(".0", "") for each in (self.x, self.weight))
        return (f"train_epoch(model, loss_function, SGD(..., lr={LR}), batches)\n"
                f"batches of {' and '.join(map(str, self.sizes))} examples, inputs {x}, "
                f"targets {self.labels.tolist()}\n"
                f"model x @ {weight}, loss: mean of the squared distances from the unit vector")

    __repr__ = __str__


def _look(weight, x, labels):
    out = x @ weight
    difference = out - np.eye(3)[labels]
    return ((difference ** 2).sum(1).mean(), int((out.argmax(1) == labels).sum()), 2 * x.T @ difference / len(x))


def cause(error):
    text = str(error)
    if "'NoneType' object is not callable" in text:
        return "on_step may be None: then nothing is called."
    if "must match the size" in text:
        return "argmax(1) gives one class for each example, as many as there are targets: classes are dimension 1."
    if "has no len" in text or "not subscriptable" in text:
        return "batches is something to go through with `for`, once; it has no length and no places."
    return None


# On this one, each mistake gives a number of its own.
PLAIN = Epoch([2, 2, 1], [[1, 0], [0, 1], [1, 1], [0, -1], [2, 1]], [0, 1, 2, 2, 0])


@st.composite
def epochs(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    count = sum(sizes)
    numbers = draw(st.lists(st.integers(-2, 2), min_size=2 * count, max_size=2 * count))
    labels = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    weight = np.array(draw(st.permutations([-1.25, -0.75, -0.5, 0.25, 0.625, 1.0]))).reshape(2, 3)
    return Epoch(sizes, numbers, labels, weight)
