"""From a kernel in Python to the device that runs it. Provided.

A kernel such as `map_kernel` takes a function, a neutral number or a kind of number as its first parameters (`fn`,
`start`, `kind`). They are bound here, before anything is compiled. Then there are three ways:

- In Terox's simulator the kernel runs as it stands, with the bound parameters first.
- On a GPU the kernel and all that it uses is copied into one source file, as in module 3, with a last function that
  calls it with the bound parameters written out. numba-cuda compiles that for the kinds of arguments that it is called
  with, and keeps the machine code beside the source.
- In Numba's simulator that same file runs as Python.

Before the first run, in the simulator as well, the text of all functions is looked at: what is still to do says so, and
what no GPU could compile is refused, in the learner's line.

In PyTorch: `aten/src/ATen/native/cuda/jit_utils.cpp`; most kernels are compiled ahead, from templates in C++.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from terox import _numba
from terox.cuda import subset
from terox.parallel import cache_files
from terox.parallel.mistakes import CompileError, Place, advised, mistake, raise_there, running
from terox.parallel.sources import Source

__all__ = ["CompileError", "Kernel", "kernel"]

_HEADER = '''"""Generated: {what}. Made anew whenever a function below changes; edit it where it comes from.

{versions}
"""

import math

import numpy as np

from terox._numba import cuda_entry as entry
from terox._numba import cuda_inner as inner
from terox._numba import numba_cuda as cuda
'''

SIMULATE = ("To see it run as plain Python, in the simulator, set the environment variable TEROX_CUDA=sim and start "
            "Python again.")

_compiling = threading.RLock()


class Kernel:
    """A kernel whose first parameters are bound, for arrays of given dtypes.

    launch(grid, block, *args) runs it. What a TODO raises, and CompileError, come before anything runs.
    """

    def __init__(self, loop: Callable[..., None], dtypes: tuple[str, ...], bound: dict[str, Any]) -> None:
        self.loop, self.dtypes = loop, tuple(dtypes)
        self.bound = {name: _of_kind(value, bound.get("kind")) for name, value in bound.items()}
        self._source: Source | None = None
        self._takes = -1  # arguments; not known before the source was looked at
        self._text = ""
        self._module: ModuleType | None = None

    def __repr__(self) -> str:
        bound = ", ".join(f"{name}={getattr(value, '__name__', value)}" for name, value in self.bound.items())
        return f"{self.loop.__name__}({bound}) for {', '.join(self.dtypes)}"

    @property
    def source(self) -> Source:
        """The functions that it is made of, looked at. Raises what a TODO raises, or CompileError."""
        if self._source is None:
            try:
                self._source = _generate(self.loop, self.dtypes, self.bound)
            except CompileError as error:
                raise_there(advised(error, "" if _numba.CUDA == "sim" else SIMULATE), error.place)
        return self._source

    @property
    def text(self) -> str:
        """The generated file."""
        if not self._text:
            self._text = self.source.text(repr(self), _numba.cuda_versions())
        return self._text

    @property
    def path(self) -> Path:
        """Where the generated file lies."""
        return Path(str(self._load().__file__))

    def _load(self) -> ModuleType:
        if self._module is None:
            self._module = cache_files.load(self.text)
        return self._module

    def changed(self) -> bool:
        """Whether a function or constant that it was made of is another one now."""
        return self._source is not None and self._source.changed()

    def launch(self, grid: Any, block: Any, *args: Any) -> None:
        """Run for each thread of each block. grid and block: a number, or up to three; args: what is not bound.

        An array among args is memory of the device, or has a method `at` that gives it. A number is one of Python's, a
        tuple holds such numbers or tuples of them.
        """
        given = [arg.at(0) if hasattr(arg, "at") else arg for arg in args]
        if self._takes != len(given):
            self._check_count(len(given))
        if _numba.CUDA == "sim":
            # Out of a memoryview come Python's truth values, which operators can compute with; NumPy's have no minus.
            given = [memoryview(arg) if getattr(arg, "dtype", None) == np.bool_ else arg for arg in given]
            _numba.cuda.launch(self.loop, grid, block, [*self.bound.values(), *given])
            return
        if _numba.CUDA == "numba":
            given = [_numba.cuda_memory(arg) if isinstance(arg, np.ndarray) else arg for arg in given]
        try:
            with _compiling:
                self._load().kernel[grid, block](*given)
        except Exception as error:  # noqa: BLE001 - Numba raises many kinds
            self._explain(error)

    def _check_count(self, given: int) -> None:
        tree, path = self.source.originals[self.source.names[self.loop]]
        names = list(inspect.signature(self.loop).parameters)
        self._takes = len(names) - len(self.bound)
        if given != self._takes:
            place = Place(path, tree.lineno, tree.name)
            raise_there(advised(mistake(place, f"`{tree.name}` has {len(names)} parameters ({', '.join(names)}), but "
                                               f"is called with {len(self.bound) + given}."), ""), place)

    def _explain(self, error: Exception) -> NoReturn:
        """Raise an error in the learner's line, in words."""
        from terox.parallel.messages import explain

        lines, calls = _busy_with(error)
        if _numba.is_compile_error(error) or str(error).startswith("Signature mismatch"):
            head, at, rest = str(error).partition('\nFile "')
            said = [head, *calls, *(f'File "{path}", line {line}' for path, line in lines), at + rest]
            found = explain(Exception("\n".join(said)), self.source, self.text)
            raise_there(advised(found, SIMULATE), found.place)
        if lines:
            raise_there(error, self.source.original(self.text, lines[0][1]))
        raise_there(*running(error, self.source, self.text, str(self.path), self.loop))

    def ptx(self, *kinds: Any, capability: tuple[int, int] = (7, 5)) -> str:
        """What the compiler for GPUs makes of it, to be read: PTX, NVIDIA's assembly language. No GPU is needed.

        kinds: types of the arguments that are not bound, as in a signature of Numba. In PyTorch: TORCH_CUDA_ARCH_LIST
        lists such capabilities.
        """
        try:
            with _compiling, _pretended(capability):
                return str(_numba.numba_cuda.compile_ptx(self._load().kernel.py_func, kinds, cc=capability)[0])
        except Exception as error:  # noqa: BLE001
            self._explain(error)


