"""Task 1.3: the derivative of each Function, called directly: no graph, no engine."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from course import check, oracle
from course.graphs import Context
from terox.autograd import functions as F
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.3")

# An upstream gradient that is 1, or 0, hides most mistakes.
UPSTREAM = st.one_of(st.floats(1.5, 8.0), st.floats(-8.0, -0.25))
USUAL = st.floats(-4.0, 4.0)
ONE = ["Exp", "Log", "Relu", "Sigmoid"]
TWO = ["Add", "Mul", "Div"]


def backward(name, values, upstream, scalars=False):
    """The gradients for each argument, and the call in words; `forward` fills the ctx."""
    ctx, function = Context(), getattr(F, name)
    function.forward(ctx, *values)
    call = f"{name}.backward(ctx, {upstream!r}) after {name}.forward(ctx, {', '.join(map(repr, values))})"
    if scalars:
        ctx.as_scalars(*values[1:] if name == "Pow" else ())
        upstream = Scalar(upstream, requires_grad=True)
        call += ", all as Scalars"
    got = function.backward(ctx, upstream)
    check.that(got is not None, "It returned None. Is a `return` missing?", call=call)
    got = got if isinstance(got, tuple) else (got,)
    check.that(
        len(got) == len(values),
        f"{name} has {len(values)} input(s), so backward returns {len(values)} gradient(s): one for each, in order.",
        call=call,
        got=got,
    )
    return got, call


def compare(got, upstream, derivatives, call, atol=1e-12, more=None):
    """Each gradient is the upstream gradient times the derivative; what went wrong is named where it can be seen."""
    expected = [upstream * each for each in derivatives]
    for place, (one, right) in enumerate(zip(got, expected)):
        mistakes = dict(more[place] if more else {})
        if derivatives[place] != right:
            mistakes["That is the derivative alone: the gradient that comes in was ignored. Multiply by it."] = (
                derivatives[place]
            )
        if right != 0.0:
            mistakes["The sign is wrong."] = -right
        if upstream * right != right:
            mistakes["The gradient that comes in was multiplied twice."] = upstream * right
        if len(expected) == 2 and abs(expected[1 - place] - right) > 1e-6:
            mistakes["That is the gradient of the other input: is the order right?"] = expected[1 - place]
        check.close(
            one,
            right,
            call=call,
            atol=atol,
            mistakes=mistakes,
            note=f"This is the gradient of input number {place}." if len(expected) > 1 else None,
        )


@pytest.mark.parametrize("name", TWO)
@given(x=USUAL, y=USUAL, upstream=UPSTREAM)
@example(x=3.0, y=-2.0, upstream=5.0)
def test_a_function_of_two_numbers(name, x, y, upstream):
    """The two gradients are the derivatives for x and for y, in this order, each times the gradient that comes in."""
    operation = oracle.OPERATIONS[name]
    assume(operation.usual(x, y))
    got, call = backward(name, (x, y), upstream)
    more = None
    if name == "Div":
        more = [
            {"That is upstream * y: divide by y.": upstream * y},
            {
                "That is -upstream * x / y: the denominator is y squared.": -upstream * x / y,
                "That is -upstream / y**2: x is missing.": -upstream / (y * y),
            },
        ]
    compare(got, upstream, operation.derivatives(x, y), call, more=more)


@pytest.mark.parametrize("name", ONE)
@given(x=USUAL, upstream=UPSTREAM)
@example(x=2.0, upstream=5.0)
def test_a_function_of_one_number(name, x, upstream):
    """The gradient is the derivative at x, times the gradient that comes in."""
    operation = oracle.OPERATIONS[name]
    x = abs(x) if operation.positive else x
    assume(operation.usual(x))
    got, call = backward(name, (x,), upstream)
    saved = {
        "Exp": {
            "That is exp(exp(x)): what forward saved is the result already.": upstream * math.exp(math.exp(x)),
            "That is upstream * x. exp is its own derivative: let forward save its output, as in Tanh.": upstream * x,
        },
        "Log": {
            "That is upstream * x: divide by x.": upstream * x,
            "That is upstream / log(x): divide by the input, not by the output.": upstream / math.log(x)
            if operation.positive and x != 1.0
            else math.inf,
        },
        "Relu": {"That is relu(x) times upstream: relu's derivative is 1 or 0.": upstream * max(x, 0.0)},
        "Sigmoid": {
            "That is x * (1 - x): the formula is for the output y = sigmoid(x).": upstream * x * (1.0 - x),
            "Sigmoid was applied to what is a sigmoid already.": upstream
            * oracle.sigmoid(oracle.sigmoid(x))
            * (1.0 - oracle.sigmoid(oracle.sigmoid(x))),
            "That is y alone: the derivative is y * (1 - y).": upstream * oracle.sigmoid(x),
        },
    }[name]
    # A number may by chance be right and wrong at once.
    saved = {text: wrong for text, wrong in saved.items() if math.isfinite(wrong)}
    compare(got, upstream, operation.derivatives(x), call, more=[saved])


@given(x=USUAL, n=st.one_of(st.integers(-3, 5), st.sampled_from([0.5, 1.5, -0.5, 2.0, 3.0])), upstream=UPSTREAM)
@example(x=3.0, n=2, upstream=5.0)
def test_the_power_rule(x, n, upstream):
    """Pow's gradients are n * x ** (n - 1) times the gradient that comes in, and None for the plain number n."""
    x = x if float(n).is_integer() else abs(x)
    assume(abs(x) >= 0.05)
    (got, none), call = backward("Pow", (x, n), upstream)
    check.that(none is None, "n is a plain number and has no gradient: return None for it.", call=call, got=none)
    slope = oracle.power_derivative(x, n)
    more = (
        {
            "That is n * x ** n: the exponent goes down by one.": upstream * n * oracle.power(x, n),
            "That is x ** (n - 1): the factor n is missing.": upstream * oracle.power(x, n - 1),
        }
        if n not in (0, 1)
        else {}
    )
    compare((got,), upstream, (slope,), call, more=[more])


