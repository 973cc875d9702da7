"""The graph of tensors: freed and kept, hooks, retained gradients, detached values, and where gradients add up."""

from __future__ import annotations

import math

import numpy as np
import pytest

import terox
from terox.autograd import Scalar, grad, gradcheck

FREED = "backward through the graph a second time"


@pytest.fixture(autouse=True)
def on_python():
    before = terox.get_default_device()
    terox.set_default_device("python")
    yield
    terox.set_default_device(before)


def leaf(*numbers):
    return terox.tensor(numbers, dtype=terox.float64, requires_grad=True)


def plain(*numbers):
    return terox.tensor(numbers, dtype=terox.float64)


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


# ---- Gradients add up, in memory of their own ----


def test_gradients_of_two_passes_add_up():
    x = leaf(1, 2)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    assert first.tolist() == [2.0, 4.0], "the old gradient is a tensor of its own"
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


SHARING = {
    "x + y": lambda x, y: x + y,
    "(x + y).sum()": lambda x, y: (x + y).sum(),
    "views": lambda x, y: (x.view(2, 1) + y.view(2, 1)).view(2),
    "x.T + y": lambda x, y: x.T + y,
    "expand": lambda x, y: (x.expand(3, 2) + y).sum(),
    "cat": lambda x, y: terox.cat([x, y]),
    "stack": lambda x, y: terox.stack([x, y]),
    "clone": lambda x, y: x.clone() + y.clone(),
    "x, and again": lambda x, y: x + y + x,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("function", SHARING.values(), ids=SHARING)
def test_gradients_of_two_leaves_never_share_memory(function, create_graph):
    x, y = leaf(1, 2), leaf(3, 4)
    output = function(x, y)
    upstream = terox.ones(output.shape, dtype=terox.float64)
    output.backward(upstream, create_graph=create_graph)
    for one, others in ((x.grad, [y.grad, upstream]), (y.grad, [x.grad, upstream])):
        assert one.is_contiguous()
        before = [other.tolist() for other in others]
        one.detach().mul_(7)
        assert [other.tolist() for other in others] == before


def test_retained_gradients_have_memory_of_their_own():
    x = leaf(1, 2)
    a, b = x * 1, x * 2
    a.retain_grad()
    b.retain_grad()
    (a + b).sum().backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [3.0, 3.0]


def test_a_gradient_has_shape_dtype_and_device_of_its_leaf():
    x = terox.ones(2, 1, requires_grad=True)
    ((x + plain(1, 2, 3)) * terox.tensor([2.0], dtype=terox.float64)).sum().backward()
    assert x.grad.shape == (2, 1) and x.grad.dtype is terox.float32 and x.grad.device == x.device
    assert x.grad.tolist() == [[6.0], [6.0]]


@pytest.mark.parametrize("wrong, kind", [(1.0, TypeError), ("a", TypeError), ([1.0, 1.0], TypeError),
                                         (Scalar(1.0), TypeError), (terox.float32, TypeError)])
def test_what_is_no_gradient_cannot_be_assigned(wrong, kind):
    x = leaf(1, 2)
    with pytest.raises(kind):
        x.grad = wrong
    for tensor in (plain(1), terox.ones(2), plain(1, 2).view(1, 2)):
        with pytest.raises(RuntimeError):
            x.grad = tensor
    assert x.grad is None
    x.grad = plain(5, 6)
    (x * 1).sum().backward()
    assert x.grad.tolist() == [6.0, 7.0]


# ---- Hooks ----


def test_a_hook_sees_the_whole_gradient_and_may_replace_it():
    x = leaf(1, 2)
    y = x * 2
    seen = []
    y.register_hook(lambda gradient: seen.append(gradient.tolist()))
    y.register_hook(lambda gradient: gradient * 10)
    y.register_hook(lambda gradient: seen.append(gradient.tolist()))
    (y * 3 + y * 4).sum().backward()
    assert seen == [[7.0, 7.0], [70.0, 70.0]] and x.grad.tolist() == [140.0, 140.0]


def test_a_hook_on_a_leaf_changes_what_is_added_to_grad():
    x = leaf(1, 2)
    handle = x.register_hook(lambda gradient: gradient * 10)
    (x * 1).sum().backward()
    handle.remove()
    (x * 1).sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("wrong", [2.0, "a", terox.ones(3), terox.ones(()), terox.ones(1, 2), np.ones(2)],
                         ids=["number", "text", "shape", "no dimensions", "more dimensions", "array"])
@pytest.mark.parametrize("on", ["leaf", "result"])
def test_a_hook_that_returns_no_gradient_of_the_same_shape_is_an_error(on, wrong, create_graph):
    x = leaf(1, 2)
    y = x * 2
    (x if on == "leaf" else y).register_hook(lambda gradient: wrong)
    with pytest.raises((TypeError, RuntimeError)):
        y.sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_hooks_are_differentiated_with_create_graph():
    x = leaf(2, 3)
    y = x * x
    handle = y.register_hook(lambda gradient: gradient * y)
    (g,) = grad(y.sum(), [x], create_graph=True)
    handle.remove()
    (h,) = grad(g.sum(), [x])
    assert g.tolist() == [16.0, 54.0] and h.tolist() == [24.0, 54.0]  # 2 x**3, and its derivative


def test_without_create_graph_a_hook_runs_unrecorded():
    x = leaf(2, 3)
    seen = []
    x.register_hook(lambda gradient: seen.append((gradient.requires_grad, (gradient * x).requires_grad)))
    x.sum().backward()
    assert seen == [(False, False)]


def test_a_hook_needs_a_tensor_that_requires_grad():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        plain(1).register_hook(print)
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        plain(1).retain_grad()


# ---- retain_grad, inputs, grad ----


def test_retained_gradients():
    x = leaf(1, 2)
    y = x * 2
    z = y * y
    y.retain_grad()
    assert y.retains_grad and not z.retains_grad and not x.retains_grad
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [4.0, 8.0] and z.grad is None
    z.sum().backward()
    assert y.grad.tolist() == [8.0, 16.0] and x.grad.tolist() == [16.0, 32.0]


def test_backward_into_some_inputs_alone():
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * w
    y.sum().backward(inputs=[w])
    assert x.grad is None and w.grad.tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * w).sum().backward(inputs=[])


