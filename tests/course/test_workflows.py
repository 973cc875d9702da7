"""The workflows for GitHub's runners: well formed, pinned, harmless; and their steps, run here in a clean folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from course import release
from course.manifest import ROOT

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def load(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def test_there_are_two():
    assert [path.name for path in FILES] == ["ci.yml", "learn.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_form_pins_and_rights(path):
    workflow = load(path.name)
    assert workflow[True]  # YAML 1.1 reads the key `on` so
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] > 0 and job["runs-on"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
            else:  # nothing that somebody else may have written becomes part of a command
                assert "${{" not in step["run"]
    assert "secrets." not in path.read_text(encoding="utf-8")
    for line in path.read_text(encoding="utf-8").splitlines():
        assert "uses:" not in line or re.search(r"# v\d+\.\d+\.\d+$", line), line


def test_all_systems_and_versions_are_covered():
    matrix = load("learn.yml")["jobs"]["judge"]["strategy"]["matrix"]
    systems = {*matrix["os"], *(each["os"] for each in matrix["include"])}
    loop = load("ci.yml")["jobs"]["learners-loop"]["strategy"]["matrix"]
    assert systems == set(loop["os"]) == {"ubuntu-latest", "macos-latest", "windows-latest"}
    assert matrix["python"] == loop["python"] == ["3.11", "3.12", "3.13"]
    assert any(step.get("run") == ".ci/run" for step in load("ci.yml")["jobs"]["gate"]["steps"])


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    path = tmp_path_factory.mktemp("workflows") / "edition"
    assert release.release(path, ROOT, uncommitted=True) == 0
    return path


def test_the_learners_edition_has_its_workflow_only(edition):
    assert [path.name for path in (edition / ".github/workflows").iterdir()] == ["learn.yml"]


def steps(job: str) -> list[dict]:
    """The steps of a job of learn.yml that a Linux runner would run as commands."""
    return [step for step in load("learn.yml")["jobs"][job]["steps"]
            if "run" in step and "== 'Windows'" not in step.get("if", "")]


def run(step: dict, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """As the runner does it: bash -e -o pipefail."""
    (folder.parent / "bin").mkdir(exist_ok=True)
    for name in ("python", "python3"):
        link = folder.parent / "bin" / name
        if not link.exists():
            link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            link.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"TEROX_VENV": "none", "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
                    "PYTHONPATH": str(folder), **more}
    return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=folder,
                          env=environment, capture_output=True, text=True, timeout=600)


@pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="the Linux job needs bash and make")
@pytest.mark.parametrize(("code", "status"), [(None, 0), ("return 0.0 if x < 0.0 else x  # mine", 1)])
def test_the_linux_job_runs_in_a_clean_folder(edition, tmp_path, code, status):
    folder = tmp_path / "repository"
    shutil.copytree(edition, folder)
    if code:
        path = folder / "modules/terox/foundations/operators.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('raise NotImplementedError("Task 0.1: relu")', code), encoding="utf-8")
    outputs = tmp_path / "outputs.txt"
    (look,) = steps("edition")
    assert run(look, folder, GITHUB_OUTPUT=str(outputs)).returncode == 0
    assert outputs.read_text() == "learners=yes\n"
    judge, summary = steps("judge")
    result = run(judge, folder)
    # With make's own status of 2 where the tests' is 1: anything but 0 turns the run red.
    assert bool(result.returncode) == bool(status), result.stdout + result.stderr
    page = tmp_path / "summary.md"
    assert summary["if"] == "always()"
    done = run(summary, folder, GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("```") == 4 and "Module 0: Foundations" in text and "not begun" in text


def test_in_the_full_repository_the_learners_job_is_left_out(tmp_path):
    if os.name == "nt":
        pytest.skip("needs bash")
    outputs = tmp_path / "outputs.txt"
    outputs.touch()
    (tmp_path / "full").mkdir()
    assert run(steps("edition")[0], tmp_path / "full", GITHUB_OUTPUT=str(outputs)).returncode == 0
    assert outputs.read_text() == ""
