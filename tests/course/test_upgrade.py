"""A new release reaches a learner half way by `git merge`: what was filled in stays, and nothing is overwritten."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from half_finished import LEARNERS, Learner, fill, fourth_edition, second_edition, third_edition

from course import release, skeleton
from course.manifest import ROOT, load
from course.progress import Work
from course.runner.source import CONFLICT

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
EDITIONS = (second_edition, third_edition, fourth_edition)


@dataclass
class Course:
    """The course's source, the clone that learners work in, and the text of each edition's skeleton and solutions."""

    clone: Path
    skeletons: list[dict[str, str]]
    solutions: list[dict[str, str]]


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    settings = ("-c", "user.name=L", "-c", "user.email=l@example.org", "-c", "core.autocrlf=false",
                "-c", "commit.gpgSign=false")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, env=environment,
                          encoding="utf-8")
    assert not (check and done.returncode), done.stdout + done.stderr
    return done.stdout.strip() if check else str(done.returncode)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """Four releases of the real course, on one line; the learners' clone has all of them, and stands at the first."""
    folder = tmp_path_factory.mktemp("upgrade")
    source, line = folder / "source", folder / "line"
    for file in release.source_files(ROOT)[0]:
        if not file.startswith("tests/chaffs/"):
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, source / file)
    skeletons, solutions = [], []
    for change in (None, *EDITIONS):
        if change is not None:
            change(source)
        skeletons.append(skeleton.render(source))
        for name, text in skeletons[-1].items():
            (source / "modules" / name).write_text(text, encoding="utf-8", newline="\n")
        with pytest.MonkeyPatch.context() as patch:  # test_release.py looks at both, and they take their time
            patch.setattr(release, "leaks", lambda *_: [])
            patch.setattr(release, "render", lambda _, text=skeletons[-1]: text)
            assert release.release(line, source) == 0
        solutions.append({name: (source / "solutions" / name).read_text(encoding="utf-8") for name in skeletons[-1]})
    git(folder, "clone", "--quiet", str(line), "clone")
    for number in range(4):
        git(folder / "clone", "branch", f"release-{number}", f"origin/main~{3 - number}")
    return Course(folder / "clone", skeletons, solutions)


