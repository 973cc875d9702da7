"""Making tensors. Provided.

In PyTorch: `aten/src/ATen/native/TensorFactories.cpp`; `torch/csrc/utils/tensor_new.cpp`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from terox.tensors import device as devices
from terox.tensors import dtype as dtypes
from terox.tensors.dispatcher import KERNELS, call, find_kernel
from terox.tensors.iterator import constant
from terox.tensors.layout import contiguous_strides
from terox.tensors.shaping import sizes_of
from terox.tensors.storage import TensorImpl
from terox.tensors.tensor import Tensor

_rng = np.random.default_rng(0)


def from_array(array: np.ndarray, device: str | None = None) -> Tensor:
    """A tensor with the numbers of a NumPy array; on the same memory where the array is contiguous and may be changed.

    Raises TypeError for an array of another kind than float32, float64, int64 or bool.
    """
    device = devices.get_default_device() if device is None else devices.check(device)
    dtype = dtypes.as_dtype(array.dtype, "from_numpy")
    if not array.flags.c_contiguous or not array.flags.writeable:
        array = array.copy()
    return Tensor._of(TensorImpl(devices.adopt(array.reshape(-1), dtype, device), array.shape,
                                 contiguous_strides(array.shape)))


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor on the memory of a NumPy array (a copy, where that is not contiguous): writing to one shows in both."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    return from_array(array)


def tensor(data: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: a number, nested sequences of numbers of equal lengths, an array or a tensor.

    Without `dtype`, floats become the default dtype, ints int64, bools bool; arrays and tensors keep theirs.

    Raises ValueError where lengths differ, TypeError for what is no number.

    In PyTorch: `torch.tensor`.
    """
    if isinstance(data, Tensor):
        if data.device in devices.ALLOCATORS and device is None:
            device = data.device
        array = data.detach()._host()
        wanted = data.dtype
    else:
        _check_nested(data)
        array, wanted = _array_of(data)
    if dtype is not None:
        wanted = dtypes.as_dtype(dtype, "tensor")
    try:
        # A copy in any case: a tensor never shares memory with what it was made of.
        out = from_array(np.array(array, dtype=wanted.numpy, order="C"), device)
    except OverflowError:
        raise RuntimeError("tensor: a value cannot be converted to int64 without overflow") from None
    return out.requires_grad_(requires_grad) if requires_grad else out


def _array_of(data: Any) -> tuple[np.ndarray, Any]:
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
        if array.dtype in [each.numpy for each in dtypes.ALL]:
            return array, dtypes.as_dtype(array.dtype)
    else:
        array = np.array(_plain(data))
        if array.dtype.kind in "uO":
            raise ValueError("tensor: overflow, there is a number that int64 cannot hold")
    if array.dtype.kind == "f" or array.size == 0 and not isinstance(data, np.ndarray):
        return array, dtypes.get_default_dtype()
    if array.dtype.kind == "b":
        return array, dtypes.bool
    if array.dtype.kind in "iu":
        return array, dtypes.int64
    raise TypeError(f"tensor(): numbers were expected, not {array.dtype}")


def _plain(data: Any) -> Any:
    """Nested lists in which tensors without dimensions are numbers."""
    if isinstance(data, (list, tuple)):
        return [_plain(each) for each in data]
    return data.tolist() if isinstance(data, Tensor) else data


def _check_nested(data: Any) -> None:
    """Raises for sequences of different lengths at one level, and for what is neither number nor sequence."""
    if isinstance(data, (bool, int, float, np.number, np.bool_, np.ndarray)):
        return
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"tensor(): numbers or sequences of numbers were expected, not {type(data).__name__}")
    lengths = {len(each) if isinstance(each, (list, tuple)) else None for each in data}
    if len(lengths) > 1:
        if None in lengths:
            raise TypeError("tensor(): numbers and sequences cannot stand side by side at one level")
        first = len(data[0])
        second = next(len(each) for each in data if len(each) != first)
        raise ValueError(f"expected sequence of length {first} at every place of one level, but got one of length "
                         f"{second}")
    for each in data:
        if not isinstance(each, Tensor):
            _check_nested(each)


