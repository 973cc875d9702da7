"""`make watch`: which tasks a save concerns, and the loop around it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from small_course import DOUBLE, edit, small_course, solve, write

from course import watch
from course.manifest import load
from course.progress import Work
from course.runner import Outcome, TaskResult
from course.watch import Affected, Watcher, affected

FIRST = "modules/terox/first/"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_course(tmp_path)


@pytest.mark.parametrize(("files", "module", "first", "then"), [
    ([FIRST + "double.py"], 0, ["0.1", "0.2"], []),
    ([FIRST + "half.py"], 0, ["0.1"], ["0.2"]),  # of 0.1 alone, which 0.2 needs
    ([FIRST + "double.py"], 1, ["1.1"], []),  # an earlier module's task, which 1.1 needs
    (["modules/terox/second/total.py"], 0, [], []),  # a later module
    (["modules/terox/second/total.py"], 1, ["1.1"], []),
    ([FIRST + "__init__.py"], 0, ["0.1", "0.2"], []),  # of no task: it may concern all
    ([FIRST + "__init__.py"], 1, ["1.1"], []),
    (["modules/terox/__init__.py"], 1, ["1.1"], []),
    (["tests/module_0/test_0_2_four.py"], 0, ["0.2"], []),
    (["tests/module_0/test_0_1_double.py"], 0, ["0.1"], ["0.2"]),
    (["tests/module_0/helpers.py"], 0, ["0.1", "0.2"], []),
    (["tests/module_1/test_1_1_total.py"], 0, [], []),
    ([FIRST + "README.md", "../elsewhere.py", "solutions/terox/first/double.py"], 0, [], []),
    ([], 0, [], []),
])
def test_affected(root, files, module, first, then):
    assert affected(load(root), files, module, root=root) == Affected(first, then)
    assert affected(load(root), [root / file for file in files], module, root=root) == Affected(first, then)


def test_of_two_tasks_in_a_file_only_the_one_that_changed(root):
    manifest = load(root)
    before = {task.id: Work(root, manifest).digest(task) for task in manifest.tasks.values()}

    def now() -> Affected:
        return affected(manifest, [FIRST + "double.py"], 0, root=root, before=before)

    assert now() == Affected(["0.1", "0.2"], [])  # saved as it was
    edit(root, FIRST + "double.py", 'raise NotImplementedError("Task 0.2: Times.four")', "return x")
    assert now() == Affected(["0.2"], [])
    edit(root, FIRST + "double.py", 'raise NotImplementedError("Task 0.1: double")', "return x")
    assert now() == Affected(["0.1", "0.2"], [])


@pytest.fixture
def runs(monkeypatch) -> list[list[str]]:
    """The tasks of each run; no tests run. The next statuses stand in `runs.next`."""

    class Runs(list):
        next: dict[str, str] = {}

    found = Runs()

    def run_tests(module: int, *, tasks: list[str], **options: object) -> Outcome:
        assert options["profile"] == "watch" and options["quiet"]
        found.append(tasks)
        return Outcome(module, tasks=[TaskResult(task, "", found.next.get(task, "passed")) for task in tasks])

    monkeypatch.setattr(watch, "run_tests", run_tests)
    return found


def test_tasks_that_need_the_changed_one_run_if_it_passes(root, runs, capsys):
    watcher = Watcher(0, root)
    assert watcher.react(None) and runs == [["0.1", "0.2"]]
    text = capsys.readouterr().out
    assert "passed 0.1 0.2" in text and "The full verdict: make test-module-0" in " ".join(text.split())
    runs.clear()
    runs.next = {"0.1": "failed"}
    watcher.react([FIRST + "half.py"])
    assert runs == [["0.1"]] and "failed 0.1" in (text := capsys.readouterr().out) and "full verdict" not in text
    runs.clear()
    runs.next = {}
    watcher.react([FIRST + "half.py"])
    assert runs == [["0.1"], ["0.2"]] and "full verdict" in capsys.readouterr().out
    runs.clear()
    watcher.react([FIRST + "README.md"])
    assert runs == [] and capsys.readouterr().out == ""


def test_a_half_saved_manifest_does_not_end_it(root, runs):
    watcher = Watcher(0, root)
    (root / "course.toml").write_text("[[module")
    assert watcher.react(None) and runs


def test_the_loop_runs_at_once_then_on_every_save_until_ctrl_c(root, runs, monkeypatch, capsys):
    def saves(folders):
        assert folders == [root / "modules/terox", root / "tests/module_0"]
        yield {root / FIRST / "half.py"}
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "changes", saves)
    assert watch.watch(0, root) == 0
    assert runs == [["0.1", "0.2"], ["0.1"], ["0.2"]]
    text = capsys.readouterr().out
    assert text.startswith("Watching modules/terox for module 0.") and text.endswith("Watching has ended.\n")


def test_ctrl_c_in_the_tests_ends_it_too(root, monkeypatch, capsys):
    monkeypatch.setattr(watch, "run_tests", lambda *_, **__: Outcome(0, interrupted=True))
    monkeypatch.setattr(watch, "changes", lambda _: iter([{root / FIRST / "half.py"}] * 3))
    assert watch.watch(0, root) == 0
    assert capsys.readouterr().out.count("(0.0 s)") == 1


def test_nothing_to_watch(root, capsys):
    assert watch.watch(7, root) == 2
    (root / "modules").rename(root / "elsewhere")
    assert watch.watch(0, root) == 2
    assert "no folder modules/terox" in capsys.readouterr().err


def test_real_verdicts_are_short(root, capsys):
    solve(root, "terox/first/half.py")
    write(root, FIRST + "double.py", DOUBLE.replace("x + x", "x * x"))
    outcome = watch.run_once(0, ["0.1", "0.2"], root)
    text = capsys.readouterr().out
    assert outcome.task("0.1").status == "failed"
    assert "failed 0.1 0.2 " in text and "That is the square." in text and text.count("Should hold") == 1
    assert not (root / ".terox").exists()
    watch.run_once(0, ["0.1", "0.2"], root, stop_at_first=True)
    assert "failed 0.1, not run 0.2 " in capsys.readouterr().out


@pytest.mark.parametrize("library", ["watchfiles", None])
def test_saves_are_seen(root, monkeypatch, library):
    """Also those before the first look, new files and removed ones; with and without watchfiles."""
    if library is None:
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        monkeypatch.setattr(watch, "POLL", 0.02)
    else:
        pytest.importorskip(library)
    folder = root / "modules/terox"
    saves = watch.changes([folder])
    (folder / "early.py").write_text("a = 1\n")
    assert next(saves) == {folder / "early.py"}

    def save() -> None:
        time.sleep(0.2)
        (folder / "notes.txt").write_text("no Python\n")
        (folder / "first/half.py").write_text("a = 2\n")
        (folder / "early.py").unlink()

    threading.Thread(target=save).start()
    seen: set[Path] = set()
    while len(seen) < 2:
        seen |= next(saves)
    assert seen == {folder / "first/half.py", folder / "early.py"}
