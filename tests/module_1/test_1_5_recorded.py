"""Task 1.5: derivatives of derivatives, for which the backward pass is itself recorded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import check, oracle
from course.graphs import gradient_of
from terox.autograd import grad
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.5")


def leaf(number):
    return Scalar(number, requires_grad=True)


DERIVATIVES = [
    ("x ** 3", lambda x: x**3, [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6.0]),
    ("x * x * x", lambda x: x * x * x, [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6.0]),
    ("x * x.relu()", lambda x: x * x.relu(), [lambda x: 2 * x if x > 0 else 0.0, lambda x: 2.0 if x > 0 else 0.0]),
    ("3 / x", lambda x: 3 / x, [lambda x: -3 / x**2, lambda x: 6 / x**3, lambda x: -18 / x**4]),
    ("x.exp()", lambda x: x.exp(), [math.exp, math.exp, math.exp]),
    ("(x * x).log()", lambda x: (x * x).log(), [lambda x: 2 / x, lambda x: -2 / x**2, lambda x: 4 / x**3]),
    (
        "x.sigmoid()",
        lambda x: x.sigmoid(),
        [
            lambda x: oracle.sigmoid(x) * oracle.sigmoid(-x),
            lambda x: oracle.sigmoid(x) * oracle.sigmoid(-x) * (1 - 2 * oracle.sigmoid(x)),
            lambda x: (
                oracle.sigmoid(x) * oracle.sigmoid(-x) * (1 - 6 * oracle.sigmoid(x) + 6 * oracle.sigmoid(x) ** 2)
            ),
        ],
    ),
    (
        "x.tanh()",
        lambda x: x.tanh(),
        [
            lambda x: 1 - math.tanh(x) ** 2,
            lambda x: -2 * math.tanh(x) * (1 - math.tanh(x) ** 2),
            lambda x: (6 * math.tanh(x) ** 2 - 2) * (1 - math.tanh(x) ** 2),
        ],
    ),
]


@pytest.mark.parametrize(("text", "function", "closed_forms"), DERIVATIVES, ids=[row[0] for row in DERIVATIVES])
@given(x=st.one_of(st.floats(0.25, 2.0), st.floats(-2.0, -0.25)))
def test_derivatives_of_derivatives(text, function, closed_forms, x):
    """With create_graph=True a derivative is computed by recorded operations, and can be differentiated again."""
    variable = leaf(x)
    value = function(variable)
    for order, closed_form in enumerate(closed_forms, start=1):
        call = f"derivative number {order} of {text} at x = {x!r}, by grad(..., create_graph=True)"
        check.that(value.requires_grad, f"Derivative number {order - 1} lost its history.", call=call)
        (value,) = grad(value, [variable], create_graph=True)
        check.that(isinstance(value, Scalar), "With create_graph=True, gradients are Scalars.", call=call, got=value)
        right = closed_form(x)
        check.close(value.item(), right, call=call, rtol=1e-8, atol=1e-12)


@given(a=st.floats(0.5, 3.0), b=st.floats(0.5, 3.0))
def test_mixed_derivatives(a, b):
    """The second derivatives of a / b in both variables are those of the closed forms."""
    x, y = leaf(a), leaf(b)
    of_x, of_y = grad(x / y, [x, y], create_graph=True)
    (xy,) = grad(of_x, [y], retain_graph=True)
    yx, yy = grad(of_y, [x, y])
    check.all_close(
        [float(each) for each in (xy, yx, yy)],
        [-1 / b**2, -1 / b**2, 2 * a / b**3],
        rtol=1e-9,
        call=f"the second derivatives (xy, yx, yy) of x / y at x = {a!r}, y = {b!r}",
    )


def test_backward_with_create_graph():
    """backward(create_graph=True) leaves a grad with a history, and shared gradients are not changed by adding."""
    x, y = leaf(3.0), leaf(5.0)
    (x + y + x * y + x).backward(create_graph=True)
    check.close(gradient_of(x, "x"), 7.0, call="x.grad after (x + y + x * y + x).backward(create_graph=True)")
    check.close(gradient_of(y, "y"), 4.0, call="y.grad after (x + y + x * y + x).backward(create_graph=True)")
    (second,) = grad(x.grad, [y])
    check.close(float(second), 1.0, call="grad(x.grad, [y]): the derivative of x.grad for y")
