"""Memory of the GPU, and its traffic with the host's. Provided.

`DeviceMemory` is what `Storage.array` is on the device "cuda". Python cannot look into it: what lies there has to be
copied, by `to_host`, and what stands in a NumPy array gets there by `from_host`. Every such copy waits for the GPU, and
goes over a bus that is a hundred times slower than the GPU's own memory; `transfers()` counts them.

In the simulator it is NumPy's memory, which is hidden just as well. New memory is full of what is no good value there,
so that a kernel that reads what nobody wrote is found out.

In PyTorch: `c10/core/StorageImpl.h`; `aten/src/ATen/native/cuda/Copy.cu`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from terox import _numba
from terox.cuda.allocator import GIB, Block, CachingAllocator

SIMULATED = 4 * GIB  # the memory of a GPU that is not there

_NO_GOOD = {"float32": np.nan, "float64": np.nan, "int64": 2**63 - 42, "bool": True}


class Transfers(NamedTuple):
    """How often numbers were copied from the host to the GPU and back since the beginning, and how many bytes."""

    to_device: int = 0
    to_host: int = 0
    bytes_to_device: int = 0
    bytes_to_host: int = 0


_counted = Transfers()


def transfers() -> Transfers:
    """All transfers of this process so far."""
    return _counted


class DeviceMemory:
    """`count` numbers of a NumPy dtype in the GPU's memory, which have not been set.

    Raises OutOfMemoryError. The memory goes back to the allocator when nobody holds this object any more.
    """

    __slots__ = ("dtype", "_count", "_block", "_memory")

    def __init__(self, count: int, dtype: Any) -> None:
        self._block: Block | None = None
        self.dtype = np.dtype(dtype)
        self._count = count
        if count == 0:
            self._memory: Any = np.empty(0, self.dtype)
            return
        nbytes = count * self.dtype.itemsize
        block = self._block = allocator.allocate(nbytes)
        self._memory = block.segment.memory[block.offset : block.offset + nbytes].view(self.dtype)
        if _numba.CUDA != "gpu":
            self._memory.fill(_NO_GOOD.get(self.dtype.name, 0))

    def __del__(self) -> None:
        if self._block is not None and allocator is not None:  # at the end of the process, that is gone
            self._memory = None  # before somebody else gets the memory
            allocator.free(self._block)
            self._block = None

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"DeviceMemory({self._count}, {self.dtype.name})"

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("the GPU's memory cannot be read from the host; to_host() makes a copy")

    def at(self, offset: int) -> Any:
        """What a kernel gets: the memory from element number `offset` on."""
        return self._memory[offset:] if offset else self._memory

    @property
    def address(self) -> int:
        """Where it begins; 0 if it is empty."""
        if self._block is None:
            return 0
        if _numba.CUDA == "gpu":
            return int(self._memory.__cuda_array_interface__["data"][0])
        return int(self._memory.ctypes.data)

    def from_host(self, array: np.ndarray) -> None:
        """Take over the numbers of an array of the host's: 1-D, of this length and dtype."""
        global _counted
        if array.shape != (self._count,) or array.dtype != self.dtype:
            raise ValueError(f"{self} cannot take over an array of shape {array.shape} and dtype {array.dtype}")
        if self._count == 0:
            return
        if _numba.CUDA == "gpu":
            self._memory.copy_to_device(np.ascontiguousarray(array))
        else:
            self._memory[:] = array
        _counted = _counted._replace(to_device=_counted.to_device + 1,
                                     bytes_to_device=_counted.bytes_to_device + array.nbytes)

    def to_host(self, offset: int = 0, count: int | None = None) -> np.ndarray:
        """A copy, for the host, of all numbers, or of `count` from number `offset` on. It waits for all kernels."""
        global _counted
        stop = self._count if count is None else offset + count
        if stop <= offset:
            return np.empty(0, self.dtype)
        piece = self._memory[offset:stop]
        array = piece.copy_to_host() if _numba.CUDA == "gpu" else piece.copy()
        _counted = _counted._replace(to_host=_counted.to_host + 1, bytes_to_host=_counted.bytes_to_host + array.nbytes)
        checks.look()
        return array

    def fill(self, value: Any) -> None:
        """Set every number to `value`. No transfer: the number is an argument of a kernel."""
        from terox.cuda.kernels import set_all

        set_all(self, value)


def _from_driver(nbytes: int) -> Any:
    """Memory from the GPU's driver, or, in the simulator, from the host's. Raises MemoryError."""
    if _numba.CUDA != "gpu":
        if allocator.reserved + nbytes > SIMULATED:
            raise MemoryError
        return np.empty(nbytes, np.uint8)
    cuda = _numba.cuda
    try:
        return cuda.device_array(nbytes, np.uint8)
    except Exception as error:  # noqa: BLE001 - the driver's, by its words: numba-cuda has several classes for it
        if "MEMORY" in str(error).upper():
            raise MemoryError from None
        raise


def free_and_total() -> tuple[int, int]:
    """Bytes that the GPU has free, and in all. In PyTorch: `torch.cuda.mem_get_info`."""
    if _numba.CUDA == "gpu":
        free, total = _numba.cuda.current_context().get_memory_info()
        return int(free), int(total)
    return SIMULATED - allocator.reserved, SIMULATED


def _release() -> None:
    """Numba gives memory back to the driver when it has collected a few pieces; now, please."""
    if _numba.CUDA == "gpu":
        _numba.cuda.current_context().memory_manager.deallocations.clear()


allocator = CachingAllocator(_from_driver, free_and_total, _release)

from terox.cuda import checks  # noqa: E402  It needs DeviceMemory.
