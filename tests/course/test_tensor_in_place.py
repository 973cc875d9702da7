"""In-place operations: what they change, what they must not change, and how a wrong gradient becomes an error."""

from __future__ import annotations

import numpy as np
import pytest

import terox
from terox.autograd import Function, grad, gradcheck
from terox.tensors.node import OpNode

CHANGED = "modified by an inplace operation"
STALE = "history is out of date"


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


def gradients(output, *inputs):
    return [gradient.tolist() for gradient in grad(output.sum(), inputs)]


# ---- The version counter ----


def test_a_tensor_its_views_and_its_detached_twins_share_one_counter():
    base = plain(1, 2, 3, 4)
    twins = [base, base[:2], base.view(2, 2).T[0], base.detach(), base.data, base[1:].detach(), base.expand(3, 4),
             base.unsqueeze(0).squeeze(), base.reshape(4, 1)]
    counts = [base._version]
    for change in (lambda: base.add_(1), lambda: base[:2].mul_(2), lambda: base.detach().zero_(),
                   lambda: base.view(2, 2).T.copy_(terox.ones(2)), lambda: base.__setitem__(0, 5.0),
                   lambda: base.__setitem__([0, 1], 5.0), lambda: base.data.exp_()):
        change()
        assert {each._version for each in twins} == {base._version}
        counts.append(base._version)
    assert counts == sorted(set(counts)), "each change counts"


def test_copies_have_a_counter_of_their_own():
    base = plain(1, 2)
    base += 1
    copies = [base.clone(), base + 0, base.to(terox.float32), base[[0, 1]], base.expand(2, 2).contiguous(),
              terox.tensor(base), terox.cat([base])]
    before = [copy._version for copy in copies]
    base += 1
    assert [copy._version for copy in copies] == before
    for copy in copies:
        copy += 1
    assert base._version == 2 and base.tolist() == [3.0, 4.0]


def test_every_in_place_form_gives_what_its_twin_gives_and_counts_once():
    other = plain(2, 3)
    forms = {
        "add_": [other], "sub_": [other], "mul_": [other], "div_": [other], "pow_": [2.0], "clamp_": [0.5, 1.0],
        "masked_fill_": [terox.tensor([True, False]), 7.0], "neg_": [], "abs_": [], "exp_": [], "log_": [], "sqrt_": [],
        "relu_": [], "sigmoid_": [], "tanh_": [],
    }
    for name, args in forms.items():
        x = plain(0.25, 4.0)
        wanted = getattr(x, name.removesuffix("_"))(*args).tolist()
        address = x.data_ptr()
        assert getattr(x, name)(*args) is x, name
        assert x.tolist() == wanted and x._version == 1 and x.data_ptr() == address, name


@pytest.mark.parametrize("operator", ["+=", "-=", "*=", "/=", "//=", "%=", "**="])
def test_operators_change_the_tensor_itself(operator):
    names = {"x": plain(5.0, 9.0)}
    x = names["x"]
    exec(f"x {operator} 2", {}, names)
    assert names["x"] is x and x._version == 1
    assert x.tolist() == eval(f"numpy {operator[:-1]} 2", {"numpy": np.array([5.0, 9.0])}).tolist()


def test_writing_through_a_view_is_seen_in_its_base_and_in_other_views():
    base = terox.zeros(3, 4)
    column, block = base[:, 1], base.T[1:3, ::2]
    column += 1
    assert block.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    block[1] = 5
    assert base.tolist() == [[0, 1, 5, 0], [0, 1, 0, 0], [0, 1, 5, 0]]


# ---- What was saved may not be changed ----

# How the numbers of y are changed after y was used.
CHANGES = {
    "+= 1": lambda y: y.add_(1),
    "zero_": lambda y: y.zero_(),
    "a recorded change": lambda y: y.mul_(leaf(2, 3)),
    "item assignment": lambda y: y.__setitem__(0, 5.0),
    "item assignment by numbers": lambda y: y.__setitem__([0], 5.0),
    "through detach()": lambda y: y.detach().add_(1),
    "through data": lambda y: y.data.add_(1),
    "through a view of detach()": lambda y: y.detach()[1:].zero_(),
    "under no_grad": lambda y: _without(lambda: y.add_(1)),
    "through a view under no_grad": lambda y: _without(lambda: y[:1].add_(1)),
    "copy_ under no_grad": lambda y: _without(lambda: y.copy_(plain(0, 0))),
}
# Ops that need y itself, and ops that need their result.
NEED_INPUT = {"y * y": lambda y: y * y, "y / 2 (other operand)": lambda y: plain(1, 2) / y,
              "y.log()": lambda y: y.log(),
              "y @ y": lambda y: y @ y, "y.amax()": lambda y: y.amax(), "y.sin()": lambda y: y.sin(),
              "maximum": lambda y: y.maximum(plain(0, 0))}
