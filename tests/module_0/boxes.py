"""What the tests of task 0.4 put into modules: the smallest value that can be a parameter."""

from __future__ import annotations

from terox.foundations.parameter import Parameter


class Box:
    """A number in a box. Like a Tensor, its `==` gives another Box, and whether that is true cannot be asked."""

    def __init__(self, value: float, requires_grad: bool = False) -> None:
        self.value = value
        self.requires_grad = requires_grad
        self.grad: Box | None = None
        self._is_param = False

    def detach(self) -> Box:
        return Box(self.value)

    def copy_(self, other: Box) -> Box:
        self.value = other.value
        return self

    def __mul__(self, factor: float) -> Box:
        return Box(self.value * factor)

    def __eq__(self, other: object) -> Box:  # type: ignore[override]
        return Box(1.0 if isinstance(other, Box) and other.value == self.value else 0.0)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError("A value was asked whether it is true: by `if value`, by `==`, or by `in` on a list, which "
                        "uses `==`. Values are compared with `is`: `value is not None`, `a is b`.")

    def __repr__(self) -> str:
        return f"{'Parameter' if self._is_param else 'Box'}({self.value})"


def parameter(value: float = 1.0) -> Box:
    """A new Parameter; those with equal values are different parameters all the same."""
    return Parameter(Box(value))
