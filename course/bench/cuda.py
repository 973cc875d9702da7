"""Module 4: the device "cuda" on a GPU, beside a plain copy of its memory, and beside PyTorch where that has CUDA.

A bandwidth is the bytes that an expression has to read and write, by its time; its share is that of the bandwidth with
which the driver copies memory on the same device. The fastest of all rounds counts, and every round waits for the GPU.

Where there is no GPU, nothing of this is measured: how fast a simulator is says nothing about one.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import terox
from course.bench.timing import step_of
from terox.optim import SGD
from terox.tensors import network_ops
from terox.tensors.mlp import MLP


@dataclass(frozen=True)
class Sizes:
    """How large the operands are."""

    elements: int = 2**26
    rows: int = 2**14
    matrix: int = 2048
    batch: int = 64
    network: tuple[int, ...] = (784, 128, 10)
    rounds: int = 20
    repeats: int = 5


TINY = Sizes(elements=16, rows=4, matrix=4, batch=4, network=(3, 4, 2), rounds=1, repeats=1)


@dataclass(frozen=True)
class Result:
    """least: the share that it should have at least; most: how many times PyTorch's time it may take."""

    name: str
    seconds: float
    share: float | None = None  # of the bandwidth of a copy
    times: float | None = None  # PyTorch's time
    least: float | None = None
    most: float | None = None
    rate: str = ""

    def missed(self) -> bool:
        return bool((self.share is not None and self.least is not None and self.share < self.least)
                    or (self.times is not None and self.most is not None and self.times > self.most))

    def told(self) -> str:
        """One line of the report."""
        words = [f"{self.seconds * 1e6:10.1f} microseconds"]
        if self.rate:
            words.append(self.rate)
        if self.share is not None:
            words.append(f"{self.share:.2f} of a copy's bandwidth" + (f" (aim {self.least:.2f})" if self.least else ""))
        if self.times is not None:
            words.append(f"{self.times:.2f} times PyTorch's" + (f" (limit {self.most:.2f})" if self.most else ""))
        return f"  {self.name:44} {', '.join(words)}{'; MISSED' if self.missed() else ''}"


def fastest(function: Callable[[], object], sizes: Sizes) -> float:
    """Seconds of one call."""
    from terox.cuda import runtime

    best = float("inf")
    for number in range(sizes.rounds + 2):
        runtime.synchronize()
        begin = time.perf_counter()
        for _ in range(sizes.repeats):
            function()
        runtime.synchronize()
        if number >= 2 or sizes.rounds == 1:  # before that, kernels are compiled and memory is asked for
            best = min(best, (time.perf_counter() - begin) / sizes.repeats)
    return best