@pytest.mark.parametrize(
    ("x", "n"),
    [(0.0, 0), (0.0, 1), (0.0, 2), (0.0, 3), (0.0, 1.0), (0.0, 0.0), (2.0, 0), (-2.0, 0), (0.0, 0.5), (0.0, -1)],
)
def test_powers_at_zero(x, n):
    """At x = 0 the gradient of x ** 0 is 0, of x ** 1 the one that comes in, of x ** 2 it is 0; of a root it
    is infinite.
    """
    (got, none), call = backward("Pow", (x, n), 2.5)
    slope = oracle.power_derivative(x, n)
    check.close(
        got,
        2.5 * slope,
        call=call,
        mistakes={"0 times infinity is NaN: x ** 0 is the constant 1, so deal with n = 0 by itself.": math.nan}
        if n == 0
        else None,
    )
    check.that(none is None, "n is a plain number and has no gradient: return None for it.", call=call, got=none)


@pytest.mark.parametrize("x", [0.0, -0.0, 5e-324, -5e-324, -2.0, 2.0])
def test_relu_has_slope_zero_at_zero(x):
    """relu passes the gradient on where x > 0 and nowhere else; at its corner, x = 0, the gradient is 0."""
    (got,), call = backward("Relu", (x,), -2.5)
    check.close(
        got,
        -2.5 if x > 0.0 else 0.0,
        atol=0.0,
        call=call,
        mistakes={"The gradient passed at x = 0. There, PyTorch's choice and ours is 0.": -2.5} if x == 0.0 else None,
    )


def test_infinities_are_no_errors():
    """A division by zero gives infinite gradients, the logarithm at zero too, and exp and sigmoid stay right
    far out.
    """
    (x_grad, y_grad), call = backward("Div", (3.0, 0.0), 2.0)
    check.equal((x_grad, y_grad), (math.inf, -math.inf), call=call)
    for name, x, expected in [
        ("Log", 0.0, math.inf),
        ("Exp", 1000.0, math.inf),
        ("Exp", -1000.0, 0.0),
        ("Sigmoid", 1000.0, 0.0),
        ("Sigmoid", -1000.0, 0.0),
    ]:
        (got,), call = backward(name, (x,), 2.0)
        check.equal(got, expected, call=call)
    (got,), call = backward("Sigmoid", (-100.0,), 2.0)
    check.close(got, 2.0 * math.exp(-100.0), rtol=1e-9, atol=0.0, call=call)


