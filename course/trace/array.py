"""An array that records who touches it. It has as much of NumPy's arrays as kernels use that Numba compiles."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from course.trace.indices import Checked
from course.trace.recorder import READ, WRITE, Memory, Stop, line_of

_NOT_A_KERNEL = (os.path.dirname(__file__) + os.sep, os.path.dirname(np.__file__) + os.sep)
_WHOLE = {"all", "any", "argmax", "argmin", "astype", "copy", "cumsum", "dot", "flatten", "max", "mean", "min",
          "nonzero", "prod", "std", "sum", "tolist", "var"}  # methods that read everything and give something new
_frame = sys._getframe


def caller() -> FrameType:
    """The frame of the kernel: the innermost one that is neither the tracer's nor NumPy's."""
    frame = _frame(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_A_KERNEL):
        frame = frame.f_back
    return frame


class RecordedArray(Checked, NDArrayOperatorsMixin):
    """A view of a Memory. Slices and reshaped arrays are further views of the same memory.

    An index out of range or negative, and a slice that reaches beyond the end, are noted as problems and end the traced
    call with Stop.
    """

    __slots__ = ("_all", "_length", "_memory", "_recorder", "_row", "_start", "_step", "shape")

    def __init__(self, memory: Memory, places: np.ndarray | None = None) -> None:
        """places: flat elements of the memory, of the shape of the view; by default, all of them."""
        places = memory.index.reshape(memory.shape) if places is None else places
        self._set(memory, places.shape, places)
        one = self._length > 0
        self._start = int(places[0]) if one else 0
        self._step = places.strides[0] // places.itemsize if one else 0

    def _set(self, memory: Memory, shape: tuple[int, ...], places: np.ndarray | None) -> None:
        self._memory, self._recorder, self.shape, self._all = memory, memory.recorder, shape, places
        self._length = shape[0] if len(shape) == 1 else -1  # -1: the short way of __getitem__ is not for this one
        self._row = None
        if len(shape) == 2 and places is not None and places.size:
            down, right = (step // places.itemsize for step in places.strides)
            self._row = (int(places[0, 0]), down, right, shape[0], shape[1])

    @property
    def _places(self) -> np.ndarray:
        if self._all is None:
            self._all = self._memory.index[self._start:][: (self._length - 1) * self._step + 1: self._step]
        return self._all

    # ---- One element. These are the hot paths: everything is written out. ----

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int and 0 <= key < self._length:
            place = self._start + key * self._step
        elif type(key) is tuple and self._row is not None and len(key) == 2 and type(key[0]) is type(key[1]) is int:
            start, down, right, rows, columns = self._row
            if not (0 <= key[0] < rows and 0 <= key[1] < columns):
                return self._slow(key, _frame(1))
            place = start + key[0] * down + key[1] * right
        else:
            return self._slow(key, _frame(1))
        memory = self._memory
        frame = _frame(1)
        memory.log((memory, place, READ, self._recorder.now, frame.f_code, frame.f_lasti))
        if not memory.written[place]:
            memory.not_initialized(place, line_of(frame.f_code, frame.f_lasti))
        return memory.get(place)

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is int and 0 <= key < self._length:
            place = self._start + key * self._step
        elif type(key) is tuple and self._row is not None and len(key) == 2 and type(key[0]) is type(key[1]) is int:
            start, down, right, rows, columns = self._row
            if not (0 <= key[0] < rows and 0 <= key[1] < columns):
                return self._write(key, value, _frame(1))
            place = start + key[0] * down + key[1] * right
        else:
            return self._write(key, value, _frame(1))
        memory = self._memory
        frame = _frame(1)
        memory.log((memory, place, WRITE, self._recorder.now, frame.f_code, frame.f_lasti))
        if memory.read_only:
            self._refuse(place, frame)
        try:
            memory.put(place, value)
        except (TypeError, ValueError):
            self._no_number(place, value, frame)

    # ---- Anything else ----

    def _slow(self, key: Any, frame: FrameType) -> Any:
        """An element by an unusual index, or a view."""
        if type(key) is slice and self._length >= 0 and key.step is None and self._step >= 0:
            begin = 0 if key.start is None else key.start
            end = self._length if key.stop is None else key.stop
            if type(begin) is type(end) is int and 0 <= begin <= end <= self._length:
                view: RecordedArray = object.__new__(RecordedArray)
                view._set(self._memory, (end - begin,), None)
                view._start, view._step = self._start + begin * self._step, self._step or 1
                return view
        places = self._places[self._checked(key, frame, "reads")]
        return RecordedArray(self._memory, places) if isinstance(places, np.ndarray) else self._one(int(places), frame)

    def _one(self, place: int, frame: FrameType) -> Any:
        memory, line = self._memory, line_of(frame.f_code, frame.f_lasti)
        memory.log((memory, place, READ, self._recorder.now, frame.f_code, frame.f_lasti))
        if not memory.written[place]:
            memory.not_initialized(place, line)
        return memory.get(place)

    def _write(self, key: Any, value: Any, frame: FrameType) -> None:
        """Many elements at once, or one by an unusual index."""
        memory = self._memory
        places = np.asarray(self._places[self._checked(key, frame, "writes")])
        if isinstance(value, RecordedArray):
            if value._memory is memory and np.array_equal(value._places, places):
                return  # the second half of `a[1:3] += 1`, which has written already
            value = value._read(frame)
        memory.log((memory, places, WRITE, self._recorder.now, frame.f_code, frame.f_lasti))
        if memory.read_only:
            self._refuse(int(places.flat[0]), frame)
        try:
            memory.put_many(places, value)
        except ValueError:
            line = line_of(frame.f_code, frame.f_lasti)
            self._recorder.note("shape", memory, None, (line,), (
                f"{self._recorder.here()}{line} writes an array of sizes {np.shape(value)} to elements of "
                f"{memory.name} of sizes {places.shape}: as many must be written as there are."))
            raise Stop from None

    def _no_number(self, place: int, value: Any, frame: FrameType) -> None:
        """An array was written to one element. Raises what `put` raised for anything else."""
        if not np.ndim(value):
            raise  # noqa: PLE0704 - called where it is handled
        memory, line = self._memory, line_of(frame.f_code, frame.f_lasti)
        element = memory.element(place)
        self._recorder.note("shape", memory, element, (line,), (
            f"{self._recorder.here()}{line} writes an array of sizes {np.shape(value)} to element {element} of "
            f"{memory.name}, which holds one number. An array of two dimensions takes two indices: a[i] is a whole "
            f"row of it, a[i, j] a number."))
        raise Stop from None

    def _read(self, frame: FrameType) -> np.ndarray:
        """A copy of all elements, each read once."""
        memory, places = self._memory, self._places
        if places.size:
            memory.log((memory, places, READ, self._recorder.now, frame.f_code, frame.f_lasti))
            for place in places.ravel().tolist():
                if not memory.written[place]:
                    memory.not_initialized(place, line_of(frame.f_code, frame.f_lasti))
                    break
        return memory.values[places].astype(memory.dtype)

    def _refuse(self, place: int, frame: FrameType) -> None:
        memory, line = self._memory, line_of(frame.f_code, frame.f_lasti)
        element = memory.element(place)
        self._recorder.note("read only", memory, element, (line,), (
            f"{self._recorder.here()}{line} writes element {element} of {memory.name}. That is an input, which has to "
            f"stay as it is."))

    # ---- What arrays can do besides ----

    @property
    def dtype(self) -> np.dtype:
        return self._memory.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> RecordedArray:  # noqa: N802
        return RecordedArray(self._memory, self._places.T)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self)):
            yield self._slow(number, caller())

    def reshape(self, *shape: Any) -> RecordedArray:
        """The same memory with another shape. Raises ValueError for elements that do not lie one after another."""
        places = self._places
        if self.size and places.ravel().tolist() != list(range(places.flat[0], places.flat[0] + places.size)):
            raise ValueError("reshape() supports contiguous array only")  # as Numba
        return RecordedArray(self._memory, places.reshape(*shape))

    def ravel(self) -> RecordedArray:
        return self.reshape(-1)

    def fill(self, value: Any) -> None:
        """Write one value to all elements."""
        self._write(slice(None), value, caller())

    def item(self, *index: int) -> Any:
        return self._slow(index or (0,) * self.ndim, caller())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self._read(caller())
        return values if dtype is None else values.astype(dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        frame = caller()
        read = [part._read(frame) if isinstance(part, RecordedArray) else part for part in inputs]
        result = getattr(ufunc, method)(*read, **options)
        if out is None:
            return result
        if isinstance(out[0], RecordedArray):
            out[0]._write(slice(None) if out[0].ndim else (), result, frame)
        else:
            out[0][...] = result
        return out[0]

    def __getattr__(self, name: str) -> Any:
        if name in _WHOLE:
            return getattr(self._read(caller()), name)
        raise AttributeError(f"the tracer's arrays have no {name!r}")

    def __repr__(self) -> str:
        return f"<{self._called()}, of sizes {self.shape}, recorded>"
