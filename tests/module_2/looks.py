"""What the tests of task 2.4 share: which places of the storage a view reads, and words for one that reads others.

`asked` is also for task 2.3.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
from layouts import places_by_formula

from course.check import CheckFailed, shown
from course.runner.events import todo_task


@contextmanager
def asked(call, expected=None, note=None):
    """An error that comes out of the learner's code is reported with the call, still at the learner's line.

    note(error): a sentence about it, or None.
    """
    try:
        yield
    except (AssertionError, ImportError, OSError, RecursionError, SyntaxError):
        raise  # the runner has words of its own for them
    except Exception as error:
        if todo_task(error) is not None or type(error).__module__ != "builtins":
            raise
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        words = note(error) if note else None
        raise CheckFailed(str(call), text, expected, words).with_traceback(error.__traceback__) from None


def places(sizes, strides, offset):
    """Where the elements lie, as an array of these sizes."""
    return np.array(places_by_formula(sizes, strides, offset), dtype=np.int64).reshape(sizes)


def geometry_of(view):
    """Sizes, strides and offset of NumPy's view of an array in which each element is its own place."""
    strides = tuple(stride // view.itemsize for stride in view.strides)
    return view.shape, strides, int(view.flat[0]) if view.size else 0


def check_view(got, expected, call, mistakes=None):
    """`got` is a geometry that reads the places in the array `expected`. Strides that nothing reads may be any.

    mistakes: sentence -> the geometry that this mistake gives, or the sizes alone, in a tuple; or a list of these.
    """
    right = f"sizes {expected.shape}, which read the places {expected.tolist()}"
    problem = _no_geometry(got)
    if problem:
        raise CheckFailed(call, shown(got), right, problem)
    sizes, strides, offset = got
    fits = sizes == expected.shape and len(strides) == len(sizes)
    read = places(*got) if fits else None
    if read is not None and (read == expected).all():
        return
    text = f"sizes {sizes}, strides {strides}, offset {offset}"
    if read is not None:
        text += f", which read the places {read.tolist()}"
    for sentence, wrong in (mistakes or {}).items():
        if any(got[: len(each)] == tuple(each) for each in (wrong if isinstance(wrong, list) else [wrong])):
            raise CheckFailed(call, text, right, sentence)
    if len(sizes) != expected.ndim:
        note = f"The view has {expected.ndim} dimensions, not {len(sizes)}."
    elif sizes != expected.shape:
        dim = [a == b for a, b in zip(sizes, expected.shape)].index(False)
        note = f"The size of dimension {dim} has to be {expected.shape[dim]}, not {sizes[dim]}."
    elif read is None:
        note = "A view has as many strides as sizes."
    else:
        index = [int(i) for i in np.argwhere(read != expected)[0]]
        which = f"The element with the index {index}" if index else "The element"
        note = (f"The sizes are right. {which} lies at place {int(expected[tuple(index)])} of the storage, not at "
                f"{int(read[tuple(index)])}.")
    raise CheckFailed(call, text, right, note)


def lost_offset(right):
    """The mistake that all views have in common: they begin where the storage does, not where the tensor does."""
    return {"The tensor's own offset was lost: a view of a view begins where that one begins.": (*right[:2], 0)}


def _no_geometry(got):
    if got is None:
        return "It returned None. Is a `return` missing?"
    if not isinstance(got, tuple) or len(got) != 3:
        return "Three values were expected: sizes, strides and offset."
    sizes, strides, offset = got
    for name, values in (("sizes", sizes), ("strides", strides)):
        if not isinstance(values, tuple):
            return f"The {name} have to be a tuple, not a value of type {type(values).__name__}."
        if not all(type(value) is int for value in values):
            return f"The {name} have to be ints."
    if type(offset) is not int:
        return f"The offset has to be an int, not a value of type {type(offset).__name__}."
    return None
