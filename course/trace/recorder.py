"""Who touches which element of memory, and when: the notes that all checks are made from.

A Recorder knows nothing of loops. Whoever runs a kernel says who works now (`label`: any hashable value, such as the
number of an iteration or a pair (block, thread)) and in which `phase`: whatever lies between two moments at which all
wait for each other. Only what happens in one phase can be a race.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

READ, WRITE = 0, 1
_OF_A_CELL = re.compile(r"[\\/]ipykernel_\d+[\\/]|^<ipython-input-")
_ASSIGNED = re.compile(r"\s*([A-Za-z_]\w*)\s*(?::[^=]*)?=[^=]")


class Serial:
    """The label of what runs outside of all iterations."""

    def __repr__(self) -> str:
        return "the code outside of the iterations"


SERIAL = Serial()


class Place(NamedTuple):
    """A place in a program: "reduce.py:41", as text; in a notebook, "line 3 of cell In[7]"."""

    file: str
    line: int

    def __str__(self) -> str:
        cell = _cell(self.file)
        return f"line {self.line} of {cell}" if cell else f"{os.path.basename(self.file)}:{self.line}"


def _cell(file: str) -> str | None:
    """What a notebook shows for a cell, whose file has a name that nobody has ever seen."""
    interactive = sys.modules.get("IPython")
    shell: Any = interactive.get_ipython() if interactive is not None else None
    try:
        kind, name = shell.compile.format_code_name(file)
    except (AttributeError, TypeError):  # no notebook, or not one of its cells
        return "this cell" if _OF_A_CELL.search(file) else None
    return f"{kind.lower()} {name}"


class Access(NamedTuple):
    """One element read or written once. `element` counts in the flat memory of the array."""

    memory: Memory
    element: int
    write: bool
    label: Hashable
    phase: Hashable
    line: Place


class Problem(NamedTuple):
    """Something that must not be.

    kind: "race", "out of range", "negative index", "read only", "never written", "written twice", "not initialized",
    "outside", "shape" or "order"; in a kernel for a GPU also "divergent barrier", "shared on one line" or "endless".
    element: an index of the array, None where there is no single one. iterations: the labels that take part. lines: as
    many places as iterations. message: all that in a learner's words.
    """

    kind: str
    element: Any
    array: str
    iterations: tuple[Hashable, ...]
    lines: tuple[Place, ...]
    message: str

    def __str__(self) -> str:
        return self.message


class Stop(Exception):
    """Ends a traced call after a mistake with which it cannot go on. The problem is noted already."""


class Recorder:
    """Notes every access. `now` is the pair (label, phase), made anew when one of them is set."""

    MANY = 50  # problems; a kernel that is wrong in one place is often wrong in all

    def __init__(self, words: Callable[[Hashable], str] | None = None, *, recording: bool = True) -> None:
        """words: what a label is called in a message; by default, number 3 is "iteration 3"."""
        self.words = words or words_of
        self.recording = recording
        self.memories: list[Memory] = []
        self.problems: list[Problem] = []
        # (memory, flat element or an array of them, READ or WRITE, now, code, offset of the instruction in it)
        self.log: list[tuple[Memory, Any, int, tuple[Hashable, Hashable], CodeType, int]] = []
        self._label: Hashable = SERIAL
        self._phase: Hashable = 0
        self._known: set[Hashable] = set()
        self.now: tuple[Hashable, Hashable] = (SERIAL, 0)

    @property
    def label(self) -> Hashable:
        """Who works now."""
        return self._label

    @label.setter
    def label(self, value: Hashable) -> None:
        self._label = value
        self.now = (value, self._phase)

    @property
    def phase(self) -> Hashable:
        """What no barrier divides. Accesses in different phases never conflict."""
        return self._phase

    @phase.setter
    def phase(self, value: Hashable) -> None:
        self._phase = value
        self.now = (self._label, value)

    def note(self, kind: str, memory: Memory | None, element: Any, lines: tuple[Place, ...], message: str,
             labels: tuple[Hashable, ...] | None = None) -> None:
        """Note a problem, once for each kind, array and lines."""
        array = memory.name if memory is not None else ""
        key = (kind, array, lines)
        if key not in self._known and len(self.problems) < self.MANY:
            self._known.add(key)
            self.problems.append(Problem(kind, element, array, (self._label,) if labels is None else labels, lines,
                                         message))

    def advice(self, memory: Memory, sizes: tuple[int, ...], dim: int, index: int, expression: Any = None) -> str:
        """What to do about an index out of range, "" where nothing is known: for whoever knows who runs the kernel.

        expression: what stands in the program for the index (ast), if that is known.
        """
        return ""

    def allocates(self, name: str, made: Place) -> None:
        """np.zeros, or another function of NumPy called `name`, makes an array: for whoever cannot have that."""

    def here(self) -> str:
        """What a sentence begins with: "In iteration 3, ", or nothing outside of the iterations."""
        return "" if self._label is SERIAL else f"In {self.words(self._label)}, "

    def accesses(self) -> Iterator[Access]:
        """Every access to one element, in the order in which they happened."""
        for memory, places, kind, (label, phase), code, offset in self.log:
            line = line_of(code, offset)
            for place in (places,) if type(places) is int else places.ravel().tolist():
                yield Access(memory, place, kind == WRITE, label, phase, line)


class Memory:
    """The flat memory of one array: values, and which of them were ever written.

    Values of floating-point types are kept as float64, already rounded to the type: what is read is np.float64, with
    which a sum in a local variable is added as in compiled code, and 1 / 0 is inf. Whole numbers are Python's.
    """

    def __init__(self, recorder: Recorder, name: str, values: np.ndarray, *, written: bool = True,
                 read_only: bool = False, counted: bool = True, scratch: bool = False,
                 made: Place | None = None) -> None:
        """counted: whether accesses are noted, and a negative index is a mistake; not so for sizes and strides."""
        self.recorder, self.name, self.shape, self.dtype = recorder, name, values.shape, values.dtype
        self.read_only, self.counted, self.scratch, self.made = read_only, counted, scratch, made
        self.expected: np.ndarray | None = None  # elements that have to be written, and no others
        kind = values.dtype.kind
        if kind not in "fiub":
            raise TypeError(f"the tracer has no arrays of {values.dtype}")
        wide = np.dtype(np.float64) if kind == "f" else values.dtype
        self.values = values.astype(wide).reshape(-1)
        self.index = np.arange(self.values.size)
        self.written = bytearray((b"\1" if written else b"\0") * self.values.size)
        self.get = self.values.__getitem__ if kind == "f" else self.values.item
        self._round = {"f": values.dtype.type, "b": bool}.get(kind, self._wrapped)
        self.log = recorder.log.append if counted and recorder.recording else _ignore
        recorder.memories.append(self)

    def put(self, place: int, value: Any) -> None:
        """Write one number, rounded or cut to the type as compiled code does."""
        self.values[place] = self._round(value)
        self.written[place] = 1

    def put_many(self, places: np.ndarray, values: Any) -> None:
        """Write many; raises ValueError where the shapes do not fit."""
        if self.dtype.kind in "iu" and np.asarray(values).dtype.kind == "f":
            values = np.vectorize(self._wrapped, otypes=[self.dtype])(values)
        self.values[places] = np.broadcast_to(np.asarray(values).astype(self.dtype), places.shape)
        np.frombuffer(self.written, dtype=np.uint8)[places.ravel()] = 1

    def array(self) -> np.ndarray:
        """A copy of the contents, with the array's own type and shape."""
        return self.values.astype(self.dtype).reshape(self.shape)

    def element(self, place: int) -> Any:
        """The index of a flat element, as a message names it."""
        if len(self.shape) == 1:
            return place
        return tuple(int(part) for part in np.unravel_index(place, self.shape))

    def not_initialized(self, place: int, line: Place) -> None:
        """Note that an element is read that nobody has written."""
        element = self.element(place)
        self.recorder.note("not initialized", self, element, (line,), (
            f"{self.recorder.here()}{line} reads element {element} of {self.name}, which nobody has written before: "
            f"it holds whatever was left in memory. Write every element before you read it."))

    def _wrapped(self, value: Any) -> Any:
        try:
            value = int(value)
        except (ValueError, OverflowError):  # NaN and infinity, for which the result is not defined
            value = 1 << (8 * self.dtype.itemsize - 1)
        bits = 8 * self.dtype.itemsize
        value &= (1 << bits) - 1
        return value - (1 << bits) if self.dtype.kind == "i" and value >> (bits - 1) else value


