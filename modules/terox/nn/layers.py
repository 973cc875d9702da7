"""Layers with parameters: `Linear` and `Conv2d`. Task 5.7.

In PyTorch: `torch/nn/modules/linear.py`, `Linear`; `torch/nn/modules/conv.py`, `Conv2d`, `_ConvNd.reset_parameters`.
"""

from __future__ import annotations

import math  # noqa: F401  For you to use.
from typing import Any

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter  # noqa: F401  For you to use.
from terox.nn import functional as F  # noqa: F401  For you to use.
from terox.nn import init  # noqa: F401  For you to use.
from terox.nn.windows import pair
from terox.tensors.factories import empty  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor


def reset_parameters(weight: Tensor, bias: Tensor | None) -> None:
    """Fill weight and bias with numbers drawn evenly from -bound to bound, bound = 1 / sqrt(fan_in), in place.

    fan_in is how many numbers one output is computed from: of a weight (O, ...), the number of elements of one of its O
    parts. `init.uniform_(tensor, a, b)` fills in place, without a graph. (For the weight, PyTorch writes
    `kaiming_uniform_(weight, a=sqrt(5))`, which is the same.)

    In PyTorch: `torch/nn/modules/linear.py`, `Linear.reset_parameters`; `torch/nn/init.py`,
    `_calculate_fan_in_and_fan_out`.
    """
    # TODO 5.7: fan_in from the shape of the weight; the bound; both tensors, unless there is no bias.

    raise NotImplementedError("Task 5.7: reset_parameters")


class Linear(Module):
    """`input @ weight.T + bias`: weight (out_features, in_features), bias (out_features,) or None.

    Shapes: input (*, in_features), result (*, out_features).

    In PyTorch: `torch.nn.Linear`.
    """

    weight: Any
    bias: Any

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: str | None = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self._make_parameters(bias, {"device": device, "dtype": dtype})

    def _make_parameters(self, bias: bool, kind: dict[str, Any]) -> None:
        """Register the parameters `weight` and `bias`, of the shapes above, and give them their first numbers.

        `empty(*sizes, **kind)` makes a tensor on the right device. Without a bias, `register_parameter("bias", None)`:
        the layer could have one, but does not.
        """
        # TODO 5.7: two Parameters, or one; then reset_parameters.

        raise NotImplementedError("Task 5.7: Linear._make_parameters")

    def forward(self, input: Tensor) -> Tensor:
        """The layer's output: `F.linear` with the layer's parameters."""
        # TODO 5.7: one line.

        raise NotImplementedError("Task 5.7: Linear.forward")

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Conv2d(Module):
    """Each of `out_channels` kernels over each image: weight (out_channels, in_channels / groups, KH, KW), bias
    (out_channels,) or None. kernel_size, stride, padding, dilation: one number, or two (vertical, horizontal).

    Shapes: input (N, in_channels, H, W), result (N, out_channels, OH, OW).

    In PyTorch: `torch.nn.Conv2d`.
    """

    weight: Any
    bias: Any

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, device: str | None = None,
                 dtype: Any = None) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: in_channels {in_channels} and out_channels {out_channels} must be divisible by "
                             f"groups, {groups}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(kernel_size, "kernel_size", "Conv2d", 1)
        self.stride, self.padding = pair(stride, "stride", "Conv2d", 1), pair(padding, "padding", "Conv2d", 0)
        self.dilation = pair(dilation, "dilation", "Conv2d", 1)
        self._make_parameters(bias, {"device": device, "dtype": dtype})

    def _make_parameters(self, bias: bool, kind: dict[str, Any]) -> None:
        """Register `weight` and `bias`, of the shapes above, and give them their first numbers, as Linear does."""
        # TODO 5.7: as in Linear; only the shape of the weight is another.

        raise NotImplementedError("Task 5.7: Conv2d._make_parameters")

    def forward(self, input: Tensor) -> Tensor:
        """The layer's output: `F.conv2d` with the layer's parameters and settings."""
        # TODO 5.7: one line.

        raise NotImplementedError("Task 5.7: Conv2d.forward")

    def extra_repr(self) -> str:
        more = "".join(f", {name}={getattr(self, name)}" for name, plain in
                       (("padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1)) if getattr(self, name) != plain)
        return (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}{more}"
                + ("" if self.bias is not None else ", bias=False"))
