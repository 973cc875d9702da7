"""Numba really compiles the operators, and what it makes of them agrees with Python, edges included.

`tests/module_0/test_0_1_subset.py` judges the learner's source without a compiler. Here is the proof that what
it lets through compiles: the reference, and the wheats, which are written differently.
"""

from __future__ import annotations

import inspect
import itertools
import math
import runpy
from pathlib import Path

import numba
import pytest

from course.chaffs import laid_over

ROOT = Path(__file__).resolve().parents[2]
FILE = "terox/foundations/operators.py"
LEARNERS = ("max", "is_close", "relu", "exp", "log", "inv", "sigmoid", "relu_back", "log_back", "inv_back")
WHEATS = sorted(path for path in (ROOT / "tests/wheats/module_0").glob(f"*/{FILE}"))
VALUES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 1e-8, 40.0, -40.0, 709.782712893384, 709.7827128933841, 1000.0,
          -1000.0,
          1e200, -1e200, math.inf, -math.inf, math.nan]


def load(path):
    """The plain functions of a source file, and a second time as functions that Numba compiles when they are called."""
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    plain: dict = {"__name__": "plain"}
    compiled: dict = {"__name__": "compiled"}
    exec(code, plain)
    exec(code, compiled)
    names = [name for name, value in plain.items() if inspect.isfunction(value)]
    for name in names:
        compiled[name] = numba.njit(compiled[name])  # they call each other through these globals
    return {name: (plain[name], compiled[name]) for name in names}


def outcome(function, arguments):
    try:
        return function(*arguments)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        return type(error)


def same(one, other):
    if isinstance(one, type) or isinstance(other, type):
        return one is other
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return math.copysign(1.0, one) == math.copysign(1.0, other)
    return math.isclose(one, other, rel_tol=4 * 2.0**-52, abs_tol=5e-324)


def judge(functions, names, kind=float, values=VALUES):
    for name in names:
        plain, compiled = functions[name]
        arity = len(inspect.signature(plain).parameters)
        compiled.compile((numba.float64 if kind is float else numba.int64,) * arity)
        for arguments in itertools.product(values, repeat=arity):
            expected, got = outcome(plain, arguments), compiled(*arguments)
            assert isinstance(expected, kind), f"{name}{arguments} is {expected!r} in Python: an operator is total"
            assert same(got, expected), f"{name}{arguments}: {expected!r} in Python, {got!r} compiled"


def test_every_operator_of_the_reference_compiles():
    functions = load(ROOT / "solutions" / FILE)
    assert set(LEARNERS) < set(functions)
    judge(functions, functions)


def test_the_further_operators_of_tensors_compile():
    functions = load(ROOT / "solutions/terox/tensors/operators.py")
    whole = [name for name in functions if name.endswith("_int") or name.startswith("bitwise_")]
    judge(functions, [name for name in functions if name not in whole])
    judge(functions, whole, int, [value for value in range(-4, 5) if value])  # division by zero is refused above


@pytest.mark.parametrize("path", WHEATS, ids=lambda path: path.parts[-4])
def test_other_correct_operators_compile(path, tmp_path):
    whole = tmp_path / "operators.py"
    whole.write_text(laid_over(ROOT / "solutions" / FILE, path), encoding="utf-8")
    judge(load(whole), LEARNERS)


def test_every_name_of_math_that_learners_may_use_compiles():
    allowed = runpy.run_path(str(ROOT / "tests/module_0/test_0_1_subset.py"))["MATH"]
    calls = []
    for name in sorted(allowed):
        value = getattr(math, name)
        calls.append(f"math.{name}({', '.join(['x'] * (2 if name in ('atan2', 'copysign', 'hypot', 'pow') else 1))})"
                     if callable(value) else f"math.{name}")
    namespace = {"math": math}
    exec("def every(x):\n    return " + " + ".join(calls), namespace)
    numba.njit((numba.float64,))(namespace["every"])


@pytest.mark.parametrize("x, y, expected", [
    (2.0, 1024.0, math.inf), (2.0, 1023.0, 2.0**1023), (-2.0, 1025.0, -math.inf), (-2.0, 1024.0, math.inf),
    (2.0, -1080.0, 0.0),
    (0.0, -1.0, math.inf), (-0.0, -1.0, -math.inf), (-0.0, -2.0, math.inf), (-8.0, 1.0 / 3.0, math.nan),
    (math.nan, 0.0, 1.0),
    (1.0, math.nan, 1.0), (-1.0, math.inf, 1.0), (0.5, -math.inf, math.inf), (-math.inf, 3.0, -math.inf),
    (-3.0, 3.0, -27.0)])
def test_pow_is_total(x, y, expected):
    from terox.foundations import operators

    assert same(operators.pow(x, y), expected)
