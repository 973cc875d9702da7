"""Pooling, with all that PyTorch's functions have: checks and defaults. Provided.

In PyTorch: `torch/nn/functional.py`; `aten/src/ATen/native/Pool.h`, `pool2d_shape_check`.
"""

from __future__ import annotations

from typing import Any

from terox.nn import window_ops
from terox.nn.sliding import output_size
from terox.nn.windows import pair, windows
from terox.tensors.tensor import Tensor


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest of each window: (N, C, H, W) to (N, C, OH, OW), or without N in both.

    stride: kernel_size, unless given. ceil_mode: windows that are only partly inside at the end count, too.
    return_indices: also give where each maximum stands in its plane, int64.

    In PyTorch: `torch.nn.functional.max_pool2d`.
    """
    if input.__class__ is not Tensor:
        raise TypeError(f"max_pool2d(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.dim() not in (3, 4):
        raise RuntimeError(f"max_pool2d: Expected 3D or 4D (batch mode) tensor, but got: {list(input.shape)}")
    kernel = pair(kernel_size, "kernel_size", "max_pool2d", 1)
    steps = (kernel if stride is None else pair(stride, "stride", "max_pool2d", 1),
             pair(padding, "padding", "max_pool2d", 0), pair(dilation, "dilation", "max_pool2d", 1))
    if any(p > k // 2 for p, k in zip(steps[1], kernel)):
        raise RuntimeError(f"max_pool2d: pad should be at most half of effective kernel size, but got padding="
                           f"{steps[1]} and kernel_size={kernel}")
    ready = input if input.dim() == 4 else input.unsqueeze(0)
    of = windows("max_pool2d", ready.impl.sizes[2:], kernel, *steps,  # type: ignore[arg-type]
                 count=_ceiling if ceil_mode else output_size)
    out, indices = window_ops.max_pool2d(ready, of)
    if ready is not input:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


def _ceiling(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows there are if the last may reach beyond the end; none begins in the padding behind it."""
    count = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count
