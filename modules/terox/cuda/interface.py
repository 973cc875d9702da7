"""What `terox.cuda` says about memory, and how to wait. Provided.

In PyTorch: `torch/cuda/memory.py`; `torch/cuda/__init__.py`, `synchronize`.
"""

from __future__ import annotations

from terox.cuda import checks, runtime
from terox.cuda.memory import allocator, free_and_total


def memory_allocated() -> int:
    """Bytes in blocks that tensors use. Blocks are multiples of 512 bytes."""
    return allocator.current("allocated_bytes")


def memory_reserved() -> int:
    """Bytes that the allocator has got from the driver: those in use, and those that it keeps for the next tensor."""
    return allocator.current("reserved_bytes")


def max_memory_allocated() -> int:
    """The most that `memory_allocated()` has been, since the beginning or `reset_peak_memory_stats()`."""
    return memory_stats()["allocated_bytes.all.peak"]


def max_memory_reserved() -> int:
    """The most that `memory_reserved()` has been."""
    return memory_stats()["reserved_bytes.all.peak"]


def memory_stats() -> dict[str, int]:
    """All that the allocator counts, under PyTorch's names: "allocation.all.current", "num_alloc_retries", ..."""
    return allocator.statistics()


def reset_peak_memory_stats() -> None:
    """Let the peaks begin anew."""
    allocator.reset_peaks()


def empty_cache() -> None:
    """Give the driver back what no tensor uses, so that other programs can have it. It makes nothing faster."""
    allocator.empty_cache()


def mem_get_info() -> tuple[int, int]:
    """Bytes that the GPU has free, and in all."""
    return free_and_total()


def set_per_process_memory_fraction(fraction: float) -> None:
    """Let the allocator reserve at most this part of the GPU's memory; 1.0 for all.

    Raises ValueError for a number that is not from 0 to 1.
    """
    if not isinstance(fraction, (int, float)) or not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    allocator.limit = None if fraction == 1 else int(fraction * free_and_total()[1])


def synchronize() -> None:
    """Wait until the GPU has done all that it was asked to; then raise what its kernels have found wrong."""
    runtime.synchronize()
    checks.look()
