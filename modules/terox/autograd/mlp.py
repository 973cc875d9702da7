"""A multilayer perceptron of Scalars: module 0's Module, with parameters that learn. Provided.

After micrograd's `nn.py` (Andrej Karpathy). In PyTorch: `torch/nn/modules/linear.py`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from terox.autograd.functions import Linear
from terox.autograd.scalar import Scalar
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter


class Neuron(Module):
    """`f(w_1 * x_1 + ... + w_n * x_n + b)`, with f = relu or nothing.

    Weights are drawn uniformly with the variance 2 / n for relu, 1 / n without (He et al. 2015).
    """

    def __init__(self, inputs: int, relu: bool, rng: random.Random) -> None:
        super().__init__()
        self.relu = relu
        bound = math.sqrt((6.0 if relu else 3.0) / inputs)
        for number in range(inputs):
            self.register_parameter(f"weight{number}", Parameter(Scalar(rng.uniform(-bound, bound))))
        self.bias = Parameter(Scalar(0.0))

    def forward(self, xs: Sequence[Any]) -> Scalar:
        *weights, bias = self._parameters.values()
        if len(xs) != len(weights):
            raise ValueError(f"Neuron: {len(weights)} inputs were expected, not {len(xs)}")
        out = Linear.apply(*weights, *xs, bias)
        return out.relu() if self.relu else out

    def extra_repr(self) -> str:
        return f"inputs={len(self._parameters) - 1}, relu={self.relu}"


class Layer(Module):
    """Neurons side by side: each sees all inputs."""

    def __init__(self, inputs: int, outputs: int, relu: bool, rng: random.Random) -> None:
        super().__init__()
        for number in range(outputs):
            self.register_module(str(number), Neuron(inputs, relu, rng))

    def forward(self, xs: Sequence[Any]) -> list[Scalar]:
        return [neuron(xs) for neuron in self.children()]


class ScalarMLP(Module):
    """`ScalarMLP([2, 16, 16, 1])`: two inputs, two hidden layers of 16 with relu, one output (a logit).

    The same `seed` gives the same weights. Raises ValueError unless there are two sizes or more, all positive.
    """

    def __init__(self, sizes: Sequence[int], seed: int = 0) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"ScalarMLP: at least two positive sizes were expected, not {list(sizes)}")
        rng = random.Random(seed)
        last = len(sizes) - 2
        for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            self.register_module(f"layer{number}", Layer(inputs, outputs, number < last, rng))

    def forward(self, xs: Sequence[Any]) -> Any:
        for layer in self.children():
            xs = layer(xs)
        return xs[0] if len(xs) == 1 else xs
