"""A right solution built another way: the other side of the product; losses of single examples; steps in two passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terox.foundations.module import Module
from terox.tensors.factories import stack
from terox.tensors.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rows = input.reshape(-1, input.shape[-1]) if input.numel() else input
    output = (weight @ rows.mT).mT if rows.dim() > 1 else input @ weight.mT
    output = output.reshape(*input.shape[:-1], weight.shape[0]) if input.numel() else output
    return output if bias is None else bias + output


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    losses = [row.logsumexp(0) - row[right] for row, right in zip(input.unbind(0), target.tolist())]
    return stack(losses[::-1]).mean()


def train_epoch(model: Module, optimizer: Any, images: Tensor, labels: Tensor, batch_size: int, order: Tensor,
                on_step: Callable[[int, float], None] | None = None) -> float:
    results = []
    for start in range(0, order.numel(), batch_size):
        numbers = order[start : min(start + batch_size, order.numel())]
        optimizer.zero_grad()
        loss = cross_entropy(model.train()(images[numbers]), labels[numbers])
        loss.backward()
        optimizer.step()
        results.append((len(numbers), loss.item()))
        if on_step is not None:
            on_step(*results[-1])
    return sum(count * loss for count, loss in results) / sum(count for count, _ in results)
