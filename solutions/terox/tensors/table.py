"""The dispatcher's table: (op, device) to kernel. Provided.

It stands in a file of its own, so that the table is not lost where an editor or a notebook reloads dispatcher.py.

In PyTorch: `aten/src/ATen/core/dispatch/OperatorEntry.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Kernel = Callable[..., Any]

COMPOSITE = "composite"

# (op, device) -> kernel
KERNELS: dict[tuple[str, str], Kernel] = {}


def register(op: str, device: str, kernel: Kernel) -> None:
    """From now on, `kernel` does `op` on `device` (or, for COMPOSITE, on every device without a kernel of its own).

    In PyTorch: `TORCH_LIBRARY_IMPL`, `torch/library.h`; `torch.library.impl`.
    """
    KERNELS[op, device] = kernel


def no_kernel(op: str, device: str) -> NotImplementedError:
    """The error for an op that a device cannot do."""
    return NotImplementedError(f"Could not run {op!r} on the device {device!r}: it is registered for "
                               f"{', '.join(map(repr, devices_of(op))) or 'no device'}.")


def devices_of(op: str) -> Iterator[str]:
    """Where `op` is registered: names of devices, and "composite"."""
    return (device for name, device in KERNELS if name == op)
