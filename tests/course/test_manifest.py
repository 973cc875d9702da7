"""course.toml: errors in it are said in words; this one agrees with everything else."""

from __future__ import annotations

import pytest

from course import consistency
from course.manifest import ROOT, ManifestError, load

HEAD = '[course]\ntorch = "2.13.0"\n[[module]]\nnumber = 0\nname = "foundations"\ntitle = "F"\nhours = 1\n'
TASK = '[[module.task]]\nid = "0.1"\ntitle = "T"\nhours = 1\nfile = "terox/foundations/f.py"\nfunctions = {f = 1}\n'


@pytest.mark.parametrize(("text", "words"), [
    ("[[", "not valid TOML"),
    ("[[module]]\nnumber = 0\n", "has no `name`"),
    (HEAD + TASK.replace('id = "0.1"', 'id = "1.1"'), "no task id of module 0"),
    (HEAD + TASK.replace('id = "0.1"', 'id = "0.x"'), "no task id of module 0"),
    (HEAD + TASK + TASK, "stands there twice"),
    (HEAD + TASK + 'needs = ["0.2"]\n', "which does not come before it"),
    (HEAD + TASK.replace('file = "terox/foundations/f.py"\n', ""), "has no `file`"),
])
def test_a_wrong_manifest_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=words):
        load(tmp_path)


def test_a_missing_manifest_is_said(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        load(tmp_path)


def test_a_function_may_stand_in_another_file(tmp_path):
    text = HEAD + TASK.replace("{f = 1}", '{f = 1, "terox/foundations/g.py::G.h" = 2}')
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    task = load(tmp_path).task("0.1")
    assert task.functions == {"f": 1, "G.h": 2} and task.points == 3
    assert task.file_of("G.h") == "terox/foundations/g.py" and task.file_of("f") == "terox/foundations/f.py"
    assert task.files == ("terox/foundations/f.py", "terox/foundations/g.py")


def test_unknown_tasks_and_modules_are_named():
    manifest = load()
    with pytest.raises(ManifestError, match="no task '9.9'"):
        manifest.task("9.9")
    with pytest.raises(ManifestError, match="no module 9"):
        manifest.module(9)


def test_requirements_are_transitive():
    manifest = load()
    needed = manifest.requirements("1.6")
    assert {"1.5", "1.4"} <= needed and "1.6" not in needed


def test_this_course_agrees_with_itself():
    assert consistency.problems(ROOT) == []


def test_consistency_finds_what_does_not_agree(tmp_path):
    """A copy of the course with one thing changed: each change is found."""
    import shutil

    def problems_after(change) -> list[str]:
        root = tmp_path / "copy"
        shutil.rmtree(root, ignore_errors=True)
        for name in ("solutions", "tests", "docs"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "wheats", "course"))
        (root / "notebooks").mkdir()
        for path in (ROOT / "notebooks").glob("*.ipynb"):
            shutil.copy(path, root / "notebooks")
        for name in ("course.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, root / name)
        change(root)
        return consistency.problems(root)

    def replace(name, old, new):
        def change(root):
            path = root / name
            text = path.read_text(encoding="utf-8")
            assert old in text, old
            path.write_text(text.replace(old, new), encoding="utf-8")
        return change

    operators = "solutions/terox/foundations/operators.py"
    expected = {
        "no task of course.toml names relu": replace("course.toml", "relu = ", "rely = "),
        "names task 0.2": replace(operators, "# TODO 0.1: zero for", "# TODO 0.2: zero for"),
        "no heading in": replace("solutions/terox/foundations/README.md", "## 0.1 ", "## "),
        "there is no task 0.9": replace("README.md", "make hint TASK=0.1", "make hint TASK=0.9"),
        "no test in tests/module_0/ carries it":
            lambda root: [path.unlink() for path in (root / "tests/module_0").glob("test_0_2*")],
        "there is no notebooks/": lambda root: [path.unlink() for path in (root / "notebooks").glob("module_0*")],
        "inside the block that begins": replace(operators, "    # END SOLUTION\n\n\ndef is_close", "\n\ndef is_close"),
    }
    for words, change in expected.items():
        found = problems_after(change)
        assert any(words in problem for problem in found), (words, found)
