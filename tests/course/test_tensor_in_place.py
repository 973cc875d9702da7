"""In-place operations: what they change, what they must not change, and their gradients."""

from __future__ import annotations

import pytest
from on_python import gradients, leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import gradcheck
from terox.tensors.node import OpNode

# ---- Gradients through in-place operations ----

IN_PLACE = {
    "y += 1": lambda y, w: y.add_(1),
    "y *= w": lambda y, w: y.mul_(w),
    "y *= y": lambda y, w: y.mul_(y),
    "y *= y[:]": lambda y, w: y.mul_(y[:]),
    "y /= w": lambda y, w: y.div_(w),
    "y = w / y": lambda y, w: y.pow_(-1).mul_(w),
    "several": lambda y, w: y.exp_().log_().mul_(w).sigmoid_().sqrt_(),
    "relu_": lambda y, w: y.sub_(2.0).relu_(),
    "clamp_": lambda y, w: y.clamp_(0.5, 2.0),
    "zero_ and more": lambda y, w: y.zero_().add_(w),
    "fill_": lambda y, w: y.fill_(w[0]),
    "copy_": lambda y, w: y.copy_(w),
    "y[0] = w[1]": lambda y, w: _assigned(y, 0, w[1]),
    "y[1:] = w[:1]": lambda y, w: _assigned(y, slice(1, None), w[:1]),
    "y[:] = w": lambda y, w: _assigned(y, slice(None), w),
    "y[[1, 0]] = y": lambda y, w: _assigned(y, [1, 0], y + w),
    "y[mask] = w[0]": lambda y, w: _assigned(y, terox.tensor([True, False]), w[0]),
    "y[...] += w": lambda y, w: _assigned(y, ..., y[...] + w),
    "masked_fill_": lambda y, w: y.masked_fill_(terox.tensor([False, True]), w[0]),
    "broadcast": lambda y, w: y.mul_(w[1]),
}


def _assigned(y, index, value):
    y[index] = value
    return y


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_gradients_through_in_place_operations_are_right(change):
    def function(x, w):
        y = x * 2
        before = y.sum()  # does not keep y, and has the old gradient
        change(y, w)
        return y * x + before

    assert gradcheck(function, [leaf(0.75, 1.25), leaf(0.5, 2.0)])


def test_zeros_that_are_written_into_get_a_history():
    x = leaf(1, 2)
    out = terox.zeros(3, 2, dtype=terox.float64)
    out[1] = x
    out[2, 0] = x[1] * 2
    assert out.requires_grad and out.grad_fn is not None
    assert gradients(out * plain(3, 5), x) == [[3.0, 5.0 + 6.0]]


def test_an_in_place_result_in_another_dtype_keeps_the_dtype():
    x = terox.ones(2, requires_grad=True)
    y = x * 1
    w = leaf(2, 3)
    y *= w
    assert y.dtype is terox.float32
    y.sum().backward()
    assert x.grad.dtype is terox.float32 and x.grad.tolist() == [2.0, 3.0]
    assert w.grad.dtype is terox.float64 and w.grad.tolist() == [1.0, 1.0]
    z = terox.zeros(2)
    z.copy_(w)
    assert z.dtype is terox.float32 and gradients(z * 3, w) == [[3.0, 3.0]]


# ---- Leaves ----


@pytest.mark.parametrize("change", [lambda x: x.add_(1), lambda x: x.zero_(), lambda x: x.__setitem__(0, 9.0),
                                    lambda x: x.__iadd__(1), lambda x: x.copy_(plain(0, 0)),
                                    lambda x: x.fill_(1.0), lambda x: x[:1].mul_(2)])
def test_a_leaf_that_requires_grad_is_changed_only_under_no_grad(change):
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="leaf|view"):
        change(x)
    assert x.tolist() == [1.0, 2.0] and x._version == 0 and x.is_leaf
    with terox.no_grad():
        change(x)
    assert x.tolist() != [1.0, 2.0] and x._version == 1
    assert x.is_leaf and x.requires_grad and x.grad_fn is None


def test_under_no_grad_no_history_is_left():
    x = leaf(1, 2)
    y = x * 3
    node = y.grad_fn
    with terox.no_grad():
        y.add_(x)
        y[0] = 5.0
    assert y.grad_fn is node and gradients(y, x) == [[3.0, 3.0]]


# ---- Errors change nothing ----

