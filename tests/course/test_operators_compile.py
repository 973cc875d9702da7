"""Numba really compiles the operators, and what it makes of them agrees with Python, edges included.

`tests/module_0/test_0_1_subset.py` judges the learner's source without a compiler, and so does the grader's
`course/grading/checks/kernel_language.py`. Here is the proof that what they let through compiles: the reference, and
the wheats, which are written differently; and that of `math` they let through all that compiles.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import itertools
import json
import math
import os
import subprocess
import sys
import types
from pathlib import Path

import numba
import pytest

from course.chaffs import laid_over
from course.grading.checks import kernel_language
from terox.parallel import subset

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
    for node in ast.parse(whole.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            subset.check(node, str(whole))


# ---- What the two readers let through ----


def public_reader():
    """The learner's test, as a module of its own."""
    spec = importlib.util.spec_from_file_location("subset_of_0_1", ROOT / "tests/module_0/test_0_1_subset.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdicts(text, folder):
    """What is wrong with the function `f` of a source, in the words of the learner's test and of the grader; or ""."""
    path, reader = folder / "operators.py", public_reader()
    path.write_text(text, encoding="utf-8")
    reader.operators = types.ModuleType("operators")
    reader.operators.__file__ = str(path)
    exec(compile(text, str(path), "exec"), reader.operators.__dict__)
    return (reader.find_problem("f") or (0, ""))[1], kernel_language.problem(text, ["f"])


@pytest.mark.parametrize("text", [
    "def f(x, /):\n    return x + float(x)\n",
    "def f(x, y, /, z):\n    return x + y + z\n",
    "def f(x):\n    return g(x, positive=x)\ndef g(x, positive):\n    return positive if x > 0.0 else 0.0\n",
    "def f(x):\n    return g(b=-x, a=1.0)\ndef g(a, b=2.0):\n    return a * b\n",
    "import math\ndef f(x):\n    return math.ldexp(math.exp2(x), 3) + math.nextafter(x, 1.0)\n",
    "import math\ndef f(x):\n    part, power = math.frexp(x)\n    return part * power\n",
    "from math import ldexp as shifted\ndef f(x):\n    return shifted(x, 2)\n"])
def test_both_readers_let_it_through(text, tmp_path):
    assert verdicts(text, tmp_path) == ("", "")
    namespace = {}
    exec(text, namespace)
    compiled = {name: numba.njit(value) if inspect.isfunction(value) else value for name, value in namespace.items()}
    for function in compiled.values():
        if hasattr(function, "py_func"):
            function.py_func.__globals__.update(compiled)
    compiled["f"].compile((numba.float64,) * len(inspect.signature(namespace["f"]).parameters))


@pytest.mark.parametrize("text, public, sealed", [
    ("import math\ndef f(x):\n    return math.gcd(x, 2)\n", "math.gcd, which Numba compiles for the CPU only",
     "math.gcd, which Numba compiles for the CPU only"),
    ("import math\ndef f(x):\n    return math.fmod(x, 2.0)\n", "math.fmod, which Numba compiles for the GPU only",
     "math.fmod, which Numba compiles for the GPU only"),
    ("import math\ndef f(x):\n    return math.dist((x,), (x,))\n", "math.dist, which Numba does not know",
     "math.dist, which Numba does not know"),
    ("from math import gcd\ndef f(x):\n    return gcd(x, 2)\n", "a call of gcd, which Numba compiles for the CPU only",
     None),
    ("def f(x):\n    return g(x, **{})\ndef g(x):\n    return x\n", "an argument with a star", "a starred argument"),
    ("def f(x):\n    return g(*(x,))\ndef g(x):\n    return x\n", "an argument with a star", "a starred argument"),
    ("def f(x):\n    return g(x, y=[x])\ndef g(x, y):\n    return x\n", "a list", "a list"),
    ("def f(x):\n    return max(x, 0.0, key=abs)\n", "an argument with a name", "an argument with a name"),
    ("def f(x):\n    return g(x, y=x)\ndef g(x, *, y):\n    return y\n", "a parameter with a star, or after one",
     "a parameter with a star, or after one"),
    ("def f(x):\n    return g(x)\ndef g(*xs):\n    return 1.0\n", "a parameter with a star, or after one",
     "a parameter with a star, or after one")])
def test_both_readers_refuse_it(text, public, sealed, tmp_path):
    learner, grader = verdicts(text, tmp_path)
    assert public in learner
    assert sealed is None or sealed in grader


@pytest.mark.parametrize("text", [
    "def f(x):\n    return x\nf = abs\n", "def f(x):\n    return x\nfrom math import exp as f\n",
    "def f(x):\n    return x\nif True:\n    def f(x):\n        return [x][0]\n",
    "def f(x):\n    return g(x)\ndef g(x):\n    return x\nfor g in (abs,):\n    pass\n",
    "def wrapped(fn):\n    return abs\n@wrapped\ndef f(x):\n    return x\n",
    "def f(x):\n    return x\ndef change():\n    global f\n    f = abs\nchange()\n"])
def test_a_function_is_what_its_def_says(text):
    """Else the grader reads one function, and another one runs."""
    assert "is not what its `def` says" in kernel_language.problem(text, ["f"])


@pytest.mark.parametrize("data", [
    b"\xef\xbb\xbfdef f(x):\n    return x  # f\xc3\xbcr\n", b"def f(x):\r\n\treturn x\r\n",
    b"# -*- coding: latin-1 -*-\ndef f(x):\n    return x  # f\xfcr\n"], ids=["byte-order mark", "CRLF", "latin-1"])
def test_a_file_is_read_as_python_reads_it(data, tmp_path):
    reader = public_reader()
    reader.operators = types.ModuleType("operators")
    reader.operators.__file__ = str(tmp_path / "operators.py")
    (tmp_path / "operators.py").write_bytes(data)
    exec(compile(data, "operators.py", "exec"), reader.operators.__dict__)
    assert reader.find_problem("f") is None


def test_both_readers_have_the_same_lists():
    reader = public_reader()
    assert (reader.MATH, reader.ON_ONE) == (kernel_language.MATH, kernel_language.ON_ONE)


def compiles(expression, count):
    """Whether an expression of `count` floats compiles for the CPU."""
    names = ", ".join("xyz"[:count])
    namespace = {"math": math}
    exec(f"def f({names}):\n    return {expression.format(names)}", namespace)
    try:
        numba.njit((numba.float64,) * count, error_model="numpy")(namespace["f"])
    except numba.core.errors.NumbaError:
        return False
    return True


ALL_OF_MATH = sorted(name for name in vars(math) if name[0] != "_")
ON_THE_GPU = """
import json, math, sys
from numba import cuda, float64
from numba.core.errors import NumbaError

found = []
for name in json.loads(sys.argv[1]):
    for count in (1, 2, 3):
        names, namespace = ", ".join("xyz"[:count]), {"math": math}
        exec(f"def f({names}):\\n    return math.{name}" + (f"({names})" if callable(getattr(math, name)) else ""),
             namespace)
        try:
            cuda.compile(namespace["f"], (float64,) * count, device=True, cc=(7, 5), output="ptx", abi="c")
        except NumbaError:
            continue
        found.append(name)
        break
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def for_the_cpu():
    """The names of `math` that compile for the CPU, with any number of arguments."""
    return {name for name in ALL_OF_MATH if any(compiles(
        f"math.{name}({{}})" if callable(getattr(math, name)) else f"math.{name}", count) for count in (1, 2, 3))}


def test_what_compiles_for_the_cpu(for_the_cpu):
    on_one = kernel_language.ON_ONE
    assert for_the_cpu == kernel_language.MATH | {name for name, where in on_one.items() if where == "CPU"}


@pytest.mark.slow
def test_what_compiles_for_the_gpu(for_the_cpu):
    """NVIDIA's compiler makes PTX of it, without a GPU. It is the layer gpu; see test_cuda_compiles.py."""
    if importlib.util.find_spec("numba_cuda") is None or importlib.util.find_spec("nvidia") is None:
        problem = "NVIDIA's compiler is not installed (python -m course setup --layer gpu)"
        if os.environ.get("TEROX_REQUIRE_NVVM") == "1":
            pytest.fail(f"{problem}, and TEROX_REQUIRE_NVVM=1")
        pytest.skip(problem)
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TEROX_", "NUMBA_"))}
    result = subprocess.run([sys.executable, "-c", ON_THE_GPU, json.dumps(ALL_OF_MATH)], capture_output=True, text=True,
                            env=known)
    assert result.returncode == 0, result.stderr[-3000:]
    for_the_gpu = set(json.loads(result.stdout.splitlines()[-1]))
    assert for_the_cpu & for_the_gpu == kernel_language.MATH
    assert {name: "CPU" if name in for_the_cpu else "GPU" for name in for_the_cpu ^ for_the_gpu} == \
        kernel_language.ON_ONE


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
