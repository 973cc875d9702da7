"""How tests hold a tensor against an array, and run a learner's function on tensors; log-softmax, which several losses
are held against. Import it from tests only: it imports `terox.tensors`, which `course.check` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course.check import CheckFailed, shown
from course.runner.events import todo_task
from terox.tensors.tensor import Tensor


def softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    return np.exp(log_softmax(logits, axis))


def log_softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    """In NumPy, without exp of a large number."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def run(function: Callable[..., Any], *args: Any, call: str, file: str = "",
        hint: Callable[[BaseException], str | None] | None = None, **options: Any) -> Any:
    """`function(*args, **options)`. An error is reported with the call, at the learner's line and not further in.

    file: where the learner's code stands; by default, the function's own file. hint(error): a sentence, or None.
    """
    file = file or getattr(getattr(function, "__code__", None), "co_filename", "")
    try:
        return function(*args, **options)
    except (AssertionError, ImportError, OSError, RecursionError, SyntaxError):
        raise  # the runner has words of its own for them
    except Exception as error:
        if todo_task(error) is not None or type(error).__module__ != "builtins":
            raise
        last, place = None, error.__traceback__
        while place is not None:
            last = place if place.tb_frame.f_code.co_filename == file else last
            place = place.tb_next
        if last is not None:
            last.tb_next = None
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise CheckFailed(call, text, None, hint(error) if hint else None).with_traceback(error.__traceback__) from None


def tensor_close(got: Any, expected: Any, *, call: str, rtol: float = 0.0, atol: float = 0.0, slack: float = 1.0,
                 mistakes: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
                 note: str | None = None, otherwise: Callable[[np.ndarray, np.ndarray], str | None] | None = None,
                 listed: Callable[[np.ndarray], Any] = np.ndarray.tolist) -> None:
    """`got` is a Tensor with the shape and, within `atol + rtol * abs(expected)`, the numbers of the array `expected`.

    mistakes: sentence -> the whole wrong array, of any shape, or a function that makes it; or a function that makes the
    mapping. They are made where needed only, and compared with `slack` times the tolerance. otherwise(found, expected):
    a sentence where none is recognized and the shapes are equal; else `note` is said. listed: how numbers are shown.
    """
    expected = np.asarray(expected)
    if not isinstance(got, Tensor):
        missing = " Is a `return` missing?" if got is None else ""
        raise CheckFailed(call, shown(got), shown(listed(expected)),
                          f"A Tensor was expected, not {type(got).__name__}.{missing}")
    found = got.detach().numpy()
    if found.shape == expected.shape and near(found, expected, rtol, atol):
        return
    known = mistakes() if callable(mistakes) else mistakes or {}
    sentence = next((words for words, wrong in known.items()
                     if _is(found, expected, wrong, rtol, atol, slack)), None)
    if sentence is None and found.shape != expected.shape:
        sentence = f"The result has the shape {list(found.shape)}; it has to have {list(expected.shape)}."
    if sentence is None and otherwise is not None:
        sentence = otherwise(found, expected)
    raise CheckFailed(call, shown(listed(found)), shown(listed(expected)), sentence or note)


def _is(found: np.ndarray, expected: np.ndarray, wrong: Any, rtol: float, atol: float, slack: float) -> bool:
    """Whether `found` is what this mistake gives, and that is no right result."""
    with np.errstate(all="ignore"):
        wrong = np.asarray(wrong() if callable(wrong) else wrong)
    return (wrong.shape == found.shape and near(found, wrong, slack * rtol, slack * atol)
            and not (wrong.shape == expected.shape and near(wrong, expected, rtol, atol)))


def near(got: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> bool:
    """Whether all numbers are within `atol + rtol * abs(right)`. NaN is near NaN, and infinity near itself."""
    with np.errstate(invalid="ignore"):
        same = (got == right) | (np.abs(got - right) <= atol + rtol * np.abs(right))
        return bool(np.all(same | (np.isnan(got) & np.isnan(right))))


def gradient_of(tensor: Any, name: str, call: str) -> Any:
    """The gradient of a leaf; a failure in words where none has arrived."""
    if tensor.grad is None:
        raise CheckFailed(call, f"{name}.grad is None", "a gradient",
                          f"No gradient has arrived at {name}: somewhere the result was cut off from it. Use "
                          "operations on tensors only; item(), detach(), numpy(), no_grad() and tensors made of "
                          "numbers leave no history.")
    return tensor.grad
