"""A mistake in a compiled function is told in plain words, with the line of the learner's own file."""

from __future__ import annotations

import inspect
import re
import textwrap
import traceback

import numpy as np
import pytest
from kernel_modules import kernels_folder, load  # noqa: F401

from terox.foundations import operators
from terox.parallel import compiler
from terox.parallel.compiler import CompileError

HEAD = '''
from __future__ import annotations
import math
import numpy as np
from terox._numba import prange

SCALES = [1.0, 2.0]
TABLE = np.ones(3)


def helper(x: float, y: float) -> float:
    return math.hypot(x, y)


def forgets(x):
    y = x


def takes_any(x):
    return x * 2.0


def loop(fn, begin, end, out, a, sizes, strides):
    for i in range(begin, end):
'''

# Name: (lines of a loop's body, with # <- at the line to name; words that the message has to have).
# `def` begins another function, which the loop calls.
CASES = {
    "unknown name": ("out[i] = fn(b[i])  # <-", "`b` is not defined"),
    "misspelled name": ("out[i] = helpr(a[i], a[i])  # <-", "did you mean `helper`"),
    "misspelled function of math": ("out[i] = math.expp(a[i])  # <-", "did you mean `math.exp`"),
    "misspelled function of np": ("row = np.emtpy(3)  # <-\nout[i] = row[0]", "did you mean `np.empty`"),
    "np function that does not compile": ("out[i] = np.einsum('i,i', a, a)  # <-", "`np.einsum` does not exist"),
    "list and array": ("x = [1.0, 2.0] + sizes  # <-\nout[i] = x[0]", "`+` does not work between a list and a"),
    "list of two kinds": ("x = [i]\nx.append('a')  # <-", "values of one kind"),
    "append to an array": ("out.append(a[i])  # <-", "An array does not grow"),
    "variable changes its kind": ("x = 1\nif i > 1:\n    x = a  # <-\nout[i] = x", "a variable keeps one kind"),
    "expression of two kinds": ("out[i] = (a[i] if i else a)  # <-", "a float", ),
    "None returned": ("out[i] = forgets(a[i])  # <-", "Does the function that is called here `return`"),
    "text with %": ("print('%d' % i)  # <-", "cannot put text together"),
    "text with format": ("print('{}'.format(i))  # <-", "cannot put text together"),
    "f-string": ("print(f'{a[i]:.3f}')  # <-", "f-string"),
    "dictionary": ("d = {}  # <-\nd[i] = i", "dictionaries"),
    "dictionary comprehension": ("d = {j: j for j in range(3)}  # <-\nout[i] = d[0]", "dictionaries"),
    "set comprehension": ("d = {j for j in range(3)}  # <-\nout[i] = len(d)", "sets"),
    "try": ("try:  # <-\n    out[i] = a[i]\nexcept IndexError:\n    pass", "Test with `if`"),
    "with": ("with np.errstate(all='ignore'):  # <-\n    out[i] = a[i]", "`with`"),
    "tuple of any length": ("t = tuple(sizes)  # <-\nout[i] = t[0]", "how long a tuple is"),
    "too few arguments": ("out[i] = helper(a[i])  # <-", "`helper` takes 2 arguments (x, y), but is called with 1"),
    "too many arguments": ("out[i] = fn(a[i], a[i])  # <-", "`fn`, which is `exp` here, takes 1 argument"),
    "unknown keyword": ("out[i] = fn(z=a[i])  # <-", "none called `z`"),
    "array for a number": ("out[i] = helper(a[i], a)  # <-", "`helper` takes a number for `y`, but is called"),
    "array for a number of an operator": ("out[i] = fn(a)  # <-", "`fn`, which is `exp` here, takes a number for `x`"),
    "array in range": ("for j in range(out, end):  # <-\n    out[j] = 0", "`range` takes whole numbers"),
    "number indexed": ("out[i] = fn(begin[i])  # <-", "A whole number is indexed with []"),
    "number called": ("out[i] = begin(a[i])  # <-", "called as if it were a function"),
    "array called": ("out[i] = a(i)  # <-", "write []"),
    "array assigned to an element": ("out[i] = a[i : i + 2]  # <-", "a 1-D array is assigned to it"),
    "row of strides for a number": ("out[i] = strides[0]  # <-", "a 1-D array is assigned to it"),
    "keyword that does not compile": ("out[i] = np.sum(a, axis=0, keepdims=True)  # <-", "`keepdims`"),
    "generator": ("out[i] = sum(a[j] for j in range(3))  # <-", "Write a `for` loop"),
    "yield": ("out[i] = a[i]\nyield i  # <-", "cannot `yield`"),
    "list outside": ("out[i] = a[i] * SCALES[0]  # <-", "`SCALES` is a list outside of the function"),
    "array outside": ("out[i] = a[i] * TABLE[0]  # <-", "`TABLE` is an array outside of the function"),
    "recursion": ("out[i] = down(3)\ndef down(n):\n    return 1 if n < 2 else down(n - 1)  # <-", "`down` calls itse"),
    "recursion through another": ("out[i] = up(3)\ndef up(n):\n    return down(n)\n"
                                  "def down(n):\n    return up(n - 1)  # <-", "`up` calls itself through down"),
    "element of a tuple": ("t = (1, 2)\nt[0] = 3  # <-\nout[i] = t[0]", "tuple cannot be changed"),
    "range of a float": ("for j in range(end / 2):  # <-\n    out[j] = 0", "Use `//`"),
    "slice by a float": ("row = a[0 : end / 2]  # <-\nout[i] = row[0]", "Use `//`"),
    "index by a float": ("out[i] = a[1.0 * i]  # <-", "has to be a whole number"),
    "missing return": ("out[i] = some(a[i])\ndef some(x):  # <-\n    if x > 0:\n        return x", "every case"),
    "return of None": ("out[i] = positive(a[i])\ndef positive(x):\n    if x > 0:\n        return x\n    return  # <-",
                       "returns None"),
    "returns of two kinds": ("out[i] = both(a)\ndef both(x):\n    if x[0] > 0:\n        return x[0]\n"
                             "    return x  # <-", "elsewhere"),
    "use before assignment": ("total += a[i]  # <-\nout[i] = total", "`total` is used before it has a value"),
    "unknown attribute": ("out[i] = a.length  # <-", "len(...)"),
    "text added": ("out[i] = a[i] + '1'  # <-", "`+` does not work between a float and text"),
    "shape from an array": ("row = np.zeros(sizes)  # <-\nout[i] = row[0]", "The shape of a new array"),
    "shape from a list": ("row = np.empty([2, 3])  # <-\nout[i] = row[0, 0]", "The shape of a new array"),
    "two indices": ("out[i] = a[0, i]  # <-", "Storage is flat"),
    "two arguments of max": ("out[i] = min(a, 3)  # <-", "`min` cannot be called with a 1-D array and a whole number"),
    "function of Python": ("for j in reversed(range(3)):  # <-\n    out[j] = 0", "`reversed` does not exist"),
    "the rest with *": ("x, *rest = (1, 2, 3)  # <-\nout[i] = x", "collect the rest"),
    "del": ("del fn  # <-", "`del`"),
    "import inside": ("import math  # <-\nout[i] = math.pi", "Import at the top"),
    "global": ("global TABLE  # <-\nTABLE = 1", "variables outside"),
    "class": ("class Pair:  # <-\n    pass", "class"),
    ":=": ("if (n := end - begin) > 3:  # <-\n    out[i] = n", "line of its own"),
    "open": ("out[i] = open('file').read()  # <-", "`open`"),
    "keyword-only parameter": ("out[i] = only(a[i], y=1)\ndef only(x, *, y):  # <-\n    return x", "plain parameters"),
    "two lines apart": ("out[i] = helper(\n    a[i],\n    a,\n)", "is called with a 1-D array"),
}

