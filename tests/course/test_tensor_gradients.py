"""Gradients of tensors: where they add up, whose memory they have, and the hooks that see them."""

from __future__ import annotations

import numpy as np
import pytest
from on_python import leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import Scalar, grad

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
