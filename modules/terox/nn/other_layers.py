"""Conv1d, and pooling as modules. Provided.

In PyTorch: `torch/nn/modules/conv.py`, `pooling.py`.
"""

from __future__ import annotations

from typing import Any

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter
from terox.nn import functional as F
from terox.nn.windows import pair
from terox.tensors.factories import empty
from terox.tensors.tensor import Tensor


def _single(value: Any, name: str, op: str, least: int) -> tuple[int]:
    """A number, or one in a tuple, as a tuple."""
    one = value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
    if isinstance(one, (tuple, list)):
        raise TypeError(f"{op}(): argument '{name}' must be one int, not {value!r}")
    return (pair(one, name, op, least)[0],)


class Conv1d(Module):
    """Conv2d's twin for sequences: weight (out_channels, in_channels / groups, K), bias (out_channels,) or None.

    Shapes: input (N, in_channels, L), result (N, out_channels, OL).

    In PyTorch: `torch.nn.Conv1d`.
    """

    weight: Any
    bias: Any

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, device: str | None = None,
                 dtype: Any = None) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv1d: in_channels {in_channels} and out_channels {out_channels} must be divisible by "
                             f"groups, {groups}")
        kind: dict[str, Any] = {"device": device, "dtype": dtype}
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = _single(kernel_size, "kernel_size", "Conv1d", 1)
        self.stride, self.padding = _single(stride, "stride", "Conv1d", 1), _single(padding, "padding", "Conv1d", 0)
        self.dilation = _single(dilation, "dilation", "Conv1d", 1)
        self.weight = Parameter(empty(out_channels, in_channels // groups, *self.kernel_size, **kind))
        self.register_parameter("bias", Parameter(empty(out_channels, **kind)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """First numbers, as those of Linear and Conv2d."""
        from terox.nn.layers import reset_parameters

        reset_parameters(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv1d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        more = "".join(f", {name}={getattr(self, name)}" for name, plain in
                       (("padding", (0,)), ("dilation", (1,)), ("groups", 1)) if getattr(self, name) != plain)
        return (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}{more}"
                + ("" if self.bias is not None else ", bias=False"))


class _MaxPool(Module):
    """Its settings. In PyTorch: `torch/nn/modules/pooling.py`, `_MaxPoolNd`."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                 return_indices: bool = False, ceil_mode: bool = False) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPool):
    """The largest of each window of (N, C, L)."""

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool2d(_MaxPool):
    """The largest of each window of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class AvgPool1d(Module):
    """The mean of each window of (N, C, L)."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size, "kernel_size", "AvgPool1d", 1)
        self.stride = self.kernel_size if stride is None else _single(stride, "stride", "AvgPool1d", 1)
        self.padding = _single(padding, "padding", "AvgPool1d", 0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window of (N, C, H, W)."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
                            self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AdaptiveAvgPool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Means of windows, so many and so large that `output_size` results come out."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The same in both directions; `output_size` is one number or two."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)
