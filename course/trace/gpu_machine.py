"""The simulator of a GPU with memory that records: it says who runs, since which barrier, and what threads share."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from course.trace.array import RecordedArray
from course.trace.gpu_memory import MOST_ACCESSES, KernelMemory, KernelRecorder, Phase, Thread, index_in
from course.trace.program import parted_by
from course.trace.rebuild import ordered
from course.trace.recorder import Place, Recorder, Stop, assigned_at, line_of, spot_of, text_of
from terox.cuda import simulator
from terox.cuda.simulator import Dim3, Simulator, divergence, rubbish

MOST_WAITS = 10_000  # at barriers, of all threads of a block together
_MACHINE = {__file__, simulator.__file__}
_KNOWN_LATE = {"blockDim", "gridDim", "threadIdx", "blockIdx", "shape", "size", "grid", "gridsize"}


class TracingSimulator(Simulator):
    """Stands in for `cuda` in the copies of a kernel and of what it uses."""

    def __init__(self, recorder: Recorder, order: Any = "forward") -> None:
        super().__init__()
        assert isinstance(recorder, KernelRecorder)
        self.recorder, self.order = recorder, order
        self.atomic, self.local = _Atomic(self.atomic, recorder), _Local(recorder)  # type: ignore[assignment]
        self.barriers = 0
        self._names: dict[Any, str] = {}  # of arrays in shared memory, by place in the code
        self._lines: dict[Place, Any] = {}

    def launch(self, kernel: Callable[..., None], grid: Any, block: Any, args: Sequence[Any]) -> None:
        if isinstance(kernel, Runnable):
            kernel.check(len(args))
        super().launch(kernel, grid, block, args)

    def ordered(self, indices: list[Dim3]) -> Sequence[Dim3]:
        self.recorder.grid, self.recorder.block = self.gridDim, self.blockDim
        return list(ordered(indices, self.order))

    def begin_block(self) -> None:
        self.barriers = 0
        self.recorder.phase = Phase(self.blockIdx, 0)

    def turn(self, thread: Dim3) -> None:
        super().turn(thread)
        self.recorder.left = MOST_ACCESSES
        self.recorder.label = Thread(self.blockIdx, thread)

    def barrier(self) -> None:
        self.barriers += 1
        self.recorder.phase = Phase(self.blockIdx, self.barriers)
        most = max(100, MOST_WAITS // len(self._team.at))  # type: ignore[union-attr]
        if self.barriers > most:
            frame = next(frame for frame in self._team.at if frame is not None)  # type: ignore[union-attr]
            line = line_of(frame.f_code, frame.f_lasti)
            self.recorder.endless(line, f"The threads of a block have come to syncthreads() in {line}, and waited more "
                                        f"than {most} times in all: a loop does not end.")

    def diverged(self, waiting: Sequence[tuple[Dim3, FrameType]], ended: Sequence[Dim3]) -> None:
        waiting, ended = sorted(waiting, key=lambda each: each[0][::-1]), sorted(ended, key=lambda each: each[::-1])
        first = {line_of(frame.f_code, frame.f_lasti): thread for thread, frame in reversed(waiting)}
        labels = [Thread(self.blockIdx, thread) for thread in [*first.values(), *ended[:1]]]
        block = f"In block {index_in(self.blockIdx, self.gridDim)}: " if max(self.gridDim) > 1 else ""
        where = " and ".join(map(str, sorted(first)))
        parted = parted_by([called_from(frame) for _, frame in waiting])
        self.recorder.note("divergent barrier", None, None, tuple(first), (
            f"divergent barrier at {where}: {block}{divergence(waiting, ended, self.blockDim)} {parted}".rstrip()),
            tuple(labels))
        raise Stop

    def shared_array(self, shape: Any, dtype: Any, frame: FrameType) -> Any:
        made = line_of(frame.f_code, frame.f_lasti)
        place, recorder = spot_of(frame.f_code, frame.f_lasti), self.recorder
        if self._lines.setdefault(made, place) != place:
            recorder.note("shared on one line", None, None, (made,), (
                f"{made} makes two arrays with cuda.shared.array. Numba's simulator tells such arrays apart by their "
                f"line, so that there both are one. Make each on a line of its own."))
        self._check_shape(frame, made)
        memory = KernelMemory(recorder, self._named(place, made), rubbish(shape, dtype), space="shared", written=False,
                              scratch=True, made=made)
        return RecordedArray(memory)

    def _named(self, place: Any, made: Place) -> str:
        """The variable that it is assigned to; with its place where that name is taken."""
        if place not in self._names:
            name = assigned_at(made)
            name = "shared memory" if name == "scratch" else name
            taken = {memory.name for memory in self.recorder.memories if memory.space == "global"  # type: ignore
                     } | set(self._names.values())
            number = Counter(each.partition(" (")[0] for each in taken)[name]
            self._names[place] = f"{name} ({made})" if number else name
            if self._names[place] in taken:  # two on one line
                self._names[place] = f"{name} ({made}, number {number + 1})"
        return self._names[place]

    def _check_shape(self, frame: FrameType, made: Place) -> None:
        """A size that depends on the launch, or on an argument, is not known when a kernel is compiled."""
        try:
            call = ast.parse(text_of(frame.f_code, frame.f_lasti).strip(), mode="eval").body
        except SyntaxError:
            return
        given = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "shape")] \
            if isinstance(call, ast.Call) else []
        late = [node.attr for part in given for node in ast.walk(part)
                if isinstance(node, ast.Attribute) and node.attr in _KNOWN_LATE]
        late += ["len" for part in given for node in ast.walk(part) if getattr(node, "id", "") == "len"]
        if late:
            self.recorder.note("shape", None, None, (made,), (
                f"{made} makes an array in shared memory whose size depends on `{late[0]}`. On a GPU, that size is "
                f"part of the program and has to be known when the kernel is compiled: take a constant."))


def called_from(frame: FrameType | None) -> list[Place]:
    """The place of a frame, that of the call that led to it, and so on up to the kernel."""
    found = []
    while frame is not None and frame.f_code.co_filename not in _MACHINE:
        found.append(line_of(frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return found


class Runnable:
    """A copy of a kernel, to be launched. `func` is the kernel itself, in which the simulator looks for barriers."""

    def __init__(self, copy: Callable[..., Any], kernel: Callable[..., Any]) -> None:
        self.copy, self.func = copy, kernel

    def __call__(self, *args: Any) -> None:
        self.copy(*args)

    def check(self, count: int) -> None:
        """Raises TypeError where a kernel takes another number of arguments, before any thread runs."""
        code = self.copy.__code__
        fewest = code.co_argcount - len(self.copy.__defaults__ or ())
        if not (fewest <= count and (count <= code.co_argcount or code.co_flags & 4)):
            names = ", ".join(code.co_varnames[:code.co_argcount])
            raise TypeError(f"{self.copy.__name__}({names}) was launched with {count} arguments")


class _Cell:
    """One element of an array, for an atomic operation: its accesses are those of the line that asks for it."""

    def __init__(self, array: Any, frame: FrameType) -> None:
        self.array, self.frame = array, frame

    def _place(self, index: Any, does: str) -> int:
        array = self.array
        place = array._places[array._checked(index, self.frame, does)]
        if np.ndim(place):
            raise TypeError(f"an atomic operation works on one element, not on {place.size}")
        return int(place)

    def __getitem__(self, index: Any) -> Any:
        return self.array._one(self._place(index, "changes"), self.frame)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array._write(index, value, self.frame)


class _Atomic:
    """`cuda.atomic`, recorded."""

    def __init__(self, plain: Any, recorder: KernelRecorder) -> None:
        self._plain, self._recorder = plain, recorder

    def __getattr__(self, name: str) -> Any:
        operation, recorder = getattr(self._plain, name), self._recorder

        def recorded(array: Any, index: Any, *values: Any) -> Any:
            before = recorder.phase
            recorder.phase = before._replace(atomic=True)  # type: ignore[attr-defined]
            try:
                return operation(_Cell(array, sys._getframe(1)), index, *values)
            finally:
                recorder.phase = before
        return recorded


class _Local:
    """`cuda.local`, recorded: an array for each call, which only its thread can see."""

    def __init__(self, recorder: KernelRecorder) -> None:
        self._recorder = recorder

    def array(self, shape: Any, dtype: Any) -> Any:
        frame = sys._getframe(1)
        made = line_of(frame.f_code, frame.f_lasti)
        name = assigned_at(made)
        return RecordedArray(KernelMemory(self._recorder, "local memory" if name == "scratch" else name,
                                          rubbish(shape, dtype), space="local", written=False, made=made))


def is_cuda(value: Any) -> bool:
    """Whether a value is what kernels call `cuda`: the simulator, or Numba's module."""
    if isinstance(value, ModuleType):
        return value.__name__.startswith("numba") and value.__name__.endswith(".cuda")
    return isinstance(value, Simulator)
