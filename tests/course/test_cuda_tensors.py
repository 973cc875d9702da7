"""Tensors on the device "cuda": how they get there and back, what they refuse, and modules that move."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import terox
from terox import cuda
from terox.cuda import checks
from terox.optim import SGD
from terox.tensors import device as devices
from terox.tensors.mlp import MLP

devices.check("cuda")


@pytest.fixture(autouse=True)
def on_the_host():
    terox.manual_seed(0)
    before = terox.get_default_device()
    terox.set_default_device("cpu")
    yield
    terox.set_default_device(before)


# ---- There and back ----


def test_the_default_device_is_never_cuda_by_itself():
    terox.set_default_device(None)
    assert terox.get_default_device() in ("python", "cpu")


@pytest.mark.parametrize("home", ["python", "cpu"])
def test_to_and_its_short_forms(home):
    x = terox.tensor([[1.0, 2.0], [3.0, 4.0]], device=home)
    for there in (x.cuda(), x.to("cuda"), x.to("cuda:0"), x.to(device="cuda"), x.to(terox.zeros(1, device="cuda"))):
        assert there.device == "cuda" and there.is_cuda and not x.is_cuda
        assert there.tolist() == x.tolist() and there.dtype is x.dtype
    there = x.cuda()
    assert there.cuda() is there and there.to("cuda") is there and x.cpu() is x
    terox.set_default_device(home)
    back = there.cpu()
    assert back.device == home and back.tolist() == x.tolist()
    assert there.T.cpu().tolist() == [[1.0, 3.0], [2.0, 4.0]] and there[1:, 1].cpu().tolist() == [4.0]
    assert there.to("cuda", dtype=terox.float64).dtype is terox.float64
    terox.set_default_device("cuda")
    assert there.cpu().device in ("python", "cpu") and terox.zeros(2).is_cuda


def test_gradients_go_the_way_back():
    x = terox.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x.cuda()
    assert not y.is_leaf
    (y * terox.tensor([4.0, 5.0, 6.0], device="cuda")).sum().backward()
    assert x.grad.device == "cpu" and x.grad.tolist() == [4.0, 5.0, 6.0]
    leaf = terox.rand(3, device="cuda", requires_grad=True)
    (leaf.cpu() * 2).sum().backward()
    assert leaf.grad.is_cuda and leaf.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("make", [
    lambda d: terox.tensor([1, 2], device=d), lambda d: terox.zeros(2, 3, device=d), lambda d: terox.ones(2, device=d),
    lambda d: terox.empty(2, device=d), lambda d: terox.full((2, 2), 7, device=d),
    lambda d: terox.full((), 0.5, device=d),
    lambda d: terox.full((2,), True, device=d), lambda d: terox.arange(7, device=d),
    lambda d: terox.arange(2, 9, 3, device=d), lambda d: terox.arange(5, 0, -2, device=d),
    lambda d: terox.arange(0, 1, 0.25, device=d), lambda d: terox.arange(0.5, 9, 1.5, dtype=terox.int64, device=d),
    lambda d: terox.arange(3, dtype=terox.float64, device=d), lambda d: terox.arange(0, device=d),
    lambda d: terox.linspace(0, 1, 5, device=d), lambda d: terox.eye(3, device=d), lambda d: terox.eye(2, 4, device=d),
    lambda d: terox.eye(4, 2, dtype=terox.int64, device=d), lambda d: terox.eye(0, device=d),
    lambda d: terox.rand(3, device=d), lambda d: terox.randn(2, 2, device=d),
    lambda d: terox.randint(9, (4,), device=d),
    lambda d: terox.randperm(6, device=d), lambda d: terox.zeros(2, 0, 3, device=d),
    lambda d: terox.ones_like(terox.zeros(2, device=d)), lambda d: terox.zeros(2, device=d).new_ones(3),
    lambda d: terox.tensor(terox.ones(2, device=d)),
    lambda d: terox.stack([terox.ones(2, device=d), terox.zeros(2, device=d)]),
    lambda d: terox.where(terox.tensor([True, False], device=d))[0],
    lambda d: terox.tensor([0, 3, 4], device=d).nonzero(),
], ids=str)
def test_factories(make):
    terox.manual_seed(5)
    host = make("cpu")
    terox.manual_seed(5)
    there = make("cuda")
    assert there.is_cuda and there.dtype is host.dtype and there.shape == host.shape and there.tolist() == host.tolist()


def test_what_is_read_comes_through_a_transfer():
    x = terox.tensor([[1.5, -2.0], [0.0, 4.0]], device="cuda")
    assert x[0, 1].item() == -2.0 and float(x[0, 0]) == 1.5 and bool(x[1, 1]) and int(x[1, 1]) == 4
    assert f"{x[0, 0]:.2f}" == "1.50" and 4.0 in x and [row.tolist() for row in x] == x.tolist()
    assert repr(x) == "tensor([[ 1.5000, -2.0000],\n        [ 0.0000,  4.0000]], device='cuda:0')"
    assert repr(terox.zeros(0, device="cuda")) == "tensor([], device='cuda:0')"
    assert terox.allclose(x, x.clone()) and terox.equal(x, x) and x.data_ptr() == x[0].data_ptr() != x[1].data_ptr()


def test_numpy_is_refused_with_pytorchs_words():
    x = terox.ones(2, device="cuda")
    words = ("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu\\(\\) to copy the tensor to host memory "
             "first.")
    for call in (x.numpy, lambda: np.asarray(x), x.requires_grad_().numpy):
        with pytest.raises(TypeError, match=words):
            call()
    assert x.detach().cpu().numpy().tolist() == [1.0, 1.0]


def test_copies_and_pickles():
    x = terox.tensor([[1.0, 2.0], [3.0, 4.0]], device="cuda", requires_grad=True)
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.is_cuda and twin.requires_grad and twin.tolist() == x.tolist() and twin.data_ptr() != x.data_ptr()
    pair = copy.deepcopy([x.detach(), x.detach()[1]])
    pair[0].fill_(0)
    assert pair[1].tolist() == [0.0, 0.0] and x.tolist() == [[1.0, 2.0], [3.0, 4.0]]


# ---- What is refused ----


def test_tensors_of_different_devices_do_not_mix():
    here, there = terox.ones(2, 2), terox.ones(2, 2, device="cuda")
    index = terox.zeros(2, 2, device="cuda", dtype=terox.int64)
    words = ("Expected all tensors to be on the same device, but found at least two devices, "
             "(cuda:0 and cpu|cpu and cuda:0)!")
    for call in (lambda: here + there, lambda: there @ here, lambda: terox.cat([here, there]),
                 lambda: terox.where(here > 0, there, there), lambda: here.gather(0, index),
                 lambda: there.gather(0, index.cpu()), lambda: there.add_(here), lambda: here.maximum(there),
                 lambda: there.take(index.cpu())):
        with pytest.raises(RuntimeError, match=words):
            call()
    with pytest.raises(RuntimeError, match="different device"):
        here.grad = there
    with pytest.raises(RuntimeError, match="indices should be either on the host or on the same device"):
        here[index]
    assert there[index.cpu()].is_cuda and there[[0, 1]].is_cuda and there[np.array([True, False])].shape == (1, 2)
    assert here.copy_(there * 3).tolist() == [[3.0, 3.0], [3.0, 3.0]]


@pytest.mark.parametrize("call, error, words", [
    (lambda x, n: x[n([0, 3])], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
    (lambda x, n: x[:, n([-3])], IndexError, "index -3 is out of bounds for dimension 1 with size 2"),
    (lambda x, n: x[n([0, 1]), n([0, 2])], IndexError, "index 2 is out of bounds for dimension 1 with size 2"),
    (lambda x, n: x.__setitem__(n([5]), 1.0), IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
    (lambda x, n: x.gather(1, n([[2]])), RuntimeError, "gather.*index 2 is out of bounds for dimension 1 with size 2"),
    (lambda x, n: x.scatter_add(0, n([[-1]]), x), RuntimeError, "scatter_add.*index -1 is out of bounds"),
    (lambda x, n: x.take(n([0, 6])), IndexError, "tried to access index 6 on a tensor of 6 elements"),
    (lambda x, n: terox.tensors.network_ops.cross_entropy(x, n([0, 1, 2])), IndexError,
     "Target 2 is out of bounds; there are 2 classes"),
])
def test_an_index_out_of_range_is_told_and_no_harm_done(call, error, words):
    import terox.tensors.network_ops  # noqa: F401

    x = terox.arange(6.0, device="cuda").view(3, 2)
    with pytest.raises(error, match=words):
        call(x, lambda numbers: terox.tensor(numbers, device="cuda"))
    assert x.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    cuda.synchronize()  # nothing is left of it
    assert x[terox.tensor([-1], device="cuda")].tolist() == [[4.0, 5.0]]


def test_on_a_gpu_such_an_error_comes_when_the_host_waits(monkeypatch):
    """As far as that can be seen without one: nobody looks before the next transfer."""
    monkeypatch.setattr(checks, "started", lambda: None)
    x = terox.arange(3, device="cuda")
    y = x[terox.tensor([7], device="cuda")] + 1
    with pytest.raises(IndexError, match="index 7"):
        y.tolist()
    assert y.shape == (1,)


# ---- Modules ----


def test_a_module_moves_in_place():
    model = MLP([3, 4, 2])
    model.register_buffer("steps", terox.tensor(5))
    model.register_buffer("scale", terox.tensor(0.5))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.5)
    before, names = list(model.parameters()), list(model.state_dict())
    model(terox.rand(2, 3)).sum().backward()
    grads = [parameter.grad.tolist() for parameter in before]
    values = [parameter.tolist() for parameter in before]
    for moved in (model.cuda(), model.to("cuda")):
        assert moved is model
    assert list(map(id, model.parameters())) == list(map(id, before)) and list(model.state_dict()) == names
    for parameter, value, grad in zip(model.parameters(), values, grads):
        assert parameter.is_cuda and parameter.is_leaf and parameter.requires_grad and parameter.grad.is_cuda
        assert parameter.tolist() == value and parameter.grad.tolist() == grad
    assert model.steps.is_cuda and model.scale.is_cuda
    optimizer.step()  # knows them still
    assert [parameter.tolist() for parameter in model.parameters()] != values
    model.to(terox.float64)
    assert {each.dtype for each in model.parameters()} == {terox.float64} == {model.scale.dtype}
    assert model.steps.dtype is terox.int64
    model.float().cpu()
    assert {each.device for each in model.state_dict().values()} == {"cpu"}
    assert model(terox.rand(2, 3)).device == "cpu" and model.double().layer0.weight.dtype is terox.float64
    with pytest.raises(TypeError, match="only accepts floating point"):
        model.to(terox.int64)


def test_a_state_dict_is_saved_and_loaded():
    model = MLP([3, 2]).cuda()
    saved = pickle.dumps(model.state_dict())
    for device in ("cuda", "cpu"):
        other = MLP([3, 2], device=device)
        other.load_state_dict(pickle.loads(saved))
        assert {each.device for each in other.parameters()} == {device}
        assert [each.tolist() for each in other.parameters()] == [each.tolist() for each in model.parameters()]
    twin = copy.deepcopy(model)
    twin.layer0.weight.data.fill_(0)
    assert twin.layer0.weight.is_cuda and model.layer0.weight.tolist() != twin.layer0.weight.tolist()
