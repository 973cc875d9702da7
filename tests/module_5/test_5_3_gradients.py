"""Task 5.3: the gradients of conv2d, by themselves and in a backward pass."""

from __future__ import annotations

import numpy as np
import pytest
from convolutions import gradients, if_possible
from hypothesis import example, given
from tensors_close import gradient_of, leaf, place_in, run, tensor_close
from two_dimensions import ALL, EXAMPLES, Images, images

import terox
from course import check
from terox.nn import conv_functions
from terox.nn.convolution import conv2d, conv2d_input, conv2d_weight

pytestmark = pytest.mark.task("5.3")


def with_examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case)(test)
    return test


def of_input(case, layout="contiguous", device=None):
    w, grad = (leaf(each, layout, device)[0].detach() for each in (case.weight, case.grad))
    got = run(conv2d_input, case.x.shape, w, grad, *case.steps, call=case.input_call(), hint=case.hint)
    tensor_close(got, case.of_input(), call=case.input_call(), mistakes=lambda: if_possible(case.input_mistakes()),
                 dtype=terox.float64)


def of_weight(case, layout="contiguous", device=None):
    x, grad = (leaf(each, layout, device)[0].detach() for each in (case.x, case.grad))
    got = run(conv2d_weight, x, case.weight.shape, grad, *case.steps, call=case.weight_call(), hint=case.weight_hint)
    tensor_close(got, case.of_weight(), call=case.weight_call(), mistakes=lambda: if_possible(case.weight_mistakes()),
                 dtype=terox.float64)


@given(case=images())
@with_examples
def test_conv2d_input(case):
    """conv2d_input gives each element of the input the sum of grad_output times weight, over all windows it is in."""
    of_input(case)


@given(case=images())
@with_examples
def test_conv2d_weight(case):
    """conv2d_weight gives each weight the sum of grad_output times what is under it, over all windows and examples."""
    of_weight(case)


@pytest.mark.parametrize("layout", ["turned", "cut"])
def test_views(layout):
    """conv2d_input and conv2d_weight take views, which lie in memory in another order, with gaps and an offset."""
    of_input(ALL, layout)
    of_weight(ALL, layout)


def test_device():
    """The gradients of conv2d are computed on the device "cpu", too."""
    of_input(ALL, device="cpu")
    of_weight(ALL, device="cpu")


@pytest.mark.parametrize("layout", ["contiguous", "turned", "cut"])
def test_backward(layout):
    """In a backward pass through terox.nn.functional.conv2d, each argument gets its gradient."""
    (x, x_leaf), (w, w_leaf) = leaf(ALL.x, layout), leaf(ALL.weight, layout)
    call = f"functional.conv2d(input, weight, None, {ALL.options()}).backward(grad) for {ALL!r}"
    conv_functions.conv2d(x, w, None, *ALL.steps).backward(terox.tensor(ALL.grad))
    for name, each, expected in (("input", x_leaf, ALL.of_input()), ("weight", w_leaf, ALL.of_weight())):
        tensor_close(gradient_of(each, name, call), place_in(layout, expected), call=f"{call}; {name}.grad")


def test_one_weight_twice():
    """A weight that conv2d uses in two places gets the gradients of both, added; so does an input."""
    case = Images(np.arange(12.0).reshape(1, 1, 3, 4) % 5, [[[[2.0, -1.0]]]])
    x, w = (terox.tensor(each, requires_grad=True) for each in (case.x, case.weight))
    grad = np.array([[[[1.0, 10.0], [-2.0, 3.0], [0.0, 5.0]]]])
    call = (f"y = conv2d(x, w); z = conv2d(y, w) + x[:, :, :, 1:3]; z.backward({grad.tolist()}) for "
            f"x {case.x.tolist()}, w {case.weight.tolist()}")
    y = conv_functions.conv2d(x, w)
    (conv_functions.conv2d(y, w) + x[:, :, :, 1:3]).backward(terox.tensor(grad))
    of_y, second = gradients(case.right(), case.weight, grad, *case.steps)
    of_x, first = gradients(case.x, case.weight, of_y, *case.steps)
    of_x[:, :, :, 1:3] += grad
    for name, tensor, expected in (("x", x, of_x), ("w", w, first + second)):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


@pytest.mark.parametrize("name", ["conv2d", "conv2d_input", "conv2d_weight"])
def test_history(name):
    """Called by themselves, conv2d, conv2d_input and conv2d_weight are differentiated: their results have a history."""
    case = ALL
    x, w, grad = (terox.tensor(each, requires_grad=True) for each in (case.x, case.weight, case.grad))
    up = {"conv2d": case.grad, "conv2d_input": case.x, "conv2d_weight": case.weight}[name]
    # Each is linear in both of its arguments, so the derivatives are the three functions themselves.
    function, args, call, leaves = {
        "conv2d": (conv2d, (x, w), case.call(), {"input": (x, case.of_input()), "weight": (w, case.of_weight())}),
        "conv2d_input": (conv2d_input, (case.x.shape, w, grad), case.input_call(),
                         {"weight": (w, case.of_weight()), "grad_output": (grad, case.right())}),
        "conv2d_weight": (conv2d_weight, (x, case.weight.shape, grad), case.weight_call(),
                          {"input": (x, case.of_input()), "grad_output": (grad, case.right())})}[name]
    out = run(function, *args, *case.steps, call=call)
    check.that(isinstance(out, terox.Tensor) and out.requires_grad, "The result has no history. Use operations on "
               "tensors only; item(), detach(), numpy() and tensors made of numbers cut it off.", call=call)
    out.backward(terox.tensor(up))
    for what, (tensor, expected) in leaves.items():
        found = f"{call}, then backward(gradient of shape {list(up.shape)}); {what}.grad"
        tensor_close(gradient_of(tensor, what, call), expected, call=found)


def test_gradcheck():
    """The gradients of conv2d are its numeric derivatives, for numbers that are not whole."""
    generator = np.random.default_rng(5)
    x, w, b = (terox.tensor(generator.uniform(-1, 1, shape), requires_grad=True)
               for shape in ((2, 2, 4, 3), (3, 2, 2, 3), (3,)))
    options = ((2, 1), (1, 0), (1, 1))
    good = terox.autograd.gradcheck(lambda *args: conv_functions.conv2d(*args, *options), (x, w, b),
                                    raise_exception=False)
    check.that(good, "The gradients are not the numeric derivatives.",
               call="gradcheck of functional.conv2d(input, weight, bias, stride=(2, 1), padding=(1, 0))")
