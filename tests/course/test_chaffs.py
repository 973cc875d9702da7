"""`make chaffs` and `make flake`, on a small course: what is caught, what escapes, what is refused."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from small_course import edit, small_course, write

from course import chaffs, flake
from course.manifest import load
from course.parallel import in_parallel

FILE = "tests/chaffs/module_0.toml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_course(tmp_path)


def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tests run: everything is as it should be."""
    monkeypatch.setattr(chaffs, "judge_chaff", lambda *_: "")
    monkeypatch.setattr(chaffs, "judge_wheat", lambda *_: "")


# ---- From end to end ----


def test_all_is_well(root, capsys):
    assert chaffs.run(0, root) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-1] == "3 chaffs caught, 0 escaped; 3 wheats passed."
    assert "Module 0: 3 chaffs and 3 wheats in" in text and "Problem" not in text
    assert not list(root.rglob("__pycache__")) and not (root / ".terox").exists()


def test_a_chaff_escapes_a_message_is_silent_and_a_wheat_fails(root, capsys):
    edit(root, FILE, 'by = "x * x"', 'by = "2 * x"')
    edit(root, FILE, 'says = "Is a `return` missing?"', 'says = "a number of its own"')
    edit(root, "tests/wheats/module_0/shifted/terox/first/double.py", "x << 1", "x << 2")
    assert chaffs.run(0, root) == 1
    text = capsys.readouterr().out
    assert f"Escaped: 0.1 square ({FILE}:1): It squares the number. The task is passed." in text
    assert f"Escaped: 0.1 nothing ({FILE}:10): it is caught, but the message does not say 'a number of its own'" in text
    assert "Is a `return` missing?" in text  # what it says instead
    assert "Wheat fails: tests/wheats/module_0/shifted:" in text and "double(1)" in text
    assert text.splitlines()[-1] == "1 chaffs caught, 2 escaped; 2 wheats passed."


def test_a_chaff_is_judged_by_its_own_task_alone(root):
    """0.1's mistake breaks 0.2 as well, and that does not count."""
    edit(root, "tests/module_0/test_0_1_double.py", "check.equal(got, 2 * x, call=f\"double({x})\", "
         "mistakes={\"That is the square.\": x * x})", "assert got is not None")
    found, _ = chaffs.load_chaffs(root)
    file, text = chaffs.changed(found[0], load(root), root)
    assert "The task is passed." in chaffs.judge_chaff(found[0], file, text, root)


# ---- What is refused before anything runs ----


def problems(root: Path, capsys: pytest.CaptureFixture[str], module: int | None = 0) -> str:
    assert chaffs.run(module, root) == 1
    return "\n".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("Problem: "))


@pytest.mark.parametrize(("old", "new", "words"), [
    ('bug = "square"', 'bug = "cube"', f"{FILE}:1: cube is no bug class of task 0.1"),
    ('bug = "square"', 'bug = "cube"', "Task 0.1: no chaff has its bug class square."),
    ('replace = "x + x"', 'replace = "x - x"', "occurs 0 times in double of solutions/terox/first/double.py"),
    ('replace = "x + x"', 'replace = "x"', "occurs 4 times in double"),
    ('replace = "x + x"', 'replace = ""', "occurs 0 times"),
    ('by = "x * x"', 'by = "x +* x"', "does not parse"),
    ('by = "x * x"', 'by = "x + x"', "`by` is the same as `replace`"),
    ('inside = "double"', 'inside = "treble"', "there is no function treble in terox/first/double.py"),
    ('inside = "double"', '', "the chaff has no `inside`"),
    ('inside = "double"', 'inside = "double"\nwhy = "so"', "a chaff has no key `why`"),
    ('inside = "double"', 'inside = 3', "`inside` has to be a string"),
    ('by = "x * x"', 'by = "x * x', "is not valid TOML"),
])
def test_chaffs_that_cannot_be(root, capsys, monkeypatch, old, new, words):
    fake(monkeypatch)
    edit(root, FILE, old, new)
    assert words in problems(root, capsys)


def test_every_task_and_module_has_its_own(root, capsys, monkeypatch):
    fake(monkeypatch)
    edit(root, FILE, 'task = "0.2"', 'task = "0.7"')
    shutil.rmtree(root / "tests/wheats/module_0/shifted")
    write(root, "tests/wheats/module_9/x/terox/y.py", "")
    text = problems(root, capsys, None)
    assert "Task 0.2: no chaff has its bug class once." in text
    assert f"{FILE}:19: there is no task 0.7." in text
    assert "Module 0 has 2 wheats in tests/wheats/module_0/, and needs 3." in text
    assert "Module 1 has 0 wheats" in text and "tests/wheats/module_9: there is no such module." in text


def test_wheats_that_cannot_be(root, capsys, monkeypatch):
    fake(monkeypatch)
    write(root, "tests/wheats/module_0/shifted/terox/first/double.py", "def f(:\n")
    write(root, "tests/wheats/module_0/by_two/terox/first/treble.py", "")
    text = problems(root, capsys)
    assert "shifted/terox/first/double.py does not parse" in text
    assert "by_two/terox/first/treble.py: solutions/ has no such file." in text


def test_a_chaff_may_name_its_file(root):
    edit(root, FILE, 'inside = "half"', 'inside = "half"\nfile = "terox/first/half.py"')
    found, wrong = chaffs.load_chaffs(root)
    assert not wrong
    assert chaffs.changed(found[1], load(root), root)[0] == "terox/first/half.py"


def test_the_budget_of_a_module(root, capsys, monkeypatch):
    fake(monkeypatch)
    monkeypatch.setattr(chaffs, "judge_wheat", lambda *_: time.sleep(0.2) or "")
    assert chaffs.run(0, root, budget=0.1) == 1
    assert "took more than its 0.1 s" in capsys.readouterr().out


def test_wrong_calls(root, capsys):
    assert chaffs.run(7, root) == 2 and flake.flake(7, 1, root) == 2 and flake.flake(0, 0, root) == 2
    shutil.rmtree(root / "solutions")
    assert chaffs.run(0, root) == 2 and flake.flake(0, 1, root) == 2
    assert "make chaffs runs on the reference" in capsys.readouterr().err


# ---- flake ----


def test_no_flake(root, capsys):
    assert flake.flake(1, 3, root) == 0
    assert "No flake: module 1 passed with 3 seeds" in capsys.readouterr().out


def test_a_flake_is_shown_with_its_seed(root, capsys):
    edit(root, "solutions/terox/first/double.py", "x + x", "x + x if x < 500 else 5")
    assert flake.flake(0, 4, root) == 1
    text = capsys.readouterr().out
    assert "fails" in text and "double(500)" in text
    assert "Again: python -m course test 0 --code solutions --seed " in text


# ---- in_parallel ----


def test_jobs_run_side_by_side():
    meet = threading.Barrier(3, timeout=10)
    found = dict(in_parallel([lambda i=i: (meet.wait(), i * i)[1] for i in range(3)], workers=3))
    assert found == {0: 0, 1: 1, 2: 4}


def test_no_further_job_starts_after_the_time_or_the_end():
    started: list[int] = []

    def job(number: int) -> int:
        started.append(number)
        time.sleep(0.1)
        return number

    jobs = [lambda i=i: job(i) for i in range(50)]
    assert list(in_parallel(jobs, workers=1, seconds=0.25)) and len(started) < 10
    started.clear()
    with closing(in_parallel(jobs, workers=1)) as results:
        assert next(results) == (0, 0)
    assert len(started) < 4


def test_a_jobs_exception_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(in_parallel([lambda: 1 // 0]))
