"""The provided generator: what is copied into a kernel's file, under which names, and from which lines."""

from __future__ import annotations

import ast
import linecache
import math
from pathlib import Path

import numpy as np
import pytest
from kernel_modules import kernels_folder, load  # noqa: F401

from terox.foundations import operators
from terox.parallel import compiler, elementwise, reduce, softmax
from terox.parallel.compiler import CompileError
from terox.parallel.sources import Source, literal

LOOP = '''
def loop(fn, begin, end, out, a, sizes, strides):
    for i in range(begin, end):
        out[i] = fn(a[i])
'''


def run(loop, fn, values, dtype="float64"):
    a = np.array(values, dtype)
    out = np.zeros_like(a)
    kernel = compiler.kernel(loop, (dtype, dtype), fn=fn)
    kernel.serial(0, len(a), out, a, np.array([len(a)]), np.array([[1], [1]]))
    return out.tolist(), kernel


# ---- Names and constants ----


def test_names_that_hide_others(tmp_path):
    """Operators called max, min, abs, pow; two functions of one name in two modules of one name."""
    one = load(tmp_path / "one" / "alike.py", "def scale(x):\n    return x * 2.0\n")
    two = load(tmp_path / "two" / "alike.py", "def scale(x):\n    return x + 1.0\n")
    module = load(tmp_path / "names.py", LOOP + """
import math as m
import numpy as xp
from math import floor as down
from numpy import float32 as small

def max(x, y):
    return x if x > y else y

def min(x, y):
    return x if x < y else y

def abs(x):
    return max(x, -x)

def pow(x, y):
    return x ** y

def all(x):
    return pow(min(abs(x), 3.0), 2.0) + one(x) + two(x) + m.sqrt(4.0) + down(1.5) + small(0.5) + xp.float64(0.25)
""")
    module.one, module.two = one.scale, two.scale
    values = [-5.0, 1.0, 2.0]
    assert run(module.loop, module.all, values)[0] == [module.all(x) for x in values]


def test_builtins_stay_what_they_are_beside_an_operator_of_that_name(tmp_path):
    module = load(tmp_path / "beside.py", LOOP + "from terox.foundations import operators\n\n\ndef both(x):\n"
                  "    return max(x, 2.0, 3.0) + operators.max(x, 1.0)\n")
    assert run(module.loop, module.both, [0.0, 5.0])[0] == [4.0, 10.0]


def test_constants(tmp_path):
    module = load(tmp_path / "constants.py", LOOP + """
import numpy as np
WHOLE, REAL, INFINITE, NOTHING, YES = 3, 0.1, float("inf"), float("nan"), True
SMALL, BIG, FAR = np.float32(0.1), np.int64(2**40), np.float32("-inf")
PAIR, KIND = (2, 0.5), np.float32

def uses(x):
    y = WHOLE + REAL + SMALL + BIG + PAIR[0] * PAIR[1] + KIND(0.1)
    if YES and x < INFINITE and not NOTHING == NOTHING and x > FAR:
        return x + y
    return x
""")
    assert run(module.loop, module.uses, [1.0, math.inf])[0] == [module.uses(1.0), math.inf]


@pytest.mark.parametrize("value, text", [
    (True, "True"), (np.True_, "True"), (3, "3"), (0.1, "0.1"), (-0.0, "-0.0"), (math.inf, "float('inf')"),
    (-math.inf, "float('-inf')"), (math.nan, "float('nan')"), (np.float32(0.1), "np.float32(0.10000000149011612)"),
    (np.float64(2), "np.float64(2.0)"), (np.float32(math.nan), "np.float32(float('nan'))"),
    (np.int32(-3), "np.int32(-3)"), ((1, 2.0), "(1, 2.0)"), ((1,), "(1,)"), ([1], None), ("text", None), (1j, None),
    (np.ones(2), None), ((1, "a"), None)])
