"""What the device "cpu" does at once is what the ops that it is made of give; and a step of SGD keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest

import terox
from terox.optim import SGD
from terox.optim.sgd import sgd_step
from terox.parallel import handover
from terox.tensors import network_ops
from terox.tensors.mlp import MLP
from terox.tensors.table import COMPOSITE, KERNELS
from terox.tensors.training import cross_entropy

EPS = float(np.finfo(np.float32).eps)


@pytest.fixture(autouse=True)
def on_cpu():
    before = terox.get_default_device()
    terox.set_default_device("cpu")
    yield
    terox.set_default_device(before)


def _rand(*shape, seed=0):
    return terox.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def _close(got, want):
    got, want = got.detach().numpy(), want.detach().numpy()
    assert got.shape == want.shape
    assert np.allclose(got, want, rtol=100 * EPS, atol=100 * EPS)


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_softmax_and_its_relatives(op, dim):
    x = _rand(4, 3, 5).permute(2, 0, 1)
    y = KERNELS[op, COMPOSITE](x, (dim,))
    _close(KERNELS[op, "cpu"](x, (dim,)), y)
    grad = _rand(5, 4, 3, seed=1)
    _close(KERNELS[f"{op}_back", "cpu"](grad, y, (dim,)), KERNELS[f"{op}_back", COMPOSITE](grad, y, (dim,)))
    for keepdim in (False, True):
        _close(KERNELS["logsumexp", "cpu"](x, (dim,), keepdim), KERNELS["logsumexp", COMPOSITE](x, (dim,), keepdim))


@pytest.mark.parametrize("shape", [(6, 3), (3,), (2, 5, 3)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_with_blas_and_without(shape, with_bias):
    x, w, b = _rand(*shape), _rand(4, 3, seed=1), _rand(4, seed=2) if with_bias else None
    out = network_ops.linear(x, w, b)
    _close(out, KERNELS["linear", COMPOSITE](x, w, b))
    with handover.disabled():
        _close(network_ops.linear(x, w, b), out)


def test_cross_entropy():
    x, t = _rand(7, 5), terox.tensor([0, 4, 2, 2, 1, 3, 0])
    _close(network_ops.cross_entropy(x, t), cross_entropy(x, t))
    grad = terox.tensor(3.0)
    fused, composed = (KERNELS["cross_entropy_loss_back", where] for where in ("cpu", COMPOSITE))
    _close(fused(grad, x, t), composed(grad, x, t))


def test_nan_among_the_logits_is_no_wrong_class():
    assert np.isnan(network_ops.cross_entropy(terox.tensor([[float("nan"), 1.0]]), terox.tensor([1])).item())
    with pytest.raises(IndexError, match="2 is out of bounds"):
        network_ops.cross_entropy(terox.tensor([[float("nan"), 1.0]]), terox.tensor([2]))


def test_one_node_for_each_op():
    x = _rand(7, 5).requires_grad_()
    loss = network_ops.cross_entropy(x, terox.tensor([0, 4, 2, 2, 1, 3, 0]))
    assert [node for node, _ in loss.grad_fn.next_functions] == [x.gradient_edge()[0]]


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"weight_decay": 0.1},
                                      {"momentum": 0.9, "weight_decay": 0.1}])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_step_of_sgd(settings, transposed, monkeypatch):
    def trained():
        p = _rand(5, 3).requires_grad_()
        optimizer = SGD([p], lr=0.1, **settings)
        for seed in range(4):
            grad = _rand(3, 5, seed=seed).T if transposed else _rand(5, 3, seed=seed)
            p.grad, kept, version = grad, grad.clone(), p._version
            optimizer.step()
            assert p._version == version + 1
            assert (grad == kept).all()
        return p

    fused = trained()
    monkeypatch.setitem(KERNELS, ("sgd_step", "cpu"), sgd_step)
    _close(fused, trained())


def test_a_step_with_a_gradient_on_the_parameters_own_memory():
    p = _rand(4, 4).requires_grad_()
    before = p.detach().numpy().copy()
    p.grad = p.detach().T
    SGD([p], lr=0.5).step()
    assert np.allclose(p.detach().numpy(), before - 0.5 * before.T, atol=10 * EPS)


def test_a_saved_weight_that_was_stepped_on_is_refused():
    w = _rand(4, 3).requires_grad_()
    x = _rand(2, 3).requires_grad_()
    out = network_ops.linear(x, w).sum()
    w.grad = _rand(4, 3, seed=1)
    SGD([w], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_an_mlp_learns_the_same_with_either_linear():
    grads = []
    for options in ({}, {"linear": network_ops.linear}):
        terox.manual_seed(0)
        model = MLP([6, 5, 3], **options)
        network_ops.cross_entropy(model(_rand(8, 6)), terox.arange(8) % 3).backward()
        grads.append([p.grad for p in model.parameters()])
    for a, b in zip(*grads):
        _close(a, b)


@pytest.mark.parametrize("number", [2.0, float("nan"), -0.0])
def test_a_number_on_either_side(number):
    x = _rand(3, 40)
    for got, want in ((x * number, x.numpy() * np.float32(number)), (number - x, np.float32(number) - x.numpy()),
                      (x + x[:, :1], x.numpy() + x.numpy()[:, :1])):
        assert np.array_equal(got.numpy(), want, equal_nan=True)


def test_the_largest_is_nan_where_there_is_one():
    x = terox.tensor([[1.0, float("nan"), 3.0], [-1.0, -5.0, -0.5]])
    for got, want in ((x.amax(1), [np.nan, -0.5]), (x.amin(1), [np.nan, -5.0])):
        assert np.array_equal(got.numpy(), np.array(want, np.float32), equal_nan=True)


def test_sigmoid_far_from_zero():
    x = terox.tensor([-1000.0, -80.0, 0.0, 80.0, 1000.0, float("inf"), float("-inf"), float("nan")])
    want = [0.0, float(np.float32(np.exp(-80.0))), 0.5, 1.0, 1.0, 1.0, 0.0, np.nan]
    assert np.allclose(x.sigmoid().numpy(), want, rtol=4 * EPS, atol=0.0, equal_nan=True)
