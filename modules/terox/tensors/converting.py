"""The methods of Tensor that give it another dtype or bring it to another device. Provided.

In PyTorch: `aten/src/ATen/native/TensorConversions.cpp`; `tools/autograd/templates/python_variable_methods.cpp`.
"""

from __future__ import annotations

from typing import Any

from terox.tensors import device as devices
from terox.tensors import dtype as dtypes
from terox.tensors.dispatcher import call


class Converting:
    """`to` and its short forms; and new tensors like this one. Gradients go the way back."""

    __slots__ = ()

    dtype: Any
    device: Any

    def to(self, *args: Any, dtype: Any = None, device: str | None = None) -> Any:
        """`x.to(terox.float64)`, `x.to("cuda")`, `x.to(other)`: this tensor, if it is so already, else a copy."""
        for arg in args:
            if isinstance(arg, str):
                device = arg
            elif isinstance(arg, Converting):
                dtype, device = arg.dtype, arg.device
            else:
                dtype = arg
        out: Any = self
        if device is not None and (name := devices.check(device)) != self.device:
            out = call("_to_device", out, name)
        if dtype is not None and dtypes.as_dtype(dtype, "to") is not self.dtype:
            out = call("_to_copy", out, dtypes.as_dtype(dtype, "to"))
        return out

    def cuda(self) -> Any:
        """On the GPU: this tensor, if it is there already, else a copy. Where there is no GPU, the simulator is one."""
        return self.to("cuda")

    def cpu(self) -> Any:
        """In the host's memory: this tensor, if it is there already, else a copy, which waits for the GPU."""
        return self.to(devices.host()) if self.device in devices.ALLOCATORS else self

    @property
    def is_cuda(self) -> bool:
        """Whether the device is "cuda"."""
        return self.device == "cuda"

    def new_zeros(self, *size: Any) -> Any:
        """Zeros of another size, with the dtype and device of this tensor."""
        from terox.tensors.factories import zeros

        return zeros(*size, dtype=self.dtype, device=self.device)

    def new_ones(self, *size: Any) -> Any:
        """Ones of another size, with the dtype and device of this tensor."""
        from terox.tensors.factories import ones

        return ones(*size, dtype=self.dtype, device=self.device)

    def type_as(self, other: Any) -> Any:
        """`x.to(other.dtype)`."""
        return self.to(other.dtype)

    def float(self) -> Any:
        """As float32."""
        return self.to(dtypes.float32)

    def double(self) -> Any:
        """As float64."""
        return self.to(dtypes.float64)

    def long(self) -> Any:
        """As int64."""
        return self.to(dtypes.int64)

    def bool(self) -> Any:
        """As bool: whether each element differs from zero."""
        return self.to(dtypes.bool)
