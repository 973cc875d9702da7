"""The line of releases: a git repository of its own, with one commit for each release and nothing else in it.

A learner clones it, and merges what is added to it later. So that the line is the same wherever it is made, a commit
takes its author from here, its date from the source, and nothing from the settings of the user or the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from course import edition

BRANCH = "main"
NAME, EMAIL = "Terox", "releases@terox.invalid"
_SETTINGS = ("core.hooksPath=/dev/null", "core.autocrlf=false", "core.safecrlf=false", "gc.auto=0",
             "commit.gpgSign=false", "advice.detachedHead=false")


class HistoryError(Exception):
    """A folder is no line of releases, or git could not do its part."""


def has_git() -> bool:
    """Whether git is installed."""
    return shutil.which("git") is not None


def begin(folder: Path, message: str, when: int) -> None:
    """Make the edition in `folder` the first commit of a new line. `when`: seconds since 1970."""
    _git(folder, "init", "--quiet", "--template=", when=when)
    _git(folder, "symbolic-ref", "HEAD", f"refs/heads/{BRANCH}", when=when)
    commit = _commit(folder / ".git", folder, None, [], message, when)
    _git(folder, "update-ref", f"refs/heads/{BRANCH}", commit, when=when)


def check(out: Path) -> None:
    """Raises HistoryError unless `out` is a line of releases as `begin` and `extend` left it."""
    if not ((out / ".git").is_dir() and edition.is_learners(out)):
        raise HistoryError(f"{out} is not empty, and no line of releases.")
    branch = _git(out, "symbolic-ref", "--quiet", "--short", "HEAD", check=False)
    if not branch:
        raise HistoryError(f"{out} is on no branch. First: git checkout {BRANCH}")
    for line in _git(out, "log", "--format=%h %ae %ce %p").splitlines():
        commit, *people_and_parents = line.split()
        if people_and_parents[:2] != [EMAIL, EMAIL] or len(people_and_parents) > 3:
            raise HistoryError(f"{out} has a commit that is no release, {commit}. Whoever works on the course does it "
                               "in a clone, so that the releases stay a line of their own.")
    changed = _git(out, "status", "--porcelain", "--untracked-files=all").splitlines()
    if changed:
        raise HistoryError(f"{out} holds what is in no release: {changed[0][3:]}"
                           + (f" and {len(changed) - 1} more" if len(changed) > 1 else "") + ".")


def extend(out: Path, new: Path, message: str, when: int) -> bool:
    """Add the edition in `new` to the line `out`, which `check` accepts. Returns False if nothing has changed.

    Git goes on to the new commit itself (a fast-forward), so it refuses whatever would overwrite a file.
    """
    head = _git(out, "rev-parse", "HEAD")
    index = new.with_name(new.name + ".index")
    try:
        commit = _commit(out / ".git", new, index, ["-p", head], message, when)
    finally:
        index.unlink(missing_ok=True)
    if _git(out, "rev-parse", f"{commit}^{{tree}}") == _git(out, "rev-parse", "HEAD^{tree}"):
        return False
    _git(out, "merge", "--quiet", "--ff-only", commit, when=when)
    return True


def _commit(repository: Path, files: Path, index: Path | None, parents: list[str], message: str, when: int) -> str:
    place = {"GIT_DIR": str(repository), "GIT_WORK_TREE": str(files)}
    if index is not None:
        place["GIT_INDEX_FILE"] = str(index)
    _git(files, "add", "--all", "--force", ".", when=when, place=place)
    tree = _git(files, "write-tree", when=when, place=place)
    return _git(files, "commit-tree", tree, *parents, "-m", message, when=when, place=place)


def _git(folder: Path, *arguments: str, when: int = 0, check: bool = True,
         place: Mapping[str, str] | None = None) -> str:
    """What git prints, without its last line end. Of the settings, only those of the repository itself count."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1",
                    "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(place or {})}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": NAME, f"GIT_{role}_EMAIL": EMAIL, f"GIT_{role}_DATE": f"{when} +0000"}
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    try:
        done = subprocess.run(["git", *settings, *arguments], cwd=folder, env=environment, capture_output=True,
                              text=True, encoding="utf-8", errors="replace", timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HistoryError(f"git could not be run: {error}") from error
    if done.returncode and check:
        raise HistoryError(f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")