def chosen_tasks(learner: Learner) -> set[str]:
    """Half of the course's tasks, drawn for each learner anew."""
    tasks = list(load(ROOT).tasks)
    return set(random.Random(learner.name).sample(tasks, len(tasks) // 2))


def tree(course: Course, number: int, learner: Learner) -> dict[str, str]:
    """The Python files of an edition, half finished, as `learner` would have written them."""
    tasks = chosen_tasks(learner)
    return {name: fill(text, course.solutions[number][name], tasks.__contains__, learner)
            for name, text in course.skeletons[number].items() if name.endswith(".py")}


def work(course: Course, learner: Learner) -> Path:
    """The clone on a branch of `learner`, with the first edition half finished and committed."""
    git(course.clone, "checkout", "--quiet", "--force", "-B", "work", "release-0")
    git(course.clone, "clean", "--quiet", "-d", "--force", "-x")
    for name, text in tree(course, 0, learner).items():
        (course.clone / "modules" / name).write_bytes(text.encode())
    (course.clone / "notes.txt").write_text("mine\n")
    (course.clone / ".terox").mkdir()
    (course.clone / ".terox/progress.json").write_text("mine")
    git(course.clone, "add", "--all")
    git(course.clone, "commit", "--quiet", "-m", learner.name)
    return course.clone


def merged(clone: Path, number: int) -> bool:
    return git(clone, "merge", "--quiet", "--no-edit", f"release-{number}", check=False) == "0"


def texts(clone: Path) -> dict[str, str]:
    return {path.relative_to(clone / "modules").as_posix(): path.read_bytes().decode().replace("\r\n", "\n")
            for path in (clone / "modules/terox").rglob("*.py")}


def test_a_copy_without_the_line_is_joined_to_it_once(course, tmp_path):
    """What a template makes has a history of its own: one merge that changes nothing brings both together."""
    learner = LEARNERS[0]
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--branch", "release-0", str(course.clone), "copy")
    shutil.rmtree(copy / ".git")
    git(copy, "init", "--quiet", "--initial-branch", "main")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "-m", "Made from a template")
    for name, text in tree(course, 0, learner).items():
        (copy / "modules" / name).write_bytes(text.encode())
    git(copy, "commit", "--quiet", "--all", "-m", "Half done")
    git(copy, "remote", "add", "upstream", str(course.clone))
    git(copy, "fetch", "--quiet", "upstream")
    assert git(copy, "merge", "upstream/release-1", check=False) != "0"  # unrelated, git says
    began = git(copy, "log", "--reverse", "--format=%T").split()[0]  # as docs/releases.md has it
    (found,) = [line.split()[1] for line in git(copy, "log", "upstream/release-3", "--format=%T %H").splitlines()
                if line.startswith(began)]
    git(copy, "merge", "--quiet", "--allow-unrelated-histories", "-s", "ours", "--no-edit", found)
    assert texts(copy) == tree(course, 0, learner)
    git(copy, "merge", "--quiet", "--no-edit", "upstream/release-1")
    assert texts(copy) == tree(course, 1, learner)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_what_was_filled_in_merges_with_a_new_edition(course, learner):
    """The merge gives just what the learner would have written into the new edition."""
    clone = work(course, learner)
    before = tree(course, 0, learner)
    assert sum(before[name] != course.skeletons[0][name] for name in before) > 15, "nothing is filled in"
    for number in (1, 2) if learner.keeps_todos else (1,):
        assert merged(clone, number), git(clone, "diff")
        expected = {name: text.replace("\r\n", "\n") for name, text in tree(course, number, learner).items()}
        assert texts(clone) == expected
    assert (clone / "notes.txt").read_text() == (clone / ".terox/progress.json").read_text() + "\n" == "mine\n"
    assert "In the second edition" in (clone / "course.toml").read_text(encoding="utf-8")
    assert "# The second edition." in (clone / "tests/module_0/test_0_1_operators.py").read_text(encoding="utf-8")
    manifest = load(clone)
    left = {task.id for task in manifest.tasks.values() if Work(clone, manifest).stubs(task)}
    if "kept" not in learner.name and learner.name != "mixed":
        assert left == manifest.tasks.keys() - chosen_tasks(learner)


@pytest.mark.parametrize("learner", [each for each in LEARNERS if not each.keeps_todos],
                         ids=lambda learner: learner.name)
def test_where_both_changed_a_line_git_keeps_both_and_says_so(course, learner):
    """Whoever removed a TODO, or the line below it, is asked by git where its text changes."""
    clone = work(course, learner)
    assert merged(clone, 1)
    before, head = texts(clone), git(clone, "rev-parse", "HEAD")
    assert not merged(clone, 2)
    conflicts = {name.removeprefix("modules/") for name in
                 git(clone, "diff", "--name-only", "--diff-filter=U").splitlines()}
    filled = {name for name, text in before.items() if text != course.skeletons[1][name]}
    assert conflicts and conflicts <= filled
    manifest, after = load(clone), texts(clone)
    for name in conflicts:
        problem = Work(clone, manifest).sources.problem(name)
        assert problem is not None and problem.message == CONFLICT
        assert after[name].split("\n")[problem.line - 1].startswith("<<<<<<< ")
        kept = set(after[name].split("\n"))
        assert set(before[name].split("\n")) - kept <= set(course.skeletons[1][name].split("\n"))
        assert set(course.skeletons[2][name].split("\n")) - kept <= set(course.skeletons[1][name].split("\n"))
    git(clone, "merge", "--abort")
    assert texts(clone) == before and git(clone, "rev-parse", "HEAD") == head
    assert (clone / ".terox/progress.json").read_text() == "mine"


def test_a_stub_that_became_another_one_is_a_conflict_for_those_who_filled_it_in_only(course):
    text = course.skeletons[3]["terox/foundations/operators.py"]
    (name,) = [word for word in text.split('"') if word.endswith("_renamed")][:1]
    task = name.removeprefix("Task ").split(":")[0]
    for learner in LEARNERS[:2]:
        clone = work(course, learner)
        done = task in chosen_tasks(learner)
        assert merged(clone, 2)
        assert merged(clone, 3) != done
        if done:
            assert git(clone, "diff", "--name-only", "--diff-filter=U") == "modules/terox/foundations/operators.py"
            git(clone, "merge", "--abort")


def test_what_is_not_committed_is_not_overwritten(course):
    clone = work(course, LEARNERS[0])
    path = clone / "modules/terox/foundations/operators.py"
    path.write_text(path.read_text(encoding="utf-8") + "# just now\n", encoding="utf-8")
    (clone / "modules/terox/nn/added.py").write_text("mine")
    before = texts(clone)
    assert not merged(clone, 1)
    assert texts(clone) == before
