"""The copies of the reference in which `make chaffs` makes its mistakes, and what their runs share."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from miniature import Miniature

from course.copies import Copies
from course.runner import forking

FILE = "terox/one.py"


@pytest.fixture
def source(tmp_path) -> Path:
    (tmp_path / "terox" / "deep").mkdir(parents=True)
    (tmp_path / FILE).write_text("x = 1\n")
    (tmp_path / "terox" / "deep" / "two.py").write_text("y = 2\n")
    (tmp_path / "terox" / "__pycache__").mkdir()
    (tmp_path / "terox" / "__pycache__" / "one.pyc").write_text("old")
    return tmp_path


def _all(folder: Path) -> dict[str, tuple[str, int]]:
    return {path.relative_to(folder).as_posix(): (path.read_text(), path.stat().st_mtime_ns)
            for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_a_copy_is_restored_whatever_a_run_left(source):
    with Copies(source) as copies:
        with copies.one() as copy:
            assert _all(copy.folder) == _all(source)
            assert not list(copy.folder.rglob("*.pyc"))
            copy.write(FILE, "x = 2\n")
            assert (copy.folder / FILE).read_text() == "x = 2\n"
            (copy.folder / "terox" / "deep" / "two.py").unlink()
            (copy.folder / "terox" / "left.txt").write_text("by a run")
        with copies.one() as again:
            assert again is copy and _all(copy.folder) == _all(source)
        folder = copy.folder
    assert not folder.exists() and (source / FILE).read_text() == "x = 1\n"


def test_it_is_restored_after_an_error(source):
    with Copies(source) as copies:
        with pytest.raises(KeyError), copies.one() as copy:
            copy.write(FILE, "x = 2\n")
            raise KeyError
        assert _all(copy.folder) == _all(source)


def test_every_change_has_a_second_of_its_own(source):
    """Python would take the bytecode of one change for that of another of the same size."""
    with Copies(source) as copies:
        seconds = [int((source / FILE).stat().st_mtime)]
        for number in range(3):
            with copies.one() as copy:
                copy.write(FILE, f"x = {number}\n")
                seconds.append(int((copy.folder / FILE).stat().st_mtime))
    assert len(set(seconds)) == len(seconds)


def test_every_thread_has_a_copy(source):
    folders = []

    def work() -> None:
        with copies.one() as copy:
            folders.append(copy.folder)

    with Copies(source) as copies:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(folders)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_runs_that_share_bytecode_run_what_stands_there(tmp_path):
    """Mistakes of equal length in one file, in turn with the reference: each run judges its own."""
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return 0\n", "def test_f():\n    assert part.f(0) == 2\n")
    found = []
    with forking.Nurseries() as nurseries, Copies(course.root / "modules") as copies:
        for result in (1, 2, 3, 2, 0):
            with copies.one() as copy:
                file = next(path for path in copy.folder.rglob("*.py") if "return 0" in path.read_text())
                text = file.read_text()
                if result:
                    copy.write(file.relative_to(copy.folder).as_posix(), text.replace("return 0", f"return {result}"))
                found.append(course.run(code=copy.folder).task("0.1").status)
        shared = Path(nurseries.of_thread().shared)
        assert list((shared / "bytecode").rglob("*.pyc"))
    assert found == ["failed", "passed", "failed", "passed", "failed"]
    assert not shared.exists()
