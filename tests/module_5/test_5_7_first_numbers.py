"""Task 5.7: reset_parameters. What is random is judged by its statistics, at least 7 standard deviations wide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layer_checks import numbers_of, run

from course import check
from terox.nn.layers import reset_parameters
from terox.tensors.dtype import float64
from terox.tensors.factories import full, manual_seed, zeros

pytestmark = pytest.mark.task("5.7")

FAR = 7.0  # standard deviations: a right solution is outside once in 4e11 tests
# (O, ...): for each, fan_in, O, the number of input channels and the size of a kernel are all different
SHAPES = [(40, 7, 3, 3), (50, 30), (12, 5, 7, 2), (25, 4, 11), (90, 20)]


def drawn(shape, times=1, dtype=None):
    """The numbers of weight and bias after reset_parameters, `times` times, as flat arrays; and the call."""
    call = f"reset_parameters(weight, bias) for a weight of shape {list(shape)}"
    weights, biases = [], []
    for _ in range(times):
        weight, bias = full(shape, 99.0, dtype=dtype), full(shape[:1], 99.0, dtype=dtype)
        got = run(reset_parameters, weight, bias, call=call)
        check.that(got is None, "It fills its arguments in place, and returns nothing.", call=call, got=got)
        weights.append(numbers_of(weight).ravel())
        biases.append(numbers_of(bias).ravel())
    return np.concatenate(weights), np.concatenate(biases), call


def bounds(shape):
    """Of known mistakes, the bound that each gives."""
    fan_in, outputs, inputs = math.prod(shape[1:]), shape[0], shape[1]
    fan_out = outputs * math.prod(shape[2:])
    return {
        "That is 1 / fan_in: the square root is missing.": 1 / fan_in,
        "That is 1 / sqrt(O), and O is the number of outputs: fan_in counts what goes in.": 1 / math.sqrt(outputs),
        "That is the bound for fan_out; fan_in is asked for.": 1 / math.sqrt(fan_out),
        "fan_in is not only the number of channels: each of them has a whole kernel of weights.": 1 / math.sqrt(inputs),
        "fan_in is the product of all sizes but the first: channels times the size of the kernel.":
            1 / math.sqrt(shape[-1]),
        "That is the bound for all elements of the weight; one output is computed from one of its O parts.":
            1 / math.sqrt(math.prod(shape)),
        "That is sqrt(6 / fan_in), Kaiming's bound for relu; PyTorch's layers take 1 / sqrt(fan_in).":
            math.sqrt(6 / fan_in),
        "That is sqrt(3 / fan_in), for a variance of 1 / fan_in; the bound is 1 / sqrt(fan_in).": math.sqrt(3 / fan_in),
        "That is sqrt(6 / (fan_in + fan_out)), Xavier's bound; PyTorch's layers take 1 / sqrt(fan_in).":
            math.sqrt(6 / (fan_in + fan_out)),
        "The numbers were not filled in: they are what they were.": 99.0,
        "That is 1: uniform_ was not given the bound.": 1.0,
    }


def check_even(numbers, bound, mistakes, call):
    """The numbers are spread evenly from -bound to bound. There are at least 1,000."""
    largest = float(np.abs(numbers).max())
    # Of n numbers, the largest is below (1 - t) * bound with probability (1 - t) ** n: for t = 30 / n, 1e-13.
    least = bound * (1 - 30 / len(numbers))
    if not least <= largest <= bound * (1 + 1e-6):
        note = next((text for text, wrong in mistakes.items()
                     if wrong * (1 - 30 / len(numbers)) <= largest <= wrong * (1 + 1e-6)), None)
        raise check.CheckFailed(f"{call}: the largest magnitude of {len(numbers)} numbers", f"{largest:.4f}",
                                f"just below 1 / sqrt(fan_in) = {bound:.4f}", note)
    for quarter in range(4):
        begin = bound * (quarter / 2 - 1)
        part = float(((numbers >= begin) & (numbers < begin + bound / 2)).mean())
        width = FAR * math.sqrt(0.25 * 0.75 / len(numbers))
        if abs(part - 0.25) > width:
            raise check.CheckFailed(f"{call}: the part of the numbers from {begin:.4f} to {begin + bound / 2:.4f}",
                                    f"{part:.3f}",
                                    f"about 0.25, by chance from {0.25 - width:.3f} to {0.25 + width:.3f}",
                                    "They have to be drawn evenly from -bound to bound, positive and negative ones.")


@given(shape=st.sampled_from(SHAPES))
@example(shape=SHAPES[0])
def test_weight(shape):
    """The weight is filled in place, evenly from -1 / sqrt(fan_in) to 1 / sqrt(fan_in)."""
    manual_seed(5)  # so that a failure comes again
    weights, _, call = drawn(shape)
    check_even(weights, 1 / math.sqrt(math.prod(shape[1:])), bounds(shape), f"{call}; weight")


@given(shape=st.sampled_from(SHAPES))
@example(shape=SHAPES[0])
def test_bias(shape):
    """The bias is filled evenly between the same bounds as the weight."""
    manual_seed(5)
    _, biases, call = drawn(shape, times=1000 // shape[0] + 1)
    check.that(bool((biases != 0).any()), "The bias is 0 everywhere; it has to be drawn, as the weight is.",
               call=f"{call}; bias")
    check_even(biases, 1 / math.sqrt(math.prod(shape[1:])), bounds(shape), f"{call}; bias")


def test_each_number_is_drawn():
    """All numbers are different, also from those of the next call."""
    weights, biases, call = drawn((20, 5, 3), times=2, dtype=float64)
    for name, numbers in (("weight", weights), ("bias", biases)):
        check.that(len(set(numbers.tolist())) == len(numbers), "Some numbers are equal: each has to be drawn on its "
                   "own, and anew in each call.", call=f"{call}, twice; {name}")


def test_without_bias():
    """Without a bias, only the weight is filled."""
    weight = full((50, 30), 99.0)
    call = "reset_parameters(weight, None) for a weight of shape [50, 30]"
    run(reset_parameters, weight, None, call=call,
        note=lambda error: "bias may be None." if "NoneType" in str(error) else None)
    check_even(numbers_of(weight).ravel(), 1 / math.sqrt(30), bounds((50, 30)), f"{call}; weight")


def test_no_history():
    """Parameters stay leaves: to fill them is not part of any graph."""
    weight, bias = zeros(2, 3, requires_grad=True), zeros(2, requires_grad=True)
    call = "reset_parameters(weight, bias), which require grad"
    run(reset_parameters, weight, bias, call=call, note=lambda error: (
        "Fill it with init.uniform_, which works without a graph.") if "leaf" in str(error) else None)
    for name, tensor in (("weight", weight), ("bias", bias)):
        check.that(tensor.is_leaf and tensor.requires_grad and tensor.grad_fn is None,
                   f"{name} has got a history, so no optimizer would accept it.", call=call)
