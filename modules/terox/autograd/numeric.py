"""Derivatives by trying: the central difference, and `gradcheck`, which holds `backward` against it.

In PyTorch: `torch/autograd/gradcheck.py`.
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
    # TODO 1.1: two copies of the arguments, moved up and down at one place.

    raise NotImplementedError("Task 1.1: central_difference")


def gradcheck(func: Callable[..., Any], inputs: Sequence[Any], eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Whether `backward` through `func` agrees with the central difference, for every input that requires grad.

    func: a function of Scalars that returns one Scalar, or of Tensors (float64, for the sake of the difference) that
    returns one Tensor, of any shape. inputs: its arguments; numbers are left alone.

    Returns True, or raises GradcheckError that names the input and both derivatives (returns False if not
    `raise_exception`). Raises ValueError if no input requires grad.

    In PyTorch: `torch.autograd.gradcheck`.
    """
    inputs = list(inputs)
    places = [n for n, value in enumerate(inputs) if isinstance(value, Variable) and value.requires_grad]
    if not places:
        raise ValueError("gradcheck expects at least one input that requires grad")

    # Upstream gradients that are not 1, and differ: a backward that forgets to multiply by them shall not pass.
    output = func(*inputs)
    upstream = [0.75 + 0.5 * (n % 3) for n in range(len(output._numbers()))]
    analytic = grad(output, [inputs[n] for n in places], output._like(upstream), allow_unused=True)

    for place, derivative in zip(places, analytic):

        def weighted(*numbers: float, place: int = place) -> float:
            with no_grad():
                moved = [value.detach() if isinstance(value, Variable) else value for value in inputs]
                moved[place] = inputs[place]._like(numbers)
                return sum(weight * number for weight, number in zip(upstream, func(*moved)._numbers()))

        numbers = inputs[place]._numbers()
        got = [0.0] * len(numbers) if derivative is None else derivative._numbers()
        for arg, analytic_number in enumerate(got):
            numeric = central_difference(weighted, *numbers, arg=arg, epsilon=eps)
            if abs(analytic_number - numeric) <= atol + rtol * abs(numeric):
                continue
            if not raise_exception:
                return False
            where = f"input {place}" + (f", element {arg}" if len(numbers) > 1 else "") + f" = {numbers[arg]!r}"
            raise GradcheckError(
                f"gradcheck: for {where}, backward gives {analytic_number / upstream[0]!r}, "
                f"the central difference gives {numeric / upstream[0]!r}"
                if len(upstream) == 1 else
                f"gradcheck: for {where}, backward gives {analytic_number!r}, the central difference gives "
                f"{numeric!r}, both for the gradient {upstream} of the output"
            )
    return True
