"""Task 2.6: `sum_to`, broadcasting backward."""

from __future__ import annotations

import numpy as np
import pytest
from derivative_cases import cases
from gradients import array_of, compare, numbers, run, tensor_of
from hypothesis import example, given

from course import check
from terox.tensors.derivatives import sum_to
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("2.6")


def mistakes(array, sizes):
    """Known mistakes, and the numbers that they give."""
    front = array.ndim - len(sizes)
    stretched = tuple(front + dim for dim, size in enumerate(sizes) if size == 1)
    repeated = array.size // max(int(np.prod(sizes)), 1)
    return {
        "Nothing was summed.": lambda: array,
        "Everything was summed. Mind that `tensor.sum(())` with an empty tuple sums over all dimensions.":
            lambda: array.sum(),
        "The dimensions of which `sizes` says 1 were dropped: keep them, with size 1.":
            lambda: array.sum(axis=(*range(front), *stretched)),
        "The dimensions in front, which `sizes` does not have, were kept: they are summed and dropped.":
            lambda: array.sum(axis=(*range(front), *stretched), keepdims=True),
        "That is the mean of the repetitions: they are added.":
            lambda: array.sum(axis=(*range(front), *stretched)).reshape(sizes) / repeated,
        "The last dimensions were summed, but shapes are aligned at the last dimension: new ones are in front.":
            lambda: array.sum(axis=tuple(range(len(sizes), array.ndim))),
        "Only the first of the repetitions was taken: they are added.":
            lambda: array[(0,) * front + tuple(slice(0, 1) if size == 1 else slice(None) for size in sizes)],
        "Only the dimensions in front were summed, and not those that were stretched from 1.":
            lambda: array.sum(axis=tuple(range(front))),
        "Only the stretched dimensions were summed, and not those in front, which `sizes` does not have.":
            lambda: array.sum(axis=stretched, keepdims=True),
    }


def held_against_numpy(array, sizes, strided=False):
    """`sum_to` on these numbers; the result is exact, because they are multiples of 1/2."""
    tensor = tensor_of(array, strided)
    call = f"{Call(array, sizes, strided)!r}\ntensor = {check.shown(array.tolist())}"
    got = run(sum_to, tensor, sizes, call=call)
    check.that(isinstance(got, Tensor), f"A Tensor was expected, not {type(got).__name__}."
               + (" Is a `return` missing?" if got is None else ""), call=call)
    # The exact shape first: the numbers may be right, and dimensions missing, or too many.
    found = array_of(got)
    if found.shape != tuple(sizes):
        sentence = next((sentence for sentence, make in mistakes(array, sizes).items()
                         if np.array_equal(found, np.asarray(attempt(make)))), None)
        raise check.CheckFailed(call, f"shape {list(found.shape)}", f"shape {list(sizes)}", sentence)
    compare(found, array, tuple(sizes), call, "the result", mistakes(array, sizes))
    check.that(np.array_equal(array_of(tensor), array), "The tensor was changed in place.", call=call)
    check.that(got.dtype is tensor.dtype, "The result has the dtype of the tensor.", call=call, got=got.dtype,
               expected=tensor.dtype)


def attempt(make):
    try:
        return make()
    except (ValueError, IndexError):
        return None


@pytest.mark.parametrize("sizes", [(1, 3), (2, 1), (1, 1)])
def test_stretched_dimensions(sizes):
    """A dimension that was stretched from size 1 is summed, and stays, with size 1."""
    held_against_numpy(np.array([[2.0, 3.0, 5.0], [7.0, 11.0, 13.0]]), sizes)


@pytest.mark.parametrize(("shape", "sizes"), [((2, 3), (3,)), ((2, 2), (2,)), ((2,), ()), ((2, 1, 3), (1, 3)),
                                              ((2, 2, 2), (2, 2)), ((3, 2, 2), (2,))])
def test_new_dimensions(shape, sizes):
    """A dimension that broadcasting put in front is summed and dropped."""
    held_against_numpy(numbers(1, shape)[0], sizes)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 2), (2, 1, 2), (0,), (2, 0)])
def test_nothing_was_broadcast(shape):
    """Where the tensor has the wanted sizes already, its numbers and its shape stay as they are."""
    held_against_numpy(numbers(1, shape)[0], shape)


class Call:
    """A call of sum_to, as Hypothesis shows it: in the words of the failure."""

    def __init__(self, array, sizes, strided=False):
        self.array, self.sizes, self.strided = array, sizes, strided

    def __repr__(self):
        layout = ", whose memory has gaps" if self.strided else ""
        return f"sum_to(tensor of shape {list(self.array.shape)}{layout}, {list(self.sizes)})"

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))


@given(call=cases("expand").map(lambda case: Call(case.grad, case.arguments["self"].shape, case.strided)))
@example(call=Call(np.zeros((0, 3)), (1, 3)))
@example(call=Call(np.zeros((2, 0)), ()))
def test_any_shapes(call):
    """The result has `sizes`, and each of its elements is the sum of those that broadcasting made of it."""
    held_against_numpy(call.array, call.sizes, call.strided)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_the_dtype_stays(name):
    """A float32 tensor gives a float32 result."""
    held = tensor_of(np.array([[2.0, 3.0], [5.0, 7.0]], dtype=name))
    call = f"sum_to(tensor of shape [2, 2] and dtype {name}, [2, 1])"
    got = run(sum_to, held, (2, 1), call=call)
    check.that(isinstance(got, Tensor), "A Tensor was expected. Is a `return` missing?", call=call)
    check.equal(got.dtype.name, name, call=f"{call}.dtype")
    check.equal(got.tolist(), [[5.0], [12.0]], call="sum_to(terox.tensor([[2., 3.], [5., 7.]]), [2, 1])")


def test_sizes_of_any_kind():
    """`sizes` may be a tuple, a list or a terox.Size."""
    x = tensor_of(np.array([[2.0, 3.0], [5.0, 7.0]]))
    for sizes in [(1, 2), [1, 2], tensor_of(np.zeros((1, 2))).shape]:
        call = f"sum_to(tensor of shape [2, 2], {sizes!r})"
        got = run(sum_to, x, sizes, call=call)
        check.that(isinstance(got, Tensor), "A Tensor was expected. Is a `return` missing?", call=call)
        check.equal(got.tolist(), [[7.0, 10.0]], call=call)
