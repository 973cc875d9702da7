"""Copies of functions in which `prange`, `np`, `math`, `cuda` are other ones. The functions stay as they are."""

from __future__ import annotations

import ast
import inspect
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from course.trace.array import RecordedArray, caller
from course.trace.recorder import SERIAL, Memory, Recorder, assigned_at, line_of


class Rebuilder:
    """Rebuilds functions, and all functions of their package that they use; each function once."""

    def __init__(self, recorder: Recorder, prange: Callable[..., Any], roots: set[str], *, cuda: Any = None,
                 is_cuda: Callable[[Any], bool] | None = None, constants: Mapping[str, Any] | None = None) -> None:
        """roots: names of the packages (or modules) whose functions are rebuilt.

        cuda: the stand-in for every value of which `is_cuda` says that it is what kernels call `cuda`. constants: other
        values for names at the level of a module, or of an enclosing function.
        """
        self._roots, self._cuda, self._is_cuda = roots, cuda, is_cuda
        self._constants = dict(constants or {})
        self._recorder = recorder
        self._np, self._prange = StandIn(np, _makers(recorder)), prange
        self._done: dict[int, Any] = {}
        self._keep: list[Any] = []  # what is known by its id must live
        self._globals: dict[int, dict[str, Any]] = {}

    def value(self, value: Any, name: str = "", *, given: bool = False) -> Any:
        """The stand-in for a value that a function refers to by this name, or the value. given: as an argument."""
        if name in self._constants and not given:
            return self._constants[name]
        if self._is_cuda is not None and self._is_cuda(value):
            return self._cuda
        if name == "prange" or value is getattr(sys.modules.get("numba"), "prange", _NOTHING):
            return self._prange
        value = getattr(value, "py_func", value)  # what Numba has compiled
        if type(value).__name__ == "_Intrinsic":  # of Numba, which cannot be called
            value = _python_form(value)
        if isinstance(value, FunctionType):
            return self.function(value) if given or self._ours(value.__module__) else value
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            return self._constant(value, name)
        if isinstance(value, tuple) and type(value) is tuple:
            return tuple(self.value(part, name, given=given) for part in value)
        if callable(value) and getattr(value, "__module__", None) in ("math", "numpy"):
            home, called = sys.modules[value.__module__], getattr(value, "__name__", "")
            if getattr(home, called, None) is value:
                return getattr(self._module(home), called)
        return value

    def function(self, function: FunctionType) -> FunctionType:
        """The copy of a function."""
        if id(function) in self._done:
            return self._done[id(function)]
        namespace = self._globals.setdefault(id(function.__globals__), dict(function.__globals__))
        made = FunctionType(function.__code__, namespace, function.__name__, None, _cells(function))
        self._done[id(function)] = made
        self._keep.append(function)
        for name in _names(function.__code__):
            if name in function.__globals__:
                namespace[name] = self.value(function.__globals__[name], name)
        for name, cell in zip(function.__code__.co_freevars, made.__closure__ or ()):
            try:
                cell.cell_contents = self.value(cell.cell_contents, name)
            except ValueError:  # an empty cell
                pass
        made.__defaults__ = tuple(map(self.value, function.__defaults__)) if function.__defaults__ else None
        made.__kwdefaults__ = {name: self.value(value) for name, value in (function.__kwdefaults__ or {}).items()}
        return made

    def _ours(self, module: str | None) -> bool:
        return (module or "") in self._roots or (module or "").partition(".")[0] in self._roots

    def _module(self, module: ModuleType) -> Any:
        if module is np:
            return self._np
        if module is math:
            return _MATH
        if module.__name__ == "numba":
            return StandIn(module, {"prange": self._prange, **({"cuda": self._cuda} if self._cuda is not None else {})})
        return _Lazy(module, self) if self._ours(module.__name__) else module

    def _constant(self, value: np.ndarray, name: str) -> Any:
        """An array at the level of a module, which Numba compiles into the program: it can only be read."""
        if id(value) not in self._done:
            self._keep.append(value)
            self._done[id(value)] = RecordedArray(Memory(self._recorder, name, value, read_only=True, counted=False))
        return self._done[id(value)]


_NOTHING: Any = object()