NEED_RESULT = {"exp": lambda y: y.exp(), "tanh": lambda y: y.tanh(), "sigmoid": lambda y: y.sigmoid(),
               "sqrt": lambda y: y.sqrt(), "softmax": lambda y: y.softmax(0), "reciprocal": lambda y: y.reciprocal()}
NEED_NEITHER = {"y + 1": lambda y: y + 1, "y * 2": lambda y: y * 2, "y.sum()": lambda y: y.sum(), "-y": lambda y: -y,
                "y.mean()": lambda y: y.mean(), "y / 2": lambda y: y / 2, "cat": lambda y: terox.cat([y, y]),
                "y[[0]]": lambda y: y[[0]], "clone": lambda y: y.clone(), "to": lambda y: y.to(terox.float32)}


def _without(change):
    with terox.no_grad():
        change()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("op", NEED_INPUT.values(), ids=NEED_INPUT)
def test_an_input_that_was_saved_may_not_be_changed(op, change):
    x = leaf(1, 2)
    y = x * 1
    z = op(y)
    change(y)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("op", NEED_RESULT.values(), ids=NEED_RESULT)
def test_a_result_that_was_saved_may_not_be_changed(op, change):
    x = leaf(1, 2)
    z = op(x)
    change(z)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("op", NEED_NEITHER.values(), ids=NEED_NEITHER)
def test_what_was_not_saved_may_be_changed(op, change):
    """Neither the input nor the result of these ops is needed for the gradient; so changing them does not spoil it."""
    x = leaf(1, 2)
    y = x * 1
    wanted = gradients(op(x), x)
    z = op(y)
    result = z.sum()
    change(y)
    assert gradients(result, x) == wanted


@pytest.mark.parametrize("op", NEED_INPUT.values(), ids=NEED_INPUT)
def test_a_saved_input_may_be_changed_where_no_gradient_needs_it(op):
    """`x * 3` does not keep x, and what needs no gradient keeps nothing."""
    y = plain(1, 2)
    z = op(y)
    y += 1
    assert not z.requires_grad


def test_a_leaf_changed_between_forward_and_backward_is_noticed():
    x = leaf(1, 2)
    y = (x * x).sum()
    with terox.no_grad():
        x -= 0.1
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_the_error_names_dtype_shape_origin_and_both_versions():
    y = leaf(1, 2) * 1
    z = y.exp() * y
    y += 1
    y += 1
    with pytest.raises(RuntimeError, match=r"float64 \[2\].*output 0 of MulBackward0.*version 2; expected version 0"):
        z.sum().backward()


def test_a_mask_or_index_that_was_saved_may_not_be_changed():
    x, mask, index = leaf(1, 2), terox.tensor([True, False]), terox.tensor([0, 0])
    for z, saved in ((terox.where(mask, x, 0.0), mask), (x.masked_fill(mask, 1.0), mask), (x.gather(0, index), index)):
        saved.zero_()
        with pytest.raises(RuntimeError, match=CHANGED):
            z.sum().backward()


@pytest.mark.parametrize("index", [[0, 0], [True, False]], ids=["numbers", "mask"])
def test_an_index_in_brackets_may_be_changed(index):
    """Its numbers are taken out when the op runs."""
    x, index = leaf(1, 2), terox.tensor(index)
    z = x[index]
    index.zero_().add_(1) if index.dtype is terox.int64 else index.zero_()
    assert gradients(z, x) == [[float(z.numel()), 0.0]]


def test_after_a_change_a_second_backward_notices_it_too():
    x = leaf(1, 2)
    y = x * 1
    z = (y * y).sum()
    z.backward(retain_graph=True)
    y += 1
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()


def test_a_recorded_backward_notices_what_was_changed_after_it():
    x = leaf(1, 2)
    y = x.exp()
    (g,) = grad(y.sum(), [x], create_graph=True)
    y.detach().add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        g.sum().backward()


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
