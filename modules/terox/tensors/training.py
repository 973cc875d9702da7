"""A network of tensors learns: its layer, its loss, its loop. Task 2.7.

In PyTorch: `torch/nn/functional.py`, `linear`, `cross_entropy`; the loop is the one that each user writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terox._grad_mode import no_grad
from terox.foundations.module import Module
from terox.tensors.factories import cat, randperm
from terox.tensors.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`, the layer of every network; without `bias`, the product alone.

    Shapes: input (*, in), weight (out, in), bias (out), result (*, out), where * is any number of dimensions. A row
    of `weight` holds the weights of one output.

    In PyTorch: `torch.nn.functional.linear`.
    """
    # TODO 2.7: one line with bias, one without. Broadcasting adds the bias to every row.

    raise NotImplementedError("Task 2.7: linear")


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    """The mean of `-log(softmax(input)[target])` over the batch: how surprised the network is by the right answers.

    Shapes: input (N, C), the logits of C classes for N examples; target (N,), int64, the right classes, from 0 to
    C - 1; result (), a tensor without dimensions.

    Logits of 1000 and -1000 are no reason for inf or NaN: `-log(softmax(x)[t])` is `logsumexp(x) - x[t]`, and
    `x.log_softmax(1)` and `x.logsumexp(1)` are provided; they take the maximum away before they call exp.

    In PyTorch: `torch.nn.functional.cross_entropy`.
    """
    # TODO 2.7: the logarithm of softmax along the classes; gather picks one in each row; the mean.

    raise NotImplementedError("Task 2.7: cross_entropy")


def train_epoch(model: Module, optimizer: Any, images: Tensor, labels: Tensor, batch_size: int, order: Tensor,
                on_step: Callable[[int, float], None] | None = None) -> float:
    """One pass over the data, in batches; returns the mean loss of all examples in `order`, as a float.

    Shapes: images (N, ...), labels (N,) int64, order (M,) int64, M > 0: the numbers of the examples, in the order in
    which they are used. `order[0:batch_size]` says which examples make the first batch; the last batch may be smaller.
    For each batch: forget the old gradients, compute the `cross_entropy` of the model's output for its images and of
    its labels, in training mode, differentiate it, let the optimizer step. Then, if `on_step` is given, call
    `on_step(number of examples in the batch, loss of the batch)`.

    The loss of a batch is the one before its step, and counts as often as the batch has examples. Take it out of its
    tensor (`item()`): as a tensor, it would keep the graph of its batch alive until the end.
    """
    # TODO 2.7: a loop over the starts of batches; indexing with a tensor of numbers picks the examples.

    raise NotImplementedError("Task 2.7: train_epoch")


# ---- Provided ----


def predict(model: Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """The class of each image, (N,) int64: the one with the largest logit. In eval mode, without recording."""
    was_training = model.training
    model.eval()
    with no_grad():
        classes = [model(images[start : start + batch_size]).argmax(1) for start in range(0, len(images), batch_size)]
    model.train(was_training)
    return cat(classes)


def evaluate(model: Module, images: Tensor, labels: Tensor) -> float:
    """The accuracy: which part of the images is classified as `labels` say, from 0.0 to 1.0."""
    return (predict(model, images) == labels).sum().item() / len(labels)


def fit(model: Module, optimizer: Any, images: Tensor, labels: Tensor, *, epochs: int, batch_size: int,
        on_step: Callable[[int, float], None] | None = None) -> list[float]:
    """`epochs` passes over the data, each in a new random order; returns the mean loss of each."""
    return [train_epoch(model, optimizer, images, labels, batch_size, randperm(len(images), device=images.device),
                        on_step) for _ in range(epochs)]
