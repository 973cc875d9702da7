"""From what somebody handed in (a folder, a zip or a tar file) to the texts of the files that the manifest names.

Nothing is unpacked, no link is followed, and only the named files are read, up to a limit. What is odd becomes a note.
An archive is read by a process of its own (`python -m course.grading.collect`), with limits on time and memory: a few
bytes can keep Python's libraries busy for hours, or have them ask for all the memory there is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course.grading.archives import ENDINGS, ENTRIES_LIMIT, FILE_LIMIT, Get, Odd, opened
from course.manifest import ROOT, Manifest

UNPACK_SECONDS, UNPACK_MEMORY = 60, 1 << 30  # of computing, and bytes, for one archive
NAME_LIMIT = 5000  # characters of a dotted name, blanks left out; no text comes near it without a comma or a bracket
DEPTH, ROOTS = 4, 20  # how many folders down a `terox/` is looked for, and how many are looked at
# Where a `terox/` is not the learner's: references, what tools leave behind.
_NOT_HERE = {"solutions", "reference", "tests", "build", "dist", "venv", "env", "__pycache__", "__MACOSX",
             "site-packages", "node_modules"}
_NOFOLLOW, _NONBLOCK = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)


@dataclass
class Submission:
    """`files`: name relative to the source root (terox/...) to text. `left_out`: what is there and was not taken, with
    the reason. `notes`: all that is odd, in sentences. `spent`: seconds that its jobs have taken so far.
    """

    name: str
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    spent: float = 0.0

    def digest(self) -> str:
        """Of all that a verdict depends on."""
        found = hashlib.sha256()
        for name in sorted(self.files):
            found.update(name.encode() + b"\0" + self.files[name].encode() + b"\0")
        found.update("\n".join(self.notes).encode())
        return found.hexdigest()[:24]


def submissions_in(folder: Path) -> dict[str, Path]:
    """Name to place of everything right below `folder` that is not hidden, in order.

    An archive is called as its file without the ending, unless that could be meant for something else, too. What is no
    folder and no archive is a submission, too: nobody who has handed in the wrong thing drops out of the class.
    """
    places = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    often = Counter(name.casefold() for path in places for name in {name_of(path), readable(path.name)})
    found: dict[str, Path] = {}
    for path in places:
        name = name_of(path) if often[name_of(path).casefold()] == 1 else readable(path.name)
        while name in found:  # a byte that stands there as %FC, and those three letters
            name += "~"
        found[name] = path
    return found


def name_of(path: Path) -> str:
    """What a submission is called: its folder, or its file without the ending."""
    ending = "" if path.is_dir() else next((each for each in ENDINGS if path.name.lower().endswith(each)), "")
    name = path.name[: len(path.name) - len(ending)]
    return readable(path.name if name in ("", ".", "..") else name)


def readable(text: str) -> str:
    """Text that any file, terminal and table takes: bytes that are no UTF-8, as in names that come from another
    system, and control characters stand there as in an address, %FC.
    """
    def written(letter: str) -> str:
        kind = "surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass"
        return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", kind))

    return "".join(letter if letter.isprintable() else written(letter) for letter in text)


def collect(path: Path, manifest: Manifest, name: str | None = None) -> Submission:
    """Read a submission. Never raises for what is in it: it has fewer files then, and notes that say why."""
    submission = Submission(name or name_of(path))
    wanted = manifest.files
    try:
        if path.is_dir():
            _take(submission, wanted, _roots_of(path), lambda name: _from_folder(path, name))
            archives = [] if submission.files or submission.notes else _archives_in(path)
            if len(archives) > 1:
                submission.notes.append(f"Of {len(archives)} archives, only {archives[-1].name} is read.")
        else:
            archives = [path]
        if archives:  # in a folder: what systems for handing in leave, with what was sent in it
            _take_apart(submission, wanted, archives[-1])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this submission's
        submission.notes.append(_cannot_be_read(error))
    if not submission.files and not submission.notes:
        submission.notes.append("No file of the course was found: none of those named in course.toml, terox/..., up to "
                                f"{DEPTH} folders down.{_top(path)}")
    submission.notes = [readable(note)[:500] for note in submission.notes]
    return submission


def _cannot_be_read(error: Exception) -> str:
    """What Python's libraries raise, given bytes of any kind, is everything."""
    reason = str(error) if isinstance(error, Odd) else type(error).__name__
    if isinstance(error, MemoryError):
        reason = "it takes too much memory"
    return f"The submission cannot be read: {reason}."


def _take_apart(submission: Submission, wanted: Sequence[str], archive: Path) -> None:
    """What a process of its own finds in an archive. Raises Odd where it finds no end."""
    command = [sys.executable, "-P", "-m", "course.grading.collect"]
    request = json.dumps([os.path.abspath(archive), list(wanted), UNPACK_SECONDS, UNPACK_MEMORY])
    try:
        done = subprocess.run(command, input=request, text=True, capture_output=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)},
                              timeout=10 * UNPACK_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Odd("it takes too long to unpack") from error
    if done.returncode:
        late = -done.returncode in (getattr(signal, "SIGXCPU", 0), getattr(signal, "SIGKILL", 0))
        raise Odd("it takes too long to unpack" if late else "the process that read it has ended early")
    submission.files, submission.left_out, notes = json.loads(done.stdout)
    submission.notes += notes


def from_archive(path: Path, wanted: Sequence[str]) -> Submission:
    """What is in an archive, read here and now. Never raises for what is in it, but may take hours, or all memory."""
    submission = Submission("")
    try:
        with opened(path, tuple(wanted)) as (names, get):
            _take(submission, wanted, _roots_in(names, tuple(wanted)), get)
    except Exception as error:  # noqa: BLE001
        submission.notes.append(_cannot_be_read(error))
    return submission


