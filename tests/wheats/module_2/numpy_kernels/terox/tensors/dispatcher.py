"""A right solution built another way: a loop over the keys; one way out."""

from __future__ import annotations

from typing import Any

from terox._grad_mode import is_grad_enabled, no_grad
from terox.tensors.node import record
from terox.tensors.schema import derivative_of

COMPOSITE = "composite"


def find_kernel(op: str, device: str) -> Kernel:
    for where in (device, COMPOSITE):
        if (op, where) in KERNELS:
            return KERNELS[op, where]
    raise no_kernel(op, device)


def call(op: str, *args: Any) -> Any:
    tensors = tensors_in(args)
    kernel = find_kernel(op, common_device(op, tensors))
    derivative = derivative_of(op) if is_grad_enabled() else None
    if derivative is not None and any(tensor.requires_grad for tensor in tensors):
        with no_grad():
            result = kernel(*args)
        record(derivative, args, result)
    else:
        result = kernel(*args)
    return result
