"""Task 0.1: the derivatives, against exact arithmetic and against the slope of their functions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from exact import EXACT, INF, NAN, agree, agree_on, factors, numbers
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.foundations import operators

pytestmark = pytest.mark.task("0.1")

ALONE = "This is the derivative alone. It has to be multiplied by d, the gradient that comes in."
CORNER = "At 0 relu has a corner. The derivative there is taken to be 0."


@given(numbers, numbers)
@example(3.0, 5.0)
@example(-3.0, 5.0)
def test_relu_back(x, d):
    """relu_back(x, d) is d where x is positive, and 0.0 where it is not."""
    got = operators.relu_back(x, d)
    if x > 0.0:
        mistakes = {ALONE: 1.0,
                    "This is relu(x) times d, and not its derivative times d.": x * d,
                    "d is blocked here although x is positive.": 0.0}
    else:
        mistakes = {CORNER if x == 0.0 else "d passes here although x is negative.": d}
    agree(got, d if x > 0.0 else 0.0, f"relu_back({x}, {d})", ulps=0, mistakes=mistakes)


def test_relu_back_edges():
    """relu_back at the corner, x = 0, is 0.0; so it is for every x <= 0, whatever d is."""
    blocked = "Where x <= 0 the result is 0.0, whatever d is. (0 times infinity is NaN: choose, do not multiply.)"
    passed = "The docstring says: 0.0 where x <= 0, else d. For NaN `x <= 0` is false, and so is `x > 0`."
    agree_on(operators.relu_back, [
        ((0.0, 3.0), 0.0, CORNER), ((-0.0, 3.0), 0.0, CORNER), ((5e-324, 3.0), 3.0, None), ((-5e-324, 3.0), 0.0, None),
        ((-1.0, INF), 0.0, blocked), ((-INF, -INF), 0.0, blocked), ((0.0, NAN), 0.0, blocked),
        ((2.0, -INF), -INF, None),
        ((INF, 3.0), 3.0, None), ((2.0, NAN), NAN, None), ((NAN, 3.0), 3.0, passed),
    ])


@given(factors, factors)
@example(4.0, 3.0)
@example(-4.0, 3.0)
def test_log_back(x, d):
    """log_back(x, d) is d / x."""
    got = operators.log_back(x, d)
    mistakes = {ALONE: 1.0 / x,
                "This is d * x. The derivative of log is 1 / x.": d * x, "The sign is wrong.": -d / x,
                "This is x / d: the two arguments have changed places.": x / d}
    if x > 0.0:
        mistakes["This is log(x) times d, and not its derivative times d."] = math.log(x) * d
    expected = float(Fraction(d) / Fraction(x))
    agree(got, expected, f"log_back({x}, {d})", mistakes=_wrong(mistakes, expected))


def test_log_back_edges():
    """log_back at zero and at infinity is what IEEE arithmetic gives for d / x."""
    zero = "d / 0 is an infinity, with the sign of d and that of the zero."
    agree_on(operators.log_back, [
        ((0.0, 1.0), INF, zero), ((0.0, -2.0), -INF, zero), ((-0.0, 1.0), -INF, zero),
        ((0.0, 0.0), NAN, "0 / 0 is NaN."), ((INF, 3.0), 0.0, None), ((2.0, INF), INF, None), ((2.0, 0.0), 0.0, None),
        ((NAN, 1.0), NAN, "NaN stays NaN."), ((2.0, NAN), NAN, "NaN stays NaN."),
    ])


@given(factors, factors)
@example(4.0, 3.0)
@example(-4.0, 3.0)
def test_inv_back(x, d):
    """inv_back(x, d) is -d / x**2."""
    got = operators.inv_back(x, d)
    mistakes = {ALONE: -1.0 / (x * x),
                "The sign is wrong: 1 / x falls as x grows.": d / (x * x),
                "This is -d / x. The derivative of 1 / x has the square of x below.": -d / x,
                "This is d / x: the value of inv times d, and not its derivative times d.": d / x,
                "This is -d * x**2. The square of x has to be below.": -d * (x * x)}
    expected = -float(Fraction(d) / Fraction(x) ** 2)
    agree(got, expected, f"inv_back({x}, {d})", ulps=6, mistakes=_wrong(mistakes, expected))


def test_inv_back_edges():
    """inv_back has a result at zero, at infinity, and where the square of x is too large for a float."""
    zero = "On both sides of 0, 1 / x gets ever steeper: d times minus infinity."
    agree_on(operators.inv_back, [
        ((0.0, 1.0), -INF, zero), ((-0.0, 1.0), -INF, zero), ((0.0, -2.0), INF, zero),
        ((0.0, 0.0), NAN, "0 times infinity is NaN."),
        ((INF, 3.0), 0.0, None), ((-INF, 3.0), 0.0, None), ((1e200, 3.0), 0.0, None), ((-1e200, 3.0), 0.0, None),
        ((2.0, INF), -INF, None), ((2.0, 0.0), 0.0, None), ((NAN, 1.0), NAN, "NaN stays NaN."),
        ((2.0, NAN), NAN, "NaN stays NaN."),
    ])


def slope(function, x: float) -> Decimal:
    """The derivative of a function of decimals at `x`, as a central difference with 60 digits."""
    at, step = Decimal(x), EXACT.multiply(abs(Decimal(x)), Decimal("1e-18"))
    rise = EXACT.subtract(function(EXACT.add(at, step)), function(EXACT.subtract(at, step)))
    return EXACT.divide(rise, EXACT.multiply(Decimal(2), step))


@pytest.mark.parametrize("name, function", [
    ("relu", lambda x: max(x, Decimal(0))), ("log", EXACT.ln), ("inv", lambda x: EXACT.divide(Decimal(1), x))])
@given(x=st.floats(0.01, 100.0), d=st.one_of(st.sampled_from([-3.0, 0.5, 7.0]), st.floats(-1e3, 1e3)),
       negative=st.booleans())
def test_derivatives_are_slopes(name, function, x, d, negative):
    """Each derivative is d times the slope of its function, as a difference quotient measures it."""
    if negative and name != "log":
        x = -x
    got = getattr(operators, f"{name}_back")(x, d)
    expected = float(EXACT.multiply(Decimal(d), slope(function, x)))
    check.close(got, expected, call=f"{name}_back({x}, {d})",
                note=f"The slope of {name} at {x} is {float(slope(function, x)):.6g}.")


def _wrong(mistakes, expected):
    """Those mistakes that show: whose value is not the right one for this input."""
    return {sentence: value for sentence, value in mistakes.items() if not math.isclose(value, expected, rel_tol=1e-9)}
