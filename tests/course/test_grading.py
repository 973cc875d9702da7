"""Grading as a whole: the same on every run, resumable, one submission's trouble its own, and no line of a solution."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from course.chaffs import laid_over, load_wheats
from course.grading import command, landlock, report, seccomp, whole_class
from course.grading.collect import Submission, collect, submissions_in
from course.grading.grade import Grader
from course.grading.known import SecretError, load_secret
from course.grading.reading_answers import judge
from course.grading.results import Grade
from course.grading.sealed import checks_of, draw
from course.manifest import ROOT, load

needs_linux = pytest.mark.skipif(not (landlock.offered() and seccomp.offered()),
                                 reason="this system has nothing to close a submission in with")
MANIFEST = load()
SECRET = b"the secret of test_grading"
FILES = ["terox/foundations/functional.py", "terox/foundations/reading.py"]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def grader(state):
    with Grader(SECRET, state) as grader:
        yield grader


def _submission(name="somebody", **changes):
    texts = {file: (ROOT / "solutions" / file).read_text(encoding="utf-8") for file in FILES}
    texts.update({f"terox/foundations/{key}.py": text for key, text in changes.items()})
    return Submission(name, {file: text for file, text in texts.items() if text})


@needs_linux
def test_right_is_right_and_the_rest_is_zero(grader):
    """Two tasks of module 0 are there; the others are missing, each with its points possible."""
    grade = grader.grade(_submission(), [0])
    assert {task.id: task.points for task in grade.modules[0].tasks} == {
        task.id: task.points if task.id in ("0.2", "0.R") else 0 for task in MANIFEST.module(0).tasks}
    assert grade.possible == 100 and grade.task("0.1").status == "missing"
    text = report.markdown(grade)
    assert "30 of 100 points" in text and "There is no terox/foundations/operators.py" in text


@needs_linux
def test_a_mistake_is_told_in_words(grader):
    """As the learner's own tests tell it, with the submission's own line, and never twice the same task."""
    text = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8")
    wrong = text.replace("    for x in xs:\n", "    for x in list(xs)[1:]:\n", 1)
    assert wrong != text
    grade = grader.grade(_submission(functional=wrong), [0])
    task = grade.task("0.2")
    assert (task.status, task.public, task.sealed, task.points) == ("failed", "failed", "not run", 0)
    assert "0.2 failed" in task.message


@needs_linux
@pytest.mark.parametrize("right, mistake", [
    ("", ""), ("(grad * ctx.slope,)", "(ctx.slope,)"), ("return operators.relu(x)", "return max(0.0, x)")])
def test_tasks_that_go_together_are_judged_together(grader, right, mistake):
    """A backward that needs its own forward's saved values is right, whatever the reference saves, and whatever else is
    wrong in the forward; a wrong one is not.
    """
    file = "terox/autograd/functions.py"
    wheat = next(each for each in load_wheats(MANIFEST.module(1)) if each.folder.name == "saves_other_values")
    text = laid_over(ROOT / "solutions" / file, wheat.folder / file)
    assert not mistake or text.count(right) == 1
    text = text.replace(right, mistake) if mistake else text
    grade = grader.grade(Submission("somebody", {file: text}), [1])
    forward, backward = grade.task("1.2"), grade.task("1.3")
    if "max" in mistake:  # NaN becomes 0
        assert (forward.status, backward.status, backward.beside) == ("failed", "passed", ["1.2"])
        return
    assert (forward.status, forward.beside) == ("passed", [])
    if mistake:
        assert (backward.status, backward.points, backward.beside) == ("failed", 0, [])
    else:
        assert (backward.status, backward.beside) == ("passed", ["1.2"])
        assert "1.3 passed beside the submission's own 1.2" in report.markdown(grade)


@needs_linux
@pytest.mark.parametrize("its_task", ["passed", "failed", "to do"])
def test_a_helper_may_stand_in_another_file_of_the_module(grader, its_task):
    """Over the reference's file, which lacks it, the task fails; over the submission's it passes, whatever becomes of
    the task of that file.
    """
    operators, functional = ((ROOT / "solutions/terox/foundations" / f"{name}.py").read_text(encoding="utf-8")
                             for name in ("operators", "functional"))
    line = "    for x in xs:\n"
    changed = functional.replace(line, "    for x in operators.each_of(xs):\n", 1)
    assert changed != functional
    if its_task == "failed":
        operators += "\n\ndef relu(x):\n    return x\n"
    elif its_task == "to do":
        operators = (ROOT / "modules/terox/foundations/operators.py").read_text(encoding="utf-8")
    submission = _submission(operators=operators + "\n\ndef each_of(xs):\n    yield from xs\n", functional=changed)
    grade = grader.grade(submission, [0])
    assert (grade.task("0.1").status, grade.task("0.2").status) == (its_task, "passed")
    assert grade.task("0.2").beside == (["0.1"] if its_task == "passed" else [])


@needs_linux
@pytest.mark.parametrize("left", ["behind", "above"])
def test_a_stub_that_is_left_over_is_none(grader, left):
    """What Python never comes to, as tests do."""
    stub = "raise NotImplementedError(\"Task 0.2: map\")"
    text = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8")
    if left == "behind":
        changed = text.replace("    return apply\n", f"    return apply\n    {stub}\n", 1)
    else:
        changed = text.replace("def map(", f"def map(fn):\n    {stub}\n\n\ndef map(", 1)
    assert changed != text and stub in changed
    assert grader.grade(_submission(functional=changed), [0]).task("0.2").status == "passed"


@needs_linux
def test_the_outcome_is_the_same_every_time(grader, state):
    """Word by word, with another grader and an empty state, too."""
    wrong = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8").replace("fn(", "abs(", 1)
    submission = _submission(functional=wrong)
    first = grader.grade(submission, [0]).to_json()
    assert grader.grade(submission, [0]).to_json() == first
    with Grader(SECRET, state) as other:
        assert other.grade(submission, [0]).to_json() == first


@needs_linux
def test_a_class_goes_on_where_it_was_stopped(grader, state, tmp_path, monkeypatch):
    """What was graded is not graded again; a changed submission, and one that the grader failed on, are."""
    for name in ("ann", "ben", "=cmd"):
        for file in FILES[1:]:
            path = tmp_path / "all" / name / file
            path.parent.mkdir(parents=True)
            path.write_text((ROOT / "solutions" / file).read_text(encoding="utf-8") + f"# {name}\n", encoding="utf-8")
    paths = submissions_in(tmp_path / "all")
    real, graded = grader.grade, []

    def grade(submission, modules, **options):
        graded.append(submission.name)
        if submission.name == "ben" and len(graded) <= 3:
            raise RuntimeError("the grader fails")
        return real(submission, modules, **options)

    monkeypatch.setattr(grader, "grade", grade)
    grades = whole_class.grade_all(grader, paths, [0], state, tmp_path / "reports")
    assert sorted(graded) == ["=cmd", "ann", "ben"]
    assert [bool(each.error) for each in grades] == [False, False, True]
    rows = list(csv.reader(io.StringIO(whole_class.to_csv(grades, [0]))))
    assert rows[0] == ["submission", "module 0", "total", "notes", "tasks"]
    assert "not graded: RuntimeError" in rows[3][3]
    assert [row[:3] for row in rows[1:]] == [["'=cmd", "10", "10"], ["ann", "10", "10"], ["ben", "", ""]]
    again = whole_class.grade_all(grader, paths, [0], state, tmp_path / "reports")
    assert graded[3:] == ["ben"]
    assert [each.points for each in again] == [10, 10, 10]
    assert again[0].to_json() == grades[0].to_json()
    (paths["ann"] / FILES[1]).write_text("def answers():\n    return {}\n")
    assert [each.points for each in whole_class.grade_all(grader, paths, [0], state)] == [10, 0, 10]
    assert graded[4:] == ["ann"]
    for name in ("=cmd", "ann", "ben"):
        data = json.loads((tmp_path / "reports" / name / report.RESULTS).read_text(encoding="utf-8"))
        assert data["modules"] and Grade.from_json(data).name == name


@needs_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_nothing_behind(number, tmp_path):
    """No process, no folder, no table; what was graded is kept."""
    for name in ("ann", "ben"):  # one hangs, so that there is something to stop
        path = tmp_path / "class" / name / FILES[0]
        path.parent.mkdir(parents=True)
        path.write_text("def map(fn):\n    while True:\n        pass\n" if name == "ben" else "x = 1\n")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    call = [sys.executable, "-m", "course", "grade-all", str(tmp_path / "class"), "--out", str(tmp_path / "out.csv"),
            "--modules", "0", "--state", str(tmp_path / "state"), "--workers", "1"]
    process = subprocess.Popen(call, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "TMPDIR": str(temporary), "TEROX_VENV": "none"})
    assert "the reference is judged" in process.stderr.readline()
    assert process.stderr.readline().startswith("1 of 2  ann")
    time.sleep(1.0)
    process.send_signal(number)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "Stopped." in said and "Traceback" not in errors
    assert "the same command goes on" in errors
    assert list(temporary.iterdir()) == [] and not (tmp_path / "out.csv").exists()
    assert len(list((tmp_path / "state/grades").iterdir())) == 1


@pytest.mark.parametrize("out, reports, word", [
    ("class.csv", None, "among the submissions"), ("class/out.csv", None, "among the submissions"),
    ("out.csv", "class/reports", "among the submissions"), ("folder", None, "a folder"),
    ("out.csv", "file", "no folder")])
def test_where_nothing_can_be_written_nothing_is_graded(out, reports, word, tmp_path, capsys):
    """And no submission is touched."""
    (tmp_path / "class/ann/terox").mkdir(parents=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    options = argparse.Namespace(submissions=tmp_path / "class", out=tmp_path / out, modules="0",
                                 state=tmp_path / "state", reports=tmp_path / reports if reports else None)
    assert command.run(options) == 2
    assert word in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "class").rglob("*")] == ["ann", "terox"]


@pytest.mark.parametrize("folder, word", [("class/ann", "looks like one submission"), ("empty", "is empty"),
                                          ("file", "There is no folder"), ("absent", "There is no folder")])
def test_a_class_has_to_be_one(folder, word, tmp_path, capsys):
    (tmp_path / "class/ann/terox").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    options = argparse.Namespace(submissions=tmp_path / folder, out=tmp_path / "x.csv", modules="0", reports=None,
                                 state=tmp_path / "state")
    assert command.run(options) == 2
    assert word in capsys.readouterr().err


@needs_linux
def test_what_is_missing_is_told_with_its_reason(grader):
    """A file that was left out, a function of another name."""
    submission = _submission(functional="")
    submission.left_out[FILES[0]] = "it is not encoded as UTF-8 (line 7)"
    task = grader.grade(submission, [0]).task("0.2")
    assert task.message == "terox/foundations/functional.py is left out: it is not encoded as UTF-8 (line 7)."
    text = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8").replace("zip_with", "my_zip")
    task = grader.grade(_submission(functional=text), [0]).task("0.2")
    assert task.message.startswith("There is no function zip_with in terox/foundations/functional.py.\n0.2 failed")


@needs_linux
def test_a_sealed_check_says_what_it_asked(grader, monkeypatch):
    """So that instructor and learner can try it."""
    monkeypatch.setattr(grader, "_public", lambda *arguments: "")
    text = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8")
    line = "    for x in xs:\n"
    assert line in text
    wrong = text.replace(line, "    for x in (list(xs)[:-1] if len(list(xs)) > 9 else xs):\n")
    task = grader.grade(_submission(functional=wrong), [0]).task("0.2")
    assert task.sealed == "failed" and "\nAsked: " in task.message and "=[" in task.message


@needs_linux
def test_the_report_names_no_place_of_this_machine(grader):
    """Nor does the JSON."""
    wrong = (ROOT / "solutions" / FILES[0]).read_text(encoding="utf-8").replace(
        "from terox.foundations import operators", "raise RuntimeError(__file__)")
    grade = grader.grade(_submission(functional=wrong), [0])
    text = report.markdown(grade) + json.dumps(grade.to_json())
    assert "functional.py" in text
    assert str(grader.stage.folder) not in text and str(ROOT) not in text


@needs_linux
def test_what_the_grader_cannot_judge_costs_one_task(grader, monkeypatch):
    """And somebody should look at it."""
    real = grader._judge

    def judge(task, *arguments):
        if task.id == "0.R":
            raise ValueError("what no grader expects")
        return real(task, *arguments)

    monkeypatch.setattr(grader, "_judge", judge)
    grade = grader.grade(_submission(), [0])
    assert (grade.task("0.R").points, grade.task("0.R").status, grade.error) == (0, "not judged", "")
    assert grade.task("0.2").points == MANIFEST.task("0.2").points
    assert any("0.R" in note and "what no grader expects" in note for note in grade.notes)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    first = load_secret(tmp_path / "state", None)
    assert load_secret(tmp_path / "state", None) == first and len(first) >= 32
    assert stat.S_IMODE((tmp_path / "state/secret").stat().st_mode) == 0o600
    (tmp_path / "given").write_text("long enough to be a secret\n")
    assert load_secret(tmp_path / "state", tmp_path / "given") == b"long enough to be a secret"
    (tmp_path / "short").write_text("short")
    for path in (tmp_path / "short", tmp_path / "absent"):
        with pytest.raises(SecretError):
            load_secret(tmp_path / "state", path)


@pytest.mark.parametrize("task", [task for task in MANIFEST.tasks if not task.endswith(".R")])
def test_every_task_has_sealed_checks(task):
    """And they follow from the secret alone."""
    assert checks_of(task)


def test_the_questions_follow_from_the_secret():
    def told(secret):
        return [(call.program, repr(call.inputs)) for call in draw("2.2", secret)]

    assert told(b"one") == told(b"one") != told(b"two")


@pytest.mark.parametrize("module", [module.number for module in MANIFEST.modules])
def test_reading_tasks_are_judged_from_the_text(module):
    """The reference's answers are right, the skeleton's none; nothing of the file runs."""
    file = MANIFEST.task(f"{module}.R").file
    right = (ROOT / "solutions" / file).read_text(encoding="utf-8")
    assert judge(module, right, ROOT / "tests") == ""
    assert judge(module, (ROOT / "modules" / file).read_text(encoding="utf-8"), ROOT / "tests")
    for text in ("raise SystemExit\n", "def answers():\n    return dict(a='x')\n",
                 "def answers():\n    return {1: 'x'}\n",
                 "def answers():\n    return {'a': open('/etc/passwd').read()}\n",
                 "def answers():\n    return {}\n"):
        assert judge(module, text, ROOT / "tests")


def test_a_submission_may_be_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    assert collect(tmp_path / "empty", MANIFEST).notes