def _busy_with(error: BaseException) -> tuple[list[tuple[str, int]], list[str]]:
    """What the compiler was busy with, which numba-cuda's report does not say.

    File and line, the innermost first; and the calls of functions, the outermost first, as Numba's report writes them.
    """
    lines: list[tuple[str, int]] = []
    calls: list[str] = []
    step = error.__traceback__
    while step is not None:
        known = step.tb_frame.f_locals if step.tb_frame.f_globals.get("__name__", "").endswith("typeinfer") else {}
        place = getattr(known.get("self"), "loc", None)
        if getattr(place, "filename", None):
            lines.insert(0, (place.filename, place.line))
        function = getattr(getattr(known.get("fnty"), "dispatcher", None), "py_func", None)
        if function is not None and "pos_args" in known:
            calls.append(f" >>> {function.__name__}({', '.join(map(str, known['pos_args']))})")
        step = step.tb_next
    return list(dict.fromkeys(lines)), calls


def _of_kind(value: Any, kind: Any) -> Any:
    """A number that is bound, in the kind that the kernel computes with: the GPU would add Python's in 64 bits."""
    return kind(value) if kind is not None and isinstance(value, (int, float)) else value


@contextmanager
def _pretended(capability: tuple[int, int]) -> Iterator[None]:
    """numba-cuda asks the device what it can do, also where it compiles for another one."""
    from importlib import import_module

    dispatcher = import_module("numba.cuda.dispatcher")
    before = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = before


def _generate(loop: Callable[..., None], dtypes: tuple[str, ...], bound: dict[str, Any]) -> Source:
    # Where float32 is the only kind of float, a number such as 0.5 in a function is one, too: one operand of 64 bits,
    # and the GPU computes in 64 bits, which takes most GPUs 32 or 64 times as long.
    kinds = {*dtypes, getattr(bound.get("kind"), "__name__", "")}
    source = Source(_HEADER, np.float32 if "float32" in kinds and "float64" not in kinds else None, subset.check)
    first = [_written(source, name, value) for name, value in bound.items()]
    name = source.add(loop)
    others = list(inspect.signature(loop).parameters)[len(bound):]
    source.parts.append(f"@entry\ndef kernel({', '.join(others)}):\n    {name}({', '.join([*first, *others])})")
    return source


def _written(source: Source, name: str, value: Any) -> str:
    """A bound parameter as the generated file writes it."""
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return source.add(value) if callable(value) else source.constant(name, value)


_kernels: dict[Any, Kernel] = {}


def kernel(loop: Callable[..., None], dtypes: tuple[str, ...], **bound: Any) -> Kernel:
    """The kernel for arrays of these dtypes; `bound` are its first parameters, in their order."""
    key = (loop, dtypes, *[value if callable(value) else repr(value) for value in bound.values()])
    found = _kernels.get(key)
    if found is None or found.changed():
        found = _kernels[key] = Kernel(loop, dtypes, bound)
    return found
