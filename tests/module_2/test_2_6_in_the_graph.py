"""Task 2.6: gradients through the graph, of inputs that are broadcast, used twice, seen as views, of two dtypes."""

from __future__ import annotations

import numpy as np
import pytest
from derivative_cases import SEEDS, cases, shapes
from derivative_oracles import copies
from gradients import Case, array_of, compare, numbers, run, tensor_of, text
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.tensors.dispatcher import call as dispatch
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("2.6")

# One call of each op, with numbers that float32 has as well.
EACH = [
    Case("mul", self=[2.0, 3.0], other=[5.0, 7.0], grad=[10.0, -4.0]),
    Case("div", self=[3.0, 7.0], other=[2.0, 4.0], grad=[10.0, -4.0]),
    Case("exp", self=[0.5, -1.5], grad=[10.0, -4.0]),
    Case("log", self=[0.5, 4.0], grad=[10.0, -3.0]),
    Case("relu", self=[-2.0, 3.0], grad=[10.0, -4.0]),
    Case("sum", self=[[2.0, 3.0], [5.0, 7.0]], dims=(1,), keepdim=False, grad=[10.0, -4.0]),
    Case("amax", self=[[2.0, 8.0], [5.0, 5.0]], dims=(1,), keepdim=False, grad=[10.0, -4.0]),
    Case("mm", self=[[2.0, 3.0]], other=[[5.0], [7.0]], grad=[[10.0]]),
    Case("bmm", self=[[[2.0, 3.0]]], other=[[[5.0], [7.0]]], grad=[[[10.0]]]),
    Case("permute", self=[[[2.0], [3.0]]], dims=(1, 2, 0), grad=[[[10.0]], [[-4.0]]]),
    Case("expand", self=[2.0, 3.0], shape=(2, 2), grad=[[10.0, -4.0], [7.0, 6.0]]),
    Case("slice", self=[2.0, 3.0, 5.0], dim=0, start=1, stop=3, step=1, grad=[10.0, -4.0]),
    Case("gather", self=[2.0, 3.0], dim=0, index=[1, 1, 0], grad=[10.0, -4.0, 6.0]),
]


def leaf(array, strided=False):
    return tensor_of(array, strided).requires_grad_()


def backward(result, upstream, call):
    """`result.backward(upstream)`."""
    check.that(isinstance(result, Tensor) and result.requires_grad, "The result has no history.", call=call)
    run(result.backward, upstream, call=call)


def gradient(x, name, call):
    check.that(x.grad is not None, f"No gradient arrived at {name}.", call=call)
    check.equal(list(x.grad.shape), list(x.shape), call=f"{name}.grad.shape for {call}")
    return array_of(x.grad)


def named(*rows):
    """Parameters of a test, which is named after the first: the expression in words."""
    return [pytest.param(*row, id=row[0]) for row in rows]


@given(case=st.one_of(cases("mul"), cases("div"), cases("bmm")))
@example(case=Case("mul", self=[[2.0], [3.0]], other=[5.0, 7.0], grad=[[10.0, -4.0], [7.0, 6.0]]))
@example(case=Case("div", self=[3.0, 7.0], other=[[2.0], [4.0]], grad=[[10.0, -4.0], [7.0, 6.0]]))
def test_operands_that_were_broadcast(case):
    """An operand that was broadcast gets a gradient of its own shape: the sum over its repetitions."""
    leaves = {name: leaf(value, case.strided) for name, value in case.arguments.items()}
    backward(dispatch(case.op, *leaves.values()), tensor_of(case.grad, case.strided),
             case.call("result.backward(grad)"))
    for name, x in leaves.items():
        call = case.call(f"{name}.grad, after result.backward(grad)")
        compare(gradient(x, name, call), case.terms(name), x.impl.sizes, call, name, case.mistakes(name))


@pytest.mark.parametrize(("words", "expression", "slope"), named(
    ("x * 3", lambda x: x * 3, lambda x: 3.0 + 0.0 * x),
    ("3 * x", lambda x: 3 * x, lambda x: 3.0 + 0.0 * x),
    ("x / 4", lambda x: x / 4, lambda x: 0.25 + 0.0 * x),
    ("4 / x", lambda x: 4 / x, lambda x: -4.0 / (x * x)),
    ("2.5 / (3 * x)", lambda x: 2.5 / (3 * x), lambda x: -2.5 / (3.0 * x * x)),
))
@pytest.mark.parametrize("seed", [0, 1])
def test_a_number_on_one_side(words, expression, slope, seed):
    """A plain number on either side has no gradient, and that of the tensor is right."""
    value, upstream = numbers(seed, (2,), (2,))
    x = leaf(value)
    call = f"x.grad after ({words}).backward(grad)\nx = {text(value)}\ngrad = {text(upstream)}"
    backward(run(expression, x, call=call), tensor_of(upstream), call)
    compare(gradient(x, "x", call), upstream * slope(value), (2,), call, "x")


