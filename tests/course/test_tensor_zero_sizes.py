"""Tensors without dimensions and tensors without elements go through everything."""

from __future__ import annotations

import pytest
from on_python import leaf, on_python, plain  # noqa: F401

import terox
from terox.autograd import grad, gradcheck

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
