"""What a kernel may not contain, besides what module 3 refuses: the simulator could run it, and no GPU. Provided.

In the CUDA C++ Programming Guide: "C++ Language Support", what device code may and may not do.
"""

from __future__ import annotations

import ast
import difflib
from typing import Any

from terox.parallel.mistakes import Place, mistake

_MAKES_ARRAYS = {"arange", "array", "asarray", "concatenate", "copy", "empty", "empty_like", "eye", "full", "full_like",
                 "linspace", "ones", "ones_like", "stack", "zeros", "zeros_like"}


def check(function: Any, tree: ast.FunctionDef, path: str) -> None:
    """Raises CompileError. tree: the definition of `function`, in the file `path`."""
    _Checker(function, tree, path).visit(tree)


class _Checker(ast.NodeVisitor):
    def __init__(self, function: Any, tree: ast.FunctionDef, path: str) -> None:
        self.tree, self.path, self.known = tree, path, function.__globals__
        self.parameters = {arg.arg for arg in tree.args.args}
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.local = self.parameters | stored

    def refuse(self, node: ast.AST, text: str) -> None:
        raise mistake(Place(self.path, getattr(node, "lineno", self.tree.lineno), self.tree.name), text)

    def of_cuda(self, node: ast.AST) -> Any:
        """What `cuda`, `cuda.shared` or the like stands for; None for everything else."""
        from terox import _numba

        if isinstance(node, ast.Name) and node.id not in self.local:
            value = self.known.get(node.id)
            # Numba's simulator gives its module these names only while a kernel runs.
            return value if value is _numba.cuda and _numba.CUDA != "numba" else None
        if isinstance(node, ast.Attribute):
            return getattr(self.of_cuda(node.value), node.attr, None)
        return None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        home = self.of_cuda(node.value)
        if home is not None and not hasattr(home, node.attr):
            shown = ast.unparse(node.value)
            near = difflib.get_close_matches(node.attr, [name for name in dir(home) if name[:1] != "_"], 1)
            self.refuse(node, f"`{shown}` has no `{node.attr}`" + (f"; did you mean `{shown}.{near[0]}`?" if near else
                                                                  "."))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Attribute) and self.of_cuda(node.value) is not None:
            self.refuse(node, f"`{ast.unparse(node)}` stands here without being called: write `{ast.unparse(node)}()`.")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if isinstance(called, ast.Attribute):
            home = called.value
            if isinstance(home, ast.Name) and home.id not in self.local and called.attr in _MAKES_ARRAYS \
                    and getattr(self.known.get(home.id), "__name__", "") == "numpy":
                self.refuse(node, f"A thread on a GPU cannot make an array with `{ast.unparse(called)}`. Memory of the "
                                  "block is cuda.shared.array(BLOCK, kind), memory of one thread cuda.local.array.")
            if called.attr == "array" and self.of_cuda(called) is not None:
                self.check_array(node)
        self.generic_visit(node)

    def check_array(self, node: ast.Call) -> None:
        """`cuda.shared.array(shape, kind)`."""
        shown = ast.unparse(node.func)
        if len(node.args) + len(node.keywords) < 2:
            self.refuse(node, f"`{shown}` takes two things: how many elements, and the kind of number that they are.")
        shape = node.args[0] if node.args else next((each.value for each in node.keywords if each.arg == "shape"), None)
        for part in ast.walk(shape) if shape is not None else ():
            if isinstance(part, ast.Call) or isinstance(part, ast.Name) and part.id in self.parameters \
                    or isinstance(part, ast.Attribute) and self.of_cuda(part) is not None:
                self.refuse(node, f"How much memory `{shown}` takes has to be known before the kernel runs: a constant "
                                  f"such as BLOCK or TILE, not `{ast.unparse(part)}`.")

    def refuse_list(self, node: ast.AST) -> None:
        self.refuse(node, "A kernel cannot use a list. Use variables, or memory: cuda.shared.array for the block, "
                          "cuda.local.array for one thread.")

    visit_List = visit_ListComp = refuse_list


