"""Module 5: a training step of LeNet and convolutions on the device "cpu" beside PyTorch, in time and in memory.

Measured as module 3 is: in each round both run, one after the other, and of all rounds the fastest counts. Memory is
the most that a step has at a time beyond what there was before it: parameters and images are not counted, gradients
are. NumPy tells tracemalloc, PyTorch its profiler.
"""

from __future__ import annotations

import functools
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import terox
from course.bench.parallel import THREADS, TORCH, Result, Row, told
from course.bench.timing import fastest, step_of
from terox.nn import LeNet
from terox.nn import functional as F
from terox.optim import SGD
from terox.parallel import threads

MOST_MEMORY = 2.0  # times PyTorch's

# Name, shape of the input, shape of the weight, padding.
SIZES = (
    ("first of LeNet, 64x1x28x28, 6 kernels of 5x5", (64, 1, 28, 28), (6, 1, 5, 5), 2),
    ("second of LeNet, 64x6x14x14, 16 kernels of 5x5", (64, 6, 14, 14), (16, 6, 5, 5), 0),
    ("wide, 16x32x32x32, 64 kernels of 3x3", (16, 32, 32, 32), (64, 32, 3, 3), 1),
)


def convolutions(rng: np.random.Generator) -> list[Row]:
    """conv2d alone: forward, and forward with both gradients."""
    import torch

    rows = []
    for name, of_input, of_weight, padding in SIZES:
        x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in (of_input, of_weight, of_weight[:1]))
        forward: dict[str, Callable[[], object]] = {}
        both: dict[str, Callable[[], object]] = {}
        for who, lib, conv in (("terox", terox, F.conv2d), ("torch", torch, torch.nn.functional.conv2d)):
            plain = [lib.from_numpy(each) for each in (x, w, b)]  # type: ignore[attr-defined]
            leaves = [lib.from_numpy(each).requires_grad_() for each in (x, w, b)]  # type: ignore[attr-defined]
            result = np.ones(tuple(_forward(conv, plain, padding).shape), np.float32)
            upstream = lib.from_numpy(result)  # type: ignore[attr-defined]
            forward[who] = functools.partial(_forward, conv, plain, padding)
            both[who] = functools.partial(_and_back, conv, leaves, padding, upstream)
        rows += [Row(f"conv2d, {name}, forward", forward, "torch", repeats=3),
                 Row(f"conv2d, {name}, forward and backward", both, "torch", repeats=3)]
    return rows


def _forward(conv: Any, tensors: list[Any], padding: int) -> Any:
    return conv(*tensors, padding=padding)


def _and_back(conv: Any, leaves: list[Any], padding: int, upstream: Any) -> None:
    _forward(conv, leaves, padding).backward(upstream)
    for leaf in leaves:
        leaf.grad = None


def steps(rng: np.random.Generator, batch: int = 64) -> dict[str, Callable[[], object]]:
    """One step of training LeNet for each library: forget the gradients, forward, backward, SGD."""
    import torch

    images = rng.random((batch, 1, 28, 28), np.float32)
    labels = rng.integers(0, 10, batch)
    ours, theirs = LeNet(device="cpu"), _lenet_of_torch()
    return {"terox": step_of(ours, F.cross_entropy, SGD(list(ours.parameters()), lr=0.01),
                           terox.from_numpy(images), terox.from_numpy(labels)),
            "torch": step_of(theirs, torch.nn.functional.cross_entropy, torch.optim.SGD(theirs.parameters(), lr=0.01),
                           torch.from_numpy(images), torch.from_numpy(labels))}


def _lenet_of_torch() -> Any:
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10))


def peaks(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Bytes that each function has at most at a time, beyond what there was before."""
    for function in functions.values():
        function()
    return {"terox": _peak_of_numpy(functions["terox"]), "torch": _peak_of_torch(functions["torch"])}


def _peak_of_numpy(function: Callable[[], object]) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _peak_of_torch(function: Callable[[], object]) -> float:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        function()
    now = most = 0
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]  # type: ignore
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return float(most)


def measure(rounds: int = 40) -> tuple[list[Result], dict[str, float]]:
    """All rows, and peaks of a step in bytes; the default device and numbers of threads are afterwards what they were.
    """
    import torch

    device, of_kernels, of_torch = terox.get_default_device(), threads.get_num_threads(), torch.get_num_threads()
    terox.set_default_device("cpu")
    threads.set_num_threads(THREADS)
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    try:
        step = Row("training step of LeNet, batch 64", steps(rng), "torch", 1.3, 0.5, repeats=3)
        results = [Result(row, fastest(row.functions, rounds, row.repeats)) for row in (step, *convolutions(rng))]
        return results, peaks(step.functions)
    finally:
        terox.set_default_device(device)
        threads.set_num_threads(of_kernels)
        torch.set_num_threads(of_torch)


def told_memory(found: dict[str, float]) -> str:
    """One line of the report."""
    ratio = found["terox"] / found["torch"]
    each = ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in found.items())
    return (f"  {'memory of a step of LeNet, at most at a time':50} {ratio:5.2f} times torch (limit {MOST_MEMORY:.2f}"
            f"{'' if ratio <= MOST_MEMORY else '; MISSED'})\n    {each}")


def main() -> dict[str, float]:
    """Run, print, and return the figures."""
    if not TORCH:
        print("\nModule 5: nothing measured, since PyTorch is not installed")
        return {}
    print(f'\nModule 5: nets on the device "cpu" ({THREADS} threads each, fastest of 40 rounds, interleaved)')
    results, found = measure()
    for result in results:
        print(told(result))
    print(told_memory(found))
    return {**{f"cpu, {result.row.name}, times torch": result.ratio() for result in results},
            "cpu, memory of a training step of LeNet, times torch": found["terox"] / found["torch"]}
