"""`terox.autograd.Function` on Tensors, and `gradcheck`: the doors through which a user's own derivatives come in."""

from __future__ import annotations

import numpy as np
import pytest
from on_python import Cube, leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import Function, grad, gradcheck
from terox.autograd.numeric import GradcheckError

CHANGED = "modified by an inplace operation"


def function(forward, backward):
    """A Function made of two lambdas."""
    return type("Own", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


class Exp(Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y


class Polar(Function):
    """Two inputs, two outputs; saves both of each."""

    @staticmethod
    def forward(ctx, r, phi):
        a, b = r * phi.cos(), r * phi.sin()
        ctx.save_for_backward(r, phi, a, b)
        return a, b

    @staticmethod
    def backward(ctx, grad_a, grad_b):
        r, phi, a, b = ctx.saved_tensors
        return (grad_a * a + grad_b * b) / r, grad_b * a - grad_a * b


class Scale(Function):
    """Takes a number beside a tensor; broadcasts."""

    @staticmethod
    def forward(ctx, x, factor, bias):
        ctx.factor = factor
        return x * factor + bias

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None, grad


# ---- Forward and backward ----


@pytest.mark.parametrize("of_input", [Cube.apply, Exp.apply, lambda x: Scale.apply(x, 3.0, x[:1]),
                                      lambda x: Polar.apply(x, x * 0.5)[0], lambda x: Polar.apply(x, x)[1] * x,
                                      lambda x: sum(Polar.apply(x + 1, Exp.apply(x))),
                                      lambda x: Cube.apply(Cube.apply(x))])
def test_gradcheck_of_functions(of_input):
    assert gradcheck(of_input, [leaf(0.5, 1.25, -0.75)])
    assert gradcheck(of_input, [terox.tensor([[0.5], [1.25]], dtype=terox.float64, requires_grad=True)[:, 0]
                                .detach().requires_grad_()])


def test_forward_gets_tensors_without_history_and_with_gradients_off():
    seen = []
    w = leaf(3.0)

    def forward(ctx, x):
        seen.append((type(x) is terox.Tensor, x.requires_grad, terox.is_grad_enabled(), (x * w).requires_grad))
        return x * 2

    y = function(forward, lambda ctx, g: g * 2).apply(leaf(1, 2))
    assert seen == [(True, False, False, False)]
    assert terox.is_grad_enabled() and y.grad_fn.name() == "OwnBackward0" and not y.is_leaf


def test_backward_is_recorded_only_with_create_graph():
    seen = []
    x = leaf(1, 2)

    def backward(ctx, g):
        seen.append((type(g) is terox.Tensor, terox.is_grad_enabled(), g.requires_grad))
        return g * 2

    y = function(lambda ctx, x: x * 2, backward).apply(x)
    grad(y.sum(), [x], retain_graph=True)
    grad(y, [x], leaf(1, 1), create_graph=True)
    assert seen == [(True, False, False), (True, True, True)]


def test_an_error_in_forward_or_backward_leaves_everything_as_it_was():
    def fail(*args):
        raise KeyError("own")

    x = leaf(1, 2)
    with pytest.raises(KeyError):
        function(fail, fail).apply(x)
    assert terox.is_grad_enabled()
    y = function(lambda ctx, x: x * 2, fail).apply(x)
    for create_graph in (False, True):
        with pytest.raises(KeyError):
            y.sum().backward(create_graph=create_graph)
        assert terox.is_grad_enabled() and x.grad is None


def test_without_a_gradient_to_be_had_nothing_is_recorded():
    y = Cube.apply(plain(1, 2))
    assert y.grad_fn is None and not y.requires_grad
    with terox.no_grad():
        assert not Cube.apply(leaf(1, 2)).requires_grad


def test_numbers_alone_are_no_arguments():
    with pytest.raises(TypeError, match="at least one"):
        Cube.apply(2.0)


@pytest.mark.parametrize("result", [None, 2.0, "a", [1.0]])
def test_forward_has_to_return_tensors(result):
    with pytest.raises(TypeError, match="a Tensor was expected"):
        function(lambda ctx, x: result, None).apply(leaf(1))


def test_needs_input_grad_and_gradients_of_none():
    seen = []

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g * 5, None, None

    x, k = leaf(1, 2), plain(3, 4)
    function(lambda ctx, x, k, n: x * k * n, backward).apply(x, k, 2).sum().backward()
    assert seen == [(True, False, False)] and x.grad.tolist() == [5.0, 5.0] and k.grad is None


def test_a_gradient_of_none_adds_nothing():
    x = leaf(1, 2)
    y = function(lambda ctx, x: x * 2, lambda ctx, g: None).apply(x)
    (y + x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    y = function(lambda ctx, x: x * 2, lambda ctx, g: None).apply(x)
    with pytest.raises(RuntimeError, match="not have been used"):
        grad(y.sum(), [x])


# ---- What backward returns ----


@pytest.mark.parametrize("wrong, kind", [
    (lambda g: terox.ones(3, dtype=terox.float64), RuntimeError),
    (lambda g: terox.ones((), dtype=terox.float64), RuntimeError),
    (lambda g: terox.ones(1, dtype=terox.float64), RuntimeError), (lambda g: (g, g), RuntimeError),
    (lambda g: 2.0, RuntimeError),
    (lambda g: (), RuntimeError), (lambda g: g.numpy(), RuntimeError), (lambda g: g.reshape(2, 1), RuntimeError),
], ids=["shape", "no dimensions", "size 1", "too many", "number", "none at all", "array", "column"])
def test_what_is_no_gradient_of_the_input_is_refused(wrong, kind):
    x = leaf(1, 2)
    with pytest.raises(kind):
        function(lambda ctx, x: x * 2, lambda ctx, g: wrong(g)).apply(x).sum().backward()
    assert x.grad is None


def test_a_gradient_of_a_broadcast_input_is_summed_and_converted():
    x = terox.ones(3, requires_grad=True)
    y = function(lambda ctx, x: x * 2, lambda ctx, g: terox.ones(2, 3, dtype=terox.float64)).apply(x)
    y.sum().backward()
    assert x.grad.dtype is terox.float32 and x.grad.tolist() == [2.0, 2.0, 2.0]
    bias = leaf(1)
    Scale.apply(plain(1, 2, 3), 2.0, bias).sum().backward()
    assert bias.grad.tolist() == [3.0]


def test_it_is_refused_too_when_the_graph_was_freed():
    """A Function that saved nothing can run again; its gradients are still looked at."""
    shapes = [2, 3]
    x = leaf(1, 2)
    y = function(lambda ctx, x: x * 2, lambda ctx, g: terox.ones(shapes.pop(0), dtype=terox.float64)).apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="invalid gradient"):
        y.backward()


def test_further_gradients_of_none_do_not_matter():
    x = leaf(1, 2)
    function(lambda ctx, x: x * 2, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


# ---- Several outputs ----


def test_a_gradient_for_each_output_and_zeros_for_one_that_was_not_used():
    seen = []

    def backward(ctx, a, b):
        seen.append((a.tolist(), b.tolist(), a.dtype is b.dtype))
        return a * 2 + b * 3

    both = function(lambda ctx, x: (x * 2, (x * 3).sum()), backward)
    x = leaf(1, 2)
    a, b = both.apply(x)
    (a[1] * 5).backward()
    b.backward()
    assert seen == [([0.0, 5.0], 0.0, True), ([0.0, 0.0], 1.0, True)]
    assert x.grad.tolist() == [3.0, 13.0]
    assert (a.output_nr, b.output_nr) == (0, 1) and a.grad_fn is b.grad_fn


def test_an_output_of_whole_numbers_has_no_history():
    x = leaf(1, 2)
    own = function(lambda ctx, x: (x.amax(), x.argmax()), lambda ctx, g, _: g.expand(2) * plain(0, 1))
    largest, where = own.apply(x)
    assert largest.requires_grad and not where.requires_grad and where.grad_fn is None
    largest.backward()
    assert x.grad.tolist() == [0.0, 1.0]


def test_hooks_and_retained_gradients_of_several_outputs():
    r, phi = leaf(2.0), leaf(0.5)
    a, b = Polar.apply(r, phi)
    seen = []
    b.register_hook(lambda g: seen.append(g.tolist()))
    a.retain_grad()
    (a * 3 + b * 5).sum().backward()
    assert seen == [[5.0]] and a.grad.tolist() == [3.0] and b.grad is None


# ---- What was saved ----


@pytest.mark.parametrize("change", [lambda x: x.add_(1), lambda x: x.detach().zero_(), lambda x: x.__setitem__(0, 9.0),
                                    lambda x: x.data.mul_(2), lambda x: x.mul_(leaf(2, 3))])
def test_a_saved_value_that_was_changed_is_noticed(change):
    for own, place in ((Cube, 0), (Exp, 1), (Polar, 2)):
        for create_graph in (False, True):
            x = leaf(1, 2)
            y = x * 1
            out = own.apply(y, y) if own is Polar else own.apply(y)
            out = out[0] if isinstance(out, tuple) else out
            z = out.sum()
            change([y, out, out][place])
            with pytest.raises(RuntimeError, match=CHANGED):
                z.backward(create_graph=create_graph)
            assert x.grad is None


def test_what_was_not_saved_may_be_changed():
    x = leaf(1, 2)
    y = x * 1
    z = Scale.apply(y, 2.0, 0.0)
    y += 1
    z += 1
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_saved_values_are_freed():
    x = leaf(1, 2)
    y = Cube.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        Cube.apply(x).sum().grad_fn.next_functions[0][0].saved_tensors and y.grad_fn.next_functions[0][0].saved_tensors


def test_only_tensors_and_none_can_be_saved():
    def forward(value):
        def run(ctx, x):
            ctx.save_for_backward(x, value)
            return x * 2

        return run

    x = leaf(1, 2)
    for value in (3.0, "a", [x], np.ones(2)):
        with pytest.raises(TypeError, match="can only save variables, but argument 1"):
            function(forward(value), None).apply(x)
    own = function(forward(None), lambda ctx, g: g * ctx.saved_tensors[0] if ctx.saved_tensors[1] is None else None)
    (g,) = grad(own.apply(x).sum(), [x], create_graph=True)
    assert g.tolist() == [1.0, 2.0]


# ---- Derivatives of derivatives ----


@pytest.mark.parametrize("own, orders", [
    (Cube.apply, [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6 + 0 * x]),
    (Exp.apply, [np.exp, np.exp, np.exp]),
    (lambda x: Scale.apply(Cube.apply(x), 2.0, x), [lambda x: 6 * x**2 + 1, lambda x: 12 * x]),
    (lambda x: Polar.apply(x, x)[0], [lambda x: np.cos(x) - x * np.sin(x), lambda x: -2 * np.sin(x) - x * np.cos(x)]),
    (lambda x: Polar.apply(x, x)[1], [lambda x: np.sin(x) + x * np.cos(x), lambda x: 2 * np.cos(x) - x * np.sin(x)]),
])
def test_derivatives_of_any_order(own, orders):
    x = leaf(0.5, 1.25, -0.75)
    value = own(x)
    for order in orders:
        (value,) = grad(value.sum(), [x], create_graph=True)
        np.testing.assert_allclose(value.detach().numpy(), order(x.detach().numpy()), rtol=1e-12, atol=1e-12)


def test_a_constant_that_was_saved_cannot_be_differentiated_again():
    """A value computed in forward, which is neither input nor output, has no history to be given back."""
    def forward(ctx, x):
        ctx.save_for_backward(x * 2)
        return x * x

    x = leaf(1, 2)
    y = function(forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x).sum()
    (g,) = grad(y, [x], retain_graph=True)
    assert g.tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="neither an input nor the output"):
        grad(y, [x], create_graph=True)


# ---- Memory that is shared ----


def test_an_output_that_is_the_input_is_a_view_of_it():
    same = function(lambda ctx, x: x, lambda ctx, g: g * 5)
    x = leaf(1, 2)
    y = same.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr() and y.grad_fn.name() == "OwnBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    with pytest.raises(RuntimeError, match="view"):
        y += 1
    assert x.tolist() == [1.0, 2.0]
    base = plain(1, 2)
    out = same.apply(base)
    base *= leaf(2, 3)
    with pytest.raises(RuntimeError, match="out of date"):
        out * 2


def test_an_output_that_is_a_view_of_the_input():
    first = function(lambda ctx, x: x[:1], lambda ctx, g: terox.cat([g, g * 0]))
    x = leaf(1, 2)
    y = first.apply(x * 1)
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 0.0]
    with pytest.raises(RuntimeError, match="view"):
        y += 1


def test_gradients_that_backward_hands_on_are_not_shared():
    both = function(lambda ctx, x, y: x + y, lambda ctx, g: (g, g))
    x, y = leaf(1, 2), leaf(3, 4)
    for create_graph in (False, True):
        x.grad = y.grad = None
        both.apply(x, y).sum().backward(create_graph=create_graph)
        x.grad.detach().zero_()
        assert y.grad.tolist() == [1.0, 1.0]


# ---- gradcheck ----


def test_gradcheck_takes_tensors_of_any_shape_and_numbers():
    terox.manual_seed(1)
    x = terox.rand(2, 3, dtype=terox.float64, requires_grad=True)
    assert gradcheck(lambda x, n, k: (x**n * k).sum(0), [x, 3, terox.rand(3, dtype=terox.float64)])
    assert gradcheck(lambda x: x.T @ x, [x[:, ::2].detach().requires_grad_()])
    assert gradcheck(lambda x: x.sum(), [terox.tensor(0.5, dtype=terox.float64, requires_grad=True)])
    assert gradcheck(lambda x: x * 2, [terox.zeros(0, 2, dtype=terox.float64, requires_grad=True)])


@pytest.mark.parametrize("backward",
                         [lambda ctx, g: g * 3, lambda ctx, g: g * 0 + 2, lambda ctx, g: g.flip(0) if hasattr(g, "flip")
                                      else g[[1, 0]] * 2, lambda ctx, g: None])
def test_gradcheck_finds_wrong_derivatives(backward):
    wrong = function(lambda ctx, x: x * 2, backward)
    assert gradcheck(wrong.apply, [leaf(1, 2)], raise_exception=False) is False
    with pytest.raises(GradcheckError, match="input 0, element"):
        gradcheck(wrong.apply, [leaf(1, 2)])


def test_gradcheck_leaves_its_inputs_alone():
    x = leaf(1, 2)
    gradcheck(lambda x: x * x, [x])
    assert x.grad is None and x.tolist() == [1.0, 2.0] and x._version == 0
    with pytest.raises(ValueError, match="requires grad"):
        gradcheck(lambda x: x, [plain(1)])
