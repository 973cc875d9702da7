"""Task 0.1: the scalar operators, against exact arithmetic.

The expected values come from `decimal` and `fractions` with 60 digits, so that the only rounding is the one of the
code under test. A result may be a few units in the last place (ulps) off: every correct formula is.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from exact import (
    EXACT,
    INF,
    NAN,
    SMALLEST_NORMAL,
    agree,
    agree_on,
    anything,
    exact_exp,
    exact_sigmoid,
    is_float,
    numbers,
    ordinary,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

from course import check
from terox.foundations import operators

pytestmark = pytest.mark.task("0.1")

LAST_EXP = 709.782712893384  # the largest float whose exp is a float


# ---- max and is_close ----


@given(numbers, numbers)
@example(1.0, 2.0)
@example(2.0, 1.0)
def test_max(x, y):
    """max(x, y) is the larger of the two."""
    got = operators.max(x, y)
    smaller, larger = sorted([x, y])
    agree(got, larger, f"max({x}, {y})", ulps=0, mistakes={"This is the smaller one.": smaller} if x != y else None)


def test_max_of_nan():
    """max gives NaN if either argument is NaN: a number that is not known can be the largest."""
    note = "The NaN got lost. Every comparison with NaN is false: which branch does it take in your code?"
    agree_on(operators.max, [((x, y), NAN, note) for x in (NAN, 1.0, -INF, INF) for y in (NAN, -2.0, INF, -INF)
                             if x != x or y != y])


@given(st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.5, 1.0 - 1e-6, 1.0 + 1e-6, 1.5, 10.0, 1e3, -0.5, -1.5, -10.0]))
@example(0.0, 0.5)
@example(1000.0, 1.5)
@example(-1000.0, 0.5)
@example(1000.0, 1.0 + 1e-6)
@example(-1000.0, 1.0 - 1e-6)
def test_is_close(y, factor):
    """is_close(x, y) is 1.0 if x and y differ by at most 1e-8 + 1e-5 * |y|, else 0.0."""
    x = y + factor * (1e-8 + 1e-5 * abs(y))
    got = operators.is_close(x, y)
    distance, tolerance = abs(Fraction(x) - Fraction(y)), Fraction(1e-8) + Fraction(1e-5) * abs(Fraction(y))
    assume(abs(distance - tolerance) > tolerance / 10**8)  # so near that rounding decides
    other = abs(Fraction(x)) * Fraction(1e-5) + Fraction(1e-8)
    note = f"The distance is {float(distance):.8g}, and the tolerance, 1e-8 + 1e-5 * |y|, is {float(tolerance):.8g}."
    if (distance <= other) != (distance <= tolerance):
        note += " Is your tolerance relative to x? It has to be relative to y, the second argument."
    agree(got, 1.0 if distance <= tolerance else 0.0, f"is_close({x}, {y})", ulps=0, note=note)


def test_is_close_edges():
    """is_close: "at most" includes the border; equal infinities are close; NaN is close to nothing."""
    infinite = "No finite number is close to an infinity: a tolerance of 1e-5 * |y| is infinite there."
    agree_on(operators.is_close, [
        ((1e-8, 0.0), 1.0, "The distance is exactly the tolerance, and that is close: at most, not less than."),
        ((0.0, -0.0), 1.0, "0.0 equals -0.0."),
        ((INF, INF), 1.0, "They are equal. (The difference of two infinities is NaN.)"),
        ((-INF, -INF), 1.0, "They are equal. (The difference of two infinities is NaN.)"),
        ((1.0, INF), 0.0, infinite), ((INF, 1.0), 0.0, infinite), ((1e308, -INF), 0.0, infinite),
        ((INF, -INF), 0.0, "These two could not be farther apart."),
        ((1e308, -1e308), 0.0, None),
        ((NAN, NAN), 0.0, "NaN equals nothing, itself included."), ((NAN, 1.0), 0.0, None), ((1.0, NAN), 0.0, None),
        ((NAN, INF), 0.0, "NaN is close to nothing."), ((INF, NAN), 0.0, "NaN is close to nothing."),
    ])


# ---- relu, exp, log, inv, sigmoid ----


@given(numbers)
@example(2.5)
@example(-2.5)
def test_relu(x):
    """relu(x) is x where x is positive, else 0.0."""
    got = operators.relu(x)
    mistakes = {"This is |x|.": abs(x), "This is x itself.": x, "This is the smaller of x and 0.": min(x, 0.0)}
    agree(got, x if x > 0.0 else 0.0, f"relu({x})", ulps=0, mistakes=mistakes)


def test_relu_edges():
    """relu leaves infinity as it is, and NaN too."""
    agree_on(operators.relu, [
        ((0.0,), 0.0, None), ((-0.0,), 0.0, None), ((INF,), INF, None), ((-INF,), 0.0, None),
        ((5e-324,), 5e-324, "The smallest positive float is positive, too."),
        ((NAN,), NAN, "The NaN got lost. Every comparison with NaN is false: which branch does it take in your code?"),
    ])


EARLY = "The result still is a float, and a large one. Where does the docstring say that it overflows?"


@given(st.one_of(ordinary, st.floats(-745.0, LAST_EXP), st.floats(max_value=LAST_EXP, allow_infinity=False)))
@example(1.0)
@example(-2.0)
def test_exp(x):
    """exp(x) is e to the power of x."""
    got = operators.exp(x)
    mistakes = {EARLY: INF, "This is exp(-x).": exact_exp(-x)}
    agree(got, exact_exp(x), f"exp({x})", ulps=8, mistakes=mistakes)


def test_exp_edges():
    """exp(x) is infinite where the result is too large for a float, for x > 709.782712893384, and only there."""
    agree_on(operators.exp, [
        ((0.0,), 1.0, None), ((-INF,), 0.0, None), ((-1000.0,), 0.0, None), ((-1e308,), 0.0, None),
        ((700.0,), exact_exp(700.0), EARLY), ((709.5,), exact_exp(709.5), EARLY),
        ((LAST_EXP,), exact_exp(LAST_EXP), EARLY),
        ((math.nextafter(LAST_EXP, INF),), INF, None), ((710.0,), INF, None), ((1000.0,), INF, None),
        ((1e308,), INF, None), ((INF,), INF, None), ((NAN,), NAN, "NaN stays NaN."),
    ])


@given(st.one_of(st.floats(0.01, 100.0), st.floats(0.0, exclude_min=True, allow_infinity=False)))
@example(math.e)
@example(10.0)
def test_log(x):
    """log(x), for positive x, is the natural logarithm."""
    got = operators.log(x)
    exact = EXACT.ln(Decimal(x))
    mistakes = {"This is the logarithm to base 10.": float(EXACT.log10(Decimal(x))),
                "This is the logarithm to base 2.": float(EXACT.divide(exact, EXACT.ln(Decimal(2))))}
    agree(got, float(exact), f"log({x})", mistakes=mistakes if x != 1.0 else None)


def test_log_edges():
    """log(0) is -inf, and the logarithm of a negative number is NaN."""
    negative = "A negative number has no logarithm, and NaN says so."
    agree_on(operators.log, [
        ((0.0,), -INF, "The nearer x is to 0, the lower its logarithm: without end."),
        ((-0.0,), -INF, "-0.0 equals 0.0."),
        ((-1.0,), NAN, negative), ((-5e-324,), NAN, negative), ((-INF,), NAN, negative),
        ((INF,), INF, None), ((NAN,), NAN, "NaN stays NaN."), ((1.0,), 0.0, None),
    ])


@given(numbers.filter(lambda x: abs(x) > SMALLEST_NORMAL))
@example(4.0)
@example(-0.5)
def test_inv(x):
    """inv(x) is 1 / x."""
    got = operators.inv(x)
    expected = 0.0 if math.isinf(x) else float(EXACT.divide(Decimal(1), Decimal(x)))
    agree(got, expected, f"inv({x})",
          mistakes={"This is -x, and not 1 / x.": -x, "This is x itself.": x, "The sign is lost.": abs(expected)})


def test_inv_edges():
    """inv(0.0) is inf and inv(-0.0) is -inf; inv of an infinity is zero."""
    agree_on(operators.inv, [
        ((0.0,), INF, "From above, 1 / x grows without end as x comes near 0."),
        ((-0.0,), -INF, "-0.0 equals 0.0, but negative numbers come near it: the sign of the result is that of x."),
        ((INF,), 0.0, None), ((-INF,), 0.0, None), ((NAN,), NAN, "NaN stays NaN."),
    ])
    got = operators.inv(-INF)
    check.that(math.copysign(1.0, got) == -1.0, "The sign of the result is that of x, also where the result is zero.",
               call="inv(-inf)", got=got, expected=-0.0)


QUOTIENT = "An infinity divided by an infinity is NaN: which form do you use for x > 0?"


@given(st.one_of(ordinary, st.floats(-740.0, 40.0), anything))
@example(2.0)
@example(-2.0)
@example(-30.0)
@example(-40.0)
@example(-700.0)
def test_sigmoid(x):
    """sigmoid(x) is 1 / (1 + exp(-x)), accurate to a few units in the last place on both sides of 0."""
    got = operators.sigmoid(x)
    expected = exact_sigmoid(x)
    mistakes = {"This is sigmoid(-x).": exact_sigmoid(-x)} if abs(x) > 1e-9 else {}
    note = None
    if isinstance(got, float) and math.isnan(got):
        note = QUOTIENT
    elif isinstance(got, float) and abs(got - expected) < 1e-12:
        note = ("Digits are lost: so small a result is not 0, and must not come from a sum or difference with a number "
                "near 1, which drops what is small beside it.")
    agree(got, expected, f"sigmoid({x})", ulps=8, mistakes=mistakes, note=note)


def test_sigmoid_edges():
    """sigmoid goes to 0 on the left and to 1 on the right, however far, and is 0.5 in the middle."""
    agree_on(operators.sigmoid, [
        ((0.0,), 0.5, None), ((-0.0,), 0.5, None), ((1000.0,), 1.0, None), ((-1000.0,), 0.0, None),
        ((1e308,), 1.0, None),
        ((-1e308,), 0.0, None), ((INF,), 1.0, QUOTIENT),
        ((-INF,), 0.0, None), ((NAN,), NAN, "NaN stays NaN."),
    ])


# ---- All of them ----


@pytest.mark.parametrize("name, arguments",
                         [("max", 2), ("is_close", 2), ("relu", 1), ("exp", 1), ("log", 1), ("inv", 1),
                                             ("sigmoid", 1), ("relu_back", 2), ("log_back", 2), ("inv_back", 2)])
@given(x=st.floats(), y=st.floats())
def test_operators_are_total(name, arguments, x, y):
    """For every float, NaN and the infinities included, an operator returns a float and raises nothing."""
    if name == "inv_back" and 0.0 < abs(x) < 1e-150:
        x = 1e-150
    given_to_it = (x, y)[:arguments]
    got = getattr(operators, name)(*given_to_it)
    call = f"{name}({', '.join(map(str, given_to_it))})"
    check.that(got is not None, "It returned None. Is a `return` missing?", call=call, got=got)
    is_float(got, call)
