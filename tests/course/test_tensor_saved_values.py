"""The version counter, and how it makes an error of what would be a wrong gradient."""

from __future__ import annotations

import numpy as np
import pytest
from on_python import gradients, leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import grad

CHANGED = "modified by an inplace operation"


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
