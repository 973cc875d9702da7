"""`exp` of vector_math.py: its error, special values, and its Python form beside machine code."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from course.trace import trace
from terox._numba import JIT
from terox.parallel import compiler
from terox.parallel.vector_math import exp, exp_float32, exp_float64

KINDS = ["float32", "float64"]
MOST_ULP = {"float32": 1.1, "float64": 1.7}  # as the file says; a few more numbers are tried here than rows of a test
# Where exp leaves the numbers of its kind: below, 0; above, inf. Between `tiny` and `least`, results have fewer digits.
LEAST = {"float32": -103.972, "float64": -745.133}
TINY = {"float32": -87.336, "float64": -708.396}
MOST = {"float32": 88.722, "float64": 709.782}


def exp_loop(begin, end, out, a, sizes, strides):
    for i in range(begin, end):
        out[i] = exp(a[i])


def number(function, x):
    """What a function's Python form gives. It is traced for that: some of what it calls is for compiled code only."""
    return trace(function, x).result


def in_python(x):
    return np.array([number(exp, each) for each in x], x.dtype)


def compiled(x):
    out = np.full_like(x, -1)
    loop = compiler.kernel(exp_loop, (str(x.dtype),) * 2)
    with np.errstate(all="ignore"):  # it is Python's form, where nothing is compiled
        loop.serial(0, len(x), out, x, np.array([len(x)]), np.array([[1], [1]]))
    return out


def ulps(got, exact):
    """The error in units in the last place of the exact result. `exact` has more digits than `got`."""
    unit = np.spacing(np.abs(exact.astype(got.dtype)))
    return np.abs((got.astype(exact.dtype) - exact) / unit.astype(exact.dtype))


def exact_exp(x):
    """exp with more digits than x has: float64 for float32; long double, where it is longer, for float64."""
    if x.dtype == np.float32:
        return np.exp(x.astype(np.float64))
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double has no more digits than float64 here")
    return np.exp(x.astype(np.longdouble))


@pytest.mark.parametrize("kind", KINDS)
def test_error_in_units_in_the_last_place(kind):
    generator = np.random.default_rng(1)
    n = 200_000 if JIT else 1000
    for low, high in ((TINY[kind], MOST[kind]), (-1.0, 1.0), (-1e-3, 1e-3), (-20.0, 0.0)):
        x = generator.uniform(low, high, n).astype(kind)
        x = x[(x > TINY[kind]) & (x < MOST[kind])]
        assert ulps(compiled(x), exact_exp(x)).max() <= MOST_ULP[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_error_at_the_edges_of_the_range_reduction(kind):
    """Around multiples of log(2) / 2, where n changes, and around the limits of the kind."""
    edges = np.array([n * math.log(2) / 2 for n in range(-200, 200)], np.float64).astype(kind)
    x = np.concatenate([np.nextafter(edges, np.array(to, kind)) for to in (-np.inf, np.inf)] + [edges])
    x = x[(x > TINY[kind]) & (x < MOST[kind])]
    assert ulps(compiled(x), exact_exp(x)).max() <= MOST_ULP[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_results_below_the_smallest_normal_number(kind):
    """They are off by less than two of the smallest steps that there are."""
    x = np.linspace(LEAST[kind], TINY[kind], 2000).astype(kind)
    step = float(np.finfo(kind).smallest_subnormal)
    got = compiled(x)
    for each, result in zip(x.tolist(), got.tolist()):
        assert abs(Fraction(result) - Fraction(math.exp(each))) <= 2 * Fraction(step)
    assert (got[1:] >= got[:-1]).all()


@pytest.mark.parametrize("run", [in_python, compiled])
@pytest.mark.parametrize("kind", KINDS)
def test_special_values(kind, run):
    kept = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], kind)
    np.testing.assert_array_equal(run(kept), np.array([1.0, 1.0, np.inf, 0.0, np.nan], kind))
    largest = float(np.finfo(kind).max)
    huge = np.array([MOST[kind] + 0.01, 1000.0, 1e30, largest, -1000.0, -1e30, -largest], kind)
    np.testing.assert_array_equal(run(huge), np.array([np.inf] * 4 + [0.0] * 3, kind))
    below = np.array([np.finfo(kind).smallest_subnormal, -np.finfo(kind).smallest_normal], kind)
    np.testing.assert_array_equal(run(below), np.array([1.0, 1.0], kind))
    assert np.isfinite(run(np.array([MOST[kind]], kind))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_python_form_is_the_compiled_one(kind):
    """Equal but for products and sums that machine code rounds once: two units at most, and the same kind."""
    x = np.random.default_rng(2).uniform(TINY[kind], MOST[kind], 300).astype(kind)
    python, machine = in_python(x), compiled(x)
    assert ulps(python, machine.astype(np.float64)).max() <= 2.0
    assert type(number(exp, x[0])) is x.dtype.type
    special = np.array([np.nan, np.inf, -np.inf, 0.0, 5000.0, -5000.0], kind)
    np.testing.assert_array_equal(in_python(special), compiled(special))


def test_the_kind_decides():
    """A float32 number stays one, all the way; the functions for one kind can be called by themselves."""
    one, other = np.float32(1.5), np.float64(1.5)
    assert number(exp, one) == number(exp_float32, one)
    assert number(exp, other) == number(exp_float64, other)
    assert number(exp, one) != number(exp, other)


@pytest.mark.parametrize("kind", KINDS)
def test_larger_for_larger_numbers(kind):
    """Softmax keeps the order of its numbers, up to rounding."""
    x = np.sort(np.random.default_rng(3).uniform(-10, 10, 5000).astype(kind))
    y = compiled(x)
    assert (y[1:] >= y[:-1] * (1 - 2 * np.finfo(kind).eps)).all()
