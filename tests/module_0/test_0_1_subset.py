"""Task 0.1: the operators keep to the part of Python that modules 3 and 4 can compile.

This reads the source of the learner's functions; it compiles nothing, so that module 0 needs no compiler.
"""

from __future__ import annotations

import ast
import math
import types
from pathlib import Path

import pytest

from course import check
from terox.foundations import operators

pytestmark = pytest.mark.task("0.1")

# Functions and constants of `math` that Numba compiles for the CPU and for the GPU, and those that it compiles for one
# of them. The grader has the same lists (course/grading/checks/kernel_language.py), and tests/course compares them with
# Numba.
MATH = set("""acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh e erf erfc exp exp2 expm1 fabs floor frexp
    gamma hypot inf isfinite isinf isnan ldexp lgamma log log10 log1p log2 nan nextafter pi pow radians degrees sin sinh
    sqrt tan tanh tau trunc""".split())
ON_ONE = {"gcd": "CPU", "fmod": "GPU", "modf": "GPU", "remainder": "GPU"}
BUILTINS = {"abs", "min", "max", "int", "bool", "float", "range"}

STATEMENTS = (ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.If, ast.For, ast.While, ast.Break, ast.Continue,
              ast.Pass, ast.Assert, ast.Match)
EXPRESSIONS = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
               ast.Call, ast.Tuple)
PATTERNS = (ast.match_case, ast.MatchValue, ast.MatchSingleton, ast.MatchAs, ast.MatchOr)
SYMBOLS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)

WORDS = {
    ast.Try: "try/except", ast.With: "a with block",
    ast.Raise: "a raise (and an operator has a result for every float)",
    ast.Lambda: "a lambda", ast.FunctionDef: "a function inside a function", ast.ClassDef: "a class",
    ast.Import: "an import inside a function", ast.ImportFrom: "an import inside a function",
    ast.JoinedStr: "an f-string",
    ast.ListComp: "a comprehension", ast.SetComp: "a comprehension", ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a generator expression", ast.List: "a list", ast.Dict: "a dict", ast.Set: "a set",
    ast.Subscript: "indexing", ast.NamedExpr: "the operator :=", ast.Global: "a global variable that changes",
    ast.Expr: "a statement without effect, or a call for its effect",
}


@pytest.mark.parametrize("name, arguments", [
    ("max", 2), ("is_close", 2), ("relu", 1), ("exp", 1), ("log", 1), ("inv", 1), ("sigmoid", 1), ("relu_back", 2),
    ("log_back", 2), ("inv_back", 2)])
def test_operators_compile(name, arguments):
    """Operators are made of numbers, comparisons, `if`, functions of math, and each other: compilers read them."""
    getattr(operators, name)(*(0.5, 2.0)[:arguments])
    problem = find_problem(name)
    if problem is not None:
        line, what = problem
        call = f"{name}({', '.join(('x', 'd' if name.endswith('_back') else 'y')[:arguments])})"
        check.that(False, f"{Path(operators.__file__).name}:{line} has {what}. Modules 3 and 4 compile this function "
                   "with Numba, for the CPU and the GPU, and it can have only what a kernel has on both.", call=call)


def find_problem(name: str) -> tuple[int, str] | None:
    """The first line of an operator, or of what it calls, that does not compile, and what is wrong with it."""
    tree = ast.parse(Path(operators.__file__).read_bytes(), operators.__file__)  # bytes: in the encoding that it has
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if current not in functions:
            return 1, f"no function `def {current}` (it is made in another way)"
        reader = Reader(functions[current], set(functions))
        if reader.problems:
            return min(reader.problems)
        waiting += sorted(reader.called)
    return None


