"""Run a kernel for the GPU in the simulator with arrays that record, and say what goes wrong on a real one.

    made = trace_kernel(kernel, grid, block, out, a)
    made.check()            # raises with the first problem
    made.score()            # the most reads and writes that any one thread does
    made.counts("a")        # how often each element was read and written

Two threads of a block that touch one element, one of them writing, with no barrier between, are a race in whichever
order they happened to run; so are two threads of different blocks, at any time. As a race is found by who touches what
and not by what comes out, each is found every time.

    gpu_memory.py   who touches what, and since which barrier
    gpu_machine.py  the simulator, with memory that records
    gpu_races.py    races, in words
    gpu_score.py    counts, scores, warps
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from course.trace.gpu_machine import Runnable, TracingSimulator, is_cuda
from course.trace.gpu_memory import KernelMemory, KernelRecorder
from course.trace.gpu_races import find_kernel_races
from course.trace.gpu_score import Counts, Score, WarpAccess, compare_scores, count_accesses, score_of, warps_of
from course.trace.races import labels_of
from course.trace.rebuild import Rebuilder
from course.trace.recorder import READ, SERIAL, WRITE, Access, Memory, Recorder
from course.trace.tracing import Call, Trace
from terox.cuda.simulator import Dim3

__all__ = ["Counts", "KernelTrace", "Score", "WarpAccess", "compare_scores", "trace_kernel"]


class KernelTrace(Trace):
    """What happened in a launch. `problems`, `accesses` and `check()` are those of Trace."""

    recorder: KernelRecorder
    grid: Dim3
    block: Dim3
    barriers: int  # to which the threads of the last block have come together
    raced: set[tuple[int, int]]  # memories by id, and flat elements, that take part in a race

    @property
    def steps(self) -> list[Access]:
        """Every access to one element, in order. Its label is (block, thread), its phase (block, barriers before)."""
        return list(self.recorder.accesses())

    @property
    def shared(self) -> list[str]:
        """The names of the arrays in shared memory: of the variables that they are assigned to."""
        return list(dict.fromkeys(memory.name for memory in self.recorder.memories
                                  if isinstance(memory, KernelMemory) and memory.space == "shared"))

    def counts(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """How often each element of an array was read and written: two int64 arrays with its shape.

        Those of an array in shared memory are added up over the blocks. An atomic operation is a read and a write.
        """
        return count_accesses(self.recorder, self._memories(name))

    def readers(self, name: str) -> list[list[Hashable]]:
        """For each element of an array, in its flat order: the threads (block, thread) that read it, each once."""
        return self._who(name, READ)

    def writers(self, name: str) -> list[list[Hashable]]:
        """For each element of an array, in its flat order: the threads (block, thread) that wrote it, each once."""
        return self._who(name, WRITE)

    def score(self) -> Score:
        """The most reads and writes that any one thread does; `.total` are those of all threads together."""
        return score_of(self.recorder)

    @property
    def total(self) -> Counts:
        """The reads and writes of all threads together."""
        return self.score().total

    def warps(self, name: str, warp: int = 32) -> list[WarpAccess]:
        """The accesses of warps to an array: what `warp` threads of a block that run in step touch at a time.

        An access has `.elements`, one for each thread that takes part, and `.segments`: how many pieces of 32 elements
        that lie one after another in memory have to be moved for it. 1 is best, 32 is worst.
        """
        return warps_of(self.recorder, self._memories(name), self.block, warp)

    def _memories(self, name: str) -> list[Memory]:
        found: list[Memory] = [self.memories[name]] if name in self.memories else [
            memory for memory in self.recorder.memories
            if memory.name == name and isinstance(memory, KernelMemory) and memory.space == "shared"]
        if not found:
            raise KeyError(f"no array is called {name!r}; there are {', '.join([*self.memories, *self.shared])}")
        return found

    def _who(self, name: str, kind: int) -> list[list[Hashable]]:
        memories = self._memories(name)
        found: list[dict[Hashable, None]] = [{} for _ in range(memories[0].index.size)]
        for memory in memories:
            for place, labels in enumerate(labels_of(self.recorder, memory, kind)):
                found[place].update(dict.fromkeys(labels))
        return [list(labels) for labels in found]


def trace_kernel(kernel: Callable[..., Any], grid: Any, block: Any, *args: Any, out: str | Sequence[str] = "out",
                 names: Sequence[str] | None = None, read_only: Sequence[str] | None = None, fresh: bool = True,
                 once: bool = False, elements: dict[str, Any] | None = None, constants: Mapping[str, Any] | None = None,
                 order: Any = "forward") -> KernelTrace:
    """Run `kernel(*args)` for each thread of `grid` blocks of `block` threads, with arrays that record.

    grid, block: sizes, a number or up to three. The arrays among `args` get the values that the kernel writes. An array
    has the name of its parameter; `names` gives others, one for each argument. Functions among `args`, and those of its
    package that the kernel uses, are traced with it. Tuples of numbers (sizes, strides) are not recorded.

    out: names of the arrays that the kernel has to fill. They count as never written before, unless `fresh` is False
        or the same array is an input too. elements: for a result that is strided, {name: flat places of its elements}.
    read_only: names of the arrays that must not be written; by default, if `out` is given, all others.
    once: whether to note elements of `out` that are written more than once.
    constants: other values for names at the level of a module, in whichever module, for this run: {"TILE": 3}.
    order: in which blocks run, and threads from one barrier to the next: "forward", "reversed", "shuffled", or a
        function of a list of their indices. What is found does not depend on it.

    Raises ValueError where an array of `out` is not among the arguments, and what the kernel raises.
    """
    call = KernelCall(kernel, args, names, (out,) if isinstance(out, str) else tuple(out), read_only, fresh,
                      elements or {})
    call.constants = constants
    call.launched_with(grid, block)
    made = call.run(lambda copy, given: call.simulator.launch(call.runnable(copy), grid, block, given), order)
    assert isinstance(made, KernelTrace)
    made.grid, made.block = call.simulator.gridDim, call.simulator.blockDim
    made.barriers = call.simulator.barriers
    call.finish(made, once)
    made.raced = call.raced
    return made


class KernelCall(Call):
    """A launch that is traced."""

    recorder: KernelRecorder
    constants: Mapping[str, Any] | None = None

    def launched_with(self, grid: Any, block: Any) -> None:
        self.launch = f"[{grid}, {block}]"

    def runnable(self, copy: Callable[..., Any]) -> Callable[..., Any]:
        """The copy of the kernel, as the simulator takes it."""
        return Runnable(copy, self.function)

    def new_recorder(self, recording: bool) -> Recorder:
        return KernelRecorder(recording=recording)

    def new_rebuilder(self, order: Any) -> Rebuilder:
        self.simulator = TracingSimulator(self.recorder, order)
        return Rebuilder(self.recorder, range, self.roots, cuda=self.simulator, is_cuda=is_cuda,
                         constants=self.constants)

    def new_memory(self, name: str, array: np.ndarray, **options: Any) -> Memory:
        return KernelMemory(self.recorder, name, array, **options)

    def new_trace(self, call: str) -> Trace:
        name, _, rest = call.partition("(")
        return KernelTrace(self.recorder, self.memories, f"{name}{self.launch}({rest}")

    def races(self, recorder: Recorder) -> None:
        assert isinstance(recorder, KernelRecorder)
        recorder.label = SERIAL
        self.raced = find_kernel_races(recorder)
        recorder.note_unset(self.raced)
