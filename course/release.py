"""`make release OUT=dir`: the learner's edition, which has everything but the solutions, as a commit of a line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from course import edition, history
from course.leaks import leaks
from course.manifest import ROOT
from course.markers import MarkerError
from course.skeleton import DIGESTS, SkeletonError, render
from course.term import count, style

# What is for instructors and maintainers. A name that ends with "/" is a folder.
LEFT_OUT = ("solutions/", "tests/wheats/", "tests/chaffs/", "tests/course/", "tests/attacks/", ".ci/",
            ".github/workflows/ci.yml", "course/grading/", "docs/design*", "docs/grading*", "docs/instructors*",
            "docs/integrity*", "docs/maintainers*", "docs/notebook_key*", "docs/oral*", "docs/releases*",
            "docs/syllabus*", "docs/tests*", "CONTRIBUTING*", DIGESTS, edition.FILE)
# Without git, what tools leave behind.
LITTER = (".git/", ".venv/", "venv/", ".terox/", "build/", "dist/", "__pycache__/", ".hypothesis/", ".pytest_cache/",
          ".mypy_cache/", ".ruff_cache/", ".ipynb_checkpoints/", ".idea/", ".vscode/", "*.pyc", "*.egg-info/",
          ".DS_Store")
# What a learner's history does not take up: references that are handed out.
IGNORED = "/solutions/\n"
# In Markdown: what only the full edition, or only the learner's, shows.
_FULL_ONLY = re.compile(r"^<!-- full edition -->\n.*?^<!-- end of full edition -->\n", re.MULTILINE | re.DOTALL)
_LEARNERS_ONLY = re.compile(r"^<!-- learner's edition\n(.*?)^end of learner's edition -->\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


class ReleaseError(Exception):
    """The edition cannot be written. Nothing was."""


def release(out: Path | str, root: Path = ROOT, *, uncommitted: bool = False) -> int:
    """Write the learner's edition of `root` into the folder `out`: a new line of releases, or one more commit on it.

    `out` holds nothing yet, or what earlier releases wrote. The edition is written beside `out` and checked first: it
    is there in full or not at all. `uncommitted` allows changes that are not committed. Returns an exit status: 0
    written, 1 refused, with the reasons printed.
    """
    out = Path(os.path.abspath(out))
    try:
        said = _release(out, root, uncommitted)
    except (ReleaseError, history.HistoryError, MarkerError, SkeletonError) as error:
        print(f"{style('Nothing was written.', 'red')} {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{style('Nothing was written.', 'red')} {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    print("\n".join(said))
    return 0


def _release(out: Path, root: Path, uncommitted: bool) -> list[str]:
    if not edition.has_reference(root):
        raise ReleaseError("There is no complete solutions/terox here to make an edition of.")
    if out.exists() and not out.is_dir():
        raise ReleaseError(f"{out} exists already and is no folder.")
    on_a_line = out.exists() and any(out.iterdir())
    if on_a_line:
        history.check(out)
    message, when = source(root, uncommitted)
    files, notes = source_files(root)
    files = [file for file in files if not _matches(file, LEFT_OUT)]
    for needed in ("course.toml", "modules/terox/__init__.py", "course/__main__.py"):
        if needed not in files:
            raise ReleaseError(f"{needed} is missing" + (", or git does not track it." if _uses_git(root) else "."))
    _check_in_step(files, root)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    changed = True
    try:
        notes += _write(beside, files, root, message)
        if on_a_line:
            changed = history.extend(out, beside, message, when)
        else:
            if history.has_git():
                history.begin(beside, message, when)
            else:
                notes.append("git is not installed here: the edition has no history, so that no release can follow it.")
            beside.chmod(0o755)  # the temporary folder was for its owner only
            if out.exists():
                out.rmdir()
            os.rename(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    said = [f"Note: {note}" for note in notes]
    if not changed:
        return [*said, f"Nothing has changed since the last release in {out}: no commit was added."]
    return [*said, f"The learner's edition is in {out}: {count(len(files) + 1, 'file')}, and no line of a solution in "
            f"any of them. {'One more commit' if on_a_line else 'Its history begins'}: {message}"]


def _write(folder: Path, files: list[str], root: Path, message: str) -> list[str]:
    """Write the edition's files, and check them. Returns notes."""
    for file in files:
        _copy(root, file, folder)
    (folder / edition.FILE).write_text(edition.TEXT, encoding="utf-8", newline="\n")
    notes = _rewrite_texts(folder, files)
    found = leaks(folder, root / "solutions", {"the message of the commit": message})
    if found:
        shown = "\n".join(f"  {leak}" for leak in found[:20])
        more = f"\n  ... and {len(found) - 20} more" if len(found) > 20 else ""
        raise ReleaseError(f"{count(len(found), 'line')} of a solution can be read elsewhere:\n{shown}{more}")
    return notes


