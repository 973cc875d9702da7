"""`make doctor`: what it finds, and what it says to do."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from course import bootstrap, doctor
from course.doctor import OK, PROBLEM, WARNING

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    for name in ("TEROX_CUDA", "TEROX_DATA", "TEROX_VENV", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEROX_VENV", "none")


def test_the_whole_visit(capsys):
    status = doctor.doctor()
    text = capsys.readouterr().out
    assert status == (1 if "\nproblem " in "\n" + text else 0)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "numba can be imported" in text and "Python 3." in text and "disk" in text
    assert all(line.split()[0] in (OK, WARNING, PROBLEM) for line in text.splitlines()[:-2] if not line.startswith(" "))


def test_a_problem_makes_the_status_1(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "packages", lambda *_: [])
    monkeypatch.setenv("TEROX_CUDA", "maybe")
    assert doctor.doctor() == 1
    text = capsys.readouterr().out
    assert "problem  TEROX_CUDA is 'maybe'" in text and "1 problem to solve first." in text


@pytest.mark.parametrize(("version", "status"), [
    ((3, 10, 9), PROBLEM), ((3, 11, 0), OK), ((3, 14, 2), OK), ((3, 15, 0), WARNING), ((2, 7, 18), PROBLEM)])
def test_python_version(version, status):
    assert doctor.python_version(version).status == status


def test_the_environment(monkeypatch, tmp_path):
    assert doctor.environment_line()[1] == Path(sys.executable)
    monkeypatch.setenv("TEROX_VENV", str(tmp_path / "env"))
    line, python = doctor.environment_line()
    assert (line.status, python) == (WARNING, None) and doctor.packages(None) == []
    wanted = bootstrap.python_of(tmp_path / "env")
    wanted.parent.mkdir(parents=True)
    wanted.write_text("")
    assert doctor.environment_line()[1] == wanted


def answering(monkeypatch, versions: str, rest: str = "numba 1\n", status: int = 0, error: str = "") -> None:
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess(
        [], status, f"versions {versions}\n{rest}" if versions else "", error))


def test_versions_against_the_constraints(monkeypatch, tmp_path):
    (tmp_path / "constraints.txt").write_text("# pins\nnumpy==2.4.6\nnumba==0.68.1 ; python_version > '3'\nrich==15\n")
    answering(monkeypatch, '{"numpy": "2.4.6", "numba": "0.60", "pytest": "9", "hypothesis": null, "rich": "15",'
                           ' "safetensors": "1", "watchfiles": "1", "matplotlib": null, "jupyterlab": null,'
                           ' "nbclient": null}')
    lines = {line.what.split()[0]: line for line in doctor.packages(Path("python"), tmp_path)}
    assert lines["hypothesis"].status == PROBLEM and "course setup" in lines["hypothesis"].advice
    assert doctor.packages(Path("python"), tmp_path)[1].what == "numba 0.60; the course is tested with 0.68.1"
    assert lines["numpy"].status == lines["pytest"].status == lines["watchfiles"].status == OK
    assert lines["Not"].what.startswith("Not installed yet: matplotlib, jupyterlab, nbclient.")
    assert doctor.constraints(tmp_path / "nowhere") == {}


def test_numba_that_does_not_load(monkeypatch):
    every = '{"numpy": "2", "numba": "1", "pytest": "1", "hypothesis": "1", "rich": "1", "safetensors": "1",' \
            ' "watchfiles": null, "matplotlib": null, "jupyterlab": null, "nbclient": null}'
    answering(monkeypatch, every, "", 1, "Traceback\nImportError: Numba needs NumPy 2.3 or less.\n")
    line = doctor.packages(Path("python"))[-1]
    assert line.status == PROBLEM and "Numba needs NumPy 2.3 or less" in line.what


def test_an_environment_that_does_not_run(monkeypatch, tmp_path):
    line, = doctor.packages(tmp_path / "env/bin/no_python")
    assert line.status == PROBLEM and "does not run" in line.what and "Remove the folder env" in line.advice
    answering(monkeypatch, "", status=1, error="Fatal")
    assert "Fatal" in doctor.packages(Path("env/bin/python"))[0].what


def test_an_import_that_never_ends(monkeypatch):
    monkeypatch.setattr(doctor, "_PROBE", doctor._PROBE.replace("import numba", "import time; time.sleep(60)"))
    lines = doctor.packages(Path(sys.executable), timeout=3)
    assert lines[-1].status == PROBLEM and "no answer within 3 seconds" in lines[-1].what


def test_gpu_or_simulator(monkeypatch):
    monkeypatch.setattr(doctor, "_gpu_name", lambda: None)
    assert doctor.gpu().status == OK and "simulator" in doctor.gpu().what
    monkeypatch.setenv("TEROX_CUDA", "gpu")
    assert doctor.gpu().status == PROBLEM
    monkeypatch.setattr(doctor, "_gpu_name", lambda: "NVIDIA H200")
    monkeypatch.setattr(doctor, "_can_compile", lambda interpreter: True)
    assert doctor.gpu().what == "GPU: NVIDIA H200"
    monkeypatch.setattr(doctor, "_can_compile", lambda interpreter: False)
    assert doctor.gpu().status == PROBLEM and "--layer gpu" in doctor.gpu().advice
    monkeypatch.delenv("TEROX_CUDA")
    assert doctor.gpu().status == WARNING
    monkeypatch.setenv("TEROX_CUDA", "numba")
    assert doctor.gpu().status == OK and "Numba's own simulator" in doctor.gpu().what
    monkeypatch.setenv("TEROX_CUDA", "sim")
    assert "simulator" in doctor.gpu().what


def test_the_gpus_name(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: "nvidia-smi")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "A\nB\n", ""))
    assert doctor._gpu_name() == "A"
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 9, "no driver", ""))
    assert doctor._gpu_name() is None
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    monkeypatch.setattr(doctor.ctypes.util, "find_library", lambda _: "libcuda.so.1")
    assert "driver" in doctor._gpu_name()


def test_free_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage(0, 0, 2**29))
    assert doctor.disk(tmp_path).status == WARNING and "0.5 GiB" in doctor.disk(tmp_path).what
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage(0, 0, 2**31))
    assert doctor.disk(tmp_path).status == OK


def test_data(monkeypatch, tmp_path):
    assert doctor.data(tmp_path)[0].status == PROBLEM
    (tmp_path / "data/mnist").mkdir(parents=True)
    for name in doctor.MNIST:
        (tmp_path / f"data/mnist/{name}.gz").write_bytes(b"")
    assert [line.status for line in doctor.data(tmp_path)] == [OK]
    monkeypatch.setenv("TEROX_DATA", str(tmp_path / "nowhere"))
    assert doctor.data(tmp_path)[1].status == PROBLEM
    monkeypatch.setenv("TEROX_DATA", str(tmp_path))
    assert doctor.data(tmp_path)[1].status == WARNING
    monkeypatch.setenv("TEROX_DATA", str(tmp_path / "data"))
    assert doctor.data(tmp_path)[1].status == OK


def test_programs(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert doctor.make().status == WARNING and "-m course" in doctor.make().advice
    assert doctor.git(tmp_path).status == WARNING
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name)
    assert doctor.make().status == OK
    assert "git init" in doctor.git(tmp_path).advice
    (tmp_path / ".git").mkdir()
    assert doctor.git(tmp_path).status == OK


def test_a_folder_without_write_access(tmp_path, monkeypatch):
    """By a file system that refuses: the rights of a folder would not stop root, under whom this may run."""
    (tmp_path / "modules").mkdir()
    really = doctor.tempfile.TemporaryFile

    def refuse(dir):
        if dir.name == "modules":
            raise PermissionError(13, "Permission denied")
        return really(dir=dir)

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    line, = doctor.writable(tmp_path)
    assert line.status == PROBLEM and "modules/" in line.what


def test_write_access(tmp_path, monkeypatch):
    assert doctor.writable(tmp_path)[0].status == OK and not list(tmp_path.iterdir())

    def refuse(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    line, = doctor.writable(tmp_path)
    assert line.status == PROBLEM and "the course's folder" in line.what


def test_what_a_merge_left_to_do_is_named(tmp_path):
    folder = tmp_path / "modules/terox"
    folder.mkdir(parents=True)
    (folder / "fine.py").write_text('"""Title\n=======\n"""\nx = 1 <<7\n')
    assert doctor.conflicts(tmp_path) == []
    (folder / "both.py").write_text("a = 1\r\n<<<<<<< HEAD\r\nb = 1\r\n=======\r\nb = 2\r\n>>>>>>> upstream/main\r\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/MERGE_HEAD").write_text("0" * 40)
    file, merge = doctor.conflicts(tmp_path)
    assert file.status == PROBLEM and file.what == "modules/terox/both.py:2 holds a conflict"
    assert merge.status == WARNING and all("git merge --abort" in line.advice for line in (file, merge))
