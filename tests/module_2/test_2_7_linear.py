"""Task 2.7: linear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from networks import gradient_of, matrices, run, tensor_close

import terox
from course import check
from terox.tensors.tensor import Tensor
from terox.tensors.training import linear

pytestmark = pytest.mark.task("2.7")


class Layer:
    """Arguments of linear, as arrays, and a gradient that comes in."""

    def __init__(self, x, weight, bias=None, grad=None):
        arrays = [None if each is None else np.array(each) for each in (x, weight, bias, grad)]
        self.x, self.weight, self.bias, self.grad = arrays

    def tensors(self, requires_grad=False):
        return [terox.tensor(each, requires_grad=requires_grad) for each in (self.x, self.weight, self.bias)
                if each is not None]

    def right(self):
        product = self.x @ self.weight.T
        return product if self.bias is None else product + self.bias

    def mistakes(self):
        """What comes of mistakes, where the shapes let them pass."""
        x, weight, bias = self.x, self.weight, 0.0 if self.bias is None else self.bias
        wrong = {
            "The bias was left out.": lambda: x @ weight.T,
            "The bias was subtracted.": lambda: x @ weight.T - bias,
            "Each row got one number of the bias; each column has its own, and every row gets all of them.":
                lambda: x @ weight.T + np.reshape(bias, (-1, 1)),
            "The weight was not transposed: its rows belong to the outputs.": lambda: x @ weight + bias,
            "The weight was reshaped, which keeps its numbers in their order; its transpose is asked for.":
                lambda: x @ weight.reshape(weight.T.shape) + bias,
            "The factors are the wrong way round: rows of the result belong to examples, columns to outputs.":
                lambda: weight @ np.swapaxes(x, -1, -2) + bias,
        }
        found = {}
        for sentence, compute in wrong.items():
            try:
                found[sentence] = compute()
            except ValueError:
                pass  # not with these shapes
        return found

    def call(self):
        return f"linear(input, weight{'' if self.bias is None else ', bias'}) for {self!r}"

    def __repr__(self):
        named = {"input": self.x, "weight": self.weight, "bias": self.bias, "and the gradient": self.grad}
        return ", ".join(f"{name} {array.tolist()}" for name, array in named.items() if array is not None)


@st.composite
def layers(draw, bias=True, grad=False):
    """With any number of dimensions in front."""
    front = draw(st.lists(st.sampled_from([1, 2, 3, 0]), max_size=3))
    inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Layer(draw(matrices(*front, inputs)), draw(matrices(outputs, inputs)),
                 draw(matrices(outputs)) if bias else None, draw(matrices(*front, outputs)) if grad else None)


SQUARE = Layer([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], [10.0, 20.0])
BATCH = Layer([[[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]], [[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]], [10.0, 20.0],
              [[[1.0, 10.0], [-1.0, 2.0]]])


@given(layer=layers())
@example(layer=SQUARE)
@example(layer=BATCH)
def test_linear(layer):
    """linear gives input @ weight.T + bias, for any number of dimensions in front."""
    got = run(linear, *layer.tensors())
    tensor_close(got, layer.right(), call=layer.call(), mistakes=layer.mistakes())
    check.that(got.dtype is terox.float64, "The result has another dtype than the input.", call=layer.call(),
               got=got.dtype)


@given(layer=layers(bias=False))
def test_linear_without_bias(layer):
    """Without bias, linear gives input @ weight.T."""
    for tensors in (layer.tensors(), [*layer.tensors(), None]):
        tensor_close(run(linear, *tensors), layer.right(), call=layer.call(), mistakes=layer.mistakes())


def test_a_transposed_weight():
    """linear reads a weight that is itself a transposed view through its strides."""
    layer = Layer([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]], [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
    weight = terox.tensor(np.ascontiguousarray(layer.weight.T)).T
    tensor_close(run(linear, terox.tensor(layer.x), weight), layer.right(), mistakes=layer.mistakes(),
                 call=f"{layer.call()}, itself the transpose of another tensor")


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_a_bias_of_one_number(bias):
    """For linear, a bias of zero is a bias: it gets its gradient."""
    layer = Layer([[1.0, 2.0], [0.0, 3.0]], [[4.0, 5.0]], [bias])
    tensors = layer.tensors(requires_grad=True)
    got = run(linear, *tensors)
    tensor_close(got, layer.right(), call=layer.call(), mistakes=layer.mistakes())
    got.sum().backward()
    check.that(tensors[2].grad is not None, "The bias got no gradient: it was left out. `bias is None` asks whether "
               "there is one; `if bias` asks whether its number is zero.", call=layer.call())


@given(layer=layers(grad=True))
@example(layer=BATCH)
def test_gradients_of_linear(layer):
    """Each of linear's input, weight and bias gets its gradient, whatever gradient comes in."""
    tensors = layer.tensors(requires_grad=True)
    out = run(linear, *tensors)
    call = layer.call()
    check.that(isinstance(out, Tensor) and out.requires_grad,
               "No gradient has arrived at input, weight or bias: the result has no history.", call=call, got=out)
    out.backward(terox.tensor(layer.grad))
    rows, grads = (each.reshape(-1, each.shape[-1]) for each in (layer.x, layer.grad))  # (R, in), (R, out)
    right = (layer.grad @ layer.weight, grads.T @ rows, grads.sum(axis=0))
    for name, tensor, expected in zip(("input", "weight", "bias"), tensors, right):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


def test_one_weight_in_two_places():
    """A weight that linear uses in two places gets the gradients of both, added."""
    x, weight, bias = np.array([[1.0, 2.0]]), np.array([[0.0, 1.0], [3.0, -1.0]]), np.array([1.0, 0.0])
    grad = np.array([[1.0, 10.0]])
    tensors = [terox.tensor(each, requires_grad=True) for each in (x, weight, bias)]
    call = (f"y = linear(x, w, b); z = linear(y, w, b); z.backward({grad.tolist()}) for x = {x.tolist()}, "
            f"w = {weight.tolist()}, b = {bias.tolist()}")
    run(linear, run(linear, *tensors), *tensors[1:]).backward(terox.tensor(grad))
    y, inner = x @ weight.T + bias, grad @ weight
    right = (inner @ weight, grad.T @ y + inner.T @ x, grad.sum(axis=0) + inner.sum(axis=0))
    for name, tensor, expected in zip("xwb", tensors, right):
        tensor_close(gradient_of(tensor, name, call), expected, call=f"{call}; {name}.grad")


def test_linear_leaves_its_arguments_alone():
    """linear makes a new tensor; input, weight and bias are as before."""
    layer = Layer([[1.0, 2.0]], [[3.0, 4.0]], [5.0])
    tensors = layer.tensors()
    run(linear, *tensors)
    for name, tensor, array in zip(("input", "weight", "bias"), tensors, (layer.x, layer.weight, layer.bias)):
        tensor_close(tensor, array, call=f"{layer.call()}; {name} afterwards", note=f"linear has changed its {name}.")
