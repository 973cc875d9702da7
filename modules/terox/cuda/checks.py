"""What a kernel found wrong, and who tells it: an index out of range, a class that does not exist. Provided.

A kernel cannot raise. It leaves a note in the GPU's memory, and goes on with something harmless; and the host, which
has long gone on, too, does not wait for it. The next time that it waits anyway, it looks: that is why an error of this
kind may come at a line that has nothing to do with it. In the simulator the host has waited, and it comes at once.

In PyTorch: `c10/cuda/CUDADeviceAssertionHost.h`; `CUDA_KERNEL_ASSERT` in `c10/macros/Macros.h`; the variable
CUDA_LAUNCH_BLOCKING=1, which makes errors come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from terox import _numba
from terox.cuda.memory import DeviceMemory

# Of a kernel that was started and could leave a note: what it would mean.
_meanings: dict[int, Callable[[int], Exception]] = {}
_started = 0
_note: DeviceMemory | None = None  # number of the kernel, 0 for none; what it found


def note(meaning: Callable[[int], Exception]) -> tuple[Any, int]:
    """For a kernel that is about to start: memory for its note, and its number. meaning: what it found, as an error."""
    global _note, _started
    if _note is None:
        _note = DeviceMemory(2, np.int64)
        _note.fill(0)
    _started += 1
    _meanings[_started] = meaning
    return _note.at(0), _started


def started() -> None:
    """The kernel was started."""
    if _numba.CUDA != "gpu":
        look()


def look() -> None:
    """Raises the error of a kernel that left a note, now that all have ended."""
    if not _meanings or _note is None:
        return
    memory = _note.at(0)
    number, found = (memory.copy_to_host() if _numba.CUDA == "gpu" else memory).tolist()
    meaning = _meanings.get(number)
    _meanings.clear()
    if number == 0 or meaning is None:
        return
    _note.fill(0)
    error = meaning(found)
    if _numba.CUDA == "gpu":
        raise RuntimeError(f"CUDA error: device-side assert triggered: {error} (It was found by a kernel that was "
                           "started earlier.)") from None
    raise error