def source(root: Path, uncommitted: bool) -> tuple[str, int]:
    """The message of the release's commit, and its date: version and place in the source's history, no words of it."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        message = f"{project['name'].capitalize()} {project['version']}"
    except (OSError, ValueError, KeyError):
        message = "Terox"
    if not _uses_git(root):
        return message, int(time.time())
    changed = sorted(line[3:] for line in _git(root, "status", "-z", "--porcelain", "--untracked-files=no",
                                               "--no-renames"))
    if changed and not uncommitted:
        raise ReleaseError(f"{changed[0]} is not as it was committed" + (
            f" (and {len(changed) - 1} more)" if len(changed) > 1 else "") + ". Commit, or put it aside: a release "
            "is made of what is committed. (To try one all the same: python -m course release DIR --uncommitted)")
    try:
        (where,) = _git(root, "describe", "--tags", "--always", "--abbrev=12")
        (when,) = _git(root, "log", "-1", "--format=%ct")
    except ReleaseError:  # no commit yet
        return message + " (not committed)", int(time.time())
    return f"{message} ({where.strip()}{' and changes' if changed else ''})", int(when)


# ---- Which files ----


def source_files(root: Path) -> tuple[list[str], list[str]]:
    """The project's files, relative to `root`, and notes for whoever releases.

    Those that git tracks, as they are in the working tree; in a folder without git, all but what tools leave behind.
    """
    if not _uses_git(root):
        return sorted(_walk(root, "")), []
    tracked = _git(root, "ls-files", "-z")
    present = [file for file in tracked if (root / file).is_file()]
    notes = [f"{file} is tracked by git, but missing." for file in tracked if not (root / file).exists()]
    others = [file for file in _git(root, "ls-files", "-z", "--others", "--exclude-standard")
              if not _matches(file, LEFT_OUT)]
    if others:
        shown = ", ".join(others[:5]) + (" ..." if len(others) > 5 else "")
        notes.append(f"{count(len(others), 'file')} that git does not track {'is' if len(others) == 1 else 'are'} "
                     f"not in the edition: {shown}")
    return present, notes


def _uses_git(root: Path) -> bool:
    return (root / ".git").exists()


def _git(root: Path, *arguments: str) -> list[str]:
    # What a hook of git sets is not meant for this.
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    try:
        result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=60, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"This is a git checkout, but git could not be run: {error}") from error
    if result.returncode:
        raise ReleaseError(f"git {arguments[0]} did not work here: {result.stderr.decode(errors='replace').strip()}")
    return sorted(name for name in result.stdout.decode("utf-8", "surrogateescape").split("\0") if name)


def _walk(folder: Path, prefix: str) -> list[str]:
    found = []
    for path in folder.iterdir():
        name = prefix + path.name + ("/" if path.is_dir() else "")
        if _matches(name, LITTER) or _matches(path.name + ("/" if path.is_dir() else ""), LITTER) or path.is_symlink():
            continue
        found += _walk(path, name) if path.is_dir() else [name]
    return found


def _matches(file: str, patterns: tuple[str, ...]) -> bool:
    return any(file.startswith(pattern) or fnmatchcase(file, pattern) if pattern.endswith("/") else
               fnmatchcase(file, pattern) for pattern in patterns)


def _check_in_step(files: list[str], root: Path) -> None:
    wanted = {f"modules/{name}": text for name, text in render(root).items()}
    have = {file for file in files if file.startswith("modules/terox/")}
    wrong = sorted(name for name, text in wanted.items()
                   if name not in have or (root / name).read_bytes().replace(b"\r\n", b"\n") != text.encode())
    wrong += sorted(have - set(wanted))
    if wrong:
        raise ReleaseError(f"{wrong[0]} is not what solutions/ gives"
                           + (f" ({count(len(wrong) - 1, 'other file')} neither)" if len(wrong) > 1 else "")
                           + ". First: make skeleton")


# ---- Their content ----


def _copy(root: Path, file: str, to: Path) -> None:
    target = to / file
    target.parent.mkdir(parents=True, exist_ok=True)
    if file == "course.toml":
        target.write_text(without_bugs((root / file).read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    elif file == ".gitignore":
        text = (root / file).read_text(encoding="utf-8").rstrip("\n")
        target.write_text(f"{text}\n{IGNORED}", encoding="utf-8", newline="\n")
    else:
        shutil.copy(root / file, target)


def without_bugs(text: str) -> str:
    """`course.toml` without the bug classes, which name the traps of each task. All else stays as it is written."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = re.match(r"\s*\[\s*module\s*\.\s*task\s*\.\s*bugs\s*\]", line) is not None
        if not inside:
            kept.append(line)
    result = "".join(kept)
    wanted = tomllib.loads(text)
    for module in wanted.get("module", []):
        for task in module.get("task", []):
            task.pop("bugs", None)
    try:
        same = tomllib.loads(result) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise ReleaseError("The bug classes cannot be taken out of course.toml: those of a task stand in a table "
                           "of their own, [module.task.bugs], with no line in it that begins with a bracket.")
    return result


