"""How the tests of convolution hold a tensor against an array, and run a learner's function."""

from __future__ import annotations

import numpy as np

import terox
from course.check import CheckFailed, shown
from course.runner.events import todo_task
from terox.tensors.tensor import Tensor


def run(function, *args, call, hint=None):
    """`function(*args)`. An error is reported with the call, at the learner's line and not further in.

    hint(error): a sentence about it, or None.
    """
    own = function.__code__.co_filename
    try:
        return function(*args)
    except (AssertionError, ImportError, OSError, RecursionError, SyntaxError):
        raise  # the runner has words of its own for them
    except Exception as error:
        if todo_task(error) is not None or type(error).__module__ != "builtins":
            raise
        last, place = None, error.__traceback__
        while place is not None:
            last = place if place.tb_frame.f_code.co_filename == own else last
            place = place.tb_next
        if last is not None:
            last.tb_next = None
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        words = hint(error) if hint else None
        raise CheckFailed(call, text, None, words).with_traceback(error.__traceback__) from None


def tensor_close(got, expected, *, call, mistakes=None, note=None, dtype=None, sum_at=None):
    """`got` is a Tensor with the shape and the numbers of the array `expected`, which are whole and exact.

    mistakes: a function that gives sentence -> the whole wrong array, of any shape; it is called where needed only.
    sum_at(index): what the number there is made of, as text.
    """
    expected = np.asarray(expected)
    if not isinstance(got, Tensor):
        missing = " Is a `return` missing?" if got is None else ""
        raise CheckFailed(call, shown(got), shown(expected.tolist()),
                          f"A Tensor was expected, not {type(got).__name__}.{missing}")
    found = got.detach().numpy()
    if found.shape == expected.shape and np.array_equal(found, expected):
        if dtype is not None and got.dtype is not dtype:
            raise CheckFailed(call, f"a tensor of {got.dtype.name}", f"a tensor of {dtype.name}",
                              "The result has another dtype than the input.")
        return
    wrong = mistakes() if mistakes else {}
    sentence = next((words for words, value in wrong.items()
                     if not _same(value, expected) and _same(value, found)), None)
    if sentence is None and found.shape != expected.shape:
        sentence = f"The result has the shape {list(found.shape)}; it has to have {list(expected.shape)}."
    if sentence is None and note is None:
        place = tuple(int(each) for each in np.argwhere(found != expected)[0])
        sentence = (f"The first difference is at {list(place)}: {found[place].item():g}, and it has to be "
                    f"{expected[place].item():g}" + (f" = {sum_at(place)}." if sum_at else "."))
    raise CheckFailed(call, shown(found.tolist()), shown(expected.tolist()), sentence or note)


def _same(one, other):
    return np.shape(one) == np.shape(other) and np.array_equal(one, other)


def leaf(array, layout="contiguous", device=None):
    """(a tensor that holds the array, and requires grad; the leaf that it is a view of).

    layout: "contiguous"; "turned", as the transpose of a tensor; or "cut", every other element of a larger tensor,
    from the second one on. `place_in(layout, gradient)` gives the gradient of the leaf.
    """
    array = np.asarray(array)
    if layout == "turned":
        base = terox.tensor(np.ascontiguousarray(array.T), device=device, requires_grad=True)
        return base.permute(*reversed(range(array.ndim))), base
    if layout == "cut":
        room = np.full((*array.shape[:-1], 2 * array.shape[-1] + 1), 77.0, array.dtype)
        room[..., 1::2] = array
        base = terox.tensor(room, device=device, requires_grad=True)
        return base[..., 1::2], base
    base = terox.tensor(array, device=device, requires_grad=True)
    return base, base


def place_in(layout, gradient):
    """The gradient of the leaf, from that of its view."""
    if layout == "turned":
        return gradient.T
    if layout == "cut":
        room = np.zeros((*gradient.shape[:-1], 2 * gradient.shape[-1] + 1))
        room[..., 1::2] = gradient
        return room
    return gradient


def gradient_of(tensor, name, call):
    """The gradient of a leaf; a failure in words where none has arrived."""
    if tensor.grad is None:
        raise CheckFailed(call, f"{name}.grad is None", "a gradient",
                          f"No gradient has arrived at {name}: somewhere the result was cut off from it. Use "
                          "operations on tensors only; item(), detach(), numpy() and tensors made of numbers have no "
                          "history.")
    return tensor.grad
