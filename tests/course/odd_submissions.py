"""Submissions that are no text: links, archives and the like, for test_attacks."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from course.manifest import ROOT

FILE = "terox/foundations/functional.py"
RIGHT = ROOT / "solutions" / FILE


def _place(folder: Path) -> Path:
    path = folder / FILE
    path.parent.mkdir(parents=True)
    return path


def _link_to_solution(folder: Path) -> Path:
    _place(folder).symlink_to(RIGHT)
    return folder


def _linked_folder(folder: Path) -> Path:
    (folder / "terox").symlink_to(ROOT / "solutions/terox")
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(_place(folder))
    return folder


def _folder_for_a_file(folder: Path) -> Path:
    (_place(folder) / "functional.py").mkdir(parents=True)
    return folder


def _bytes(data: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        _place(folder).write_bytes(data)
        return folder
    return build


def _zip(names: dict[str, bytes], mode: int = 0o644) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / "work.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in names.items():
                info = zipfile.ZipInfo(name)
                info.external_attr, info.compress_type = (mode << 16), zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
        return path
    return build


def _zip_of_many(folder: Path) -> Path:
    path = folder / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(21_000):
            archive.writestr(f"terox/{number:0900}", b"")
    return path


def _lying_zip(folder: Path) -> Path:
    """One that says that its file is short."""
    path = _zip({FILE: b"#" * 40_000_000})(folder)
    data = path.read_bytes()
    path.write_bytes(data.replace((40_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    return path


def _tar(name: str, kind: bytes, linkname: str = "") -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / "work.tar"
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, linkname
            archive.addfile(member)
        return path
    return build


def _tar_bomb(folder: Path) -> Path:
    path = folder / "work.tar.gz"
    member = tarfile.TarInfo("zeros")
    member.size = 1 << 34
    piece = io.BytesIO()
    with gzip.GzipFile(fileobj=piece, mode="wb", compresslevel=9) as part:
        part.write(bytes(1 << 25))
    start = io.BytesIO()
    with gzip.GzipFile(fileobj=start, mode="wb") as part:
        part.write(member.tobuf())
    path.write_bytes(start.getvalue() + piece.getvalue() * 40)
    return path


def _memory_in_a_zip(folder: Path) -> Path:
    """A zip file of a few KB. It says that its file is short, and Python unpacks all of it before it counts."""
    path = folder / "work.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(FILE, bytes(1 << 29))
    path.write_bytes(path.read_bytes().replace((1 << 29).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    return path


def _headers(kind: bytes, data: bytes, times: int = 1) -> Callable[[Path], Path]:
    """A tar file of one header of a kind that tarfile reads as a whole, `data` many times."""
    def build(folder: Path) -> Path:
        path = folder / "work.tar.gz"
        member = tarfile.TarInfo("header")
        member.type, member.size = kind, len(data) * times
        with gzip.open(path, "wb") as file:
            file.write(member.tobuf())
            for _ in range(times):
                file.write(data)
            file.write(bytes(-member.size % 512) + tarfile.TarInfo("x").tobuf() + bytes(1024))
        return path
    return build


def _junk_archive(folder: Path) -> Path:
    path = folder / "work.tar.gz"
    path.write_bytes(b"\x1f\x8b" + os.urandom(5000))
    return path


BUILT = {
    "link_to_the_solution": ("is a link to the solution", _link_to_solution, "link"),
    "linked_folder": ("has a folder that is a link to the solutions", _linked_folder, ""),
    "pipe": ("has a pipe where a file belongs, which blocks whoever reads it", _pipe, "no regular file"),
    "folder_for_a_file": ("has a folder where a file belongs", _folder_for_a_file, ""),
    "binary_garbage": ("has no text", _bytes(bytes(range(256)) * 40), "no text"),
    "zeros": ("has zeros in its text", _bytes(b"x = 1\0"), "no text"),
    "wrong_encoding": ("is encoded as Latin-1", _bytes("# \u00e4\u00f6\u00fc\n".encode("latin-1")), "UTF-8"),
    "utf_16": ("is encoded as UTF-16", _bytes("x = 1\n".encode("utf-16")), ""),
    "too_long": ("has a file of megabytes", _bytes(b"#" * (1 << 20)), "512 KB"),
    "too_deep": ("has more brackets than Python can parse", _bytes(b"x = " + b"(" * 200_000 + b")" * 200_000), ""),
    "too_deep_unary": ("has an expression too deep for a reader", _bytes(b"x = " + b"-" * 99_999 + b"1"), ""),
    "no_python": ("is no Python", _bytes(b"def map(fn:\n"), "cannot read"),
    "declared_encoding": ("declares an encoding that hides its text", _bytes(b"# coding: rot13\nvzcbeg bf\n"), ""),
    "zip_bomb": ("is a zip file that unpacks to much more", _zip({FILE: b"#" * 300_000_000}), "512 KB"),
    "lying_zip": ("is a zip file that lies about its size", _lying_zip, ""),
    "zip_of_many": ("is a zip file of very many files", _zip_of_many, "entries"),
    "zip_outside": ("is a zip file that unpacks outside", _zip({"../../" + FILE: b"x", "/" + FILE: b"x"}), "No file"),
    "zip_link": ("is a zip file with a link", _zip({FILE: str(RIGHT).encode()}, 0o120777), "link"),
    "tar_bomb": ("is a tar file that unpacks to much more", _tar_bomb, "1024 MB"),
    "tar_link": ("is a tar file with a link", _tar(FILE, tarfile.SYMTYPE, str(RIGHT)), "no regular file"),
    "tar_hard_link": ("is a tar file with a hard link", _tar(FILE, tarfile.LNKTYPE, str(RIGHT)), "no regular file"),
    "tar_device": ("is a tar file with a device", _tar(FILE, tarfile.CHRTYPE), "no regular file"),
    "memory_in_a_zip": ("is a small zip file that takes all memory to unpack", _memory_in_a_zip, "too much memory"),
    "long_name": ("is a tar file with a name of megabytes",
                  _headers(tarfile.GNUTYPE_LONGNAME, b"a" * (1 << 20), 400), "too much memory"),
    "slow_header": ("is a tar file whose header keeps old Pythons busy for hours",
                    _headers(tarfile.XHDTYPE, b"1" * (1 << 19)), ""),
    "junk_archive": ("is an archive of random bytes", _junk_archive, "cannot be read"),
}
