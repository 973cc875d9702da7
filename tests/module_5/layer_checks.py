"""What the tests of 5.6 and 5.7 share: how a call is made and reported, how a tensor is held against an array."""

from __future__ import annotations

import numpy as np

from course.check import CheckFailed, shown
from course.runner.events import todo_task
from terox.tensors.factories import from_array
from terox.tensors.tensor import Tensor


def run(function, *args, call, note=None, **options):
    """`function(*args, **options)`. An error inside is reported with the call. note(error): a sentence, or None."""
    try:
        return function(*args, **options)
    except (AssertionError, ImportError, OSError, RecursionError, SyntaxError):
        raise  # the runner has words of its own for them
    except Exception as error:
        if todo_task(error) is not None or type(error).__module__ != "builtins":
            raise
        words = note(error) if note else None
        raise CheckFailed(call, f"{type(error).__name__}: {error}", None, words).with_traceback(
            error.__traceback__) from None


def tensor_of(array, device=None, *, strided=False, requires_grad=False):
    """A tensor with these numbers. strided: a view with an offset and gaps, the first dimension running fastest."""
    array = np.asarray(array)
    if not strided or not array.size:
        return from_array(np.array(array, order="C"), device).requires_grad_(requires_grad)
    strides, step = (), 2
    for size in array.shape:
        strides, step = (*strides, step), step * (size + 1)
    memory = np.full(3 + step, 1000).astype(array.dtype)
    view = np.lib.stride_tricks.as_strided(memory[3:], array.shape, [stride * memory.itemsize for stride in strides])
    view[...] = array
    whole = from_array(memory, device)
    return Tensor._of(whole.impl.look(array.shape, strides, 3)).requires_grad_(requires_grad)


def numbers_of(tensor):
    return np.array(tensor.detach().tolist(), dtype=np.float64).reshape(tensor.shape)


def tensor_close(got, expected, *, call, mistakes=None, note=None, rtol=1e-9, atol=1e-9):
    """`got` is a Tensor with the shape and the numbers of the array `expected`.

    mistakes: sentence -> the whole wrong array, or what makes it. note: what to say where no mistake is recognized.
    """
    expected = np.asarray(expected, dtype=np.float64)
    if not isinstance(got, Tensor):
        missing = " Is a `return` missing?" if got is None else ""
        raise CheckFailed(call, shown(got), shown(_list(expected)),
                          f"A Tensor was expected, not {type(got).__name__}.{missing}")
    found = numbers_of(got)
    if found.shape == expected.shape and near(found, expected, rtol, atol):
        return
    sentence = next((words for words, wrong in (mistakes or {}).items()
                     if _is(found, expected, wrong, rtol, atol)), None)
    if sentence is None and found.shape != expected.shape:
        sentence = f"The result has the shape {list(found.shape)}; it has to have {list(expected.shape)}."
    raise CheckFailed(call, shown(_list(found)), shown(_list(expected)), sentence or note)


def _is(found, expected, wrong, rtol, atol):
    """Whether `found` is what this mistake gives, and that is no right result."""
    with np.errstate(all="ignore"):
        wrong = np.asarray(wrong() if callable(wrong) else wrong, dtype=np.float64)
        return (wrong.shape == found.shape and near(found, wrong, rtol, atol)
                and not (wrong.shape == expected.shape and near(wrong, expected, rtol, atol)))


def _list(array):
    """The numbers, with so few digits that they can be read, as long as these tell them apart."""
    return np.round(array, 6).tolist()


def near(got, right, rtol, atol):
    with np.errstate(invalid="ignore"):
        same = (got == right) | (np.abs(got - right) <= atol + rtol * np.abs(right))
        return bool(np.all(same | (np.isnan(got) & np.isnan(right))))


def gradient_of(tensor, name, call):
    """The gradient of a leaf; a failure in words where none has arrived."""
    if tensor.grad is None:
        raise CheckFailed(call, f"{name}.grad is None", "a gradient",
                          f"No gradient has arrived at {name}: somewhere the result was cut off from it. Use "
                          "operations on tensors only; item(), detach(), numpy() and no_grad() leave no history.")
    return tensor.grad
