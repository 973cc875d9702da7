"""`make submission`: what a learner has written, in a zip that the grading reads, and what would cost points."""

from __future__ import annotations

import zipfile

import pytest
from small_course import edit, small_course, solve

from course import submission
from course.grading.collect import collect
from course.manifest import ROOT, load
from course.runner import run_tests

DOUBLE = "modules/terox/first/double.py"


@pytest.fixture
def root(tmp_path):
    return small_course(tmp_path)


def test_it_holds_the_learners_files_and_nothing_else(root, capsys):
    solve(root, "terox/first/half.py")
    solve(root, "terox/first/double.py")
    (root / ".venv").mkdir()
    (root / ".venv/large").write_bytes(b"x" * 10**6)
    (root / "HELP.md").write_text("Ben explained 0.1 to me.\n")
    assert submission.write(root=root) == 0
    out = root / "build/submission.zip"
    names = zipfile.ZipFile(out).namelist()
    assert set(names) == {"HELP.md", *(f"modules/{file}" for task in load(root).tasks.values() for file in task.files)}
    said = capsys.readouterr().out
    assert "Module 0: 0 of 2 tasks passed, 0.1 not run, 0.2 not run" in said and "Module 1: not begun" in said
    assert "build/submission.zip: 4 files. Hand it in as it is." in said
    first = out.read_bytes()
    assert submission.write(root=root) == 0 and out.read_bytes() == first


def test_what_is_begun_is_not_called_nothing(root, capsys):
    solve(root, "terox/first/half.py")
    assert submission.write(root=root) == 0
    said = capsys.readouterr().out
    assert "Module 0: 0 of 2 tasks passed, 0.1 has 1 of 2 functions, 1 to do" in said and "Hand it in" in said


def test_the_grading_reads_it(tmp_path):
    assert submission.write(tmp_path / "ada.zip", ROOT) == 0
    found = collect(tmp_path / "ada.zip", load())
    assert found.name == "ada" and found.notes == []
    assert set(found.files) == {file for task in load().tasks.values() for file in task.files}


def test_what_no_grader_allows_is_named(root, capsys):
    """With the line; and what is one's own, or runs only when one tries it, is nothing."""
    solve(root, "terox/first/half.py")
    solve(root, "terox/first/double.py")
    text = (root / DOUBLE).read_text()
    (root / DOUBLE).write_text("import pdb\n" + text + "\n\ndef compile(x):\n    return x\n\ncompile(1)\n\n"
                               "if __name__ == '__main__':\n    import pytest\n    pytest.main()\n")
    assert submission.write(root=root) == 0
    (root / DOUBLE).write_text(text + "\n\nimport gc\ngc.collect()\n")
    capsys.readouterr()
    assert submission.write(root=root) == 1
    said = capsys.readouterr().out
    line = len(text.splitlines()) + 3
    assert f"double.py:{line} uses the module gc. A grader does not allow it" in said


@pytest.mark.parametrize("content, word", [(b"def double(x:\n", "double.py:1: Python cannot read"),
                                           ("# caf\u00e9\n".encode("latin-1"), "not encoded as UTF-8")])
def test_what_would_cost_points_is_named(root, capsys, content, word):
    (root / DOUBLE).write_bytes(content)
    assert submission.write(root=root) == 1
    said = capsys.readouterr().out
    assert word in said and "Mend the above" in said
    assert zipfile.ZipFile(root / "build/submission.zip").read(DOUBLE) == content


def test_a_missing_file_is_named(root, capsys):
    (root / DOUBLE).unlink()
    assert submission.write(root=root) == 0
    assert f"git checkout {DOUBLE}" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_an_error(root, capsys):
    (root / "build").write_text("in the way")
    assert submission.write(root=root) == 2
    assert "Nothing was written." in capsys.readouterr().err
    assert submission.write(root / "modules", root) == 2
    assert "modules" in capsys.readouterr().err and (root / DOUBLE).is_file()


def test_what_was_handed_in_can_be_judged(root, tmp_path):
    """`make test-module-0 CODE=...` fills it up with what is provided, and names the places in it."""
    solve(root, "terox/first/half.py")
    solve(root, "terox/first/double.py")
    edit(root, "modules/terox/first/half.py", "x / 2.0", "x / 2.5")
    submission.write(tmp_path / "ada.zip", root)
    zipfile.ZipFile(tmp_path / "ada.zip").extractall(tmp_path / "ada")
    for code in (tmp_path / "ada", tmp_path / "ada/modules"):
        outcome = run_tests(0, code=code, course_root=root, quiet=True)
        assert [task.status for task in outcome.tasks] == ["failed", "passed"]
        assert "ada/modules/terox/first/half.py:1" in outcome.tasks[0].message
        outcome = run_tests(0, code=code, course_root=root, quiet=True, reference="0.1")
        assert [task.status for task in outcome.tasks] == ["passed", "passed"]
