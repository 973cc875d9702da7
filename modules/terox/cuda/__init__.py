"""Module 4: CUDA. Tensors on a GPU, or, where there is none, in a simulator of one.

The names are those of `torch.cuda`. Nothing is loaded before it is used: `import terox.cuda` costs nothing, and works
without a GPU and without Numba.

In PyTorch: `torch/cuda/__init__.py`, `torch/cuda/memory.py`.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module that defines it.
_NAMES = {
    **dict.fromkeys(("is_available", "device_count"), "terox._cuda_choice"),  # which never raise
    **dict.fromkeys(("get_device_name", "get_device_capability"), "terox.cuda.runtime"),
    **dict.fromkeys(("memory_allocated", "memory_reserved", "max_memory_allocated", "max_memory_reserved",
                     "memory_stats", "reset_peak_memory_stats", "empty_cache", "mem_get_info",
                     "set_per_process_memory_fraction", "synchronize"), "terox.cuda.interface"),
    "transfers": "terox.cuda.memory",
    "OutOfMemoryError": "terox.cuda.allocator",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'terox.cuda' has no attribute {name!r}")
    value = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES])
