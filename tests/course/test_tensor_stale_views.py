"""Views, and what becomes of them when their base gets a new history."""

from __future__ import annotations

import pytest
from on_python import gradients, leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import Function, grad

STALE = "history is out of date"


# ---- Views, and what becomes of them ----

VIEWS = {"y[:1]": lambda y: y[:1], "y.T": lambda y: y.T, "view": lambda y: y.view(1, 2),
         "expand": lambda y: y.expand(2, 2),
         "y[0]": lambda y: y[0], "a view of a view": lambda y: y.unsqueeze(0)[0, 1:], "y[:]": lambda y: y[:],
         "reshape": lambda y: y.reshape(2, 1), "unbind": lambda y: y.unbind()[0], "made under no_grad": None}
USES = {"y * 2": lambda v: v * 2, "sum": lambda v: v.sum(), "view": lambda v: v.unsqueeze(0),
        "cat": lambda v: terox.cat([v.reshape(-1)]),
        "other operand": lambda v: 2.0 - v, "backward": lambda v: v.sum().backward(),
        "a Function": lambda v: Twice.apply(v),
        "in place": lambda v: v.add_(1), "grad": lambda v: grad(leaf(1).sum(), [v], allow_unused=True),
        "requires_grad_": lambda v: v.requires_grad_(), "assigned": lambda v: v.detach().clone().__setitem__(..., v)}


class Twice(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


def view_of(y, view):
    if view is None:
        with terox.no_grad():
            return y[:]
    return view(y)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("base", [lambda: leaf(1, 2) * 1, lambda: plain(1, 2)], ids=["with history", "without"])
def test_a_view_is_refused_once_its_base_has_a_new_history(base, view, use):
    """Also a view of a tensor that had no history when the view was taken: its gradient would be lost."""
    y = base()
    v = view_of(y, view)
    y *= leaf(2, 3)
    with pytest.raises(RuntimeError, match=STALE):
        use(v)
    fresh = view_of(y, view or VIEWS["y[:]"])
    fresh.sum().backward()


def test_a_view_stays_good_through_changes_that_are_not_recorded():
    x = leaf(1, 2)
    y = x * 1
    v = y[:1]
    with terox.no_grad():
        y += 1
    y.detach().mul_(2)
    assert v.tolist() == [4.0] and gradients(v * 3, x) == [[3.0, 0.0]]


def test_a_recorded_change_of_one_family_leaves_others_alone():
    """A detached tensor shares memory, not history: views of the one know nothing of the other's."""
    x = leaf(1, 2)
    y = x * 1
    v, d = y[:1], y.detach()
    of_d = d[:1]
    w = leaf(2, 3)
    d *= w
    assert gradients(v, x) == [[1.0, 0.0]]
    with pytest.raises(RuntimeError, match=STALE):
        of_d * 2
    of_y = d.detach()[1:]
    y *= 3
    assert (of_y * 2).requires_grad is False


def test_reading_a_stale_view_is_no_error():
    y = plain(1, 2)
    v = y[:1]
    y *= leaf(2, 3)
    assert v.tolist() == [2.0] and v.detach().item() == 2.0 and "2." in repr(v) and v.shape == (1,)
    with terox.no_grad():
        assert (v * 2).tolist() == [4.0]
        v += 1
    assert y.tolist() == [3.0, 6.0]


def test_a_base_that_requires_grad_later_makes_its_views_stale():
    b = plain(1, 2)
    v = b[:1]
    b.requires_grad_()
    with pytest.raises(RuntimeError, match=STALE):
        v * 2
    b.requires_grad_()
    assert gradients(b[:1] * 2, b) == [[2.0, 0.0]]


@pytest.mark.parametrize("base", [lambda: leaf(1, 2) * 1, lambda: plain(1, 2)], ids=["with history", "without"])
def test_a_recorded_write_through_a_view_is_refused_and_changes_nothing(base):
    y = base()
    v = y[:1]
    for write in (lambda: v.mul_(leaf(5)), lambda: v.__setitem__(0, leaf(5)[0]), lambda: v.copy_(leaf(5))):
        with pytest.raises(RuntimeError, match="view"):
            write()
    assert y.tolist() == [1.0, 2.0] and y._version == 0
    assert (v * 2).requires_grad is y.requires_grad


def test_a_view_may_be_a_leaf():
    b = plain(1, 2, 3)
    v = b[:2].requires_grad_()
    (v * v).sum().backward()
    assert v.grad.tolist() == [2.0, 4.0] and b.grad is None
    with terox.no_grad():
        v -= v.grad
    assert b.tolist() == [-1.0, -2.0, 3.0]
