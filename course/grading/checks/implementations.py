"""Task 0.3: the specimens as texts in which nothing tells the right ones from the faulty ones.

The sandbox gets the texts of functions, in a drawn order, each called `impl`, with drawn names for everything but its
parameters. To know which are faulty it has to judge them, and that is the task.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
from types import ModuleType

import numpy as np

from course.parsing import parse
from course.specimens.collection import Collection, Specimen

NAMES = {"property_clip": "clip", "property_median": "median", "property_running_max": "running_max",
         "property_run_lengths": "run_lengths"}


def specimens_of(name: str) -> Collection:
    """The specimens that the property `name` is judged by."""
    return _module(name).SPECIMENS


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"course.specimens.{NAMES[name]}")


def text_of(name: str, specimen: Specimen, rng: np.random.Generator) -> str:
    """A module with the one function `impl`, and what it needs."""
    tree = parse(inspect.getsource(_module(name)))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))
               and not (isinstance(node, ast.ImportFrom) and node.module in ("__future__", _collection()))]
    needed, waiting = [], [specimen.run.__name__]
    while waiting:
        current = waiting.pop()
        if current in functions and current not in needed:
            needed.append(current)
            waiting += [node.id for node in ast.walk(functions[current]) if isinstance(node, ast.Name)]
    numbers = rng.permutation(9000)[:200] + 1000
    names = {each: "impl" if each == specimen.run.__name__ else f"f{numbers[place]}"
             for place, each in enumerate(needed)}
    body: list[ast.stmt] = [node for node in imports if _used(node, [functions[each] for each in needed])]
    for each in needed:
        function = functions[each]
        function.decorator_list = []
        body.append(_Renamed(function, names, numbers[len(needed):]).visit(function))
    return ast.unparse(ast.Module(body, []))


def _collection() -> str:
    return Collection.__module__


def _used(node: ast.Import | ast.ImportFrom, functions: list[ast.FunctionDef]) -> bool:
    bound = {alias.asname or alias.name for alias in node.names}
    return any(isinstance(each, ast.Name) and each.id in bound for function in functions for each in ast.walk(function))


class _Renamed(ast.NodeTransformer):
    """A function under another name, and its variables, too. Parameters keep theirs: they may be given by name."""

    def __init__(self, function: ast.FunctionDef, functions: dict[str, str], numbers: np.ndarray) -> None:
        self.names = dict(functions)
        kept = {argument.arg for argument in function.args.args}
        for number, name in zip(numbers, dict.fromkeys(
                [node.id for node in ast.walk(function)
                 if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
                + [argument.arg for node in ast.walk(function) if isinstance(node, ast.Lambda)
                   for argument in node.args.args])):
            if name not in kept and name not in vars(builtins):
                self.names[name] = f"v{number}"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names.get(node.arg, node.arg)
        return node
