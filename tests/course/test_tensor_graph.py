"""The graph of tensors: freed and kept, differentiated again, detached, and what it looks like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from on_python import leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import Scalar, grad, gradcheck

FREED = "backward through the graph a second time"


# ---- Once, twice ----

SAVES = {"x * x": lambda x: x * x, "exp": lambda x: x.exp(), "x @ x": lambda x: x @ x, "amax": lambda x: x.amax(),
         "where": lambda x: terox.where(x > 1, x, 0.0), "gather": lambda x: x.gather(0, terox.tensor([1])),
         "x[[0]]": lambda x: x[[0]], "softmax": lambda x: x.softmax(0), "relu": lambda x: x.relu()}
SAVES_NOTHING = {"x + x": lambda x: x + x, "x * 2": lambda x: x * 2, "sum": lambda x: x.sum(),
                 "view": lambda x: x.view(2, 1),
                 "x[0]": lambda x: x[0], "expand": lambda x: x.expand(3, 2), "cat": lambda x: terox.cat([x, x]),
                 "-x": lambda x: -x, "mean": lambda x: x.mean(), "clone": lambda x: x.clone()}


@pytest.mark.parametrize("op", SAVES.values(), ids=SAVES)
def test_a_freed_graph_cannot_run_again(op):
    x = leaf(1, 2)
    y = op(x).sum()
    y.backward()
    first = x.grad.tolist()
    with pytest.raises(RuntimeError, match=FREED):
        y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        grad(y, [x])
    assert x.grad.tolist() == first


@pytest.mark.parametrize("op", SAVES_NOTHING.values(), ids=SAVES_NOTHING)
def test_an_op_that_saved_nothing_can_run_again(op):
    x = leaf(1, 2)
    y = op(x).sum()
    y.backward()
    first = np.array(x.grad.tolist())
    y.backward()
    assert x.grad.tolist() == (2 * first).tolist()


@pytest.mark.parametrize("op", [*SAVES.values(), *SAVES_NOTHING.values()], ids=[*SAVES, *SAVES_NOTHING])
def test_a_graph_that_was_retained_can_run_again(op):
    x = leaf(1, 2)
    y = op(x).sum()
    y.backward(retain_graph=True)
    first = np.array(x.grad.tolist())
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == (3 * first).tolist()


def test_half_a_graph_may_be_freed():
    """Two outputs on one stem: the first backward frees the stem, unless it is retained."""
    x = leaf(1, 2)
    stem = x.exp()
    a, b = stem.sum(), (stem * stem).sum()
    a.backward()
    with pytest.raises(RuntimeError, match=FREED):
        b.backward()
    assert x.grad.tolist() == pytest.approx([math.e, math.e**2])


def test_create_graph_retains_the_graph():
    x = leaf(1, 2)
    y = (x * x * x).sum()
    y.backward(create_graph=True)
    assert x.grad.requires_grad
    y.backward()
    assert x.grad.tolist() == [6.0, 24.0]


# ---- Derivatives of derivatives ----


@pytest.mark.parametrize("function, orders", [
    (lambda x: x**4, [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x, lambda x: 24 + 0 * x]),
    (lambda x: x * x.exp(),
     [lambda x: (1 + x) * np.exp(x), lambda x: (2 + x) * np.exp(x), lambda x: (3 + x) * np.exp(x)]),
    (lambda x: 1 / x, [lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4]),
    (lambda x: x.sin(), [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]),
    (lambda x: x.log(), [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3]),
])
def test_derivatives_of_any_order(function, orders):
    x = leaf(0.5, 1.25, 2.0)
    value = function(x)
    for order in orders:
        (value,) = grad(value.sum(), [x], create_graph=True)
        np.testing.assert_allclose(value.detach().numpy(), order(x.detach().numpy()), rtol=1e-12)


def test_a_gradient_that_is_recorded_can_be_part_of_a_loss():
    """A penalty on the gradient, as WGAN-GP has it."""
    x, w = leaf(0.5, -1.0), leaf(2.0, 3.0)

    def penalized(x, w):
        score = (w * x).tanh().sum()
        (slope,) = grad(score, [x], create_graph=True)
        return score + (slope * slope).sum()

    penalized(x, w).backward()
    numeric = []
    for place in range(2):
        values = []
        for step in (1e-6, -1e-6):
            moved = w.detach().clone()
            moved[place] += step
            values.append(penalized(leaf(*x.tolist()), moved).item())
        numeric.append((values[0] - values[1]) / 2e-6)
    assert w.grad.tolist() == pytest.approx(numeric, rel=1e-6)


def test_gradients_of_gradients_of_everything_provided_by_gradcheck():
    def derivative(x, y):
        with terox.enable_grad():  # gradcheck calls it under no_grad too
            x, y = (each if each.requires_grad else each.requires_grad_() for each in (x, y))
            z = (x.matmul(y).softmax(-1).log() * x[:, :1]).std(0).sum() + (x / y.T).amax(1).mean()
            return grad(z, [x, y], create_graph=True)[0]

    terox.manual_seed(0)
    x, y = ((terox.rand(2, 3, dtype=terox.float64) + 0.5).requires_grad_() for _ in range(2))
    assert gradcheck(derivative, [x, y.detach().T.contiguous().requires_grad_()])


# ---- The gradient that comes in ----


def test_backward_of_more_than_one_number_needs_a_gradient():
    y = leaf(1, 2) * 2
    with pytest.raises(RuntimeError, match="implicitly created only for scalar outputs"):
        y.backward()
    for wrong, kind in ((terox.ones(3), RuntimeError), (1.0, TypeError), (terox.ones(()), RuntimeError),
                        ([1.0, 1.0], (RuntimeError, TypeError))):
        with pytest.raises(kind):
            y.backward(wrong)
    y.backward(plain(3, 5))


def test_what_has_no_history_cannot_go_backward():
    for tensor in (plain(1), leaf(1).detach(), leaf(1) > 0):
        with pytest.raises(RuntimeError, match="does not require grad"):
            tensor.backward()


def test_a_leaf_can_go_backward_by_itself():
    x = leaf(3.0)
    x.backward()
    x.backward(plain(2.0))
    assert x.grad.tolist() == [3.0]


def test_a_gradient_that_is_handed_in_stays_as_it_is():
    x, upstream = leaf(1, 2), plain(3, 5)
    (x + 0).backward(upstream)
    x.backward(upstream)
    x.grad.zero_()
    assert upstream.tolist() == [3.0, 5.0] and upstream._version == 0


# ---- Without history ----


def test_detach_and_data_share_memory_but_no_history():
    x = leaf(1, 2)
    y = x * 2
    for twin in (y.detach(), y.data):
        assert not twin.requires_grad and twin.is_leaf and twin.data_ptr() == y.data_ptr()
        twin[0] = 9.0
        assert y.tolist() == [9.0, 4.0]
    (y.detach() * x).sum().backward()
    assert x.grad.tolist() == [9.0, 4.0]


def test_data_can_be_exchanged():
    x = leaf(1, 2)
    (x * x).sum().backward()
    x.data = plain(5, 6)
    assert x.requires_grad and x.is_leaf and x.tolist() == [5.0, 6.0] and x.grad.tolist() == [2.0, 4.0]
    for wrong, kind in ((5.0, TypeError), ([1.0, 2.0], TypeError), (terox.tensor([1, 2]), RuntimeError)):
        with pytest.raises(kind):
            x.data = wrong
    assert x.tolist() == [5.0, 6.0]


def test_what_was_saved_does_not_see_exchanged_data():
    x = leaf(1, 2)
    y = (x * x).sum()
    x.data = plain(5, 6)
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_only_floating_point_tensors_require_grad():
    for tensor in (terox.tensor([1, 2]), terox.tensor([True])):
        with pytest.raises(RuntimeError, match="floating point"):
            tensor.requires_grad_()
        with pytest.raises(RuntimeError, match="floating point"):
            terox.tensor(tensor, requires_grad=True)
    x = leaf(1, 2)
    for result in (x > 1, x.long(), x.argmax(), x.bool(), x.isnan(), x.eq(x), x.nonzero()):
        assert not result.requires_grad and result.grad_fn is None


def test_requires_grad_of_a_result_cannot_be_switched_off():
    y = leaf(1, 2) * 2
    with pytest.raises(RuntimeError, match="leaf"):
        y.requires_grad = False
    y.requires_grad = True
    assert y.detach().requires_grad_().is_leaf


def test_modes():
    x = leaf(1, 2)
    with terox.no_grad():
        assert not (x * 2).requires_grad and not x[0].requires_grad and x.requires_grad
        with terox.enable_grad():
            assert (x * 2).requires_grad
    with terox.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @terox.no_grad()
    def doubled(x):
        return x * 2

    assert not doubled(x).requires_grad


def test_an_error_inside_an_op_leaves_the_mode_as_it_was():
    x = leaf(1, 2)
    for wrong in (lambda: x + terox.ones(3), lambda: x @ terox.ones(3), lambda: x.view(3), lambda: x[5]):
        with pytest.raises((RuntimeError, IndexError)):
            wrong()
        assert terox.is_grad_enabled() and (x * 2).requires_grad


def test_numpy_needs_a_tensor_without_history():
    x = leaf(1, 2)
    for tensor in (x, x * 2, x[0]):
        with pytest.raises(RuntimeError, match="detach"):
            tensor.numpy()
        with pytest.raises(RuntimeError, match="detach"):
            np.asarray(tensor)
    array = x.detach().numpy()
    array[0] = 7
    assert x.tolist() == [7.0, 2.0]


# ---- The graph as PyTorch shows it ----


def test_nodes_and_edges():
    x, w = leaf(1, 2), plain(3, 4)
    y = (x * w + x).sum()
    assert y.grad_fn.name() == "SumBackward0" and repr(y.grad_fn) == "<SumBackward0>"
    ((add, _),) = y.grad_fn.next_functions
    assert [node and node.name() for node, _ in add.next_functions] == ["MulBackward0", "AccumulateGrad"]
    mul = add.next_functions[0][0]
    assert [node and node.name() for node, _ in mul.next_functions] == ["AccumulateGrad", None]
    assert mul.next_functions[0][0].variable is x and mul.next_functions[0][0] is add.next_functions[1][0]


def test_leaves():
    x, k = leaf(1, 2), plain(3, 4)
    assert x.is_leaf and k.is_leaf and (k * 2).is_leaf and x.detach().is_leaf and not (x * 2).is_leaf
    assert x.grad_fn is None and (k * 2).grad_fn is None and not x[0].is_leaf


# ---- Scalars and tensors do not mix ----


def test_a_scalar_is_no_operand_of_a_tensor():
    x, s = leaf(1, 2), Scalar(2.0, requires_grad=True)
    for mixed in (lambda: x * s, lambda: s * x, lambda: x + s, lambda: x.add_(s), lambda: x @ s):
        with pytest.raises((TypeError, AttributeError, RuntimeError)):
            mixed()
    assert x._version == 0
