"""Kernels for the tests of the tracer: the reference with a line taken out, and launches of the reference."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from itertools import count
from types import FunctionType

import numpy as np
from hypothesis import settings

from course.trace.gpu import trace_kernel
from terox.cuda import matmul, reduce, softmax

NUMBER = np.float32
few_examples = settings(max_examples=25, deadline=None, derandomize=True, database=None)
_copies = count()


def changed(function, replace, by="pass", number=0):
    """A copy of the function without docstring and comments, in which one statement is another one.

    That is line `number` of those that have the text `replace`, as `ast.unparse` writes them.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree.body[0].body = [part for part in tree.body[0].body
                         if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    lines = ast.unparse(tree).splitlines(keepends=True)
    at = [n for n, line in enumerate(lines) if replace in line][number]
    indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = f"{indent}{by}\n"
    return compiled("".join(lines), function.__name__, function.__globals__)


def line_of_copy(file, text):
    """The number of the last line of a copy that has this text."""
    return max(n for n, line in enumerate(linecache.getlines(file), 1) if text in line)


def compiled(text, name, namespace):
    """A function from its text, which messages can quote."""
    file = f"changed_{next(_copies)}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = dict(namespace)
    exec(compile(text, file, "exec"), space)
    return space[name]


def using(function, **names):
    """The function with other values for names of its module."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__)


def line_in(function, text, number=0):
    """The number of a line of the function that has this text."""
    lines, first = inspect.getsourcelines(function)
    return [max(first, 1) + n for n, line in enumerate(lines) if text in line][number]


def kinds(made):
    return [problem.kind for problem in made.problems]


def add(x, y):
    return x + y


def reduced(block_fold=reduce.block_fold, kernel=reduce.reduce_kernel, *, results=2, length=11, block=8, parts=1,
            fn=add, **options):
    """A launch of the reduction. Its numbers are 0, 1, 2, ..."""
    a = np.arange(results * length, dtype=NUMBER)
    out = np.zeros(results * parts, NUMBER)
    made = trace_kernel(using(kernel, block_fold=block_fold), results * parts, block, fn, NUMBER(0), NUMBER, out, a,
                        length, parts, (results,), (length,), (length,), (1,),
                        constants={"BLOCK": block}, once=True, **options)
    return made, out, a.reshape(results, length)


def multiplied(kernel=matmul.matmul_kernel, *, batch=1, n=5, m=4, k=7, tile=3, **options):
    """A launch of the product of matrices; `b` lies transposed in memory."""
    rng = np.random.default_rng(n * m * k)
    a, b = (rng.integers(-4, 5, size).astype(NUMBER) for size in ((batch, n, k), (batch, m, k)))
    out = np.zeros(batch * n * m, NUMBER)
    made = trace_kernel(kernel, (-(-m // tile), -(-n // tile), batch), (tile, tile), NUMBER, out, a.ravel(), b.ravel(),
                        (n, m, k), ((m, 1), (k, 1), (1, k)), (batch,), ((n * m,), (n * k,), (m * k,)),
                        constants={"TILE": tile}, once=True, **options)
    return made, out.reshape(batch, n, m), a, b.swapaxes(1, 2)


def softmaxed(block_join=softmax.block_join, kernel=softmax.softmax_kernel, *, rows=2, length=11, block=8, **options):
    """A launch of softmax."""
    a = np.random.default_rng(rows * length).normal(size=(rows, length)).astype(NUMBER)
    out = np.zeros(rows * length, NUMBER)
    made = trace_kernel(using(kernel, block_join=block_join), rows, block, NUMBER, out, a.ravel(), length, (1, 1),
                        (rows,), ((length,), (length,)), constants={"BLOCK": block}, once=True, **options)
    return made, out.reshape(rows, length), a
