"""The wire: what goes out comes in, and no bytes do more than raise WireError."""

from __future__ import annotations

import io
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from course.grading import wire
from course.grading.compare import difference, shown
from course.grading.sealed import Call

_DTYPES = st.sampled_from(wire.DTYPES)
_ARRAYS = arrays.arrays(_DTYPES, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
_LEAVES = st.none() | st.booleans() | st.integers(-(1 << 200), 1 << 200) | st.floats() | st.text(max_size=8) | _ARRAYS
VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner,
                                                                                          max_size=4), max_leaves=12)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value):
    """Types, shapes, dtypes, NaN and infinities included."""
    assert difference(wire.decode(wire.encode(value)), value, 0.0, 0.0) == ""


@given(st.lists(VALUES, max_size=4))
def test_frames_follow_each_other_in_a_stream(values):
    """`read` takes exactly one frame, and says where the stream ends."""
    stream = io.BytesIO(b"".join(map(wire.encode, values)))
    for value in values:
        assert difference(wire.read(stream), value, 0.0, 0.0) == ""
    with pytest.raises(EOFError):
        wire.read(stream)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_wire_error(data):
    """Nothing else is raised, and nothing runs."""
    _decode(data)


@given(VALUES, st.data())
def test_a_damaged_frame_is_a_frame_or_a_wire_error(value, data):
    """One byte changed, cut off or added."""
    frame = bytearray(wire.encode(value))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] = data.draw(st.integers(0, 255))
    _decode(bytes(frame))
    _decode(bytes(frame[:place]))
    _decode(bytes(frame) + b"x")


@given(st.text(max_size=60) | st.sampled_from([
    '{"a":["float64",[4],0]}', '{"a":["float64",[-1],0]}', '{"a":["object",[1],0]}', '{"a":["float64",[1],-8]}',
    '{"a":["float64",[1000000,1000000],0]}', '{"a":["V8",[1],0]}', '{"d":[1]}', '{"d":{"x":1,"x":2}}', '{"x":1}',
    "[" * 5000 + "]" * 5000, "1" * 5000, '{"a":[["float64"],[1],0]}', '{"a":["float64",[true],0]}', '"\\ud800"',
    '{"d":{"\\ud800":1}}', '{"a":["bool",[8],0]}', '{"a":["bool",[67108864,67108864,0],0]}']))
def test_any_header_is_a_value_or_a_wire_error(header):
    """Whatever JSON says, with eight bytes of a body behind it."""
    data = header.encode("utf-8", errors="surrogatepass")
    _decode(struct.pack(">IQ", len(data), 8) + data + b"\2" * 8)


def _decode(data: bytes) -> None:
    try:
        value = wire.decode(data)
    except wire.WireError:
        return
    wire.encode(value)


def test_a_stream_that_stops_inside_a_frame_is_an_error():
    frame = wire.encode([1.0, "x"])
    for size in range(1, len(frame)):
        with pytest.raises(wire.WireError):
            wire.read(io.BytesIO(frame[:size]))


@pytest.mark.parametrize("value", [object(), {1: 2}, {1, 2}, b"x", 1j, np.float64(1.0), np.array(["x"]),
                                   np.array([None]), 1 << 5000, [[[[[[[[[[[[[[1]]]]]]]]]]]]]], range(3),
                                   type("Sly", (float,), {})(1.0), type("Sly", (dict,), {})()])
def test_other_values_are_not_sent(value):
    """Subclasses neither: what they do to be sent is theirs."""
    with pytest.raises(wire.WireError):
        wire.encode(value)


def test_too_long_a_frame_is_not_read():
    """The lengths are believed only up to the limits."""
    with pytest.raises(wire.WireError):
        wire.lengths(struct.pack(">IQ", 1 << 31, 0))
    with pytest.raises(wire.WireError):
        wire.lengths(struct.pack(">IQ", 2, 1 << 62))


@pytest.mark.parametrize("got, expected", [(1, 1.0), (True, 1), (1.0, 1), ([1], [1, 2]), ("a", "b"),
                                           ({"a": 1}, {"b": 1}), (None, 0), (math.nan, 1.0),
                                           (math.inf, -math.inf), (1.1, 1.0),
                                           (np.zeros(2), np.zeros((2, 1))), (np.zeros(2, "f4"), np.zeros(2)),
                                           (np.array([0.0, math.nan]), np.zeros(2)), ([0.0], np.zeros(1))])
def test_what_differs_is_said(got, expected):
    """Neither types nor shapes nor values may differ."""
    assert difference(got, expected, 1e-6, 1e-9)


def test_rounding_is_allowed_for_floats():
    assert difference([1.0 + 1e-8, np.array([1e8])], [1.0, np.array([1e8 + 1])], 1e-6, 0.0) == ""


@pytest.mark.parametrize("shape", [(1 << 26, 1 << 26, 0), (0, 1 << 26), (30_000, 1000, 0)])
def test_an_empty_array_is_not_wide(shape):
    """As lists, it would be lists without end."""
    header = json.dumps({"a": ["float64", shape, 0]}).encode()
    with pytest.raises(wire.WireError):
        wire.decode(struct.pack(">IQ", len(header), 0) + header)
    assert shown(np.empty((1000, 0))) == "an array (1000, 0) of float64"
    assert wire.decode(wire.encode(np.empty((3, 0)))).shape == (3, 0)


@pytest.mark.parametrize("answer", [
    None, {}, {"kind": np.zeros(2)}, {"kind": ["value"]}, {"kind": "value"}, {"kind": "raised"},
    {"kind": "raised", "type": np.zeros(2)}, {"kind": "unfit", "message": np.zeros(3)}, {"kind": "asked"},
    {"kind": "value", "value": {"a": np.zeros(2)}}])
def test_no_answer_makes_the_grader_fail(answer):
    """It is wrong, in one line."""
    assert "\n" not in Call("p", {}, "the question", expected=1.0).wrong(answer, 1.0) != ""
