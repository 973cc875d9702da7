"""Parameter: a value that a module owns and an optimizer changes.

In PyTorch: `torch/nn/parameter.py`, `Parameter` and `_ParameterMeta`.
"""

from __future__ import annotations

from typing import Any

# What a value must have so that it can be a parameter. Scalar (module 1) and Tensor (module 2) have it.
_PROTOCOL = ("_is_param", "requires_grad", "grad", "detach", "copy_")


def can_be_parameter(value: Any) -> bool:
    """Whether `value` has all that a parameter needs."""
    return all(hasattr(value, name) for name in _PROTOCOL)


class _ParameterMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        # A parameter is a Scalar or Tensor that carries the mark; there is no class of parameters.
        return getattr(instance, "_is_param", False) is True


class Parameter(metaclass=_ParameterMeta):
    """`Parameter(value)` detaches `value` from its history, marks the result as a parameter and returns it.

    The result has the class of `value` (a Scalar stays a Scalar); `isinstance(p, Parameter)` asks for the mark.

    Raises TypeError for anything that cannot be a parameter, plain numbers among them: a number cannot hold a
    gradient.
    """

    def __new__(cls, value: Any, requires_grad: bool = True) -> Any:
        if not can_be_parameter(value):
            raise TypeError(
                f"Parameter: a {type(value).__name__} cannot be a parameter; "
                "it needs a value that can hold a gradient, such as terox.Scalar(0.5)"
            )
        marked = value.detach()
        marked.requires_grad = requires_grad
        marked._is_param = True
        return marked
