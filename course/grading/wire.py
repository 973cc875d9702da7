"""What grader and sandbox say to each other: frames of plain values over a pipe. Nothing in a frame can run code.

A frame is two lengths (big-endian: four bytes for the header's, eight for the body's), a header in JSON, and a body
with the arrays' raw bytes. In the header a dict is `{"d": {...}}` and an array `{"a": [dtype, shape, first byte]}`;
all else is itself. Imported in the sandbox, too: standard library and NumPy only.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np

Value = Any  # None, bool, int, float, str, list, dict with str keys, np.ndarray of bool, int or float
DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
          "float64")
HEADER_LIMIT, BODY_LIMIT = 4 << 20, 64 << 20  # bytes
EMPTY_LIMIT = 1 << 20  # how many lists an array without a number may be, written as lists
DEPTH, ITEMS, DIMENSIONS, BITS = 12, 200_000, 16, 4096
_LENGTHS = struct.Struct(">IQ")


class WireError(Exception):
    """A value that has no place on the wire, or bytes that are no frame."""


def encode(value: Value) -> bytes:
    """One frame. Tuples become lists. Raises WireError for values of other kinds, and for too much."""
    parts: list[bytes] = []
    header = json.dumps(_out(value, parts, [0, 0], 0), separators=(",", ":")).encode("ascii")
    body = b"".join(parts)
    if len(header) > HEADER_LIMIT or len(body) > BODY_LIMIT:
        raise WireError("The value is too large.")
    return _LENGTHS.pack(len(header), len(body)) + header + body


def _out(value: Value, parts: list[bytes], used: list[int], depth: int) -> Any:
    """`used`: items so far, bytes so far."""
    used[0] += 1
    if depth > DEPTH or used[0] > ITEMS:
        raise WireError("The value is too deep or has too many parts.")
    kind = type(value)
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        if value.bit_length() > BITS:
            raise WireError("The number has too many digits.")
        return value
    if kind in (list, tuple):
        return [_out(each, parts, used, depth + 1) for each in value]
    if kind is dict:
        if not all(type(key) is str for key in value):
            raise WireError("A dict's keys have to be str.")
        return {"d": {key: _out(each, parts, used, depth + 1) for key, each in value.items()}}
    if kind is np.ndarray:
        if value.dtype.name not in DTYPES or value.ndim > DIMENSIONS:
            raise WireError(f"An array of {value.dtype} with {value.ndim} dimensions cannot be sent.")
        if used[1] + value.nbytes > BODY_LIMIT:
            raise WireError("The value is too large.")
        raw = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        entry = {"a": [value.dtype.name, list(value.shape), used[1]]}
        parts.append(raw)
        used[1] += len(raw)
        return entry
    raise WireError(f"A value of type {kind.__name__} cannot be sent.")


def decode(frame: bytes) -> Value:
    """The value of one frame, all of it fresh. Raises WireError, and nothing else, for whatever is no frame."""
    if len(frame) < _LENGTHS.size:
        raise WireError("The frame is too short.")
    header, body = lengths(frame[:_LENGTHS.size])
    if len(frame) != _LENGTHS.size + header + body:
        raise WireError("The frame's lengths are wrong.")
    start = _LENGTHS.size + header
    try:
        tree = json.loads(frame[_LENGTHS.size:start].decode("utf-8"), object_pairs_hook=_unique)
        return _in(tree, memoryview(frame)[start:], [0], 0)
    except (ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise WireError("The frame's header cannot be read.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise WireError("A key stands there twice.")
    return result


def _in(tree: Any, body: memoryview, used: list[int], depth: int) -> Value:
    used[0] += 1
    if depth > DEPTH or used[0] > ITEMS:
        raise WireError("The value is too deep or has too many parts.")
    kind = type(tree)
    if tree is None or kind in (bool, float):
        return tree
    if kind is str:
        tree.encode("utf-8")  # a lone surrogate is no text (UnicodeEncodeError is a ValueError)
        return tree
    if kind is int:
        if tree.bit_length() > BITS:
            raise WireError("The number has too many digits.")
        return tree
    if kind is list:
        return [_in(each, body, used, depth + 1) for each in tree]
    if kind is dict and set(tree) == {"d"} and type(tree["d"]) is dict:
        return {_in(key, body, used, depth): _in(each, body, used, depth + 1) for key, each in tree["d"].items()}
    if kind is dict and set(tree) == {"a"}:
        return _array(tree["a"], body)
    raise WireError("The header holds what is no value.")


def _array(entry: Any, body: memoryview) -> np.ndarray:
    if type(entry) is not list or len(entry) != 3:
        raise WireError("An array's entry is wrong.")
    name, shape, first = entry
    if type(name) is not str or name not in DTYPES or type(first) is not int or type(shape) is not list:
        raise WireError("An array's entry is wrong.")
    if len(shape) > DIMENSIONS or not all(type(size) is int and 0 <= size <= BODY_LIMIT for size in shape):
        raise WireError("An array's shape is wrong.")
    count = math.prod(shape)
    if not count and math.prod(max(1, size) for size in shape) > EMPTY_LIMIT:
        raise WireError("An empty array is too wide.")
    dtype = np.dtype(name).newbyteorder("<")
    last = first + count * dtype.itemsize
    if not 0 <= first <= last <= len(body) or count > BODY_LIMIT:
        raise WireError("An array lies outside of the frame.")
    raw = bytes(body[first:last])
    if name == "bool" and raw.strip(b"\0\1"):
        raise WireError("A bool is neither 0 nor 1.")
    return np.frombuffer(raw, dtype).astype(name).reshape(shape)


def lengths(start: bytes) -> tuple[int, int]:
    """(bytes of the header, bytes of the body) of a frame that begins with `start`. Raises WireError for too much."""
    header, body = _LENGTHS.unpack(start)
    if header > HEADER_LIMIT or body > BODY_LIMIT:
        raise WireError("The frame is too large.")
    return header, body


def read(stream: BinaryIO) -> Value:
    """The next frame's value. Raises EOFError where the stream ends between two frames, WireError for anything else."""
    start = _exactly(stream, _LENGTHS.size)
    if not start:
        raise EOFError
    header, body = lengths(start if len(start) == _LENGTHS.size else b"\xff" * _LENGTHS.size)
    return decode(start + _exactly(stream, header + body))


def write(stream: BinaryIO, value: Value) -> None:
    """Write one frame, and flush."""
    stream.write(encode(value))
    stream.flush()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = stream.read(min(left, 1 << 20))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
