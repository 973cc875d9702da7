"""Parameters, modules, state and the optimizer with Tensors, whose memory can be shared by mistake."""

from __future__ import annotations

import copy
import pickle

import pytest
from on_python import on_python  # noqa: F401

import terox
from terox.nn import Module, Parameter
from terox.optim import SGD
from terox.tensors.mlp import MLP
from terox.tensors.training import cross_entropy, fit, predict, train_epoch


def numbers(module):
    return {name: value.tolist() for name, value in module.state_dict().items()}


class Normalized(Module):
    """With a buffer."""

    def __init__(self):
        super().__init__()
        self.weight = Parameter(terox.ones(2))
        self.register_buffer("mean", terox.zeros(2))

    def forward(self, x):
        return (x - self.mean) * self.weight


# ---- Parameter ----


def test_a_parameter_is_a_leaf_on_the_same_memory():
    x = terox.ones(2)
    y = terox.ones(2, requires_grad=True) * 3
    for value in (x, y):
        p = Parameter(value)
        assert isinstance(p, Parameter) and type(p) is terox.Tensor and p.is_leaf and p.requires_grad and p.grad is None
        assert p is not value and p.data_ptr() == value.data_ptr()
        with terox.no_grad():
            p += 1
        assert value.tolist() == p.tolist()
    assert not isinstance(x, Parameter) and not x.requires_grad and y.grad_fn is not None
    assert not Parameter(x, requires_grad=False).requires_grad


def test_what_cannot_be_a_parameter():
    for wrong in (1.0, None, "a", [1.0]):
        with pytest.raises(TypeError):
            Parameter(wrong)
    with pytest.raises(RuntimeError, match="floating point"):
        Parameter(terox.tensor([1, 2]))
    assert isinstance(Parameter(terox.tensor([1, 2]), requires_grad=False), Parameter)


def test_a_parameter_prints_as_one_and_computes_as_a_tensor():
    p = Parameter(terox.ones(2))
    assert repr(p).startswith("Parameter containing:\ntensor([1., 1.]") and "requires_grad=True" in repr(p)
    assert not isinstance(p * 2, Parameter) and not isinstance(p.detach(), Parameter)
    assert not isinstance(p[0], Parameter) and not isinstance(p.clone(), Parameter)


# ---- Modules ----


def test_a_module_finds_tensors_that_are_parameters_and_only_them():
    class Own(Module):
        def __init__(self):
            super().__init__()
            self.w = Parameter(terox.ones(2, 2))
            self.plain = terox.ones(2, requires_grad=True)
            self.layer = MLP([2, 3, 1])
            self.again = self.w

    names = [name for name, _ in Own().named_parameters()]
    assert names == ["w", "layer.layer0.weight", "layer.layer0.bias", "layer.layer1.weight", "layer.layer1.bias"]


def test_zero_grad():
    model = Normalized()
    model(terox.ones(2)).sum().backward()
    kept = model.weight.grad
    model.zero_grad()
    assert model.weight.grad is None and kept.tolist() == [1.0, 1.0]


def test_a_parameter_that_two_modules_share_gets_both_gradients():
    first, second = Normalized(), Normalized()
    second.weight = first.weight
    (first(terox.tensor([1.0, 2.0])) + second(terox.tensor([3.0, 4.0]))).sum().backward()
    assert first.weight.grad.tolist() == [4.0, 6.0]


# ---- state_dict ----


def test_a_state_dict_shares_memory_with_its_module():
    """As PyTorch's does. Whoever wants to keep the state of now takes a copy."""
    model = Normalized()
    state, kept = model.state_dict(), copy.deepcopy(model.state_dict())
    assert set(state) == {"weight", "mean"} and not state["weight"].requires_grad
    with terox.no_grad():
        model.weight += 1
    assert state["weight"].tolist() == [2.0, 2.0] and kept["weight"].tolist() == [1.0, 1.0]
    model.load_state_dict(kept)
    assert model.weight.tolist() == [1.0, 1.0]


def test_loading_copies_and_shares_nothing():
    one, other = MLP([2, 3, 1]), MLP([2, 3, 1])
    parameters = list(one.parameters())
    before = numbers(other)
    assert numbers(one) != before
    one.load_state_dict(other.state_dict())
    assert numbers(one) == before
    assert all(a is b for a, b in zip(one.parameters(), parameters)), "the optimizer knows these"
    assert all(p.is_leaf and p.requires_grad and isinstance(p, Parameter) for p in one.parameters())
    with terox.no_grad():
        for p in one.parameters():
            p.zero_()
    assert numbers(other) == before


