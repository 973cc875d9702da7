"""One file of source for one kernel: the loop and all that it uses. Provided.

A function is copied as text, without its docstring and annotations. What it refers to is looked up now: other
functions are copied along, numbers become constants of the file, and all of them get names of their own, so that an
operator called `max` hides neither Python's `max` nor the `max` of another file.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import hashlib
import inspect
import linecache
import math
import re
import textwrap
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from terox.parallel.mistakes import CompileError, Place, mistake
from terox.parallel.subset import check

_HEADER = '''"""Generated: {what}. Made anew whenever a function below changes; edit it where it comes from.

{versions}
"""

import math

import numpy as np

from terox._numba import (VECTOR, add_any_order, add_product, bits, by_type, carray, entry, from_bits, inner, load,
                          maximum, njit, pointer, prange, span, spread, store, total)
'''


class Source:
    """The text of a generated file, and which line of it comes from where.

    header: how the file begins, with places for {what} and {versions}; it imports `inner`, the mark of its functions.
    floats: the kind that Python's floats become where they stand in a function; None leaves them as they are, 64 bits.
    also: looks at each function, with its definition and its file, after `subset.check`.
    """

    def __init__(self, header: str = _HEADER, floats: Callable[[float], Any] | None = None,
                 also: Callable[[Any, ast.FunctionDef, str], None] | None = None) -> None:
        self.header, self.floats, self.also = header, floats, also
        self.parts: list[str] = []
        self.names: dict[Any, str] = {}  # function -> its name in the file
        self.functions: dict[str, Callable[..., Any]] = {}  # and back
        self.originals: dict[str, tuple[ast.FunctionDef, str]] = {}  # name in the file -> definition, its own file
        self.used: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}  # by name: its namespace, what it stood for
        self.codes: list[tuple[Any, CodeType]] = []
        self._open: list[Any] = []

    def add(self, function: Any, asked: Place | None = None) -> str:
        """Copy a function and all that it needs; returns its name in the file. asked: where it is used."""
        if function in self._open:
            self._refuse_recursion(function, asked)
        if function in self.names:
            return self.names[function]
        tree, path = definition(function, asked)
        check(tree, path)
        if self.also is not None:
            self.also(function, tree, path)
        self.codes.append((function, function.__code__))
        self._open.append(function)
        _Renamer(self, function, tree, path).copy()
        self._open.pop()
        name = self._fresh(re.sub(r"\W", "_", f"{function.__module__.rpartition('.')[2]}_{function.__name__}"))
        self.names[function], self.functions[name], self.originals[name] = name, function, (tree, path)
        tree.name = name
        self.parts.append("@inner\n" + ast.unparse(tree))
        tree.name = function.__code__.co_name
        return name

    def _fresh(self, name: str) -> str:
        while name in self.originals:
            name += "_"
        return name

    def _refuse_recursion(self, function: Any, asked: Place | None) -> None:
        others = [other.__name__ for other in self._open[self._open.index(function) + 1 :]]
        through = f" through {' and '.join(others)}" if others else ""
        raise mistake(asked, f"`{function.__name__}` calls itself{through}. Compiled functions cannot do that; use "
                             "a loop "
                             "instead.")

    def constant(self, name: str, value: Any) -> str:
        """A number, or a tuple of numbers, under a name of its own."""
        text = literal(value)
        if text is None:
            raise TypeError(f"{name} has to be a number, not {type(value).__name__}")
        line = f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:6]} = {text}"
        if line not in self.parts:
            self.parts.append(line)
        return line.partition(" ")[0]

    def changed(self) -> bool:
        """Whether a function or a constant is another one than when it was copied, after a reload, say."""
        for (_, name), (namespace, value) in self.used.items():
            if namespace.get(name, builtins) is not value:
                return True
        for function, code in self.codes:
            if function.__code__ is not code:
                return True
        return False

    def text(self, what: str, versions: str) -> str:
        return "\n\n".join([self.header.format(what=what, versions=versions), *self.parts]) + "\n"

    def original(self, text: str, line: int) -> Place | None:
        """Where line number `line` of `text` was copied from."""
        for copy in ast.parse(text).body:
            if isinstance(copy, ast.FunctionDef) and copy.name in self.originals \
                    and copy.lineno <= line <= (copy.end_lineno or copy.lineno):
                tree, path = self.originals[copy.name]
                copy.decorator_list = []
                # The same tree, node for node, whatever has become of its lines. The innermost statement comes last.
                pairs = [(new, old) for new, old in zip(ast.walk(copy), ast.walk(tree))
                         if isinstance(new, ast.stmt) and isinstance(old, ast.stmt)]
                begin = [old.lineno for new, old in pairs if new.lineno == line]
                around = [old.lineno for new, old in pairs if new.lineno <= line <= (new.end_lineno or new.lineno)]
                return Place(path, (begin or around[-1:] or [tree.lineno])[0], tree.name)
        return None


def literal(value: Any) -> str | None:
    """A number, or a tuple of numbers, as Python text; None for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return repr(bool(value))
    if isinstance(value, np.generic) and value.dtype.kind in "iuf":
        number = int(value) if value.dtype.kind in "iu" else float(value) if value.dtype.kind == "f" else None
        return f"np.{type(value).__name__}({literal(number)})"
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else f"float({str(float(value))!r})"
    if isinstance(value, int):
        return repr(int(value))
    if type(value) is tuple:
        parts = [literal(part) for part in value]
        return None if None in parts else f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"
    return None


