"""dtype: what kind of number a tensor holds, and what comes out where kinds meet.

There are four, in this order: bool, int64, float32, float64. Where two meet, the later one wins, so that the result can
hold what went in (as PyTorch says it: int64 with float32 gives float32). Numbers without dimensions have less of a say:
`x * 2.0` does not turn float32 into float64, see `result_type`.

In PyTorch: `c10/core/ScalarType.h`, `promoteTypes`; `aten/src/ATen/native/TypeProperties.cpp`, `result_type`.
"""

from __future__ import annotations

import builtins
import functools
from typing import Any

import numpy as np


class dtype:
    """A kind of number. There is one object for each kind, so `is` and `==` are the same question.

    name: "float32" and so on.
    numpy: NumPy's dtype of the same numbers.
    category: 0 for bool, 1 for integers, 2 for floating-point numbers.
    rank: the place in the order of promotion.
    is_floating_point: whether it is of category 2; only such tensors can require grad.
    itemsize: bytes in one element.

    In PyTorch: `torch.dtype`; `torch/csrc/Dtype.h`.
    """

    __slots__ = ("name", "numpy", "category", "rank", "is_floating_point", "itemsize")

    def __init__(self, name: str, category: int, rank: int) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.category = category
        self.rank = rank
        self.is_floating_point = category == 2
        self.itemsize = self.numpy.itemsize

    def __repr__(self) -> str:
        return f"terox.{self.name}"

    def __reduce__(self) -> str:
        # The name of a global: a copied or unpickled dtype is the same object again.
        return self.name


# Named as in PyTorch. In this file `bool` is the dtype from here on, and Python's type is `builtins.bool`.
bool = dtype("bool", category=0, rank=0)
int64 = dtype("int64", category=1, rank=1)
float32 = dtype("float32", category=2, rank=2)
float64 = dtype("float64", category=2, rank=3)

ALL = (bool, int64, float32, float64)

_OF_PYTHON = {builtins.bool: bool, int: int64, float: float64}
_NUMBERS = (int, float, np.generic)  # a Python bool is an int
_OF_NUMPY = {each.numpy: each for each in ALL}

_default = float32


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats; float32 at first.

    In PyTorch: `torch.get_default_dtype`.
    """
    return _default


def set_default_dtype(d: dtype) -> None:
    """Let Python floats become tensors of dtype `d`.

    Raises TypeError unless `d` is a floating-point dtype.

    In PyTorch: `torch.set_default_dtype`.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"set_default_dtype: only floating-point types are supported as the default type, not {d!r}")
    _default = d


def as_dtype(value: Any, op: str = "as_dtype") -> dtype:
    """The dtype that a caller means by `value`.

    value: a dtype of ours; Python's `bool`, `int` or `float` (which are bool, int64 and float64, as in PyTorch); or a
        dtype of NumPy.
    op: the operation that asks, for the message.

    Raises TypeError for anything else, names as strings and None among them.
    """
    if isinstance(value, dtype):
        return value
    if isinstance(value, type):
        if value in _OF_PYTHON:
            return _OF_PYTHON[value]
        if issubclass(value, np.generic):
            value = np.dtype(value)
    if isinstance(value, np.dtype):
        if value in _OF_NUMPY:
            return _OF_NUMPY[value]
        raise TypeError(f"{op}(): NumPy's {value} is not supported; the dtypes are {', '.join(map(repr, ALL))}")
    raise TypeError(f"{op}(): argument 'dtype' must be terox.dtype, not {type(value).__name__}")


def of_number(x: Any) -> dtype:
    """The dtype of a Python number (or a scalar of NumPy): bool, int64, or for a float the default dtype.

    Raises TypeError for anything that is not such a number.
    """
    if isinstance(x, float):
        return _default
    if isinstance(x, builtins.bool | np.bool_):
        return bool
    if isinstance(x, int | np.integer):
        return int64
    if isinstance(x, np.floating):
        return _default
    raise TypeError(f"expected a tensor or a number (bool, int or float), not {type(x).__name__}")


def promote_types(a: dtype, b: dtype) -> dtype:
    """The dtype that can stand for both: the later of the two in bool, int64, float32, float64.

    Raises TypeError for anything that is not a dtype.

    In PyTorch: `torch.promote_types`.
    """
    for each in (a, b):
        if not isinstance(each, dtype):
            raise TypeError(f"promote_types(): arguments must be terox.dtype, not {type(each).__name__}")
    return a if a.rank >= b.rank else b


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether a result of dtype `from_` may be written into a tensor of dtype `to`, as in-place operations do.

    The category must not get smaller: float64 into float32 may lose digits, but float32 into int64 is a mistake.

    Raises TypeError for anything that is not a dtype.

    In PyTorch: `torch.can_cast`; `c10/core/ScalarType.h`, `canCast`.
    """
    for each in (from_, to):
        if not isinstance(each, dtype):
            raise TypeError(f"can_cast(): arguments must be terox.dtype, not {type(each).__name__}")
    return from_.category <= to.category


def result_type(*operands: Any) -> dtype:
    """The dtype of an elementwise operation on `operands`, tensors and Python numbers.

    Tensors with dimensions decide first, then 0-d tensors, then Python numbers. Within one of these groups the operands
    are promoted; a later group is heard only if it is of a higher category (bool, integers, floating point). So a
    float32 tensor times 2.0 or times a 0-d float64 tensor stays float32, but an int64 tensor times 2.0 gets the default
    dtype.

    Raises TypeError for an operand that is neither a tensor (with `dtype` and `dim()`) nor a number.

    In PyTorch: `torch.result_type`; `aten/src/ATen/native/TypeProperties.cpp`, `update_result_type_state`.
    """
    # Of the tensors; of the numbers.
    common = number = None
    mixed = False
    for operand in operands:
        if isinstance(operand, _NUMBERS):
            own = of_number(operand)
            if number is None or own.rank > number.rank:
                number = own
            continue
        own = getattr(operand, "dtype", None)
        if own is not common or common is None:
            if type(own) is not dtype:
                raise TypeError(f"expected a tensor or a number (bool, int or float), not {type(operand).__name__}")
            mixed = common is not None
            common = own
    if mixed:
        # Only where tensors differ does it matter which of them have dimensions.
        common = _of_tensors(operands)
    if common is None and number is None:
        raise TypeError("result_type() needs at least one operand")
    if common is None or (number is not None and number.category > common.category):
        return number
    return common


def _of_tensors(operands: tuple[Any, ...]) -> dtype:
    """The result type of those operands that are tensors."""
    tensors = [each for each in operands if not isinstance(each, _NUMBERS)]
    result = None
    for group in ([each for each in tensors if each.dim()], [each for each in tensors if not each.dim()]):
        if group:
            own = functools.reduce(promote_types, [each.dtype for each in group])
            if result is None or own.category > result.category:
                result = own
    return result
