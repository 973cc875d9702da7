"""Gradescope's autograder: what is in the zip, that it runs in a clean folder, and what results.json says."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from course.grading import gradescope, gradescope_run
from course.grading.make_class import submissions
from course.grading.results import Grade, ModuleGrade, TaskGrade
from course.manifest import ROOT, ManifestError

FORMATS = {"text", "html", "simple_format", "md", "ansi"}
SEEN = {"hidden", "after_due_date", "after_published", "visible"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("gradescope") / "module_0.zip"
    gradescope.build(0, path, b"a secret")
    return path


def grade(*tasks: TaskGrade, **more) -> dict:
    return Grade("ada", "d" * 24, "g", [ModuleGrade(2, "Tensors", list(tasks))], **more).to_json()


def check_format(outcome: dict) -> None:
    """What Gradescope's documentation asks of results.json."""
    assert isinstance(outcome["score"], (int, float)) and outcome["output_format"] in FORMATS
    assert outcome["visibility"] in SEEN and outcome["stdout_visibility"] in SEEN and outcome["tests"]
    for test in outcome["tests"]:
        assert set(test) == {"name", "number", "score", "max_score", "status", "output", "output_format", "visibility"}
        assert 0 <= test["score"] <= test["max_score"] and test["status"] in ("passed", "failed")
        assert test["output_format"] in FORMATS and test["visibility"] in SEEN
        assert all(isinstance(test[key], str) for key in ("name", "number", "output"))
    for entry in outcome["leaderboard"]:
        assert set(entry) == {"name", "value", "order"} and entry["order"] in ("asc", "desc")


def test_scripts_are_executable_at_the_root_and_what_grading_needs_is_there(archive):
    with zipfile.ZipFile(archive) as file:
        modes = {info.filename: info.external_attr >> 16 for info in file.infolist()}
        assert b"--module 0" in file.read("run_autograder") and b"--module 0" in file.read("setup.sh")
        assert file.read("secret") == b"a secret"
        for script in ("setup.sh", "run_autograder"):
            assert file.read(script).startswith(b"#!/usr/bin/env bash\n") and b"\r" not in file.read(script)
    assert all(stat.S_ISREG(mode) for mode in modes.values())
    assert [name for name, mode in modes.items() if mode & 0o111] == ["run_autograder", "setup.sh"]
    assert modes["secret"] & 0o777 == 0o600
    assert {"course.toml", "constraints.txt", "solutions/terox/__init__.py", "course/grading/grade.py"} <= set(modes)
    assert not [name for name in modes if name.startswith(("tests/wheats", "docs/", "notebooks/", ".git/"))]
    assert archive.stat().st_mode & 0o077 == 0


def test_the_same_course_gives_the_same_zip(archive, tmp_path):
    gradescope.build(0, tmp_path / "again.zip", b"a secret")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_wheels_go_along_for_an_image_without_a_network(tmp_path):
    (tmp_path / "wheels").mkdir()
    with pytest.raises(gradescope.GradescopeError, match="no wheels"):
        gradescope.build(0, tmp_path / "a.zip", b"s", wheels=tmp_path / "wheels")
    assert not (tmp_path / "a.zip").exists()
    (tmp_path / "wheels/x-1-py3-none-any.whl").write_bytes(b"PK")
    gradescope.build(0, tmp_path / "a.zip", b"s", wheels=tmp_path / "wheels")
    assert "wheels/x-1-py3-none-any.whl" in zipfile.ZipFile(tmp_path / "a.zip").namelist()


def test_a_module_that_is_not_there(tmp_path, capsys):
    with pytest.raises(ManifestError):
        gradescope.build(9, tmp_path / "a.zip", b"s")
    (tmp_path / "secret").write_text("0123456789abcdef")
    assert gradescope.run(9, tmp_path / "a.zip", tmp_path / "secret") == 2
    assert "no module 9" in capsys.readouterr().err


def test_a_container_that_cannot_close_code_in_has_to_be_trusted_in_so_many_words(archive, tmp_path):
    gradescope.build(0, tmp_path / "a.zip", b"s", trust=True)
    for script in ("setup.sh", "run_autograder"):
        assert b"--trust" in zipfile.ZipFile(tmp_path / "a.zip").read(script)
        assert b"--trust" not in zipfile.ZipFile(archive).read(script)


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's machines have bash")
@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_bash_can_read_the_scripts(archive, script):
    text = zipfile.ZipFile(archive).read(script)
    assert subprocess.run(["bash", "-n"], input=text, capture_output=True).stderr == b""


