"""`make release-reference`: the reference of some modules, which works in the learner's edition, and shows no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from small_course import edit, small_course, write
from test_release import files

from course import guide, references, release
from course.leaks import leaks
from course.manifest import ROOT
from course.runner import run_tests


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = small_course(tmp_path / "full")
    write(root, "course/__main__.py", "print('tooling')\n")
    return root


@pytest.fixture
def learner(root, tmp_path) -> Path:
    assert release.release(tmp_path / "learner", root) == 0
    return tmp_path / "learner"


def unpack(packed: Path, to: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(to)


def test_only_the_chosen_modules_are_handed_out(root, tmp_path, capsys):
    assert references.release("0", tmp_path / "out", root) == 0
    assert files(tmp_path / "out") == {"solutions/README.txt", "solutions/terox/first/__init__.py",
                                       "solutions/terox/first/double.py", "solutions/terox/first/half.py"}
    assert "module 0 is in" in capsys.readouterr().out
    assert references.release("0-1", tmp_path / "all.zip", root) == 0
    unpack(tmp_path / "all.zip", tmp_path / "all")
    assert "solutions/terox/second/total.py" in files(tmp_path / "all")
    assert references.release("1", root=root) == 0
    assert (root / "build/terox-reference-1.zip").is_file()


def test_a_zip_is_the_same_whenever_it_is_made(root, tmp_path, monkeypatch):
    monkeypatch.setattr(references, "source", lambda *_: ("Terox 0.3", 1_700_000_000))
    for name in ("a.zip", "b.zip"):
        assert references.release("0", tmp_path / name, root) == 0
        os.utime(root / "solutions/terox/first/half.py", (0, 0))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(("modules", "words"), [("7", "no module 7"), ("0.1", "whole modules"), ("x", "neither")])
def test_a_wrong_call_is_told(root, tmp_path, capsys, modules, words):
    assert references.release(modules, tmp_path / "out", root) == 2
    error = capsys.readouterr().err
    assert words in error and "MODULES=" in error and not (tmp_path / "out").exists()


def test_nothing_is_overwritten(root, tmp_path, capsys):
    write(tmp_path, "out/mine.txt", "work")
    write(tmp_path, "out.zip", "work")
    for name in ("out", "out.zip"):
        assert references.release("0", tmp_path / name, root) == 1
        assert "exists already" in capsys.readouterr().err
    assert files(tmp_path / "out") == {"mine.txt"} and (tmp_path / "out.zip").read_text() == "work"


def test_a_line_of_another_module_is_a_leak(root, tmp_path, capsys):
    edit(root, "solutions/terox/first/half.py", "return x / 2.0",
         "# return sum(double(value) for value in values)\n    return x / 2.0")
    assert references.release("0", tmp_path / "out", root) == 1
    error = capsys.readouterr().err
    assert "solutions/terox/first/half.py:5 has a line of solutions/terox/second/total.py:8" in error
    assert not (tmp_path / "out").exists()
    assert references.release("0-1", tmp_path / "out", root) == 0


def test_reveal_and_reference_know_what_was_handed_out(root, learner, tmp_path, capsys):
    assert references.release("0", tmp_path / "given.zip", root) == 0
    unpack(tmp_path / "given.zip", learner)
    assert guide.reveal("0.1", yes=True, root=learner) == 0
    assert "twofold_number = x + x" in capsys.readouterr().out
    assert guide.reveal("1.1", yes=True, root=learner) == 1
    assert "The reference of module 1 is not here. solutions/ has that of module 0." in capsys.readouterr().out
    outcome = run_tests(0, course_root=learner, reference="0", quiet=True)
    assert [task.status for task in outcome.tasks] == ["passed", "passed"]
    outcome = run_tests(1, course_root=learner, reference="0", quiet=True)
    assert [task.status for task in outcome.tasks] == ["todo"]
    for wanted in ("1", "0-1", "1.1"):
        outcome = run_tests(1, course_root=learner, reference=wanted, quiet=True)
        assert outcome.exit_status == 2 and "solutions/ has that of module 0." in outcome.problems[0]
    outcome = run_tests(0, course_root=learner, code="solutions", quiet=True)
    assert outcome.exit_status == 2 and "REFERENCE=" in outcome.problems[0]


def test_a_later_hand_out_joins_the_earlier_one(root, learner, tmp_path):
    for module in "01":
        assert references.release(module, tmp_path / f"{module}.zip", root) == 0
        unpack(tmp_path / f"{module}.zip", learner)
    assert run_tests(1, course_root=learner, reference="0-1", quiet=True).exit_status == 0


# ---- The course itself ----


@pytest.fixture(scope="module")
def edition(tmp_path_factory) -> Path:
    """The real learner's edition, with the reference of modules 0 to 2 in it."""
    folder = tmp_path_factory.mktemp("handed-out")
    assert release.release(folder / "edition", ROOT, uncommitted=True) == 0
    assert references.release("0-2", folder / "given", ROOT, uncommitted=True) == 0
    assert leaks(folder / "given", ROOT / "solutions", only=lambda name: name.split("/")[1] in
                 ("parallel", "cuda", "nn")) == []
    shutil.copytree(folder / "given/solutions", folder / "edition/solutions")
    return folder / "edition"


def course(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TEROX_VENV": "none", "NO_COLOR": "1", "PYTHONPATH": str(root)}
    return subprocess.run([sys.executable, "-m", "course", *arguments], cwd=root, env=env, capture_output=True,
                          text=True)


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (["demo"], 0, "There is no network to train yet"),
    (["check"], 0, "Nothing is written yet"),
    (["test", "0", "--reference", "0", "--task", "0.1"], 0, "(from the reference)"),
    (["test", "2", "--reference", "0-2", "--task", "2.1"], 0, "(from the reference)"),
    (["test", "3", "--reference", "0-3"], 2, "The reference of module 3 is not here"),
    (["test", "1", "--code", "solutions"], 2, "needs the whole reference"),
    (["reveal", "2.1", "--yes"], 0, "One way to write it"),
    (["reveal", "5.1", "--yes"], 1, "solutions/ has that of modules 0, 1 and 2."),
    (["skeleton", "--force"], 2, "learner's edition"),
    (["release-reference", "0"], 2, "learner's edition"),
    (["chaffs"], 2, "learner's edition"),
])
def test_in_the_edition_with_a_part_of_the_reference(edition, arguments, status, words):
    result = course(edition, *arguments)
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == status and words in text and "Traceback" not in text, text


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_was_handed_out_stays_out_of_the_learners_history(edition):
    done = subprocess.run(["git", "status", "--porcelain"], cwd=edition, capture_output=True, text=True)
    assert done.stdout == ""
