"""Task 5.1: the gradients of conv1d, which module 2 finds, and what it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from convolutions import gradients
from hypothesis import example, given
from one_dimension import PAIR, STEPS, Sliding, slidings
from tensors_close import gradient_of, leaf, place_in, run, tensor_close

import terox
from course import check
from terox.nn.sliding import conv1d

pytestmark = pytest.mark.task("5.1")


def backward(case, layouts=("contiguous", "contiguous")):
    (x, x_leaf), (w, w_leaf) = leaf(case.x, layouts[0]), leaf(case.weight, layouts[1])
    bias = None if case.bias is None else terox.tensor(case.bias, requires_grad=True)
    call = f"{case.call()}, then backward({case.grad.tolist()})"
    out = run(conv1d, x, w, bias, *case.steps(), call=call, hint=case.hint)
    check.that(isinstance(out, terox.Tensor) and out.requires_grad, "The result has no history. Use operations on "
               "tensors only; item(), detach(), numpy() and tensors made of numbers cut it off.", call=call, got=out)
    out.backward(terox.tensor(case.grad))
    for name, tensor, expected, layout in zip(("input", "weight", "bias"), (x_leaf, w_leaf, bias), case.gradients(),
                                              (*layouts, "contiguous")):
        tensor_close(gradient_of(tensor, name, call), place_in(layout, expected), call=f"{call}; {name}.grad")


@given(case=slidings())
@example(case=PAIR)
@example(case=STEPS)
@example(case=Sliding([[[1.0, 2.0, 3.0, 4.0]]], [[[1.0, 10.0]]], [0.0], stride=3))
def test_gradients(case):
    """input, weight and bias of conv1d get their gradients, whatever gradient comes in."""
    backward(case)


@pytest.mark.parametrize("layouts", [("turned", "cut"), ("cut", "turned")])
def test_gradients_of_views(layouts):
    """The gradients of conv1d reach the tensors that its arguments are views of."""
    backward(STEPS, layouts)


def test_one_weight_twice():
    """A weight that conv1d uses in two places gets the gradients of both, added."""
    x, weight = np.array([[[1.0, 2.0, 0.0, -1.0, 3.0]]]), np.array([[[2.0, -1.0]]])
    grad = np.array([[[1.0, 10.0, -2.0]]])
    call = (f"y = conv1d(x, w); z = conv1d(y, w); z.backward({grad.tolist()}) for x {x.tolist()}, w {weight.tolist()}")
    tensors = [terox.tensor(each, requires_grad=True) for each in (x, weight)]
    y = run(conv1d, *tensors, call=call)
    run(conv1d, y, tensors[1], call=call).backward(terox.tensor(grad))
    steps = (1,), (0,), (1,)
    of_y, second = gradients(y.detach().numpy(), weight, grad, *steps)
    of_x, first = gradients(x, weight, of_y, *steps)
    for name, tensor, expected in zip("xw", tensors, (of_x, first + second)):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


def operations(case):
    """How many operations stand in the history of the result."""
    x, w = (terox.tensor(each, requires_grad=True) for each in (case.x, case.weight))
    bias = terox.tensor(case.bias, requires_grad=True)
    out = run(conv1d, x, w, bias, *case.steps(), call=case.call())
    check.that(isinstance(out, terox.Tensor) and out.grad_fn is not None, "The result has no history.",
               call=case.call(), got=out)
    seen, waiting = set(), [out.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [each[0] for each in node.next_functions]
    return len(seen)


@pytest.mark.parametrize("what", ["length", "examples", "channels", "kernels"])
def test_no_loop_over_positions(what):
    """conv1d takes the same number of operations for a longer input, more examples, channels or kernels."""
    sizes = {"examples": 2, "channels": 2, "kernels": 2, "length": 6}

    def made(sizes):
        n, c, o, length = sizes["examples"], sizes["channels"], sizes["kernels"], sizes["length"]
        return Sliding(np.ones((n, c, length)), np.ones((o, c, 3)), np.ones(o), stride=2, padding=1)

    few, many = operations(made(sizes)), operations(made(sizes | {what: 3 * sizes[what]}))
    check.that(many <= few, f"With three times as many {what.replace('length', 'elements in a row')} it takes {many} "
               f"operations instead of {few}: there is a loop over them. Only the elements of the kernel need a "
               "loop; one slice takes what stands under the same k in all windows, and one product does the rest.",
               call=f"conv1d(input, weight, bias, stride=2, padding=1) for {sizes | {what: 3 * sizes[what]}} and a "
                    "kernel of 3")


def test_gradcheck():
    """The gradients of conv1d are its numeric derivatives, for numbers that are not whole."""
    generator = np.random.default_rng(5)
    x, w, b = (terox.tensor(generator.uniform(-1, 1, shape), requires_grad=True)
               for shape in ((2, 2, 5), (3, 2, 3), (3,)))
    run(conv1d, x, w, b, 2, 1, call="conv1d(input, weight, bias, stride=2, padding=1)")
    check.that(terox.autograd.gradcheck(lambda *args: conv1d(*args, 2, 1), (x, w, b), raise_exception=False),
               "The gradients are not the numeric derivatives.",
               call="gradcheck of conv1d(input, weight, bias, stride=2, padding=1)")