FORBIDDEN = re.compile(r"(?i)numba|njit|typing|reflected|kernel_[0-9a-f]|nopython|int64|float32|overload|literal\[")


def run(module, n=3, how="serial"):
    bound = {"fn": operators.exp} if "fn" in inspect.signature(module.loop).parameters else {}
    kernel = compiler.kernel(module.loop, ("float32", "float32"), **bound)
    out, a = np.zeros(n, np.float32), np.arange(n).astype(np.float32)
    tables = np.array([n]), np.array([[1], [1]])
    if how == "serial":
        kernel.serial(0, n, out, a, *tables)
    else:
        kernel.parallel(n, n // 4, out, a, *tables)
    return out


def uncompiled(module, n=3):
    bound = [operators.exp] if "fn" in inspect.signature(module.loop).parameters else []
    module.loop(*bound, 0, n, np.zeros(n, np.float32), np.ones(n, np.float32), np.array([n]), np.array([[1], [1]]))


@pytest.mark.parametrize("name", CASES)
def test_mistake_is_told_in_plain_words(name, tmp_path):
    body, words = CASES[name]
    inside, *others = re.split(r"^(?=def )", body, flags=re.M)
    text = HEAD + textwrap.indent(inside, " " * 8) + "\n\n" + "\n\n".join(others)
    lines = text.split("\n")
    line = next((n for n, one in enumerate(lines, 1) if "# <-" in one), lines.index("        out[i] = helper(") + 1
                if "two lines" in name else 0)
    function = re.findall(r"^def (\w+)", "\n".join(lines[:line]), re.M)[-1]
    path = tmp_path / f"mistake_{list(CASES).index(name)}.py"
    module = load(path, text)
    with pytest.raises(CompileError) as raised:
        run(module)
    said = str(raised.value)
    assert said.startswith(f"{path.as_posix()}:{line}: in {function}: "), said
    assert words in said, said
    own, advice, last = said.partition(": in ")[2].partition("To see it run")
    if advice:
        assert "NUMBA_DISABLE_JIT=1" in last and "plain Python" in last
        with pytest.raises(Exception):  # noqa: B017 - else the advice would hide the mistake
            uncompiled(module)
    assert not FORBIDDEN.search(own.partition(": ")[2]), said
    assert 1 <= len(re.findall(r"[.?)](?= |$)", own.strip())) <= 3, said
    # The traceback ends there, too, so that tools that know nothing of this lead to the line.
    end = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert (end.filename, end.lineno, end.name) == (str(path), line, function)
    assert raised.value.__suppress_context__ and raised.value.__cause__ is None


@pytest.mark.parametrize("name, helps", [("array for a number", True), ("number indexed", True),
                                         ("array in range", True), ("list and array", False), ("try", False),
                                         ("variable changes its kind", False), ("list outside", False),
                                         ("shape from a list", False), ("misspelled name", False)])
def test_advice_to_run_it_uncompiled_where_that_helps(name, helps, tmp_path):
    module = load(tmp_path / f"advice_{list(CASES).index(name)}.py", HEAD + textwrap.indent(CASES[name][0], " " * 8))
    with pytest.raises(CompileError) as raised:
        run(module)
    assert ("NUMBA_DISABLE_JIT" in str(raised.value)) == helps


@pytest.mark.parametrize("body, kind, words", [
    ("if i > 5000:\n    raise ValueError('too large')  # <-\nout[i] = a[i]", ValueError, "too large"),
    ("assert i < 5000, 'too many'  # <-\nout[i] = a[i]", AssertionError, "too many"),
    ("row = np.empty(begin - 1 - end)\nout[i] = row[0]", ValueError, "negative.*in this loop.*NUMBA_DISABLE_JIT=1"),
    ("o, p = sizes  # <-\nout[i] = o + p", ValueError, "on the right of `=`"),
], ids=["raise", "assert", "negative size", "unpacking"])
def test_error_of_running_code_is_not_lost(body, kind, words, tmp_path, request):
    text = HEAD + textwrap.indent(body, " " * 8) + "\n"
    line = next(n for n, one in enumerate(text.split("\n"), 1) if ("# <-" if "# <-" in body else "def loop") in one)
    name = re.sub(r"\W", "_", request.node.name)
    module = load(tmp_path / f"{name}.py", text)
    # From one of the pool's threads, an exception would vanish; one case of each kind is enough to see that none does.
    for how in ("parallel",) if words == "too large" or "negative" in words else ("serial",):
        with pytest.raises(kind, match=words) as raised:
            run(module, 8000, how)
        end = traceback.extract_tb(raised.value.__traceback__)[-1]
        assert (end.filename, end.lineno, end.name) == (str(tmp_path / f"{name}.py"), line, "loop")


def test_mistake_in_parallel_for(monkeypatch, tmp_path):
    from terox.parallel import elementwise

    module = load(tmp_path / "driver.py", HEAD + """        out[i] = a[i]


def parallel_for(loop, count, grain, operands):
    for chunk in prange(count / grain):
        loop(chunk, count, operands)
""")
    monkeypatch.setattr(elementwise, "parallel_for", module.parallel_for)
    with pytest.raises(CompileError, match=r"driver.py:\d+: in parallel_for: .*`prange` needs whole numbers"):
        run(module, 8000, "parallel")


def test_wrong_number_of_parameters(tmp_path):
    module = load(tmp_path / "parameters.py", "def loop(fn, begin, end, out, a):\n    pass\n")
    with pytest.raises(CompileError, match=r"parameters.py:1: in loop: `loop` has 5 parameters, but is called with 7"):
        run(module)


def test_what_python_allows_and_compiled_code_too(tmp_path):
    text = HEAD + textwrap.indent(textwrap.dedent("""
        double = lambda x: x * 2.0
        def triple(x, k=3.0):
            return x * k
        pair = (double(a[i]), triple(a[i]))
        some = [a[j] for j in range(2)]
        match i:
            case 0:
                scale = 1.0
            case _:
                scale = 2.0
        for j, (x, y) in enumerate(zip(a, sizes)):
            some[0] = x * 0.0 + y * 0.0 + j * 0.0
        else:
            pair = pair
        out[i] = scale * max(pair[0], abs(pair[1])) + some[0] + float(int(a[i]))
    """), " " * 8)
    module = load(tmp_path / "allowed.py", text)
    np.testing.assert_array_equal(run(module), [0.0, 7.0, 14.0])