def test_loading_ones_own_state_changes_nothing():
    model = MLP([2, 3, 1])
    before = numbers(model)
    model.load_state_dict(model.state_dict())
    assert numbers(model) == before


def test_loading_converts_dtypes_and_refuses_shapes():
    model = Normalized()
    model.load_state_dict({"weight": terox.tensor([3.0, 4.0], dtype=terox.float64), "mean": terox.tensor([1, 2])})
    assert model.weight.dtype is terox.float32 and model.weight.tolist() == [3.0, 4.0] and model.mean.tolist() == [1.0,
                                                                                                                   2.0]
    for wrong in (terox.ones(3), terox.ones(2, 2)):
        with pytest.raises(RuntimeError):
            model.load_state_dict({"weight": wrong, "mean": terox.zeros(2)})
    assert model.weight.tolist() == [3.0, 4.0]
    with pytest.raises(RuntimeError, match="Missing key.*mean.*Unexpected key.*other"):
        model.load_state_dict({"weight": terox.zeros(2), "other": terox.zeros(2)})
    assert numbers(model) == {"weight": [3.0, 4.0], "mean": [1.0, 2.0]}


def test_loading_between_forward_and_backward_is_noticed():
    model = Normalized()
    x = terox.ones(2, requires_grad=True)
    loss = model(x).sum()
    model.load_state_dict({"weight": terox.zeros(2), "mean": terox.zeros(2)})
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_copies_of_a_module_share_nothing():
    model = Normalized()
    model(terox.ones(2)).sum().backward()
    twin = copy.deepcopy(model)
    assert isinstance(twin.weight, Parameter) and twin.weight.requires_grad and twin.weight.is_leaf
    assert twin.weight.grad.tolist() == model.weight.grad.tolist()
    with terox.no_grad():
        twin.weight.zero_()
        twin.mean.fill_(7.0)
        twin.weight.grad.zero_()
    assert numbers(model) == {"weight": [1.0, 1.0], "mean": [0.0, 0.0]} and model.weight.grad.tolist() == [1.0, 1.0]


def test_a_state_dict_can_be_pickled():
    state = MLP([2, 2]).state_dict()
    again = pickle.loads(pickle.dumps(state))
    assert {name: value.tolist() for name, value in again.items()} == {name: v.tolist() for name, v in state.items()}
    view = terox.ones(100, 100)[:1, :2]
    assert len(pickle.dumps(view)) < 10_000, "a view takes along what it shows, and not all of its storage"


# ---- SGD ----


def quadratic(p):
    return (p * p).sum()


@pytest.mark.parametrize("lr, momentum, weight_decay",
                         [(0.5, 0.0, 0.0), (0.25, 0.5, 0.0), (0.25, 0.75, 0.5), (0.0, 0.5, 0.5)])
def test_sgd_does_what_its_formula_says(lr, momentum, weight_decay):
    p = Parameter(terox.tensor([1.0, -2.0], dtype=terox.float64))
    optimizer = SGD([p], lr=lr, momentum=momentum, weight_decay=weight_decay)
    values, velocity = [1.0, -2.0], [0.0, 0.0]
    for _ in range(4):
        optimizer.zero_grad()
        quadratic(p).backward()
        optimizer.step()
        velocity = [momentum * v + 2 * x + weight_decay * x for x, v in zip(values, velocity)]
        values = [x - lr * v for x, v in zip(values, velocity)]
        assert p.tolist() == pytest.approx(values, rel=1e-14, abs=1e-14)
    assert p.is_leaf and p.requires_grad and isinstance(p, Parameter) and p._version == 4


def test_a_step_writes_into_the_parameter_itself():
    memory = terox.tensor([1.0, 2.0])
    p = Parameter(memory)
    address, kept = p.data_ptr(), p.detach()
    quadratic(p).backward()
    SGD([p], lr=0.5).step()
    assert p.data_ptr() == address and p.tolist() == kept.tolist() == memory.tolist() == [0.0, 0.0]
    assert p.grad.tolist() == [2.0, 4.0], "the gradient stays as it was"


