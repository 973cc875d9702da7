"""Module 1: one training step of a scalar MLP beside micrograd's, and the engine's time per node."""

from __future__ import annotations

import random
import time
from typing import Any

from course.bench.timing import interleaved
from course.toy import moons
from terox import Scalar
from terox.autograd.mlp import ScalarMLP
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter
from terox.optim import SGD

SIZES = [2, 16, 16, 1]


class PlainNeuron(Module):
    """micrograd's neuron, operation by operation: a `*` and a `+` for each weight, no fused Linear."""

    def __init__(self, inputs: int, relu: bool, rng: random.Random) -> None:
        super().__init__()
        self.weights = [Parameter(Scalar(rng.uniform(-1, 1))) for _ in range(inputs)]
        self.bias = Parameter(Scalar(0.0))
        self.relu = relu

    def forward(self, xs: list[Any]) -> Scalar:
        out = sum((w * x for w, x in zip(self.weights, xs)), self.bias)
        return out.relu() if self.relu else out


class PlainMLP:
    """The MLP of plain neurons, as micrograd's `MLP` has it."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        rng = random.Random(seed)
        self.layers = [[PlainNeuron(n, number < len(sizes) - 2, rng) for _ in range(m)]
                       for number, (n, m) in enumerate(zip(sizes, sizes[1:]))]

    def __call__(self, xs: list[Any]) -> Any:
        for layer in self.layers:
            xs = [neuron.forward(xs) for neuron in layer]
        return xs[0]

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for neuron in layer for p in [*neuron.weights, neuron.bias]]


def training_step(rounds: int = 25) -> dict[str, float]:
    """Seconds of forward, backward and step on 20 points, max-margin loss: micrograd, and ours in two forms."""
    from micrograd.nn import MLP

    points, labels = moons(20, seed=1)
    data = [([float(x), float(y)], 2.0 * float(label) - 1.0) for (x, y), label in zip(points, labels)]
    theirs = MLP(2, [16, 16, 1])
    fused, plain = ScalarMLP(SIZES), PlainMLP(SIZES, seed=0)
    optimizers = {id(model): SGD(model.parameters(), lr=0.01) for model in (fused, plain)}

    def loss_of(model: Any) -> Any:
        losses = [(1 + -label * model(xs)).relu() for xs, label in data]
        return sum(losses) * (1.0 / len(losses))

    def step_micrograd() -> None:
        loss = loss_of(theirs)
        theirs.zero_grad()
        loss.backward()
        for p in theirs.parameters():
            p.data -= 0.01 * p.grad

    def step(model: Any) -> None:
        loss = loss_of(model)
        optimizer = optimizers[id(model)]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return interleaved({"micrograd": step_micrograd, "terox": lambda: step(fused),
                        "terox, every * and + a node": lambda: step(plain)}, rounds)


def time_per_node(length: int) -> tuple[float, float]:
    """Seconds per node, forward and backward, of a chain of `length` multiplications."""
    x = Scalar(1.0, requires_grad=True)
    begin = time.perf_counter()
    y = x
    for _ in range(length):
        y = y * 1.0000001
    middle = time.perf_counter()
    y.backward()
    return (middle - begin) / length, (time.perf_counter() - middle) / length


def main() -> dict[str, float]:
    """Run, print, and return the figures."""
    print("Module 1: one training step of a scalar MLP 2-16-16-1 on 20 points (median of 25, interleaved)")
    seconds = training_step()
    figures = {}
    for name, each in seconds.items():
        ratio = each / seconds["micrograd"]
        figures[f"step, {name}, times micrograd"] = ratio
        print(f"  {name:32} {each * 1e3:8.2f} ms   {ratio:5.2f} times micrograd")
    print("Module 1: a chain of multiplications, microseconds per node (the better of 3)")
    per_node = {}
    for length in (20_000, 1_000_000):
        runs = [time_per_node(length) for _ in range(3)]
        forward, backward = (min(each) for each in zip(*runs))
        per_node[length] = forward + backward
        print(f"  {length:9,} nodes   forward {forward * 1e6:5.2f}   backward {backward * 1e6:5.2f}")
    figures["time per node at 1e6, times that at 2e4"] = per_node[1_000_000] / per_node[20_000]
    print(f"  per node, 1,000,000 against 20,000: {figures['time per node at 1e6, times that at 2e4']:.2f} times")
    return figures
