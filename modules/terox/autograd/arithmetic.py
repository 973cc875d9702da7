"""Arithmetic that works on raw numbers and on Variables alike: what a `backward` is written with. Provided.

A `backward` gets floats, or, when the backward pass is itself recorded, Scalars. `+`, `-`, `*` do for both. Where
Python raises an error for floats (`1.0 / 0.0`, `0.0 ** -1.0`), take the function from here: for floats it is module
0's total operator, for Variables it is the recorded operation.

In PyTorch: the formulas of `tools/autograd/derivatives.yaml`, and `torch/csrc/autograd/FunctionsManual.cpp`.
"""

from __future__ import annotations

from typing import Any

from terox.autograd.variable import Variable
from terox.foundations import operators


def div(x: Any, y: Any) -> Any:
    """`x / y`."""
    if isinstance(x, Variable) or isinstance(y, Variable):
        return x / y
    return operators.div(x, y)


def pow(x: Any, y: Any) -> Any:
    """`x ** y`."""
    if isinstance(x, Variable) or isinstance(y, Variable):
        return x**y
    return operators.pow(x, y)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return x.log() if isinstance(x, Variable) else operators.log(x)


def relu_back(x: Any, d: Any) -> Any:
    """`d` where `x > 0`, else 0. `x` may be the input of relu or its output: they have the same sign."""
    if isinstance(x, Variable) or isinstance(d, Variable):
        return d * (0.0 if x <= 0.0 else 1.0)
    return operators.relu_back(x, d)


def log_back(x: Any, d: Any) -> Any:
    """`d / x`."""
    if isinstance(x, Variable) or isinstance(d, Variable):
        return d / x
    return operators.log_back(x, d)


def inv_back(x: Any, d: Any) -> Any:
    """`-d / x**2`."""
    if isinstance(x, Variable) or isinstance(d, Variable):
        return -d / (x * x)
    return operators.inv_back(x, d)
