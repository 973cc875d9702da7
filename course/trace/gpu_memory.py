"""What is noted of a kernel for the GPU: threads and barriers, and memory that is global, shared or a thread's own."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from course.trace.recorder import Memory, Place, Recorder, Stop, line_of
from terox.cuda.simulator import Dim3

MOST_ACCESSES = 100_000  # of one thread between two barriers


class Thread(NamedTuple):
    """The label of a thread."""

    block: Dim3
    thread: Dim3


class Phase(NamedTuple):
    """What lies between two barriers of a block. Atomic operations have a phase of their own, which only says so."""

    block: Dim3
    barriers: int
    atomic: bool = False


class Unset(NamedTuple):
    """A read of an element that nobody had written."""

    memory: KernelMemory
    place: int
    line: Place
    label: Thread
    phase: Phase


class KernelRecorder(Recorder):
    """A Recorder whose labels are threads. It ends a thread that touches memory without end."""

    def __init__(self, *, recording: bool = True) -> None:
        super().__init__(self.called, recording=recording)
        self.grid = self.block = Dim3(1)
        self.unset: list[Unset] = []
        self.left = MOST_ACCESSES

    def called(self, label: Hashable) -> str:
        """ "thread 3", "thread (3, 1) of block 2"; the block only where there are several."""
        if not isinstance(label, Thread):
            return "the code outside of the kernel"
        block = f" of block {index_in(label.block, self.grid)}" if max(self.grid) > 1 else ""
        return f"thread {index_in(label.thread, self.block)}{block}"

    def advice(self, memory: Memory, sizes: tuple[int, ...], dim: int, index: int, expression: Any = None) -> str:
        if index < 0 and counts_from_the_end(expression):
            return f" Count from the beginning: the last index is {sizes[dim] - 1} here, the size minus 1."
        if index < 0:
            return (" Only an index of at least 0 may come to this line: if the index is what was meant, an `if` has "
                    "to keep the other threads from it.")
        if sizes[dim] == 1 and len(sizes) == 2:
            return (f" There is one {('row', 'column')[dim]} only. If it serves all threads, its number is 0 for each "
                    f"of them; if not, an `if` has to keep those that have none from reading and writing.")
        shared = isinstance(memory, KernelMemory) and memory.space == "shared"
        along = [self.block[d] * (1 if shared else self.grid[d]) for d in range(3)]
        many = along[0] * along[1] * along[2] if len(sizes) == 1 else max(along)
        if index >= many:
            return " That is memory of one block: the places in it are those of the block's own threads." \
                if shared and max(self.grid) > 1 else ""
        what = "elements" if len(sizes) == 1 else ("rows", "columns")[dim] if len(sizes) == 2 else "elements"
        return (f" There are more threads than {what}: an `if` has to keep those that have none from reading and "
                f"writing.")

    def allocates(self, name: str, made: Place) -> None:
        self.note("shape", None, None, (made,), (
            f"{made} makes an array with np.{name}. No thread of a GPU can do that, and no other one would see it: "
            "memory that the threads of a block share is cuda.shared.array(size, dtype), memory of one thread "
            "cuda.local.array."))
        raise Stop

    def append(self, entry: Any) -> None:
        """Note one access."""
        self.log.append(entry)
        self.left -= 1
        if self.left < 0:
            line = line_of(*entry[4:])
            self.endless(line, f"{self.here()}{line} touches {entry[0].name}, and the thread has touched memory more "
                               f"than {MOST_ACCESSES} times since the last barrier: a loop does not end.")

    def endless(self, line: Place, what: str) -> None:
        """End a loop that nothing else ends."""
        self.note("endless", None, None, (line,), f"{what} Look at its condition: does every turn change a variable in "
                                                  f"it, and will it be false at last?")
        raise Stop

    def note_unset(self, raced: set[tuple[int, int]]) -> None:
        """Note reads of what nobody has written. raced: memories by id, and elements, where the mistake is a race."""
        for memory, place, line, label, _ in self.unset:
            if (id(memory), place) in raced:
                continue
            element, who = memory.element(place), self.words(label)
            if memory.space == "shared":
                why = ("no thread of its block has written before: shared memory begins with whatever was left there. "
                       "Some thread has to write every element that is read, and a barrier has to come between")
            elif memory.space == "local":
                why = "it has not written before. Write every element before you read it"
            else:
                why = ("nobody has written before: it holds whatever was left in memory. The result is there to be "
                       "written; keep sums that are not complete in a variable, or in shared memory")
            self.note("not initialized", memory, element, (line,),
                      f"In {who}, {line} reads element {element} of {memory.name}, which {why}.", (label,))


class KernelMemory(Memory):
    """Memory of a kernel. space: "global", "shared" (of a block) or "local" (of a thread).

    Numbers have the type of the array, as in the simulator; whole numbers are Python's.
    """

    recorder: KernelRecorder

    def __init__(self, recorder: Recorder, name: str, values: np.ndarray, *, space: str = "global",
                 **options: Any) -> None:
        super().__init__(recorder, name, values, **options)
        assert isinstance(recorder, KernelRecorder)
        self.space = space
        if values.dtype.kind == "f":
            self.values = values.astype(values.dtype).reshape(-1)
            self.get = self.values.__getitem__
        if self.counted and recorder.recording:
            self.log = recorder.append

    def not_initialized(self, place: int, line: Place) -> None:
        """Kept until the end: where it is a race, that is what has to be said."""
        recorder = self.recorder
        if len(recorder.unset) < 10_000:
            recorder.unset.append(Unset(self, place, line, recorder.label, recorder.phase))  # type: ignore[arg-type]


def counts_from_the_end(expression: Any) -> bool:
    """Whether an index is written as Python counts from the end: -1 - t, -t."""
    while isinstance(expression, ast.BinOp):
        expression = expression.left
    return isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub)


def index_in(index: Dim3, sizes: Dim3) -> str:
    """An index with as many dimensions as are used: "3", "(3, 1)"."""
    used = 3 if sizes.z > 1 else 2 if sizes.y > 1 else 1
    return str(index.x) if used == 1 else str(tuple(index[:used]))
