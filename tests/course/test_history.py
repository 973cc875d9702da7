"""The line of releases: one commit each, the same wherever it is made, and nothing that is lost on it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from small_course import edit, small_course, write
from test_release import SECRET, files, git, refused

from course import edition, history, release
from course.leaks import leaks

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = small_course(tmp_path / "full")
    write(root, "course/__main__.py", "print('tooling')\n")
    write(root, "README.md", "# Course\n")
    write(root, "pyproject.toml", '[project]\nname = "terox"\nversion = "0.3"\n')
    write(root, ".gitignore", ".terox/\n")
    write(root, ".gitattributes", "* text=auto eol=lf\n")
    git(root, "init")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-m", f"Solved: {SECRET}")


def said(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def again(root: Path) -> None:
    write(root, "README.md", (root / "README.md").read_text() + "More.\n")
    commit(root)


def test_a_release_is_a_commit_and_the_next_one_follows_it(root, tmp_path, capsys):
    out = tmp_path / "line"
    assert release.release(out, root) == 0
    first = said(out, "rev-parse", "HEAD")
    assert said(out, "log", "--format=%s %an %cn %P") .startswith("Terox 0.3 (") and said(out, "branch") == "* main"
    assert said(out, "status", "--porcelain") == "" and set(said(out, "ls-files").splitlines()) == files(out)
    again(root)
    write(root, "docs/new.md", "New.\n")
    (root / "tests/module_0/test_0_2_four.py").unlink()
    commit(root)
    assert release.release(out, root) == 0
    assert said(out, "rev-parse", "HEAD^") == first and said(out, "status", "--porcelain") == ""
    assert (out / "README.md").read_text() == "# Course\nMore.\n" and (out / "docs/new.md").exists()
    assert not (out / "tests/module_0/test_0_2_four.py").exists()
    assert "One more commit: Terox 0.3 (" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "line"]


def test_where_nothing_has_changed_no_commit_is_added(root, tmp_path, capsys):
    out = tmp_path / "line"
    release.release(out, root)
    head = said(out, "rev-parse", "HEAD")
    write(root, "docs/instructors.md", "For others.\n")
    commit(root)
    assert release.release(out, root) == 0 and said(out, "rev-parse", "HEAD") == head
    assert "Nothing has changed" in capsys.readouterr().out


def test_two_lines_made_of_the_same_commits_are_the_same(root, tmp_path, monkeypatch):
    """Whatever the user's name, settings, hooks and templates for git are."""
    for _ in range(2):
        for line in ("one", "two"):
            home = tmp_path / f"home-{line}"
            settings = f"[user]\nname = {line}\nemail = {line}@example.org\n[core]\nautocrlf = {line == 'two'}\n"
            write(home, ".gitconfig", settings + f"[init]\ndefaultBranch = {line}\ntemplateDir = {home}/template\n")
            write(home, "template/hooks/pre-commit", "exit 1\n").chmod(0o755)
            monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
            monkeypatch.setenv("GIT_AUTHOR_NAME", line)
            assert release.release(tmp_path / line, root) == 0
        again(root)
    assert said(tmp_path / "one", "rev-parse", "main") == said(tmp_path / "two", "rev-parse", "main")
    assert said(tmp_path / "one", "rev-list", "--count", "main") == "2"
    assert not (tmp_path / "one/.git/hooks").exists()


def test_git_holds_what_was_released_and_nothing_else(root, tmp_path):
    out, shown = tmp_path / "line", tmp_path / "shown"
    release.release(out, root)
    again(root)
    release.release(out, root)
    shown.mkdir()
    kinds = said(out, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)").splitlines()
    assert sum(kind.endswith(" commit") for kind in kinds) == 2
    for name in (line.split()[0] for line in kinds):
        (shown / name).write_text(said(out, "cat-file", "-p", name))
    for path in (out / ".git").rglob("*"):
        if path.is_file() and "objects" not in path.parts:
            shutil.copy(path, shown / f"git-{path.name}")
    assert leaks(shown, root / "solutions") == []
    assert not any("full" in path.read_text(errors="replace") for path in shown.glob("git-*"))


def test_a_folder_that_is_something_else_is_refused(root, tmp_path, capsys):
    plain = write(tmp_path / "plain", "mine.txt", "work").parent
    assert "no line of releases" in refused(root, plain, capsys)
    git(plain, "init")
    git(plain, "add", "-A")
    git(plain, "commit", "-m", "mine")
    assert "no line of releases" in refused(root, plain, capsys)
    write(plain, edition.FILE, edition.TEXT)
    git(plain, "add", "-A")
    git(plain, "commit", "-m", "mine")
    assert "a commit that is no release" in refused(root, plain, capsys)
    assert "no line of releases" in refused(root, root, capsys)
    copy = tmp_path / "copy"
    release.release(copy, root)
    shutil.rmtree(copy / ".git")
    assert "no line of releases" in refused(root, copy, capsys)


def test_a_line_that_somebody_works_on_is_refused_and_stays(root, tmp_path, capsys):
    out = tmp_path / "line"
    release.release(out, root)
    again(root)
    write(out, "README.md", "mine\n")
    write(out, ".terox/progress.json", "{}")  # what git ignores does not matter
    assert "holds what is in no release: README.md" in refused(root, out, capsys)
    git(out, "commit", "-am", "mine")
    head = said(out, "rev-parse", "HEAD")
    error = refused(root, out, capsys)
    assert "a commit that is no release" in error and "in a clone" in error
    assert said(out, "rev-parse", "HEAD") == head and (out / "README.md").read_text() == "mine\n"
    git(out, "checkout", "HEAD~1")
    assert "on no branch" in refused(root, out, capsys)


def test_a_leak_or_a_failure_leaves_the_line_as_it_was(root, tmp_path, capsys, monkeypatch):
    out = tmp_path / "line"
    release.release(out, root)
    head = said(out, "rev-parse", "HEAD")
    write(root, "README.md", f"Like so: `{SECRET}`\n")
    commit(root)
    assert "can be read elsewhere" in refused(root, out, capsys)
    write(root, "README.md", "Other.\n")
    commit(root)
    real = history._git

    def fails(folder, *arguments, **options):
        if arguments[0] == "merge":
            raise history.HistoryError("no")
        return real(folder, *arguments, **options)

    monkeypatch.setattr(history, "_git", fails)
    refused(root, out, capsys)
    monkeypatch.undo()
    assert said(out, "rev-parse", "HEAD") == head and said(out, "status", "--porcelain") == ""
    assert release.release(out, root) == 0 and said(out, "rev-parse", "HEAD^") == head


def test_without_git_there_is_an_edition_without_a_history(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(history, "has_git", lambda: False)
    shutil.rmtree(root / ".git")
    assert release.release(tmp_path / "learner", root) == 0
    assert not (tmp_path / "learner/.git").exists() and "git is not installed" in capsys.readouterr().out


def test_a_line_in_the_projects_own_folder_changes_nothing_there(root):
    edit(root, ".gitignore", ".terox/\n", ".terox/\nbuild/\n")
    commit(root)
    assert release.release(root / "build/line", root) == 0
    assert said(root, "status", "--porcelain") == "" and said(root / "build/line", "rev-list", "--count", "HEAD") == "1"
