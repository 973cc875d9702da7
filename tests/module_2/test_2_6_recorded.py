"""Task 2.6: derivatives of derivatives; with `create_graph=True`, the backward pass is itself recorded."""

from __future__ import annotations

import numpy as np
import pytest
from derivative_cases import SEEDS, cases
from gradients import Case, array_of, numbers, run, summed, tensor_of, text
from hypothesis import given, settings
from hypothesis import strategies as st

from course import check
from terox.autograd import grad as differentiate
from terox.tensors.derivatives import sum_to
from terox.tensors.dispatcher import call as dispatch

pytestmark = pytest.mark.task("2.6")

STEP = 1e-4  # of the central difference; its error is of the order of STEP ** 2, and eps / STEP for rounding
# Each example takes many evaluations of a NumPy function, and shapes matter less here than in the formulas themselves.
FEWER = settings(max_examples=max(5, settings().max_examples // 3))
OPS = ["mul", "div", "exp", "log", "relu", "sum", "amax", "mm", "bmm", "permute", "expand", "slice", "gather"]


def smaller(case):
    """The same call with numbers from 0.375 on, so that no derivative is large."""
    arguments = {name: value / 4.0 if isinstance(value, np.ndarray) and name != "index" else value
                 for name, value in case.arguments.items()}
    return Case(case.op, grad=case.grad / 4.0, strided=case.strided, **arguments)


def weighed(case, arguments, grad, weights):
    """All first gradients, each times its weight, and summed: the number that is differentiated again."""
    total = 0.0
    for name, weight in weights.items():
        terms = case.oracle.gradients[name](grad, **arguments)
        total += float((summed(terms, arguments[name].shape) * weight).sum())
    return total


def numeric(case, what, weights):
    """The derivatives of `weighed` for each element of `what`, an input or "grad", by central differences."""
    moved = {**case.arguments, "grad": case.grad}
    array = moved[what]
    out = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        values = []
        for step in (STEP, -STEP):
            moved[what] = array.copy()
            moved[what][place] += step
            arguments = dict(moved)
            values.append(weighed(case, arguments, arguments.pop("grad"), weights))
        out[place] = (values[0] - values[1]) / (2.0 * STEP)
    return out


@pytest.mark.parametrize("op", OPS)
@FEWER
@given(data=st.data())
def test_derivatives_of_derivatives(op, data):
    """The gradients of gradients are right: formulas are made of ops on tensors, and keep the history of what they use.
    """
    case = smaller(data.draw(cases(op, limit=2, most=2), label="call"))
    names = list(case.oracle.gradients)
    weights = dict(zip(names, numbers(data.draw(SEEDS, label="seed"), *[case.arguments[name].shape for name in names])))
    leaves = {name: tensor_of(case.arguments[name], case.strided).requires_grad_() for name in names}
    arguments = dict(zip(case.arguments, case.tensors())) | leaves
    upstream = tensor_of(case.grad).requires_grad_()
    result = dispatch(op, *arguments.values())
    firsts = run(lambda: differentiate(result, list(leaves.values()), upstream, create_graph=True),
                 call=case.call("the gradients, with create_graph=True"))
    for name, first in zip(names, firsts):
        check.that(first.requires_grad, f"The gradient for `{name}` has no history, although create_graph=True: a "
                   "formula is made of ops on tensors, without detach(), item(), numpy() or terox.tensor().",
                   call=repr(case))
    wanted = {**leaves, "grad": upstream}
    seconds = run(lambda: differentiate(firsts, list(wanted.values()), [tensor_of(weights[name]) for name in names],
                                        allow_unused=True), call=case.call("the second derivatives"))
    for what, second in zip(wanted, seconds):
        right = numeric(case, what, weights)
        got = np.zeros(right.shape) if second is None else array_of(second)
        tolerance = 1e-6 * (1.0 + np.abs(right).max(initial=0.0))
        if got.shape != right.shape or not np.all(np.abs(got - right) <= tolerance):
            lost = not got.any() and right.any()
            weighted = ", ".join(f"{name} with {text(weight)}" for name, weight in weights.items())
            raise check.CheckFailed(
                case.call(f"the second derivative, for `{what}`\n(the first gradients weighed: {weighted})"),
                text(got), text(np.round(right, 6)),
                f"The formula uses {what} without its history: is there a detach(), item() or numpy()?" if lost else
                "The first derivative is right, and the derivative of it is not.")


@given(case=cases("expand"))
def test_sum_to_is_recorded(case):
    """sum_to keeps the history: its gradient is the incoming one, broadcast."""
    sizes = case.arguments["self"].shape
    x = tensor_of(case.grad, case.strided).requires_grad_()
    call = f"sum_to(x of shape {list(case.grad.shape)}, {list(sizes)}).backward(grad)"
    got = run(sum_to, x, sizes, call=call.removesuffix(".backward(grad)"))
    check.that(getattr(got, "requires_grad", False), "The result has no history: sum with ops on tensors.", call=call)
    (weight,) = numbers(1, sizes)
    run((got * 1.0).backward, tensor_of(weight), call=call)
    right = np.broadcast_to(weight, case.grad.shape)
    check.that(x.grad is not None and np.array_equal(array_of(x.grad), right), "Each element gets the gradient of the "
               "sum that it went into.", call=call + f"\ngrad = {text(weight)}",
               got=None if x.grad is None else x.grad.tolist(), expected=right.tolist())
