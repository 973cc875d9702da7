"""From a loop in Python to machine code. Provided.

A loop such as `elementwise_range` takes functions (`row`, `fn`) and numbers as its first arguments. They are bound
here, before anything is compiled: for `mul` on float32, say. The loop, all functions that it calls, from whatever file,
and the constants that they use are copied into one source file (sources.py), named by the hash of its text. That file
is compiled, and Numba keeps the machine code beside it (cache_files.py). So the next process finds it, whoever edits a
function gets another file, and nothing stale is ever run.

In PyTorch: `torch/_inductor/codecache.py` does the same for `torch.compile`; the kernels of eager mode are made from
templates in C++, by the compiler.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from terox.parallel import cache_files, threads
from terox.parallel.cache_files import folder
from terox.parallel.mistakes import CompileError, Place, mistake, raise_there, running
from terox.parallel.sources import Source

__all__ = ["CompileError", "Kernel", "folder", "kernel", "statistics"]

_compiling = threading.RLock()
_counted: list[Any] = []  # everything that was compiled or loaded in this process


class Unit:
    """A generated file, and what was compiled of it."""

    def __init__(self, source: Source, what: str) -> None:
        from terox import _numba

        self.source, self.what = source, what
        self.text = source.text(what, _numba.VERSIONS)
        self.module: ModuleType | None = None

    @property
    def path(self) -> Path:
        return Path(str(self.load().__file__))

    def load(self) -> ModuleType:
        if self.module is None:
            self.module = cache_files.load(self.text)
        return self.module

    def compiled(self, name: str, signature: tuple[Any, ...]) -> Any:
        """A function of the file, compiled, or found on disk. A mistake in it is told in the learner's words."""
        from terox.parallel.messages import explain

        try:
            function = getattr(self.load(), name)
            try:
                function.compile(signature)
            except Exception as error:  # noqa: BLE001 - Numba raises many kinds
                if type(error).__module__.startswith("numba"):
                    raise
                # Not Numba's own: files that were cut short, perhaps. Once more, without them.
                cache_files.forget(self.path)
                self.module = None
                function = getattr(self.load(), name)
                function.compile(signature)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001
            found = explain(error, self.source, self.text)
            raise_there(found, found.place)
        function.disable_compile()  # only so can it be handed over as a function
        _counted.append(function)
        return function


class Kernel:
    """A loop whose functions and numbers are bound, for arrays of given dtypes.

    serial(begin, end, *arrays, sizes, strides) runs the units from begin to end, here and now. parallel(count, grain,
    *arrays, sizes, strides) runs units 0 to count through the learner's `parallel_for`. Each is compiled when it is
    first needed. What a TODO raises, and CompileError, come before anything runs.
    """

    def __init__(self, loop: Callable[..., None], dtypes: tuple[str, ...], bound: dict[str, Any]) -> None:
        self.loop, self.dtypes, self.bound = loop, dtypes, bound
        self.serial: Callable[..., None] = self._first_serial
        self._unit: Unit | None = None
        self._chunk: Any = None

    def __repr__(self) -> str:
        bound = ", ".join(f"{name}={getattr(value, '__name__', value)}" for name, value in self.bound.items())
        return f"{self.loop.__name__}({bound}) for {', '.join(self.dtypes)}"

    def unit(self) -> Unit:
        """The generated file; `unit().text` is its text, `unit().path` where it lies."""
        if self._unit is None:
            try:
                self._unit = Unit(_generate(self.loop, self.dtypes, self.bound), repr(self))
            except CompileError as error:
                raise_there(error, error.place)
        return self._unit

    def changed(self) -> bool:
        """Whether a function or constant that it was made of is another one now."""
        return self._unit is not None and self._unit.source.changed()

    def _first_serial(self, *args: Any) -> None:
        from terox import _numba

        with _compiling:
            if not _numba.JIT:
                self.serial = self._plain
            elif self.serial == self._first_serial:
                types = _numba.types
                kinds = [getattr(types, "boolean" if dtype == "bool" else dtype)[::1] for dtype in self.dtypes]
                unit = self.unit()
                signature = (types.int64, types.int64, *kinds, types.int64[::1], types.int64[:, ::1])
                self.serial = _guarded(unit, unit.compiled("serial", signature), self.loop, self.dtypes)
        self.serial(*args)

    def _plain(self, begin: int, end: int, *operands: Any) -> None:
        *arrays, sizes, strides = operands
        together = _together(self.loop, len(self.bound), len(self.dtypes))
        bound = [_as_compiled(value) for value in self.bound.values()]
        self.loop(*bound, begin, end, *([tuple(arrays)] if together else arrays), sizes, strides)

    def parallel(self, count: int, grain: int, *operands: Any) -> None:
        from terox import _numba
        from terox.parallel.elementwise import parallel_for

        if not _numba.JIT:
            parallel_for(lambda begin, end, given: self._plain(begin, end, *given), count, grain, operands)
            return
        if self._chunk is None:
            self._first_parallel(parallel_for)
        *arrays, sizes, strides = operands
        packed = [len(sizes), *strides.shape, *sizes.tolist(), *strides.ravel().tolist()]
        for array in arrays:
            packed += [array.ctypes.data, len(array)]
        given = np.array([*packed, 0, 0], np.int64)
        threads.run(_driver, parallel_for, self._chunk, count, grain, given)
        if given[-1]:
            # An exception cannot leave a thread of the pool. The same units once more, here, and it can.
            self.serial(int(given[-2]), int(given[-1]), *operands)
            raise RuntimeError(f"units {given[-2]} to {given[-1]} of {self} failed")

    def _first_parallel(self, parallel_for: Callable[..., None]) -> None:
        from terox import _numba

        with _compiling:
            if self._chunk is None:
                unit, types = self.unit(), _numba.types
                _driver_unit(parallel_for)  # a TODO or a slip there shows before anything is compiled
                self._chunk = unit.compiled("chunk", (types.int64, types.int64, types.int64[::1]))


