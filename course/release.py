"""`make release OUT=dir`: the learner's edition, which has everything but the solutions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from course import edition
from course.leaks import leaks
from course.manifest import ROOT
from course.markers import MarkerError
from course.skeleton import SkeletonError, render
from course.term import count, style

# What is for instructors and maintainers. A name that ends with "/" is a folder.
LEFT_OUT = ("solutions/", "tests/wheats/", "tests/chaffs/", "tests/course/", ".ci/", ".github/", "docs/design*",
            "docs/instructors*", "docs/grading*", "docs/maintainers*", "docs/tests*", "CONTRIBUTING*", "course/grading/",
            "tests/attacks/", edition.FILE)
# Without git, what tools leave behind.
LITTER = (".git/", ".venv/", "venv/", ".terox/", "build/", "dist/", "__pycache__/", ".hypothesis/", ".pytest_cache/",
          ".mypy_cache/", ".ruff_cache/", ".ipynb_checkpoints/", ".idea/", ".vscode/", "*.pyc", "*.egg-info/",
          ".DS_Store")
# In Markdown: what only the full edition, or only the learner's, shows.
_FULL_ONLY = re.compile(r"^<!-- full edition -->\n.*?^<!-- end of full edition -->\n", re.MULTILINE | re.DOTALL)
_LEARNERS_ONLY = re.compile(r"^<!-- learner's edition\n(.*?)^end of learner's edition -->\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


class ReleaseError(Exception):
    """The edition cannot be written. Nothing was."""


def release(out: Path | str, root: Path = ROOT) -> int:
    """Write the learner's edition of `root` into the folder `out`, which must not hold anything yet.

    The edition is written beside `out`, checked, and renamed: `out` is there in full or not at all. Returns an exit
    status: 0 written, 1 refused, with the reasons printed.
    """
    out = Path(os.path.abspath(out))
    try:
        number, notes = _release(out, root)
    except (ReleaseError, MarkerError, SkeletonError) as error:
        print(f"{style('Nothing was written.', 'red')} {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{style('Nothing was written.', 'red')} {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    for note in notes:
        print(f"Note: {note}")
    print(f"The learner's edition is in {out}: {count(number, 'file')}, and no line of a solution in any of them.")
    return 0


def _release(out: Path, root: Path) -> tuple[int, list[str]]:
    if not edition.has_reference(root):
        raise ReleaseError("There is no solutions/terox here to make an edition of.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ReleaseError(f"{out} exists already" + (" and is not empty." if out.is_dir() else " and is no folder."))
    files, notes = source_files(root)
    files = [file for file in files if not _matches(file, LEFT_OUT)]
    for needed in ("course.toml", "modules/terox/__init__.py", "course/__main__.py"):
        if needed not in files:
            raise ReleaseError(f"{needed} is missing" + (", or git does not track it." if _uses_git(root) else "."))
    _check_in_step(files, root)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for file in files:
            _copy(root, file, beside)
        (beside / edition.FILE).write_text(edition.TEXT, encoding="utf-8", newline="\n")
        notes += _rewrite_texts(beside, files)
        found = leaks(beside, root / "solutions")
        if found:
            shown = "\n".join(f"  {leak}" for leak in found[:20])
            more = f"\n  ... and {len(found) - 20} more" if len(found) > 20 else ""
            raise ReleaseError(f"{count(len(found), 'line')} of a solution can be read elsewhere:\n{shown}{more}")
        beside.chmod(0o755)  # the temporary folder was for its owner only
        if out.exists():
            out.rmdir()
        os.rename(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(files) + 1, notes


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
    try:
        result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"This is a git checkout, but git could not be run: {error}") from error
    if result.returncode:
        raise ReleaseError(f"git could not list the files: {result.stderr.decode(errors='replace').strip()}")
    return sorted(name for name in result.stdout.decode("utf-8").split("\0") if name)


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
