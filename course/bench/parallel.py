"""Module 3: the device "cpu" beside NumPy, and beside PyTorch where it is installed.

A row is one expression. In each round every library runs it, one after the other, and of all rounds the fastest counts:
what other processes do to a round can only make it slower. Everybody has two threads (NumPy uses them for products of
matrices only). "Own" is the learner's kernel, where the default path hands over to NumPy or BLAS.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import terox
from course.bench.timing import fastest, step_of
from terox.optim import SGD
from terox.parallel import handover, threads
from terox.tensors import network_ops
from terox.tensors.mlp import MLP
from terox.tensors.training import cross_entropy

THREADS = 2  # of each; __main__.py says it to BLAS
TORCH = importlib.util.find_spec("torch") is not None


@dataclass
class Row:
    """What is measured. limit: how many times as long as `beside` it may take; aim: what would be better still."""

    name: str
    functions: dict[str, Callable[[], object]]
    beside: str = "numpy"
    limit: float | None = None
    aim: float | None = None
    own: float | None = None  # the limit of the learner's own kernel
    repeats: int = 1


@dataclass
class Result:
    """Seconds of one call, by library."""

    row: Row
    seconds: dict[str, float]

    def ratio(self, name: str = "terox") -> float:
        return self.seconds[name] / self.seconds[self.row.beside]


def own(function: Callable[[], object]) -> Callable[[], object]:
    """The same, with the learner's kernels."""

    def run() -> None:
        with handover.disabled():
            function()

    return run


def _row(name: str, expression: Callable[[Any, Any], object], with_numpy: Callable[[], object] | None, *arrays: Any,
         hands_over: bool = False, **more: Any) -> Row:
    """One expression of (library, arrays as its tensors); what NumPy does, where that is written differently."""
    ours = [terox.from_numpy(array) for array in arrays]
    functions: dict[str, Callable[[], object]] = {"terox": lambda: expression(terox, ours)}
    if hands_over:
        functions["own"] = own(functions["terox"])
    functions["numpy"] = with_numpy or (lambda: expression(np, arrays))
    if TORCH:
        import torch

        theirs = [torch.from_numpy(array) for array in arrays]
        functions["torch"] = lambda: expression(torch, theirs)
    return Row(name, functions, **more)


def elementwise(rng: np.random.Generator) -> list[Row]:
    """1e6 contiguous float32 numbers."""
    a, b = rng.random(10**6, np.float32) + np.float32(0.5), rng.random(10**6, np.float32) - np.float32(0.5)
    once = functools.partial(_row, limit=1.2, own=6.0, hands_over=True)
    return [
        _row("add, 1e6", lambda lib, x: x[0] + x[1], None, a, b, limit=1.0),
        _row("mul, 1e6", lambda lib, x: x[0] * x[1], None, a, b, limit=1.0),
        _row("relu, 1e6", lambda lib, x: x[0].relu(), lambda: np.maximum(b, 0), b, limit=1.0),
        _row("x * 2, 1e6", lambda lib, x: x[0] * 2, None, a),
        once("exp, 1e6", lambda lib, x: x[0].exp(), lambda: np.exp(b), b),
        once("log, 1e6", lambda lib, x: x[0].log(), lambda: np.log(a), a),
        once("sigmoid, 1e6", lambda lib, x: x[0].sigmoid(), lambda: 1 / (1 + np.exp(-b)), b),
    ]


def layouts_and_reductions(rng: np.random.Generator) -> list[Row]:
    """1000 x 1000 float32."""
    x = rng.random((1000, 1000), np.float32)
    return [
        _row("x.T + x, 1000x1000", lambda lib, x: x[0].T + x[0], None, x),
        _row("every other column, 1000x1000", lambda lib, x: x[0][:, ::2] + x[0][:, 1::2], None, x),
        _row("a column added, 1000x1000", lambda lib, x: x[0] + x[0][:, :1], None, x),
        _row("sum of columns, 1000x1000", lambda lib, x: x[0].sum(0), None, x),
        _row("sum of rows, 1000x1000", lambda lib, x: x[0].sum(1), None, x),
        _row("sum of all, 1000x1000", lambda lib, x: x[0].sum(), None, x),
        _row("mean of all, 1000x1000", lambda lib, x: x[0].mean(), None, x),
        _row("max of all, 1000x1000", lambda lib, x: x[0].max(), None, x),
        _row("max of rows, 1000x1000", lambda lib, x: x[0].max(1)[0] if lib is not np else x[0].max(1), None, x),
    ]


