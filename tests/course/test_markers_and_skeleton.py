"""Markers that are not well formed are refused with file and line; the skeleton is checked, and loses no work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from course import skeleton
from course.manifest import ROOT, load
from course.markers import MarkerError, find_blocks

GOOD = textwrap.dedent('''\
    """A file."""


    class Box:
        @staticmethod
        def forward(x: float) -> float:
            """Doubles."""
            # TODO 0.1: double it.
            # BEGIN SOLUTION
            y = x * 2.0
            return y
            # END SOLUTION


    def helper():
        return 1
''')


def test_a_block_knows_its_task_and_qualified_name():
    (block,) = find_blocks(GOOD, "f.py")
    assert (block.task, block.function, block.begin, block.end) == ("0.1", "Box.forward", 9, 12)


@pytest.mark.parametrize(("old", "new", "line", "words"), [
    ("y = x * 2.0", "# BEGIN SOLUTION", 10, "BEGIN SOLUTION inside the block that begins in line 9"),
    ("        # END SOLUTION\n", "", 9, "never closed"),
    ("        # BEGIN SOLUTION\n", "", 11, "END SOLUTION without a BEGIN"),
    ("# TODO 0.1: double it.", "# double it.", 9, "no `# TODO N.M:` line"),
    ("# BEGIN SOLUTION", "#  BEGIN SOLUTION", 9, "must be exactly"),
    ("        y = x * 2.0\n        return y\n", "", 9, "empty"),
    ("return y", "return (y", 11, "does not parse"),
])
def test_a_marker_that_is_not_well_formed_is_refused_with_file_and_line(old, new, line, words):
    text = GOOD.replace(old, new)
    with pytest.raises(MarkerError, match=rf"^f\.py:{line}: .*{words}"):
        find_blocks(text, "f.py")


def test_a_block_outside_of_a_function_is_refused():
    with pytest.raises(MarkerError, match=r"^f\.py:2: .*inside a function"):
        find_blocks("# TODO 0.1: x\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n", "f.py")


def test_the_block_becomes_one_line_and_all_else_stays():
    text = skeleton.strip_blocks(GOOD, "f.py")
    assert '        raise NotImplementedError("Task 0.1: Box.forward")\n' in text
    assert "SOLUTION" not in text and "y = x * 2.0" not in text
    assert text.splitlines()[:8] == GOOD.splitlines()[:8]


def test_git_can_merge_what_changes_around_a_stub():
    """A line that nobody changes stands between the TODO and the stub, and below a stub that ends the file."""
    text = skeleton.strip_blocks(GOOD, "f.py")
    todo, blank, stub, below = text.splitlines()[7:11]
    assert "# TODO" in todo and "raise" in stub and blank == below == "" and "End of" not in text
    short = GOOD[: GOOD.index("\n\ndef helper")]
    assert skeleton.strip_blocks(short, "f.py").splitlines()[9:] == [stub, "", "", skeleton.LAST_LINE]


def make_course(root: Path) -> None:
    (root / "solutions/terox/foundations").mkdir(parents=True)
    (root / "solutions/terox/foundations/box.py").write_text(GOOD, encoding="utf-8")
    (root / "solutions/terox/foundations/README.md").write_text("# Box\n", encoding="utf-8")


@pytest.fixture
def course_root(tmp_path, monkeypatch):
    make_course(tmp_path)
    from course import reading

    monkeypatch.setattr(reading, "write_digests", lambda *roots: [])
    monkeypatch.setattr(reading, "render", lambda root: {})
    assert skeleton.write(tmp_path) == 0
    return tmp_path


def test_writing_twice_changes_nothing(course_root, capsys):
    assert skeleton.write(course_root) == 0
    assert skeleton.out_of_step(course_root) == []


def test_a_change_in_solutions_follows(course_root):
    path = course_root / "solutions/terox/foundations/box.py"
    path.write_text(path.read_text(encoding="utf-8").replace("Doubles.", "Twice x."), encoding="utf-8")
    assert skeleton.out_of_step(course_root)
    assert skeleton.write(course_root) == 0
    assert "Twice x." in (course_root / "modules/terox/foundations/box.py").read_text(encoding="utf-8")


def test_a_learners_edit_is_shown_and_kept(course_root, capsys):
    path = course_root / "modules/terox/foundations/box.py"
    stub = 'raise NotImplementedError("Task 0.1: Box.forward")'
    mine = path.read_text(encoding="utf-8").replace(stub, "return x + x")
    path.write_text(mine, encoding="utf-8")
    solution = course_root / "solutions/terox/foundations/box.py"
    solution.write_text(GOOD.replace("Doubles.", "Twice x."), encoding="utf-8")
    assert skeleton.write(course_root) == 1
    out = capsys.readouterr().out
    assert "return x + x" in out and "Nothing was written" in out and "--force" in out
    assert path.read_text(encoding="utf-8") == mine
    assert skeleton.write(course_root, force=True) == 0
    assert "return x + x" not in path.read_text(encoding="utf-8")


def test_a_file_of_the_learners_own_is_not_removed(course_root, capsys):
    own = course_root / "modules/terox/foundations/notes.py"
    own.write_text("mine = 1\n", encoding="utf-8")
    assert skeleton.write(course_root) == 1
    assert own.exists() and "notes.py" in capsys.readouterr().out


def test_a_removed_solution_file_goes_from_the_skeleton(course_root):
    (course_root / "solutions/terox/foundations/README.md").unlink()
    assert skeleton.write(course_root) == 0
    assert not (course_root / "modules/terox/foundations/README.md").exists()


def test_lost_digests_count_as_a_learners_work(course_root):
    (course_root / skeleton.DIGESTS).unlink()
    path = course_root / "modules/terox/foundations/box.py"
    path.write_text("# mine\n", encoding="utf-8")
    assert skeleton.write(course_root) == 1
    assert path.read_text(encoding="utf-8") == "# mine\n"


# ---- The skeleton of this course ----


def test_the_skeleton_is_in_step():
    assert skeleton.out_of_step(ROOT) == []


@pytest.mark.parametrize("module", load().modules, ids=lambda module: str(module.number))
def test_on_the_untouched_skeleton_all_is_to_do_and_nothing_passes(module, tmp_path):
    code = tmp_path / "code"
    for name, text in skeleton.render(ROOT).items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(text, encoding="utf-8")
    report = tmp_path / "result.json"
    result = subprocess.run(
        [sys.executable, "-m", "course", "test", str(module.number), "--code", str(code), "--json", str(report)],
        cwd=ROOT, capture_output=True, text=True, env=_here())
    assert result.returncode == 1, result.stdout + result.stderr
    tasks = json.loads(report.read_text(encoding="utf-8"))["tasks"]
    assert [task["id"] for task in tasks] == [task.id for task in module.tasks]
    assert {task["id"]: task["status"] for task in tasks} == {task["id"]: "todo" for task in tasks}
    assert not any(task["passed"] or task["failed"] for task in tasks)
    assert "Traceback" not in result.stdout + result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80 + len(str(code)), "readable at 80 columns"


def test_no_line_of_a_solution_is_in_the_skeleton(tmp_path):
    from course import release

    target = tmp_path / "modules"
    for name, text in skeleton.render(ROOT).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")
    assert release.leaks(target, ROOT / "solutions") == []
    shutil.rmtree(target)


def _here() -> dict[str, str]:
    import os

    return {**os.environ, "TEROX_VENV": "none", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