def torch_with_cuda() -> Any:
    """PyTorch, if it can use this GPU; else None."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    return torch if torch.cuda.is_available() else None


def copy_bandwidth(sizes: Sizes) -> float:
    """Bytes a second, read and written, when the driver copies memory of the device."""
    from terox.cuda import runtime
    from terox.cuda.memory import DeviceMemory

    source, to = (DeviceMemory(sizes.elements, np.float32).at(0) for _ in range(2))
    copy = to.copy_to_device if runtime.ON_GPU else to.__setitem__
    arguments = (source,) if runtime.ON_GPU else (slice(None), source)
    return 8 * sizes.elements / fastest(lambda: copy(*arguments), sizes)


def bandwidths(sizes: Sizes, copied: float) -> Iterator[Result]:
    """What is limited by memory."""
    count, columns = sizes.elements, sizes.elements // sizes.rows
    x, y = (terox.rand(count, device="cuda") for _ in range(2))
    table = x.reshape(sizes.rows, columns)
    for name, function, numbers, least in (
            ("add", lambda: x + y, 3 * count, 0.8),
            ("relu", lambda: x.relu(), 2 * count, 0.8),
            ("exp", lambda: x.exp(), 2 * count, None),
            ("add, one operand transposed", lambda: table + y.reshape(columns, sizes.rows).T, 3 * count, None),
            ("sum of all", lambda: x.sum(), count, 0.7),
            ("sum of rows", lambda: table.sum(1), count, 0.7),
            ("sum of columns", lambda: table.sum(0), count, None),
            ("max of all", lambda: x.max(), count, 0.7),
            ("softmax of rows", lambda: table.softmax(1), 2 * count, None)):
        seconds = fastest(function, sizes)
        rate = 4 * numbers / seconds
        yield Result(f"{name}, {sizes.rows}x{columns}", seconds, rate / copied, least=least,
                     rate=f"{rate / 1e9:.0f} GB/s")


def products(sizes: Sizes) -> Iterator[Result]:
    """Two square matrices of float32."""
    n, torch = sizes.matrix, torch_with_cuda()
    a, b = (terox.rand(n, n, device="cuda") for _ in range(2))
    seconds, times = fastest(lambda: a @ b, sizes), None
    if torch is not None:
        torch.backends.cuda.matmul.allow_tf32 = False
        c, d = (torch.rand(n, n, device="cuda") for _ in range(2))
        times = seconds / fastest(lambda: c @ d, sizes)
    yield Result(f"matmul, {n}x{n}x{n}", seconds, times=times, most=10.0,
                 rate=f"{2 * n**3 / seconds / 1e9:.0f} GFLOP/s")


def training(sizes: Sizes) -> Iterator[Result]:
    """Forward, backward and SGD of an MLP."""
    rng = np.random.default_rng(0)
    images = rng.random((sizes.batch, sizes.network[0]), np.float32)
    labels, torch = rng.integers(0, sizes.network[-1], sizes.batch), torch_with_cuda()
    model = MLP(list(sizes.network), linear=network_ops.linear)
    model.to("cuda")
    ours = step_of(model, network_ops.cross_entropy, SGD(list(model.parameters()), lr=0.01),
                   terox.from_numpy(images).to("cuda"), terox.from_numpy(labels).to("cuda"))
    seconds, times = fastest(ours, sizes), None
    if torch is not None:
        inputs, hidden, outputs = sizes.network
        theirs = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), torch.nn.ReLU(),
                                     torch.nn.Linear(hidden, outputs)).to("cuda")
        times = seconds / fastest(
            step_of(theirs, torch.nn.functional.cross_entropy, torch.optim.SGD(theirs.parameters(), lr=0.01),
                    torch.from_numpy(images).to("cuda"), torch.from_numpy(labels).to("cuda")), sizes)
    name = "-".join(map(str, sizes.network))
    yield Result(f"training step of an MLP {name}, batch {sizes.batch}", seconds, times=times)


def measure(sizes: Sizes = Sizes()) -> list[Result]:  # noqa: B008 - it cannot be changed
    """All of it."""
    copied = copy_bandwidth(sizes)
    copy = Result(f"copy, {sizes.elements}", 8 * sizes.elements / copied, rate=f"{copied / 1e9:.0f} GB/s")
    return [copy, *bandwidths(sizes, copied), *products(sizes), *training(sizes)]


def figures_of(results: list[Result]) -> dict[str, float]:
    """Ratios for bench.json."""
    figures = {}
    for result in results:
        if result.share is not None:
            figures[f"cuda, {result.name}, share of a copy's bandwidth"] = result.share
        if result.times is not None:
            figures[f"cuda, {result.name}, times torch"] = result.times
    return figures


def main() -> dict[str, float]:
    """Run, print, and return the figures; without a GPU, one line that says so."""
    from terox import _numba

    if _numba.CUDA != "gpu":
        print('\nModule 4: no GPU here. How fast the device "cuda" is on one remains unproven by this run.')
        return {}
    from terox.cuda import runtime

    print(f'\nModule 4: the device "cuda" {runtime.described()} (fastest of {Sizes().rounds} rounds)')
    results = measure()
    for result in results:
        print(result.told())
    return figures_of(results)
