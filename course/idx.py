"""The IDX format of the MNIST files: read without trust, written so that a second run gives the same bytes.

An IDX file is two zero bytes, a byte for the type of the values (0x08: unsigned bytes), a byte for the number
of dimensions, each dimension as a big-endian 32-bit integer, and then the values in row-major order.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from course import whole_files

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 64 * 2**20  # the largest of the four MNIST files unpacks to 47,040,016 bytes
GET_IT_AGAIN = "Get the file again from where it came from."


class DatasetError(ValueError):
    """A data set cannot be had. The message names the file or folder, what is wrong and what to do."""


def read_idx(path: Path | str, *, max_bytes: int = MAX_BYTES, name: str | None = None,
             remedy: str = GET_IT_AGAIN) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, plain or gzipped (the first bytes decide, not the name).

    Returns a writable uint8 array of the shape that the header gives. At most `max_bytes` values are
    unpacked, whatever the file says or turns out to hold. `name` and `remedy` are what an error calls the
    file, and what it advises. Raises DatasetError for a file that is missing, unreadable, truncated, damaged,
    too large, of another format, or longer than its header says.
    """
    path = Path(path)
    name = name or str(path)

    def bad(problem: str) -> DatasetError:
        return DatasetError(f"{name} {problem}. {remedy}")

    try:
        if path.is_dir():
            raise bad("is a folder, not a file")
        if path.exists() and not path.is_file():
            raise bad("is not a regular file")  # opening a pipe would wait for ever
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes + 2**16:
                raise bad(f"is too large: {size:,} bytes, where at most {max_bytes:,} are read")
            magic = file.read(2)
            file.seek(0)
            if magic != GZIP_MAGIC:
                return _parse(file, max_bytes, bad)
            with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
                return _parse(unpacked, max_bytes, bad)
    except EOFError as error:
        raise bad("is truncated: the gzip data ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise bad(f"is damaged: its gzip data cannot be unpacked ({error})") from error
    except FileNotFoundError as error:
        raise bad("does not exist") from error
    except OSError as error:
        raise bad(f"cannot be read: {error.strerror or error}") from error


def _parse(stream: BinaryIO | gzip.GzipFile, max_bytes: int,
           bad: Callable[[str], DatasetError]) -> np.ndarray:
    start = stream.read(4)
    if not start:
        raise bad("is empty")
    if start[:3] != b"\x00\x00\x08"[:len(start)] or (len(start) == 4 and not 1 <= start[3] <= 4):
        raise bad(f"is no IDX file of unsigned bytes: it begins with {start.hex(' ')}, "
                  "where 00 00 08 and a number of dimensions from 1 to 4 should stand")
    rank = start[3] if len(start) == 4 else 1
    sizes = stream.read(4 * rank)
    if len(start) < 4 or len(sizes) < 4 * rank:
        raise bad("is truncated: it ends inside its header")
    shape = struct.unpack(f">{rank}I", sizes)
    # A dimension of 0 does not make the others harmless: NumPy refuses (0, 4294967295, 4294967295).
    if math.prod(max(length, 1) for length in shape) > max_bytes:
        raise bad(f"is too large: its header promises {' x '.join(map(str, shape))} bytes, "
                  f"where at most {max_bytes:,} are read")
    count = math.prod(shape)
    values = bytearray(stream.read(count))
    if len(values) < count:
        raise bad(f"is truncated: its header promises {count:,} values, and {len(values):,} are there")
    if stream.read(1):
        raise bad(f"goes on after the {count:,} values that its header promises")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def idx_bytes(array: np.ndarray) -> bytes:
    """The content of the IDX file that holds `array` (uint8, 1 to 4 dimensions). Others raise TypeError."""
    if array.dtype != np.uint8 or not 1 <= array.ndim <= 4:
        raise TypeError("idx_bytes: a uint8 array of 1 to 4 dimensions is needed, "
                        f"not {array.dtype} {array.shape}.")
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def gzip_bytes(content: bytes) -> bytes:
    """`content`, gzipped without a time and a file name, so that the same content gives the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


@contextmanager
def replacing(path: Path, remedy: str) -> Iterator[BinaryIO]:
    """`whole_files.replacing`, for data: an OSError becomes a DatasetError with `remedy` as its advice."""
    try:
        with whole_files.replacing(path) as file:
            yield file
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror or error}. {remedy}") from error
