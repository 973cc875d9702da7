"""A right solution built another way: the bias inside a branch, the loss from logsumexp, batches cut from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terox.foundations.module import Module
from terox.tensors.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    output = input.matmul(weight.t())
    if bias is not None:
        output = bias + output
    return output


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    of_right = input.gather(1, target.reshape(-1, 1)).squeeze(1)
    return (input.logsumexp(1) - of_right).mean()


def train_epoch(model: Module, optimizer: Any, images: Tensor, labels: Tensor, batch_size: int, order: Tensor,
                on_step: Callable[[int, float], None] | None = None) -> float:
    losses: list[float] = []
    for batch in order.split(batch_size):
        model.train()
        loss = cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        count = batch.numel()
        losses += [float(loss)] * count
        if on_step:
            on_step(count, float(loss))
    return sum(losses) / len(losses)
