"""What the tests of task 0.1 compare with: exact arithmetic, and how near a float has to come to it."""

from __future__ import annotations

import math
from decimal import Context, Decimal

from hypothesis import strategies as st

from course import check

INF, NAN = math.inf, math.nan
ULP = 2.0**-52  # the distance from 1.0 to the next float: one unit in the last place, relative
SMALLEST_NORMAL = 2.0**-1022  # below it floats lose digits, and correct formulas begin to differ
EXACT = Context(prec=60, Emax=10_000, Emin=-10_000, traps=[])

anything = st.floats(allow_nan=False)
ordinary = st.floats(-50.0, 50.0)
numbers = st.one_of(ordinary, anything)
# Squares and quotients of these neither overflow nor lose digits, in whatever order a formula takes them.
factors = st.one_of(st.floats(-10.0, 10.0), st.floats(-1e100, 1e100)).filter(lambda x: abs(x) >= 1e-100)


def exact_exp(x: float) -> float:
    return float(EXACT.exp(Decimal(x)))


def exact_sigmoid(x: float) -> float:
    return float(EXACT.divide(Decimal(1), EXACT.add(Decimal(1), EXACT.exp(-Decimal(x)))))


def agree(got, expected, call, *, ulps=4, mistakes=None, note=None):
    """`got` is a float, and equals `expected` up to a few units in the last place."""
    check.close(got, expected, call=call, rtol=ulps * ULP, atol=SMALLEST_NORMAL if ulps else 0.0, mistakes=mistakes,
                note=note)
    is_float(got, call, expected)


def is_float(got, call, *expected):
    problem = f"The result has to be a float, such as 1.0 or 0.0, and not of type {type(got).__name__}."
    check.that(isinstance(got, float), problem, call=call, got=got, **({"expected": expected[0]} if expected else {}))


def agree_on(function, cases):
    """Each case is (arguments, expected, note)."""
    for arguments, expected, note in cases:
        call = f"{function.__name__}({', '.join(map(repr, arguments))})"
        agree(function(*arguments), expected, call, note=note)
