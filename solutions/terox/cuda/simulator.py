"""A GPU made of Python: runs a kernel where there is none. Provided, and good to read.

On a GPU the threads of a block run at the same time, and no order of blocks is promised. Here one block runs after the
other, and of a block one thread at a time: until it ends, or comes to `syncthreads()`. There it waits; when all threads
of the block have come, each goes on. A kernel without barriers needs no more than a loop over its threads. For one with
barriers, each GPU thread is a thread of Python's, of which only the one that has the baton runs. So a run is the same
every time, `print` and `breakpoint()` work, and an error names the thread and the line.

A barrier that only some threads of a block reach makes a GPU hang or go on with wrong numbers; here it is an error.
What it cannot show by results is what a GPU would do with a race: course/trace/ finds those.

The names are those of numba-cuda (`numba.cuda`): the same kernel runs on both.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np


class Dim3(NamedTuple):
    """Sizes or an index along up to three dimensions; x runs fastest."""

    x: int
    y: int = 1
    z: int = 1


class BarrierError(RuntimeError):
    """Some threads of a block wait at a barrier that others will not reach."""


class Simulator:
    """Stands in for `numba.cuda` inside of kernels, and runs them."""

    def __init__(self) -> None:
        self.gridDim = self.blockDim = Dim3(1)
        self.blockIdx = self.threadIdx = Dim3(0, 0, 0)
        self.shared, self.local, self.atomic = _Shared(self), _Local(self), _Atomic()
        self._arrays: dict[tuple[CodeType, int], Any] = {}  # shared memory of the block that runs
        self._team: _Team | None = None
        self._running = threading.RLock()

    # ---- What kernels use ----

    def grid(self, ndim: int) -> Any:
        """The number of this thread among all threads of the grid; for 2 or 3 dimensions, a tuple."""
        places = [self.blockIdx[d] * self.blockDim[d] + self.threadIdx[d] for d in range(ndim)]
        return places[0] if ndim == 1 else tuple(places)

    def gridsize(self, ndim: int) -> Any:
        """The number of threads of the grid; for 2 or 3 dimensions, a tuple."""
        sizes = [self.gridDim[d] * self.blockDim[d] for d in range(ndim)]
        return sizes[0] if ndim == 1 else tuple(sizes)

    def syncthreads(self) -> None:
        """Wait here until all threads of the block have come."""
        if self._team is None:
            raise RuntimeError("syncthreads() was called in a kernel that does not name it: call it as "
                               "cuda.syncthreads(), in the kernel or in a function that the kernel calls by its name.")
        self._team.wait(sys._getframe(1))

    # ---- Running ----

    def launch(self, kernel: Callable[..., None], grid: Any, block: Any, args: Sequence[Any]) -> None:
        """Run `kernel(*args)` for each thread of each block. grid and block: sizes, a number or up to three."""
        with self._running:
            self.gridDim, self.blockDim = Dim3(*_sizes(grid)), Dim3(*_sizes(block))
            blocks, threads = self.ordered(_indices(self.gridDim)), self.ordered(_indices(self.blockDim))
            team = _Team(self, kernel, args, threads) if waits(kernel, args) else None
            try:
                with np.errstate(all="ignore"):
                    for block_index in blocks:
                        self.blockIdx = block_index
                        self._arrays.clear()
                        self.begin_block()
                        if team is not None:
                            team.run_block()
                        else:
                            for thread in threads:
                                self.turn(thread)
                                self.call(kernel, args)
            finally:
                if team is not None:
                    team.dismiss()
                self._arrays.clear()

    def call(self, kernel: Callable[..., None], args: Sequence[Any]) -> None:
        """Run one thread. An error says which one it was."""
        try:
            kernel(*args)
        except Exception as error:
            error.add_note(f"In thread {_short(self.threadIdx, self.blockDim)} of block "
                           f"{_short(self.blockIdx, self.gridDim)}.")
            raise

    # ---- What a tracer adds something to ----

    def ordered(self, indices: list[Dim3]) -> Sequence[Dim3]:
        """All blocks of the grid, or all threads of a block, in the order in which they run."""
        return indices

    def begin_block(self) -> None:
        """A block begins."""

    def turn(self, thread: Dim3) -> None:
        """From now on, `thread` runs."""
        self.threadIdx = thread

    def barrier(self) -> None:
        """All threads of the block have come to a barrier."""

    def diverged(self, waiting: Sequence[tuple[Dim3, FrameType]], ended: Sequence[Dim3]) -> None:
        """Not all threads are at one barrier. Raises BarrierError."""
        raise BarrierError(divergence(waiting, ended, self.blockDim))

    def shared_array(self, shape: Any, dtype: Any, frame: FrameType) -> Any:
        """Memory of the block: one array for each place in the code, filled with what is no good value."""
        return rubbish(shape, dtype)


class _Team:
    """The threads of a block, each a thread of Python's. They are used for one block after the other."""

    def __init__(self, simulator: Simulator, kernel: Callable[..., None], args: Sequence[Any],
                 threads: Sequence[Dim3]) -> None:
        self.simulator, self.kernel, self.args, self.threads = simulator, kernel, args, threads
        self.batons = [_taken() for _ in threads]
        self.back = _taken()  # the baton of the one who gives them out
        self.at: list[FrameType | None] = []  # where a thread waits
        self.left: list[int] = []  # who has not ended
        self.now = 0
        self.error: BaseException | None = None
        self.dismissed = False
        self.workers = [threading.Thread(target=self._work, args=(number,), daemon=True)
                        for number in range(len(threads))]
        for worker in self.workers:
            worker.start()

    def run_block(self) -> None:
        """All threads, from barrier to barrier."""
        everyone = list(range(len(self.threads)))
        self.left, self.at = everyone, [None] * len(everyone)
        simulator = self.simulator
        simulator._team = self
        try:
            while self.left:
                for number in self.left:
                    self.now = number
                    simulator.turn(self.threads[number])
                    self.batons[number].release()
                    self.back.acquire()
                    if self.error is not None:
                        raise self.error
                waiting = [number for number in self.left if self.at[number] is not None]
                if not waiting:
                    return
                places = {(frame.f_code, frame.f_lasti) for frame in self.at if frame is not None}
                if len(waiting) < len(everyone) or len(places) > 1:
                    simulator.diverged([(self.threads[number], self.at[number]) for number in waiting],  # type: ignore
                                       [self.threads[number] for number in everyone if number not in waiting])
                simulator.barrier()
                self.left = waiting
        finally:
            simulator._team = None

    def wait(self, frame: FrameType) -> None:
        """A thread hands the baton back and waits for its next turn."""
        number = self.now
        self.at[number] = frame
        self.back.release()
        self.batons[number].acquire()
        if self.dismissed:
            raise _Dismissed
        self.at[number] = None

    def dismiss(self) -> None:
        """End all threads, also those that wait."""
        self.dismissed = True
        for baton in self.batons:
            baton.release()
        for worker in self.workers:
            worker.join()

    def _work(self, number: int) -> None:
        with np.errstate(all="ignore"):
            while True:
                self.batons[number].acquire()
                if self.dismissed:
                    return
                try:
                    self.simulator.call(self.kernel, self.args)
                    self.at[number] = None
                except _Dismissed:
                    return
                except BaseException as error:  # noqa: BLE001 - raised again where the kernel was launched
                    self.error = error
                self.back.release()


