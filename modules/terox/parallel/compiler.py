"""From a loop in Python to machine code. Provided.

A loop such as `elementwise_range` takes functions (`row`, `fn`) and numbers as its first arguments. They are bound here,
before anything is compiled: for `mul` on float32, say. The loop, all functions that it calls, from whatever file, and
the constants that they use are copied into one source file, named by the hash of its text. That file is compiled, and
Numba keeps the machine code beside it. So the next process finds it, whoever edits a function gets another file, and
nothing stale is ever run.

In PyTorch: `torch/_inductor/codecache.py` does the same for `torch.compile`; the kernels of eager mode are made from
templates in C++, by the compiler.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import inspect
import linecache
import math
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

KEPT_FILES = 1000  # sources; beyond that, those used longest ago are deleted

_HEADER = '''"""Generated: {what}. Made anew whenever one of the functions below changes; edit them where they come from."""

import math

import numpy as np

from terox._numba import (add_any_order, bits, by_type, carray, entry, from_bits, inner, maximum, njit, pointer,
                          prange)
'''


class CompileError(TypeError):
    """A function cannot be compiled; the message says where and why."""


class Source:
    """The text of a generated file, and which line of it comes from where."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.names: dict[Any, str] = {}  # function -> its name in the file
        self.originals: list[tuple[ast.FunctionDef, str]] = []  # the definitions in the file, and their files

    def add(self, function: Callable[..., Any]) -> str:
        """Copy a function and all that it needs; returns its name in the file."""
        if function in self.names:
            return self.names[function]
        name = f"{function.__module__.rpartition('.')[2]}_{function.__name__}"
        while name in self.names.values():
            name += "_"
        self.names[function] = name
        tree, path = definition(function)
        refuse_todo(tree)
        _Renamer(self, function, local_names(tree)).visit(tree)
        tree.name = name
        self.parts.append("@inner\n" + ast.unparse(tree))
        self.originals.append((tree, path))
        return name

    def constant(self, name: str, value: Any) -> str:
        """A number that a function uses, under a name of its own."""
        text = repr(value) if math.isfinite(value) else f"{type(value).__name__}({str(value)!r})"
        text = f"np.{text}" if isinstance(value, np.generic) and not text.startswith("np.") else text
        name = f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:4]}"
        line = f"{name} = {text}"
        if line not in self.parts:
            self.parts.append(line)
        return name

    def text(self, what: str) -> str:
        return "\n\n".join([_HEADER.format(what=what), *self.parts]) + "\n"

    def original(self, text: str, line: int) -> tuple[str, int] | None:
        """File and line of the learner's source that line number `line` of `text` was copied from."""
        copies = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        for copy, (tree, path) in zip(copies, self.originals):
            if copy.lineno <= line <= (copy.end_lineno or copy.lineno):
                for new, old in zip(ast.walk(copy), ast.walk(tree)):
                    if getattr(new, "lineno", None) == line:
                        return path, old.lineno  # type: ignore[attr-defined]
                return path, tree.lineno
        return None


def definition(function: Callable[..., Any]) -> tuple[ast.FunctionDef, str]:
    """The parsed source of a function, without its docstring and annotations, with the line numbers of its file."""
    path = inspect.getsourcefile(function) or function.__code__.co_filename
    linecache.checkcache(path)
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        raise CompileError(f"the source of {function.__name__} cannot be read, so it cannot be compiled; write it with "
                           "`def`, in a file") from None
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        raise CompileError(f"{path}:{first}: only a function written with `def` can be compiled, no lambda")
    ast.increment_lineno(node, first - 1)
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass(lineno=node.lineno, col_offset=0)]
    node.decorator_list = []
    node.returns = None
    for arg in ast.walk(node):
        if isinstance(arg, ast.arg):
            arg.annotation = None
    return node, path


