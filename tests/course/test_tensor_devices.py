"""Devices: tensors of two do not mix; the default; and a broken module 2 breaks nothing below it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from on_python import on_python  # noqa: F401

import terox
from terox.tensors import device as devices
from terox.tensors import dispatcher


@pytest.fixture
def twin(monkeypatch):
    """A second device that computes as the first does."""
    for (op, where), kernel in list(dispatcher.KERNELS.items()):
        if where == "python":
            monkeypatch.setitem(dispatcher.KERNELS, (op, "twin"), kernel)
    monkeypatch.setitem(devices.MODULES, "twin", "terox.tensors.other_kernels")
    yield "twin"
    devices._loaded.discard("twin")


# ---- Devices ----


def test_a_tensor_knows_its_device_and_results_stay_there(twin):
    x = terox.ones(2, 2, device=twin, requires_grad=True)
    made = [x * 2, x.sum(), x[0], x.T, x @ x, x.detach(), x.clone(), x > 0, x[x > 0], x.argmax(), x.to(terox.float64),
            -x,
            terox.cat([x, x]), terox.zeros_like(x), x.new_ones(2), x.softmax(0), x.nonzero(), x[[0]],
            x.gather(0, x.detach().long() - 1),
            terox.stack([x]), terox.where(x > 0, x, 0.0), x.max(0).indices, x * terox.tensor(2.0, device=twin),
            x.var(0)]
    assert {tensor.device for tensor in made} == {"twin"}
    (x * 2).sum().backward()
    assert x.grad.device == "twin"
    assert terox.tensor(x).device in ("python", "twin") and terox.zeros(2).device == "python"


def test_tensors_of_different_devices_do_not_mix(twin):
    here, there = terox.ones(2, 2), terox.ones(2, 2, device=twin)
    index = terox.zeros(2, 2, device=twin, dtype=terox.int64)
    mixed = {
        "here + there": lambda: here + there, "there * here": lambda: there * here,
        "here @ there": lambda: here @ there,
        "here > there": lambda: here > there, "cat": lambda: terox.cat([here, there]),
        "stack": lambda: terox.stack([here, there]),
        "where": lambda: terox.where(here > 0, here, there), "condition": lambda: terox.where(there > 0, here, here),
        "maximum": lambda: here.maximum(there), "gather": lambda: here.gather(0, index),
        "scatter_add": lambda: here.scatter_add(0, index, here), "+=": lambda: here.add_(there),
        "mask": lambda: here.masked_fill(there > 0, 0.0), "pow": lambda: here**there,
        "dot": lambda: here[0].dot(there[0]),
    }
    for name, call in mixed.items():
        with pytest.raises(RuntimeError,
                           match="Expected all tensors to be on the same device.*python.*twin|twin.*python"):
            call()
        assert here.tolist() == [[1.0, 1.0], [1.0, 1.0]] and here._version == 0, name


def test_to_copies_to_another_device_and_gradients_come_back(twin):
    x = terox.tensor([1.0, 2.0], requires_grad=True)
    y = x.to(twin)
    assert y.device == twin and y.data_ptr() != x.data_ptr() and x.to("python") is x
    (y * terox.tensor([3.0, 5.0], device=twin)).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0] and x.grad.device == "python"
    z = x.detach().to(twin, dtype=terox.float64)
    assert z.dtype is terox.float64 and z.device == twin
    assert x.to(z).device == twin and x.to(z).dtype is terox.float64
    with pytest.raises(RuntimeError):
        (x * 2).sum().backward(terox.ones((), device=twin))


def test_copy_and_load_state_dict_take_values_from_another_device(twin):
    from terox.tensors.mlp import MLP

    x = terox.zeros(2)
    x.copy_(terox.tensor([1.0, 2.0], device=twin))
    assert x.tolist() == [1.0, 2.0] and x.device == "python"
    model = MLP([2, 1])
    model.load_state_dict(MLP([2, 1], device=twin).state_dict())
    assert {p.device for p in model.parameters()} == {"python"}


def test_the_default_device(twin):
    terox.set_default_device(twin)
    assert terox.get_default_device() == twin
    made = [terox.zeros(2), terox.tensor([1]), terox.arange(2), terox.rand(2), terox.eye(2),
            terox.from_numpy(np.ones(2)),
            terox.linspace(0, 1, 2), terox.randperm(2), terox.randint(2, (2,)), terox.full((2,), 1.0),
            terox.Tensor([1.0])]
    assert {tensor.device for tensor in made} == {twin}
    assert terox.zeros(2, device="python").device == "python"
    assert terox.zeros_like(terox.zeros(2, device="python")).device == "python"
    with pytest.raises(RuntimeError, match="nope"):
        terox.set_default_device("nope")
    assert terox.get_default_device() == twin
    terox.set_default_device(None)
    assert terox.get_default_device() != twin


def run(code: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "TEROX_DEVICE"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**environment, **variables})


def test_the_device_can_be_named_in_the_environment():
    code = "import terox; print(terox.zeros(1).device, terox.get_default_device())"
    assert run(code, TEROX_DEVICE="python").stdout.split() == ["python", "python"]
    assert len(set(run(code, TEROX_DEVICE="").stdout.split())) == 1
    wrong = run(code, TEROX_DEVICE="nope")
    assert wrong.returncode and "RuntimeError" in wrong.stderr and "nope" in wrong.stderr
    other = run("import terox; terox.set_default_device('python'); print(terox.zeros(1).device)", TEROX_DEVICE="nope")
    assert other.stdout.strip() == "python"


# ---- A broken or unfinished module 2 breaks nothing below it ----


def test_tensors_cost_nothing_until_they_are_used():
    code = ("import sys, terox; terox.Scalar(1.0); terox.nn.Module(); terox.optim.SGD; dir(terox);"
            "print([name for name in sys.modules if name.startswith(('numpy', 'terox.tensors'))])")
    result = run(code)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


@pytest.mark.parametrize("file", ["tensor.py", "dtype.py", "kernels.py", "layout.py", "factories.py", "__init__.py"])
def test_a_broken_file_of_tensors_breaks_no_earlier_module(tmp_path, file):
    import shutil
    from pathlib import Path

    source = Path(terox.__file__).parent
    shutil.copytree(source, tmp_path / "terox", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "terox" / "tensors" / file).write_text("this is no Python", encoding="utf-8")
    code = ("import terox; x = terox.Scalar(3.0, requires_grad=True); (x * x).backward(); print(x.grad.item());"
            "p = terox.nn.Parameter(terox.Scalar(1.0)); p.grad = terox.Scalar(1.0);"
            "terox.optim.SGD([p], lr=0.5, momentum=0.5).step(); print(p.item())")
    result = run(code, PYTHONPATH=str(tmp_path))
    assert result.stdout.split() == ["6.0", "0.5"], result.stderr
    broken = run("import terox; terox.zeros(2)", PYTHONPATH=str(tmp_path), TEROX_DEVICE="python")
    assert "SyntaxError" in broken.stderr and file in broken.stderr