@cache
def _python_form(intrinsic: Any) -> Any:
    """The function of the same name that stands before an intrinsic in its file, for NUMBA_DISABLE_JIT=1."""
    module = sys.modules[intrinsic._defn.__module__]
    name = intrinsic._defn.__name__
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef) and node.name == name and not node.decorator_list:
            namespace = dict(vars(module))
            code = ast.Module([ast.ImportFrom("__future__", [ast.alias("annotations")], 0), node], [])
            exec(compile(ast.fix_missing_locations(code), module.__file__ or name, "exec"), namespace)
            return namespace[name]
    raise TypeError(f"{name} has no Python form in {module.__name__}")


class StandIn:
    """A module with some of its names replaced."""

    def __init__(self, module: ModuleType, replaced: dict[str, Any]) -> None:
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class _Lazy:
    """A module of the learner's, whose functions are rebuilt when they are used."""

    def __init__(self, module: ModuleType, rebuilder: Rebuilder) -> None:
        self._module, self._rebuilder = module, rebuilder

    def __getattr__(self, name: str) -> Any:
        return self._rebuilder.value(getattr(self._module, name), name)


def ordered(numbers: Sequence[Any], order: Any) -> Iterable[Any]:
    """Numbers (or chunks) forward, reversed, shuffled, or as a function says."""
    if callable(order):
        return order(numbers)
    if order == "shuffled":
        return random.Random(0).sample(list(numbers), len(numbers))
    if order not in ("forward", "reversed"):
        raise ValueError(f"order is {order!r}, not 'forward', 'reversed' or 'shuffled'")
    return list(numbers)[::-1] if order == "reversed" else numbers


def prange_of(recorder: Recorder, order: Any) -> Callable[..., Iterable[int]]:
    """The stand-in for `prange`: one iteration after the other, each with its number as label.

    All wait for the end of a loop, so that each has a phase of its own. In an iteration, `prange` is `range`, as for
    Numba.
    """

    def iterate(numbers: range) -> Iterator[int]:
        recorder.phase += 1  # type: ignore[operator]
        try:
            for number in ordered(numbers, order):
                recorder.label = number
                yield number
        finally:
            recorder.label = SERIAL
            recorder.phase += 1  # type: ignore[operator]

    def prange(*bounds: int) -> Iterable[int]:
        return iterate(range(*bounds)) if recorder.label is SERIAL else range(*bounds)
    return prange


def _cells(function: FunctionType) -> tuple[Any, ...] | None:
    if function.__closure__ is None:
        return None
    cells = []
    for cell in function.__closure__:
        try:
            cells.append(type(cell)(cell.cell_contents))
        except ValueError:
            cells.append(type(cell)())
    return tuple(cells)


def _names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside of it use."""
    return set(code.co_names).union(*(_names(part) for part in code.co_consts if isinstance(part, CodeType)))


def _makers(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """`np.empty` and the others that allocate, with arrays that record."""

    def maker(name: str) -> Callable[..., RecordedArray]:
        original, written = getattr(np, name), not name.startswith("empty")

        def make(*args: Any, **options: Any) -> RecordedArray:
            frame = caller()
            made = line_of(frame.f_code, frame.f_lasti)
            recorder.allocates(name, made)
            args = tuple(_bare(part) for part in args)
            return RecordedArray(Memory(recorder, assigned_at(made), original(*args, **options), written=written,
                                        scratch=True, made=made))
        return make

    return {name: maker(name) for name in ("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like",
                                           "full_like")}


def _bare(value: Any) -> Any:
    """For `empty_like(a)`, which does not read `a`."""
    if isinstance(value, RecordedArray) and value.size:
        return np.broadcast_to(np.zeros((), value.dtype), value.shape)
    return np.empty(value.shape, value.dtype) if isinstance(value, RecordedArray) else value


def _total(name: str) -> Callable[..., Any]:
    """A function of `math` that, as compiled, has a result where Python raises an error."""
    function, ufunc = getattr(math, name), getattr(np, name if name != "pow" else "float_power")

    def total(*args: Any) -> Any:
        try:
            return np.float64(function(*args))
        except (ValueError, OverflowError):
            return np.float64(ufunc(*args))
    total.__name__ = name
    return total


_MATH = StandIn(math, {name: _total(name) for name in (
    "cos", "cosh", "exp", "expm1", "fmod", "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "sqrt", "tan",
    "tanh")})