def test_literal(value, text):
    assert literal(value) == text
    if text is not None:
        again = eval(text, {"np": np})
        assert type(again) is type(value) or type(value) is np.bool_
        assert repr(again) == repr(value) or type(value) is np.bool_


def test_equal_numbers_of_other_kinds_are_other_kernels(tmp_path):
    module = load(tmp_path / "starts.py", "def loop(start, begin, end, out, sizes, strides):\n    pass\n")
    starts = 0, 0.0, False, -0.0, np.float32(0)
    assert len({id(compiler.kernel(module.loop, ("float64",), start=start)) for start in starts}) == 5
    assert compiler.kernel(module.loop, ("float64",), start=math.nan) is compiler.kernel(module.loop, ("float64",),
                                                                                      start=math.nan)


def test_defaults_are_what_they_were_when_the_function_was_defined(tmp_path):
    module = load(tmp_path / "defaults.py", LOOP + "STEP = 2.0\n\n\ndef twice(x):\n    return 2.0 * x\n\n\n"
                  "def shifted(x, step=STEP, then=twice):\n    return then(x + step)\n\n\nSTEP = 100.0\n")
    assert run(module.loop, module.shifted, [1.0])[0] == [6.0]


def test_local_names_are_left_alone(tmp_path):
    module = load(tmp_path / "local.py", LOOP + """
n = 100.0
helper = 100.0

def own(x):
    def helper(n):
        return n + 1.0
    n = [n * 2.0 for n in (x, x)]
    twice = lambda n: n * 2.0
    return helper(n[0]) + twice(x)
""")
    assert run(module.loop, module.own, [1.0, 2.0])[0] == [5.0, 9.0]


def test_terox_modules_by_their_whole_name(tmp_path):
    module = load(tmp_path / "whole.py", LOOP + "import terox.foundations.operators\n\n\ndef uses(x):\n"
                  "    return terox.foundations.operators.relu(x)\n")
    assert run(module.loop, module.uses, [-1.0, 2.0])[0] == [0.0, 2.0]


# ---- Functions that cannot be copied ----


def test_functions_that_cannot_be_copied(tmp_path):
    module = load(tmp_path / "unusual.py", LOOP + """
import functools

def plus(x, y):
    return x + y

def around(k):
    def inside(x):
        return x + k
    return inside

def wrapped(function):
    @functools.wraps(function)
    def other(x):
        return function(x) + 1.0
    return other

@wrapped
def decorated(x):
    return x

def uses_partial(x):
    return partial(x)

partial = functools.partial(plus, 1.0)
closure = around(2.0)
nameless = lambda x: x
""")
    for function, words in ((module.closure, "`k` belongs to the function around"), (module.decorated, "is decorated"),
                            (module.nameless, "with `def`"), (module.uses_partial, "`partial`")):
        with pytest.raises(CompileError, match=rf"unusual.py:\d+: in .*{words}"):
            run(module.loop, function, [1.0])
    namespace = {}
    exec("def typed_in(x):\n    return x", namespace)
    with pytest.raises(CompileError, match="source of `typed_in` cannot be found.* in a file or in a cell"):
        run(module.loop, namespace["typed_in"], [1.0])


def test_a_function_of_a_notebook_cell(monkeypatch):
    """IPython puts the text of a cell into linecache, under a name that is no file's."""
    for name in ("<ipython-input-1-0123>", "/tmp/ipykernel_1/1234.py"):
        text = LOOP + "\n\ndef typed_in(x):\n    return x + one\n\none = 1.0\n"
        monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(True), name))
        namespace = {"__name__": "__main__"}
        exec(compile(text, name, "exec"), namespace)
        assert run(namespace["loop"], namespace["typed_in"], [1.0])[0] == [2.0]
        namespace["one"] = [1.0]
        with pytest.raises(CompileError, match=rf"{name}:8: in typed_in: `one` is a list"):
            run(namespace["loop"], namespace["typed_in"], [1.0])