def fused_and_products(rng: np.random.Generator) -> list[Row]:
    """Softmax of 512 x 1000, and the product of two matrices of 512 x 512, float32."""
    x, a, b = (rng.random(shape, np.float32) for shape in ((512, 1000), (512, 512), (512, 512)))

    def softmax() -> Any:
        powers = np.exp(x - x.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    return [_row("softmax, 512x1000", lambda lib, x: x[0].softmax(1), softmax, x, limit=1.0, aim=0.5),
            _row("matmul, 512x512x512", lambda lib, x: x[0] @ x[1], None, a, b, limit=1 / 0.9, own=3.0,
                 hands_over=True)]


def small(rng: np.random.Generator) -> list[Row]:
    """What an op costs besides its arithmetic."""
    x = rng.random(10, np.float32)
    rows = [_row("add, 10 numbers", lambda lib, x: x[0] + x[0], None, x, repeats=200),
            _row("sum, 10 numbers", lambda lib, x: x[0].sum(), None, x, repeats=200)]
    if not TORCH:
        return rows
    import torch

    forward: dict[str, Callable[[], object]] = {}
    both: dict[str, Callable[[], object]] = {}
    for name, lib in (("terox", terox), ("torch", torch)):
        a, b = (lib.tensor([1.0], requires_grad=True) for _ in range(2))  # type: ignore[attr-defined]
        forward[name], both[name] = functools.partial(_add, a, b), functools.partial(_add_and_back, a, b)
    return [*rows, Row("add, 1 number with gradient, forward", forward, "torch", 1.5, repeats=100),
            Row("add, 1 number with gradient, forward and backward", both, "torch", 1.0, repeats=50)]


def _add(a: Any, b: Any) -> Any:
    return a + b


def _add_and_back(a: Any, b: Any) -> None:
    (a + b).backward()
    a.grad = b.grad = None


def training_steps(rng: np.random.Generator) -> list[Row]:
    """Forward, backward and SGD of the MLP 784-128-10. "Composed": with the learner's linear and cross_entropy."""
    return [_training_step(rng, batch) for batch in (16, 64)] if TORCH else []


def _training_step(rng: np.random.Generator, batch: int) -> Row:
    import torch

    images, labels = rng.random((batch, 784), np.float32), rng.integers(0, 10, batch)
    sizes = [784, 128, 10]
    theirs = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    x, t = terox.from_numpy(images), terox.from_numpy(labels)
    fused, composed = MLP(sizes, linear=network_ops.linear), MLP(sizes)
    functions = {
        "terox": step_of(fused, network_ops.cross_entropy, SGD(list(fused.parameters()), lr=0.01), x, t),
        "composed": step_of(composed, cross_entropy, SGD(list(composed.parameters()), lr=0.01), x, t),
        "torch": step_of(theirs, torch.nn.functional.cross_entropy, torch.optim.SGD(theirs.parameters(), lr=0.01),
                       torch.from_numpy(images), torch.from_numpy(labels)),
    }
    return Row(f"training step of an MLP 784-128-10, batch {batch}", functions, "torch", 1.2, 0.8, repeats=3)


def measure(rounds: int = 40) -> list[Result]:
    """All rows, on "cpu"; the default device and the numbers of threads are afterwards what they were."""
    device, of_kernels = terox.get_default_device(), threads.get_num_threads()
    terox.set_default_device("cpu")
    threads.set_num_threads(THREADS)
    if TORCH:
        import torch

        of_torch = torch.get_num_threads()
        torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    results = []
    try:
        for part in (elementwise, layouts_and_reductions, fused_and_products, small, training_steps):
            results += [Result(row, fastest(row.functions, rounds, row.repeats)) for row in part(rng)]
    finally:
        terox.set_default_device(device)
        threads.set_num_threads(of_kernels)
        if TORCH:
            torch.set_num_threads(of_torch)
    return results


def told(result: Result) -> str:
    """One line of the report."""
    times = "  ".join(f"{name} {seconds * 1e6:8.1f}" for name, seconds in result.seconds.items())
    row = result.row
    words = f"{result.ratio():5.2f} times {row.beside}"
    if row.limit is not None:
        aim = "" if row.aim is None else f", aim {row.aim:.2f}"
        words += f" (limit {row.limit:.2f}{aim}{'' if result.ratio() <= row.limit else '; MISSED'})"
    if row.own is not None:
        words += f"; own {result.ratio('own'):.2f} (limit {row.own:.2f}" \
                 f"{'' if result.ratio('own') <= row.own else '; MISSED'})"
    return f"  {row.name:50} {words}\n    microseconds: {times}"


def figures_of(results: list[Result]) -> dict[str, float]:
    """Ratios for bench.json."""
    figures = {}
    for result in results:
        for name in ("terox", "own", "composed"):
            if name in result.seconds:
                who = "" if name == "terox" else f", {name}"
                figures[f"cpu, {result.row.name}{who}, times {result.row.beside}"] = result.ratio(name)
    return figures


def main(folder: Path | None = None) -> dict[str, float]:
    """Run, print, draw into `folder`, and return the figures."""
    print(f'\nModule 3: the device "cpu" ({THREADS} threads each, fastest of 40 rounds, interleaved)')
    results = measure()
    for result in results:
        print(told(result))
    if folder is not None:
        from course.bench.picture import ratios

        bars = [(each.row.name, each.ratio(), each.row.limit, each.row.beside) for each in results]
        ratios(bars, 'The device "cpu" beside NumPy and PyTorch').save(folder / "parallel.png")
        print("  Plot: build/bench/parallel.png")
    return figures_of(results)