def test_grad_leaves_grad_alone_and_goes_to_results_too():
    x = leaf(1, 2)
    y = x * 2
    z = y * y
    of_y, of_x = grad(z.sum(), [y, x])
    assert of_y.tolist() == [4.0, 8.0] and of_x.tolist() == [8.0, 16.0]
    assert x.grad is None and not of_x.requires_grad and isinstance(of_x, terox.Tensor)


def test_grad_of_what_was_not_used():
    x, w = leaf(1, 2), leaf(3, 4)
    with pytest.raises(RuntimeError, match="not have been used"):
        grad((x * 2).sum(), [x, w])
    assert grad((x * 2).sum(), [w], allow_unused=True) == (None,)
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(x.sum(), [plain(1)])


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


# ---- 0-d and empty tensors through all of it ----

EMPTY = {
    "sum": lambda x: x.sum(), "exp": lambda x: x.exp(), "x * x": lambda x: x * x, "x / 2": lambda x: x / 2,
    "mean of dim 1": lambda x: x.mean(1), "view": lambda x: x.view(3, 0), "T": lambda x: x.T,
    "x[0:0]": lambda x: x[0:0],
    "x @ x.T": lambda x: x @ x.T, "x.T @ x": lambda x: x.T @ x, "cat": lambda x: terox.cat([x, x]),
    "softmax": lambda x: x.softmax(1), "logsumexp": lambda x: x.logsumexp(1), "expand": lambda x: x.expand(2, 0, 3),
    "x[[]]": lambda x: x[[]], "gather": lambda x: x.gather(1, terox.zeros(0, 2, dtype=terox.int64)),
    "amax": lambda x: x.amax(1), "var": lambda x: x.var(1), "prod": lambda x: x.prod(),
    "where": lambda x: terox.where(x > 0, x, 1.0),
    "broadcast": lambda x: x + plain(1, 2, 3), "broadcast to it": lambda x: x[:, :1] * x, "relu": lambda x: x.relu(),
    "clone": lambda x: x.clone(), "float": lambda x: x.float(), "reshape": lambda x: x.reshape(0),
    "mask": lambda x: x[x > 0],
    "permute": lambda x: x.permute(1, 0), "pow": lambda x: x**2.0, "log_softmax": lambda x: x.log_softmax(0),
}


