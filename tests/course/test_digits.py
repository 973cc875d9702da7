"""The training program of module 2, and what it shares with that of module 1, in small."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import terox
from course import datasets, manifest, pictures
from course.skeleton import render
from examples import digits, program
from examples.progress import Progress

ROOT = manifest.ROOT
FEW = ["--images", "40", "--epochs", "1", "--hidden", "3"]
PICTURES = ["ten_digits_confusion.png", "ten_digits_curve.png", "ten_digits_mistakes.png"]


@pytest.fixture(scope="module")
def data():
    return digits.load(count=60)


def test_every_training_program_of_the_manifest_is_there():
    names = [module.train for module in manifest.load().modules if module.train]
    assert "examples.digits" in names
    assert all(importlib.util.find_spec(name) is not None for name in names)


# ---- The data ----


def test_inputs_are_normalized_by_what_is_learned_from():
    data = digits.load()
    assert data.inputs.shape == (4000, 49) and data.labels.shape == (4000,)
    assert data.test_inputs.shape == (1000, 49) and data.images.shape == (1000, 28, 28)
    assert (data.inputs.dtype, data.labels.dtype, data.inputs.device) == (terox.float32, terox.int64, "python")
    inputs = data.inputs.numpy().astype(np.float64)
    assert np.abs(inputs.mean(axis=0)).max() < 1e-4
    assert inputs.std(axis=0).max() < 1.001 and np.median(inputs.std(axis=0)) > 0.999
    assert 0.001 < np.abs(data.test_inputs.numpy().mean(axis=0)).max() < 0.2  # by the same numbers, not by its own


def test_training_and_judging_do_not_share_images():
    data = digits.load()
    assert not set(map(tuple, data.inputs.tolist())) & set(map(tuple, data.test_inputs.tolist()))


def test_part_of_the_images(data):
    assert data.inputs.shape == (60, 49) and len(data.labels) == 60 and len(data.test_labels) == 1000
    assert set(data.labels.tolist()) == set(range(10))


# ---- Training ----


def test_the_same_seed_gives_the_same_run(data):
    runs = [digits.train(data, epochs=2, hidden=(3,), seed=seed).losses for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_options_reach_the_network(data):
    result = digits.train(data, epochs=1, hidden=(5, 4), batch=60)
    shapes = [tuple(parameter.shape) for parameter in result.model.parameters()]
    assert shapes == [(5, 49), (5,), (4, 5), (4,), (10, 4), (10,)]


def test_the_learning_rate_falls(data, monkeypatch):
    from terox.tensors import training

    rates = []
    monkeypatch.setattr(training, "fit", lambda model, optimizer, *args, **options: rates.append(optimizer.lr) or [1.0])
    digits.train(data, epochs=4, lr=0.5, hidden=(3,))
    assert rates == [0.5, 0.375, 0.25, 0.125]


def test_the_program_says_what_it_reached_and_draws_it(tmp_path, capsys):
    assert digits.main([*FEW, "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ten digits: epoch 1 of 1, loss ") and lines[0].endswith(" images/s")
    assert "of 1,000 held-out examples are right" in lines[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES
    assert {line.removeprefix("Picture: ") for line in lines[2:]} == set(map(str, tmp_path.iterdir()))
    assert all(pictures.alt_text(path) for path in tmp_path.iterdir())


def interrupted(*args, **options):
    raise KeyboardInterrupt


def test_stopping_keeps_what_was_reached(tmp_path, capsys, monkeypatch):
    from terox.tensors import training

    calls, whole = [], training.fit
    monkeypatch.setattr(training, "fit", lambda *args, **options: calls.append(1) or (
        interrupted() if len(calls) == 3 else whole(*args, **options)))
    assert digits.main([*FEW, "--epochs", "9", "--out", str(tmp_path)]) == 130
    assert "Stopped after 2 finished epochs." in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES


@pytest.mark.parametrize("place", [(digits, "load"), (digits, "draw")])
def test_stopping_at_any_other_time_ends_in_one_line(tmp_path, capsys, monkeypatch, place):
    monkeypatch.setattr(*place, interrupted)
    assert digits.main([*FEW, "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().out.splitlines()[-1] == "Stopped."


def test_stopping_in_the_first_epoch_draws_nothing(tmp_path, capsys, monkeypatch):
    from terox.tensors import training

    monkeypatch.setattr(training, "fit", interrupted)
    assert digits.main([*FEW, "--out", str(tmp_path / "new")]) == 130
    assert capsys.readouterr().out == "Stopped after 0 finished epochs.\n"
    assert not (tmp_path / "new").exists()


def test_a_loss_that_leaves_all_bounds(tmp_path, capsys):
    assert digits.main([*FEW, "--epochs", "5", "--lr", "1e30", "--out", str(tmp_path / "new")]) == 1
    out = capsys.readouterr().out
    assert "epoch 5" not in out
    assert out.splitlines()[-1].startswith("The loss is not a finite number any more") and "--lr 1e+29" in out
    assert not (tmp_path / "new").exists()


def test_missing_data_are_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path)
    assert digits.main(FEW) == 1
    assert "It ships with the project" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert digits.main([*FEW, "--out", str(file)]) == 0
    assert "The pictures could not be written" in capsys.readouterr().out.splitlines()[-1]


def test_other_missing_packages_are_no_matter_of_pictures(tmp_path, monkeypatch):
    def missing(*args):
        raise ImportError("cannot import name 'argmax'")

    monkeypatch.setattr(digits, "draw", missing)
    with pytest.raises(ImportError, match="argmax"):
        digits.main([*FEW, "--out", str(tmp_path)])


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--lr", "inf"], ["--hidden", "0"], ["--batch", "0"],
                                       ["--images", "x"], ["--seed", "-1"]])
def test_wrong_calls_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        digits.main(arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize("file, said", [("terox/tensors/layout.py", "task 2.1: contiguous_strides"),
                                        ("terox/tensors/training.py", "task 2.7: ")])
def test_a_todo_ends_in_one_line(tmp_path, file, said):
    shutil.copytree(ROOT / "solutions" / "terox", tmp_path / "terox", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / file).write_text(render()[file], encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "examples.digits", *FEW], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])})
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"This program needs {said}") and done.stdout.count("\n") == 1
    assert not (tmp_path / "build").exists()


# ---- Pictures and progress ----


def test_the_surest_mistakes_come_first(tmp_path, data, monkeypatch):
    """Six digits, four of them read wrongly; a model that is sure of some of them."""
    chances = np.full((6, 10), 0.01)
    for row, (says, sure) in enumerate([(1, 5.0), (2, 1.0), (3, 9.0), (4, 2.0), (5, 8.0), (6, 3.0)]):
        chances[row, says] = sure
    small = digits.Data("ten digits", data.inputs, data.labels, terox.tensor(np.log(chances)),
                        terox.tensor([0, 0, 0, 0, 5, 6]), data.images[:6])
    shown = []
    grid = pictures.digit_grid
    monkeypatch.setattr(pictures, "digit_grid", lambda images, labels, said, **options: shown.append(
        (labels, said, options["title"])) or grid(images, labels, said, **options))
    digits.draw(small, program.Result(lambda x: x, [1.0], [0.5]), tmp_path)
    assert shown[0][:2] == ([0, 0, 0, 0, 6, 5], [3, 1, 4, 2, 6, 5])
    assert shown[0][2].startswith("4 of 6 are read wrongly")


def test_digits_stand_beside_their_averages():
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, :4, :8] = 255
    pair = digits.beside(image)
    assert pair.shape == (1, 28, 58)
    assert pair[0, 0, :8].tolist() == [1.0] * 8 == pair[0, 3, 30:38].tolist() and pair.sum() == 2 * 32


def test_the_confusion_matrix_counts():
    picture = pictures.confusion_matrix([0, 0, 0, 1, 2, 2], [0, 2, 2, 1, 2, 0], classes=3, title="Three")
    texts = {text.get_position(): text.get_text() for text in picture.figure.axes[0].texts}
    assert texts == {(0, 0): "1", (2, 0): "2", (1, 1): "1", (2, 2): "1", (0, 2): "1"}
    assert picture.alt == "Three. 3 of 6 are right. Most often mistaken: 0 for 2 (2), 2 for 0 (1)."
    assert pictures.confusion_matrix([1], [1], classes=2).alt.endswith("1 of 1 are right.")


def test_progress_names_what_is_counted(capsys):
    progress = Progress("digits", epochs=1, examples=2, unit="images")
    progress.step(2, 0.5)
    progress.epoch(0.5, 0.25)
    assert capsys.readouterr().out.startswith("digits: epoch 1 of 1, loss 0.5000, accuracy 25.0%, ")
    assert "images/s" in progress._details() and "accuracy 25.0%" in progress._details()
