"""The training program of module 5: LeNet learns, can be stopped anywhere, and goes on as if it had not been."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import terox
from course import datasets, manifest, pictures
from course.skeleton import render
from examples import lenet
from examples.lenet import Settings
from examples.program import Refused
from terox import nn
from terox.nn.checkpoints import Checkpoint, save_file
from terox.optim import SGD

ROOT = manifest.ROOT
FEW = ["--images", "20", "--epochs", "2", "--batch", "8"]
SMALL = Settings(epochs=2, batch=8, images=20)
DRAW = lenet.draw
PICTURES = [f"images_of_digits_{name}.png" for name in ("confusion", "curve", "filters", "mistakes")]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Few digits to judge by, no pictures, and a copy of the state after every second step."""
    whole = datasets.load_digits

    def few(part="train", *, full=False):
        digits = whole(part, full=full)
        return digits if part == "train" else datasets.Digits(digits.images[:30], digits.labels[:30], digits.name)

    monkeypatch.setattr(datasets, "load_digits", few)
    monkeypatch.setattr(lenet, "OFTEN", 2)
    monkeypatch.setattr(lenet, "draw", lambda data, result, out: [])
    monkeypatch.delenv("TEROX_DATA", raising=False)


@pytest.fixture
def data(_quick):
    return lenet.load(count=20)


def numbers(model):
    return {name: value.tolist() for name, value in model.state_dict().items()}


def stop_at(monkeypatch, number, when="before"):
    """Ctrl-C in step `number` of the optimizer, counted from 1, before it does anything or when it is half done."""
    step, count = SGD.step, [0]

    def stopping(self):
        count[0] += 1
        if count[0] != number:
            return step(self)
        if when == "half":
            with terox.no_grad():
                self.params[0].copy_(self.params[0] * 0 + 7)
        raise KeyboardInterrupt

    monkeypatch.setattr(SGD, "step", stopping)


def interrupted(monkeypatch, arguments, number, when="before"):
    """The program, stopped in that step."""
    with monkeypatch.context() as changed:
        stop_at(changed, number, when)
        return lenet.main(arguments)


# ---- Data ----


def test_images_are_planes_with_mean_0_and_deviation_1(data):
    whole = lenet.load()
    assert whole.inputs.shape == (4000, 1, 28, 28) and whole.labels.shape == (4000,)
    assert (whole.inputs.dtype, whole.inputs.device, whole.labels.dtype) == (terox.float32, "cpu", terox.int64)
    pixels = whole.inputs.numpy()
    assert abs(pixels.mean()) < 1e-4 and abs(pixels.std() - 1) < 1e-4
    raw = datasets.load_digits("train").images
    assert np.corrcoef(pixels[:50].ravel(), raw[:50].ravel())[0, 1] > 0.9999
    assert data.inputs.shape == (20, 1, 28, 28) and data.test_inputs.shape == (30, 1, 28, 28)
    assert data.labels.tolist() == whole.labels[:20].tolist()


# ---- Training ----


