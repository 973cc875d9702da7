"""What the tests of task 2.7 share: how a tensor is held against an array, and a network with its training in NumPy."""

from __future__ import annotations

import weakref

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from looks import asked

import terox
from course import check_tensors
from course.check_tensors import gradient_of, log_softmax, softmax
from course.runner.events import todo_task
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter
from terox.optim import SGD
from terox.tensors import training
from terox.tensors.tensor import Tensor

__all__ = ["gradient_of", "log_softmax", "softmax"]  # for the tests, from course/check_tensors.py
WHOLE = st.integers(-4, 4).map(float)


def matrices(*shape, elements=WHOLE):
    """float64 arrays of small whole numbers: sums of their products are exact."""
    return arrays(np.float64, shape, elements=elements)


def run(function, *args, **options):
    """`function(*args)`. An error inside is reported at the learner's line in training.py, and not further in, with
    the call and its shapes.
    """
    shapes = ", ".join([*map(_brief, args), *(f"{name}={_brief(value)}" for name, value in options.items())])
    with asked(f"{getattr(function, '__name__', 'model')}({shapes})", note=_cause):
        try:
            return function(*args, **options)
        except Exception as error:
            last, place = None, error.__traceback__
            while todo_task(error) is None and place is not None:
                last = place if place.tb_frame.f_code.co_filename == training.__file__ else last
                place = place.tb_next
            if last is not None:
                last.tb_next = None
            raise


def _brief(value):
    """An argument as the call of an error names it."""
    if isinstance(value, Tensor):
        return f"tensor of shape {list(value.shape)}"
    if isinstance(value, Module):
        return "model"
    if isinstance(value, SGD):
        return "optimizer"
    return "on_step" if callable(value) else repr(value)


def _cause(error):
    """Words for an error that a learner's code often makes."""
    message, place = str(error), error.__traceback__
    while place.tb_next is not None:
        place = place.tb_next
    function = place.tb_frame.f_code.co_name
    if function == "linear" and "Boolean value of Tensor" in message:
        return ("`if` asks a tensor whether its one number is other than zero. To ask whether there is a bias, write "
                "`bias is not None`.")
    if function == "linear" and "NoneType" in message:
        return "bias may be None: then the product alone is the result."
    if function == "train_epoch" and "'NoneType' object is not callable" in message:
        return "on_step may be None: then nothing is called."
    if message.startswith("gather()") and "number of dimensions" in message:
        return ("The index for gather has as many dimensions as the input. Give the target a second dimension, for "
                "example with unsqueeze(1).")
    return None


def tensor_close(got, expected, *, call, mistakes=None, note=None, rtol=1e-12, atol=1e-12):
    """`got` is a Tensor with the shape and the numbers of the array `expected`."""
    check_tensors.tensor_close(got, expected, call=call, mistakes=mistakes, note=note, rtol=rtol, atol=atol)


# ---- A network, and its training in NumPy ----


class Net(Module):
    """`x @ weight + bias`, for x (batch, inputs), weight (inputs, classes), bias (classes). It remembers its calls.

    seen: for each call, the examples that it got. modes: (training, whether it was recorded). alive: how many graphs of
    earlier calls were still there.
    """

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = Parameter(_float64(weight)), Parameter(_float64(bias))
        self.seen, self.modes, self.alive, self._marks = [], [], [], []

    def forward(self, x):
        self.seen.append(x.tolist())
        self.modes.append((self.training, terox.is_grad_enabled()))
        self.alive.append(sum(mark() is not None for mark in self._marks))
        out = x.flatten(1) @ self.weight + self.bias
        if out.grad_fn is not None:
            out.grad_fn.mark = Mark()  # lives as long as the node that has it
            self._marks.append(weakref.ref(out.grad_fn.mark))
        return out

    def numbers(self):
        return [each.tolist() for each in (self.weight, self.bias)]


def _float64(numbers):
    return terox.tensor(numbers, dtype=terox.float64)


class Mark:
    """Something that can be referred to weakly."""


class Watched(SGD):
    """SGD that writes down its steps, and whether there were gradients."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.steps = []

    def step(self):
        self.steps.append(all(parameter.grad is not None for parameter in self.params))
        super().step()


def loss_and_gradients(weight, bias, images, labels):
    """The mean cross-entropy of a batch, and its derivatives with respect to weight and bias."""
    x, rows = images.reshape(len(images), -1), np.arange(len(labels))
    logits = x @ weight + bias
    error = softmax(logits)
    error[rows, labels] -= 1.0
    error /= len(labels)
    return -log_softmax(logits)[rows, labels].mean(), x.T @ error, error.sum(axis=0)


class Epoch:
    """One epoch of plain SGD in NumPy: parameters afterwards, and of each batch its size, its loss before the step and
    its loss after it. `mistake` names one that is made on purpose.
    """

    def __init__(self, weight, bias, images, labels, order, batch_size, lr, mistake=""):
        self.batch_size, old = batch_size, (0.0, 0.0)
        self.counts, self.losses, self.after = [], [], []
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            if mistake == "last batch dropped" and len(batch) < batch_size:
                break
            picked = slice(start, start + batch_size) if mistake == "labels in their old order" else batch
            loss, *gradients = loss_and_gradients(weight, bias, images[batch], labels[picked])
            if mistake == "stale gradients":
                old = gradients = [a + b for a, b in zip(old, gradients)]
            elif mistake == "sum":
                gradients = [gradient * len(batch) for gradient in gradients]
            elif mistake == "uphill":
                gradients = [-gradient for gradient in gradients]
            weight, bias = weight - lr * gradients[0], bias - lr * gradients[1]
            self.counts.append(len(batch))
            self.losses.append(float(loss))
            self.after.append(float(loss_and_gradients(weight, bias, images[batch], labels[picked])[0]))
            if mistake == "one batch":
                break
        self.weight, self.bias = weight, bias

    def parameters(self):
        return [self.weight.tolist(), self.bias.tolist()]

    def mean(self, losses=None):
        losses = self.losses if losses is None else losses
        return sum(count * loss for count, loss in zip(self.counts, losses)) / max(sum(self.counts), 1)
