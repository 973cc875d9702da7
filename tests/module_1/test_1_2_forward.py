"""Task 1.2: what each Function computes, and what it saves."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import terox
from course import check, oracle
from course.graphs import Context
from terox.autograd import functions as F
from terox.autograd.accumulate import AccumulateGrad
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.2")

ANY = st.floats(allow_nan=True, allow_infinity=True)
# Library functions may differ in the last places; the smallest floats have few places at all.
CLOSE = {"rtol": 1e-12, "atol": 1e-320}
ONE = ["Exp", "Log", "Relu", "Sigmoid"]
TWO = ["Add", "Mul", "Div"]
EXPONENTS = st.one_of(st.integers(-4, 5), st.sampled_from([0.5, -0.5, 1.5, 2.0, 0.0, 3.0, -1.0]))


def forward(name, ctx, *values):
    """The result of `forward`, after a look at whether it is a float."""
    got = getattr(F, name).forward(ctx, *values)
    call = f"{name}.forward(ctx, {', '.join(map(repr, values))})"
    check.that(got is not None, "It returned None. Is a `return` missing?", call=call)
    check.that(isinstance(got, float), "forward gets floats and returns a float.", call=call, got=got)
    return got, call


@pytest.mark.parametrize("name", ONE)
@given(x=ANY)
@example(x=0.0)
@example(x=-0.0)
@example(x=1000.0)
@example(x=-1000.0)
@example(x=-40.0)
@example(x=-3.0)
@example(x=math.inf)
@example(x=-math.inf)
@example(x=math.nan)
def test_a_function_of_one_number(name, x):
    """forward computes the function for every float, infinities and NaN included, as module 0's operator does."""
    got, call = forward(name, Context(), x)
    check.close(got, oracle.OPERATIONS[name].value(x), call=call, **CLOSE)


@pytest.mark.parametrize("name", TWO)
@given(x=ANY, y=ANY)
@example(x=3.0, y=2.0)
@example(x=1.0, y=0.0)
@example(x=1.0, y=-0.0)
@example(x=0.0, y=0.0)
@example(x=-math.inf, y=0.0)
def test_a_function_of_two_numbers(name, x, y):
    """forward computes the function for every pair of floats; a division by zero is an infinity or NaN, not an
    error.
    """
    got, call = forward(name, Context(), x, y)
    value = oracle.OPERATIONS[name].value
    swapped = value(y, x)
    mistakes = (
        {} if swapped == value(x, y) else {"That is the result for the two arguments in the other order.": swapped}
    )
    check.close(got, value(x, y), call=call, mistakes=mistakes, **CLOSE)


@given(x=st.one_of(ANY, st.floats(-10.0, 10.0)), n=EXPONENTS)
@example(x=2.0, n=3)
@example(x=2.0, n=-1)
@example(x=0.0, n=0)
@example(x=0.0, n=-1)
@example(x=-8.0, n=1.0 / 3.0)
@example(x=1e200, n=2)
@example(x=-0.0, n=-3)
def test_a_power(x, n):
    """Pow.forward computes x ** n for every x and n, with IEEE results: 0 ** -1 is an infinity, 0 ** 0 is 1."""
    got, call = forward("Pow", Context(), x, n)
    expected = oracle.power(x, n)
    swapped = oracle.power(n, x)
    mistakes = {"That is n ** x; the base comes first.": swapped} if x > 1.0 and n > 1 and swapped != expected else {}
    check.close(got, expected, call=call, mistakes=mistakes, **CLOSE)


def what_is_saved(kept, known, count):
    """Why what was saved will not do, in words."""
    many = "two numbers" if count == 2 else "a number"
    for value in kept:
        if isinstance(value, (list, tuple)):
            return "A list was saved: hand the numbers over one by one, ctx.save_for_backward(x, y)."
        if not any(value is each for each in known):
            twin = any(value == each for each in known)
            return (f"{value!r} equals the output and is another object: compute it once, save it and return it."
                    if twin else f"{value!r} is neither an input nor the output: save those as they are.")
    return f"backward will need {many} that forward knows: use ctx.save_for_backward(...)."


@given(x=st.floats(0.5, 3.0), y=st.floats(3.5, 9.0))
def test_it_saves_what_backward_will_need(x, y):
    """forward hands inputs, or its output, to ctx.save_for_backward: as many of them as the derivative depends on."""
    # The derivative of a product needs both numbers; that of a quotient two of three. relu's can do without any.
    needed = {"Mul": 2, "Div": 2, "Exp": 1, "Log": 1, "Sigmoid": 1}
    for name, count in needed.items():
        ctx, values = Context(), (x, y)[: oracle.OPERATIONS[name].arity]
        output, call = forward(name, ctx, *values)
        found = [value for value in ctx.kept if any(value is each for each in (*values, output))]
        check.that(
            len({id(value) for value in found}) >= count,
            what_is_saved(ctx.kept, (*values, output), count),
            call=call,
            got=ctx.kept,
        )
    ctx = Context()
    output, call = forward("Pow", ctx, x, 3)
    check.that(
        any(value is x for value in ctx.kept),
        "backward will need x: use ctx.save_for_backward(x).",
        call=call,
        got=ctx.kept,
    )


