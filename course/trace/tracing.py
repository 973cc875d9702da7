"""Run a kernel's Python form with arrays that record, and say what goes wrong when it runs compiled, in parallel."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from course.check import CheckFailed
from course.trace.array import RecordedArray
from course.trace.carried import carried, differ
from course.trace.races import find_races, find_unwritten, labels_of
from course.trace.rebuild import Rebuilder, ordered, prange_of
from course.trace.recorder import READ, SERIAL, WRITE, Access, Memory, Problem, Recorder, Stop

GEOMETRY = ("sizes", "strides", "shape")  # arrays of these names say where elements are and are not counted
# The first problem is the one that is shown: what ended the call, then what explains most of the others.
_FIRST = ("endless", "negative index", "out of range", "shape", "shared on one line", "divergent barrier", "race",
          "read only", "not initialized", "outside", "never written", "order", "written twice")


class Trace:
    """What happened in a call."""

    def __init__(self, recorder: Recorder, memories: dict[str, Memory], call: str) -> None:
        self.recorder, self.memories, self.call = recorder, memories, call
        self.result: Any = None

    @property
    def problems(self) -> list[Problem]:
        """All that went wrong, what explains most first; each kind once for the same array and lines."""
        return sorted(self.recorder.problems, key=lambda problem: (*_FIRST, problem.kind).index(problem.kind))

    @property
    def accesses(self) -> Iterator[Access]:
        """Every access to one element, in order, scratch included."""
        return self.recorder.accesses()

    def check(self) -> Trace:
        """Raises AssertionError with the first problem, if there is one."""
        for problem in self.problems:
            raise CheckFailed(self.call, note=problem.message)
        return self

    def counts(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """How often each element of an array was read and written: two int64 arrays with its shape.

        For scratch, which may be made many times under one name, all counts are added; the shapes must be equal.
        """
        memories = [memory for memory in self.recorder.memories
                    if memory is self.memories.get(name) or memory.scratch and memory.name == name]
        if not memories:
            raise KeyError(f"no array is called {name!r}; there are {', '.join(self.memories)}")
        wanted = {id(memory) for memory in memories}
        found = (Counter[int](), Counter[int]())
        for memory, places, kind, *_ in self.recorder.log:
            if id(memory) in wanted:
                found[kind].update((places,) if type(places) is int else places.ravel().tolist())
        shape, size = memories[0].shape, memories[0].index.size
        reads, writes = (np.array([count[n] for n in range(size)], dtype=np.int64).reshape(shape) for count in found)
        return reads, writes

    def readers(self, name: str) -> list[list[Hashable]]:
        """For each element of an array, in its flat order: the iterations that read it, each once."""
        return labels_of(self.recorder, self.memories[name], READ)

    def writers(self, name: str) -> list[list[Hashable]]:
        """For each element of an array, in its flat order: the iterations that wrote it, each once."""
        return labels_of(self.recorder, self.memories[name], WRITE)


def trace(function: Callable[..., Any], *args: Any, out: str | Sequence[str] = (),
          read_only: Sequence[str] | None = None, fresh: bool = True, once: bool = False,
          order: str | Callable[[Sequence[int]], Iterable[int]] = "forward", names: Sequence[str] | None = None,
          elements: dict[str, Any] | None = None) -> Trace:
    """Call `function(*args)` with arrays that record, its `prange` run one iteration after another.

    The arrays among `args` (also in tuples and lists) get the values that the call writes. An array has the name of its
    parameter, or `args[2]`; `names` gives others. Functions among `args`, and those of its package that `function`
    uses, are traced with it.

    out: names of the arrays that the function has to fill. They count as never written before, unless `fresh` is False
        or the same array is an input too. elements: for a result that is strided, {name: flat places of its elements}.
    read_only: names of the arrays that must not be written; by default, if `out` is given, all others.
    once: whether to note elements of `out` that are written more than once.
    order: of the iterations: "forward", "reversed", "shuffled", or a function of their numbers.

    Where a local variable may be carried from one iteration to the next, the call is made in the reversed order too,
    and results that differ are a problem.

    Arrays called sizes, strides or shape are not counted, and a negative index is no mistake in them.
    """
    call = Call(function, args, names, (out,) if isinstance(out, str) else tuple(out), read_only, fresh,
                 elements or {})
    suspects = carried(getattr(function, "py_func", function))
    before = [np.array(array) for array in call.arrays] if suspects else []
    made = call.run(lambda copy, given: copy(*given), order)
    if not any(problem.kind in ("race", "out of range", "negative index", "shape")
               for problem in made.problems) and suspects:
        _compare_orders(call, made, before, suspects, order)
    call.finish(made, once)
    return made


def trace_chunks(loop: Callable[..., Any], count: int, grain: int | Sequence[tuple[int, int]], *arrays: np.ndarray,
                 sizes: Any, strides: Any, leading: Sequence[Any] = (), outs: int = 1, fresh: bool = True,
                 once: bool = False, order: str | Callable[[Sequence[Any]], Iterable[Any]] = "forward",
                 elements: Mapping[str, Any] | None = None) -> Trace:
    """Call `loop(*leading, begin, end, *arrays, sizes, strides)` for all chunks of at most `grain` of `count` units.

    Each chunk counts as an iteration of its own, as in `parallel_for`. grain: also a list of (begin, end). The first
    `outs` arrays are the results: every element that sizes and strides say must be written, no other place, and the
    other arrays not at all. elements: {name: flat places} for results where sizes and strides do not say it. fresh,
    once and order as in `trace`.

    A loop with one parameter `memory` in place of the arrays gets a tuple of them, which are called out, a, b, ...
    """
    chunks = [range(begin, min(begin + grain, count)) for begin in range(0, count, grain)] \
        if isinstance(grain, int) else [range(begin, end) for begin, end in grain]
    sizes = np.asarray(sizes, dtype=np.int64)
    strides = np.asarray(strides, dtype=np.int64).reshape(len(arrays), len(sizes))
    packed = "memory" in inspect.signature(loop).parameters
    names = [*["out", *"abcdefgh"][:len(arrays)]] if packed else _names_of(loop, len(leading) + 2, len(arrays))
    places = {name: _elements(sizes, steps) for name, steps in zip(names[:outs], strides)} | dict(elements or {})
    given = (*leading, *arrays, sizes, strides)
    all_names = [f"leading[{n}]" for n in range(len(leading))] + names + ["sizes", "strides"]
    call = Call(loop, given, all_names, tuple(names[:outs]), None, fresh, places)

    def run(copy: Callable[..., Any], args: list[Any]) -> None:
        recorder = call.recorder
        first, memory, last = args[:len(leading)], args[len(leading):-2], args[-2:]
        for chunk in ordered(chunks, order):
            recorder.label = chunk
            copy(*first, chunk.start, chunk.stop, *([tuple(memory)] if packed else memory), *last)
        recorder.label = SERIAL

    made = call.run(run, order)
    call.finish(made, once)
    return made


class Call:
    """A call that is traced: which arrays it gets, and what they are called."""

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], names: Sequence[str] | None,
                 out: tuple[str, ...], read_only: Sequence[str] | None, fresh: bool, elements: dict[str, Any]) -> None:
        self.function, self.args, self.out = getattr(function, "py_func", function), args, out
        self.names = list(names) if names is not None else _names_of(self.function, 0, len(args))
        self.read_only, self.fresh, self.elements = read_only, fresh, elements
        self.arrays: list[np.ndarray] = []
        self._find(args)
        self.roots = {self.function.__module__ or "", "terox"}
        self.stopped = False  # after a mistake with which it cannot go on
        self.recorder = Recorder()
        self.memories: dict[str, Memory] = {}

    def run(self, work: Callable[[Callable[..., Any], list[Any]], Any], order: Any, *, recording: bool = True) -> Trace:
        """Make the call, and copy what was written into the arrays that were given."""
        self.recorder, self.memories = self.new_recorder(recording), {}
        self._seen: dict[Any, Memory] = {}
        rebuilder = self.new_rebuilder(order)
        given = [self._wrap(value, name, rebuilder) for value, name in zip(self.args, self.names)]
        missing = set(self.out) - set(self.memories)
        if missing:
            raise ValueError(f"no array is called {missing.pop()!r}; there are {', '.join(self.memories)}")
        made = self.new_trace(f"{self.function.__name__}({', '.join(self.names)})")
        try:
            with np.errstate(all="ignore"):
                made.result = work(rebuilder.value(self.function, given=True), given)
        except Stop:
            self.stopped = self.stopped or recording
        finally:
            self.recorder.label = SERIAL
            for array, memory in self._pairs():
                if array.flags.writeable:
                    array[...] = memory.array()
        return made

    def finish(self, made: Trace, once: bool) -> None:
        """What can be seen only at the end."""
        recorder = made.recorder
        self.races(recorder)
        if not self.stopped:
            for name in self.out:
                find_unwritten(recorder, made.memories[name], once)

    # ---- What a call on a GPU does in another way ----

    def new_recorder(self, recording: bool) -> Recorder:
        return Recorder(recording=recording)

    def new_rebuilder(self, order: Any) -> Rebuilder:
        return Rebuilder(self.recorder, prange_of(self.recorder, order), self.roots)

    def new_memory(self, name: str, array: np.ndarray, **options: Any) -> Memory:
        return Memory(self.recorder, name, array, **options)

    def new_trace(self, call: str) -> Trace:
        return Trace(self.recorder, self.memories, call)

    def races(self, recorder: Recorder) -> None:
        find_races(recorder)

    # ---- Arguments ----

    def _find(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
        elif isinstance(value, (tuple, list)):
            for part in value:
                self._find(part)

    def _pairs(self) -> Iterator[tuple[np.ndarray, Memory]]:
        return ((array, self._seen[_key(array)]) for array in self.arrays if _key(array) in self._seen)

    def _wrap(self, value: Any, name: str, rebuilder: Rebuilder) -> Any:
        if isinstance(value, np.ndarray):
            return RecordedArray(self._memory(value, name))
        if type(value) in (tuple, list):
            return type(value)(self._wrap(part, f"{name}[{n}]", rebuilder) for n, part in enumerate(value))
        return rebuilder.value(value, given=True)

    def _memory(self, array: np.ndarray, name: str) -> Memory:
        """The memory of an array; the same one for the same array given twice."""
        out = name in self.out
        read_only = name in self.read_only if self.read_only is not None else bool(self.out) and not out
        geometry = name.rpartition(".")[2] in GEOMETRY and array.dtype.kind in "iu"
        memory = self._seen.get(_key(array))
        if memory is None:
            memory = self.new_memory(name, array, written=not (out and self.fresh), counted=not geometry,
                                     read_only=read_only or geometry)
            self._seen[_key(array)] = memory
        else:  # in place: input and result are one
            memory.written[:] = b"\1" * len(memory.written)
            memory.read_only = memory.read_only and read_only
        if name in self.elements:
            memory.expected = np.asarray(self.elements[name], dtype=np.int64).ravel()
        self.memories[name] = memory
        return memory


def _key(array: np.ndarray) -> Any:
    if array.size == 0:
        return id(array)
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype


def _names_of(function: Callable[..., Any], first: int, count: int) -> list[str]:
    """What a function calls its arguments number `first` and the following ones."""
    names: list[str] = []
    parameters = list(inspect.signature(function).parameters.values())
    for number in range(first, first + count):
        if number < len(parameters) and parameters[number].kind is not inspect.Parameter.VAR_POSITIONAL:
            names.append(parameters[number].name)
        else:
            names.append(f"{parameters[-1].name}[{number - len(parameters) + 1}]" if parameters else str(number))
    return names


def _elements(sizes: np.ndarray, strides: np.ndarray) -> np.ndarray:
    """The flat places of all elements."""
    places = np.zeros((), dtype=np.int64)
    for size, stride in zip(sizes.tolist(), strides.tolist()):
        places = places[..., None] + np.arange(size) * stride
    return np.unique(places)


def _compare_orders(call: Call, made: Trace, before: list[np.ndarray], suspects: tuple[str, ...], order: Any) -> None:
    """Note a result that is another one if the iterations run in the opposite order."""
    after = [np.array(array) for array in call.arrays]
    for array, values in zip(call.arrays, before):
        array[...] = values

    def opposite(numbers: Sequence[int]) -> list[int]:
        return list(ordered(numbers, order))[::-1]

    try:
        other = call.run(lambda copy, given: copy(*given), opposite, recording=False)
        again = [memory.array() for memory in other.memories.values()]
    finally:
        for array, values in zip(call.arrays, after):
            array[...] = values
    pairs = [(name, memory.array(), two) for (name, memory), two in zip(made.memories.items(), again)]
    for name, one, two in [*pairs, ("what is returned", np.asarray(made.result), np.asarray(other.result))]:
        wrong = differ(one, two)
        if wrong is not None:
            element = wrong[0] if len(wrong) == 1 else wrong
            place = f"element {element} of {name}" if wrong else name
            made.recorder.note("order", made.memories.get(name), element, (), (
                f"{place} depends on the order of the iterations: it is {one[wrong]} when they run from first to "
                f"last, and {two[wrong]} from last to first. In parallel there is no order. Look at "
                f"{' and '.join(f'`{name}`' for name in suspects)}: an iteration must assign a variable before it "
                f"reads it, because what another one left there is not for it."), ())
            return
