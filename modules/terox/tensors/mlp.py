"""A multilayer perceptron of tensors: module 0's Module, with parameters that are matrices. Provided.

In PyTorch: `torch/nn/modules/linear.py`, `Linear`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter
from terox.tensors.factories import rand
from terox.tensors.tensor import Tensor
from terox.tensors.training import linear


class Layer(Module):
    """`linear(x, weight, bias)`, followed by relu or nothing.

    Weights and biases are drawn uniformly from -1 / sqrt(inputs) to 1 / sqrt(inputs), as PyTorch draws them.
    """

    def __init__(self, inputs: int, outputs: int, relu: bool, device: str | None = None,
                 linear: Callable[..., Tensor] = linear) -> None:
        super().__init__()
        self.linear = linear
        bound = 1.0 / math.sqrt(inputs)
        self.relu = relu
        self.weight = Parameter((rand(outputs, inputs, device=device) * 2 - 1) * bound)
        self.bias = Parameter((rand(outputs, device=device) * 2 - 1) * bound)

    def forward(self, x: Tensor) -> Tensor:
        out = self.linear(x, self.weight, self.bias)
        return out.relu() if self.relu else out

    def extra_repr(self) -> str:
        return f"inputs={self.weight.shape[1]}, outputs={self.weight.shape[0]}, relu={self.relu}"


class MLP(Module):
    """`MLP([49, 32, 10])`: 49 inputs, a hidden layer of 32 with relu, logits for 10 classes.

    linear: the function that its layers call; yours from training.py, unless another is given (network_ops.py has one
    that is a single op). `terox.manual_seed` decides about the weights.

    Raises ValueError unless there are two sizes or more, all positive.
    """

    def __init__(self, sizes: Sequence[int], device: str | None = None,
                 linear: Callable[..., Tensor] = linear) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP: at least two positive sizes were expected, not {list(sizes)}")
        last = len(sizes) - 2
        for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            self.register_module(f"layer{number}", Layer(inputs, outputs, number < last, device, linear))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.children():
            x = layer(x)
        return x
