"""The training program of module 3: the one of module 2, at full size, on the device "cpu"."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import terox
from course import datasets, manifest
from course.skeleton import render
from examples import digits, mnist

ROOT = manifest.ROOT
FEW = ["--images", "40", "--epochs", "1", "--hidden", "3"]
PICTURES = ["full-size_digits_confusion.png", "full-size_digits_curve.png", "full-size_digits_mistakes.png"]


@pytest.fixture(scope="module")
def data():
    return mnist.load(count=60)


def test_the_images_are_not_averaged(data):
    assert data.inputs.shape == (60, 784) and data.test_inputs.shape == (1000, 784)
    assert (data.inputs.dtype, data.inputs.device, data.labels.device) == (terox.float32, "cpu", "cpu")
    small = digits.load(count=60)
    assert small.labels.tolist() == data.labels.tolist()
    raw = datasets.load_digits("train").images[:60].reshape(60, 784) / 255.0
    spread = np.maximum(raw.std(axis=0), 0.1)
    assert np.abs(data.inputs.numpy() - (raw - raw.mean(axis=0)) / spread).max() < 1e-4


def test_both_devices_learn_the_same(data):
    losses = []
    for device in ("python", "cpu"):
        few = digits.load(count=60, side=7, device=device)
        losses.append(digits.train(few, epochs=2, lr=0.05, hidden=(3,), seed=5).losses)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_same_seed_gives_the_same_run(data):
    runs = [mnist.train(data, epochs=2, hidden=(4,), seed=seed).losses for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_the_program_leaves_its_pictures(tmp_path, capsys):
    assert mnist.main([*FEW, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "full-size digits: " in out and "of 1,000 held-out examples are right" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES


def test_all_of_mnist_where_it_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TEROX_DATA", str(tmp_path))
    assert mnist.has_full()
    assert mnist.main(["--full", *FEW, "--out", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().out
    monkeypatch.delenv("TEROX_DATA")
    assert not mnist.has_full()


def test_a_todo_ends_in_one_line(tmp_path):
    for name, text in render().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "examples.mnist"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])})
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("This program needs task ") and done.stdout.count("\n") == 1
