"""Module 2: what an op costs besides its kernel, and a training step of the plain loops, both beside PyTorch.

The kernels are taken out (they do nothing) for the first measurement: what is left is dispatch, promotion,
broadcasting, the allocation of the result, the graph, and the engine. PyTorch's own kernel for one number costs next to
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import terox
from course.bench.timing import interleaved
from terox.tensors.dispatcher import KERNELS
from terox.tensors.mlp import MLP
from terox.tensors.training import cross_entropy

CHAIN = 200


@contextmanager
def without_kernels() -> Iterator[None]:
    """The device "python" with kernels that do nothing."""
    own = {key: kernel for key, kernel in KERNELS.items() if key[1] == "python"}
    KERNELS.update(dict.fromkeys(own, lambda *args: None))
    try:
        yield
    finally:
        KERNELS.update(own)


def _chain(step: Callable[[Any, Any], Any], x: Any, w: Any, backward: bool) -> Callable[[], None]:
    def run() -> None:
        y = x
        for _ in range(CHAIN):
            y = step(y, w)
        if backward:
            y.sum().backward()

    return run


def overhead(rounds: int = 15) -> dict[str, tuple[float, float]]:
    """Microseconds of one op in a chain, ours (without kernels) and PyTorch's."""
    import torch

    terox.set_default_device("python")
    found = {}
    ops = {"x * w": lambda x, w: x * w, "x + b, broadcast": lambda x, w: x + w,
           "x.T": lambda x, w: x.T, "x.relu()": lambda x, w: x.relu()}
    with without_kernels():
        for backward in (False, True):
            for name, step in ops.items():
                pair: dict[str, Callable[[], object]] = {}
                for lib, called in ((terox, "terox"), (torch, "torch")):
                    x = lib.ones((1, 1), requires_grad=backward)
                    w = lib.ones((1,) if "broadcast" in name else (1, 1), requires_grad=backward)
                    pair[called] = _chain(step, x, w, backward)
                seconds = interleaved(pair, rounds)
                label = f"{name}, forward" + (" and backward" if backward else "")
                found[label] = (seconds["terox"] / CHAIN * 1e6, seconds["torch"] / CHAIN * 1e6)
    return found


def training_step(rounds: int = 5) -> dict[str, float]:
    """Seconds of forward and backward of an MLP 49-32-10 on 20 images: ours, and PyTorch's."""
    import torch

    rng = np.random.default_rng(0)
    images, labels = rng.random((20, 49), dtype=np.float32), rng.integers(0, 10, 20)
    model = MLP([49, 32, 10], device="python")
    theirs = torch.nn.Sequential(torch.nn.Linear(49, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    x, t = terox.from_numpy(images), terox.from_numpy(labels)
    tx, tt = torch.from_numpy(images), torch.from_numpy(labels)
    return interleaved({"terox, plain loops": lambda: cross_entropy(model(x), t).backward(),
                        "torch": lambda: torch.nn.functional.cross_entropy(theirs(tx), tt).backward()}, rounds)


def main() -> dict[str, float]:
    """Run, print, and return the figures."""
    figures = {}
    print("\nModule 2: one op without its kernel, microseconds (chains of 200, median of 15, interleaved)")
    for name, (ours, theirs) in overhead().items():
        figures[f"overhead, {name}, times torch"] = ours / theirs
        print(f"  {name:36} {ours:7.2f}   torch {theirs:6.2f}   {ours / theirs:5.2f} times torch")
    print("Module 2: forward and backward of an MLP 49-32-10 on 20 images (median of 5)")
    seconds = training_step()
    for name, each in seconds.items():
        print(f"  {name:24} {each * 1e3:8.2f} ms")
    figures["MLP step on plain loops, times torch"] = seconds["terox, plain loops"] / seconds["torch"]
    return figures
