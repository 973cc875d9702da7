"""Task 1.1: derivatives by trying."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import check
from terox.autograd.numeric import central_difference

pytestmark = pytest.mark.task("1.1")

# Whole numbers and powers of two: sums and products of them are exact in floats, and so is the result.
WHOLE = st.integers(-50, 50).map(float)
STEPS = st.integers(0, 8).map(lambda power: 2.0**-power)


@given(x=WHOLE, a=WHOLE, b=WHOLE, epsilon=STEPS)
def test_it_is_exact_for_a_quadratic_function(x, a, b, epsilon):
    """The derivative of a * x**2 + b * x is exactly 2 * a * x + b, however large epsilon is."""
    got = central_difference(lambda v: a * v * v + b * v, x, epsilon=epsilon)
    slope = 2.0 * a * x + b
    mistakes, note = {}, None
    if isinstance(got, float) and 0.0 < abs(got - slope) < 1e-3:
        note = "It is close, but for these numbers the formula is exact. Is the step epsilon, and nothing else?"
    if a:
        mistakes["That is a one-sided difference, from x to x + epsilon. Take both sides."] = slope + a * epsilon
        mistakes["That is a one-sided difference, from x - epsilon to x. Take both sides."] = slope - a * epsilon
    if slope:
        if epsilon != 1.0:
            mistakes["Parentheses are missing: `/ 2.0 * epsilon` multiplies by epsilon."] = slope * epsilon * epsilon
        mistakes["That is twice the slope: the two points lie 2 * epsilon apart."] = 2.0 * slope
        mistakes["That is half the slope: the two points lie 2 * epsilon apart."] = 0.5 * slope
        mistakes["The sign is wrong: it is f at x + epsilon, minus f at x - epsilon."] = -slope
    check.close(
        got,
        slope,
        rtol=0.0,
        atol=0.0,
        mistakes=mistakes,
        note=note,
        call=f"central_difference(lambda v: {a} * v * v + {b} * v, {x}, epsilon={epsilon})",
    )


@given(
    values=st.lists(WHOLE, min_size=1, max_size=3),
    factors=st.lists(st.integers(1, 9), min_size=3, max_size=3, unique=True),
    data=st.data(),
)
def test_it_moves_the_argument_that_was_asked_for(values, factors, data):
    """With arg=k the derivative is that for argument number k; the other arguments stay as they are."""
    arg = data.draw(st.integers(0, len(values) - 1), label="arg")
    used = factors[: len(values)]
    got = central_difference(
        lambda *vs: sum(factor * v for factor, v in zip(used, vs, strict=True)), *values, arg=arg, epsilon=0.5
    )
    mistakes = {
        f"That is the derivative for argument {place}, not {arg}.": float(factor)
        for place, factor in enumerate(used)
        if place != arg
    }
    if len(used) > 1:
        mistakes["That is what comes out when all arguments are moved at once."] = float(sum(used))
    formula = " + ".join(f"{factor} * {name}" for factor, name in zip(used, "xyz"))
    check.close(
        got,
        float(used[arg]),
        rtol=0.0,
        atol=0.0,
        mistakes=mistakes,
        call=f"central_difference(f, {', '.join(map(str, values))}, arg={arg}, epsilon=0.5) for f = {formula}",
    )


@given(x=WHOLE, epsilon=STEPS)
def test_epsilon_is_how_far_the_points_are_from_x(x, epsilon):
    """For x**3 the central difference is 3 * x**2 + epsilon**2: its error shows which epsilon was used."""
    got = central_difference(lambda v: v * v * v, x, epsilon=epsilon)
    mistakes = (
        {}
        if epsilon == 0.5
        else {
            "The points are half of epsilon away from x; they should be a whole epsilon away.": 3.0 * x * x
            + epsilon**2 / 4.0
        }
    )
    if x == 0.0:
        mistakes["The argument epsilon was not used."] = 1e-12
    check.close(
        got,
        3.0 * x * x + epsilon**2,
        rtol=0.0,
        atol=0.0,
        mistakes=mistakes,
        call=f"central_difference(lambda v: v * v * v, {x}, epsilon={epsilon})",
        note=f"The two points should be {x} + {epsilon} and {x} - {epsilon}.",
    )


def test_epsilon_is_a_millionth_where_none_is_given():
    """Without epsilon=... the points are 1e-6 away from x, and without arg=... the first argument is moved."""
    got = central_difference(lambda v, w: v * v * v + 5.0 * w, 0.0, 0.0)
    check.close(
        got,
        1e-12,
        rtol=1e-6,
        atol=0.0,
        call="central_difference(lambda v, w: v * v * v + 5.0 * w, 0.0, 0.0)",
        mistakes={"That is the derivative for the second argument; arg is 0 unless it is given.": 5.0},
    )


@given(x=st.floats(-5.0, 5.0))
def test_it_is_close_for_functions_that_are_not_polynomials(x):
    """The derivative of sin is cos, up to epsilon**2 and the rounding of two nearly equal numbers."""
    got = central_difference(math.sin, x)
    # epsilon**2 / 6 of the formula; each sine and each point is off by at most about 1 ulp of 5, over 2e-6.
    check.close(
        got,
        math.cos(x),
        rtol=0.0,
        atol=1e-9 + 4.0 * 2.0**-52 * 5.0 / 1e-6,
        call=f"central_difference(math.sin, {x!r})",
    )


@given(values=st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=3), data=st.data())
def test_f_gets_separate_floats_and_only_one_of_them_moved(values, data):
    """f is called with as many floats as values were given; all but the one at place arg are the values
    themselves.
    """
    arg = data.draw(st.integers(0, len(values) - 1), label="arg")
    calls = []

    def f(*args):
        calls.append(args)
        return float(args[arg]) if isinstance(args[arg], float) else 0.0

    central_difference(f, *values, arg=arg, epsilon=0.25)
    call = f"central_difference(f, {', '.join(map(repr, values))}, arg={arg}, epsilon=0.25)"
    for args in calls:
        check.that(
            len(args) == len(values) and all(isinstance(each, float) for each in args),
            f"f takes {len(values)} number(s), each on its own; pass a list on as f(*list).",
            call=call,
            got=args,
            expected=tuple(values),
        )
        others = [(got, expected) for place, (got, expected) in enumerate(zip(args, values)) if place != arg]
        check.that(
            all(got == expected for got, expected in others),
            f"Only argument {arg} may be moved.",
            call=call,
            got=args,
            expected=tuple(values),
        )
    check.that(
        any(args[arg] > values[arg] for args in calls) and any(args[arg] < values[arg] for args in calls),
        "f has to be tried on both sides of the value.",
        call=call,
        got=[args[arg] for args in calls],
        expected=[values[arg] + 0.25, values[arg] - 0.25],
    )