def test_the_program_leaves_pictures_and_a_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lenet, "draw", DRAW)
    assert lenet.main([*FEW, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "epoch 2 of 2" in out and "accuracy" in out and "images/s" in out
    assert "of 30 held-out examples are right" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == [*PICTURES, lenet.FILE]
    assert "conv1.weight: 6 of 5 x 5" in pictures.alt_text(tmp_path / "images_of_digits_filters.png")


def test_the_same_seed_gives_the_same_run(data):
    runs = [lenet.train(data, Settings(epochs=1, batch=8, seed=seed)).losses for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_every_image_is_seen_once_an_epoch_in_another_order_each_time(data):
    run = lenet.Run(data, SMALL)
    epochs = [[labels.tolist() for _, labels in run.batches(epoch)] for epoch in range(2)]
    assert all([len(part) for part in parts] == [8, 8, 4] for parts in epochs)
    assert all(sorted(sum(parts, [])) == sorted(data.labels.tolist()) for parts in epochs)
    assert epochs[0] != epochs[1]


def test_the_learning_rate_falls_along_a_line(data):
    run = lenet.Run(data, SMALL)
    rates = [run.optimizer.lr for epoch in range(2) for _ in run.batches(epoch)]
    assert rates == pytest.approx([lenet.LR * (1 - step / 6) for step in range(6)], rel=0.05)
    assert sorted(set(rates), reverse=True) == rates


def test_a_loss_out_of_bounds_is_told(tmp_path, capsys):
    assert lenet.main([*FEW, "--out", str(tmp_path), "--lr", "1e30"]) == 1
    assert "Try --lr 1e+29" in capsys.readouterr().out
    assert not (tmp_path / lenet.FILE).exists()


# ---- Ctrl-C, and on ----


@pytest.mark.parametrize("number, when", [(1, "half"), (2, "before"), (3, "half"), (4, "before"), (5, "half"),
                                          (6, "half")])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(tmp_path, monkeypatch, capsys, data, number, when):
    """Three steps an epoch: in the first one, between copies of the state, at the end of an epoch, in the next one."""
    whole = lenet.train(data, SMALL)
    arguments = ["--out", str(tmp_path)]
    assert interrupted(monkeypatch, [*FEW, *arguments], number, when) == 130
    out = capsys.readouterr().out
    assert f"Stopped after {(number - 1) // 3} finished epoch" in out and f"--resume {tmp_path / lenet.FILE}" in out
    kept, settings = lenet.checkpoint_at(tmp_path / lenet.FILE)
    assert settings == SMALL
    result = lenet.train(data, settings, resume=kept)
    assert not result.stopped
    assert (result.losses, result.accuracies) == (whole.losses, whole.accuracies)
    assert numbers(result.model) == numbers(whole.model)


def test_the_program_goes_on(tmp_path, monkeypatch, capsys, data):
    whole = lenet.train(data, SMALL)
    arguments = ["--out", str(tmp_path)]
    assert interrupted(monkeypatch, [*FEW, *arguments], 4) == 130
    assert interrupted(monkeypatch, ["--resume", *arguments], 2) == 130  # stopped again, and again
    assert interrupted(monkeypatch, ["--resume", *arguments], 1) == 130
    capsys.readouterr()
    assert lenet.main(["--resume", *arguments]) == 0
    assert "epoch 1 of 2" not in capsys.readouterr().out
    kept, _ = lenet.checkpoint_at(tmp_path / lenet.FILE)
    assert (kept.notes["losses"], kept.notes["accuracies"]) == (whole.losses, whole.accuracies)
    assert {name: value.tolist() for name, value in kept.model.items()} == numbers(whole.model)
    assert lenet.main(["--resume", str(tmp_path / lenet.FILE), "--out", str(tmp_path / "other")]) == 0  # all is done
    assert "epoch" not in capsys.readouterr().out


def test_more_epochs_than_were_planned(tmp_path, capsys):
    arguments = ["--out", str(tmp_path)]
    assert lenet.main([*FEW, *arguments]) == 0
    assert lenet.main(["--resume", "--epochs", "3", *arguments]) == 0
    assert "epoch 3 of 3" in capsys.readouterr().out
    kept, settings = lenet.checkpoint_at(tmp_path / lenet.FILE)
    assert settings.epochs == len(kept.notes["losses"]) == 3


def test_ctrl_c_while_it_judges_loses_nothing(tmp_path, monkeypatch, data):
    from terox.tensors import training

    def stopping(*args):
        raise KeyboardInterrupt

    whole = lenet.train(data, SMALL)
    with monkeypatch.context() as changed:
        changed.setattr(training, "evaluate", stopping)
        assert lenet.main([*FEW, "--out", str(tmp_path)]) == 130
    kept, settings = lenet.checkpoint_at(tmp_path / lenet.FILE)
    assert kept.notes["seen"] == 20 and kept.notes["losses"] == []
    result = lenet.train(data, settings, resume=kept)
    assert (result.losses, numbers(result.model)) == (whole.losses, numbers(whole.model))


def test_a_checkpoint_that_cannot_be_written_is_told_and_no_reason_to_stop(tmp_path, monkeypatch, capsys):
    def full(self, path):
        raise OSError("no space left on device")

    monkeypatch.setattr(Checkpoint, "save", full)
    assert lenet.main([*FEW, "--out", str(tmp_path)]) == 0
    assert "could not be written: no space left" in capsys.readouterr().out


# ---- Files that it cannot go on from ----


def foreign(path, model=None, notes=None):
    settings = {"epochs": 2, "lr": 0.1, "batch": 8, "seed": 0, "images": 20, "full": False}
    Checkpoint.take(model or nn.Linear(2, 3), None, notes or {
        "program": "examples.lenet", "settings": settings, "seen": 0, "total": 0.0, "losses": [],
        "accuracies": []}).save(path)


BAD = {
    "nothing": (lambda path: None, "There is no checkpoint"),
    "cut off": (lambda path: path.write_bytes(path.with_name("whole").read_bytes()[:-100]), "no whole safetensors"),
    "text": (lambda path: path.write_text("no checkpoint"), "no whole safetensors"),
    "a folder": (lambda path: path.mkdir(), "cannot be read"),
    "tensors": (lambda path: save_file({"x": terox.zeros(2)}, path), "no checkpoint of a training run"),
    "another program": (lambda path: foreign(path, notes={"program": "mine"}), "another program"),
    "no settings": (lambda path: foreign(path, notes={"program": "examples.lenet"}), "settings"),
    "another model": (foreign, "no checkpoint of a LeNet: missing: conv1.weight"),
    "no optimizer": (lambda path: foreign(path, nn.LeNet(device="cpu")), "no optimizer"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_checkpoint_is_refused_and_nothing_changed(tmp_path, capsys, what):
    make, words = BAD[what]
    path = tmp_path / "given.safetensors"
    lenet.Run(lenet.load(count=20), SMALL, keep=tmp_path / "whole").save()
    make(path)
    before = path.read_bytes() if path.is_file() else None
    assert lenet.main(["--resume", str(path), "--out", str(tmp_path / "out")]) == 1
    out = capsys.readouterr().out
    assert words in out and "Traceback" not in out
    assert (path.read_bytes() if path.is_file() else None) == before and not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [["--batch", "4"], ["--seed", "3"], ["--images", "10"], ["--full"]])
def test_what_a_checkpoint_fixes_cannot_be_changed(tmp_path, capsys, option):
    lenet.Run(lenet.load(count=20), SMALL, keep=tmp_path / lenet.FILE).save()
    assert lenet.main(["--resume", "--out", str(tmp_path), *option]) == 1
    assert f"Go on without {option[0]}" in capsys.readouterr().out


def test_a_checkpoint_says_which_settings_it_is_of(tmp_path):
    settings = Settings(epochs=3, lr=0.125, batch=7, seed=4, images=20, full=False)
    lenet.Run(lenet.load(count=20), settings, keep=tmp_path / "run").save()
    assert lenet.checkpoint_at(tmp_path / "run")[1] == settings
    with pytest.raises(Refused):
        lenet.checkpoint_at(tmp_path / "other")


# ---- As a program ----


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--lr", "nan"], ["--batch", "-1"], ["--hidden", "3"]])
def test_wrong_calls_are_refused(arguments):
    with pytest.raises(SystemExit) as stopped:
        lenet.main(arguments)
    assert stopped.value.code == 2


def test_all_of_mnist_where_it_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TEROX_DATA", str(tmp_path))
    assert lenet.main(["--full", *FEW, "--out", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().out


def test_a_todo_ends_in_one_line(tmp_path):
    for name, text in render().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "examples.lenet"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])})
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("This program needs task ") and done.stdout.count("\n") == 1
