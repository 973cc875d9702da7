"""`make next`, `make hint`, `make reveal`, `make progress`, and the file in which they remember."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from small_course import edit, small_course, solve

from course import cli, edition, guide, progress
from course.manifest import ROOT, load
from course.runner import Outcome, TaskResult
from course.term import style, wrapped

DOUBLE = "terox/first/double.py"
HALF = "terox/first/half.py"
FILE = ".terox/progress.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_course(tmp_path)


def ran(root: Path, module: int = 0, **tasks: str) -> None:
    """Record an outcome: `ran(root, t01="passed")`. A status may say what blocks it: "blocked 0.1"."""
    old = time.time() - 100
    for path in (root / "modules").rglob("*.py"):
        os.utime(path, (old, old))
    outcome = Outcome(module)
    for name, status in tasks.items():
        task = load(root).task(f"{name[1]}.{name[2]}")
        word, *by = status.split()
        message = f"{task.id} failed: {task.title}\n  double(3)\n  got 9" if word == "failed" else None
        outcome.tasks.append(TaskResult(task.id, task.title, word, by, points=task.points if word == "passed" else 0,
                                        points_possible=task.points, message=message))
    guide.record(outcome, root)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines() if " " in line.strip()), text
    assert "\x1b" not in text
    return text


# ---- next ----


def test_next_shows_the_first_stub_with_all_that_is_needed(root, capsys):
    assert guide.next_step(root) == 0
    text = shown(capsys)
    line = (root / "modules" / DOUBLE).read_text().splitlines().index(
        '    raise NotImplementedError("Task 0.1: double")') + 1
    for part in ("Task 0.1: Double and half", f"modules/{DOUBLE}:{line}", "twice the number, whatever its sign.",
                 "modules/terox/first/README.md", "make test-module-0", "make hint TASK=0.1", "2 of 2 functions left"):
        assert part in text


def test_next_goes_on_within_a_task_then_to_the_next_task_and_module(root, capsys):
    edit(root, f"modules/{DOUBLE}", 'raise NotImplementedError("Task 0.1: double")', "return 2 * x")
    guide.next_step(root)
    assert f"modules/{HALF}:" in (text := shown(capsys)) and "1 of 2 functions left" in text
    solve(root, HALF)
    guide.next_step(root)
    assert "Write     Times.four" in shown(capsys)
    solve(root, DOUBLE)
    guide.next_step(root)
    assert "Nothing is left to write in module 0" in (text := shown(capsys)) and "make test-module-0" in text
    ran(root, t01="passed", t02="passed")
    guide.next_step(root)
    assert "Task 1.1: Sum of doubles" in shown(capsys)
    solve(root, "terox/second/total.py")
    ran(root, 1, t11="passed")
    guide.next_step(root)
    assert "All modules are done." in (text := shown(capsys)) and "You can sum." in text


def test_next_names_the_first_task_that_failed_and_where_one_can_go_on(root, capsys):
    solve(root, HALF)
    edit(root, f"modules/{DOUBLE}", 'raise NotImplementedError("Task 0.1: double")', "return x * x")
    ran(root, t01="failed", t02="todo")
    guide.next_step(root)
    text = shown(capsys)
    assert "Task 0.1 failed" in text and "got 9" in text and "make hint TASK=0.1" in text
    assert "Or go on: Times.four of task 0.2" in text
    edit(root, f"modules/{HALF}", "return x / 2.0", 'raise NotImplementedError("Task 0.1: half")')
    ran(root, t01="failed", t02="todo")
    guide.next_step(root)
    assert "Or go on: half of task 0.1" in shown(capsys)
    solve(root, HALF)
    ran(root, t01="failed", t02="todo")
    edit(root, f"modules/{DOUBLE}", "return x * x", "return x + x")  # the verdict is about other code now
    guide.next_step(root)
    assert "Task 0.2" in shown(capsys)
    solve(root, DOUBLE)
    guide.next_step(root)
    assert "Changed since the last run: 0.1." in shown(capsys)


def test_next_of_one_module(root, capsys):
    assert guide.next_step(root, 1) == 0
    assert "Task 1.1" in shown(capsys)
    assert guide.next_step(root, 7) == 2
    assert "There is no module 7" in capsys.readouterr().err


def test_next_jumps_to_a_module_from_the_command_line(root, capsys, monkeypatch):
    monkeypatch.setattr(cli, "ROOT", root)
    assert cli.main(["next"]) == 0
    assert "Task 0.1" in shown(capsys)
    assert cli.main(["next", "1"]) == 0
    assert "Task 1.1" in shown(capsys)
    assert cli.main(["next", "7"]) == 2
    assert "There is no module 7" in capsys.readouterr().err


def test_make_next_hands_the_module_on():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("next:") + 1].split() == ["@$(COURSE)", "next", "$(MODULE)"]


def test_next_reads_files_that_python_cannot(root, capsys):
    edit(root, f"modules/{DOUBLE}", "def helper(x):", "def helper(x:")
    assert guide.next_step(root) == 0
    text = shown(capsys)
    assert f"First mend modules/{DOUBLE}:" in text and "Task 0.1" in text
    (root / "modules" / DOUBLE).unlink()
    guide.next_step(root)
    assert f"modules/{DOUBLE} is missing" in capsys.readouterr().out


def test_has_begun(root):
    assert not guide.has_begun(0, root)
    solve(root, HALF)
    assert guide.has_begun(0, root) and not guide.has_begun(1, root)


# ---- hint ----


def test_hints_come_one_at_a_time(root, capsys):
    assert guide.hint("0.1", again=True, root=root) == 0
    assert "No hint of task 0.1 was shown yet" in shown(capsys)
    for number, words in enumerate(("Think of two.", "Add it to itself.", "      take x"), start=1):
        assert guide.hint("0.1", root=root) == 0
        text = shown(capsys)
        assert f"Hint {number} of 3" in text and words in text and text.count("Hint ") == 1
    assert "make reveal TASK=0.1" in text
    guide.hint("0.1", root=root)
    assert "Hint " not in (text := shown(capsys)) and "ARGS=--again" in text
    guide.hint("0.1", again=True, root=root)
    assert shown(capsys).count("Hint ") == 3
    assert json.loads((root / FILE).read_text())["hints"] == {"0.1": 3}


def test_a_hint_by_its_level(root, capsys):
    guide.hint("0.1", 2, root=root)
    assert "Add it to itself." in shown(capsys)
    guide.hint("0.1", 1, root=root)
    assert json.loads((root / FILE).read_text())["hints"] == {"0.1": 2}
    assert guide.hint("0.1", 4, root=root) == 2
    assert guide.hint("9.1", root=root) == 2
    assert guide.hint("1.1", root=root) == 0
    assert "Task 1.1 has no hints." in capsys.readouterr().out


def test_no_reveal_is_announced_where_there_is_none(root, capsys):
    (root / "solutions").rename(root / "elsewhere")
    guide.hint("0.1", 3, root=root)
    assert "reveal" not in shown(capsys)


# ---- reveal ----


def test_reveal_waits_for_the_last_hint(root, capsys):
    guide.hint("0.1", root=root)
    assert guide.reveal("0.1", root=root) == 1
    text = shown(capsys)
    assert "2 hints of task 0.1 are left" in text and "twofold" not in text
    guide.hint("0.1", 3, root=root)
    shown(capsys)
    assert guide.reveal("0.1", root=root) == 0
    text = shown(capsys)
    assert "    twofold_number = x + x\n    return twofold_number\n" in text and "return x / 2.0" in text
    assert "double(double(x))" not in text and f"solutions/{DOUBLE}:" in text
    assert json.loads((root / FILE).read_text())["reveals"].keys() == {"0.1"}


def test_reveal_at_once_and_an_unknown_task(root, capsys):
    assert guide.reveal("0.2", yes=True, root=root) == 0
    assert "    return double(double(x))" in shown(capsys)
    assert guide.reveal("0.9", root=root) == 2


def test_reveal_is_off_in_a_class_edition_and_without_solutions(root, capsys):
    edit(root, "course.toml", 'torch = "2.13.0"', 'torch = "2.13.0"\nreveal = false')
    assert guide.reveal("0.1", yes=True, root=root) == 1
    assert "turned off" in shown(capsys)
    edit(root, "course.toml", "reveal = false", "")
    (root / "solutions").rename(root / "elsewhere")
    (root / edition.FILE).write_text(edition.TEXT)
    assert guide.reveal("0.1", yes=True, root=root) == 1
    assert "learner's edition" in shown(capsys)
    (root / "solutions/terox").mkdir(parents=True)
    (root / "elsewhere/terox/second").rename(root / "solutions/terox/second")
    assert guide.reveal("0.1", yes=True, root=root) == 1
    assert "has that of module 1." in shown(capsys)
    assert guide.reveal("1.1", yes=True, root=root) == 0
    assert "sum(double" in shown(capsys)


# ---- progress ----


def test_progress_is_the_whole_map(root, capsys):
    solve(root, HALF)
    solve(root, DOUBLE)
    guide.hint("0.2", root=root)
    shown(capsys)
    ran(root, t01="passed", t02="failed")
    assert guide.progress(root) == 0
    lines = [line.strip() for line in shown(capsys).splitlines()]
    assert "Module 0: First things, 60 of 100 points" in lines
    assert "0.1  passed   Double and half: 60 points" in lines
    assert "0.2  failed   Four times: 40 points, 1 hint used" in lines
    assert "1.1  to do    Sum of doubles: 100 points, 1 of 1 function left" in lines
    assert "1 of 3 tasks passed, 60 of 200 points." in lines
    assert "About 1.5 hours of work left." in lines


def test_a_verdict_is_about_the_code_that_was_judged(root):
    solve(root, HALF)
    solve(root, DOUBLE)
    ran(root, t01="passed", t02="passed")

    def status() -> list[str]:
        return [state.status for state in progress.states(root, load(root)).values()][:2]

    assert status() == ["passed", "passed"]
    edit(root, f"modules/{DOUBLE}", "    return twofold_number", "    # a comment\n\n    return twofold_number")
    assert status() == ["passed", "passed"]
    edit(root, f"modules/{DOUBLE}", "return double(double(x))", "return x")  # 0.2 alone
    assert status() == ["passed", "changed"]
    edit(root, f"modules/{HALF}", "x / 2.0", "x / 3.0")  # 0.1, in its other file
    assert status() == ["changed", "changed"]
    edit(root, f"modules/{HALF}", "x / 3.0", "x / 2.0")
    assert status() == ["passed", "changed"]
    edit(root, f"modules/{DOUBLE}", "abs(x)", "abs(x")  # nothing can be told apart in it
    assert status() == ["changed", "changed"]


def test_a_file_saved_while_the_tests_ran_is_not_judged(root):
    solve(root, HALF)
    solve(root, DOUBLE)
    outcome = Outcome(0, tasks=[TaskResult("0.1", "", "passed", points=60)], seconds=5.0)
    guide.record(outcome, root)
    assert progress.states(root, load(root))["0.1"].status == "changed"


def test_blocked_lasts_as_long_as_what_blocks(root):
    solve(root, DOUBLE)
    ran(root, t01="todo", t02="blocked 0.1")
    assert progress.states(root, load(root))["0.2"].status == "blocked"
    solve(root, HALF)
    ran(root, t01="passed")
    assert progress.states(root, load(root))["0.2"].status == "not run"


def test_only_the_learners_own_finished_tasks_are_recorded(root):
    outcome = Outcome(0, tasks=[TaskResult("0.1", "", "passed", from_reference=True), TaskResult("0.2", "", "blocked")])
    guide.record(outcome, root)
    assert json.loads((root / FILE).read_text())["tasks"] == {}
    wrong = Outcome(0, usage=True)
    guide.record(wrong, root)


# ---- The file ----


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"version": 99}',
                                     b'{"version": 1, "hints": {"0.1": "many"}, "reveals": {}, "tasks": {}}',
                                     b'{"version": 1, "hints": [], "reveals": {}, "tasks": {}}',
                                     b'{"version": 1, "hints": {}, "reveals": {}, "tasks": {"0.1": {"status": 3}}}',
                                     b"[" * 100_000])
def test_a_broken_file_is_kept_aside(root, capsys, content):
    (root / ".terox").mkdir()
    (root / FILE).write_bytes(content)
    assert guide.progress(root) == 0
    assert "progress.json.broken" in capsys.readouterr().err
    assert (root / ".terox/progress.json.broken").read_bytes() == content
    assert guide.hint("0.1", root=root) == 0
    (root / FILE).write_bytes(content)
    guide.progress(root)
    assert (root / ".terox/progress.json.broken2").read_bytes() == content


def test_a_folder_that_cannot_be_written_costs_a_warning(root, capsys):
    (root / ".terox").write_text("a file where the folder should be")
    assert guide.hint("0.1", root=root) == 0
    captured = capsys.readouterr()
    assert "Think of two." in captured.out and "could not be saved" in captured.err
    assert (root / ".terox").read_text() == "a file where the folder should be"


def test_a_write_that_fails_half_way_leaves_the_old_file(root, monkeypatch, capsys):
    guide.hint("0.1", root=root)
    before = (root / FILE).read_text()

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.os, "replace", no_room)
    assert guide.hint("0.1", root=root) == 0
    assert "No space left on device" in capsys.readouterr().err
    assert (root / FILE).read_text() == before and [path.name for path in (root / ".terox").iterdir()] == [
        "progress.json"]


# ---- The terminal, the edition ----


def test_color_only_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert style("passed", "green") == "passed"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert style("passed", "green") == "\x1b[32mpassed\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert style("passed", "green") == "passed"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert style("passed", "green") == "passed"
    with pytest.raises(ValueError, match="pink"):
        style("passed", "pink")


def test_prose_is_folded_and_code_is_not():
    code = "    " + "x" * 100
    text = wrapped("one two three\nfour " + "word " * 30 + "\n\n- a\n- b\n" + code, indent="  ")
    lines = text.splitlines()
    assert lines[0].startswith("  one two three four") and "  - a" in lines and "  - b" in lines
    assert "  " + code in lines and all(len(line) <= 80 for line in lines[:-1])


def test_what_needs_the_reference_says_so(root):
    assert edition.needs_reference("make demo", root) is None
    (root / "solutions").rename(root / "elsewhere")
    assert "no folder solutions/terox" in edition.needs_reference("make demo", root)
    (root / edition.FILE).write_text(edition.TEXT)
    assert "learner's edition" in edition.needs_reference("make demo", root)
    assert edition.is_learners(root) and not edition.is_learners(root / "elsewhere")
