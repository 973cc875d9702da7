"""A right solution built another way: the kernel is looked for after it is clear whether to record."""

from __future__ import annotations

from typing import Any

from terox._grad_mode import is_grad_enabled, no_grad
from terox.tensors.node import record
from terox.tensors.schema import derivative_of

COMPOSITE = "composite"


def find_kernel(op: str, device: str) -> Kernel:
    fitting = [KERNELS[key] for key in ((op, device), (op, COMPOSITE)) if key in KERNELS]
    if fitting:
        return fitting[0]
    raise no_kernel(op, device)


def call(op: str, *args: Any) -> Any:
    tensors = tensors_in(args)
    device = common_device(op, tensors)
    if not is_grad_enabled() or derivative_of(op) is None or not any(map(lambda each: each.requires_grad, tensors)):
        return find_kernel(op, device)(*args)
    before_autograd = no_grad()(find_kernel(op, device))
    result = before_autograd(*args)
    record(derivative_of(op), args, result)
    return result
