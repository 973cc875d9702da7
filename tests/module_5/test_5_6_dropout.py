"""Task 5.6: dropout. What is random is judged by its statistics, at least 7 standard deviations wide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layer_checks import gradient_of, near, numbers_of, run, tensor_close, tensor_of

from course import check
from terox.nn.dropping import dropout
from terox.tensors.factories import manual_seed
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("5.6")

SHAPES = st.sampled_from([(4,), (3, 4), (2, 3, 2), (1, 2, 3, 2), (6, 1)])
DTYPES = st.sampled_from([np.float32, np.float64])
CHANCES = st.sampled_from([0.125, 0.2, 0.5, 0.75, 0.9])
FAR = 7.0  # standard deviations: a right solution is outside once in 4e11 tests


def values(shape, dtype=np.float64):
    """1, -2, 3, -4, ...: none is 0, and no two have a quotient that could be a scale by chance."""
    count = math.prod(shape)
    return ((np.arange(count) + 1.0) * np.where(np.arange(count) % 2, -1.0, 1.0)).reshape(shape).astype(dtype)


def dropped(x, p, training, call):
    got = run(dropout, x, p, training, call=call, note=_cause)
    missing = " Is a `return` missing?" if got is None else ""
    check.that(isinstance(got, Tensor), f"A Tensor was expected, not {type(got).__name__}.{missing}", call=call)
    check.equal(tuple(got.shape), tuple(x.shape), call=f"{call}: its shape")
    return got


def _cause(error):
    if "device" in str(error):
        return "The random numbers have to be made on the input's device: rand(..., device=input.device)."
    return "With p = 1, 1 - p is 0: nothing can be divided by it." if isinstance(error, ZeroDivisionError) else None


def about(got, right, sigma, problem, call):
    """`got` is at most FAR standard deviations from what is expected of it."""
    width = FAR * sigma
    if abs(got - right) > width:
        raise check.CheckFailed(call, f"{got:.3f}", f"about {right:.3g}, by chance from {max(right - width, 0):.3f} to "
                                f"{min(right + width, 1):.3f}", problem)


def random_ones(shape, p=0.3, call=None):
    """Where dropout has kept something of ones: an array of bool. On "cpu", whose loops are fast."""
    got = dropped(tensor_of(np.ones(shape, np.float32), "cpu"), p, True, call or f"dropout(ones{shape}, {p}, True)")
    return numbers_of(got) != 0


@given(shape=SHAPES, dtype=DTYPES, p=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), strided=st.booleans())
@example(shape=(3, 4), dtype=np.float64, p=0.5, strided=False)
def test_outside_of_training(shape, dtype, p, strided):
    """With training=False, the result is the input, whatever p is; so is the gradient."""
    array = values(shape, dtype)
    x = tensor_of(array, strided=strided, requires_grad=True)
    call = f"dropout({array.tolist()}, {p}, training=False)"
    got = dropped(x, p, False, call)
    found = numbers_of(got)
    check.that(bool((found != 0).all()), "Something was dropped, although training is False.", call=call,
               got=found.tolist(), expected=array.tolist())
    tensor_close(got, array, call=call, rtol=1e-6, note="Outside of training nothing is dropped, and nothing scaled.")
    check.equal(got.dtype, x.dtype, call=f"{call}: its dtype")
    grad = values(shape)[::-1] * 0.5
    (got * 1).backward(tensor_of(grad.astype(dtype)))
    tensor_close(gradient_of(x, "input", call), grad, call=f"{call}: the gradient for the input, for {grad.tolist()}",
                 rtol=1e-6)


@given(shape=SHAPES, dtype=DTYPES, p=CHANCES, strided=st.booleans())
@example(shape=(6, 1), dtype=np.float64, p=0.2, strided=False)
def test_each_element_is_dropped_or_scaled(shape, dtype, p, strided):
    """In training, each element of the result is 0, or the input's divided by 1 - p."""
    manual_seed(7)  # so that a failure comes again
    array = values(shape, dtype)
    call = f"dropout({array.tolist()}, {p}, training=True)"
    x = tensor_of(array, strided=strided)
    for _ in range(8):  # with a chance of 0.9, most elements are dropped in most calls
        got = dropped(x, p, True, call)
        found = numbers_of(got)
        kept = found != 0
        tensor_close(got, np.where(kept, array / (1 - p), 0.0), call=call, rtol=1e-6, mistakes={
            "Those that stay have to be divided by 1 - p; they are as they were.": np.where(kept, array, 0.0),
            "Those that stay were divided by p, and not by 1 - p.": np.where(kept, array / p, 0.0),
            "Those that stay were multiplied by 1 - p, and not divided.": np.where(kept, array * (1 - p), 0.0)},
            note="Each element is either 0 or the one of the input divided by 1 - p.")
        check.equal(got.dtype, x.dtype, call=f"{call}: its dtype", note="The result has the dtype of the input.")
        tensor_close(x, array, call=f"{call}: the input afterwards", note="dropout makes a new tensor.")


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_independence(dim):
    """Each element is dropped or kept independently of its neighbors."""
    p = 0.3
    keep = random_ones((16, 16, 16), p)
    first, second = np.moveaxis(keep, dim, 0)[::2], np.moveaxis(keep, dim, 0)[1::2]
    alike, right = float((first == second).mean()), p * p + (1 - p) * (1 - p)
    about(alike, right, math.sqrt(right * (1 - right) / first.size),
          "Each element needs a random number of its own: rand(input.shape). Here elements are dropped together.",
          f"dropout(ones(16, 16, 16), {p}, training=True): the part of the pairs of neighbors along dimension {dim} "
          "that are both dropped, or both kept")