@pytest.fixture
def container(archive, tmp_path) -> Path:
    """A folder as Gradescope's /autograder, with the zip unpacked and an environment that is this one."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(archive) as file:
        file.extractall(root / "source")
    script = root / "source/run_autograder"  # this machine may be one that cannot close code in
    script.write_text(script.read_text().replace("--module 0", "--module 0 --trust"))
    for name in ("submission", "results", "venv/bin"):
        (root / name).mkdir(parents=True)
    python = root / "venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return root


def autograder(root: Path) -> dict:
    environment = {**os.environ, "TEROX_AUTOGRADER": str(root), "TEROX_VENV": "none",
                   "PYTHONPATH": str(root / "source")}
    done = subprocess.run(["bash", str(root / "source/run_autograder")], cwd=root, env=environment, capture_output=True,
                          timeout=600)
    assert done.returncode == 0, done.stderr
    outcome = json.loads((root / "results/results.json").read_text())
    check_format(outcome) if "tests" in outcome else None
    return outcome


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Gradescope's machines run Linux")
def test_the_autograder_grades_in_a_clean_folder(container):
    files = submissions(ROOT)["dina"]
    for name, text in files.items():
        if "foundations" in name:  # a submission of module 0: one task is not done, one is wrong
            path = container / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            assert isinstance(text, str)
            path.write_text(text.replace("zip(", "zip(*[]) or zip("), encoding="utf-8")
    (container / "submission/terox/foundations/properties.py").write_bytes(
        (ROOT / "modules/terox/foundations/properties.py").read_bytes())
    outcome = autograder(container)
    status = {test["number"]: test["status"] for test in outcome["tests"]}
    assert {number: each for number, each in status.items() if "." in number and len(number) == 3} == {
        "0.1": "passed", "0.2": "failed", "0.3": "failed", "0.4": "passed", "0.R": "passed"}
    assert outcome["score"] == sum(test["score"] for test in outcome["tests"]) == 60
    assert str(container) not in json.dumps(outcome)


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's machines have bash")
def test_a_grader_that_breaks_gives_no_points_and_says_so(container):
    (container / "source/course/grading/grade.py").write_text("raise SystemExit(3)\n")
    outcome = autograder(container)
    assert outcome["score"] == 0 and "did not finish" in outcome["output"]
    hidden = [test for test in outcome["tests"] if test["visibility"] == "hidden"]
    assert "status 3" in hidden[0]["output"]


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's machines have bash")
def test_a_python_that_does_not_start_leaves_a_sentence_all_the_same(container):
    (container / "venv/bin/python").unlink()
    outcome = autograder(container)
    assert outcome["score"] == 0 and "could not be started" in outcome["output"]


def test_a_run_that_is_killed_midway_leaves_a_sentence(tmp_path):
    def killed(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradescope_run.grade(0, tmp_path, tmp_path / "out/results.json", tmp_path, killed)
    outcome = json.loads((tmp_path / "out/results.json").read_text())
    check_format(outcome)
    assert outcome["score"] == 0


@pytest.mark.parametrize("report", [{}, {"error": ""}, {"error": "", "modules": [{"tasks": [{}]}]}, None, []])
def test_a_report_of_another_form_is_no_reason_to_leave_nothing(tmp_path, report):
    gradescope_run.grade(0, tmp_path, tmp_path / "results.json", tmp_path, lambda *_: report)
    check_format(json.loads((tmp_path / "results.json").read_text()))


def test_what_a_sealed_check_asked_is_shown_after_the_due_date_only():
    outcome = gradescope_run.results(grade(
        TaskGrade("2.1", "Layout", {"a": 16}, "passed", "passed", "passed", 16),
        TaskGrade("2.2", "Broadcasting", {"b": 9}, "failed", "passed", "failed", message="2.2 failed: SECRET-INPUT."),
        TaskGrade("2.3", "Kernels", {"c": 17}, "failed", "failed", "not run", message="what the public test says")))
    check_format(outcome)
    assert outcome["score"] == 16 and sum(test["max_score"] for test in outcome["tests"]) == 42
    told = [test for test in outcome["tests"] if "SECRET-INPUT" in test["output"]]
    assert [test["visibility"] for test in told] == ["after_due_date"]
    assert "SECRET-INPUT" not in json.dumps([each for each in outcome["tests"] if each["visibility"] == "visible"])
    assert any(test["output"] == "what the public test says" and test["visibility"] == "visible"
               for test in outcome["tests"])


def test_an_error_of_the_grader_gives_no_points(tmp_path):
    outcome = gradescope_run.results(grade(error="BoxError: no box"))
    check_format(outcome)
    assert outcome["score"] == 0 and "BoxError" not in outcome["output"]
