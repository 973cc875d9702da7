"""Tensors in files, and the state of a training run: what goes in comes out, and nothing else is taken for it."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import terox
from terox import nn
from terox.nn import checkpoints
from terox.nn.checkpoints import CheckpointError, load_checkpoint, load_file, save_checkpoint, save_file
from terox.optim import SGD

DTYPES = [terox.bool, terox.int64, terox.float32, terox.float64]


def some(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    return terox.tensor(rng.integers(-3, 4, shape) if dtype in (terox.bool, terox.int64) else rng.normal(size=shape),
                        dtype=dtype)


class Two(nn.Module):
    def __init__(self, hidden=3):
        super().__init__()
        self.first, self.second = nn.Linear(4, hidden), nn.Linear(hidden, 2, bias=False)

    def forward(self, x):
        return self.second(self.first(x).relu())


def trained(steps=3, momentum=0.9, hidden=3, seed=0):
    terox.manual_seed(seed)
    model = Two(hidden)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=momentum, weight_decay=0.01)
    for number in range(steps):
        step(model, optimizer, number)
    return model, optimizer


def step(model, optimizer, number):
    optimizer.zero_grad()
    (model(some(terox.float32, (5, 4), number)) ** 2).sum().backward()
    optimizer.step()


def numbers(model):
    return [parameter.tolist() for parameter in model.parameters()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


# ---- Tensors ----


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("device", ["python", "cpu", "cuda"])
def test_what_is_saved_comes_back(path, dtype, shape, device):
    x = some(dtype, shape).to(device)
    save_file({"a name, with a dot.": x}, path)
    (name, back), = load_file(path, device).items()
    assert name == "a name, with a dot."
    assert (back.dtype, back.shape, back.device, back.tolist()) == (dtype, x.shape, device, x.tolist())
    assert not back.requires_grad and back.is_contiguous()


def test_views_are_saved_as_they_look(path):
    x = some(terox.float32, (4, 6))
    views = {"transposed": x.T, "steps": x[1::2, ::3], "expanded": x[:1].expand(3, 6), "row": x[2]}
    save_file(views, path)
    assert {name: value.tolist() for name, value in load_file(path).items()} == \
        {name: value.tolist() for name, value in views.items()}


def test_numbers_that_are_none(path):
    save_file({"x": terox.tensor([math.nan, math.inf, -math.inf, -0.0])}, path)
    assert [repr(value) for value in load_file(path)["x"].tolist()] == ["nan", "inf", "-inf", "-0.0"]


def test_nothing_at_all_is_a_file_too(path):
    save_file({}, path)
    assert load_file(path) == {}


def test_what_is_loaded_can_be_changed(path):
    save_file({"x": terox.tensor([1.0, 2.0])}, path)
    x = load_file(path)["x"]
    x += 1
    assert x.tolist() == [2.0, 3.0] and load_file(path)["x"].tolist() == [1.0, 2.0]


def test_others_read_it(path):
    save_file({"x": terox.tensor([[1.5, 2.0]])}, path, {"by": "terox"})
    assert safetensors.numpy.load_file(path)["x"].tolist() == [[1.5, 2.0]]
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata() == {"by": "terox"}


@pytest.mark.parametrize("tensors, metadata", [({"x": [1.0]}, None), ({"x": np.zeros(2)}, None), ({3: None}, None),
                                               ({}, {"epoch": 3})])
def test_what_is_no_tensor_or_text_is_refused(path, tensors, metadata):
    with pytest.raises(TypeError, match=r"save_file\(\)"):
        save_file(tensors, path, metadata)
    assert not path.exists()


# ---- Files that are not what they should be ----


def as_file(table, numbers=b""):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + numbers


WRONG = {
    "empty": b"", "short": b"\x01\x02", "text": b"This is a letter, and no checkpoint at all.\n" * 9,
    "a pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01x\x94K\x01s.",
    "a huge table": struct.pack("<Q", 2**63) + b"{}", "no JSON": as_file(b"{x}"), "a list": as_file([1]),
    "no numbers": as_file({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
    "wrong length": as_file({"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)),
    "overlap": as_file({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in "xy"}, bytes(8)),
}


@pytest.mark.parametrize("what", WRONG)
def test_files_of_another_kind_are_refused(path, what):
    path.write_bytes(WRONG[what])
    for read in (load_file, lambda path: load_checkpoint(path, Two())):
        with pytest.raises(CheckpointError, match=r"run\.safetensors is no whole safetensors file"):
            read(path)


def test_a_file_that_is_cut_off_anywhere_is_refused(path):
    save_file({"x": some(terox.float32, (3, 2)), "y": some(terox.bool, (3,))}, path, {"note": "short"})
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            load_file(path)


@pytest.mark.parametrize("kind, size", [("F16", 2), ("BF16", 2), ("I32", 4), ("U8", 1), ("F8_E4M3", 1)])
def test_dtypes_that_terox_does_not_have(path, kind, size):
    path.write_bytes(as_file({"x": {"dtype": kind, "shape": [8], "data_offsets": [0, 8 * size]}}, bytes(8 * size)))
    with pytest.raises(CheckpointError, match="dtype .*which Terox does not have"):
        load_file(path)


def test_a_file_that_is_not_there(path):
    with pytest.raises(FileNotFoundError):
        load_file(path)
    with pytest.raises(FileNotFoundError):
        save_file({}, path / "below")


# ---- The old file stays until the new one is whole ----


@pytest.mark.parametrize("function", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()], ids=repr)
def test_the_old_file_survives_any_failure(path, monkeypatch, function, error):
    save_file({"x": terox.tensor([1.0])}, path)

    def failing(*args):
        raise error

    monkeypatch.setattr(checkpoints.os, function, failing)
    with pytest.raises(type(error)):
        save_file({"x": terox.tensor([2.0])}, path)
    monkeypatch.undo()
    assert load_file(path)["x"].tolist() == [1.0]
    assert os.listdir(path.parent) == [path.name]


def test_a_link_stays_a_link(tmp_path, path):
    link = tmp_path / "latest"
    save_file({}, path)
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("no links here")
    save_file({"x": terox.tensor([1.0])}, link)
    assert link.is_symlink() and "x" in load_file(path)


# ---- Training runs ----


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_a_run_goes_on_as_if_it_had_not_been_stopped(path, momentum):
    model, optimizer = trained(3, momentum)
    save_checkpoint(path, model, optimizer, {"epoch": 3, "lr": 0.1, "losses": [0.1, 1 / 3, math.inf]})
    other, its = trained(1, 0.5, seed=9)
    assert load_checkpoint(path, other, its) == {"epoch": 3, "lr": 0.1, "losses": [0.1, 1 / 3, math.inf]}
    assert (its.lr, its.momentum, its.weight_decay) == (0.1, momentum, 0.01)
    for number in (3, 4):
        step(model, optimizer, number)
        step(other, its, number)
    assert numbers(model) == numbers(other)


def test_a_checkpoint_is_a_copy(path):
    model, optimizer = trained(2)
    taken = checkpoints.Checkpoint.take(model, optimizer, {"step": 2})
    before = numbers(model)
    step(model, optimizer, 2)
    after = numbers(model)
    taken.restore(model, optimizer)
    assert numbers(model) == before
    step(model, optimizer, 2)
    assert numbers(model) == after
    taken.restore(model, optimizer)
    assert numbers(model) == before


def test_parameters_stay_the_objects_that_the_optimizer_knows(path):
    model, optimizer = trained(2)
    known = list(model.parameters())
    save_checkpoint(path, model, optimizer)
    load_checkpoint(path, model, optimizer)
    assert all(now is before for now, before in zip(model.parameters(), known))
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in model.parameters())


def test_a_model_alone(path):
    model, optimizer = trained(2)
    save_checkpoint(path, model)
    other, its = trained(0, seed=5)
    assert load_checkpoint(path, other) == {} and numbers(other) == numbers(model)
    with pytest.raises(CheckpointError, match="no optimizer"):
        load_checkpoint(path, other, its)


def wrong_checkpoints(path):
    """Writes files, each wrong in another way, and says how: (words of the error)."""
    model, optimizer = trained(2, hidden=5)
    save_checkpoint(path, model, optimizer)
    yield r"'first.weight' has the shape \[5, 4\] .* but \[3, 4\]"
    model, optimizer = trained(2)
    save_checkpoint(path, model.double(), optimizer)
    yield "dtype float64"
    save_checkpoint(path, nn.Linear(4, 3))
    yield "no checkpoint of a Two: missing: first.weight, .*; unexpected: bias, weight"
    model, optimizer = trained(2)
    save_checkpoint(path, model, SGD(list(model.parameters())[:2], lr=0.1))
    yield "2 parameters instead of 3"
    taken = checkpoints.Checkpoint.take(model, optimizer)
    taken.optimizer["state"][1]["momentum_buffer"] = terox.zeros(7)
    taken.save(path)
    yield r"momentum buffer of shape \[7\] for parameter 1"
    taken = checkpoints.Checkpoint.take(model, optimizer)
    taken.optimizer["state"][9] = taken.optimizer["state"][0]
    taken.save(path)
    yield "parameters that are not there"
    save_file(model.state_dict(), path)
    yield "no checkpoint of a training run"
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    save_file(tensors, path, {"format": checkpoints.FORMAT, "notes": "{"})
    yield "damaged checkpoint"
    save_file(tensors, path, {"format": checkpoints.FORMAT, "notes": "{}", "optimizer": '[{"lr": 1}]'})
    yield "no checkpoint of this optimizer"
    save_file({"nowhere": terox.zeros(1)}, path, {"format": checkpoints.FORMAT, "notes": "{}"})
    yield "damaged checkpoint"


def test_what_does_not_belong_to_the_model_is_refused_and_nothing_changed(path):
    model, optimizer = trained(2, seed=3)
    before = numbers(model), [each["momentum_buffer"].tolist() for each in optimizer.state_dict()["state"].values()]
    for words in wrong_checkpoints(path):
        with pytest.raises(CheckpointError, match=words):
            load_checkpoint(path, model, optimizer)
        state = [each["momentum_buffer"].tolist() for each in optimizer.state_dict()["state"].values()]
        assert (numbers(model), state) == before and optimizer.lr == 0.1


def test_no_pickle_is_imported():
    text = Path(checkpoints.__file__).read_text(encoding="utf-8")
    assert "import pickle" not in text and "allow_pickle" not in text


def test_an_optimizer_of_scalars_goes_on_too():
    def run(steps, optimizer, x):
        for _ in range(steps):
            optimizer.zero_grad()
            (x * x).backward()
            optimizer.step()

    x = terox.Scalar(3.0, requires_grad=True)
    optimizer = SGD([x], lr=0.1, momentum=0.5)
    run(2, optimizer, x)
    y = terox.Scalar(x.item(), requires_grad=True)
    other = SGD([y], lr=1.0)
    other.load_state_dict(optimizer.state_dict())
    run(2, optimizer, x)
    run(2, other, y)
    assert x.item() == y.item() and (other.lr, other.momentum) == (0.1, 0.5)
