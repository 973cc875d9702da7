"""Task 0.1: what a kernel cannot have, looked for in the source of the operators. Nothing of it is run."""

from __future__ import annotations

import ast

from course.parsing import parse

FORBIDDEN = {
    ast.Try: "try/except", ast.With: "a with block", ast.Raise: "a raise", ast.Lambda: "a lambda",
    ast.FunctionDef: "a function inside a function", ast.ClassDef: "a class", ast.Import: "an import",
    ast.ImportFrom: "an import", ast.JoinedStr: "an f-string", ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.DictComp: "a comprehension", ast.GeneratorExp: "a generator expression",
    ast.List: "a list", ast.Dict: "a dict", ast.Set: "a set", ast.Subscript: "indexing", ast.Yield: "a yield",
    ast.NamedExpr: "the operator :=", ast.Global: "a global variable", ast.Starred: "a starred argument"}
# Functions of `math` that have nothing to do in a kernel, for want of a counterpart there.
OF_MATH = set("""acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh e erf erfc exp expm1 fabs floor gamma
    hypot inf isfinite isinf isnan lgamma log log10 log1p log2 nan pi pow radians degrees sin sinh sqrt tan tanh tau
    trunc""".split())


def problem(source: str, names: list[str]) -> str:
    """What the first of the functions `names` has that does not compile, or "". Follows calls within the file."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return "the file does not parse"
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name not in functions:
            return f"there is no `def {name}`"
        function = functions[name]
        for statement in function.body[ast.get_docstring(function) is not None:]:
            for node in ast.walk(statement):
                what = FORBIDDEN.get(type(node)) or _call(node)
                if what:
                    return f"{name} has {what}, which no kernel has"
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
                    waiting.append(node.func.id)
    return ""


def _call(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math":
        return "" if node.attr in OF_MATH else f"math.{node.attr}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        if any(isinstance(each, (ast.Compare, ast.BoolOp)) for each in node.args):
            return "float() of a truth value"
    return ""