@pytest.mark.parametrize("op", EMPTY.values(), ids=EMPTY)
def test_a_tensor_without_elements_goes_through_everything(op):
    x = terox.zeros(0, 3, dtype=terox.float64, requires_grad=True)
    y = op(x)
    y.backward(terox.ones(y.shape, dtype=y.dtype))
    assert x.grad.shape == (0, 3) and x.grad.tolist() == []
    x.grad = None
    (g,) = grad(op(x).sum(), [x], create_graph=True)
    assert g.shape == (0, 3)


def test_a_tensor_without_elements_is_changed_in_place():
    x = terox.zeros(0, 3, dtype=terox.float64, requires_grad=True)
    y = x * 1
    y += 1
    y[0:0] = 5.0
    y.mul_(terox.ones(1, 3))
    y.sum().backward()
    assert y.shape == (0, 3) and x.grad.shape == (0, 3)


ZERO_D = {
    "exp": lambda x: x.exp(), "x * x": lambda x: x * x, "sum": lambda x: x.sum(), "mean": lambda x: x.mean(),
    "amax": lambda x: x.amax(), "view": lambda x: x.view(1, 1), "unsqueeze": lambda x: x.unsqueeze(0),
    "expand": lambda x: x.expand(3), "softmax": lambda x: x.softmax(0) * x, "logsumexp": lambda x: x.logsumexp(0),
    "x[...]": lambda x: x[...], "x[None]": lambda x: x[None], "T": lambda x: x.T, "max(0)": lambda x: x.max(0).values,
    "gather": lambda x: x.gather(0, terox.tensor(0)), "stack": lambda x: terox.stack([x, x]),
    "sum(0)": lambda x: x.sum(0),
    "sum, keepdim": lambda x: x.sum(0, keepdim=True), "broadcast": lambda x: x * plain(1, 2),
    "prod": lambda x: x.prod(),
    "squeeze": lambda x: x.squeeze(), "flatten": lambda x: x.flatten(), "reshape": lambda x: x.reshape(-1),
    "where": lambda x: terox.where(x > 0, x, 0.0), "clamp": lambda x: x.clamp(0.0, 5.0), "pow": lambda x: 2.0**x,
    "permute": lambda x: x.permute(), "index_select": lambda x: x.index_select(0, terox.tensor([0])),
    "log_softmax": lambda x: x.log_softmax(-1) + x,
}


@pytest.mark.parametrize("op", ZERO_D.values(), ids=ZERO_D)
def test_a_tensor_without_dimensions_goes_through_everything(op):
    x = terox.tensor(1.25, dtype=terox.float64, requires_grad=True)
    assert gradcheck(op, [x])
    op(x).sum().backward()
    assert x.grad.shape == () and isinstance(x.grad.item(), float)


def test_a_tensor_without_dimensions_is_changed_in_place():
    x = terox.tensor(1.25, dtype=terox.float64, requires_grad=True)
    y = x * 1
    y += 1
    y *= x
    y[...] = y + 2
    y.backward()
    assert y.item() == 2.25 * 1.25 + 2 and x.grad.item() == 3.5
    with pytest.raises(IndexError):
        y[0] = 1.0
    with pytest.raises(RuntimeError):
        y += terox.ones(1)
    assert y.shape == () and y._version == 3


# ---- Scalars and tensors do not mix ----


def test_a_scalar_is_no_operand_of_a_tensor():
    x, s = leaf(1, 2), Scalar(2.0, requires_grad=True)
    for mixed in (lambda: x * s, lambda: s * x, lambda: x + s, lambda: x.add_(s), lambda: x @ s):
        with pytest.raises((TypeError, AttributeError, RuntimeError)):
            mixed()
    assert x._version == 0
