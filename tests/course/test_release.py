"""`make release`: what is in the learner's edition, what is not, and that it is there in full or not at all."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from small_course import MANIFEST, edit, small_course, write

from course import edition, release
from course.leaks import leaks, secrets
from course.manifest import ROOT, load

SECRET = "twofold_number = x + x"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = small_course(tmp_path / "full")
    write(root, "course/__main__.py", "print('tooling')\n")
    write(root, "tests/course/test_tooling.py", "# maintainers' tests\n")
    write(root, "tests/support.py", "# the tests' own help\n")
    write(root, "notebooks/module_0_first.ipynb", '{"cells": []}\n')
    write(root, ".ci/run", "#!/bin/sh\n")
    write(root, ".github/workflows/ci.yml", "name: CI\n")
    write(root, ".github/workflows/learn.yml", "name: My course\n")
    write(root, "course/grading/grade.py", "# the instructor's\n")
    for name in ("integrity", "notebook_key", "oral", "syllabus"):
        write(root, f"docs/{name}.md", "For instructors.\n")
    write(root, "docs/instructors.md", "How to grade.\n")
    write(root, "docs/terms.md", "Words.\n")
    write(root, "CONTRIBUTING.md", "How to change it.\n")
    write(root, "README.md", """
        # Course

        <!-- full edition -->
        Only for whoever has [all of it](solutions/terox/first/README.md).
        <!-- end of full edition -->
        <!-- learner's edition
        Welcome, learner.
        end of learner's edition -->
        [Handout](solutions/terox/first/README.md), [terms](docs/terms.md), [for instructors](docs/instructors.md),
        [web](https://example.org/solutions/x), [gone](docs/gone.md).
        """)
    (root / "data").mkdir()
    (root / "data/digits.gz").write_bytes(gzip.compress(b"\0\1\2"))
    return root


def files(folder: Path) -> set[str]:
    return {name for path in folder.rglob("*") if path.is_file()
            and not (name := path.relative_to(folder).as_posix()).startswith(".git/")}


def refused(root: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """`release` refuses, and leaves nothing behind; returns why."""
    before = sorted(out.parent.iterdir()) if out.parent.exists() else None
    assert release.release(out, root) == 1
    assert (sorted(out.parent.iterdir()) if out.parent.exists() else None) == before
    error = capsys.readouterr().err
    assert error.startswith("Nothing was written.")
    return error


def test_the_edition_has_what_a_learner_needs_and_no_more(root, tmp_path, capsys):
    out = tmp_path / "learner"
    assert release.release(out, root) == 0
    assert files(out) == {
        ".github/workflows/learn.yml", "EDITION", "README.md", "course.toml", "course/__main__.py", "data/digits.gz",
        "docs/terms.md",
        "modules/terox/__init__.py", "modules/terox/first/README.md", "modules/terox/first/__init__.py",
        "modules/terox/first/double.py", "modules/terox/first/half.py", "modules/terox/second/__init__.py",
        "modules/terox/second/total.py", "notebooks/module_0_first.ipynb", "tests/module_0/test_0_1_double.py",
        "tests/module_0/test_0_2_four.py", "tests/module_1/test_1_1_total.py", "tests/support.py"}
    assert edition.is_learners(out) and not edition.has_reference(out)
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())
    text = capsys.readouterr().out
    assert str(out) in text and "19 files" in text and "Its history begins: Terox" in text
    assert "Note: README.md:5 links to docs/gone.md" in text


def test_bug_classes_are_left_out_and_nothing_else_changes(root, tmp_path):
    release.release(tmp_path / "learner", root)
    text = (tmp_path / "learner/course.toml").read_text()
    assert "squares" not in text and "trap" not in text and "# The manifest of the small course." in text
    wanted = tomllib.loads(MANIFEST)
    for module in wanted["module"]:
        for task in module["task"]:
            del task["bugs"]
    assert tomllib.loads(text) == wanted
    assert load(tmp_path / "learner").task("0.1").bugs == {}


def test_bug_classes_that_cannot_be_cut_out_are_refused(root, tmp_path, capsys):
    edit(root, "course.toml", '[module.task.bugs]\nonce = "It doubles once."', "")
    edit(root, "course.toml", '[module.task.functions]\n"Times', 'bugs = {once = "x"}\n[module.task.functions]\n"Times')
    assert "[module.task.bugs]" in refused(root, tmp_path / "learner", capsys)


def test_texts_are_adapted(root, tmp_path):
    release.release(tmp_path / "learner", root)
    text = (tmp_path / "learner/README.md").read_text()
    assert text == ("# Course\n\nWelcome, learner.\n[Handout](modules/terox/first/README.md), [terms](docs/terms.md), "
                    "for instructors,\n[web](https://example.org/solutions/x), [gone](docs/gone.md).\n")


def test_nothing_is_ever_overwritten(root, tmp_path, capsys):
    out = write(tmp_path / "learner", "mine.txt", "work").parent
    assert "is not empty" in refused(root, out, capsys)
    assert files(out) == {"mine.txt"}
    assert "is no folder" in refused(root, out / "mine.txt", capsys)
    (tmp_path / "empty").mkdir()
    assert release.release(tmp_path / "empty", root) == 0
    assert release.release(tmp_path / "new/and/deep", root) == 0
    assert files(tmp_path / "empty") == files(tmp_path / "new/and/deep")


def test_an_edition_inside_of_the_project(root):
    assert release.release(root / "out/learner", root) == 0
    assert not any("learner" in file for file in files(root / "out/learner"))


def test_a_failure_on_the_way_leaves_nothing(root, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(release.shutil, "copy", full)
    assert "No space left on device" in refused(root, tmp_path / "learner", capsys)


def test_a_skeleton_out_of_step_is_refused(root, tmp_path, capsys):
    edit(root, "modules/terox/first/half.py", 'raise NotImplementedError("Task 0.1: half")', "return x * 0.5")
    assert "modules/terox/first/half.py is not what solutions/ gives" in refused(root, tmp_path / "learner", capsys)


def test_markers_that_are_not_closed_are_refused(root, tmp_path, capsys):
    edit(root, "solutions/terox/first/half.py", "    # END SOLUTION\n", "")
    assert "is never closed" in refused(root, tmp_path / "learner", capsys)


def test_without_solutions_there_is_no_release(root, tmp_path, capsys):
    shutil.rmtree(root / "solutions")
    assert "no complete solutions/terox" in refused(root, tmp_path / "learner", capsys)


# ---- git ----


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments], cwd=root, check=True,
                   capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_in_a_checkout_the_tracked_files_count_as_they_are(root, tmp_path, capsys):
    git(root, "init")
    assert "git does not track it" in refused(root, tmp_path / "learner", capsys)
    write(root, ".gitignore", "*.log\n")
    git(root, "add", "-A")
    git(root, "commit", "-m", SECRET)
    write(root, "private.txt", "not tracked")
    write(root, "noise.log", "ignored")
    write(root, "docs/terms.md", "Changed since.\n")
    (root / "notebooks/module_0_first.ipynb").unlink()
    assert "docs/terms.md is not as it was committed (and 1 more)" in refused(root, tmp_path / "learner", capsys)
    assert release.release(tmp_path / "learner", root, uncommitted=True) == 0
    found = files(tmp_path / "learner")
    assert ".gitignore" in found and not found & {"private.txt", "noise.log"}
    assert (tmp_path / "learner/docs/terms.md").read_text() == "Changed since.\n"
    assert (tmp_path / "learner/.gitignore").read_text() == "*.log\n/solutions/\n"
    text = capsys.readouterr().out
    assert "and changes)" in text and SECRET not in text
    assert "private.txt" in text and "notebooks/module_0_first.ipynb is tracked by git, but missing" in text


def test_git_that_does_not_work_is_said(root, tmp_path, capsys, monkeypatch):
    (root / ".git").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    error = refused(root, tmp_path / "learner", capsys)
    assert "git status did not work here" in error


# ---- Leaks ----


@pytest.mark.parametrize(("file", "content"), [
    ("docs/terms.md", f"For example:\n\n    {SECRET}\n"),
    ("docs/terms.md", "For example `twofold_number=x+x` is right\n"),
    ("tests/support.py", f"def oracle(x):\n        {SECRET}  # so\n"),
    ("course/other.txt", f"# {SECRET}\r\n"),
    ("notebooks/module_0_first.ipynb", json.dumps({"cells": [{"source": ["x\n", "twofold_", "number = x + x"]}]})),
    ("notebooks/module_0_first.ipynb", json.dumps({"cells": [{"source": f"a\n{SECRET}"}]})),
    ("data/strings.json", json.dumps({SECRET.replace("=", "\t="): 1})),
    ("data/strings.toml", f'hint = "first\\n    {SECRET}"'),
    ("data/blob.bin", b"\0\xff" + SECRET.encode() + b"\0"),
    ("data/packed.gz", gzip.compress(f"a\n{SECRET}\n".encode())),
    ("data/packed_blob.gz", gzip.compress(b"\0\xff" + SECRET.encode())),
    (f"docs/{SECRET}.md", "In a name.\n"),
], ids=["text", "in a sentence", "code", "comment", "cut notebook cell", "notebook cell", "json key", "toml", "bytes",
        "gzip", "bytes in gzip", "name"])
def test_a_line_of_a_solution_is_found_wherever_it_stands(root, tmp_path, capsys, file, content):
    if isinstance(content, str):
        content = content.encode()
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_bytes(content)
    error = refused(root, tmp_path / "learner", capsys)
    assert f"  {file}" in error and f"solutions/terox/first/double.py:9: {SECRET}" in error


def test_every_line_of_every_solution_would_be_found(root, tmp_path):
    expected = {"twofold_number=x+x", "returntwofold_number", "returndouble(double(x))",
                "returnsum(double(value)forvalueinvalues)"}
    assert secrets(root / "solutions").lines.keys() == expected
    out = tmp_path / "edition"
    for line in expected:
        write(out, "file.txt", line + "\n")
        assert [leak.place for leak in leaks(out, root / "solutions")] == ["file.txt:1"]


def test_what_does_not_count(root, tmp_path):
    edit(root, "solutions/terox/first/half.py", "    return x / 2.0\n", """\
    if x is None:
        optimizer.step()
    for value in values:
        return abs(x) + 12345
    return first_name, first_name
    if x > 100_000_000:
        send(100_000_000)
""")
    secret = secrets(root / "solutions").lines
    assert {line for line, (place, _) in secret.items() if "half" in place} == {
        "returnfirst_name,first_name", "ifx>100_000_000:", "send(100_000_000)"}
    out = write(tmp_path / "edition", "a.py", "my_twofold_number = x + x\ntwofold_number = x + xs\n").parent
    assert leaks(out, root / "solutions") == []


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_is_not_followed_out_of_the_edition(root, tmp_path):
    out = write(tmp_path / "edition", "a.txt", "a").parent
    (out / "link").symlink_to(root / "solutions/terox/first/double.py")
    assert leaks(out, root / "solutions") == []


def test_a_line_is_found_where_it_is_folded(root, tmp_path):
    out = write(tmp_path / "edition", "a.py", "return sum(\n    double(value)\n    for value in values)\n").parent
    assert [leak.place for leak in leaks(out, root / "solutions")] == ["a.py"]


def test_a_short_line_counts_with_its_neighbor(root, tmp_path):
    edit(root, "solutions/terox/first/half.py", "    return x / 2.0\n", "    y = x / 2.0\n    return y\n")
    out = write(tmp_path / "edition", "a.py", "y = x / 2.0\n\nz = 1\nreturn y\n").parent
    assert leaks(out, root / "solutions") == []
    write(out, "a.py", "# y = x/2.0\n\n  # return y\n")
    assert [(leak.place, leak.text) for leak in leaks(out, root / "solutions")] == [("a.py:1", "y = x / 2.0; return y")]


def drawn_plants(number: int) -> list[str]:
    """Lines drawn from the course's own solutions, as they stand there; a short one with the line after it."""
    secret = secrets(ROOT / "solutions")
    found = [line for _, line in secret.lines.values()]
    found += [line.replace("; ", "\n") for _, line in secret.pairs.values()]
    return random.Random(0).sample(found, number)


def test_each_of_200_lines_planted_in_a_random_file_of_the_real_edition_is_found(tmp_path, capsys):
    """One edition with a line in each of 200 files: every plant is found, in its file, and nothing else."""
    out = tmp_path / "edition"
    assert release.release(out, ROOT, uncommitted=True) == 0
    shutil.rmtree(out / ".git", ignore_errors=True)
    assert leaks(out, ROOT / "solutions") == []
    hosts = [file for file in sorted(files(out)) if Path(file).suffix in {".py", ".md", ".txt", ".toml", ".svg", ""}]
    planted = {}
    for file, line in zip(random.Random(1).sample(hosts, 200), drawn_plants(200), strict=True):
        path = out / file
        lines = path.read_text(encoding="utf-8").splitlines()
        place = random.Random(file).randint(0, len(lines))
        lines[place:place] = ["      " + each for each in line.split("\n")]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        planted[file] = line.replace("\n", "; ")
    found: dict[str, set[str]] = {}
    for leak in leaks(out, ROOT / "solutions"):
        found.setdefault(leak.place.split(":")[0], set()).add(leak.text)
    lost = {file: line for file, line in planted.items() if line not in found.get(file, set())}
    assert not lost and found.keys() == planted.keys()