FAIL = {
    "shape": lambda y: y.add_(terox.ones(3, 2)),
    "shape that does not fit": lambda y: y.mul_(terox.ones(3)),
    "copy_": lambda y: y.copy_(terox.ones(3)),
    "copy_ of text": lambda y: y.copy_("a"),
    "text": lambda y: y.__iadd__("a") if y.__iadd__("a") is not NotImplemented else _type_error(),
    "index": lambda y: y.__setitem__(2, 1.0),
    "numbers": lambda y: y.__setitem__([0, 2], 1.0),
    "value": lambda y: y.__setitem__(slice(None), terox.ones(3)),
    "value of text": lambda y: y.__setitem__(0, "a"),
    "mask": lambda y: y.masked_fill_(terox.ones(3).bool(), 1.0),
    "mask of numbers": lambda y: y.masked_fill_(terox.ones(2), 1.0),
    "mask of another shape": lambda y: y.__setitem__(terox.ones(3).bool(), 1.0),
    "value of a mask": lambda y: y.masked_fill_(terox.ones(2).bool(), terox.ones(2)),
    "fill_": lambda y: y.fill_(terox.ones(2)),
    "clamp_": lambda y: y.clamp_(),
    "in an expanded tensor": lambda y: y.unsqueeze(0).expand(3, 2).detach().add_(1),
}


def _type_error():
    raise TypeError


@pytest.mark.parametrize("fail", FAIL.values(), ids=FAIL)
@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
def test_an_in_place_operation_that_raises_changes_nothing(history, fail):
    x = leaf(1, 2)
    y = x * 1 if history else plain(1, 2)
    z = y * y
    node, impl = y.grad_fn, y.impl
    with pytest.raises((RuntimeError, TypeError, IndexError, ValueError)):
        fail(y)
    assert y.tolist() == [1.0, 2.0] and y._version == 0
    assert y.grad_fn is node and y.impl is impl and y.requires_grad is history
    if history:
        assert gradients(z, x) == [[2.0, 4.0]]
        y += 1
        assert gradients(y, x) == [[1.0, 1.0]]


@pytest.mark.parametrize("fail", [lambda n: n.add_(1.5), lambda n: n.div_(2), lambda n: n.mul_(terox.ones(2)),
                                  lambda n: n.exp_(), lambda n: n.floor_divide(0), lambda n: n.requires_grad_()])
def test_a_result_that_the_dtype_cannot_hold_is_refused(fail):
    n = terox.tensor([1, 2])
    with pytest.raises(RuntimeError):
        fail(n)
    assert n.tolist() == [1, 2] and n._version == 0 and not n.requires_grad


# ---- Memory that is read and written at once ----


@pytest.mark.parametrize("write, wanted", [
    (lambda x: x.__setitem__(slice(1, None), x[:-1]), [1, 1, 2, 3]),
    (lambda x: x.__setitem__(slice(None, -1), x[1:]), [2, 3, 4, 4]),
    (lambda x: x.__setitem__([1, 0], x[:2]), [2, 1, 3, 4]),
    (lambda x: x.__setitem__([3, 2, 1, 0], x), [4, 3, 2, 1]),
    (lambda x: x.view(2, 2).copy_(x.view(2, 2).T), [1, 3, 2, 4]),
    (lambda x: x.add_(x[3]), [5, 6, 7, 8]),
    (lambda x: x[1:].sub_(x[:-1]), [1, 1, 1, 1]),
    (lambda x: x.view(2, 2).__iadd__(x.view(2, 2).T), [2, 5, 5, 8]),
    (lambda x: x.copy_(x), [1, 2, 3, 4]),
])
def test_a_tensor_may_be_overwritten_with_parts_of_itself(write, wanted):
    """What is read is read before it is written."""
    x = plain(1, 2, 3, 4)
    write(x)
    assert x.tolist() == wanted


def test_of_two_values_for_one_place_one_is_kept():
    x = plain(1, 2)
    x[[0, 0]] = plain(5, 6)
    assert x[0].item() in (5.0, 6.0) and x[1].item() == 2.0


# ---- Hooks and retained gradients around an in-place operation ----


def test_retain_grad_follows_the_tensor():
    """`grad` is that of the numbers that the tensor has at the end."""
    x = leaf(1, 2)
    y = x * 1
    y.retain_grad()
    y.mul_(3).mul_(5)
    assert y.retains_grad
    (y * 2).sum().backward()
    assert y.grad.tolist() == [2.0, 2.0] and x.grad.tolist() == [30.0, 30.0]


def test_hooks_stay_with_the_numbers_for_which_they_were_registered():
    x = leaf(1, 2)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(("before", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("after", g.tolist())))
    y.sum().backward()
    assert sorted(seen) == [("after", [1.0, 1.0]), ("before", [3.0, 3.0])]


def test_what_a_node_saved_is_not_the_tensor():
    """An in-place op gives the tensor a new history; nodes that saved it keep the old one."""
    x = leaf(2, 3)
    y = x * 1
    z = y * y
    assert isinstance(z.grad_fn, OpNode)
    assert z.grad_fn.next_functions[0][0] is y.grad_fn
    before = y.grad_fn
    y += 1
    assert y.grad_fn is not before and z.grad_fn.next_functions[0][0] is before