def refuse_todo(tree: ast.FunctionDef) -> None:
    """A function that is still to do says so now, as it would if it were called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            called, args = node.exc.func, node.exc.args
            if isinstance(called, ast.Name) and called.id == "NotImplementedError" and args \
                    and isinstance(args[0], ast.Constant):
                raise NotImplementedError(args[0].value)


def local_names(tree: ast.FunctionDef) -> set[str]:
    """Names that belong to the function itself: its parameters and what it assigns to."""
    names = {arg.arg for arg in ast.walk(tree) if isinstance(arg, ast.arg)}
    return names | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


class _Renamer(ast.NodeTransformer):
    """Gives each function and number from outside the name that it has in the generated file."""

    def __init__(self, source: Source, function: Any, local: set[str]) -> None:
        self.source, self.function, self.local = source, function, local

    def lookup(self, name: str, node: ast.AST) -> Any:
        known = self.function.__globals__
        if name in known:
            return known[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        where = f"{self.function.__code__.co_filename}:{getattr(node, 'lineno', '?')}"
        if name in self.function.__code__.co_freevars:
            raise CompileError(f"{where}: {self.function.__name__} uses {name!r} of the function around it; a compiled "
                               "loop has no access to that, so pass it as an argument")
        raise NameError(f"{where}: in {self.function.__name__}, the name {name!r} is not defined")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id not in self.local:
            name = self.rename(node.id, self.lookup(node.id, node), node)
            return ast.copy_location(ast.Name(name, node.ctx), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            module = self.lookup(node.value.id, node)
            if isinstance(module, ModuleType) and module.__name__.startswith("terox."):
                name = self.rename(node.attr, getattr(module, node.attr), node)
                return ast.copy_location(ast.Name(name, node.ctx), node)
        return self.generic_visit(node)

    def rename(self, name: str, value: Any, node: ast.AST) -> str:
        if isinstance(value, FunctionType) and value.__module__ != "terox._numba" and value.__module__.partition(".")[0] not in ("numpy", "numba", "math"):
            return self.source.add(value)
        if isinstance(value, (bool, int, float, np.generic)):
            return self.source.constant(name, value)
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        if module in ("builtins", "math", "numpy"):
            return {"math": "math", "numpy": "np"}.get(module, name)
        from terox import _numba

        if getattr(_numba, name, None) is value:
            return name
        where = f"{self.function.__code__.co_filename}:{getattr(node, 'lineno', '?')}"
        raise CompileError(f"{where}: {self.function.__name__} uses {name!r}, {type(value).__name__}; a compiled loop can "
                           "use numbers, functions of the course, math and np")


# ---- Kernels ----


class Kernel:
    """A loop whose functions and numbers are bound, for arrays of given dtypes.

    serial(begin, end, *arrays, sizes, strides) runs the units from begin to end, here and now. parallel(count, grain,
    *arrays, sizes, strides) runs units 0 to count through the learner's `parallel_for`. Each is compiled when it is
    first needed.
    """

    def __init__(self, loop: Callable[..., None], dtypes: tuple[str, ...], bound: dict[str, Any]) -> None:
        self.loop, self.dtypes, self.bound = loop, dtypes, bound
        self.module: Any = None
        self.serial = self._first_serial
        self._chunk: Any = None

    def __repr__(self) -> str:
        bound = ", ".join(f"{name}={getattr(value, '__name__', value)}" for name, value in self.bound.items())
        return f"{self.loop.__name__}({bound}) for {', '.join(self.dtypes)}"

    def _first_serial(self, *args: Any) -> None:
        from terox import _numba

        if _numba.JIT:
            self._generate()
            self.serial = _compiled(self, self.module.serial, _numba, self._types(_numba))
        else:
            self.serial = self._plain
        self.serial(*args)

    def _plain(self, begin: int, end: int, *operands: Any) -> None:
        *arrays, sizes, strides = operands
        together = "memory" in inspect.signature(self.loop).parameters
        self.loop(*self.bound.values(), begin, end, *([tuple(arrays)] if together else arrays), sizes, strides)

    def parallel(self, count: int, grain: int, *operands: Any) -> None:
        from terox import _numba

        if not _numba.JIT:
            _driver()(lambda begin, end, given: self._plain(begin, end, *given), count, grain, operands)
            return
        if self._chunk is None:
            self._generate()
            self._chunk = _compiled(self, self.module.chunk, _numba,
                                    (_numba.types.int64, _numba.types.int64, _numba.types.int64[::1]))
        driver = _driver()
        *arrays, sizes, strides = operands
        packed = [len(sizes), *sizes.tolist(), *strides.ravel().tolist()]
        for array in arrays:
            packed += [array.ctypes.data, len(array)]
        with _numba.LOCK:
            driver(self._chunk, count, grain, np.array(packed, np.int64))

    def _types(self, numba: Any) -> tuple[Any, ...]:
        types = numba.types
        kinds = [getattr(types, "boolean" if dtype == "bool" else dtype)[::1] for dtype in self.dtypes]
        return (types.int64, types.int64, *kinds, types.int64[::1], types.int64[:, ::1])

    def _generate(self) -> None:
        if self.module is not None:
            return
        self.source = Source()
        bound = [self.source.add(value) if callable(value) else self.source.constant(name, value)
                 for name, value in self.bound.items()]
        name = self.source.add(self.loop)
        arrays = [f"x{number}" for number in range(len(self.dtypes))]
        listed = ", ".join(arrays)
        together = "memory" in inspect.signature(self.loop).parameters
        call = f"{name}({', '.join([*bound, 'begin', 'end'])}, {f'({listed},)' if together else listed}, sizes, strides)"
        k = len(arrays)
        lines = [f"    x{i} = carray(pointer(operands[m + {2 * i}]), operands[m + {2 * i + 1}], np.{dtype})"
                 for i, dtype in enumerate("bool_" if dtype == "bool" else dtype for dtype in self.dtypes)]
        self.source.parts += [
            f"@entry\ndef serial(begin, end, {listed}, sizes, strides):\n    {call}",
            "@entry\ndef chunk(begin, end, operands):\n"
            "    d = operands[0]\n    sizes = operands[1 : 1 + d]\n"
            f"    strides = operands[1 + d : 1 + d + {k} * d].reshape(({k}, d))\n    m = 1 + d + {k} * d\n"
            + "\n".join(lines) + f"\n    {call}",
        ]
        self.text = self.source.text(repr(self))
        self.module = load(self.text)


_kernels: dict[Any, Kernel] = {}
_drivers: dict[Any, Any] = {}


def kernel(loop: Callable[..., None], dtypes: tuple[str, ...], **bound: Any) -> Kernel:
    """The kernel of a loop for arrays of these dtypes; `bound` are the loop's first parameters, in their order."""
    key = (loop, dtypes, *bound.items())
    if key not in _kernels:
        _kernels[key] = Kernel(loop, dtypes, bound)
    return _kernels[key]


