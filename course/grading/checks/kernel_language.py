"""Task 0.1: what a kernel cannot have, looked for in the source of the operators. Nothing of it is run.

The public test, tests/module_0/test_0_1_subset.py, refuses the same things, and more.
"""

from __future__ import annotations

import ast
from collections.abc import Container

from course.parsing import parse

FORBIDDEN = {
    ast.Try: "try/except", ast.With: "a with block", ast.Raise: "a raise", ast.Lambda: "a lambda",
    ast.FunctionDef: "a function inside a function", ast.ClassDef: "a class", ast.Import: "an import",
    ast.ImportFrom: "an import", ast.JoinedStr: "an f-string", ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.DictComp: "a comprehension", ast.GeneratorExp: "a generator expression",
    ast.List: "a list", ast.Dict: "a dict", ast.Set: "a set", ast.Subscript: "indexing", ast.Yield: "a yield",
    ast.NamedExpr: "the operator :=", ast.Global: "a global variable", ast.Starred: "a starred argument"}
# Functions and constants of `math` that Numba compiles for the CPU and for the GPU, and those that it compiles for one
# of them. tests/course compares them with Numba.
MATH = set("""acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh e erf erfc exp exp2 expm1 fabs floor frexp
    gamma hypot inf isfinite isinf isnan ldexp lgamma log log10 log1p log2 nan nextafter pi pow radians degrees sin sinh
    sqrt tan tanh tau trunc""".split())
ON_ONE = {"gcd": "CPU", "fmod": "GPU", "modf": "GPU", "remainder": "GPU"}


def problem(source: str, names: list[str]) -> str:
    """What the first of the functions `names` has that does not compile, or "". Follows calls within the file."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return "the file does not parse"
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    otherwise = _bound_otherwise(tree)
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name not in functions:
            return f"there is no `def {name}`"
        function = functions[name]
        if name in otherwise or function.decorator_list:
            return f"{name} is not what its `def` says: it has a decorator, or gets another value in the file"
        if function.args.vararg or function.args.kwonlyargs or function.args.kwarg:
            return f"{name} has a parameter with a star, or after one, which no kernel has"
        for statement in function.body[ast.get_docstring(function) is not None:]:
            for node in ast.walk(statement):
                what = FORBIDDEN.get(type(node)) or _call(node, functions)
                if what:
                    return f"{name} has {what}, which no kernel has"
                what = _of_math(node)
                if what:
                    return f"{name} has {what}"
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
                    waiting.append(node.func.id)
    return ""


def _bound_otherwise(tree: ast.Module) -> set[str]:
    """Names to which the file gives a value by something else than a `def` at its top."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node not in tree.body:
                found.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.split(".")[0])
        waiting += ast.iter_child_nodes(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.update(node.names)
    return found


def _call(node: ast.AST, functions: Container[str]) -> str:
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if any(keyword.arg is None for keyword in node.keywords):
        return "a starred argument"
    if node.keywords and name not in functions:
        return "an argument with a name for what is no function of the file"
    if name == "float" and any(isinstance(each, (ast.Compare, ast.BoolOp)) for each in node.args):
        return "float() of a truth value"
    return ""


def _of_math(node: ast.AST) -> str:
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math"):
        return ""
    if node.attr in ON_ONE:
        return f"math.{node.attr}, which Numba compiles for the {ON_ONE[node.attr]} only"
    return "" if node.attr in MATH else f"math.{node.attr}, which Numba does not know"
