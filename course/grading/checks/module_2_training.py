"""Sealed checks of task 2.7: a layer, the loss, an epoch of training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.sealed import Call, sealed


def _whole(rng: np.random.Generator, *sizes: int) -> np.ndarray:
    return rng.integers(-4, 5, sizes).astype(np.float64)


@sealed("2.7")
def layers(rng: np.random.Generator) -> Iterator[Call]:
    fronts: list[list[int]] = [[2], [3], [], [2, 3], [0], [2, 1, 2], [1], [4], [2, 2]]
    for number, front in enumerate(fronts):
        inputs, outputs = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        if number == 0:
            inputs = outputs = 3  # square: a weight that is not transposed fits as well
        if number in (1, 6):
            outputs = 1
        bias = None if number % 3 == 2 else _whole(rng, outputs)
        if number == 1:
            bias = np.zeros(1)
        yield Call("layer", {"input": _whole(rng, *front, inputs), "weight": _whole(rng, outputs, inputs), "bias": bias,
                             "grad": _whole(rng, *front, outputs), "turned": number % 2 == 1},
                   f"linear from {inputs} to {outputs} for {front}")
    for count in (2, 3):  # as many rows as outputs: a bias could go along either
        yield Call("layer", {"input": _whole(rng, count, 2), "weight": _whole(rng, count, 2),
                             "bias": np.arange(1.0, count + 1), "grad": _whole(rng, count, count), "turned": False},
                   f"linear from 2 to {count} for [{count}]")


@sealed("2.7")
def losses(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(12):
        count, classes = int(rng.integers(1, 6)), int(rng.integers(2, 6))
        if number < 2:
            count = classes = 3
        logits = rng.normal(0.0, 2.0, (count, classes))
        rtol = 1e-9
        if number % 3 == 1:
            logits += 1000.0 * rng.integers(-1, 2, (count, classes))
            rtol = 1e-7
        if number % 4 == 3:
            logits, rtol = logits.astype(np.float32), 3e-4
        upstream = float(rng.uniform(1.5, 4.0))
        # A logarithm of the sum as large as the logits is rounded to their last digit, before the exponential.
        last = 8.0 * float(np.finfo(logits.dtype).eps * np.abs(logits).max()) * upstream
        yield Call("loss", {"logits": logits, "targets": rng.integers(0, classes, count), "upstream": upstream,
                            "turned": number % 2 == 0},
                   f"cross_entropy of {count} examples and {classes} classes", rtol=rtol, atol=max(1e-9, last))
    logits = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    yield Call("loss", {"logits": logits, "targets": rng.integers(0, 2, 2), "upstream": 1.0, "turned": False},
               "cross_entropy of logits far apart")
    for one in (60.0, 90.0, 200.0):
        yield Call("loss", {"logits": np.array([[one, 0.0, -one]]), "targets": np.array([int(rng.integers(1, 3))]),
                            "upstream": 2.0, "turned": False}, "cross_entropy of logits far apart")


def _epoch(rng: np.random.Generator, count: int, batch_size: int, order: list[int], says: str, **options: Any) -> Call:
    """Images of two numbers, or of more dimensions where `count` is even, and two classes."""
    given = {"lr": 0.25, "momentum": 0.0, "stale": None, "told": True, "still": False} | options
    images = rng.permutation(np.arange(-count, count)).astype(np.float64).reshape(count, 2) / 2.0
    classes = int(rng.integers(2, 4))
    return Call("epoch", {"images": images.reshape(count, 1, 2) if count % 2 == 0 else images,
                          "labels": rng.integers(0, classes, count), "order": np.array(order, dtype=np.int64),
                          "batch_size": batch_size, "weight": rng.normal(0.0, 1.0, (2, classes)),
                          "bias": rng.normal(0.0, 1.0, classes), "options": given}, says)


@sealed("2.7")
def epochs(rng: np.random.Generator) -> Iterator[Call]:
    for count, batch_size in ((5, 2), (6, 4), (4, 2), (3, 5), (7, 3), (5, 1)):
        order = [int(each) for each in rng.permutation(count)]
        yield _epoch(rng, count, batch_size, order, f"an epoch of {count} examples in batches of {batch_size}")
    part = [int(each) for each in rng.integers(0, 8, 5)]
    yield _epoch(rng, 8, 2, part, "an epoch of some of the examples", told=False)
    yield _epoch(rng, 9, 3, part[:4], "an epoch of some of the examples, which leaves a small batch")
    for told in (True, False):
        order = [int(each) for each in rng.permutation(5)]
        yield _epoch(rng, 5, 2, order, "an epoch after which old gradients count for nothing", told=told,
                     stale=float(rng.uniform(20.0, 90.0)), momentum=0.5)
    yield _epoch(rng, 5, 2, [1, 3, 0, 4, 2], "an epoch whose optimizer does nothing", still=True)


@sealed("2.7")
def learning(rng: np.random.Generator) -> Iterator[Call]:
    yield Call("learned", {"sizes": [6, 5, 3], "seed": int(rng.integers(0, 10_000)),
                           "images": rng.normal(0.0, 1.0, (10, 2, 3)).astype(np.float32),
                           "labels": rng.integers(0, 3, 10), "order": rng.permutation(10), "lr": 0.1, "epochs": 3},
               "three epochs of training a network", rtol=2e-3, atol=1e-4)
