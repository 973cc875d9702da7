"""From what somebody handed in (a folder, a zip or a tar file) to the texts of the files that the manifest names.

Nothing is unpacked, no link is followed, and only the named files are read, up to a limit. What is odd becomes a note.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from course.manifest import Manifest

FILE_LIMIT = 512 << 10  # bytes of one file
ARCHIVE_LIMIT, UNPACKED_LIMIT, ENTRIES_LIMIT = 64 << 20, 256 << 20, 20_000
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ROOTS = ("", "modules/")
_NOFOLLOW, _NONBLOCK = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
Get = Callable[[str], bytes]  # the bytes of a file, by its name in the submission, at most FILE_LIMIT + 1


class Odd(Exception):
    """A file that is there and is not taken. The message is for the report."""


@dataclass
class Submission:
    """`files`: name relative to the source root (terox/...) to text. `notes`: what was left out, and why."""

    name: str
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Of all that a verdict depends on."""
        found = hashlib.sha256()
        for name in sorted(self.files):
            found.update(name.encode() + b"\0" + self.files[name].encode() + b"\0")
        found.update("\n".join(self.notes).encode())
        return found.hexdigest()[:24]


def submissions_in(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Name to place of every folder and every archive right below `folder`, and the names of what is neither.

    An archive is called as its file without the ending, unless something else would have that name, too.
    """
    places = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    taken = [path for path in places if path.is_dir() or path.name.lower().endswith(ARCHIVES)]
    often = Counter(name_of(path).casefold() for path in taken)
    names = [name_of(path) if often[name_of(path).casefold()] == 1 else path.name for path in taken]
    return dict(zip(names, taken)), [path.name for path in places if path not in taken]


def name_of(path: Path) -> str:
    """What a submission is called: its folder, or its file without the ending."""
    if path.is_dir():
        return path.name
    return next((path.name[: -len(ending)] for ending in ARCHIVES if path.name.lower().endswith(ending)), path.name)


def collect(path: Path, manifest: Manifest, name: str | None = None) -> Submission:
    """Read a submission. Never raises for what is in it: it has fewer files then, and notes that say why."""
    submission = Submission(name or name_of(path))
    wanted = list(dict.fromkeys(file for task in manifest.tasks.values() for file in task.files))
    try:
        if path.is_dir():
            _take(submission, wanted, _roots_of(path), lambda name: _from_folder(path, name))
            inside = [] if submission.files or submission.notes else _archives_in(path)
            if len(inside) > 1:
                submission.notes.append(f"Of {len(inside)} archives, only {inside[-1].name} is read.")
            if inside:  # what systems for handing in leave: a folder of the learner's name, with what was sent
                _archive(submission, wanted, inside[-1])
        else:
            _archive(submission, wanted, path)
    except Exception as error:  # noqa: BLE001 - libraries for archives raise of everything, given bytes of any kind
        reason = str(error) if isinstance(error, Odd) else type(error).__name__
        submission.notes.append(f"The submission cannot be read to its end ({reason}).")
    if not submission.files:
        submission.notes.append("No file of the course was found: none named terox/..., modules/terox/... or "
                                "NAME/terox/....")
    return submission


def _take(submission: Submission, wanted: list[str], roots: list[str], get: Get) -> None:
    """The named files of the first root that has any."""
    for root in roots:
        found = False
        for file in wanted:
            try:
                data = get(root + file)
            except FileNotFoundError:
                continue
            except (Odd, OSError) as error:
                found = True
                reason = str(error) if isinstance(error, Odd) else "it cannot be read"
                submission.notes.append(f"{file} is left out: {reason}.")
                continue
            found = True
            try:
                submission.files[file] = _text(data)
            except Odd as error:
                submission.notes.append(f"{file} is left out: {error}.")
        if found:
            return


def _text(data: bytes) -> str:
    if len(data) > FILE_LIMIT:
        raise Odd(f"it has more than {FILE_LIMIT >> 10} KB")
    if b"\0" in data:
        raise Odd("it is no text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Odd("it is not encoded as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


# ---- Folders ----


def _roots_of(path: Path) -> list[str]:
    """Where a `terox/` may stand: here, in modules/, or one folder down."""
    below = []
    with os.scandir(path) as entries:
        for number, entry in enumerate(entries):
            if number >= ENTRIES_LIMIT:
                raise Odd(f"it has more than {ENTRIES_LIMIT} entries")
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False) and entry.name not in ("terox", "modules"):
                    below.append(entry.name)
    return [*_ROOTS, *(f"{name}/{root}" for name in sorted(below)[:20] for root in _ROOTS)]


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


# ---- Archives ----


def _archives_in(folder: Path) -> list[Path]:
    """The archives right in a folder, by name; no links."""
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries
                      if entry.name.lower().endswith(ARCHIVES) and entry.is_file(follow_symlinks=False))


def _archive(submission: Submission, wanted: list[str], path: Path) -> None:
    about = os.stat(path)
    if not stat.S_ISREG(about.st_mode):
        submission.notes.append("The submission is neither a folder nor a file.")
    elif about.st_size > ARCHIVE_LIMIT:
        submission.notes.append(f"The archive has more than {ARCHIVE_LIMIT >> 20} MB. The learner's own files are all "
                                "that is needed: `make submission` writes a zip of them.")
    elif zipfile.is_zipfile(path):
        _zip(submission, wanted, path)
    else:
        _tar(submission, wanted, path)


def _archive_roots(names: set[str]) -> list[str]:
    below = sorted({name.split("/", 1)[0] for name in names if "/" in name} - {"terox", "modules", "..", ".", ""})
    return [*_ROOTS, *(f"{name}/{root}" for name in below[:20] for root in _ROOTS)]


def _zip(submission: Submission, wanted: list[str], path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > ENTRIES_LIMIT:
            raise Odd(f"it has more than {ENTRIES_LIMIT} entries")
        known = {info.filename.replace("\\", "/"): info for info in infos}

        def get(name: str) -> bytes:
            info = known.get(name)
            if info is None:
                raise FileNotFoundError
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Odd("it is a link")
            if info.file_size > FILE_LIMIT or info.flag_bits & 1:
                raise Odd(f"it has more than {FILE_LIMIT >> 10} KB" if info.file_size > FILE_LIMIT
                          else "it is encrypted")
            try:
                with archive.open(info) as stream:
                    return stream.read(FILE_LIMIT + 1)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
                raise Odd("its part of the archive is broken") from error

        _take(submission, wanted, _archive_roots(set(known)), get)


class _Counted:
    """A stream that gives up after so many bytes: an archive that unpacks to more is not read on."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._left:
            size = self._left + 1
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise Odd(f"it unpacks to more than {UNPACKED_LIMIT >> 20} MB")
        return data


def _tar(submission: Submission, wanted: list[str], path: Path) -> None:
    ends = tuple(root_and_file for root_and_file in wanted)
    found: dict[str, bytes | Odd] = {}
    with open(path, "rb") as raw:
        stream = _Counted(_unpacked(raw), UNPACKED_LIMIT)
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for number, member in enumerate(archive):
                if number >= ENTRIES_LIMIT:
                    raise Odd(f"it has more than {ENTRIES_LIMIT} entries")
                name = member.name.removeprefix("./")
                if name.endswith(ends) and len(name) < 400:
                    if not member.isreg():
                        found[name] = Odd("it is no regular file")
                    elif member.size > FILE_LIMIT:
                        found[name] = Odd(f"it has more than {FILE_LIMIT >> 10} KB")
                    else:
                        part = archive.extractfile(member)
                        found[name] = part.read(FILE_LIMIT + 1) if part else b""

    def get(name: str) -> bytes:
        if name not in found:
            raise FileNotFoundError
        data = found[name]
        if isinstance(data, Odd):
            raise data
        return data

    _take(submission, wanted, _archive_roots(set(found)), get)


def _unpacked(raw: BinaryIO) -> BinaryIO:
    import bz2
    import gzip
    import lzma

    start = raw.read(6)
    raw.seek(0)
    opened: BinaryIO
    if start[:2] == b"\x1f\x8b":
        opened = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
    elif start[:3] == b"BZh":
        opened = bz2.BZ2File(raw)  # type: ignore[assignment]
    elif start == b"\xfd7zXZ\x00":
        opened = lzma.LZMAFile(raw)  # type: ignore[assignment]
    else:
        opened = raw
    return opened
