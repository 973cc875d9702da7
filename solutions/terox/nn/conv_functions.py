"""`conv1d`, `conv2d`, `unfold` and `fold` with all that PyTorch's have: checks, defaults, groups, dilation. Provided.

In PyTorch: `torch/nn/functional.py`; `aten/src/ATen/native/Convolution.cpp`, `check_shape_forward`; `Im2Col.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox.nn import window_ops
from terox.nn.windows import Pair, pair, windows
from terox.tensors.dispatcher import call
from terox.tensors.tensor import Tensor


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:
    """Each of O kernels over each image.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW), bias (O,), result (N, O, OH, OW) or
    (O, OH, OW), with OH = (H + 2 * padding - dilation * (KH - 1) - 1) // stride + 1. stride, padding, dilation: one
    number or two. padding: also "valid", none, or "same", so much that the result has the input's size, for a stride
    of 1. Raises RuntimeError, which names the shapes, where they do not fit.

    In PyTorch: `torch.nn.functional.conv2d`.
    """
    ready = _checked("conv2d", 2, input, weight, bias, groups)
    steps, dilated = pair(stride, "stride", "conv2d", 1), pair(dilation, "dilation", "conv2d", 1)
    if isinstance(padding, str):
        before, after = _named_padding("conv2d", padding, weight.impl.sizes[2:], steps, dilated)
    else:
        before = after = pair(padding, "padding", "conv2d", 0)
    out = _convolution("conv2d", ready, weight, bias, steps, before, after, dilated, groups)
    return out if ready is input else out.squeeze(0)


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:
    """The same for (N, C, L) or (C, L), weight (O, C / groups, K): as conv2d of planes with a height of 1.

    In PyTorch: `torch.nn.functional.conv1d`.
    """
    ready = _checked("conv1d", 1, input, weight, bias, groups)
    steps, dilated = (1, _single(stride, "stride", 1)), (1, _single(dilation, "dilation", 1))
    if isinstance(padding, str):
        before, after = _named_padding("conv1d", padding, (1, weight.impl.sizes[2]), steps, dilated)
    else:
        before = after = (0, _single(padding, "padding", 0))
    out = _convolution("conv1d", ready.unsqueeze(2), weight.unsqueeze(2), bias, steps, before, after, dilated,
                       groups).squeeze(2)
    return out if ready is input else out.squeeze(0)


def _convolution(op: str, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, before: Pair, after: Pair,
                 dilation: Pair, groups: int) -> Tensor:
    """Padding that is not the same before and after is put into the input first."""
    padding = (min(before[0], after[0]), min(before[1], after[1]))
    for dim in (0, 1):
        more = after[dim] - before[dim]  # never below 0
        if more:
            room = list(input.shape)
            room[dim + 2] = more
            input = window_ops.cat([input, input.new_zeros(room)], dim + 2)
    windows(op, input.impl.sizes[2:], weight.impl.sizes[2:], stride, padding, dilation)  # type: ignore[arg-type]
    window_ops.ready(input)
    return call("convolution", input, weight, bias, stride, padding, dilation, groups)


def _named_padding(op: str, padding: str, kernel: Sequence[int], stride: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """For "valid" and "same": (before the first element, behind the last one), each vertical and horizontal."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise RuntimeError(f"{op}: padding has to be a number, 'valid' or 'same', not {padding!r}")
    if stride != (1, 1):
        raise RuntimeError(f"{op}: padding='same' is not supported for strided convolutions, but stride is "
                           f"{stride}")
    whole = [d * (k - 1) for d, k in zip(dilation, kernel)]
    return (whole[0] // 2, whole[1] // 2), (whole[0] - whole[0] // 2, whole[1] - whole[1] // 2)


def _single(value: Any, name: str, least: int) -> int:
    """A number, or a list of one."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    if isinstance(value, (tuple, list)):
        raise RuntimeError(f"conv1d: expected {name} to be a single number or a list of one, but got {name}={value}")
    return pair(value, name, "conv1d", least)[0]


def _checked(op: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """`input` with a dimension for the batch."""
    for name, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if tensor.__class__ is not Tensor and (tensor is not None or name != "bias"):
            raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(tensor).__name__}")
    sizes, of_weight = input.impl.sizes, weight.impl.sizes
    if len(of_weight) != dims + 2:
        raise RuntimeError(f"{op}: expected a weight of {dims + 2} dimensions, but got shape {list(of_weight)}")
    if len(sizes) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{op}: Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {op}, but got "
                           f"input of size: {list(sizes)}")
    channels = sizes[-dims - 1]
    if not isinstance(groups, int) or isinstance(groups, bool):
        raise TypeError(f"{op}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups < 1:
        raise RuntimeError(f"{op}: groups has to be a positive whole number, not {groups!r}")
    if of_weight[0] % groups or of_weight[1] * groups != channels or not of_weight[0]:
        raise RuntimeError(f"{op}: Given groups={groups}, weight of size {list(of_weight)}, expected "
                           f"input{list(sizes)} to have {of_weight[1] * groups} channels, but got {channels} channels "
                           f"instead, and the number of kernels to be a multiple of groups")
    if min(of_weight) < 1:
        raise RuntimeError(f"{op}: a kernel without elements or channels: weight of size {list(of_weight)}")
    if bias is not None and bias.impl.sizes != of_weight[:1]:
        raise RuntimeError(f"{op}: Given weight of size {list(of_weight)}, expected bias to be 1-dimensional with "
                           f"{of_weight[0]} elements, but got bias of size {list(bias.impl.sizes)} instead")
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is None:
            continue
        if tensor.dtype is not input.dtype:
            raise RuntimeError(f"{op}: Input type ({input.dtype.name}) and {name} type ({tensor.dtype.name}) should be "
                               "the same")
        if tensor.device != input.device:
            raise RuntimeError(f"{op}: Expected all tensors to be on the same device, but input is on {input.device} "
                               f"and {name} is on {tensor.device}")
    return input if len(sizes) == dims + 2 else input.unsqueeze(0)


# ---- Windows as columns ----


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """All windows as columns: (N, C, H, W) to (N, C * KH * KW, L), or without N in both.

    In PyTorch: `torch.nn.functional.unfold`.
    """
    if input.__class__ is not Tensor:
        raise TypeError(f"unfold(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.dim() not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(f"unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
                           f"non-zero dimensions for input, but got: {list(input.shape)}")
    ready = input if input.dim() == 4 else input.unsqueeze(0)
    kernel, steps = pair(kernel_size, "kernel_size", "unfold", 1), (
        pair(stride, "stride", "unfold", 1), pair(padding, "padding", "unfold", 0),
        pair(dilation, "dilation", "unfold", 1))
    windows("unfold", ready.impl.sizes[2:], kernel, *steps)  # type: ignore[arg-type]
    out = window_ops.unfold(ready, kernel, steps[2], steps[1], steps[0])
    return out if ready is input else out.squeeze(0)


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
         stride: Any = 1) -> Tensor:
    """Columns, (N, C * KH * KW, L), added up at the places that `unfold` took them from: (N, C, H, W).

    In PyTorch: `torch.nn.functional.fold`.
    """
    if input.__class__ is not Tensor:
        raise TypeError(f"fold(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.dim() not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(f"fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
                           f"non-zero dimensions, but got: {list(input.shape)}")
    ready = input if input.dim() == 3 else input.unsqueeze(0)
    plane, kernel = pair(output_size, "output_size", "fold", 1), pair(kernel_size, "kernel_size", "fold", 1)
    steps = (pair(stride, "stride", "fold", 1), pair(padding, "padding", "fold", 0),
             pair(dilation, "dilation", "fold", 1))
    of = windows("fold", plane, kernel, *steps)
    deep, count = ready.impl.sizes[1:]
    if deep % (kernel[0] * kernel[1]) or count != of.counts[0] * of.counts[1]:
        raise RuntimeError(f"fold: Given output_size={plane}, kernel_size={kernel}, dilation={steps[2]}, "
                           f"padding={steps[1]}, stride={steps[0]}, expected input of size (N, C * {kernel[0]} * "
                           f"{kernel[1]}, {of.counts[0]} * {of.counts[1]}), but got {list(input.shape)}")
    out = window_ops.fold(ready, plane, kernel, steps[2], steps[1], steps[0])
    return out if ready is input else out.squeeze(0)
