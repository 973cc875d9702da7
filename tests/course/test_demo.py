"""The demo and the training programs behind it, in small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from course import demo, manifest, pictures
from examples import digits, lenet, scalars

ROOT = manifest.ROOT


@pytest.fixture
def quick(monkeypatch):
    """Programs that learn for a moment only, on a few examples."""
    whole, tensors, planes = scalars.load, digits.load, lenet.load
    monkeypatch.setattr(scalars, "load", lambda name, **options: shortened(whole(name, **options)))
    monkeypatch.setattr(digits, "load", lambda **options: tensors(**{**options, "count": 20}))
    monkeypatch.setattr(lenet, "load", lambda **options: planes(**{**options, "count": 20}))
    monkeypatch.delenv("TEROX_DATA", raising=False)


def shortened(data):
    if data.images is not None:
        data.images = data.images[:20]
    return scalars.Data(data.name, data.inputs[:20], data.labels[:20], data.test_inputs[:20], data.test_labels[:20],
                        data.images)


# ---- The demo ----


def test_stages_draw_their_pictures(tmp_path, quick, capsys):
    paths = demo.graph(tmp_path).pictures
    assert paths == [tmp_path / "graph.svg"]
    trained = (demo.moons, demo.digits, demo.ten_digits, demo.full_size_digits, demo.lenet)
    assert {stage.run for stage in demo.STAGES} == {demo.graph, *trained}
    for stage in trained:
        reached = stage(tmp_path, epochs=1)
        assert 0.0 <= reached.accuracy <= 1.0
        assert all(pictures.alt_text(path) for path in reached.pictures)
        paths += reached.pictures
    # No stage overwrites the pictures of another.
    assert len(paths) == 15 and set(paths) == set(tmp_path.iterdir())
    assert "epoch 1 of 1" in capsys.readouterr().out  # no terminal, no bar


def test_ten_digits_reach_the_goal(tmp_path):
    # Three of the demo's five epochs; the whole is in `make demo`.
    reached = demo.ten_digits(tmp_path, epochs=3)
    assert reached.goal >= 0.9
    assert reached.ok, reached.sentence
    assert "network 49-48-10" in reached.sentence and "of 1,000 held out" in reached.sentence


def test_full_size_digits_reach_the_goal(tmp_path, monkeypatch):
    monkeypatch.delenv("TEROX_DATA", raising=False)
    reached = demo.full_size_digits(tmp_path, epochs=5)  # of eight
    assert reached.goal >= 0.92
    assert reached.ok, reached.sentence
    assert "network 784-128-10" in reached.sentence and "of 1,000 held out" in reached.sentence


def test_lenet_learns(tmp_path, monkeypatch):
    # A quarter of the images, and two of the demo's five epochs: far more than guessing. The whole is in `make demo`.
    monkeypatch.delenv("TEROX_DATA", raising=False)
    reached = demo.lenet(tmp_path, epochs=2, count=1000)
    assert reached.goal >= 0.95
    assert reached.accuracy > 0.5, reached.sentence
    assert "LeNet" in reached.sentence and "of 1,000 held out" in reached.sentence


def test_missing_data_end_in_words(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TEROX_DATA", str(tmp_path / "nowhere"))
    assert demo.main(tmp_path, [demo.Stage("a stage", demo.full_size_digits)]) == 1
    out = capsys.readouterr().out
    assert "nowhere" in out and "Traceback" not in out


def test_digits_reach_the_goal(tmp_path):
    # Half of what the demo does; the whole is in `make demo`.
    reached = demo.digits(tmp_path, epochs=2, count=400)
    assert reached.goal >= 0.97
    assert reached.ok, reached.sentence


def stage(accuracy, goal=0.97):
    return demo.Stage("a stage", lambda out: demo.Reached(f"reached {accuracy}", accuracy, goal, [out / "a.png"]))


def test_the_last_lines_say_what_was_reached_and_where_to_look(tmp_path, capsys):
    assert demo.main(tmp_path, [stage(0.98), stage(None)]) == 0
    last = capsys.readouterr().out.splitlines()[-5:]
    assert last[:2] == ["- reached 0.98", "- reached None"]
    assert last[3:] == [f"  {tmp_path / 'a.png'}"] * 2


@pytest.mark.parametrize("accuracy", [0.96, 0.0, float("nan")])
def test_too_little_is_a_failure_in_words(tmp_path, capsys, accuracy):
    assert demo.main(tmp_path, [stage(accuracy)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("Too little, at least 97% was expected.")


def test_the_demo_can_be_stopped(tmp_path, capsys):
    def interrupted(out):
        raise KeyboardInterrupt

    assert demo.main(tmp_path, [demo.Stage("a stage", interrupted)]) == 130
    assert "Stopped" in capsys.readouterr().out


# ---- The demo in the learner's edition ----


@pytest.mark.parametrize(("passed", "runs", "words"), [
    ("", [], ["There is no network to train yet", "First comes: of module 1.", ": 0.1, 0.2, 1.1."]),
    ("0.1 0.2", [], ["First comes: of module 1. It needs module 1; not passed yet, or changed since: 1.1."]),
    ("0.1 0.2 1.1", [1], ["on your own code", "Next comes: of module 2.", "make next"]),
    ("0.1 0.2 1.1 2.1 3.1 5.1", [1, 2, 3, 5], ["on your own code"]),
    ("0.1 0.2 1.1 3.1 4.1 5.1", [1], ["not passed yet, or changed since: 2.1."]),
])
def test_what_is_built_is_shown(tmp_path, capsys, monkeypatch, passed, runs, words):
    """A reading task does not count, and module 4 is not needed by module 5."""
    ids = ["0.1", "0.2", "0.R", "1.1", "2.1", "3.1", "4.1", "5.1"]
    modules = tuple(SimpleNamespace(number=number, tasks=[SimpleNamespace(id=task) for task in ids
                                                          if task.startswith(str(number))]) for number in range(6))
    found = {task: SimpleNamespace(status="passed" if task in passed.split() else "to do") for task in ids}
    monkeypatch.setattr(demo, "load", lambda root: SimpleNamespace(modules=modules))
    monkeypatch.setattr(demo, "states", lambda root, manifest: found)
    ran = []

    def stage_of(module):
        return demo.Stage(f"of module {module}", lambda out: ran.append(module) or demo.Reached("so"), module)

    assert demo.main_built(tmp_path, [stage_of(module) for module in (1, 2, 3, 5)]) == 0
    assert ran == runs
    said = " ".join(capsys.readouterr().out.split())
    assert all(word in said for word in words), said
    assert ("comes:" in said) == (len(runs) < 4)


# ---- The training program ----


@pytest.mark.parametrize("name", [*scalars.TOYS, "digits"])
def test_every_data_set_can_be_trained_on(tmp_path, quick, capsys, name):
    assert scalars.main(["--data", name, "--epochs", "1", "--hidden", "2", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "20 held-out examples" in lines[-3]
    assert {line.removeprefix("Picture: ") for line in lines[-2:]} == set(map(str, tmp_path.iterdir()))


def test_the_same_seed_gives_the_same_run():
    data = shortened(scalars.load("xor"))
    runs = [scalars.train(data, epochs=2, lr=0.1, hidden=(3,), seed=seed).losses for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_training_and_judging_do_not_share_points():
    for name in (*scalars.TOYS, "digits"):
        data = scalars.load(name)
        assert not {tuple(x) for x in data.inputs} & {tuple(x) for x in data.test_inputs}


def test_stopping_keeps_what_was_reached(tmp_path, quick, capsys, monkeypatch):
    from terox.autograd import training

    calls = []
    whole = training.fit

    def fit(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*args, **options)

    monkeypatch.setattr(training, "fit", fit)
    assert scalars.main(["--data", "xor", "--epochs", "9", "--hidden", "2", "--out", str(tmp_path)]) == 130
    out = capsys.readouterr().out
    assert "Stopped after 2 finished epochs." in out
    assert (tmp_path / "xor_curve.png").exists()


def test_without_matplotlib_it_says_so(tmp_path, quick, capsys, monkeypatch):
    def missing(*args):
        raise ImportError("No module named 'matplotlib'")

    monkeypatch.setattr(scalars, "draw", missing)
    assert scalars.main(["--data", "xor", "--epochs", "1", "--hidden", "2", "--out", str(tmp_path)]) == 0
    assert "Pictures need matplotlib" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--lr", "-1"], ["--lr", "nan"], ["--data", "stars"],
                                       ["--hidden", "0"]])
def test_wrong_calls_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        scalars.main(arguments)
    assert stopped.value.code == 2


def test_a_todo_ends_in_one_line(tmp_path):
    import os

    from course.skeleton import render

    for name, text in render().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "examples.scalars"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])})
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.startswith("This program needs task 0.4: ") and done.stdout.count("\n") == 1
    assert not Path(tmp_path / "build").exists()
