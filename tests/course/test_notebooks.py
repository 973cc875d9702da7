"""The notebooks run, on the reference and on the untouched skeleton, and are stored as they should be."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course import notebooks
from course.manifest import ROOT
from course.skeleton import render

SETUP = "from course.notebooks import setup; setup()\nfrom terox.foundations import operators as op"


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skeleton")
    for name, text in render().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write(path, *cells):
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    return path


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_it_runs_on_the_reference(path):
    before = sorted(path.parent.iterdir())
    assert notebooks.run_notebook(path, ROOT / "solutions") == []
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_on_the_skeleton_cells_say_what_they_need_and_the_rest_goes_on(path, skeleton):
    outcome = notebooks.run(path, skeleton)
    assert outcome.errors == []
    assert notebooks.problems(outcome, unfinished=True) == []
    module = path.stem.split("_")[1]
    needed = {line.removeprefix(notebooks.NEEDS).split(":")[0] for line in outcome.stops}
    assert any(task.startswith(f"{module}.") for task in needed)


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path):
    assert notebooks.check_stored(path) == []


def test_there_are_notebooks():
    assert [path.name for path in notebooks.notebooks()] == [
        "module_0_foundations.ipynb", "module_1_autodiff.ipynb", "module_2_tensors.ipynb",
        "module_3_parallel.ipynb", "module_4_cuda.ipynb", "module_5_convnets.ipynb"]


def test_a_todo_a_missing_name_and_what_goes_on(tmp_path, skeleton):
    path = write(tmp_path / "a.ipynb", SETUP,
                 "first, second = op.exp(1.0), 2", "third = first + 1", "print(third)", "fourth = 4", "print(fourth)")
    outcome = notebooks.run(path, skeleton)
    assert outcome.errors == []
    assert [line.split(".")[0] + "." + line.split(".")[1] for line in outcome.stops] == [
        "This cell needs task 0.1: exp",
        "An earlier cell stopped at task 0.1, so there is no `first` yet",
        "An earlier cell stopped at task 0.1, so there is no `third` yet"]


def test_other_errors_stay_errors(tmp_path, skeleton):
    path = write(tmp_path / "a.ipynb", SETUP,
                 "made = op.exp(1.0)", "mistyped", "raise NotImplementedError('not a task')", "1 / 0",
                 "def f():\n    return also_mistyped\nf()", "import hypothesis.strategies as st, hypothesis as h\n"
                 "raise ExceptionGroup('two', [ValueError('a'), KeyError('b')])")
    errors = notebooks.run(path, skeleton).errors
    assert [error.split(": ")[1] for error in errors] == [
        "NameError", "NotImplementedError", "ZeroDivisionError", "NameError", "ExceptionGroup"]
    assert "mistyped" in errors[0]


def test_an_edit_is_seen_by_the_next_cell(tmp_path):
    package = tmp_path / "terox" / "foundations"
    for name, text in render().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    edit = (f"from pathlib import Path\nfile = Path({str(package / 'operators.py')!r})\n"
            "stub = 'raise NotImplementedError(\"Task 0.1: exp\")'\n"
            "assert stub in file.read_text()\nfile.write_text(file.read_text().replace(stub, 'return math.exp(x)'))")
    outcome = notebooks.run(write(tmp_path / "a.ipynb", SETUP, "e = op.exp(0.0)", edit, "e = op.exp(0.0)",
                                  "assert e == 1.0"), tmp_path)
    assert outcome.errors == []
    assert len(outcome.stops) == 1


def test_problems_are_named(tmp_path):
    path = write(tmp_path / "a.ipynb", "1 / 0")
    assert notebooks.run_notebook(path, ROOT / "solutions", unfinished=True) == [
        f"a.ipynb: cell 0 ({nbformat.read(path, 4).cells[0].id}): ZeroDivisionError: division by zero",
        "a.ipynb: no cell says 'This cell needs task ', although the code is unfinished"]


def test_outputs_are_found_and_stripped(tmp_path):
    cell = new_code_cell(SETUP, execution_count=3, outputs=[nbformat.v4.new_output("stream", text="hello")])
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[cell, new_code_cell("2")], metadata={"widgets": {}}), path)
    assert [problem.split(".")[0] for problem in map(lambda p: p.removeprefix("a.ipynb "),
                                                     notebooks.check_stored(path))] == [
        "does not name the kernel python3", "cell 0 is stored with its output"]
    assert notebooks.strip(path)
    assert notebooks.check_stored(path) == []
    assert not notebooks.strip(path)


def test_which_terox_is_named(capsys):
    assert notebooks.which_terox() == "terox is imported from solutions/ (the reference)."
    notebooks.setup()  # not in a notebook
    assert "in a Jupyter notebook" in capsys.readouterr().out


def test_names_that_a_cell_makes():
    cell = ("import a.b, c as d\nfrom e import f\nx, (y, *z) = 1, (2, 3)\nfor n in range(3):\n    pass\n"
            "def g():\n    inner = 1\nclass H:\n    field = 1\nwith open('p') as file:\n    q = 1\nr += 1\n(s := 2)")
    assert notebooks._names_made(cell) == {"a", "d", "f", "x", "y", "z", "n", "g", "H", "file", "q", "r", "s"}
    assert notebooks._names_made("%time x = 1") == set()
