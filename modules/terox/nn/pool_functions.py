"""Pooling, with all that PyTorch's functions have: checks and defaults. Provided.

    max_pool2d, max_pool1d    the learner's loops
    avg_pool2d, avg_pool1d    the mean of what `unfold` gives
    adaptive_avg_pool2d, adaptive_avg_pool1d    the mean of parts, for a given number of them

In PyTorch: `torch/nn/functional.py`; `aten/src/ATen/native/Pool.h`, `pool2d_shape_check`;
`AdaptiveAveragePooling.cpp`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from terox.nn import window_ops
from terox.nn.sliding import output_size
from terox.nn.windows import Pair, Windows, pair, windows
from terox.tensors.dtype import bool as bool_
from terox.tensors.factories import cat, from_array
from terox.tensors.tensor import Tensor


def _checked(op: str, dims: int, input: Any) -> Tensor:
    """`input` as planes with a dimension for the batch, (N, C, H, W); of one dimension, with a height of 1."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    sizes = input.impl.sizes
    if len(sizes) not in (dims + 1, dims + 2) or 0 in sizes[len(sizes) - dims - 1 :]:
        raise RuntimeError(f"{op}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch "
                           f"size for input, but got: {list(sizes)}")
    ready = input if dims == 2 else input.unsqueeze(-2)
    return ready if len(sizes) == dims + 2 else ready.unsqueeze(0)


def _back(out: Tensor, dims: int, input: Tensor) -> Tensor:
    """Without the dimensions that `_checked` added."""
    out = out if input.dim() == dims + 2 else out.squeeze(0)
    return out if dims == 2 else out.squeeze(-2)


def _windows(op: str, dims: int, plane: Sequence[int], kernel_size: Any, stride: Any, padding: Any, dilation: Any,
             ceil_mode: bool) -> Windows:
    given = {"kernel_size": kernel_size, "stride": kernel_size if stride is None else stride, "padding": padding,
             "dilation": dilation}
    kernel, *steps = [_pair(value, name, op, dims) for name, value in given.items()]
    if any(p > k // 2 for p, k in zip(steps[1], kernel)):
        raise RuntimeError(f"{op}: pad should be at most half of effective kernel size, but got padding="
                           f"{steps[1]} and kernel_size={kernel}")
    of = windows(op, tuple(plane), kernel, *steps,  # type: ignore[arg-type]
                 count=_ceiling if ceil_mode else output_size)
    if any(d > size and p for d, size, p in zip(of.dilation, plane, of.padding)):
        raise RuntimeError(f"{op}: with padding {list(of.padding)} and dilation {list(of.dilation)}, a window would "
                           f"have no element of a plane of {list(plane)}")
    return of


def _pair(value: Any, name: str, op: str, dims: int) -> Pair:
    least = 0 if name == "padding" else 1
    if dims == 2:
        return pair(value, name, op, least)
    if isinstance(value, Sequence):
        if len(value) != 1:
            raise RuntimeError(f"{op}: {name} must be an int, or a list or tuple of one, but got {value!r}")
        value = value[0]
    return (least, pair(value, name, op, least)[1])


# ---- The largest ----


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest of each window: (N, C, H, W) to (N, C, OH, OW), or without N in both.

    stride: kernel_size, unless given. ceil_mode: windows that are only partly inside at the end count, too.
    return_indices: also give where each maximum stands in its plane, int64.

    In PyTorch: `torch.nn.functional.max_pool2d`.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The same for (N, C, L) or (C, L).

    In PyTorch: `torch.nn.functional.max_pool1d`.
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(op: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
              ceil_mode: bool, return_indices: bool) -> Any:
    ready = _checked(op, dims, input)
    if ready.dtype is bool_:
        raise NotImplementedError(f"{op}: not implemented for bool")
    of = _windows(op, dims, ready.impl.sizes[2:], kernel_size, stride, padding, dilation, ceil_mode)
    out, indices = window_ops.max_pool2d(ready, of)
    out = _back(out, dims, input)
    return (out, _back(indices, dims, input)) if return_indices else out


# ---- The mean ----


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The mean of each window: (N, C, H, W) to (N, C, OH, OW), or without N in both.

    Outside of the plane stand zeros. count_include_pad: whether the mean is that of the padding's zeros, too (never of
    what lies behind it, which ceil_mode lets windows reach). divisor_override: divide the sum by this number instead.

    In PyTorch: `torch.nn.functional.avg_pool2d`.
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor must be not zero")
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
                     divisor_override)