def _main() -> int:
    """The other process: a place, the wanted names and limits come in, and what is found goes out."""
    place, wanted, seconds, memory = json.load(sys.stdin)
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    submission = from_archive(Path(place), wanted)
    json.dump([submission.files, submission.left_out, submission.notes], sys.stdout)
    return 0


def _top(path: Path) -> str:
    """What lies there instead, in a few words."""
    with contextlib.suppress(OSError):
        if path.is_dir():
            names = sorted(each.name for each in path.iterdir())
            return f" It holds {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}." if names else " It is empty."
    return ""


def is_one(folder: Path) -> bool:
    """Whether a folder looks like a submission itself, and not like a class."""
    return (folder / "terox").is_dir() or (folder / "modules/terox").is_dir()


def _take(submission: Submission, wanted: Sequence[str], roots: list[str], get: Get) -> None:
    """The named files of the first root that has any."""
    for root in roots:
        for file in wanted:
            try:
                submission.files[file] = _text(get(root + file))
            except FileNotFoundError:
                continue
            except (Odd, OSError) as error:
                submission.left_out[file] = str(error) if isinstance(error, Odd) else "it cannot be read"
        if submission.files or submission.left_out:
            others = {_above(other) for other in roots} - {_above(root)}
            if others:
                submission.notes.append(f"It was found in {_above(root) or '.'}; {', '.join(sorted(others)[:3])} "
                                        f"{'has' if len(others) == 1 else 'have'} such files, too, which are not read.")
            submission.notes += [f"{file} is left out: {reason}." for file, reason in submission.left_out.items()]
            return


def _text(data: bytes) -> str:
    if len(data) > FILE_LIMIT:
        raise Odd(f"it has more than {FILE_LIMIT >> 10} KB")
    if b"\0" in data:
        raise Odd("it is no text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Odd(f"it is not encoded as UTF-8 (line {line})") from error
    # Python takes minutes for a dotted name of 100 KB: it copies what it has so far for each part.
    if max(map(len, re.findall(r"[\w.]+", re.sub(r"[ \t\f]+|\\\r?\n", "", text))), default=0) > NAME_LIMIT:
        raise Odd(f"it holds a name of more than {NAME_LIMIT} characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# ---- Folders ----


def _in_order(roots: Iterable[str]) -> list[str]:
    """Of folders that hold a `terox/` ("", or with a "/" at the end) those that may be a learner's.

    The upper ones come first, and a folder before its modules/.
    """
    def place(root: str) -> tuple[int, str, str]:
        return _above(root).count("/"), _above(root), root

    def may_be(root: str) -> bool:
        return all(part and part not in _NOT_HERE and not part.startswith(".") for part in root.split("/")[:-1])

    return sorted(filter(may_be, roots), key=place)[:ROOTS]


def _above(root: str) -> str:
    """The course folder that a root belongs to."""
    return root[: -len("modules/")] if f"/{root}".endswith("/modules/") else root


def _roots_of(path: Path) -> list[str]:
    """The folders with a `terox/`, `DEPTH` down at most. No link is followed."""
    found, number, level = set(), 0, [""]
    for _ in range(DEPTH + 1):
        below = []
        for folder in level:
            with contextlib.suppress(PermissionError), os.scandir(path / folder) as entries:
                for entry in entries:
                    number += 1
                    if number > ENTRIES_LIMIT:
                        raise Odd(f"it has more than {ENTRIES_LIMIT} entries")
                    if not entry.is_dir(follow_symlinks=False):
                        if entry.name == "terox" and entry.is_symlink():
                            found.add(folder)  # it will be said that it is one
                    elif entry.name == "terox":
                        found.add(folder)
                    elif entry.name not in _NOT_HERE and not entry.name.startswith("."):
                        below.append(f"{folder}{entry.name}/")
        level = below
    return _in_order(found)


def _roots_in(names: Iterable[str], wanted: tuple[str, ...]) -> list[str]:
    """The folders in an archive with a file that is wanted, `DEPTH` down at most."""
    found = {name[: -len(file)] for name in names if name.endswith(wanted) for file in wanted
             if name == file or name.endswith("/" + file)}
    return _in_order(root for root in found if root.count("/") <= DEPTH)


def _archives_in(folder: Path) -> list[Path]:
    """The archives right in a folder, by name; no links."""
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries
                      if entry.name.lower().endswith(ENDINGS) and entry.is_file(follow_symlinks=False))


def _from_folder(path: Path, name: str) -> bytes:
    """One file, opened step by step, so that no step is a link."""
    *folders, last = name.split("/")
    place = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    opened = [place]
    try:
        for folder in folders:
            place = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW, dir_fd=place)
            opened.append(place)
        file = os.open(last, os.O_RDONLY | _NOFOLLOW | _NONBLOCK, dir_fd=place)
    except OSError as error:
        if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and _is_link(path, name)):
            raise Odd("it is a link, or lies in a folder that is one") from error
        if isinstance(error, NotADirectoryError):
            raise FileNotFoundError from error
        raise
    finally:
        for each in opened:
            os.close(each)
    with os.fdopen(file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Odd("it is no regular file")
        return stream.read(FILE_LIMIT + 1)


def _is_link(path: Path, name: str) -> bool:
    parts = name.split("/")
    return any(os.path.islink(path.joinpath(*parts[:number])) for number in range(1, len(parts) + 1))


if __name__ == "__main__":
    sys.exit(_main())