@pytest.mark.parametrize(("words", "expression", "terms"), named(
    ("x * x", lambda x: x * x, lambda x, g: 2.0 * x * g),
    ("x * x.T", lambda x: x * x.T, lambda x, g: x.T * g + (x * g).T),
    ("x @ x", lambda x: x @ x, lambda x, g: g @ x.T + x.T @ g),
    ("x @ x.T", lambda x: x @ x.T, lambda x, g: (g + g.T) @ x),
    ("x * x[0]", lambda x: x * x[0], lambda x, g: g * x[0] + np.stack([(g * x).sum(0), 0.0 * x[1]])),
    ("x * x.sum(1, keepdim=True)", lambda x: x * x.sum(1, keepdim=True),
     lambda x, g: g * x.sum(1, keepdims=True) + (g * x).sum(1, keepdims=True)),
    ("x.exp() * x", lambda x: x.exp() * x, lambda x, g: np.exp(x) * (x + 1.0) * g),
))
@pytest.mark.parametrize("strided", [False, True])
def test_an_input_that_occurs_twice(words, expression, terms, strided):
    """A tensor that is used in two places gets the sum of both gradients."""
    value, upstream = numbers(3, (2, 2), (2, 2), positive=True)
    x = leaf(value, strided)
    call = f"x.grad after ({words}).backward(grad)\nx = {text(value)}\ngrad = {text(upstream)}"
    backward(run(expression, x, call=call), tensor_of(upstream), call)
    compare(gradient(x, "x", call), terms(value, upstream), (2, 2), call, "x")


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_diamond(seed, strided):
    """A computed value that is used in several places, and they in one another: all ways are counted."""
    value, upstream = numbers(seed, (3,), (3,), positive=True)
    x = leaf(value, strided)
    call = ("x.grad after z.backward(grad) for y = x.log(), z = y * y.exp() + y / x\n"
            f"x = {text(value)}\ngrad = {text(upstream)}")

    def expression(x):
        y = x.log()
        return y * y.exp() + y / x

    backward(run(expression, x, call=call), tensor_of(upstream), call)
    # z = x log x + (log x) / x
    slope = np.log(value) + 1.0 + (1.0 - np.log(value)) / value**2
    compare(gradient(x, "x", call), slope * upstream, (3,), call, "x", eps=2.0**-46)


@st.composite
def chains_of_views(draw):
    """Sizes, and views one after the other: (op, its arguments)."""
    start = draw(st.sampled_from([shape for shape in shapes() if shape]))
    shape, steps = start, []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["permute", "slice", "expand"]))
        if kind == "permute":
            dims = tuple(draw(st.permutations(range(len(shape)))))
            steps.append(("permute", dims))
            shape = tuple(shape[dim] for dim in dims)
        elif kind == "slice":
            dim = draw(st.integers(0, len(shape) - 1))
            begin = draw(st.integers(0, shape[dim]))
            steps.append(("slice", dim, begin, shape[dim], draw(st.integers(1, 2))))
            shape = (*shape[:dim], len(range(*steps[-1][2:])), *shape[dim + 1 :])
        elif len(shape) < 4:
            shape = (draw(st.integers(1, 2)), *[draw(st.integers(1, 3)) if size == 1 else size for size in shape])
            steps.append(("expand", shape))
    return start, steps


def on_array(array, step):
    op, *rest = step
    if op == "permute":
        return array.transpose(rest[0])
    if op == "expand":
        return np.broadcast_to(array, rest[0])
    dim, begin, end, stride = rest
    return array[(*[slice(None)] * dim, slice(begin, end, stride))]


def on_tensor(tensor, step):
    op, *rest = step
    return dispatch(op, tensor, *rest)


@given(chain=chains_of_views(), seed=SEEDS, strided=st.booleans())
@example(chain=((2, 3), [("permute", (1, 0)), ("slice", 0, 1, 3, 1), ("expand", (2, 2, 2))]), seed=0, strided=True)
def test_a_chain_of_views(chain, seed, strided):
    """Through views of views, each element gets the gradients of all places in which it is seen."""
    start, steps = chain

    def look(array):
        for step in steps:
            array = on_array(array, step)
        return array

    (value,) = numbers(seed, start)
    (upstream,) = numbers(seed + 1, look(value).shape)
    x = leaf(value, strided)
    words = "x" + "".join(f".{op}({', '.join(map(str, rest))})" for op, *rest in steps)
    call = f"x.grad after ({words}).backward(grad)\nx = {text(value)}\ngrad = {text(upstream)}"
    view = x
    for step in steps:
        view = on_tensor(view, step)
    backward(view * 1.0, tensor_of(upstream), call)
    compare(gradient(x, "x", call), copies(look, upstream, value), start, call, "x")


@pytest.mark.parametrize("case", EACH, ids=lambda case: case.op)
def test_float32(case):
    """The gradient of a float32 tensor is a float32 tensor."""
    leaves = {name: leaf(case.arguments[name].astype(np.float32)) for name in case.oracle.gradients}
    arguments = dict(zip(case.arguments, case.tensors())) | leaves
    backward(dispatch(case.op, *arguments.values()), tensor_of(case.grad.astype(np.float32)),
             case.call("result.backward(grad), all float32"))
    for name, x in leaves.items():
        call = case.call(f"{name}.grad, after result.backward(grad), all float32")
        compare(gradient(x, name, call), case.terms(name), x.impl.sizes, call, name, case.mistakes(name), eps=2.0**-23)
        check.equal(x.grad.dtype.name, "float32", call=f"{name}.grad.dtype for {case!r}")


@given(case=st.one_of(cases("mul", most=2), cases("div", most=2)), dtypes=st.permutations(["float32", "float64"]))
def test_two_dtypes(case, dtypes):
    """Where float32 meets float64, the result is float64, and each input's gradient has the dtype of the input."""
    dtypes = dict(zip(case.arguments, dtypes))
    leaves = {name: leaf(value.astype(dtypes[name])) for name, value in case.arguments.items()}
    backward(dispatch(case.op, *leaves.values()), tensor_of(case.grad),
             case.call(f"result.backward(grad), for {dtypes}"))
    for name, x in leaves.items():
        call = case.call(f"{name}.grad, after result.backward(grad), for {dtypes}")
        compare(gradient(x, name, call), case.terms(name), x.impl.sizes, call, name, case.mistakes(name), eps=2.0**-23)
        check.equal(x.grad.dtype.name, dtypes[name], call=f"{name}.grad.dtype for {case!r}, {dtypes}")