def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:
    """The same for (N, C, L) or (C, L).

    In PyTorch: `torch.nn.functional.avg_pool1d`.
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def _avg_pool(op: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
              count_include_pad: bool, divisor: int | None) -> Tensor:
    ready = _checked(op, dims, input)
    if not ready.dtype.is_floating_point:
        raise NotImplementedError(f"{op}: not implemented for {ready.dtype.name}")
    n, channels, *plane = ready.impl.sizes
    of = _windows(op, dims, plane, kernel_size, stride, padding, 1, ceil_mode)
    # Zeros behind the plane, up to where the last window ends; a plane is a channel of its own.
    planes = ready.reshape((n * channels, 1, *plane))
    for dim in (0, 1):
        end = (of.counts[dim] - 1) * of.stride[dim] + of.kernel[dim] - 2 * of.padding[dim] - plane[dim]
        if end > 0:
            sizes = list(planes.impl.sizes)
            sizes[2 + dim] = end
            planes = cat([planes, planes.new_zeros(sizes)], 2 + dim)
    columns = window_ops.unfold(planes, of.kernel, of.dilation, of.padding, of.stride)
    counts = map(output_size, planes.impl.sizes[2:], of.kernel, of.stride, of.padding)
    out = columns.sum(1).reshape((n, channels, *counts))[:, :, : of.counts[0], : of.counts[1]]
    if divisor is not None or not (any(of.padding) or ceil_mode):
        out = out / (divisor if divisor is not None else of.kernel[0] * of.kernel[1])
    else:
        out = out / from_array(_divisors(of, count_include_pad).astype(out.dtype.name), out.device)
    return _back(out, dims, input)


@functools.lru_cache(64)
def _divisors(of: Windows, count_include_pad: bool) -> np.ndarray:
    """How many elements of each window count, (OH, OW)."""
    counts = []
    for size, kernel, count, stride, padding in zip(of.plane, of.kernel, of.counts, of.stride, of.padding):
        begin = np.arange(count) * stride - padding
        end = np.minimum(begin + kernel, size + padding)
        counts.append(end - begin if count_include_pad else np.minimum(end, size) - np.maximum(begin, 0))
    return np.multiply.outer(*counts)


# ---- The mean of parts ----


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of parts: (N, C, H, W) to (N, C, OH, OW), or without N in both, with (OH, OW) = `output_size`.

    Part number i of OH goes from i * H // OH to (i + 1) * H / OH, rounded up. output_size: one number or two; None is
    the size of the input.

    In PyTorch: `torch.nn.functional.adaptive_avg_pool2d`.
    """
    ready = _checked("adaptive_avg_pool2d", 2, input)
    if isinstance(output_size, Sequence) and len(output_size) == 2:
        output_size = [size if wanted is None else wanted for wanted, size in zip(output_size, ready.impl.sizes[2:])]
    if isinstance(output_size, Sequence) and len(output_size) != 2:
        raise ValueError(f"adaptive_avg_pool2d: output_size must be an int or two of them, but got {output_size!r}")
    return _adaptive("adaptive_avg_pool2d", 2, input, ready, pair(output_size, "output_size", "adaptive_avg_pool2d", 0))


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The same for (N, C, L) or (C, L).

    In PyTorch: `torch.nn.functional.adaptive_avg_pool1d`.
    """
    ready = _checked("adaptive_avg_pool1d", 1, input)
    if isinstance(output_size, Sequence):
        if len(output_size) != 1:
            raise RuntimeError(f"adaptive_avg_pool1d: output_size should contain one int, but got {output_size!r}")
        output_size = output_size[0]
    wanted = pair(output_size, "output_size", "adaptive_avg_pool1d", 0)
    return _adaptive("adaptive_avg_pool1d", 1, input, ready, (1, wanted[1]))


def _adaptive(op: str, dims: int, input: Tensor, ready: Tensor, wanted: Pair) -> Tensor:
    if not ready.dtype.is_floating_point:
        raise NotImplementedError(f"{op}: not implemented for {ready.dtype.name}")
    out = _parts(ready, wanted[1])
    if dims == 2:
        out = _parts(out.transpose(2, 3), wanted[0]).transpose(2, 3)
    return _back(out, dims, input)


def _parts(x: Tensor, count: int) -> Tensor:
    """The means of `count` parts of the last dimension. Parts may overlap."""
    *front, size = x.impl.sizes
    if count == size:
        return x
    if count and size % count == 0:
        return x.reshape((*front, count, size // count)).mean(-1)
    begin = np.arange(count) * size // max(count, 1)
    end = -(-(np.arange(1, count + 1) * size) // max(count, 1))
    places = begin[:, None] + np.arange(max((end - begin).tolist(), default=1))
    outside, lengths = places >= end[:, None], (end - begin).astype(x.dtype.name)
    taken = x[..., from_array(np.minimum(places, size - 1), x.device)]
    return taken.masked_fill(from_array(outside, x.device), 0.0).sum(-1) / from_array(lengths, x.device)


def _ceiling(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows there are if the last may reach beyond the end; none begins in the padding behind it."""
    count = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count