# ---- Filled with one number, or with several in order ----


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """A tensor of `size` in which each element is `fill_value`."""
    sizes = _sizes((size,), "full")
    wanted = dtypes.of_number(fill_value) if dtype is None else dtypes.as_dtype(dtype, "full")
    device = devices.get_default_device() if device is None else devices.check(device)
    if device in devices.ALLOCATORS:
        out = Tensor._empty(sizes, wanted, device)
        out.impl.storage.array.fill(np.array(fill_value, dtype=wanted.numpy).item())
    else:
        out = from_array(np.full(sizes, fill_value, dtype=wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


def zeros(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    return full(_sizes(size, "zeros"), 0, dtype=dtype or dtypes.get_default_dtype(), device=device,
                requires_grad=requires_grad)


def ones(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return full(_sizes(size, "ones"), 1, dtype=dtype or dtypes.get_default_dtype(), device=device,
                requires_grad=requires_grad)


def empty(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose elements have not been set (they are zeros here, but do not count on it)."""
    return zeros(_sizes(size, "empty"), dtype=dtype, device=device, requires_grad=requires_grad)


def _like(fill: Any, other: Tensor, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if not isinstance(other, Tensor):
        raise TypeError(f"zeros_like(), ones_like() and full_like() take a Tensor, not {type(other).__name__}")
    return full(other.shape, fill, dtype=other.dtype if dtype is None else dtype, device=device or other.device,
                requires_grad=requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape, dtype and device of `input`."""
    return _like(0, input, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape, dtype and device of `input`."""
    return _like(1, input, dtype, device, requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: str | None = None,
              requires_grad: bool = False) -> Tensor:
    """`fill_value` in the shape, dtype and device of `input`."""
    return _like(fill_value, input, dtype, device, requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: str | None = None,
           requires_grad: bool = False) -> Tensor:
    """`start`, `start + step`, ... below `end`; `arange(n)` counts from 0."""
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("arange: upper bound and lower bound inconsistent with step sign")
    if not all(map(math.isfinite, (start, end, step))):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end} in steps of {step}")
    floating = any(isinstance(each, float) for each in (start, end, step))
    wanted = (dtypes.get_default_dtype() if floating else dtypes.int64) if dtype is None else dtypes.as_dtype(dtype)
    count = math.ceil((end - start) / step)
    device = devices.get_default_device() if device is None else devices.check(device)
    if (kernel := KERNELS.get(("arange", device))) is not None:
        out = kernel(start, step, count, wanted)
    else:
        out = from_array((start + np.arange(count) * step).astype(wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, device: str | None = None,
             requires_grad: bool = False) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, equally far apart."""
    if steps < 0:
        raise RuntimeError("linspace: number of steps must be non-negative")
    wanted = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    out = from_array(np.linspace(start, end, steps).astype(wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: str | None = None,
        requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n x m matrix, zeros elsewhere."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"eye: n and m must be greater or equal to 0, got {n if n < 0 else m}")
    wanted = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    device = devices.get_default_device() if device is None else devices.check(device)
    if device in devices.ALLOCATORS:
        out = zeros(n, n if m is None else m, dtype=wanted, device=device)
        sizes = (min(out.impl.sizes),)
        find_kernel("copy", device)(out.impl.look(sizes, (sum(out.impl.strides),), 0),
                                    constant(1, wanted, device).expand(sizes))
    else:
        out = from_array(np.eye(n, m, dtype=wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


# ---- Random ----


def manual_seed(seed: int) -> None:
    """Let the random numbers begin anew: the same seed gives the same numbers again (not those of PyTorch)."""
    global _rng
    _rng = np.random.default_rng(seed % 2**64)


def rand(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Uniformly distributed from 0 (inclusive) to 1 (exclusive)."""
    wanted = _floating(dtype, "rand")
    out = from_array(_rng.random(_sizes(size, "rand"), dtype=wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


def randn(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Normally distributed with mean 0 and variance 1."""
    wanted = _floating(dtype, "randn")
    out = from_array(_rng.standard_normal(_sizes(size, "randn"), dtype=wanted.numpy), device)
    return out.requires_grad_(requires_grad) if requires_grad else out


def randint(low: int, high: Any = None, size: Any = None, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """Whole numbers from `low` (default 0) to `high`, exclusive: `randint(10, (2, 3))`, `randint(5, 10, (2, 3))`."""
    if size is None:
        low, high, size = 0, low, high
    if high <= low:
        raise RuntimeError(f"randint: expects 'low' to be less than 'high', but got low={low} >= high={high}")
    wanted = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    return from_array(np.asarray(_rng.integers(low, high, _sizes((size,), "randint"))).astype(wanted.numpy), device)


def randperm(n: int, *, device: str | None = None) -> Tensor:
    """The numbers from 0 to n - 1 in random order."""
    if n < 0:
        raise RuntimeError(f"randperm: Trying to create tensor with negative dimension {n}")
    return from_array(_rng.permutation(n).astype(np.int64), device)


def _floating(dtype: Any, op: str) -> Any:
    wanted = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype, op)
    if not wanted.is_floating_point:
        raise NotImplementedError(f"{op}: not implemented for {wanted.name} tensors")
    return wanted


def _sizes(size: Sequence[Any], op: str) -> tuple[int, ...]:
    sizes = sizes_of(size, op)
    if any(each < 0 for each in sizes):
        raise RuntimeError(f"{op}: Trying to create tensor with negative dimension {min(sizes)}: {list(sizes)}")
    return sizes


# ---- Of several tensors ----


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along `dim`. Their other sizes have to be equal; empty 1-D ones are left out."""
    tensors = _several(tensors, "cat")
    if not tensors:
        raise ValueError("cat(): expected a non-empty list of Tensors")
    for number, each in enumerate(tensors):
        if not each.dim():
            raise RuntimeError(f"cat: zero-dimensional tensor (at position {number}) cannot be concatenated")
    first = next((each for each in tensors if each.impl.sizes != (0,)), tensors[0])
    dim = first._dim(dim, "cat")
    for number, each in enumerate(tensors):
        if each.impl.sizes == (0,):
            continue
        others = [[size for d, size in enumerate(tensor.shape) if d != dim] for tensor in (first, each)]
        if each.dim() != first.dim() or others[0] != others[1]:
            raise RuntimeError(f"cat: Sizes of tensors must match except in dimension {dim}. Expected a shape like "
                               f"{list(first.shape)} but got {list(each.shape)} for tensor number {number}.")
    return call("cat", tensors, dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape, along a new dimension `dim`."""
    tensors = _several(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for number, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry "
                               f"0 and {list(each.shape)} at entry {number}")
    rank = tensors[0].dim() + 1
    if not -rank <= dim < rank:
        raise IndexError(f"stack: Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
                         f"{dim}; the shape is {list(tensors[0].shape)})")
    return cat([each.unsqueeze(dim) for each in tensors], dim % rank)


def _several(tensors: Any, op: str) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{op}(): argument 'tensors' must be a tuple or list of Tensors, not {type(tensors).__name__}")
    for number, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"{op}(): expected Tensor as element {number}, but got {type(each).__name__}")
    return list(tensors)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where `condition`, else `other`; with the condition alone, the indices where it holds."""
    if not isinstance(condition, Tensor):
        raise TypeError(f"where(): argument 'condition' must be Tensor, not {type(condition).__name__}")
    if input is None and other is None:
        return (condition if condition.dim() else condition.unsqueeze(0)).nonzero().unbind(1)
    return call("where", condition, input, other)
