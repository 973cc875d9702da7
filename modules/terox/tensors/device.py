"""Devices: where numbers are kept, and who computes with them there. Provided.

A device is a name. "python" computes with this module's plain loops. A later module brings a device of its own, and is
imported when that device is first used; so this module depends on none of them.

In PyTorch: `c10/core/Device.h`, `c10/core/Allocator.h`; `torch/__init__.py`, `set_default_device`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from terox.tensors.dtype import dtype as DType
from terox.tensors.storage import Storage

# Device -> the module that registers its kernels when it is imported.
MODULES = {"python": "terox.tensors.other_kernels", "cpu": "terox.parallel.kernels", "cuda": "terox.cuda.kernels"}

# The device that becomes the default one once the files that it is made of hold no task that is to do.
_FASTER = ("cpu", "terox.parallel", ("coalescing", "elementwise", "reduce", "matmul", "softmax"))

# Devices whose memory is not the host's say here how to get some: (count, dtype) -> Storage. The `array` of such a
# storage is no NumPy array, but has `from_host(array)`, `to_host(offset, count)`, `fill(value)` and `address`.
ALLOCATORS: dict[str, Callable[[int, DType], Storage]] = {}

# Where the ops that are good for every device are registered.
OPS = ("pointwise", "reductions", "shapes", "linalg", "indexing", "network_ops")

_loaded: set[str] = set()
_default: str | None = None


def check(device: Any) -> str:
    """The device's name, once its kernels are registered. Raises RuntimeError for one that does not exist.

    "cuda:0" is "cuda": of several GPUs, the first one is used.
    """
    if not isinstance(device, str):
        raise TypeError(f"a device is a string, such as 'python', not {type(device).__name__}")
    if device == "cuda:0":
        device = "cuda"
    if device not in _loaded:
        if device not in MODULES:
            raise RuntimeError(f"there is no device {device!r} here; there is {', '.join(map(repr, MODULES))} (the "
                               "others come with later modules)")
        for module in OPS:
            importlib.import_module(f"terox.tensors.{module}")
        importlib.import_module(MODULES[device])
        _loaded.add(device)
    return device


def full_name(device: str) -> str:
    """The name as PyTorch writes it in messages: with a number, where there could be several."""
    return "cuda:0" if device == "cuda" else device


def host() -> str:
    """The device for what comes back to the host's memory: the default one, if it is there, else the fastest."""
    default = get_default_device()
    return check(_best()) if default in ALLOCATORS else default


def get_default_device() -> str:
    """Where new tensors are made: as `set_default_device` or TEROX_DEVICE say; else on "cpu", once module 3 is done."""
    global _default
    if _default is None:
        _default = check(os.environ.get("TEROX_DEVICE") or _best())
    return _default


def _best() -> str:
    """The fastest device that is finished. Its files are read, not imported: broken ones do no harm here."""
    device, package, files = _FASTER
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return "python"
    for name in files:
        path = Path(spec.origin).parent / f"{name}.py"
        if not path.is_file() or 'raise NotImplementedError("Task ' in path.read_text(encoding="utf-8"):
            return "python"
    return device


def set_default_device(device: str | None) -> None:
    """Make new tensors on `device` from now on; None for the one that it was at first."""
    global _default
    _default = None if device is None else check(device)


def allocate(count: int, dtype: DType, device: str) -> Storage:
    """Memory for `count` numbers, which have not been set."""
    if device in ALLOCATORS:
        return ALLOCATORS[device](count, dtype)
    return Storage(np.empty(count, dtype.numpy), dtype, device)


def adopt(array: np.ndarray, dtype: DType, device: str) -> Storage:
    """Storage with the numbers of a 1-D contiguous NumPy array: its very memory, where the device uses the host's."""
    if device not in ALLOCATORS:
        return Storage(array, dtype, device)
    storage = ALLOCATORS[device](len(array), dtype)
    storage.array.from_host(array)
    return storage