def _driver() -> Any:
    """The learner's `parallel_for`, compiled; one for all loops."""
    from terox import _numba
    from terox.parallel import elementwise

    function = elementwise.parallel_for
    if not _numba.JIT:
        return function
    if function not in _drivers:
        source = Source()
        name = source.add(function)
        tree = source.parts.pop()
        source.parts.append(tree.replace("@inner", "@njit(cache=True, parallel=True)", 1))
        text = source.text("the parallel driver")
        types = _numba.types
        loop = types.FunctionType(types.void(types.int64, types.int64, types.int64[::1]))
        holder = _Holder(source, text, name)
        _drivers[function] = _compiled(holder, getattr(load(text), name), _numba,
                                       (loop, types.int64, types.int64, types.int64[::1]))
    return _drivers[function]


class _Holder:
    """What a message about a mistake needs to know of a compiled function."""

    def __init__(self, source: Source, text: str, name: str) -> None:
        self.source, self.text, self.name = source, text, name

    def __repr__(self) -> str:
        return self.name


def _compiled(owner: Any, function: Any, numba: Any, signature: tuple[Any, ...]) -> Any:
    """`function`, compiled for one signature, or found on disk. A mistake in it is told in the learner's words."""
    try:
        function.compile(signature)
    except numba.NumbaError as error:
        from terox.parallel.messages import explain

        raise explain(error, owner.source, owner.text, repr(owner)) from None
    function.disable_compile()  # only so it can be handed over as a function
    return function


# ---- Files ----


def folder() -> Path:
    """Where generated sources and their machine code are kept: TEROX_KERNELS, else the user's cache."""
    given = os.environ.get("TEROX_KERNELS")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "terox" / "kernels"


def load(text: str) -> ModuleType:
    """The module with this text, from a file that is written if it is not there yet."""
    name = "kernel_" + hashlib.sha256(text.encode()).hexdigest()[:20]
    path = _write(name, text)
    spec = importlib.util.spec_from_file_location(f"terox_kernels.{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Numba finds a function's globals by its module's name
    spec.loader.exec_module(module)
    return module


def _write(name: str, text: str) -> Path:
    for place in (folder(), Path(tempfile.gettempdir()) / "terox-kernels"):
        path = place / f"{name}.py"
        try:
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                os.utime(path.parent)
                return path
            place.mkdir(parents=True, exist_ok=True)
            _prune(place)
            # Under another name first: another process may be doing the same.
            with tempfile.NamedTemporaryFile("w", dir=place, suffix=".tmp", delete=False, encoding="utf-8") as file:
                file.write(text)
            os.replace(file.name, path)
            return path
        except OSError:
            continue
    raise OSError(f"no folder to keep compiled kernels in: {folder()} cannot be written; set TEROX_KERNELS to one that can")


def _prune(place: Path) -> None:
    """Delete what has not been used for longest, sources and machine code, once there are too many."""
    sources = sorted(place.glob("kernel_*.py"), key=lambda path: path.stat().st_mtime)
    for source in sources[: max(len(sources) - KEPT_FILES, 0)]:
        source.unlink(missing_ok=True)
        for file in (place / "__pycache__").glob(f"{source.stem}.*"):
            file.unlink(missing_ok=True)