def definition(function: Any, asked: Place | None = None) -> tuple[ast.FunctionDef, str]:
    """The parsed source of a function, without its docstring and annotations, with the line numbers of its file."""
    path = inspect.getsourcefile(function) or function.__code__.co_filename
    name = function.__name__
    here = Place(path, function.__code__.co_firstlineno, name)
    if name == "<lambda>":
        raise mistake(here, "A lambda cannot be compiled on its own. Write it as a function, with `def`.")
    if hasattr(function, "__wrapped__"):
        raise mistake(here, f"`{name}` is decorated, and only the function itself would be compiled. Remove the "
                            "decorator.")
    linecache.checkcache(path)
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, SyntaxError, IndexError, TypeError):
        raise mistake(asked or here, f"The source of `{name}` cannot be found. To be compiled, a function has to "
                                     "stand in "
                                     "a file or in a cell of a notebook.") from None
    if not isinstance(tree, ast.FunctionDef) or _differs(tree, function):
        raise mistake(here, f"The source of `{name}` in this file is not the one that runs. If the file was edited "
                            "after "
                            "it was imported, start Python again, or reload the module.")
    ast.increment_lineno(tree, first - 1)
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:] or [ast.Pass(lineno=tree.lineno, col_offset=0, end_lineno=tree.lineno,
                                               end_col_offset=0)]
    tree.decorator_list = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
    return tree, path


def _differs(tree: ast.FunctionDef, function: Any) -> bool:
    """Whether the function that runs was made from another text: with other names, or other numbers."""
    code = function.__code__
    if tree.name != code.co_name:
        return True
    if code.co_freevars or any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return False
    plain = ast.Module([ast.FunctionDef(**{**dict(ast.iter_fields(tree)), "decorator_list": []})], [])
    made = compile(ast.fix_missing_locations(plain), code.co_filename, "exec", dont_inherit=True)
    found = next(one for one in made.co_consts if isinstance(one, CodeType) and one.co_name == code.co_name)
    numbers = [[repr(constant) for constant in one.co_consts if isinstance(constant, (int, float))]
               for one in (code, found)]
    return (code.co_names, code.co_varnames) != (found.co_names, found.co_varnames) or numbers[0] != numbers[1]


