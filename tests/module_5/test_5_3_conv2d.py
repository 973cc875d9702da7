"""Task 5.3: conv2d."""

from __future__ import annotations

import pytest
from convolutions import if_possible
from hypothesis import example, given
from tensors_close import leaf, run, tensor_close
from two_dimensions import ALL, EXAMPLES, images

import terox
from course import check
from terox.nn.convolution import conv2d

pytestmark = pytest.mark.task("5.3")


def judge(case, layouts=("contiguous", "contiguous"), device=None):
    x, w = (leaf(each, layout, device)[0].detach() for each, layout in zip((case.x, case.weight), layouts))
    got = run(conv2d, x, w, *case.steps, call=case.call(), hint=case.hint)
    tensor_close(got, case.right(), call=case.call(), mistakes=lambda: if_possible(case.mistakes()),
                 dtype=terox.float64, sum_at=case.sum_at)
    return got


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case)(test)
    return test


@given(case=images())
@with_examples
def test_conv2d(case):
    """conv2d gives, for every window, the sum of weight times what stands under it."""
    judge(case)


@pytest.mark.parametrize("layouts", [("turned", "cut"), ("cut", "turned")])
def test_views(layouts):
    """conv2d takes views, which lie in memory in another order, with gaps and an offset."""
    judge(ALL, layouts)


def test_device():
    """conv2d runs on the device "cpu", too."""
    got = judge(ALL, device="cpu")
    check.equal(str(got.device), "cpu", call=f"{ALL.call()}, all on the device 'cpu', and its device",
                note="Operations on tensors give tensors on the same device.")


def test_float32():
    """The result of conv2d has the dtype of its arguments."""
    x, w = (terox.tensor(each, dtype=terox.float32) for each in (ALL.x, ALL.weight))
    call = f"{ALL.call()}, in float32"
    tensor_close(run(conv2d, x, w, *ALL.steps, call=call), ALL.right(), call=call, dtype=terox.float32)


def test_arguments_stay_as_they_are():
    """conv2d leaves input and weight as they are."""
    tensors = [terox.tensor(each) for each in (ALL.x, ALL.weight)]
    run(conv2d, *tensors, *ALL.steps, call=ALL.call())
    for name, tensor, before in zip(("input", "weight"), tensors, (ALL.x, ALL.weight)):
        tensor_close(tensor, before, call=f"{name} after {ALL.call()}", note=f"conv2d has changed its {name}.")