def test_a_decorator_that_returns_the_function_itself(tmp_path):
    module = load(tmp_path / "registered.py", LOOP + "def register(f):\n    return f\n\n\n@register\ndef own(x):\n"
                  "    return x + 1.0\n")
    assert run(module.loop, module.own, [1.0])[0] == [2.0]


@pytest.mark.parametrize("where", ["loop", "operator", "what an operator calls", "row", "parallel_for"])
def test_a_todo_anywhere_below_is_its_own(where, tmp_path, monkeypatch):
    todo = load(tmp_path / f"todo_{where.split()[0]}.py", LOOP.replace("def loop", "def fine") + '''
def loop(fn, begin, end, out, a, sizes, strides):
    """What it does."""
    # TODO 3.3: do it.
    raise NotImplementedError("Task 3.3: loop")

def relu(x):
    raise NotImplementedError("Task 0.1: relu")

def uses(x):
    return relu(x)

def row(fn, n, memory, places, steps):
    raise NotImplementedError("Task 3.2: row")

def parallel_for(loop, count, grain, operands):
    raise NotImplementedError("Task 3.2: parallel_for")
''')
    before = compiler.statistics()
    task = {"loop": "3.3: loop", "row": "3.2: row", "parallel_for": "3.2: parallel_for"}.get(where, "0.1: relu")
    one = np.zeros(9000)
    tables = np.array([9000]), np.array([[1], [1]])
    with pytest.raises(NotImplementedError, match=f"^Task {task}$"):
        if where == "row":
            compiler.kernel(elementwise.elementwise_range, ("float64",) * 2, row=todo.row, fn=operators.neg).serial(
                0, 9, one, one, *tables)
        elif where == "parallel_for":
            monkeypatch.setattr(elementwise, "parallel_for", todo.parallel_for)
            compiler.kernel(todo.fine, ("float64",) * 2, fn=operators.neg).parallel(9000, 10, one, one, *tables)
        else:
            run(todo.loop if where == "loop" else todo.fine,
                {"loop": operators.neg, "operator": todo.relu}.get(where, todo.uses), [1.0])
    assert compiler.statistics() == before


# ---- Lines ----


def test_every_line_of_every_kernel_leads_back():
    """For the longest kernels of the course: the statement in the generated line is the one in the original line."""
    for loop, bound in ((elementwise.elementwise_range, {"row": elementwise.map_row, "fn": operators.sigmoid}),
                        (softmax.softmax_range, {}), (reduce.reduce_range, {"fn": operators.max, "start": -math.inf})):
        kernel = compiler.Kernel(loop, ("float32",) * 2, bound)
        unit = kernel.unit()
        checked = 0
        for copy in ast.parse(unit.text).body:
            if isinstance(copy, ast.FunctionDef) and copy.name in unit.source.originals:
                for node in ast.walk(copy):
                    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.For, ast.If, ast.While)):
                        place = unit.source.original(unit.text, node.lineno)
                        tree = ast.parse(Path(place.path).read_text(encoding="utf-8"))
                        found = [one for one in ast.walk(tree)
                                 if isinstance(one, type(node)) and one.lineno == place.line]
                        assert len(found) == 1 and place.function == unit.source.functions[copy.name].__name__
                        checked += 1
        assert checked > 10


def test_lines_that_are_wrapped_or_joined_in_the_copy(tmp_path):
    module = load(tmp_path / "wrapped.py", "def own(x):\n    y = (x\n         + 1.0); z = y\n\n    if x > 0: return (\n"
                  "        z)\n    return y\n" + LOOP)
    source = Source()
    source.add(module.own)
    text = source.text("a test", "")
    lines = {line: source.original(text, number).line for number, line in enumerate(text.splitlines(), 1)
             if source.original(text, number)}
    assert {line.strip(): number for line, number in lines.items() if "@" not in line and "def" not in line} == {
        "y = x + 1.0": 2, "z = y": 3, "if x > 0:": 5, "return z": 5, "return y": 7}