def _locals(tree: ast.AST) -> set[str]:
    """Names that belong to a function itself: its parameters, what it assigns to, functions that it defines."""
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node is not tree}
    return names | {node.id for node in ast.walk(tree)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


class _Renamer(ast.NodeTransformer):
    """Gives each function and number from outside the name that it has in the generated file."""

    def __init__(self, source: Source, function: Any, tree: ast.FunctionDef, path: str) -> None:
        self.source, self.function, self.tree, self.path = source, function, tree, path
        self.local = _locals(tree)

    def copy(self) -> None:
        args = self.tree.args
        values = list(self.function.__defaults__ or ())
        args.defaults = [self.default(value, node) for value, node in zip(values, args.defaults)]
        self.tree.body = [self.visit(node) for node in self.tree.body]

    def at(self, node: ast.AST) -> Place:
        return Place(self.path, getattr(node, "lineno", self.tree.lineno), self.tree.name)

    def default(self, value: Any, node: ast.expr) -> ast.expr:
        """A parameter's default: its value, as it was when the function was defined."""
        if value is None or isinstance(value, str):
            return ast.copy_location(ast.Constant(value), node)
        return ast.copy_location(ast.parse(self.named("default", value, node), mode="eval").body, node)

    def lookup(self, name: str, node: ast.AST) -> Any:
        known = self.function.__globals__
        if name in known:
            if not isinstance(known[name], ModuleType):
                self.source.used[id(known), name] = known, known[name]
            return known[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        if name in self.function.__code__.co_freevars:
            raise mistake(self.at(node), f"`{name}` belongs to the function around this one, which compiled code "
                                         "cannot "
                                         "see. Pass it as an argument.")
        near = difflib.get_close_matches(name, [*self.local, *known, *dir(builtins)], 1)
        raise mistake(self.at(node), f"The name `{name}` is not defined" + (f"; did you mean `{near[0]}`?" if near else
                      ". Is it misspelled, or not imported?"))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id not in self.local:
            name = self.named(node.id, self.lookup(node.id, node), node)
            return ast.copy_location(ast.parse(name, mode="eval").body, node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        home = self.module(node.value)
        if home is None:
            return self.generic_visit(node)
        if not hasattr(home, node.attr):
            shown = {"numpy": "np"}.get(home.__name__, home.__name__.rpartition(".")[2])
            near = difflib.get_close_matches(node.attr, dir(home), 1)
            raise mistake(self.at(node), f"`{shown}` has no `{node.attr}`" + (f"; did you mean `{shown}.{near[0]}`?"
                                                                             if near else "."))
        value = getattr(home, node.attr)
        if home is np or home is math:  # as it stands: np.int64, np.linalg, math.inf
            if type(value) is float and self.source.floats is not None:
                return self.float(value, node)
            return ast.copy_location(ast.parse(f"{'np' if home is np else 'math'}.{node.attr}", mode="eval").body, node)
        self.source.used[id(home.__dict__), node.attr] = home.__dict__, value
        return ast.copy_location(ast.parse(self.named(node.attr, value, node), mode="eval").body, node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is float and self.source.floats is not None:
            return self.float(node.value, node)
        return node

    def float(self, value: float, node: ast.AST) -> ast.AST:
        """Python's float, in the kind that the file computes with."""
        assert self.source.floats is not None
        with np.errstate(all="ignore"):
            number = self.source.floats(value)
        text = literal(number) if math.isfinite(number) else self.source.constant("number", number)
        return ast.copy_location(ast.parse(str(text), mode="eval").body, node)

    def module(self, node: ast.AST) -> ModuleType | None:
        """The module that an expression such as `operators` or `terox.foundations` stands for, if it is one."""
        value: Any = None
        if isinstance(node, ast.Name) and node.id not in self.local:
            value = self.lookup(node.id, node)
        elif isinstance(node, ast.Attribute):
            value = getattr(self.module(node.value), node.attr, None)
        return value if isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in ("numba",) else None

    def named(self, name: str, value: Any, node: ast.AST) -> str:
        """The text by which the generated file refers to a value."""
        from terox import _numba

        home, called = getattr(value, "__module__", "") or "", getattr(value, "__name__", "")
        if called and getattr(_numba, called, None) is value or getattr(_numba, name, None) is value:
            return name if getattr(_numba, name, None) is value else called
        if called and home in ("numpy", "math", "builtins"):
            return called if home == "builtins" else f"{'np' if home == 'numpy' else 'math'}.{called}"
        if isinstance(value, FunctionType) and home.partition(".")[0] not in ("numpy", "numba"):
            return self.source.add(value, self.at(node))
        if literal(value) is not None:
            known = self.source.floats if type(value) is float else None
            return self.source.constant(name, value if known is None else known(value))
        if value is np or value is math:
            return "np" if value is np else "math"
        raise mistake(self.at(node), self.unusable(name, value))

    def unusable(self, name: str, value: Any) -> str:
        if isinstance(value, (list, dict, set, np.ndarray)):
            kind = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
            return (f"`{name}` is {kind} outside of the function, which compiled code cannot see. Pass an array as an "
                    "argument, or write the numbers as a tuple.")
        if type(value).__module__.startswith("numba") or hasattr(value, "__wrapped__"):
            return f"`{name}` is decorated. Remove its decorator: it is compiled together with this function."
        if isinstance(value, type):
            return f"`{name}` is a class, which compiled code cannot use. Use numbers, arrays and functions."
        return (f"`{name}` ({type(value).__name__}) cannot be used in compiled code, which knows numbers, arrays, "
                "other "
                "functions of yours, `math` and `np`.")


__all__ = ["CompileError", "Source", "definition", "literal"]