@pytest.mark.parametrize(
    ("name", "values"), [("Relu", (-1.5,)), ("Relu", (0.0,)), ("Pow", (2.0, 0)), ("Pow", (0.0, 0))]
)
def test_a_gradient_of_zero_is_a_scalar_too(name, values):
    """Where the gradient is 0, backward still returns a Scalar when it gets one, and a number when it gets a
    number.
    """
    got, call = backward(name, values, 5.0)
    check.equal(got[0], 0.0, call=call)
    got, call = backward(name, values, 5.0, scalars=True)
    check.that(isinstance(got[0], Scalar), "For a Scalar, backward returns a Scalar, also where it is zero: compute it "
               "from the gradient that came in. The functions of `arithmetic` do for both.", call=call, got=got[0])
    check.equal(got[0].item(), 0.0, call=call)


@given(x=st.floats(-30.0, 30.0), upstream=UPSTREAM)
def test_sigmoid_on_its_whole_range(x, upstream):
    """The gradient of sigmoid is right where it is steep, and where it is nearly flat."""
    (got,), call = backward("Sigmoid", (x,), upstream)
    # y and 1 - y are each off by half of the last place of a number near 1, at most.
    check.close(
        got, upstream * oracle.sigmoid(x) * oracle.sigmoid(-x), call=call, atol=4.0 * oracle.EPS * abs(upstream)
    )


@pytest.mark.parametrize("name", [*TWO, "Pow", *ONE])
@given(x=st.floats(0.5, 3.0), y=st.floats(0.5, 3.0), upstream=UPSTREAM)
def test_backward_works_on_scalars_too(name, x, y, upstream):
    """When the backward pass is itself recorded, backward gets Scalars and returns Scalars that remember their
    history.
    """
    values = (x, y) if name in TWO else (x, 3) if name == "Pow" else (x,)
    got, call = backward(name, values, upstream, scalars=True)
    slopes = (3.0 * x * x,) if name == "Pow" else oracle.OPERATIONS[name].derivatives(*values)
    for one in got[: len(slopes)]:
        check.that(
            isinstance(one, Scalar),
            "For Scalars, backward returns Scalars: its own arithmetic is recorded.",
            call=call,
            got=one,
        )
    # One differentiation more asks how each gradient depends on the one that came in, and on the saved values.
    compare([one.item() for one in got[: len(slopes)]], upstream, slopes, call)
    check.that(
        all(one.requires_grad for one in got[: len(slopes)]),
        "A gradient lost its history: it depends on the gradient that came in, which requires grad.",
        call=call,
    )
    ctx = Context()
    getattr(F, name).forward(ctx, *values)
    ctx.as_scalars(*values[1:] if name == "Pow" else ())
    again = getattr(F, name).backward(ctx, Scalar(upstream))
    again = again if isinstance(again, tuple) else (again,)
    # How many of the derivatives depend on the inputs: those of a sum and of relu do not.
    constant = name in ("Add", "Relu")
    check.that(
        constant or all(one.requires_grad for one in again[: len(slopes)]),
        "A gradient lost its history: it depends on a value that forward saved. Take saved values from "
        "ctx.saved_tensors, and compute with +, -, * and the functions of `arithmetic`. (What those cannot do, such as "
        "exp, forward has done already: let it save its output.)",
        call=call,
    )


@given(x=st.floats(0.5, 3.0), upstream=UPSTREAM)
def test_backward_leaves_the_context_alone(x, upstream):
    """backward may be called again (retain_graph=True) and gives the same gradients."""
    for name in [*TWO, "Pow", *ONE]:
        ctx, function = Context(), getattr(F, name)
        values = (x, 2.5) if name in TWO else (x, 2) if name == "Pow" else (x,)
        function.forward(ctx, *values)
        first = function.backward(ctx, upstream)
        second = function.backward(ctx, upstream)
        check.equal(
            second,
            first,
            call=f"{name}.backward(ctx, {upstream!r}), the second time",
            note="The second call gave other gradients than the first.",
        )
