"""`Module.to`: all that a module holds, on another device or in another dtype. Provided.

In PyTorch: `torch/nn/modules/module.py`, `Module._apply`, `Module.to`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from terox._grad_mode import no_grad


class MovingMixin:
    """The half of `Module` that moves it. It works in place: parameters stay the objects that an optimizer knows."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]

    def _apply(self, fn: Callable[[Any], Any]) -> Self:
        """Replace the numbers of every parameter, its gradient and every buffer by what `fn` makes of them."""
        for child in self._modules.values():
            if child is not None:
                child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            with no_grad():
                data, gradient = fn(parameter.data), None if parameter.grad is None else fn(parameter.grad)
                parameter.grad = None
                parameter.data, parameter.grad = data, gradient
        for name, value in self._buffers.items():
            if hasattr(value, "to"):
                self._buffers[name] = fn(value)
        return self

    def to(self, *args: Any, dtype: Any = None, device: str | None = None) -> Self:
        """`model.to("cuda")`, `model.to(terox.float64)`: this module, changed in place. A dtype has to be a
        floating-point one (TypeError otherwise); what is of whole numbers keeps its own."""
        for arg in args:
            if isinstance(arg, str):
                device = arg
            elif hasattr(arg, "impl"):
                dtype, device = arg.dtype, arg.device
            else:
                dtype = arg
        if dtype is not None and not getattr(dtype, "is_floating_point", dtype is float):
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        return self._apply(lambda value: value.to(device=device, dtype=dtype if value.is_floating_point() else None))

    def cuda(self) -> Self:
        """Everything on the GPU."""
        return self._apply(lambda value: value.cuda())

    def cpu(self) -> Self:
        """Everything in the host's memory."""
        return self._apply(lambda value: value.cpu())

    def float(self) -> Self:
        """Floating-point numbers as float32."""
        return self._apply(lambda value: value.float() if value.is_floating_point() else value)

    def double(self) -> Self:
        """Floating-point numbers as float64."""
        return self._apply(lambda value: value.double() if value.is_floating_point() else value)
