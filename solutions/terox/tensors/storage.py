"""Storage and TensorImpl: flat memory, and one way to look at it.

A tensor is numbers in a row (its storage) and a rule that says where in the row the element with a given index lies:

    place = offset + index[0] * strides[0] + index[1] * strides[1] + ...

Several tensors may look at one storage, each with its own rule. That is what a view is.

In PyTorch: `c10/core/Storage.h`; `c10/core/TensorImpl.h`, `TensorImpl`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from terox.tensors.broadcasting import broadcast_strides
from terox.tensors.dtype import dtype as DType
from terox.tensors.layout import contiguous_strides

# Geometry is the same for many tensors: what was computed once is kept.
_broadcast_strides = functools.lru_cache(4096)(broadcast_strides)


@functools.lru_cache(4096)
def row_major(sizes: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """How many elements there are, and the strides with which they lie one after the other."""
    return math.prod(sizes), contiguous_strides(sizes)


class Storage:
    """Numbers of one dtype in a row.

    array: a 1-D NumPy array. data: the same memory as a memoryview, from which plain loops read Python numbers (three
    times as fast as from the array), and to which they write them; float32 is rounded when it is written.
    version: how often the numbers were changed in place. All views share it.
    """

    __slots__ = ("array", "data", "dtype", "device", "version")

    def __init__(self, array: Any, dtype: DType, device: str) -> None:
        self.array = array
        self.dtype = dtype
        self.device = device
        self.version = 0

    def __getattr__(self, name: str) -> Any:
        # Only plain loops need `data`; for compiled ones, it would be a third of what a storage costs.
        if name != "data":
            raise AttributeError(f"a storage has no attribute {name!r}")
        self.data = memoryview(self.array)
        return self.data


class TensorImpl:
    """One way to look at a storage. `strides` and `offset` count elements, not bytes.

    A kernel reads and writes `impl.storage.data[place]`.
    """

    __slots__ = ("storage", "sizes", "strides", "offset")

    def __init__(self, storage: Storage, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> None:
        self.storage = storage
        self.sizes = sizes
        self.strides = strides
        self.offset = offset

    @property
    def dtype(self) -> DType:
        """What kind of numbers the storage holds."""
        return self.storage.dtype

    @property
    def device(self) -> str:
        """Where the storage is: the name of a device."""
        return self.storage.device

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.sizes)

    def look(self, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> TensorImpl:
        """Another way to look at the same storage."""
        return TensorImpl(self.storage, sizes, strides, offset)

    def whole(self) -> TensorImpl:
        """The storage as one row."""
        count = len(self.storage.array)
        return TensorImpl(self.storage, (count,), (1,))

    def expand(self, sizes: tuple[int, ...]) -> TensorImpl:
        """Stretched to `sizes`, without a copy."""
        if sizes == self.sizes:
            return self
        return TensorImpl(self.storage, sizes, _broadcast_strides(self.sizes, self.strides, sizes), self.offset)

    def numpy(self) -> np.ndarray:
        """A NumPy array on the same memory, with the same sizes and strides."""
        array, strides = self.storage.array, self.strides
        if len(self.sizes) == 1 and strides[0] == 1:
            return array[self.offset : self.offset + self.sizes[0]]
        if 0 in self.sizes:  # wherever it lies: NumPy asks for a place inside the memory
            return np.empty(self.sizes, array.dtype)
        if not self.offset and (len(array), strides) == row_major(self.sizes):
            return array.reshape(self.sizes)
        size = array.itemsize
        return np.ndarray(self.sizes, array.dtype, array, self.offset * size, tuple([step * size for step in strides]))

    def __repr__(self) -> str:
        return (f"TensorImpl(sizes={self.sizes}, strides={self.strides}, offset={self.offset}, "
                f"storage of {len(self.storage.array)} {self.dtype.name})")
