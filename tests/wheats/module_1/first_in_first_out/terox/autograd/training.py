"""A right solution built another way: a running sum, and a division."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from terox._grad_mode import no_grad
from terox.autograd.scalar import Scalar
from terox.foundations.module import Module


def train_step(model: Module, optimizer: Any, inputs: Sequence[Sequence[float]], targets: Sequence[float],
               loss_fn: Callable[[Any, float], Scalar] = binary_cross_entropy_with_logits) -> float:
    model.train(True)
    total: Any = 0.0
    for x, target in zip(inputs, targets):
        total = total + loss_fn(model(x), target)
    mean = total / len(inputs)
    value = float(mean)
    optimizer.zero_grad()
    mean.backward()
    optimizer.step()
    return value


def evaluate(model: Module, inputs: Sequence[Sequence[float]], targets: Sequence[float]) -> float:
    before = model.training
    hits = 0
    try:
        model.train(False)
        for x, target in zip(inputs, targets):
            with no_grad():
                says = 1 if model(x) > 0 else 0
            hits += says == target
    finally:
        model.train(before)
    return hits / len(inputs)
