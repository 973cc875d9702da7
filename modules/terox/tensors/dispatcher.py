"""The dispatcher: from the name of an op and a device to the kernel that does it, with autograd above. Task 2.5.

`call("mul", a, b)` is what `a * b` comes to. It is the one door through which every op on tensors goes:

    call            autograd: does the result need a node in the graph?
    find_kernel     the table: who does this op on this device?
    the kernel      computes, and knows nothing of graphs

A kernel is registered for one device, or as *composite*: written in terms of other ops or of basic kernels, and good
for every device that has no kernel of its own. A new device registers the basic kernels (elementwise, reduce, matmul
and a few more) and has all of the ops; where it can do better, it registers its own kernel for that op, and wins.

In PyTorch: `aten/src/ATen/core/dispatch/Dispatcher.h`, `c10/core/DispatchKey.h` (`CompositeExplicitAutograd`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox._grad_mode import is_grad_enabled, no_grad
from terox.autograd.variable import Variable
from terox.tensors.device import full_name
from terox.tensors.node import record
from terox.tensors.schema import derivative_of
from terox.tensors.table import COMPOSITE, KERNELS, Kernel, devices_of, no_kernel, register

__all__ = ["COMPOSITE", "KERNELS", "Kernel", "call", "devices_of", "find_kernel", "no_kernel", "register"]


def find_kernel(op: str, device: str) -> Kernel:
    """The kernel for `op` on `device`: the device's own, else the composite one. `KERNELS` is the table.

    Kernels can be registered at any time, so each call looks into the table as it is then, and leaves it as it is.
    Raises NotImplementedError if there is neither: `no_kernel(op, device)`, provided, makes that error.

    In PyTorch: `c10::Dispatcher`, `OperatorEntry::lookup`.
    """
    # TODO 2.5: look for two keys, in this order.

    raise NotImplementedError("Task 2.5: find_kernel")


def call(op: str, *args: Any) -> Any:
    """Run `op` on `args` (tensors, numbers, sizes, whatever it takes); record it where a gradient may be asked for.

    1. The kernel is the one for `op` and the device of the tensors: `common_device(op, tensors)`.
    2. Three reasons to return just what the kernel returns for `args`: nothing is to be recorded now
       (`is_grad_enabled()`); none of the tensors requires grad; or the op has no derivative of its own
       (`derivative_of(op)` is None): it is made of other ops, which record themselves, or has no gradient, as `<`.
    3. Otherwise run the kernel with recording off (the ops that it is made of shall leave no nodes), then let
       `record(derivative, args, result)` put a node behind the result, and return the result. `record` itself does the
       same with recording on or off.

    `tensors_in(args)` lists the tensors, at least one, also those in a list of tensors. These helpers are provided.
    The kernel runs once, gets `args` as they are, and may raise an error: then recording is as it was before.

    In PyTorch: what `torch/csrc/autograd/generated/VariableType.h` does for each op, under
    `at::AutoDispatchBelowADInplaceOrView`.
    """
    # TODO 2.5: the three steps, in this order.

    raise NotImplementedError("Task 2.5: call")


# ---- Provided ----


def tensors_in(args: Sequence[Any]) -> list[Any]:
    """All tensors among the arguments of an op, also those in a list or tuple."""
    found = [arg for arg in args if isinstance(arg, Variable)]
    if len(found) < len(args):  # in the order of the arguments, also where some are lists
        found = []
        for arg in args:
            if isinstance(arg, Variable):
                found.append(arg)
            elif isinstance(arg, (list, tuple)):
                found += [each for each in arg if isinstance(each, Variable)]
    return found


def common_device(op: str, tensors: Sequence[Any]) -> str:
    """The device of all `tensors`. Raises RuntimeError if they are on different ones."""
    device = tensors[0].impl.storage.device
    for tensor in tensors:
        if tensor.impl.storage.device != device:
            raise RuntimeError(f"{op}: Expected all tensors to be on the same device, but found at least two devices, "
                               f"{full_name(device)} and {full_name(tensor.device)}!")
    return device
