"""The methods of Tensor that say what it is, and hand out its numbers. Provided.

In PyTorch: `torch/_tensor.py`; `aten/src/ATen/core/TensorBase.h`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.tensors.device import ALLOCATORS, full_name
from terox.tensors.dtype import dtype as DType
from terox.tensors.layout import is_contiguous


class Size(tuple):
    """The shape of a tensor: a tuple of its sizes. In PyTorch: `torch.Size`."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"terox.Size({list(self)})"


class Inspecting:
    """Shape, dtype and place of a tensor, and its numbers as Python's or NumPy's."""

    __slots__ = ()

    impl: Any
    _edge: Any
    detach: Any
    clone: Any
    unbind: Any

    # ---- What it is ----

    @property
    def shape(self) -> Size:
        """The sizes."""
        return Size(self.impl.sizes)

    def size(self, dim: int | None = None) -> Any:
        """All sizes, or the one of `dim`."""
        return self.shape if dim is None else self.impl.sizes[self._dim(dim, "size")]

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.impl.sizes)

    ndim = property(dim)

    def numel(self) -> int:
        """The number of elements."""
        return self.impl.numel

    @property
    def dtype(self) -> DType:
        """What kind of numbers it holds."""
        return self.impl.storage.dtype

    @property
    def device(self) -> str:
        """Where the numbers are."""
        return self.impl.storage.device

    def stride(self, dim: int | None = None) -> Any:
        """How many elements further in memory one step along each dimension (or along `dim`) goes."""
        return self.impl.strides if dim is None else self.impl.strides[self._dim(dim, "stride")]

    def storage_offset(self) -> int:
        """Where in the storage the first element lies."""
        return self.impl.offset

    def data_ptr(self) -> int:
        """The address of the first element: equal for two tensors that begin at the same place in memory."""
        memory = self.impl.storage.array
        begins = memory.address if self.device in ALLOCATORS else memory.ctypes.data
        return begins + self.impl.offset * self.dtype.itemsize

    def is_contiguous(self) -> bool:
        """Whether the elements lie one after the other, the last dimension running fastest."""
        return is_contiguous(self.impl.sizes, self.impl.strides)

    def is_floating_point(self) -> bool:
        """Whether the dtype is float32 or float64."""
        return self.dtype.is_floating_point

    # ---- Out of the tensor ----

    def numpy(self) -> np.ndarray:
        """A NumPy array on the same memory. Raises RuntimeError if this tensor requires grad: take `x.detach()`.

        Raises TypeError for a device with memory of its own: take `x.cpu()`.
        """
        if self.device in ALLOCATORS:
            raise TypeError(f"can't convert {full_name(self.device)} device type tensor to numpy. Use Tensor.cpu() to "
                            "copy the tensor to host memory first.")
        if self._edge is not None:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.impl.numpy()

    def _host(self) -> np.ndarray:
        """The numbers as an array: on the same memory, or, for a device with memory of its own, a copy of them."""
        if self.device not in ALLOCATORS:
            return self.detach().numpy()
        impl = self.impl
        if not is_contiguous(impl.sizes, impl.strides):
            impl = self.detach().clone().impl
        return impl.storage.array.to_host(impl.offset, impl.numel).reshape(impl.sizes)

    # NumPy's numbers and arrays leave it to the tensor what `np.float64(2) * x` is, and do not take it for an array.
    __array_ufunc__ = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return np.array(array, dtype=dtype) if copy or (dtype is not None and dtype != array.dtype) else array

    def tolist(self) -> Any:
        """Nested lists of Python numbers; for a tensor without dimensions, a number."""
        return self._host().tolist()

    def item(self) -> Any:
        """The one element as a Python number. Raises RuntimeError if there are more, or none."""
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        impl = self.impl
        if self.device in ALLOCATORS:
            return impl.storage.array.to_host(impl.offset, 1)[0].item()
        return impl.storage.array[impl.offset].item()

    def _one(self) -> Any:
        if self.numel() != 1:
            raise ValueError(f"only one element tensors can be converted to Python scalars, not one of {self.numel()}")
        return self.item()

    def __float__(self) -> float:
        return float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            what = "no values" if self.numel() == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self.item())

    def __len__(self) -> int:
        if not self.impl.sizes:
            raise TypeError("len() of a 0-d tensor")
        return self.impl.sizes[0]

    def __iter__(self) -> Any:
        if not self.impl.sizes:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        from terox.tensors.printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.dim() == 0 else format(repr(self), spec)
