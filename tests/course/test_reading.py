"""The reading tasks: what they claim about PyTorch is true, no answer is given away, the messages help.

The first part needs the torch that the course names, installed. Without it these tests are skipped, and say
so; where TEROX_REQUIRE_TORCH=1 they fail instead.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from course import manifest, reading, torch_source
from course.check import CheckFailed
from course.markers import find_blocks
from course.torch_source import Torch, locate

SOLUTIONS = manifest.ROOT / "solutions"
FILES = sorted(SOLUTIONS.glob("terox/*/reading.py"))
needs_solutions = pytest.mark.skipif(not FILES, reason="this edition has no solutions/")


# ---- What is claimed about PyTorch (needs it) ----


@pytest.fixture
def torch() -> Torch:
    release, found = manifest.load().torch, torch_source.find_torch()
    problem = None
    if found is None:
        problem = f"could not be checked against PyTorch: torch {release} is not installed"
    elif found.version != release:
        problem = f"could not be checked against PyTorch {release}: torch {found.version} is installed"
    if problem and os.environ.get("TEROX_REQUIRE_TORCH") == "1":
        pytest.fail(f"{problem}, and TEROX_REQUIRE_TORCH=1")
    if problem:
        pytest.skip(problem)
    return found


def test_every_place_that_the_manifest_names_is_in_the_named_release(torch):
    """Each entry of each task's `pytorch` list is a file of the installed torch, and the symbol is in it."""
    wrong = []
    for task in manifest.load().tasks.values():
        for entry in task.pytorch:
            place = locate(entry, torch)
            if not place.first:
                problem = "no such symbol" if place.file else "no such file in the wheel"
                wrong.append(f"{task.id}: {entry}: {problem}")
    assert not wrong, "\n".join(wrong)


@needs_solutions
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_answer_is_what_the_source_says(path, torch):
    """At a question's place, each proof of reading_notes.toml matches the answer, not all a miss."""
    task, answers, docstring = reading.load_answers(path)
    notes = reading.load_notes(SOLUTIONS)[task]
    for key, (_, file, symbol) in reading.parse_questions(docstring).items():
        place = locate(f"{file}:{symbol}", torch)
        assert place.first, f"{task}{key}: {file} has no {symbol}"
        texts = {True: place.file.read_text(encoding="utf-8"), False: place.text()}

        def matches(proof: str, name: str) -> bool:
            pattern = proof.removeprefix("file: ").replace("{answer}", re.escape(name))
            return re.search(pattern, texts[proof.startswith("file: ")]) is not None  # noqa: B023

        for proof in notes[key]["proof"]:
            assert matches(proof, answers[key]), f"{task}{key}: {proof}"
        for wrong in notes[key]["near"]:
            proved = all(matches(proof, wrong) for proof in notes[key]["proof"])
            assert not proved, f"{task}{key}: {wrong} is proved, too"


# ---- What has to agree inside the project ----


@needs_solutions
def test_the_generated_files_are_in_step():
    """`make skeleton` was run since an answer, a question or a note changed."""
    for relative, text in reading.render(SOLUTIONS).items():
        assert (manifest.ROOT / "tests" / relative).read_text(encoding="utf-8") == text, relative


@needs_solutions
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_task_is_whole_and_gives_nothing_away(path):
    """At least 5 questions, each place on the task's reading list, and no answer in what a learner gets."""
    task_id, answers, docstring = reading.load_answers(path)
    course = manifest.load()
    task, asked = course.task(task_id), reading.parse_questions(docstring)
    assert len(asked) >= 5
    assert f"PyTorch {course.torch} " in docstring
    for _, file, symbol in asked.values():
        assert f"{file}:{symbol}" in task.pytorch
    source = path.read_text(encoding="utf-8")
    (block,) = find_blocks(source, path)
    lines = source.splitlines()
    tests = manifest.ROOT / "tests" / f"module_{task.module}"
    seen = {
        "the stub": "\n".join(lines[: block.begin] + lines[block.end - 1:]),
        "the manifest": "\n".join([*task.hints, *task.bugs.values(), *task.pytorch]),
        "reading.json": (tests / "reading.json").read_text(encoding="utf-8"),
    }
    for each in [*tests.glob("test_*_R_*.py"), path.parent / "README.md"]:
        if each.is_file():
            seen[each.name] = each.read_text(encoding="utf-8")
    leaks = [f"{answer} in {where}" for answer in answers.values() for where, text in seen.items()
             if re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text)]
    assert not leaks, "\n".join(leaks)