def _taken() -> threading.Lock:
    """A lock that is not free: whoever asks for it waits until somebody releases it."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Dismissed(BaseException):
    """Ends a thread that waits at a barrier when the launch is over."""


class _Shared:
    """`cuda.shared`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def array(self, shape: Any, dtype: Any) -> Any:
        """Memory that all threads of the block share. One place in the code means one array."""
        simulator, frame = self._simulator, sys._getframe(1)
        place = frame.f_code, frame.f_lasti
        found = simulator._arrays.get(place)
        if found is None:
            found = simulator._arrays[place] = simulator.shared_array(shape, dtype, frame)
        return found


class _Local:
    """`cuda.local`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def array(self, shape: Any, dtype: Any) -> Any:
        """Memory of one thread."""
        return rubbish(shape, dtype)


class _Atomic:
    """`cuda.atomic`: reads and writes that no other thread comes in between. Each returns the old value."""

    def add(self, array: Any, index: Any, value: Any) -> Any:
        old = array[index]
        array[index] = old + value
        return old

    def max(self, array: Any, index: Any, value: Any) -> Any:
        old = array[index]
        array[index] = value if value > old or value != value else old
        return old

    def min(self, array: Any, index: Any, value: Any) -> Any:
        old = array[index]
        array[index] = value if value < old or value != value else old
        return old


def rubbish(shape: Any, dtype: Any) -> np.ndarray:
    """New memory, in which nobody should read before writing: NaN, or a number that is hardly ever right."""
    dtype = np.dtype(dtype)
    return np.full(shape, np.nan if dtype.kind == "f" else True if dtype.kind == "b" else np.iinfo(dtype).max - 41,
                   dtype)


def waits(kernel: Any, args: Sequence[Any] = ()) -> bool:
    """Whether a kernel, or a function that it uses or gets, names `syncthreads`."""
    seen: set[Any] = set()
    waiting: list[Any] = [kernel, *args]
    while waiting:
        function = waiting.pop()
        if not isinstance(function, FunctionType):
            function = getattr(function, "func", None) or getattr(function, "py_func", None)
        if not isinstance(function, FunctionType) or function in seen:
            continue
        seen.add(function)
        codes = [function.__code__]
        codes += [each for each in function.__code__.co_consts if isinstance(each, CodeType)]
        names = {name for code in codes for name in code.co_names}
        if "syncthreads" in names:
            return True
        cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        for value in [*(function.__globals__.get(name) for name in names), *cells]:
            if isinstance(value, ModuleType):
                waiting += [getattr(value, name) for name in names if hasattr(value, name)]
            elif isinstance(value, (tuple, list)):
                waiting += value
            else:
                waiting.append(value)
    return False


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def divergence(waiting: Sequence[tuple[Dim3, FrameType]], ended: Sequence[Dim3], block: Dim3) -> str:
    """What went wrong at a barrier, in words."""
    places: dict[str, list[Dim3]] = {}
    for thread, frame in waiting:
        code = frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{frame.f_lineno}, in {code.co_name}"
        places.setdefault(place, []).append(thread)
    parts = [f"{_threads(threads, block)} at syncthreads() ({place})" for place, threads in places.items()]
    if ended:
        parts.append(f"{_threads(ended, block)} at the end of the kernel")
    return ("All threads of a block have to come to the same barrier, but there are " + ", and ".join(parts) +
            ". On a GPU, the block would hang, or go on with wrong numbers. Let no `if`, `return` or loop keep a "
            "thread from a syncthreads() that others call.")


def _threads(threads: Sequence[Dim3], block: Dim3) -> str:
    """ "threads 0 to 3", "thread 5". """
    names = [_short(thread, block) for thread in threads]
    if len(names) == 1:
        return f"thread {names[0]}"
    return f"threads {names[0]} to {names[-1]}" if len(names) > 3 else f"threads {', '.join(names)}"


def _short(index: Dim3, sizes: Dim3) -> str:
    """An index with as many dimensions as are used: "3", "(3, 1)"."""
    used = 3 if sizes.z > 1 else 2 if sizes.y > 1 else 1
    return str(index.x) if used == 1 else str(tuple(index[:used]))


def _indices(sizes: Dim3) -> list[Dim3]:
    return [Dim3(x, y, z) for z, y, x in itertools.product(*map(range, reversed(sizes)))]


def _sizes(given: Any) -> tuple[int, ...]:
    sizes = tuple(map(int, given)) if isinstance(given, (tuple, list)) else (int(given),)
    if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise ValueError(f"a grid and a block have one to three sizes, each at least 1, not {given}")
    return sizes
