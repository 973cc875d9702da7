"""Indices that must be in range: what NumPy, and Numba with it, would take from the end or cut without a word."""

from __future__ import annotations

import ast
import operator
from types import FrameType
from typing import Any

import numpy as np

from course.term import count
from course.trace.recorder import Memory, Place, Recorder, Stop, line_of, text_of


class Checked:
    """The part of a RecordedArray that checks indices."""

    __slots__ = ()
    _memory: Memory
    _recorder: Recorder
    shape: tuple[int, ...]

    @property
    def _places(self) -> np.ndarray:
        raise NotImplementedError

    def _checked(self, key: Any, frame: FrameType, does: str) -> Any:
        """The key, with every part of it in range."""
        if hasattr(key, "_fields"):  # cuda.threadIdx, and not one of its numbers
            raise IndexError(f"an index of {self._memory.name} is {type(key).__name__}{tuple(key)}, which is three "
                             "numbers: take one of them, as in cuda.threadIdx.x")
        parts = list(key) if isinstance(key, tuple) else [key]
        if any(part is Ellipsis for part in parts):
            at = [part is Ellipsis for part in parts].index(True)
            parts[at:at + 1] = [slice(None)] * (len(self.shape) - len(parts) + 1)
        if len(parts) > len(self.shape):
            raise IndexError(f"{self._memory.name} has {count(len(self.shape), 'dimension')}, and "
                             f"{len(parts)} indices were given")
        checked: list[Any] = []
        for dim, part in enumerate(parts):
            size = self.shape[dim]
            if isinstance(part, slice):
                checked.append(self._checked_slice(part, dim, frame))
                continue
            try:
                part = operator.index(part)
            except TypeError:
                raise TypeError(f"an index of {self._memory.name} must be a whole number or a slice, "
                                f"not {part!r}") from None
            if not -size <= part < size or part < 0 and not self._from_the_end(frame, dim):
                self._out_of_range(part, dim, frame, does)
            checked.append(part)
        return tuple(checked)

    def _checked_slice(self, part: slice, dim: int, frame: FrameType) -> slice:
        size = self.shape[dim]
        begin, end = (None if bound is None else operator.index(bound) for bound in (part.start, part.stop))
        step = 1 if part.step is None else operator.index(part.step)
        first, last = begin or 0, size if end is None else end
        below = " ".join(name for name, bound in (("lower", first), ("upper", last)) if bound < 0)
        if below and not self._from_the_end(frame, dim, below):
            self._bad_slice("negative index", first, last, size, frame,
                            "A negative bound counts from the end, compiled or not, which is not meant here.")
        taken = range(first, last, step)
        if step > 0 and first >= 0 and len(taken) and taken[-1] >= size:
            self._bad_slice("out of range", first, last, size, frame,
                            "A slice is cut at the end without a word, and is then shorter than its bounds say.")
        # With a step, only what the slice takes has to exist: a[p : p + n * step : step] may end after the last one.
        return slice(begin, end, part.step)

    def _from_the_end(self, frame: FrameType, dim: int, bounds: str = "") -> bool:
        """Whether a negative index is meant so: in sizes and strides, and where `-1` stands in the program."""
        if not self._memory.counted:
            return True
        part = self._in_program(frame, dim)
        parts = [getattr(part, bound, None) for bound in bounds.split()] if bounds else [part]
        return all(isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)
                   and isinstance(part.operand, ast.Constant) for part in parts)

    def _in_program(self, frame: FrameType, dim: int) -> Any:
        """The expression that stands between the brackets for one dimension, None where that is not known."""
        try:
            key = ast.parse(text_of(frame.f_code, frame.f_lasti).strip(), mode="eval").body
        except SyntaxError:
            return None
        part = getattr(key, "slice", None)
        if isinstance(part, ast.Tuple):
            part = part.elts[dim] if dim < len(part.elts) else None
        return part

    def _called(self) -> str:
        """The name of the array, or which part of it this view is."""
        memory, name = self._memory, self._memory.name
        if self.shape == memory.shape:
            return name
        places = self._places
        if not places.size:
            return f"an empty slice of {name}"
        first, last = (memory.element(int(places.flat[at])) for at in (0, -1))
        return f"the slice of {name} from element {first} to element {last}"

    def _sizes(self, dim: int) -> str:
        size = self.shape[dim]
        if len(self.shape) > 2:
            return f"a size of {size} there"
        kind = "element" if len(self.shape) == 1 else ("row", "column")[dim]
        return f"{size} {kind}s, 0 to {size - 1}" if size > 1 else f"{size or 'no'} {kind}{'' if size else 's'}"

    def _out_of_range(self, part: int, dim: int, frame: FrameType, does: str) -> None:
        line = line_of(frame.f_code, frame.f_lasti)
        what = ("element", "row", "column")[len(self.shape) - 1 + dim] if len(self.shape) < 3 else f"index {dim},"
        negative = part < 0
        why = ("Compiled, a negative index counts from the end: the wrong element is taken, and nobody says so."
               if negative else
               "Compiled, this touches memory that belongs to something else, and nobody says so.")
        self._stop("negative index" if negative else "out of range", part, line, (
            f"{self._recorder.here()}{line} {does} {what} {part} of {self._called()}, which has {self._sizes(dim)}. "
            f"{why}{self._recorder.advice(self._memory, self.shape, dim, part, self._in_program(frame, dim))}"))

    def _bad_slice(self, kind: str, first: int, last: int, size: int, frame: FrameType, why: str) -> None:
        line = line_of(frame.f_code, frame.f_lasti)
        self._stop(kind, last if last > size else first, line, (
            f"{self._recorder.here()}{line} takes the slice [{first} : {last}] of {self._called()}, which has a size "
            f"of {size}. {why}"))

    def _stop(self, kind: str, element: int, line: Place, message: str) -> None:
        self._recorder.note(kind, self._memory, element, (line,), message)
        raise Stop