def test_questions_and_answers_that_do_not_fit_are_refused(tmp_path):
    folder = tmp_path / "terox" / "part"
    folder.mkdir(parents=True)
    (folder / "reading.py").write_text(
        'def answers():\n    """Q.\n\n    a. What?\n       In torch/x.py, X.\n    """\n'
        '    # TODO 7.R: read.\n    return {"a": "one", "b": "two"}\n', encoding="utf-8")
    (tmp_path / "reading_notes.toml").write_text('["7.R".a]\nproof = []\n', encoding="utf-8")
    with pytest.raises(reading.ReadingError, match=r"asks \['a'\], there are answers to \['a', 'b'\]"):
        reading.render(tmp_path)


def test_digests_are_written_once(tmp_path):
    folder = tmp_path / "terox" / "part"
    folder.mkdir(parents=True)
    (folder / "reading.py").write_text(
        'def answers():\n    """Q.\n\n    a. What\n       then?\n       In torch/x.py, X.y.\n    """\n'
        '    # TODO 7.R: read.\n    return {"a": "right_one"}\n', encoding="utf-8")
    (tmp_path / "reading_notes.toml").write_text(
        '["7.R".a]\nproof = []\nnear.wrong_one = "It is not."\n', encoding="utf-8")
    written = tmp_path / "tests" / "module_7" / "reading.json"
    assert reading.write_digests(tmp_path, tmp_path / "tests") == [written]
    assert reading.write_digests(tmp_path, tmp_path / "tests") == []
    assert "right_one" not in written.read_text(encoding="utf-8")
    (question,) = reading.questions(7, tmp_path / "tests")
    assert (question.text, question.path, question.symbol) == ("What then?", "torch/x.py", "X.y")
    with pytest.raises(reading.ReadingError, match="module_8/reading.json is missing"):
        reading.questions(8, tmp_path / "tests")


# ---- What a learner is told ----

ENTRY = reading._entry("7.R", "c", "Which?", "torch/x.py", "X.y", "_right_one_",
                       {"wrong_one": "That is the caller."})
QUESTION = reading.Question(task="7.R", **ENTRY)


@pytest.mark.parametrize("answer", [
    "_right_one_", "`torch.nn.X._right_one_()`", " X::_right_one_(int a, b) ", "self->_right_one_;"])
def test_the_right_name_passes_however_it_is_written(answer):
    reading.check_answer(QUESTION, lambda: {"c": answer})


@pytest.mark.parametrize(("given", "words"), [
    ({"c": "wrong_one"}, ("your answer was 'wrong_one'", "That is the caller.", "torch/x.py at X.y")),
    ({"c": "x.wrong_one"}, ("That is the caller.", "make read MODULE=7")),
    ({"c": "right_one"}, ("nearly the name",)),
    ({"c": "_Right_One_"}, ("nearly the name",)),
    ({"c": "quite_another"}, ("question c: Which?", "Look in torch/x.py")),
    ({"c": "wrong_one, right_one"}, ("one name",)),
    ({"c": ""}, ("Question c has no answer yet",)),
    ({"c": "..."}, ("Question c has no answer yet",)),
    ({"c": ...}, ("Question c has no answer yet",)),
    ({"c": None}, ("Question c has no answer yet",)),
    ({}, ("Question c has no answer yet",)),
    ({"c": 3}, ("written as a string", "type int")),
    ({"c": ["_right_one_"]}, ("written as a string", "type list")),
    (None, ("Is a `return` missing?",)),
    (["_right_one_"], ("A list is not a dict.",)),
])
def test_a_wrong_answer_is_told_what_it_is(given, words):
    with pytest.raises(CheckFailed) as caught:
        reading.check_answer(QUESTION, lambda: given)
    for word in words:
        assert word in str(caught.value)
    assert "_right_one_" not in (caught.value.expected or "") + (caught.value.note or "")


def test_a_todo_stays_a_todo():
    def answers():
        raise NotImplementedError("Task 7.R: answers")

    with pytest.raises(NotImplementedError, match="Task 7.R: answers"):
        reading.check_answer(QUESTION, answers)


# ---- python -m course read N ----

TASK = {"title": "T", "hours": 1, "file": "terox/part/reading.py", "functions": {"answers": 1}, "hints": (),
        "bugs": {}}


@pytest.fixture
def course(monkeypatch, tmp_path):
    """A course of one module, and a torch of two files; returns the Torch."""
    tasks = (manifest.Task(id="7.1", pytorch=("torch/absent.cpp:f",), **TASK),
             manifest.Task(id="7.R", pytorch=("torch/x.py:X.y", "torch/csrc/z.h:Z::w_"), **TASK))
    module = manifest.Module(7, "part", "Part", 1, "", "", "", "", "", tasks)
    monkeypatch.setattr(manifest, "load", lambda: manifest.Manifest("1.2.3", (module,)))
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    include = tmp_path / "torch" / "include" / "torch" / "csrc"
    include.mkdir(parents=True)
    (tmp_path / "torch" / "x.py").write_text(
        "from typing import overload\nclass X:\n    @overload\n    def y(self, a): ...\n"
        "    def y(self):\n        return 1\n", encoding="utf-8")
    (include / "z.h").write_text(
        "#if !defined(TORCH_STABLE_ONLY)\nstruct Z;\n// w_ is\nstruct TORCH_API Z : A {\n"
        "  // w_\n  int w_;\n};\nint w_;\n", encoding="utf-8")
    return Torch(tmp_path, "1.2.3")


