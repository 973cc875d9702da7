"""A right solution built another way: the layer as a sum of products, the loss of each example by indexing, a while loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terox.foundations.module import Module
from terox.tensors.factories import arange
from terox.tensors.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    products = input.unsqueeze(-2) * weight  # (*, out, in)
    return products.sum(-1) if bias is None else products.sum(-1) + bias


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    count = input.shape[0]
    surprises = -input.log_softmax(-1)[arange(count, device=input.device), target]
    return surprises.sum() / count


def train_epoch(model: Module, optimizer: Any, images: Tensor, labels: Tensor, batch_size: int, order: Tensor,
                on_step: Callable[[int, float], None] | None = None) -> float:
    model.train(True)
    numbers = order.tolist()
    seen, mean = 0, 0.0
    while numbers:
        batch, numbers = numbers[:batch_size], numbers[batch_size:]
        output = model(images[batch])
        loss = cross_entropy(output, labels[batch])
        value = loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += len(batch)
        mean += (value - mean) * len(batch) / seen
        if on_step is not None:
            on_step(len(batch), value)
    return mean
