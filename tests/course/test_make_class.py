"""The made-up class: 20 submissions, each as `WHAT` says."""

from __future__ import annotations

import ast
import io
import zipfile

import pytest

from course.grading import make_class
from course.manifest import ROOT, load
from course.markers import function_lines


@pytest.fixture(scope="module")
def made():
    return make_class.submissions(ROOT)


def test_there_are_20_of_all_kinds_and_each_is_described(made):
    assert set(made) == set(make_class.WHAT) and len(made) == 20
    assert len(set(map(str, made.values()))) == 19  # kim's, a zip, holds what ada's does
    assert [name for name, files in made.items() if "terox/foundations/operators.py" not in files] == [
        "leo", "noa", "quin"]


def test_complete_work_has_no_markers_and_no_stubs(made):
    for name in ("ada", "eli", "fay", "kim", "mia"):
        for path, text in made[name].items():
            assert "NotImplementedError(" + '"Task' not in text and "SOLUTION" not in text, f"{name}: {path}"
            ast.parse(text)


def test_hanas_tasks_all_differ_from_the_reference(made):
    manifest = load(ROOT)
    right, wrong = made["ada"], made["hana"]
    for task in manifest.tasks.values():
        bodies = [_bodies(files, task) for files in (right, wrong)]
        assert bodies[0] != bodies[1], task.id


def _bodies(files, task):
    found = []
    for file in task.files:
        lines = files[file].splitlines()
        spans = function_lines(files[file], file)
        found += [lines[first - 1: last] for name, (first, last) in spans.items()]
    return found


def test_broken_files_are_broken_as_described(made):
    operators = "terox/foundations/operators.py"
    with pytest.raises(SyntaxError):
        ast.parse(made["ivan"][operators])
    with pytest.raises(UnicodeDecodeError):
        made["jo"][operators].decode("utf-8")
    assert b"\r\n" in made["omar"][operators] and made["omar"][operators].startswith(b"\xef\xbb\xbf")
    assert "while True" in made["sam"][operators]


def test_a_renamed_copy_shares_no_line_that_names_something(made):
    text = '''def f(a):
    """Says what."""
    total = 0.0  # begins here
    for each in a:
        total += each
    return total
'''
    assert make_class.renamed(text) == ("def f(a):\n    renamed_total = 0.0\n    for renamed_each in a:\n"
                                        "        renamed_total += renamed_each\n    return renamed_total\n")
    scope = {}
    exec(make_class.renamed(text), scope)
    assert scope["f"]([1.0, 2.0]) == 3.0


def test_it_writes_files_and_refuses_a_folder_in_use(made, tmp_path, capsys):
    assert make_class.run(tmp_path / "class") == 0
    assert "20 submissions" in capsys.readouterr().out
    assert len(list((tmp_path / "class").iterdir())) == 20
    with zipfile.ZipFile(io.BytesIO((tmp_path / "class/kim.zip").read_bytes())) as archive:
        assert "kim/terox/foundations/operators.py" in archive.namelist()
    assert make_class.run(tmp_path / "class") == 2
    assert "exists already" in capsys.readouterr().out
