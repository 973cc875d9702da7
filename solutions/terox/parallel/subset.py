"""What a function that is to be compiled may contain. Provided.

Most of what is refused here, Numba would refuse as well, with a page of its own words. Some things it would accept and
do something else than Python does: a function with `yield` does nothing, `range(n / 2)` cuts the fraction off, and a
path without `return` gives a number out of nowhere.
"""

from __future__ import annotations

import ast
import re

from terox.parallel.mistakes import Place, mistake

_TODO = re.compile(r"Task \d+\.\w+")

# What stands in the source -> what to say about it.
_REFUSED: dict[type[ast.AST], str] = {
    ast.Try: "Compiled code cannot catch errors with `try`. Test with `if` before it happens.",
    ast.TryStar: "Compiled code cannot catch errors with `try`. Test with `if` before it happens.",
    ast.With: "Compiled code cannot use `with`.",
    ast.Yield: "A compiled function cannot `yield`. Write the results into an array.",
    ast.YieldFrom: "A compiled function cannot `yield`. Write the results into an array.",
    ast.GeneratorExp: "Compiled code cannot use a generator (a `for` in brackets). Write a `for` loop.",
    ast.DictComp: "Compiled code cannot use dictionaries here. Use arrays.",
    ast.Dict: "Compiled code cannot use dictionaries here. Use arrays.",
    ast.SetComp: "Compiled code cannot use sets here. Use arrays.",
    ast.Set: "Compiled code cannot use sets here. Use arrays.",
    ast.Global: "Compiled code cannot change variables outside of its function. Return the value, or write it into an "
                "array.",
    ast.Nonlocal: "Compiled code cannot change variables outside of its function. Return the value, or write it "
                  "into an "
                  "array.",
    ast.Import: "Compiled code cannot import. Import at the top of the file.",
    ast.ImportFrom: "Compiled code cannot import. Import at the top of the file.",
    ast.ClassDef: "Compiled code cannot define a class. Use numbers and arrays.",
    ast.Delete: "Compiled code cannot use `del`. Leave it out: variables end with the function.",
    ast.NamedExpr: "Compiled code cannot assign inside of an expression with `:=`. Give the assignment a line of its "
                   "own.",
    ast.Await: "Compiled code cannot `await`.",
    ast.AsyncFor: "Compiled code cannot `await`.",
    ast.AsyncWith: "Compiled code cannot `await`.",
    ast.AsyncFunctionDef: "Compiled code cannot `await`.",
}


def check(tree: ast.FunctionDef, path: str) -> None:
    """Raises NotImplementedError for a function that is still to do, CompileError for one that cannot be compiled."""
    refuse_todo(tree)
    _Checker(tree, path).visit(tree)


def refuse_todo(tree: ast.FunctionDef) -> None:
    """A function that is still to do says so now, as it would if it were called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) \
                and node.exc.func.id == "NotImplementedError" and node.exc.args:
            said = node.exc.args[0]
            if isinstance(said, ast.Constant) and _TODO.match(str(said.value)):
                raise NotImplementedError(said.value)


class _Checker(ast.NodeVisitor):
    def __init__(self, tree: ast.FunctionDef, path: str) -> None:
        self.tree, self.path = tree, path

    def refuse(self, node: ast.AST, text: str) -> None:
        raise mistake(Place(self.path, getattr(node, "lineno", self.tree.lineno), self.tree.name), text)

    def visit(self, node: ast.AST) -> None:
        if type(node) in _REFUSED:
            self.refuse(node, _REFUSED[type(node)])
        super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        args = node.args
        if args.kwonlyargs or args.kwarg or args.vararg:
            given = next(arg.arg for arg in (*args.kwonlyargs, args.vararg, args.kwarg) if arg is not None)
            self.refuse(node, f"The parameter `{given}` of `{node.name}` comes after a `*`, which compiled code cannot "
                              "have. Use plain parameters.")
        returns = [own for own in _own(node) if isinstance(own, ast.Return)]
        empty = [own for own in returns if own.value is None or isinstance(own.value, ast.Constant)
                 and own.value.value is None]
        if len(empty) < len(returns):
            if empty:
                self.refuse(empty[0], f"Here `{node.name}` returns None, elsewhere a value. Compiled code needs the "
                                      "same "
                                      "kind everywhere.")
            if _falls_through(node.body):
                self.refuse(node, f"`{node.name}` does not return a value in every case: it can come to its end "
                                  "without "
                                  "`return`.")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Starred):
                    self.refuse(node, "Compiled code cannot collect the rest with `*` on the left of `=`. Name each "
                                      "part.")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        pass  # its message may be an f-string

    def visit_Assert(self, node: ast.Assert) -> None:
        self.visit(node.test)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.refuse(node, "Compiled code cannot put text together with an f-string. To look at values, `print(i, x)`.")

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("range", "prange"):
            for argument in node.args:
                if _is_fraction(argument):
                    self.refuse(node, f"`{ast.unparse(argument)}` is a float, since `/` always gives one, and `{name}` "
                                      "needs whole numbers. Use `//`.")
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):  # "...".format(x)
            self.refuse(node, "Compiled code cannot put text together. To look at values, `print(i, x)`.")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            self.refuse(node, "Compiled code cannot put text together with `%`. To look at values, `print(i, x)`.")
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            for bound in (part.lower, part.upper, part.step) if isinstance(part, ast.Slice) else (part,):
                if bound is not None and _is_fraction(bound):
                    self.refuse(node, f"`{ast.unparse(bound)}` is a float, since `/` always gives one, and an index "
                                      "needs "
                                      "whole numbers. Use `//`.")
        self.generic_visit(node)


def _is_fraction(node: ast.expr) -> bool:
    """Whether an expression is a float because of a `/` in it."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div) or _is_fraction(node.left) or _is_fraction(node.right)
    return isinstance(node, ast.UnaryOp) and _is_fraction(node.operand)


def _own(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    found, waiting = [], list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            found.append(node)
            waiting[:0] = ast.iter_child_nodes(node)
    return found


def _falls_through(body: list[ast.stmt]) -> bool:
    """Whether the end of these statements can be reached."""
    for node in body:
        if isinstance(node, (ast.Return, ast.Raise, ast.Continue)):
            return False
        if isinstance(node, ast.If) and node.orelse and not (_falls_through(node.body) or _falls_through(node.orelse)):
            return False
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value \
                and not any(isinstance(own, ast.Break) for own in _own(node)):
            return False
        if isinstance(node, ast.Match) and not any(_falls_through(case.body) for case in node.cases) \
                and any(isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
                        for case in node.cases):
            return False
        if isinstance(node, (ast.For, ast.While)) and node.orelse and not _falls_through(node.orelse) \
                and not any(isinstance(own, ast.Break) for own in _own(node)):
            return False
    return True
