"""What a task's file may not use: another library that does the task's work, and what looks into the grader.

A reading of the text, for a clear word in the report and before: `make submission` says it, too. It is no wall: that is
the grader's sandbox, with the sealed checks. So it names few things, none of which an honest solution needs; all wheats
are held against it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from course.parsing import parse

_LIBRARIES = {"torch", "tensorflow", "jax", "scipy", "sklearn", "tinygrad", "autograd", "micrograd", "minitorch",
              "cupy", "pandas", "sympy"}
_LOOKS = {"ctypes", "_ctypes", "cffi", "gc", "inspect", "importlib", "subprocess", "multiprocessing", "socket",
          "marshal", "pickle", "atexit", "signal", "faulthandler", "site", "sysconfig", "_pytest", "course",
          "tests", "conftest", "runpy", "traceback", "pdb", "bdb", "linecache", "_thread"}
_TESTING = {"pytest", "hypothesis", "unittest"}  # 0.3 is about properties, and needs them
_NAMES = {"exec", "eval", "__import__", "compile", "__builtins__", "__loader__", "__spec__"}
_ATTRIBUTES = {"_getframe", "_current_frames", "f_back", "f_locals", "f_globals", "f_builtins", "tb_frame", "gi_frame",
               "cr_frame", "ag_frame", "__subclasses__", "__globals__", "__builtins__", "__code__", "__closure__",
               "__self__"}
_OF_MODULES = {
    "sys": {"modules", "settrace", "setprofile", "meta_path", "path", "path_hooks", "exit", "excepthook", "monitoring",
            "addaudithook"},
    "os": {"_exit", "fork", "system", "popen", "kill", "killpg", "abort", "execv", "execve", "spawnv", "posix_spawn"},
    "builtins": _NAMES,
}
_OF_MODULES["posix"] = _OF_MODULES["nt"] = _OF_MODULES["os"]
_PRODUCTS = {"dot", "matmul", "einsum", "tensordot", "inner", "vdot", "linalg", "__matmul__"}
# Provided functions of the course that do the very thing.
_COURSE = {
    "5.1": {"conv1d", "conv2d", "convolution"},
    "5.3": {"convolution", "convolution_input", "convolution_weight"},
    "5.5": {"cross_entropy", "cross_entropy_loss", "cross_entropy_loss_back", "nll_loss"},
}
_METHODS = {"5.5": {"log_softmax"}}  # of tensors and modules: a task may write a function of that name
# By these, a kernel could read behind the back of the tracer that counts its reads; so by any name of an object's own
# that the file does not set itself.
_INSIDE = {"_memory", "_recorder", "_places", "_all", "_read", "__dict__", "__slots__", "__getattribute__"}
_BY_NAME = {"getattr", "hasattr", "attrgetter", "methodcaller", "call"}  # functions that take a name as text
_RUNS_TEXT = "terox.parallel.cache_files"
# What of NumPy is the very thing that a task is to write.
_NUMPY = {
    "0.1": {"maximum", "fmax", "isclose", "exp", "log", "reciprocal", "heaviside"},
    "1.1": {"gradient"},
    "2.1": {"lib", "ndarray", "empty", "zeros", "ones", "full", "reshape", "frombuffer"},  # arrays, which have strides
    "2.2": {"lib", "broadcast", "broadcast_shapes", "broadcast_to", "broadcast_arrays"},
    "2.3": {"frompyfunc", "vectorize", "apply_along_axis"},
    "3.3": {"sum", "prod", "max", "min", "amax", "amin", "add", "multiply", "maximum", "minimum"},
    "3.4": _PRODUCTS,
    "4.4": _PRODUCTS,
    "5.1": {"convolve", "correlate"},
    "5.2": {"lib"},
    "5.3": {"convolve", "correlate", "lib"},
}


@dataclass(frozen=True)
class Hit:
    """One thing that is not allowed. `line` counts from 1 in the text that was read."""

    line: int
    what: str


@functools.lru_cache(maxsize=64)
def _hits(task: str, text: str) -> tuple[Hit, ...]:
    tree = parse(without_main(text))
    names, found = _Names(tree), set[Hit]()
    for node in ast.walk(tree):
        found.update(Hit(getattr(node, "lineno", 1), what) for what in _of_node(task, node, names))
    return tuple(sorted(found, key=lambda hit: (hit.line, hit.what)))


def hits(task: str, text: str) -> list[Hit]:
    """What is not allowed in the text of a task's file, in order, but for what `without_main` takes away. Nothing for a
    text that is no Python.
    """
    try:
        return list(_hits(task, text))
    except (SyntaxError, ValueError):
        return []
    except (RecursionError, MemoryError):
        return [Hit(1, "something too deep to be read")]


def without_main(text: str) -> str:
    """A file without the lines of `if __name__ == "__main__":`, which is for trying things. Numbers of lines stay.

    Raises SyntaxError, ValueError, RecursionError or MemoryError, as Python's parser.
    """
    lines = text.split("\n")
    for node in parse(text).body:
        if isinstance(node, ast.If) and not node.orelse and _is_main(node.test):
            lines[node.lineno - 1: node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(lines)


def _is_main(test: ast.expr) -> bool:
    return (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
            and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
            and isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == "__main__")


class _Names:
    """What the names in a file stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self.modules: dict[str, str] = {}  # name to a module, or the member of one
        self.used: set[str] = set()
        self.set: set[str] = set()  # attributes that a method sets in its own object
        self.inner: set[int] = set()  # attributes of which another one is taken: a.b in a.b.c
        # Of names that mean something to Python, and of methods' first parameters: the lines where they are one's own.
        self._own: dict[str, list[tuple[int, int]]] = {}
        self._selves: dict[str, list[tuple[int, int]]] = {}
        self._note_own(tree.body, 1, 1 << 60)
        for node in ast.walk(tree):
            self._note(node)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in self.modules:
                self.modules |= {target.id: self.modules[node.value.id] for target in node.targets
                                 if isinstance(target, ast.Name)}
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and self.is_self(node.value):
                self.set.add(node.attr)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self.used.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            self.inner.add(id(node.value))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                self.modules[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                # `from os import sys`: what a module has imported is another module. So is NumPy's `np`.
                known = {"np": "numpy", **{name: name for name in ("numpy", *_OF_MODULES)}}
                self.modules[alias.asname or alias.name] = known.get(alias.name, f"{node.module}.{alias.name}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            begin, end = node.lineno, node.end_lineno or node.lineno
            for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                self._is_own(each.arg, begin, end)
            self._note_own(node.body, begin, end)
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.args.args:
                    self._selves.setdefault(method.args.args[0].arg, []).append(
                        (method.lineno, method.end_lineno or method.lineno))

    def _note_own(self, block: list[ast.stmt], first: int, last: int) -> None:
        """Functions and variables of a block, which has these lines."""
        for node in block:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self._is_own(node.name, first, last)
            elif isinstance(node, ast.Assign):
                if not {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)} & _NAMES:
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            self._is_own(target.id, first, last)

    def _is_own(self, name: str, first: int, last: int) -> None:
        if name in _NAMES:
            self._own.setdefault(name, []).append((first, last))

    def is_own(self, node: ast.Name) -> bool:
        """Whether a name is defined here: a function `compile` of one's own is not Python's."""
        return any(first <= node.lineno <= last for first, last in self._own.get(node.id, ()))

    def is_self(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and any(first <= node.lineno <= last
                                                  for first, last in self._selves.get(node.id, ()))

    def is_inside(self, task: str, name: str) -> bool:
        """Whether a name belongs to the inside of somebody else's object, where that matters."""
        return task[0] in "34" and name.isidentifier() and (name in _INSIDE or (
            name.startswith("_") and not name.startswith("__") and name not in self.set))


def _of_node(task: str, node: ast.AST, names: _Names) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _import(task, alias.name, (alias.asname or alias.name.split(".")[0]) in names.used)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield from _import(task, node.module or "", any((alias.asname or alias.name) in names.used or alias.name == "*"
                                                        for alias in node.names))
        for alias in node.names:
            if alias.name in _LOOKS or f"{node.module}.{alias.name}" == _RUNS_TEXT:
                yield f"the module {alias.name}"
            yield from _member(task, f"{node.module}.{alias.name}")
            yield from _of_course(task, alias.name)
    elif isinstance(node, ast.Name) and node.id in _NAMES and not names.is_own(node):
        yield f"`{node.id}`"
    elif isinstance(node, ast.Attribute) and id(node) not in names.inner:
        yield from _chain(task, node, names)
    elif isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for text in (each.value for each in node.args if isinstance(each, ast.Constant) and called in _BY_NAME):
            if isinstance(text, str):
                yield from _by_name(task, node.args[0], text, names)
    elif isinstance(node, ast.MatchClass):
        for name in node.kwd_attrs:
            yield from _by_name(task, node.cls, name, names)
    elif isinstance(node, ast.Constant) and task in _COURSE and isinstance(node.value, str) and "_" in node.value:
        yield from _of_course(task, node.value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and _NUMPY.get(task) is _PRODUCTS:
        yield "`@`, which is what the task is to write"


def _import(task: str, name: str, used: bool) -> Iterator[str]:
    """An import that nothing uses is a forgotten one, of pdb say."""
    first = name.split(".")[0]
    if first in _LIBRARIES:
        yield f"the library {first}"
    elif used and (first in _LOOKS or first in _TESTING) and not (task == "0.3" and first in _TESTING):
        yield f"the module {first}"
    elif name == _RUNS_TEXT:
        yield f"the module {name}"


def _chain(task: str, node: ast.Attribute, names: _Names) -> Iterator[str]:
    """`value.one.other`, all of it. A chain that begins with a module is that module's member."""
    chain: list[ast.Attribute] = []
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        chain.append(value)
        value = value.value
    chain.reverse()
    begin = names.modules.get(value.id, "") if isinstance(value, ast.Name) else ""
    yield from _member(task, ".".join([*([begin] if begin else []), *(each.attr for each in chain)]))
    for each in chain:
        yield from _name(task, each.attr, names.is_self(each.value), begin, names)


def _by_name(task: str, value: ast.expr, name: str, names: _Names) -> Iterator[str]:
    """An attribute whose name is a text: `getattr(value, "name")`."""
    begin = names.modules.get(value.id, "") if isinstance(value, ast.Name) else ""
    if begin:
        yield from _member(task, f"{begin}.{name}")
    yield from _name(task, name, False, begin, names)


def _name(task: str, name: str, of_self: bool, begin: str, names: _Names) -> Iterator[str]:
    """One attribute; `begin`: the module whose it is, or ""."""
    if name in _ATTRIBUTES:
        yield f"`{name}`"
    if not of_self and names.is_inside(task, name):
        yield f"`{name}`, which belongs to the inside of an object"
    if name in _METHODS.get(task, ()) and (not begin or begin.startswith("terox")):
        yield f"`{name}`, which is what the task is to write"
    yield from _of_course(task, name)


def _member(task: str, name: str) -> Iterator[str]:
    """What `name`, with all its parts, stands for: "numpy.linalg.norm", "typing.sys.modules"."""
    parts = name.split(".")
    for module, member in zip(parts, parts[1:]):
        if member in _OF_MODULES.get(module, ()):
            yield f"`{module}.{member}`"
    if task in _NUMPY and any(part in ("numpy", "np") for part in parts[:-1]):
        for part in parts[1:]:
            if part in _NUMPY[task]:
                yield f"`numpy.{part}`, which is what the task is to write"
            elif part in ("core", "_core", "*"):
                yield f"`{name}`, where it is not clear what is used"


def _of_course(task: str, name: str) -> Iterator[str]:
    """What does the task's work in the course itself, or in an array."""
    if name in _COURSE.get(task, ()) or (_NUMPY.get(task) is _PRODUCTS and name in ("dot", "matmul", "__matmul__")):
        yield f"`{name}`, which is what the task is to write"
