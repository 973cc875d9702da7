"""Task 1.5, with 1.1: `gradcheck`, which is provided, holds the engine against the central difference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import check
from terox.autograd.function import Function
from terox.autograd.numeric import GradcheckError, gradcheck
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.5")

NUMBERS = st.one_of(st.floats(0.3, 2.0), st.floats(-2.0, -0.3))


class Good(Function):
    """`x * x * y`, with a right derivative."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * 2.0 * x * y, upstream * x * x


class Turned(Good):
    """The two gradients in the wrong order."""

    @staticmethod
    def backward(ctx, upstream):
        return Good.backward(ctx, upstream)[::-1]


class Ignoring(Good):
    """The gradient that comes in is ignored."""

    @staticmethod
    def backward(ctx, upstream):
        return Good.backward(ctx, 1.0)


class Halved(Good):
    """One gradient is too small."""

    @staticmethod
    def backward(ctx, upstream):
        first, second = Good.backward(ctx, upstream)
        return first, second * 0.5


class Nothing(Good):
    """One gradient is missing."""

    @staticmethod
    def backward(ctx, upstream):
        return Good.backward(ctx, upstream)[0], None


def inputs(x, y):
    return Scalar(x, requires_grad=True), Scalar(y, requires_grad=True)


@given(x=NUMBERS, y=NUMBERS)
def test_it_accepts_what_is_right(x, y):
    """gradcheck returns True for a right derivative, whichever of the inputs require grad."""
    pair = inputs(x, y)
    call = f"gradcheck(Good.apply, [{x!r}, {y!r}])"
    check.that(gradcheck(Good.apply, pair) is True, "A right derivative was rejected.", call=call)
    check.that(gradcheck(Good.apply, [pair[0], y]) is True, "A right derivative was rejected.", call=call)
    check.that(
        gradcheck(lambda a, b: a * b + a / b - (a * a).exp() * 0.1, pair) is True,
        "A right derivative was rejected.",
        call="gradcheck(lambda a, b: a * b + a / b - (a * a).exp() * 0.1, ...)",
    )
    check.that(pair[0].grad is None, "gradcheck must not touch grad.", call=call)


@pytest.mark.parametrize("wrong", [Turned, Ignoring, Halved, Nothing])
@given(x=NUMBERS)
def test_it_rejects_what_is_wrong(wrong, x):
    """gradcheck raises GradcheckError, a RuntimeError that names the input, for a wrong derivative."""
    pair = inputs(x, x + 3.0)
    call = f"gradcheck(f, [{x!r}, {x + 3.0!r}]) for an f whose backward is wrong: {wrong.__doc__}"
    accepted = gradcheck(wrong.apply, pair, raise_exception=False)
    check.that(accepted is False, "A wrong derivative was accepted.", call=call, got=accepted)
    error = check.raises(RuntimeError, lambda: gradcheck(wrong.apply, pair), call=call, mentions=("input",))
    check.that(isinstance(error, GradcheckError), "The error should be a GradcheckError.", call=call, got=error)


def test_it_needs_an_input_that_requires_grad():
    """gradcheck raises ValueError where there is nothing to check."""
    check.that(
        gradcheck(Good.apply, inputs(1.0, 2.0)), "A right derivative was rejected.", call="gradcheck(Good.apply, ...)"
    )
    check.raises(
        ValueError,
        lambda: gradcheck(Good.apply, [Scalar(1.0), 2.0]),
        call="gradcheck(Good.apply, [Scalar(1.0), 2.0])",
    )
