"""Zip and tar files, read where they lie: names, and the bytes of single files. Nothing is unpacked; all has limits."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

FILE_LIMIT = 512 << 10  # bytes of one file
ARCHIVE_LIMIT, UNPACKED_LIMIT = 1 << 30, 1 << 30  # bytes of an archive, and of all that a tar file unpacks to
ENTRIES_LIMIT, TABLE_LIMIT = 100_000, 16 << 20  # files in a submission, and bytes of a zip file's table of contents
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
Get = Callable[[str], bytes]  # a file's bytes by its name, at most FILE_LIMIT + 1. Raises FileNotFoundError and Odd
Archive = tuple[list[str], Get]  # names, with "/", and what reads them


class Odd(Exception):
    """Something that is there and is not taken. The message is for the report."""


@contextlib.contextmanager
def opened(path: Path, ends: tuple[str, ...]) -> Iterator[Archive]:
    """A zip or tar file, whatever its name. Of a tar file, only files whose names have one of `ends` are there.

    Raises Odd where it is none, and whatever zipfile, tarfile and the unpackers raise of broken ones.
    """
    about = os.stat(path)
    if not stat.S_ISREG(about.st_mode):
        raise Odd("it is neither a folder nor a file")
    if about.st_size > ARCHIVE_LIMIT:
        raise Odd(f"it has more than {ARCHIVE_LIMIT >> 20} MB; `make submission` writes a small zip")
    is_zip = zipfile.is_zipfile(path)
    try:
        with (_zip(path) if is_zip else _tar(path, ends)) as archive:
            yield archive
    except tarfile.ReadError as error:
        raise Odd("the archive is broken" if path.name.lower().endswith(ENDINGS) else
                  "it is neither a folder nor a zip or tar file") from error


def _table_of(path: Path) -> int:
    """Bytes of a zip file's table of contents, as its last record says. (All of it will be read.)"""
    with open(path, "rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - (1 << 16) - 22))
        end = stream.read()
        size = stream.tell()
    place = end.rfind(b"PK\5\6")
    if place < 0 or len(end) < place + 22:
        raise Odd("it is no zip file to its end")
    if end[max(0, place - 20): place].startswith(b"PK\6\7"):  # zip64: the size stands elsewhere; all may be a table
        return size
    return int.from_bytes(end[place + 12: place + 16], "little")


@contextlib.contextmanager
def _zip(path: Path) -> Iterator[Archive]:
    if _table_of(path) > TABLE_LIMIT:
        raise Odd(f"it has more than {ENTRIES_LIMIT} entries")
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
            if info.file_size > FILE_LIMIT:
                raise Odd(f"it has more than {FILE_LIMIT >> 10} KB")
            if info.flag_bits & 1:
                raise Odd("it is encrypted")
            try:
                with archive.open(info) as stream:
                    return stream.read(FILE_LIMIT + 1)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
                raise Odd("its part of the archive is broken") from error

        yield list(known), get


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


@contextlib.contextmanager
def _tar(path: Path, ends: tuple[str, ...]) -> Iterator[Archive]:
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

    yield list(found), get


def _unpacked(raw: BinaryIO) -> BinaryIO:
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
