"""What a task's file may not use: another library that does the task's work, and what looks into the grader.

A reading of the text, for a clear word in the report. It is no wall: the wall is the sandbox, with the sealed checks.
So it names few things, none of which an honest solution needs; all wheats and chaffs are held against it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from course.parsing import parse

_LIBRARIES = {"torch", "tensorflow", "jax", "scipy", "sklearn", "tinygrad", "autograd", "micrograd", "minitorch",
              "cupy", "pandas", "sympy"}
_LOOKS = {"ctypes", "_ctypes", "cffi", "gc", "inspect", "importlib", "subprocess", "multiprocessing", "socket",
          "marshal", "pickle", "atexit", "signal", "faulthandler", "site", "sysconfig", "unittest", "_pytest", "course",
          "tests", "conftest", "runpy", "traceback", "pdb", "bdb", "linecache", "_thread"}
_TESTING = {"pytest", "hypothesis"}  # 0.3 is about properties, and needs them
_NAMES = {"exec", "eval", "__import__", "compile", "__builtins__", "__loader__", "__spec__"}
_ATTRIBUTES = {"_getframe", "_current_frames", "f_back", "f_locals", "f_globals", "f_builtins", "tb_frame", "gi_frame",
               "cr_frame", "ag_frame", "__subclasses__", "__globals__", "__builtins__", "__code__", "__closure__"}
_OF_MODULES = {
    "sys": {"modules", "settrace", "setprofile", "meta_path", "path", "path_hooks", "exit", "excepthook", "monitoring",
            "addaudithook"},
    "os": {"_exit", "fork", "system", "popen", "kill", "killpg", "abort", "execv", "execve", "spawnv", "posix_spawn"},
    "builtins": _NAMES,
}
_PRODUCTS = {"dot", "matmul", "einsum", "tensordot", "inner", "vdot", "linalg"}
# What of NumPy is the very thing that a task is to write.
_NUMPY = {
    "0.1": {"maximum", "fmax", "isclose", "exp", "log", "reciprocal", "heaviside"},
    "1.1": {"gradient"},
    "2.1": {"lib", "ndarray", "empty", "zeros", "ones", "full", "reshape", "frombuffer"},  # arrays, which have strides
    "2.2": {"lib", "broadcast", "broadcast_shapes", "broadcast_to", "broadcast_arrays"},
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


def hits(task: str, text: str) -> list[Hit]:
    """What is not allowed in the text of a task's file, in order. Nothing for a text that does not parse."""
    try:
        tree = parse(text)
        modules = _modules(tree)
        found = [Hit(getattr(node, "lineno", 1), what)
                 for node in ast.walk(tree) for what in _of_node(task, node, modules)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return sorted(set(found), key=lambda hit: (hit.line, hit.what))


def _modules(tree: ast.Module) -> dict[str, str]:
    """Name in the file to the module that it stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(
                    ".")[0]
    return found


def _of_node(task: str, node: ast.AST, modules: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _import(task, alias.name)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield from _import(task, node.module or "")
        for alias in node.names:
            yield from _member(task, node.module or "", alias.name)
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield f"`{node.id}`"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(task, node.value, node.attr, modules)
    elif (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr")
          and len(node.args) > 1 and isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str)):
        yield from _attribute(task, node.args[0], node.args[1].value, modules)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and _NUMPY.get(task) is _PRODUCTS:
        yield "`@`, which is what the task is to write"


def _import(task: str, name: str) -> Iterator[str]:
    first = name.split(".")[0]
    if first in _LIBRARIES:
        yield f"the library {first}"
    elif first in _LOOKS or (first in _TESTING and task != "0.3"):
        yield f"the module {first}"


def _attribute(task: str, value: ast.expr, name: str, modules: dict[str, str]) -> Iterator[str]:
    if name in _ATTRIBUTES:
        yield f"`{name}`"
    elif isinstance(value, ast.Name):
        yield from _member(task, modules.get(value.id, ""), name)


def _member(task: str, module: str, name: str) -> Iterator[str]:
    if name in _OF_MODULES.get(module, ()):
        yield f"`{module}.{name}`"
    if module.split(".")[0] == "numpy":
        part = module.split(".")[1] if "." in module else name
        if part in _NUMPY.get(task, ()):
            yield f"`numpy.{part}`, which is what the task is to write"