def _ignore(entry: Any) -> None:
    """Takes the place of `log.append` where nothing is noted."""


def words_of(label: Hashable) -> str:
    """What a label is called in a message."""
    if isinstance(label, range):
        return f"chunk [{label.start}, {label.stop})"
    return str(label) if isinstance(label, Serial) else f"iteration {label}"


@cache
def _lines(code: CodeType) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    return tuple(code.co_positions())


def line_of(code: CodeType, offset: int) -> Place:
    """The place of an instruction."""
    return Place(code.co_filename, _lines(code)[offset // 2][0] or code.co_firstlineno)


def spot_of(code: CodeType, offset: int) -> Hashable:
    """What is the same whenever one expression runs. (The offset is not: it may change as Python adapts its code.)"""
    return id(code), _lines(code)[offset // 2]


def text_of(code: CodeType, offset: int) -> str:
    """The text of an instruction's expression, "" where it is not known."""
    first, last, begin, end = _lines(code)[offset // 2]
    if first is None or last is None or begin is None or end is None:
        return ""
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first - 1: last]]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    return b"".join(lines).decode(errors="replace")


def assigned_at(place: Place) -> str:
    """The variable that a line assigns, which is a good name for an array that is made there."""
    match = _ASSIGNED.match(linecache.getline(place.file, place.line))
    return match[1] if match else "scratch"
