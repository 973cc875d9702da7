"""The methods of Tensor that change it in place. Provided.

The op is computed as ever, into new memory and with its node; then the numbers are copied into this tensor's memory,
and it takes over the node. So every op has an in-place form, with the right gradient, without a line of its own. The
price is the copy.

In PyTorch: `torch/csrc/autograd/VariableTypeUtils.h`, `check_inplace`, `rebase_history`, `increment_version`.
"""

from __future__ import annotations

from typing import Any, Self

from terox._grad_mode import state
from terox.tensors import dtype as dtypes
from terox.tensors.arithmetic import bounds, fill_value, is_operand, mask_operand, operand
from terox.tensors.dispatcher import call, find_kernel


def _operator(op: str) -> Any:
    """The method for an operator that changes its left side: `x += other`."""

    def method(self: Any, other: Any) -> Any:
        return self._in_place(op, other) if is_operand(other) else NotImplemented

    return method


def _unary(op: str) -> Any:
    """The method for the in-place form of an op on one tensor."""

    def method(self: Any) -> Any:
        return self._in_place(op)

    method.__name__ = f"{op}_"
    method.__doc__ = f"`{op}`, in place."
    return method


class InPlace:
    """In-place forms of ops, which end in an underscore. Their result is this tensor.

    The result has to have the shape of this tensor, and a dtype that can be cast to its dtype; RuntimeError otherwise.
    """

    __slots__ = ()

    impl: Any
    _edge: Any
    _view: Any
    _leave_views: Any
    grad_fn: Any
    retains_grad: Any
    retain_grad: Any
    _check_in_place: Any
    shape: Any
    dtype: Any
    device: Any
    _of: Any

    __iadd__ = _operator("add")
    __isub__ = _operator("sub")
    __imul__ = _operator("mul")
    __itruediv__ = _operator("div")
    __ifloordiv__ = _operator("floor_divide")
    __imod__ = _operator("remainder")
    __ipow__ = _operator("pow")
    __iand__ = _operator("bitwise_and")
    __ior__ = _operator("bitwise_or")
    __ixor__ = _operator("bitwise_xor")

    def add_(self, other: Any, *, alpha: float = 1) -> Any:
        """`self += alpha * other`."""
        return self._in_place("add", operand(other, "add_") if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: float = 1) -> Any:
        """`self -= alpha * other`."""
        return self._in_place("sub", operand(other, "sub_") if alpha == 1 else other * alpha)

    def mul_(self, other: Any) -> Any:
        """`self *= other`."""
        return self._in_place("mul", operand(other, "mul_"))

    def div_(self, other: Any) -> Any:
        """`self /= other`."""
        return self._in_place("div", operand(other, "div_"))

    def pow_(self, exponent: Any) -> Any:
        """`self **= exponent`."""
        return self._in_place("pow", operand(exponent, "pow_"))

    def clamp_(self, min: Any = None, max: Any = None) -> Any:
        """`clamp`, in place."""
        return self._in_place("clamp", *bounds(self, min, max))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """`masked_fill`, in place."""
        return self._in_place("masked_fill", mask_operand(mask), fill_value(self, value))

    neg_ = _unary("neg")
    abs_ = _unary("abs")
    exp_ = _unary("exp")
    log_ = _unary("log")
    sqrt_ = _unary("sqrt")
    relu_ = _unary("relu")
    sigmoid_ = _unary("sigmoid")
    tanh_ = _unary("tanh")

    # ---- How ----

    def _in_place(self, op: str, *args: Any) -> Self:
        """Run `op` on this tensor and `args`, and write the result into this tensor's memory, with its history."""
        self._check_in_place()
        result = call(op, self, *args)
        name = "copy_" if op == "copy_from" else f"{op}_"
        if result.impl.sizes != self.impl.sizes:
            raise RuntimeError(f"{name}: output with shape {list(self.shape)} doesn't match the broadcast shape "
                               f"{list(result.shape)}")
        if not dtypes.can_cast(result.dtype, self.dtype):
            raise RuntimeError(f"{name}: result type {result.dtype.name} can't be cast to the desired output type "
                               f"{self.dtype.name}")
        self._check_writable(name)
        if (result._edge is not None or self._edge is not None) and state.enabled:
            if self._view is not None:
                raise RuntimeError(f"{name}: writing in place through a view, where a gradient is needed, is not "
                                   "supported; compute a new tensor, assign with x[index] = ..., or write under "
                                   "`with terox.no_grad():`")
            edge = result.to(self.dtype)._edge
            if result._edge is not None:
                self._keep_old(result._edge[0])
            self._write(result)
            self._leave_views()
            self._take(edge)
        else:
            self._write(result)
        return self

    def _take(self, edge: Any) -> None:
        """Have `edge` as history from now on; where `grad` is retained, it will be that of the new numbers."""
        before = self.grad_fn
        moves = before is not None and before.watches is not None and self.retains_grad
        if moves:
            before.watch(self).retained = None
        self._edge = edge
        if moves:
            self.retain_grad()

    def _keep_old(self, node: Any) -> None:
        """Let `node`, which saved this tensor, keep a copy of what is now to be overwritten."""
        for saved in node.saved:
            if getattr(saved, "impl", None) is not None and saved.impl.storage is self.impl.storage:
                saved.impl = call("clone", self._of(saved.impl)).impl
                saved.version = 0

    def _write(self, source: Any) -> None:
        find_kernel("copy", self.device)(self.impl, source.impl)
        self.impl.storage.version += 1

    def _check_writable(self, op: str) -> None:
        impl = self.impl
        if impl.numel and any(stride == 0 and size > 1 for size, stride in zip(impl.sizes, impl.strides)):
            raise RuntimeError(f"{op}: unsupported operation: more than one element of the written-to tensor refers to "
                               "a single memory location. Please clone() the tensor before performing the operation.")

    def copy_(self, source: Any) -> Self:
        """Take over the numbers of `source`, broadcast and converted. On a leaf that requires grad, under `no_grad`."""
        if hasattr(source, "impl") and (source.dtype is not self.dtype or source.device != self.device):
            source = source.to(self)
        return self._in_place("copy_from", source)

    def fill_(self, value: Any) -> Self:
        """Make every element `value`, a number or a tensor without dimensions."""
        if hasattr(value, "impl") and value.dim():
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.dim()} "
                               "dimensions.")
        return self.copy_(value)

    def zero_(self) -> Self:
        """Make every element zero."""
        return self.copy_(0)
