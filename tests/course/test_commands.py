"""The command line and the environment: wrong calls, an old Python, a failing installation, the learner's edition."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course import bootstrap
from course.manifest import ROOT


def course(*arguments: str, root: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TEROX_VENV": "none", "NO_COLOR": "1", "PYTHONPATH": str(root), **environment}
    return subprocess.run([sys.executable, "-m", "course", *arguments], cwd=root, env=env,
                          capture_output=True, text=True)


@pytest.mark.parametrize(("arguments", "words"), [
    (["test", "9"], "no module 9"),
    (["test", "0", "--code", "nowhere"], "nowhere"),
    (["test", "0", "--reference", "7"], "7"),
    (["hint", "9.9"], "9.9"),
    (["reveal", "9.9"], "9.9"),
    (["train", "0"], "no training program"),
    (["read", "9"], "no module 9"),
    (["nonsense"], "invalid choice"),
    (["test"], "module"),
    (["test", "one"], "Module has to be a number, not 'one'. `python -m course test --help`"),
    (["test", "0", "--time-limit", "soon"], "--time-limit has to be a number"),
    (["gradescope", "x"], "has to be a number"),
])
def test_a_wrong_call_ends_with_status_2_and_a_sentence(arguments, words):
    result = course(*arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stderr and "usage:" not in result.stderr


def test_help_lists_every_target_of_the_makefile():
    listed = course("--help").stdout
    for name in ("test", "check", "demo", "next", "hint", "reveal", "progress", "watch", "doctor", "train", "notebooks",
                 "release", "release-reference", "skeleton", "chaffs", "flake", "bench", "read", "setup", "class",
                 "similarity", "gradescope", "grade", "grade-all"):
        assert f"\n    {name} " in listed or f"\n    {name}\n" in listed, name


def test_an_old_python_gets_a_sentence(tmp_path):
    """The entry file, run as if by an old Python: no import of what it could not parse."""
    code = ("import runpy, sys, collections\n"
            "Version = collections.namedtuple('Version', 'major minor micro releaselevel serial')\n"
            "sys.version_info = Version(3, 8, 1, 'final', 0)\n"
            "runpy.run_module('course', run_name='__main__')\n")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert "Terox needs Python 3.11 or newer; this is 3.8" in result.stderr and "Traceback" not in result.stderr


def test_a_failing_installation_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(bootstrap, "_works", lambda python: True)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1))
    with pytest.raises(bootstrap.SetupError, match="Without a network"):
        bootstrap.install(tmp_path, ("base",))
    assert not list(tmp_path.glob("*.stamp")), "a failed installation is not remembered as done"


def test_an_environment_that_cannot_be_made_says_what_to_do(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr(bootstrap.venv, "create", fail)
    with pytest.raises(bootstrap.SetupError, match="no space left"):
        bootstrap.install(tmp_path / "new", ("base",))


def test_the_compiler_for_gpus_needs_no_other_layer(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("TEROX_VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "install", lambda environment, layers: asked.append(layers))
    for layer in ("gpu", "dev"):
        bootstrap.ensure(layer)
    assert asked == [("base", "gpu"), ("base", "learn", "dev")]


def test_changed_pins_are_installed_again(tmp_path):
    for layer in bootstrap.LAYERS:
        bootstrap._stamp(tmp_path, layer).write_text(bootstrap._fingerprint(), encoding="utf-8")
    assert all(bootstrap._is_installed(tmp_path, layer) for layer in bootstrap.LAYERS)
    bootstrap._stamp(tmp_path, "base").write_text("older", encoding="utf-8")
    assert not bootstrap._is_installed(tmp_path, "base")


def test_the_bootstrap_needs_the_standard_library_only(tmp_path):
    """What runs before anything is installed: isolated, without site-packages."""
    result = subprocess.run([sys.executable, "-I", "-S", "-c",
                             f"import sys; sys.path.insert(0, {str(ROOT)!r}); from course.cli import main; "
                             "sys.exit(main(['--help']))"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_pins_have_no_addresses():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or (line.count("==") == 1 and "/" not in line), line


@pytest.fixture(scope="module")
def edition(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("release") / "edition"
    result = course("release", str(out), "--uncommitted")
    assert result.returncode == 0, result.stdout + result.stderr
    return out


@pytest.mark.parametrize("command", [["skeleton"], ["chaffs"], ["flake", "0"], ["bench"], ["reveal", "0.1"],
                                     ["release", "elsewhere"], ["release-reference", "0"]])
def test_in_the_learners_edition_what_needs_the_reference_says_so(edition, command):
    result = course(*command, root=edition)
    assert result.returncode in (1, 2), result.stdout + result.stderr
    text = result.stdout + result.stderr
    assert ("solutions" in text or "reference" in text) and "Traceback" not in text


def test_in_the_learners_edition_references_are_refused_in_words(edition):
    result = course("test", "0", "--reference", "0.1", root=edition)
    assert result.returncode == 2 and "solutions" in result.stdout + result.stderr


def test_in_the_learners_edition_make_test_judges_what_was_begun(edition, tmp_path):
    copy = tmp_path / "edition"
    shutil.copytree(edition, copy)
    result = course("check", root=copy)
    assert result.returncode == 0 and "not begun" in result.stdout, result.stdout + result.stderr
    path = copy / "modules/terox/foundations/operators.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('raise NotImplementedError("Task 0.1: relu")', "return 0.0 if x < 0.0 else x"),
                    encoding="utf-8")
    result = course("check", root=copy)
    assert result.returncode == 1 and "Module 1, Scalar autodiff: not begun" in result.stdout
    assert "to do" in result.stdout
