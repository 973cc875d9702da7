"""A right solution built another way: ask forgiveness of the table; the graph is decided on in one flag."""

from __future__ import annotations

from typing import Any

from terox._grad_mode import is_grad_enabled, set_grad_enabled
from terox.tensors.node import record
from terox.tensors.schema import derivative_of

COMPOSITE = "composite"


def find_kernel(op: str, device: str) -> Kernel:
    try:
        return KERNELS[op, device]
    except KeyError:
        try:
            return KERNELS[op, COMPOSITE]
        except KeyError:
            raise no_kernel(op, device) from None


def call(op: str, *args: Any) -> Any:
    found = list(tensors_in(args))
    device = common_device(op, found)
    wanted = is_grad_enabled() and sum(1 for tensor in found if tensor.requires_grad) > 0
    entry = derivative_of(op)
    recorded = wanted and entry is not None
    with set_grad_enabled(is_grad_enabled() and not recorded):
        result = find_kernel(op, device)(*args)
    if recorded:
        record(entry, args, result)
    return result
