"""Elementwise ops: one row for each, with the scalar function that is mapped over the elements. Provided.

The functions are module 0's, and further ones from operators.py. What the device does with them is its affair: module 2
calls them in a loop, module 3 compiles them.

In PyTorch: `aten/src/ATen/native/native_functions.yaml`; `aten/src/ATen/native/cpu/BinaryOpsKernel.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from terox.foundations import operators as base
from terox.tensors import operators as ops
from terox.tensors.device import ALLOCATORS
from terox.tensors.dispatcher import COMPOSITE, find_kernel, register
from terox.tensors.dtype import bool as bool_
from terox.tensors.dtype import result_type
from terox.tensors.iterator import BOOL, FLOAT, SAME, elementwise, prepare
from terox.tensors.tensor import Tensor

# op -> (function, function for whole numbers where it is another one, dtype of the result)
OPS: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None, str]] = {
    "add": (base.add, None, SAME),
    "sub": (base.sub, None, SAME),
    "mul": (base.mul, None, SAME),
    "div": (base.div, None, FLOAT),
    "floor_divide": (ops.floor_divide, ops.floor_divide_int, SAME),
    "remainder": (ops.remainder, ops.remainder_int, SAME),
    "pow": (base.pow, ops.pow_int, SAME),
    "maximum": (base.max, None, SAME),
    "minimum": (ops.min, None, SAME),
    "neg": (base.neg, None, SAME),
    "abs": (ops.abs, ops.abs_int, SAME),
    "sign": (ops.sign, None, SAME),
    "reciprocal": (base.inv, None, FLOAT),
    "exp": (base.exp, None, FLOAT),
    "log": (base.log, None, FLOAT),
    "sqrt": (ops.sqrt, None, FLOAT),
    "rsqrt": (ops.rsqrt, None, FLOAT),
    "sin": (ops.sin, None, FLOAT),
    "cos": (ops.cos, None, FLOAT),
    "erf": (ops.erf, None, FLOAT),
    "tanh": (base.tanh, None, FLOAT),
    "sigmoid": (base.sigmoid, None, FLOAT),
    "relu": (base.relu, ops.relu_int, SAME),
    "floor": (ops.floor, base.id, SAME),
    "ceil": (ops.ceil, base.id, SAME),
    "clamp": (ops.clamp, ops.clamp_int, SAME),
    "relu_back": (base.relu_back, None, SAME),
    "eq": (base.eq, None, BOOL),
    "ne": (ops.ne, None, BOOL),
    "lt": (base.lt, None, BOOL),
    "le": (ops.le, None, BOOL),
    "gt": (ops.gt, None, BOOL),
    "ge": (ops.ge, None, BOOL),
    "isclose": (base.is_close, None, BOOL),
    "isnan": (ops.isnan, None, BOOL),
    "isinf": (ops.isinf, None, BOOL),
    "isfinite": (ops.isfinite, None, BOOL),
    "logical_and": (ops.logical_and, None, BOOL),
    "logical_or": (ops.logical_or, None, BOOL),
    "logical_xor": (ops.logical_xor, None, BOOL),
    "logical_not": (ops.logical_not, None, BOOL),
    "bitwise_and": (ops.bitwise_and, None, SAME),
    "bitwise_or": (ops.bitwise_or, None, SAME),
    "bitwise_xor": (ops.bitwise_xor, None, SAME),
    "bitwise_not": (ops.bitwise_not, None, SAME),
}

# Ops that PyTorch refuses for tensors of bool, with the words that say what to take instead.
_NOT_FOR_BOOL = {
    "sub": "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
           "use the `~` or `logical_not()` operator instead.",
    "neg": "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
           "`~` or `logical_not()` operator instead.",
    "relu": "Boolean inputs not supported for relu",
    **{op: f"{op}: not implemented for bool tensors" for op in ("abs", "clamp", "floor_divide", "pow", "remainder")},
}
_ONLY_WHOLE = ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")


def _kernel(op: str, fn: Callable[..., Any], whole: Callable[..., Any] | None, result: str) -> Callable[..., Tensor]:
    if whole is None and op not in _NOT_FOR_BOOL and op not in _ONLY_WHOLE:
        return lambda *operands: elementwise(op, fn, operands, result)

    def kernel(*operands: Any) -> Tensor:
        if op not in _ONLY_WHOLE and _all_floats(operands):
            return elementwise(op, fn, operands, result)
        dtype = result_type(*operands)
        if dtype is bool_ and op in _NOT_FOR_BOOL and any(_is_bool(operand) for operand in operands):
            raise RuntimeError(_NOT_FOR_BOOL[op])
        if op == "sub" and any(_is_bool(operand) for operand in operands):
            raise RuntimeError(_NOT_FOR_BOOL[op])
        if op in _ONLY_WHOLE and dtype.is_floating_point:
            raise RuntimeError(f"{op}: not implemented for {dtype.name} tensors")
        if dtype.is_floating_point or whole is None:
            used = ops.logical_not if dtype is bool_ and op == "bitwise_not" else fn
        else:
            used = whole
            _check_whole(op, operands)
        return elementwise(op, used, operands, result)

    return kernel


def _all_floats(operands: Sequence[Any]) -> bool:
    """Whether all are tensors of floating-point numbers, for which none of the exceptions holds."""
    for operand in operands:
        if operand.__class__ is not Tensor or not operand.impl.storage.dtype.is_floating_point:
            return False
    return True


def _is_bool(operand: Any) -> bool:
    return isinstance(operand, bool) or getattr(operand, "dtype", None) is bool_


def _check_whole(op: str, operands: Any) -> None:
    """What has no result in whole numbers."""
    if op in ("floor_divide", "remainder") and _any(operands[1], lambda number: number == 0):
        raise RuntimeError(f"{op}: ZeroDivisionError, a whole number divided by zero")
    if op == "pow" and not isinstance(operands[1], Tensor) and operands[1] < 0:
        raise RuntimeError("pow: Integers to negative integer powers are not allowed.")


def _any(operand: Any, wanted: Callable[[Any], bool]) -> bool:
    """Whether a number among those of `operand` is `wanted`. Nobody looks into another memory than the host's: PyTorch
    does not wait for a GPU here either, and lets it divide whole numbers by 0."""
    if isinstance(operand, Tensor) and operand.device in ALLOCATORS:
        return False
    numbers = operand.numpy().flat if isinstance(operand, Tensor) else [operand]
    return any(wanted(number) for number in numbers)


def where(condition: Tensor, x: Any, y: Any) -> Tensor:
    """`x` where `condition`, else `y`. The condition takes no part in promotion."""
    return _where("where", condition, x, y)


def _where(op: str, condition: Tensor, x: Any, y: Any) -> Tensor:
    if condition.dtype is not bool_:
        raise RuntimeError(f"{op} expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{condition.dtype.name}")
    out, (first, second) = prepare(op, (x, y), also=[condition])
    mask = condition.impl.expand(out.impl.sizes)
    find_kernel("elementwise", out.device)(ops.where, out.impl, mask, first, second)
    return out


def masked_fill(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`where`, in the order of arguments that the in-place form needs."""
    return _where("masked_fill", mask, value, self)


register("where", COMPOSITE, where)
register("masked_fill", COMPOSITE, masked_fill)
for _op, _row in OPS.items():
    register(_op, COMPOSITE, _kernel(_op, *_row))
