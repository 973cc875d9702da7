"""Where kernels for the GPU run: on a GPU, in Terox's simulator, or in Numba's. Provided.

The variable TEROX_CUDA decides: "auto" (the default) takes a GPU if there is one, else the simulator; "gpu" insists
on a GPU; "sim" is Terox's simulator; "numba" is Numba's own. Whether there is a GPU, the driver's library is asked,
through ctypes: that takes a few milliseconds and imports nothing.

In PyTorch: `torch/cuda/__init__.py`, `is_available`, `_lazy_init`; `c10/cuda/CUDAFunctions.cpp`, `device_count_impl`.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CHOICES = ("auto", "gpu", "sim", "numba")
USUAL = 13  # the major version of CUDA that the layer gpu installs the compiler of
OLDEST_CAPABILITY = {12: (5, 0), 13: (7, 5)}  # what these compile for: since Maxwell, since Turing
INSTALL = "python -m course setup --layer gpu"
_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
_MULTIPROCESSORS, _MAJOR, _MINOR = 16, 75, 76  # CU_DEVICE_ATTRIBUTE_...

_BESIDES = "To run kernels in the simulator, leave the environment variable TEROX_CUDA away, or set it to sim."


_SILENT = "To have the simulator without this warning, set the environment variable TEROX_CUDA to sim."


class NoGPU(RuntimeError):
    """There is no GPU that could be used. The message says why, and what to do."""


class UnusableGPU(NoGPU):
    """There is one, but something about it has to be changed first."""


@dataclass(frozen=True)
class GPU:
    """What the driver says of the first device."""

    name: str
    count: int  # how many devices there are
    capability: tuple[int, int]
    multiprocessors: int
    driver: int  # 13000 for CUDA 13.0


def wanted() -> str:
    """What TEROX_CUDA says."""
    choice = os.environ.get("TEROX_CUDA", "").strip().lower() or "auto"
    if choice not in CHOICES:
        raise RuntimeError(f"TEROX_CUDA is {choice!r}, but has to be one of {', '.join(CHOICES)}: auto (a GPU if there "
                           "is one, else the simulator), gpu, sim (the simulator), numba (Numba's own simulator).")
    return choice


def before_numba() -> None:
    """Numba reads once, when it is imported, whether it is to simulate."""
    if os.environ.get("TEROX_CUDA", "").strip().lower() == "numba":
        os.environ["NUMBA_ENABLE_CUDASIM"] = "1"


def library() -> Any:
    """The driver's library; OSError if there is none."""
    if sys.platform == "win32":
        return ctypes.WinDLL("nvcuda.dll")
    return ctypes.CDLL("libcuda.so.1")


def cuda_major() -> int:
    """The version of CUDA that numba-cuda is installed for. (With `numba-cuda[cu12]` it also serves older devices.)"""
    import importlib.metadata

    try:
        return int(importlib.metadata.version("cuda-bindings").split(".")[0])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return USUAL


def find(load: Callable[[], Any] = library, major: Callable[[], int] = cuda_major) -> GPU:
    """The GPU that kernels would run on. Raises NoGPU."""
    try:
        driver = load()
    except OSError:
        raise NoGPU("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU, and that its "
                    f"driver is installed (on Linux, `nvidia-smi` shows both). {_BESIDES}") from None
    version = _number(driver.cuDriverGetVersion)
    status = driver.cuInit(0)
    if version and version < 1000 * (needed := major()):
        older = " Or install what suits it: pip install 'numba-cuda[cu12]'." if 12000 <= version < 13000 else ""
        raise UnusableGPU(f"The NVIDIA driver on your system is too old (found version {_dotted(version)} of CUDA, "
                          f"needed is {needed}.0). Please update your GPU's driver.{older} {_BESIDES}")
    if status == _NO_DEVICE:
        raise NoGPU(f"No CUDA GPUs are available: there is a driver, but no device that it can use.{_hidden()} "
                    f"{_BESIDES}")
    if status:
        raise UnusableGPU(f"The NVIDIA driver could not be started (cuInit returned {status}). After an update of the "
                          f"driver, start the computer again; else see what `nvidia-smi` says. {_BESIDES}")
    count = _number(driver.cuDeviceGetCount)
    if count == 0:
        raise NoGPU(f"No CUDA GPUs are available.{_hidden()} {_BESIDES}")
    device = _number(driver.cuDeviceGet, 0)
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGetName(name, 256, device)
    high, low, many = (_number(driver.cuDeviceGetAttribute, attribute, device)
                       for attribute in (_MAJOR, _MINOR, _MULTIPROCESSORS))
    oldest = OLDEST_CAPABILITY.get(major(), (7, 5))
    if (0, 0) < (high, low) < oldest:
        raise UnusableGPU(f"Found {name.value.decode(errors='replace')}, which is of CUDA capability {high}.{low}. "
                          f"CUDA {major()} compiles for {oldest[0]}.{oldest[1]} and newer. Devices since Maxwell: pip "
                          f"install 'numba-cuda[cu12]'. {_BESIDES}")
    return GPU(name.value.decode(errors="replace"), count, (high, low), many, version)


def _hidden() -> str:
    """CUDA_VISIBLE_DEVICES may be why."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if given is None else f" The environment variable CUDA_VISIBLE_DEVICES is {given!r}."


def _number(ask: Callable[..., int], *about: int) -> int:
    """What a function of the driver writes to its first argument."""
    found = ctypes.c_int(0)
    return int(found.value) if ask(ctypes.byref(found), *about) == 0 else 0


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def has_numba_cuda() -> bool:
    """Whether the package numba-cuda is installed; what is built into Numba is not maintained."""
    return importlib.util.find_spec("numba_cuda") is not None


def choose(load: Callable[[], Any] = library, installed: Callable[[], bool] = has_numba_cuda,
           major: Callable[[], int] = cuda_major) -> tuple[str, GPU | None]:
    """Where kernels run: "gpu", "sim" or "numba", and which GPU it is."""
    choice = wanted()
    if choice in ("sim", "numba"):
        return choice, None
    try:
        gpu = find(load, major)
        if not installed():
            raise UnusableGPU(f"There is a GPU here ({gpu.name}), but the package numba-cuda, which compiles for it, "
                              f"is not installed. Install it: {INSTALL}. {_BESIDES}")
    except NoGPU as error:
        if choice == "gpu":
            raise
        if isinstance(error, UnusableGPU):
            warnings.warn(f"Kernels run in the simulator. {str(error).replace(_BESIDES, _SILENT)}", stacklevel=2)
        return "sim", None
    return "gpu", gpu


def device_count() -> int:
    """How many devices there are; 1 in a simulator, 0 if TEROX_CUDA asks for a GPU that is not there.

    Only the first one is used.
    """
    from terox import _numba

    try:
        gpu = _numba.GPU
    except NoGPU:
        return 0
    return 1 if gpu is None else gpu.count


def is_available() -> bool:
    """Whether there is a GPU, as in PyTorch. Without one, the device "cuda" works all the same, in the simulator."""
    from terox import _numba

    try:
        return bool(_numba.CUDA == "gpu")
    except NoGPU:
        return False