def test_read_prints_file_and_line_in_order(course, monkeypatch, capsys):
    monkeypatch.setattr(reading, "find_torch", lambda: course)
    assert reading.read(7) == 0
    out = capsys.readouterr().out
    first, second = out.find(f"{Path('torch') / 'x.py'}:5"), out.find(f"{Path('csrc') / 'z.h'}:6")
    assert 0 < first < second < out.find("What you wrote in 7.1")
    assert "blob/v1.2.3/torch/absent.cpp" in out and "blob/v1.2.3/torch/x.py" not in out
    assert "modules/terox/part/reading.py" in out and "make test-module-7" in out


def test_read_without_torch_gives_links_and_says_how_to_install(course, monkeypatch, capsys):
    monkeypatch.setattr(reading, "find_torch", lambda: None)
    assert reading.read(7) == 0
    out = capsys.readouterr().out
    assert "pip install torch==1.2.3" in out
    for path in ("torch/x.py", "torch/csrc/z.h", "torch/absent.cpp"):
        assert f"https://github.com/pytorch/pytorch/blob/v1.2.3/{path}\n" in out


def test_read_notes_another_release(course, monkeypatch, capsys):
    monkeypatch.setattr(reading, "find_torch", lambda: Torch(course.folder, "9.9.9"))
    assert reading.read(7) == 0
    out = capsys.readouterr().out
    assert "torch 9.9.9" in out and "questions are about 1.2.3" in out and "blob/v1.2.3/torch/x.py" in out


@pytest.mark.parametrize(("editor", "arguments"), [
    ("vim", ["vim", "+5", "FILE"]),
    ("code --wait", ["code", "--wait", "--goto", "FILE:5"]),
    ("odd", ["odd", "FILE"]),
])
def test_open_starts_the_editor_at_the_line(course, monkeypatch, editor, arguments):
    calls = []
    monkeypatch.setattr(reading, "find_torch", lambda: course)
    monkeypatch.setenv("EDITOR", editor)
    monkeypatch.setattr(reading.subprocess, "call", lambda command: calls.append(command) or 0)
    assert reading.read(7, open_first=True) == 0
    file = str(course.folder / "torch" / "x.py")
    assert calls == [[each.replace("FILE", file) for each in arguments]]


def test_open_without_an_editor_shows_the_page(course, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(reading, "find_torch", lambda: course)
    monkeypatch.setattr(reading.webbrowser, "open", lambda address: opened.append(address) or len(opened) > 1)
    assert reading.read(7, open_first=True) == 1
    assert "No browser could be started" in capsys.readouterr().out
    assert reading.read(7, open_first=True) == 0
    assert set(opened) == {"https://github.com/pytorch/pytorch/blob/v1.2.3/torch/x.py#L5"}


def test_an_editor_that_does_not_start_is_said(course, monkeypatch, capsys):
    monkeypatch.setattr(reading, "find_torch", lambda: course)
    monkeypatch.setenv("EDITOR", "no-such-editor-anywhere")
    assert reading.read(7, open_first=True) == 1
    assert "'no-such-editor-anywhere' could not be started" in capsys.readouterr().out


def test_a_wrapped_header_is_one_line_off_on_the_web(course):
    place = locate("torch/csrc/z.h:Z", course)
    assert (place.first, place.last) == (4, 7)
    assert place.url("1.2.3", with_line=True).endswith("/torch/csrc/z.h#L3")
    assert not locate("torch/csrc/z.h:Z::absent_", course).first
    assert not locate("torch/x.py:X.absent", course).first


def test_a_function_is_found_where_its_body_begins(tmp_path):
    """Not where it is called or declared, above that."""
    include = tmp_path / "torch" / "include" / "c10"
    include.mkdir(parents=True)
    (include / "w.cuh").write_text(
        "void fold(int a);\nvoid run() {\n  x = fold(1);\n  if (fold(2)) {\n  }\n  return fold(3);\n}\n"
        "__device__ std::array<T, 2> fold(T a, T* b) const {\n}\nint alone(int a);\n", encoding="utf-8")
    torch = Torch(tmp_path, "1.2.3")
    assert locate("c10/w.cuh:fold", torch).first == 8
    assert locate("c10/w.cuh:alone", torch).first == 10


def test_torch_is_found_without_importing_it():
    code = "import sys; from course.torch_source import *; find_torch(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=manifest.ROOT, check=False).returncode == 0