def _rewrite_texts(folder: Path, files: list[str]) -> list[str]:
    """Adapt the Markdown texts: parts for one edition, and links to what this edition does not have."""
    notes = []
    for file in files:
        if not file.endswith(".md"):
            continue
        path = folder / file
        text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
        result = _LEARNERS_ONLY.sub(r"\1", _FULL_ONLY.sub("", text))
        result = _LINK.sub(lambda match, path=path: _link(match, path, folder), result)  # type: ignore[misc]
        if result != text:
            path.write_text(result, encoding="utf-8", newline="\n")
        for match in _LINK.finditer(result):
            if _target(match.group(2), path) is not None and not _target(match.group(2), path).exists():  # type: ignore[union-attr]
                line = result[: match.start()].count("\n") + 1
                notes.append(f"{file}:{line} links to {match.group(2)}, which the edition does not have.")
    return notes


def _link(match: re.Match[str], path: Path, folder: Path) -> str:
    """A link into solutions/ leads to modules/ instead; one to what is left out becomes plain text."""
    text, address = match.groups()
    target = _target(address, path)
    if target is None or target.exists():
        return match.group(0)
    if "solutions/" in address:
        instead = address.replace("solutions/", "modules/", 1)
        if _target(instead, path).exists():  # type: ignore[union-attr]
            return f"[{text}]({instead})"
    try:
        inside = target.relative_to(folder).as_posix()
    except ValueError:
        return match.group(0)
    return text if _matches(inside, LEFT_OUT) or _matches(inside + "/", LEFT_OUT) else match.group(0)


def _target(address: str, path: Path) -> Path | None:
    """The file that a relative link leads to; None for any other link."""
    file = address.split("#")[0]
    if not file or re.match(r"[a-z][a-z0-9+.-]*:|/", file):
        return None
    return Path(os.path.normpath(path.parent / file))
