"""Task 5.1: conv1d, what it gives."""

from __future__ import annotations

import pytest
from convolutions import if_possible
from hypothesis import example, given
from hypothesis import strategies as st
from one_dimension import FLIP, PAIR, STEPS, Sliding, slidings
from tensors_close import leaf, run, tensor_close

import terox
from course import check
from terox.nn.sliding import conv1d

pytestmark = pytest.mark.task("5.1")


def judge(case, layouts=("contiguous", "contiguous"), device=None):
    x, w = leaf(case.x, layouts[0], device)[0], leaf(case.weight, layouts[1], device)[0]
    bias = None if case.bias is None else terox.tensor(case.bias, device=device)
    call = case.call()
    if layouts != ("contiguous", "contiguous"):
        call += f"; input is {layouts[0]}, weight is {layouts[1]} in memory"
    got = run(conv1d, x.detach(), w.detach(), bias, *case.steps(), call=call, hint=case.hint)
    tensor_close(got, case.right(), call=call, mistakes=lambda: if_possible(case.mistakes()), dtype=terox.float64,
                 sum_at=case.sum_at)
    return got


@given(case=slidings())
@example(case=FLIP)
@example(case=PAIR)
@example(case=Sliding([[[1.0, 2.0, 3.0]]], [[[10.0, 1.0]]], padding=1))
@example(case=Sliding([[[1.0, 2.0, 3.0, 4.0, 5.0]]], [[[10.0, 1.0]]], stride=2))
@example(case=Sliding([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]], [[[100.0, 10.0, 1.0]]], stride=3, padding=1))
@example(case=Sliding([[[1.0, 2.0], [3.0, 4.0]]], [[[1.0], [10.0]]]))
@example(case=Sliding([[[1.0, 2.0]]], [[[1.0]], [[10.0]]], bias=[100.0, 200.0]))
@example(case=Sliding([[[1.0, 2.0, 3.0]]], [[[1.0, 0.0, 10.0]]]))
@example(case=Sliding([[[2.0]]], [[[1.0, 3.0, 10.0]]], bias=[0.0], padding=1))
@example(case=STEPS)
def test_conv1d(case):
    """conv1d gives bias + the sum over channels and kernel of weight times what stands under it."""
    judge(case)


@pytest.mark.parametrize("layouts", [("turned", "contiguous"), ("cut", "turned"), ("contiguous", "cut")])
def test_views(layouts):
    """conv1d takes views, which lie in memory in another order, with gaps and an offset."""
    judge(STEPS, layouts)


@given(case=slidings(), dtype=st.sampled_from(["float32", "float64"]))
@example(case=STEPS, dtype="float32")
def test_dtype(case, dtype):
    """The result of conv1d has the dtype of its arguments, with padding and without."""
    kind = getattr(terox, dtype)
    given_to = [None if each is None else terox.tensor(each, dtype=kind) for each in (case.x, case.weight, case.bias)]
    call = f"{case.call()}, all of {dtype}"
    got = run(conv1d, *given_to, *case.steps(), call=call, hint=case.hint)
    check.that(isinstance(got, terox.Tensor), "A Tensor was expected.", call=call, got=got)
    check.that(got.dtype is kind, f"The arguments are {dtype} and the result is not. new_zeros of a tensor gives zeros "
               "of the same dtype, on the same device.", call=call, got=got.dtype, expected=kind)


def test_device():
    """conv1d computes on the device of its arguments, also where that is not the default one."""
    got = judge(STEPS, device="cpu")
    check.equal(str(got.device), "cpu", call=f"{STEPS.call()}, all on the device 'cpu', and its device",
                note="new_zeros of a tensor gives zeros on its device.")


def test_arguments_stay_as_they_are():
    """conv1d leaves input, weight and bias as they are."""
    tensors = [terox.tensor(each) for each in (STEPS.x, STEPS.weight, STEPS.bias)]
    run(conv1d, *tensors, *STEPS.steps(), call=STEPS.call())
    for name, tensor, before in zip(("input", "weight", "bias"), tensors, (STEPS.x, STEPS.weight, STEPS.bias)):
        tensor_close(tensor, before, call=f"{name} after {STEPS.call()}", note=f"conv1d has changed its {name}.")
