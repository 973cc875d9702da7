"""A training step on the device "cuda": it agrees with "cpu", copies nothing, and the program trains."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import terox
from course import manifest
from course.skeleton import render
from examples import gpu
from terox import cuda
from terox.optim import SGD
from terox.tensors import network_ops, training
from terox.tensors.mlp import MLP
from terox.tensors.table import COMPOSITE, KERNELS

FEW = ["--images", "20", "--epochs", "1", "--hidden", "3"]


def steps(device, linear, cross_entropy, momentum=0.9, weight_decay=0.01, dtype=terox.float64):
    """Parameters and losses of three steps; and how much was copied in them."""
    random = np.random.default_rng(3)
    images = terox.tensor(random.standard_normal((20, 9)), dtype=dtype, device=device)
    labels = terox.tensor(random.integers(0, 4, 20), device=device)
    terox.manual_seed(1)
    model = MLP([9, 7, 4], device="cpu", linear=linear).to(dtype).to(device)
    optimizer = SGD(model.parameters(), lr=0.2, momentum=momentum, weight_decay=weight_decay)
    order, losses = terox.arange(20, device=device), []
    before = cuda.transfers()
    for start in (0, 8, 16):
        batch = order[start : start + 8]
        optimizer.zero_grad()
        loss = cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss)
    copied = cuda.transfers() != before
    return [parameter.tolist() for parameter in model.parameters()], [loss.item() for loss in losses], copied


WAYS = {"fused": (network_ops.linear, network_ops.cross_entropy), "composed": (training.linear, training.cross_entropy)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("momentum, weight_decay", [(0.0, 0.0), (0.9, 0.0), (0.9, 0.01)])
def test_a_step_agrees_with_cpu_and_copies_nothing(way, momentum, weight_decay):
    expected, losses, _ = steps("cpu", *WAYS[way], momentum, weight_decay)
    got, own_losses, copied = steps("cuda", *WAYS[way], momentum, weight_decay)
    assert not copied, "something went from the device to the host, or back, within the steps"
    assert own_losses == pytest.approx(losses, rel=1e-12)
    for mine, theirs in zip(got, expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)


def test_a_step_in_float32():
    expected, got = (steps(device, *WAYS["fused"], dtype=terox.float32)[0] for device in ("cpu", "cuda"))
    for mine, theirs in zip(got, expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_a_step_keeps_no_memory():
    """After each step, as much memory is in use as after the one before."""
    used = []
    terox.manual_seed(0)
    model, x = MLP([5, 4, 3], device="cuda"), terox.rand(6, 5, device="cuda")
    target = terox.tensor([0, 1, 2, 0, 1, 2], device="cuda")
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(4):
        optimizer.zero_grad()
        network_ops.cross_entropy(model(x), target).backward()
        optimizer.step()
        used.append((cuda.memory_allocated(), cuda.memory_reserved()))
    assert len(set(used[1:])) == 1


# ---- Fused ops beside those that they stand for ----

SHAPES = [((3, 5), 1), ((3, 5), 0), ((2, 3, 4), 1), ((1, 1), 1), ((9,), 0), ((2, 33), 1)]


@pytest.mark.parametrize("dtype", [terox.float32, terox.float64], ids=str)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("op", ["softmax", "log_softmax", "softmax_back", "log_softmax_back"])
def test_rows(op, shape, dim, dtype):
    random = np.random.default_rng(7)
    arrays = [random.standard_normal(shape) * 4 for _ in range(2 if op.endswith("back") else 1)]
    x = [terox.tensor(array.T.copy(), dtype=dtype, device="cuda").T for array in arrays]
    got = KERNELS[op, "cuda"](*x, (dim,))
    want = KERNELS[op, COMPOSITE](*x, (dim,))
    assert got.dtype is dtype and got.shape == shape and got.is_contiguous()
    tolerance = 1e-5 if dtype is terox.float32 else 1e-12
    np.testing.assert_allclose(got.tolist(), want.tolist(), rtol=tolerance, atol=tolerance)


def test_softmax_of_what_is_infinite():
    inf, nan = float("inf"), float("nan")
    x = terox.tensor([[1000.0, 1000.0, -1000.0], [-inf, 0.0, -inf], [nan, 0.0, 1.0]], device="cuda")
    np.testing.assert_allclose(x.softmax(1).tolist(), [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [nan] * 3])
    np.testing.assert_allclose(x.log_softmax(1)[1].tolist(), [-inf, 0.0, -inf])


@pytest.mark.parametrize("n, classes", [(1, 1), (5, 3), (3, 17)])
def test_cross_entropy(n, classes):
    random = np.random.default_rng(n)
    array, target = random.standard_normal((n, classes)), random.integers(0, classes, n)
    results = []
    for device in ("cpu", "cuda"):
        x = terox.tensor(array.T.copy(), device=device).T.detach().requires_grad_()
        loss = network_ops.cross_entropy(x, terox.tensor(target, device=device))
        (loss * 3).backward()
        results.append((loss.item(), x.grad.tolist()))
    assert results[0][0] == pytest.approx(results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
def test_linear(shape):
    random = np.random.default_rng(0)
    arrays = random.standard_normal(shape), random.standard_normal((5, 4)), random.standard_normal(5)
    x, weight, bias = (terox.tensor(array, device="cuda") for array in arrays)
    np.testing.assert_allclose(np.array(network_ops.linear(x, weight, bias).tolist()).reshape(*shape[:-1], 5),
                               arrays[0] @ arrays[1].T + arrays[2], rtol=1e-5)
    np.testing.assert_allclose(np.array(network_ops.linear(x, weight).tolist()).reshape(*shape[:-1], 5),
                               arrays[0] @ arrays[1].T, rtol=1e-5)


# ---- The program ----


def test_the_program_leaves_its_pictures(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(gpu.SIMULATED, "judged", 12)
    assert gpu.main([*FEW, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "of 12 held-out examples are right" in out or not gpu.simulated()
    assert "Transfers: " in out and ("simulator" in out) == gpu.simulated()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"digits_on_the_device_cuda_{name}.png" for name in ("confusion", "curve", "mistakes")]


def test_data_and_model_are_on_the_device():
    data = gpu.load(count=10)
    assert data.inputs.is_cuda and data.labels.is_cuda and data.test_inputs.is_cuda
    assert len(data.inputs) == 10 and len(data.test_inputs) == len(data.images) == gpu.settings()["judged"]
    result = gpu.train(data, epochs=1, hidden=(2,), batch=5)
    assert all(parameter.is_cuda for parameter in result.model.parameters()) and len(result.losses) == 1


def test_a_todo_ends_in_one_line(tmp_path):
    for name, text in render().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "examples.gpu"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(manifest.ROOT)])})
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1].startswith("This program needs task ")
