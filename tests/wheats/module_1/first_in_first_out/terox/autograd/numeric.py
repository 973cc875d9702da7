"""Derivatives by trying: the central difference, and `gradcheck`, which holds `backward` against it.

In PyTorch: `torch/autograd/gradcheck.py`.

A right solution built another way: an inner function of one number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from terox._grad_mode import no_grad
from terox.autograd.engine import grad
from terox.autograd.variable import Variable


class GradcheckError(RuntimeError):
    """The derivative that `backward` gives is not the one that the function has."""


def central_difference(f: Callable[..., float], *values: float, arg: int = 0, epsilon: float = 1e-6) -> float:
    """The derivative of `f` with respect to its argument number `arg` at `values`, approximately.

    `(f(..., x + epsilon, ...) - f(..., x - epsilon, ...)) / (2 * epsilon)`: the slope of the line through two points
    around x. Its error shrinks with `epsilon**2`; that of the one-sided difference only with `epsilon`.

    `values` are the arguments of `f`; only the one at place `arg` is moved.
    """
    def along(x: float) -> float:
        return f(*values[:arg], x, *values[arg + 1:])

    rise = along(values[arg] + epsilon) - along(values[arg] - epsilon)
    return rise / epsilon / 2.0


def gradcheck(func: Callable[..., Any], inputs: Sequence[Any], eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Whether `backward` through `func` agrees with the central difference, for every input that requires grad.

    func: a function of Scalars that returns one Scalar. inputs: its arguments; numbers are left alone.

    Returns True, or raises GradcheckError that names the input and both derivatives (returns False if not
    `raise_exception`). Raises ValueError if no input requires grad.

    In PyTorch: `torch.autograd.gradcheck`.
    """
    inputs = list(inputs)
    places = [n for n, value in enumerate(inputs) if isinstance(value, Variable) and value.requires_grad]
    if not places:
        raise ValueError("gradcheck expects at least one input that requires grad")

    # An upstream gradient that is not 1: a backward that forgets to multiply by it shall not pass.
    upstream = 0.75
    analytic = grad(func(*inputs), [inputs[n] for n in places], upstream, allow_unused=True)

    def plain(*values: float) -> float:
        with no_grad():
            moved = [type(old)._wrap(value, None) if isinstance(old, Variable) else old
                     for old, value in zip(inputs, values)]
            return float(func(*moved))

    raw = [value.data if isinstance(value, Variable) else value for value in inputs]
    for place, derivative in zip(places, analytic):
        numeric = central_difference(plain, *raw, arg=place, epsilon=eps)
        got = 0.0 if derivative is None else float(derivative) / upstream
        if not abs(got - numeric) <= atol + rtol * abs(numeric):
            if not raise_exception:
                return False
            raise GradcheckError(
                f"gradcheck: for input {place} = {raw[place]!r}, backward gives {got!r}, "
                f"the central difference gives {numeric!r}"
            )
    return True