@pytest.mark.parametrize("name", [*TWO, "Pow", *ONE])
@given(x=st.floats(0.5, 3.0), y=st.floats(3.5, 9.0))
def test_only_inputs_and_the_output_are_saved(name, x, y):
    """What goes to ctx.save_for_backward is an input or the output itself, and not a number computed from them."""
    ctx, values = Context(), (x, y) if name in (*TWO, "Pow") else (x,)
    output, call = forward(name, ctx, *values)
    for value in ctx.kept:
        check.that(
            any(value is each for each in (*values, output)),
            "A number was saved that is neither an input nor the output. The engine finds out whose value was "
            "saved, so that a derivative can be differentiated again; it cannot for a new number.",
            call=call,
            got=value,
        )


@given(x=st.floats(0.5, 3.0), y=st.floats(0.5, 3.0))
def test_scalars_compute_with_them(x, y):
    """Operators and methods of Scalar, with a Scalar or a number on either side, give the values of plain
    arithmetic.
    """
    a, b = Scalar(x), Scalar(y)
    rows = [
        ("a + b", a + b, x + y),
        ("a + 2", a + 2, x + 2),
        ("2 + a", 2 + a, 2 + x),
        ("a * b", a * b, x * y),
        ("a * 3", a * 3, x * 3),
        ("3 * a", 3 * a, 3 * x),
        ("a / b", a / b, x / y),
        ("a / 2", a / 2, x / 2),
        ("2 / a", 2 / a, 2 / x),
        ("a - b", a - b, x - y),
        ("a - 2", a - 2, x - 2),
        ("2 - a", 2 - a, 2 - x),
        ("-a", -a, -x),
        ("+a", +a, x),
        ("abs(-a)", abs(-a), x),
        ("a ** 2", a**2, x**2),
        ("a.pow(0.5)", a.pow(0.5), math.sqrt(x)),
        ("a ** b", a**b, x**y),
        ("2 ** a", 2**a, 2**x),
        ("a.exp()", a.exp(), math.exp(x)),
        ("a.log()", a.log(), math.log(x)),
        ("(-a).relu()", (-a).relu(), 0.0),
        ("a.relu()", a.relu(), x),
        ("a.sigmoid()", a.sigmoid(), oracle.sigmoid(x)),
        ("a.tanh()", a.tanh(), math.tanh(x)),
    ]
    for text, got, expected in rows:
        check.that(isinstance(got, Scalar), "Arithmetic with Scalars gives a Scalar.", call=text, got=got)
        check.close(got.item(), expected, call=f"{text} for a = {x!r}, b = {y!r}", rtol=1e-12)


@pytest.mark.parametrize("name", [*TWO, "Pow", *ONE])
def test_a_call_is_recorded_where_a_gradient_may_be_asked_for(name):
    """If an input requires grad, so does the result, and its grad_fn has one edge for each input; else nothing
    is kept.
    """
    function = getattr(F, name)
    x, plain = Scalar(2.0, requires_grad=True), Scalar(2.0)
    second = {"Pow": (3,)}.get(name, (Scalar(4.0),) if name in TWO else ())
    out = function.apply(x, *second)
    call = f"{name}.apply(x{', ...' if second else ''})"
    check.that(out.requires_grad and not out.is_leaf, "The result does not require grad, although x does.", call=call)
    check.equal(out.grad_fn.name(), f"{name}Backward0", call=f"{call}.grad_fn.name()")
    edges = out.grad_fn.next_functions
    check.equal(len(edges), 1 + len(second), call=f"len({call}.grad_fn.next_functions)")
    check.that(
        isinstance(edges[0][0], AccumulateGrad) and edges[0][0].variable is x,
        "The first edge should lead to the node of the leaf x.",
        call=call,
        got=edges,
    )
    check.that(
        all(edge == (None, 0) for edge in edges[1:]), "No edge leads to a value that needs no gradient.", call=call
    )
    check.that(
        not function.apply(plain, *second).requires_grad,
        "No input requires grad, so the result should not.",
        call=call,
    )
    with terox.no_grad():
        silent = function.apply(x, *second)
        check.that(terox.is_grad_enabled() is False, "no_grad was switched off on the way.", call=call)
    check.that(silent.grad_fn is None and not silent.requires_grad, "Under no_grad nothing is recorded.", call=call)


def test_wrong_operands_are_named():
    """Scalars compute with Scalars and numbers; anything else is a TypeError, as is a Function without any Scalar."""
    check.close((Scalar(2.0) * 3.0).item(), 6.0, call="Scalar(2.0) * 3.0")
    for text, wrong in [
        ("Scalar(2.0) * 'a'", lambda: Scalar(2.0) * "a"),
        ("None + Scalar(2.0)", lambda: None + Scalar(2.0)),
        ("Scalar('a')", lambda: Scalar("a")),
        ("Mul.apply(2.0, 3.0)", lambda: F.Mul.apply(2.0, 3.0)),
    ]:
        check.raises(TypeError, wrong, call=text)


@given(x=st.floats(-5.0, 5.0), y=st.floats(-5.0, 5.0))
def test_comparisons_give_numbers(x, y):
    """Comparisons of Scalars give Scalars of 1.0 or 0.0 without a history, also where one side was computed."""
    a, b = Scalar(x, requires_grad=True) + 1.0, Scalar(y)
    for text, got, expected in [
        ("a < b", a < b, x + 1.0 < y),
        ("a <= b", a <= b, x + 1.0 <= y),
        ("a > b", a > b, x + 1.0 > y),
        ("a >= b", a >= b, x + 1.0 >= y),
        ("a == b", a == b, x + 1.0 == y),
        ("a != b", a != b, x + 1.0 != y),
    ]:
        check.equal(
            (got.item(), got.requires_grad), (float(expected), False), call=f"{text} for a = {x + 1.0!r}, b = {y!r}"
        )