_GUARDED = """def serial(begin, end, {arrays}, sizes, strides):
    try:
        compiled(begin, end, {arrays}, sizes, strides)
    except Exception as error:
        fail(error)
"""


def _as_compiled(value: Any) -> Any:
    """A number as compiled code has it, in 64 bits: added to a float32, Python's 0.0 would become one."""
    return np.float64(value) if isinstance(value, float) else value


def _guarded(unit: Unit, function: Any, loop: Any, dtypes: tuple[str, ...]) -> Callable[..., None]:
    """`function`; an error that it raises leads to the learner's line. (Written out: `*args` would cost time.)"""

    def fail(error: Exception) -> None:
        raise_there(*running(error, unit.source, unit.text, str(unit.path), loop))

    names: dict[str, Any] = {"compiled": function, "fail": fail}
    exec(_GUARDED.format(arrays=", ".join(f"x{number}" for number in range(len(dtypes)))), names)
    return names["serial"]


def _together(loop: Callable[..., None], bound: int, arrays: int) -> bool:
    """Whether a loop takes its arrays as one tuple, for any number of them."""
    names = list(inspect.signature(loop).parameters)[bound + 2 : -2]
    return len(names) == 1 and (arrays > 1 or names == ["memory"])


def _generate(loop: Callable[..., None], dtypes: tuple[str, ...], bound: dict[str, Any]) -> Source:
    source = Source()
    first = [source.add(value) if callable(value) else source.constant(name, value) for name, value in bound.items()]
    name = source.add(loop)
    arrays = ", ".join(f"x{number}" for number in range(len(dtypes)))
    together = _together(loop, len(bound), len(dtypes))
    has, gives = len(inspect.signature(loop).parameters), len(bound) + 4 + (1 if together else len(dtypes))
    if has != gives:
        tree, path = source.originals[name]
        named = ", ".join([*bound, "begin", "end", "memory" if together else arrays, "sizes", "strides"])
        raise mistake(Place(path, tree.lineno, tree.name),
                      f"`{tree.name}` has {has} parameters, but is called with {gives}: {named}.")
    call = f"{name}({', '.join([*first, 'begin', 'end'])}, {f'({arrays},)' if together else arrays}, sizes, strides)"
    views = "".join(f"    x{i} = carray(pointer(operands[m + {2 * i}]), operands[m + {2 * i + 1}], np.{dtype})\n"
                    for i, dtype in enumerate("bool_" if dtype == "bool" else dtype for dtype in dtypes))
    source.parts += [
        f"@entry\ndef serial(begin, end, {arrays}, sizes, strides):\n    {call}",
        # operands: d, the shape of strides, sizes, strides, address and length of each array; at the end, which units
        # raised an exception.
        "@entry\ndef chunk(begin, end, operands):\n"
        "    d, rows, columns = operands[0], operands[1], operands[2]\n    sizes = operands[3 : 3 + d]\n"
        "    m = 3 + d + rows * columns\n    strides = operands[3 + d : m].reshape((rows, columns))\n"
        f"{views}    try:\n        {call}\n"
        "    except Exception:\n        operands[-2], operands[-1] = begin, end",
    ]
    return source


_kernels: dict[Any, Kernel] = {}
_drivers: dict[Any, tuple[Unit, str, Any]] = {}


def kernel(loop: Callable[..., None], dtypes: tuple[str, ...], **bound: Any) -> Kernel:
    """The kernel of a loop for arrays of these dtypes; `bound` are the loop's first parameters, in their order."""
    key = (loop, dtypes, *[value if callable(value) else repr(value) for value in bound.values()])
    found = _kernels.get(key)
    if found is None or found.changed():
        found = _kernels[key] = Kernel(loop, dtypes, bound)
    return found


def _driver_unit(parallel_for: Any) -> tuple[Unit, str, Any]:
    """The learner's `parallel_for`, ready to be compiled; one for all loops."""
    if parallel_for not in _drivers or _drivers[parallel_for][0].source.changed():
        source = Source()
        try:
            name = source.add(parallel_for)
        except CompileError as error:
            raise_there(error, error.place)
        source.parts[-1] = source.parts[-1].replace("@inner", "@njit(cache=True, parallel=True)", 1)
        _drivers[parallel_for] = Unit(source, "the parallel driver"), name, None
    return _drivers[parallel_for]


def _driver() -> Any:
    from terox import _numba
    from terox.parallel.elementwise import parallel_for

    unit, name, function = _driver_unit(parallel_for)
    if function is None:
        with _compiling:
            types = _numba.types
            loop = types.FunctionType(types.void(types.int64, types.int64, types.int64[::1]))
            function = unit.compiled(name, (loop, types.int64, types.int64, types.int64[::1]))
            _drivers[parallel_for] = unit, name, function
    return function


def statistics() -> dict[str, int]:
    """How much of what this process needed was found on disk ("hits"), and how much was compiled ("misses")."""
    return {"hits": sum(sum(function.stats.cache_hits.values()) for function in _counted),
            "misses": sum(sum(function.stats.cache_misses.values()) for function in _counted)}