def test_each_call_drops_others():
    """Each call makes its choice anew, and how many are dropped differs from call to call."""
    p, calls = 0.3, 24
    keeps = [random_ones((8, 8), p) for _ in range(calls)]
    alike, right = np.mean([(a == b).mean() for a, b in zip(keeps[::2], keeps[1::2])]), p * p + (1 - p) * (1 - p)
    about(alike, right, math.sqrt(right * (1 - right) / (64 * calls / 2)),
          "Each call has to draw its own random numbers. Here a call drops what the one before it dropped.",
          f"dropout(ones(8, 8), {p}, training=True), twice: the part of the elements to which both calls do the same")
    counts = {int(keep.sum()) for keep in keeps}
    check.that(len(counts) > 1, "Each element is dropped with probability p, whatever happens to the others: how many "
               "are dropped is not always the same.", got=sorted(counts),
               call=f"dropout(ones(8, 8), {p}, training=True), {calls} times: how many were kept")


@given(p=st.sampled_from([0.1, 0.25, 0.6, 0.8]))
@example(p=0.2)
def test_how_many_are_dropped(p):
    """Each element is dropped with probability p: of n elements about n * p are, and the mean stays what it was."""
    manual_seed(7)  # so that a failure comes again
    n = 64 * 48
    call = f"dropout(ones(64, 48), {p}, training=True): the part of the elements that are 0"
    part = 1.0 - random_ones((64, 48), p, call).mean()
    sigma = math.sqrt(p * (1 - p) / n)
    swapped = abs(part - (1 - p)) < FAR * sigma
    about(part, p, sigma, "It is about 1 - p: elements are kept with probability p, and have to be dropped with it."
          if swapped else "Compare p with numbers that are spread evenly from 0 to 1, as those of rand are.", call)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_none_and_all(dtype):
    """With p = 0 nothing is dropped or scaled; with p = 1 all is 0, and no NaN."""
    array = values((3, 4), dtype)
    for p, expected in ((0.0, array), (1.0, array * 0.0)):
        call = f"dropout({array.tolist()}, {p}, training=True)"
        x = tensor_of(array, requires_grad=True)
        got = dropped(x, p, True, call)
        tensor_close(got, expected, call=call, note=(
            "With p = 0 everything stays as it is." if p == 0 else
            "With p = 1 everything is dropped, and 1 - p is 0: nothing can be divided by it."))
        check.equal(got.dtype, x.dtype, call=f"{call}: its dtype")
        check.that(got.requires_grad, "The result has no history: the gradient would stop here. Compute it from the "
                   "input, also where all of it is dropped: its gradient is 0.", call=call)
        got.backward(tensor_of(array + 100))
        tensor_close(gradient_of(x, "input", call), (array + 100) * (p == 0),
                     call=f"{call}: the gradient for the input, for {(array + 100).tolist()}")


@given(shape=SHAPES, p=CHANCES, strided=st.booleans())
@example(shape=(6, 1), p=0.5, strided=False)
def test_gradient(shape, p, strided):
    """The gradient is 0 for the elements that were dropped in this call, and divided by 1 - p for the others."""
    manual_seed(7)  # so that a failure comes again
    array, grad = values(shape), values(shape) * 3 + 20
    for _ in range(6):
        x = tensor_of(array, strided=strided, requires_grad=True)
        call = f"dropout({array.tolist()}, {p}, training=True)"
        got = dropped(x, p, True, call)
        kept = numbers_of(got) != 0
        check.that(got.requires_grad, "The result has no history: the gradient would stop here. Compute it from the "
                   "input, with operations on tensors, and recorded.", call=call)
        got.backward(tensor_of(grad))
        what = f"{call} = {numbers_of(got).round(6).tolist()}: the gradient for the input, for {grad.tolist()}"
        tensor_close(gradient_of(x, "input", call), np.where(kept, grad / (1 - p), 0.0), call=what, mistakes={
            "The gradient goes through those that were dropped, too.": grad / (1 - p),
            "The gradient is that of the input as it is: nothing dropped, nothing scaled.": grad,
            "The gradient has to be divided by 1 - p, as the numbers are.": np.where(kept, grad, 0.0)},
            note="The elements that were dropped are those that are 0 in the result; the gradient is 0 there.")


def test_an_input_used_beside():
    """An input that is also used beside its dropout gets both gradients, added."""
    array = values((3, 4))
    x = tensor_of(array, requires_grad=True)
    got = dropped(x, 0.5, True, "dropout(x, 0.5, training=True)")
    kept = numbers_of(got) != 0
    (got * x).backward(tensor_of(array * 0 + 3))
    tensor_close(gradient_of(x, "x", "dropout(x, 0.5, True) * x"), np.where(kept, 3 * 2 * 2 * array, 0.0),
                 call=f"(dropout(x, 0.5, training=True) * x).backward(3) for x = {array.tolist()}: the gradient for x")


def test_on_another_device():
    """An input on another device than the default one gives a result there."""
    array = values((3, 4), np.float32)
    for device in ("cpu", "python"):
        call = f"dropout(x, 0.5, training=True) for x on {device!r}, with the default device 'python'"
        got = dropped(tensor_of(array, device), 0.5, True, call)
        check.equal(got.device, device, call=f"{call}: the device of the result")
        found = numbers_of(got)
        check.that(near(found, np.where(found != 0, array * 2, 0), 1e-6, 0), "Each element is 0 or doubled.", call=call,
                   got=found.tolist())
