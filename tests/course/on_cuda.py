"""What the tests of the device "cuda" share: TensorImpls of any layout in its memory, and the same numbers in NumPy."""

from __future__ import annotations

import numpy as np

from terox.cuda.memory import DeviceMemory
from terox.tensors import device as devices
from terox.tensors import dtype as dtypes
from terox.tensors.storage import Storage, TensorImpl

devices.check("cuda")

FLOATS = ("float32", "float64")
LAYOUTS = ("contiguous", "reversed", "gaps", "offset", "expanded")


def numbers(sizes, dtype="float64", seed=0):
    """Random numbers, whole ones in the whole dtypes."""
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return random.integers(0, 2, sizes).astype(bool)
    if dtype == "int64":
        return random.integers(-9, 10, sizes)
    return random.standard_normal(sizes).astype(dtype)


def geometry(sizes, layout):
    """Strides and offset for a layout, and how many numbers it needs."""
    order = range(len(sizes)) if layout == "reversed" else reversed(range(len(sizes)))
    step, strides = 1, [0] * len(sizes)
    for d in order:
        strides[d] = 0 if layout == "expanded" and d == 0 else step * (2 if layout == "gaps" else 1)
        step = max(strides[d] * sizes[d], step)
    offset = 5 if layout in ("offset", "gaps") else 0
    return tuple(strides), offset, offset + sum((size - 1) * stride for size, stride in zip(sizes, strides) if size) + 4


class Operand:
    """An impl in the device's memory, and a view of the same geometry on a NumPy array that held the same numbers."""

    def __init__(self, sizes, layout="contiguous", dtype="float64", seed=0, values=None):
        strides, offset, room = geometry(sizes, layout)
        self.array = numbers(room, dtype, seed)
        memory = DeviceMemory(room, dtype)
        self.impl = TensorImpl(Storage(memory, getattr(dtypes, dtype), "cuda"), tuple(sizes), strides, offset)
        size = self.array.itemsize
        self.view = np.lib.stride_tricks.as_strided(self.array[offset:], sizes, [step * size for step in strides])
        if values is not None:
            self.view[...] = values
        memory.from_host(self.array)

    def memory(self):
        return self.impl.storage.array.to_host()

    def expect(self, values, tolerance=0.0):
        """`values` stand in its elements, and nothing else has changed."""
        self.view[...] = values
        np.testing.assert_allclose(self.memory(), self.array, rtol=tolerance, atol=tolerance)


def impl_of(array):
    """A contiguous impl with the numbers of an array."""
    return Operand(array.shape, dtype=array.dtype.name, values=array).impl
