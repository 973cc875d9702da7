"""The training loop: what every program that learns repeats.

In PyTorch: the loop that each user writes, e.g. `examples/mnist/main.py` of `pytorch/examples`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from terox._grad_mode import no_grad
from terox.autograd.scalar import Scalar
from terox.foundations.module import Module


def binary_cross_entropy_with_logits(logit: Scalar, target: float) -> Scalar:
    """`-target * log(p) - (1 - target) * log(1 - p)` for `p = sigmoid(logit)`, without ever computing p. Provided.

    In this form no exponential overflows and no logarithm sees a zero, however sure the network is.

    In PyTorch: `torch.nn.functional.binary_cross_entropy_with_logits`.
    """
    positive = logit.relu()
    # logit - 2 * positive is -|logit|. Written so, the derivative is right at 0 too, where relu and abs have a corner.
    return positive - logit * target + ((logit - positive * 2.0).exp() + 1.0).log()


def train_step(model: Module, optimizer: Any, inputs: Sequence[Sequence[float]], targets: Sequence[float],
               loss_fn: Callable[[Any, float], Scalar] = binary_cross_entropy_with_logits) -> float:
    """One step of gradient descent on a batch; returns the batch's loss before the step, as a float.

    The loss of the batch is the mean of `loss_fn(model(x), target)` over its pairs. The gradients of earlier steps
    are forgotten (`optimizer.zero_grad()`), the loss is computed in training mode (`model.train()`), its gradients
    are computed, and the optimizer takes its step.
    """
    # TODO 1.6: forget, forward, mean, backward, step. Return a number: a Scalar would keep its whole graph alive.

    raise NotImplementedError("Task 1.6: train_step")


def evaluate(model: Module, inputs: Sequence[Sequence[float]], targets: Sequence[float]) -> float:
    """The accuracy: which part of the inputs the model classifies as `targets` (0 or 1) say, from 0.0 to 1.0.

    The model gives a logit: above 0 it says class 1, else class 0. It runs in eval mode and without recording
    anything; afterwards it is in the mode in which it was before.
    """
    # TODO 1.6: remember model.training, switch to eval, count under no_grad, switch back.

    raise NotImplementedError("Task 1.6: evaluate")


def fit(model: Module, optimizer: Any, inputs: Sequence[Sequence[float]], targets: Sequence[float], *, epochs: int,
        batch_size: int, seed: int = 0, on_step: Callable[[int, float], None] | None = None) -> list[float]:
    """`epochs` passes over the data in shuffled batches; returns the mean loss of each epoch. Provided.

    on_step: called after each step with the number of examples seen in it and its loss.
    """
    rng = random.Random(seed)
    order = list(range(len(inputs)))
    history = []
    for _ in range(epochs):
        rng.shuffle(order)
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            loss = train_step(model, optimizer, [inputs[i] for i in batch], [targets[i] for i in batch])
            total += loss * len(batch)
            if on_step is not None:
                on_step(len(batch), loss)
        history.append(total / len(order))
    return history
