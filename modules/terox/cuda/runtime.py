"""Where kernels for the GPU run: on a GPU, or in the simulator. Provided.

In PyTorch: `torch/cuda/__init__.py`; `c10/cuda/CUDAFunctions.h`.
"""

from __future__ import annotations

from terox import _numba
from terox._cuda_choice import NoGPU, device_count, is_available

ON_GPU = _numba.CUDA == "gpu"

# Threads of a block, and the side of a tile. In the simulator a thread costs as much as a whole GPU does on a GPU.
BLOCK = 256 if ON_GPU else 8
TILE = 16 if ON_GPU else 4

# How many blocks keep the device busy: eight of 256 threads are all that a multiprocessor has room for; four times
# that.
MOST_BLOCKS = 32 * _numba.GPU.multiprocessors if ON_GPU else 4

SIMULATORS = {"sim": "simulator", "numba": "Numba's simulator"}


def get_device_name() -> str:
    """What the device is called, as in "NVIDIA H100"; or "simulator"."""
    return _numba.GPU.name if ON_GPU else SIMULATORS[_numba.CUDA]


def get_device_capability() -> tuple[int, int]:
    """The compute capability, (major, minor): what the device can do. (0, 0) in the simulator."""
    return _numba.GPU.capability if ON_GPU else (0, 0)


def synchronize() -> None:
    """Wait until the device has done all that was asked of it. A launch returns at once; the simulator's does not."""
    if ON_GPU:
        _numba.cuda.synchronize()


def described() -> str:
    """Where kernels run, for the end of a sentence: "on NVIDIA H100", "in the simulator"."""
    return f"on {get_device_name()}" if ON_GPU else f"in {'the ' if _numba.CUDA == 'sim' else ''}{get_device_name()}"


__all__ = ["BLOCK", "MOST_BLOCKS", "ON_GPU", "TILE", "NoGPU", "described", "device_count", "get_device_capability",
           "get_device_name", "is_available", "synchronize"]