class Reader:
    """Reads one function: `problems`, and the functions of the same file that it has `called`."""

    def __init__(self, function: ast.FunctionDef, functions: set[str]) -> None:
        self.functions = functions
        self.called: set[str] = set()
        self.problems: list[tuple[int, str]] = []
        args = function.args
        self.parameters = {argument.arg for argument in (*args.posonlyargs, *args.args)}
        starred = {argument.arg for argument in (args.vararg, *args.kwonlyargs, args.kwarg) if argument is not None}
        self.locals = self.parameters | starred | {node.id for node in ast.walk(function)
                                                   if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.locals |= {node.name for node in ast.walk(function) if isinstance(node, ast.MatchAs) and node.name}
        if function.decorator_list:
            self.problem(function.decorator_list[0], "a decorator")
        if starred:
            self.problem(function, "a parameter with a star, or after one")
        for statement in function.body[ast.get_docstring(function) is not None:]:
            self.read(statement)

    def problem(self, node: ast.AST, what: str) -> None:
        self.problems.append((getattr(node, "lineno", 1), what))

    def read(self, node: ast.AST) -> None:
        if isinstance(node, SYMBOLS):
            return
        if not isinstance(node, STATEMENTS + EXPRESSIONS + PATTERNS):
            return self.problem(node, WORDS.get(type(node), f"what Python calls {type(node).__name__}"))
        if isinstance(node, ast.Call):
            return self.read_call(node)
        if isinstance(node, ast.Attribute):
            return self.read_attribute(node)
        if isinstance(node, ast.Name):
            return self.read_name(node)
        if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float)):
            return self.problem(node,
                                "a text" if isinstance(node.value, str) else f"the constant {node.value!r}, no number")
        for field, child in ast.iter_fields(node):
            for part in child if isinstance(child, list) else [child]:
                if isinstance(part, ast.AST) and field != "annotation":
                    self.read(part)

    def read_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            self.read_attribute(function)
        elif not isinstance(function, ast.Name) or function.id in self.locals:
            self.problem(node, "a call of something that is only known at run time")
        elif function.id in self.functions:
            self.called.add(function.id)
        elif hasattr(operators, function.id):
            value = getattr(operators, function.id)
            if not is_of_math(value):
                self.problem(node, f"a call of {function.id}, which is no function of this file and none of math")
            elif value.__name__ not in MATH:
                self.problem(node, f"a call of {function.id}, which Numba {compiles(value.__name__)}")
        elif function.id not in BUILTINS:
            self.problem(node, f"a call of {function.id}")
        if isinstance(function, ast.Name) and function.id == "float" and not self.may_be_float(node):
            return self.problem(node,
                                "a call of float() that turns a truth value into a number (write 1.0 if ... else 0.0)")
        if any(isinstance(argument, ast.Starred) for argument in node.args) or None in [
                keyword.arg for keyword in node.keywords]:
            return self.problem(node, "an argument with a star")
        if node.keywords and not (isinstance(function, ast.Name) and function.id in self.called):
            return self.problem(node, "an argument with a name, which only functions of this file take")
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if not (isinstance(function, ast.Name) and function.id == "float" and isinstance(argument, ast.Constant)):
                self.read(argument)

    def may_be_float(self, node: ast.Call) -> bool:
        """`float("inf")` and float(x) of a parameter compile, and so does that of a sum; float(x > y) does not."""
        return all(isinstance(argument, (ast.Constant, ast.BinOp)) or
                   isinstance(argument, ast.Name) and argument.id in self.parameters for argument in node.args)

    def read_attribute(self, node: ast.Attribute) -> None:
        owner = getattr(operators, node.value.id, None) if isinstance(node.value, ast.Name) else None
        if owner is not math:
            self.problem(node, f"{ast.unparse(node)}, which is not of math")
        elif node.attr not in MATH:
            self.problem(node, f"{ast.unparse(node)}, which Numba {compiles(node.attr)}")

    def read_name(self, node: ast.Name) -> None:
        if node.id not in self.locals and not isinstance(getattr(operators, node.id, None), (int, float)):
            self.problem(node, f"{node.id}, which is neither a number nor called")


def is_of_math(value: object) -> bool:
    return isinstance(value, types.BuiltinFunctionType) and getattr(math, value.__name__, None) is value


def compiles(name: str) -> str:
    """What Numba does with something of `math` that is not in MATH, after "which Numba"."""
    return f"compiles for the {ON_ONE[name]} only" if name in ON_ONE else "does not know"
