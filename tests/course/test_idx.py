"""Tests of course/idx.py: the format of the MNIST files, and files that are not what they should be."""

from __future__ import annotations

import errno
import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from course import idx
from course.idx import DatasetError, read_idx


def header(*shape: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (2, 3), (3, 28, 28), (2, 0, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_come_back_as_written_whatever_they_are_called(tmp_path, shape, packed, suffix):
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    content = header(*shape) + values.tobytes()
    path = tmp_path / f"some{suffix}"
    path.write_bytes(gzip.compress(content) if packed else content)
    got = read_idx(path)
    assert got.dtype == np.uint8 and got.shape == shape and np.array_equal(got, values)
    assert got.flags.writeable
    assert idx.idx_bytes(got) == content
    assert np.array_equal(read_idx(str(path)), values)


GOOD = header(4, 5) + bytes(range(20))
PACKED = gzip.compress(GOOD)
STORED = gzip.compress(GOOD, compresslevel=0)  # its bytes 11 to 14 are a length, twice
BAD_FILES = {
    "empty": (b"", "empty"),
    "a web page": (b"<!DOCTYPE html><html></html>", "no IDX file"),
    "another kind of values": (header(4, kind=13) + bytes(16), "no IDX file"),
    "no dimensions": (bytes([0, 0, 8, 0]) + b"x", "no IDX file"),
    "255 dimensions": (bytes([0, 0, 8, 255]) + bytes(2000), "no IDX file"),
    "two bytes": (GOOD[:2], "truncated"),
    "half a header": (GOOD[:9], "truncated"),
    "header only": (GOOD[:12], "truncated"),
    "one byte missing": (GOOD[:-1], "truncated"),
    "one byte more": (GOOD + b"\0", "goes on after"),
    "too many": (header(2**32 - 1), "too large"),
    "too many in all": (header(2**16, 2**16, 2**16, 2**16), "too large"),
    "none, but of a size no array can have": (header(0, 2**32 - 1, 2**32 - 1), "too large"),
    "gzip: only its magic": (PACKED[:2], "truncated"),
    "gzip: half": (PACKED[: len(PACKED) // 2], "truncated"),
    "gzip: no checksum": (PACKED[:-8], "truncated"),
    "gzip: wrong checksum": (PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], "damaged"),
    "gzip: flipped bits": (STORED[:12] + bytes([STORED[12] ^ 255]) + STORED[13:], "damaged"),
    "gzip: garbage after it": (PACKED + b"garbage", "damaged"),
    "gzip: unknown method": (PACKED[:2] + b"\7" + PACKED[3:], "damaged"),
    "gzip: of nothing": (gzip.compress(b""), "empty"),
    "gzip: one byte missing": (gzip.compress(GOOD[:-1]), "truncated"),
    "gzip: one byte more": (gzip.compress(GOOD + b"\0"), "goes on after"),
    "gzip: two files in one": (PACKED + PACKED, "goes on after"),
    "gzip: too many": (gzip.compress(header(60_000, 28, 280)), "too large"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_named_with_what_is_wrong_and_what_to_do(tmp_path, kind):
    content, problem = BAD_FILES[kind]
    path = tmp_path / "digits-ubyte"
    path.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and problem in message and message.endswith(idx.GET_IT_AGAIN)
    assert isinstance(caught.value, ValueError)


def test_every_truncation_of_a_file_is_an_error(tmp_path):
    path = tmp_path / "cut"
    for content in (GOOD, PACKED):
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(DatasetError):
                read_idx(path)


def test_a_flipped_byte_never_gives_another_exception(tmp_path):
    path = tmp_path / "flipped"
    for content in (GOOD[:12], PACKED):
        for place in range(len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1:])
            try:
                got = read_idx(path)
            except DatasetError:
                continue
            assert np.array_equal(got.ravel(), np.arange(20))  # a byte that gzip does not look at


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    import tracemalloc

    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(header(1000) + bytes(30 * 2**20), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="goes on after"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_max_bytes_is_a_limit_on_the_header_and_on_the_file(tmp_path):
    path = tmp_path / "some"
    path.write_bytes(GOOD)
    assert read_idx(path, max_bytes=20).size == 20
    with pytest.raises(DatasetError, match="4 x 5"):
        read_idx(path, max_bytes=19)
    path.write_bytes(GOOD + bytes(100_000))
    with pytest.raises(DatasetError, match="100,032 bytes"):
        read_idx(path, max_bytes=20)


def test_what_is_no_readable_file_is_a_dataset_error(tmp_path, monkeypatch):
    for path, problem in [(tmp_path / "absent", "does not exist"), (tmp_path, "is a folder")]:
        with pytest.raises(DatasetError, match=problem):
            read_idx(path)
    path = tmp_path / "some"
    path.write_bytes(GOOD)
    with pytest.raises(DatasetError):
        read_idx(path / "below a file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DatasetError, match="not a regular file"):
            read_idx(tmp_path / "pipe")

    def refuse(*arguments, **keywords):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DatasetError, match="cannot be read: Permission denied"):
        read_idx(path)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros(3, np.int8), np.uint8(3),
                                   np.zeros((1,) * 5, np.uint8)])
def test_only_arrays_that_read_idx_reads_can_be_written(array):
    with pytest.raises(TypeError):
        idx.idx_bytes(array)


def test_gzip_bytes_depend_on_the_content_alone(monkeypatch):
    first = idx.gzip_bytes(GOOD)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert idx.gzip_bytes(GOOD) == first and gzip.decompress(first) == GOOD
    assert first[3] == 0 and first[4:8] == bytes(4)  # no file name, no time


def test_a_file_that_cannot_be_written_is_an_error_with_advice(tmp_path):
    with pytest.raises(DatasetError, match="kept cannot be written: No space left.*Do this"):
        with idx.replacing(tmp_path / "kept", "Do this."):
            raise OSError(errno.ENOSPC, "No space left on device")
    with idx.replacing(tmp_path / "kept", "Do this.") as file:
        file.write(b"new")
    assert (tmp_path / "kept").read_bytes() == b"new"