@pytest.mark.parametrize("spoil", [lambda p: p.grad.zero_(), lambda p: p.grad.fill_(100.0),
                                   lambda p: setattr(p, "grad", None), lambda p: p.grad.add_(1)])
def test_the_velocity_is_not_the_gradient(spoil):
    """The gradient may be changed in place after a step."""
    p = Parameter(terox.tensor([4.0], dtype=terox.float64))
    optimizer = SGD([p], lr=0.125, momentum=0.5)
    quadratic(p).backward()
    optimizer.step()  # v = 8, p = 3
    spoil(p)
    p.grad = terox.tensor([2.0], dtype=terox.float64)
    optimizer.step()  # v = 4 + 2, p = 3 - 0.75
    assert p.tolist() == [2.25]


def test_two_parameters_do_not_share_a_velocity():
    p, q = (Parameter(terox.tensor([1.0], dtype=terox.float64)) for _ in range(2))
    optimizer = SGD([p, q], lr=1.0, momentum=1.0)
    (p + q).sum().backward()
    optimizer.step()
    q.grad = None
    optimizer.step()
    assert (p.tolist(), q.tolist()) == ([-2.0], [0.0])


def test_zero_grad_of_the_optimizer():
    p, q = Parameter(terox.ones(2)), Parameter(terox.ones(2))
    optimizer = SGD([p, q], lr=1.0)
    quadratic(p).backward()
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0] and q.grad is None
    optimizer.step()
    assert p.tolist() == [1.0, 1.0]
    optimizer.zero_grad()
    assert p.grad is None and kept.shape == (2,)


def test_a_step_after_a_recorded_backward_leaves_no_history():
    p = Parameter(terox.tensor([1.0], dtype=terox.float64))
    optimizer = SGD([p], lr=0.25, momentum=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        quadratic(p).backward(create_graph=True)
        optimizer.step()
    assert p.is_leaf and all(not velocity.requires_grad for velocity in optimizer._velocity.values())


def test_a_backward_after_a_step_on_what_was_saved_is_noticed():
    p = Parameter(terox.tensor([1.0, 2.0]))
    loss = quadratic(p)
    loss.backward(retain_graph=True)
    SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_wrong_settings():
    p = Parameter(terox.ones(2))
    for call, kind in ((lambda: SGD([], lr=0.1), ValueError), (lambda: SGD([p], lr=-1.0), ValueError),
                       (lambda: SGD([p], momentum=-1.0), ValueError), (lambda: SGD([p], weight_decay=-1.0), ValueError),
                       (lambda: SGD([1.0]), TypeError), (lambda: SGD(p), TypeError),
                       (lambda: SGD([p * 2]), ValueError), (lambda: SGD([p[0]]), ValueError)):
        with pytest.raises(kind):
            call()


# ---- Training ----


def test_training_learns_and_leaves_the_data_alone():
    images = terox.randn(40, 2)
    labels = (images[:, 0] > images[:, 1]).long()
    before = images.tolist(), labels.tolist(), images._version
    model = MLP([2, 8, 2])
    history = fit(model, SGD(model.parameters(), lr=0.5, momentum=0.9), images, labels, epochs=5, batch_size=8)
    assert history[-1] < 0.5 * history[0]
    assert (predict(model, images) == labels).sum().item() >= 36
    assert (images.tolist(), labels.tolist(), images._version) == before and model.training


def test_the_same_seed_gives_the_same_network():
    runs = []
    for _ in range(2):
        terox.manual_seed(7)
        model = MLP([2, 4, 2])
        images, labels = terox.randn(10, 2), terox.randint(2, (10,))
        train_epoch(model, SGD(model.parameters(), lr=0.1), images, labels, 4, terox.randperm(10))
        runs.append(numbers(model))
    assert runs[0] == runs[1]


def test_cross_entropy_refuses_what_does_not_fit():
    logits = terox.zeros(2, 3)
    for target in (terox.tensor([0, 3]), terox.tensor([0, -1]), terox.tensor([0, 1, 2]), terox.tensor([0.0, 1.0])):
        with pytest.raises((RuntimeError, IndexError, ValueError)):
            cross_entropy(logits, target)


def test_a_network_of_no_layers():
    for sizes in ([], [3], [2, 0], [2, -1, 2]):
        with pytest.raises(ValueError, match="MLP"):
            MLP(sizes)
