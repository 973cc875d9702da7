"""dtypes: promotion is PyTorch's, for every combination; what is no dtype is refused.

The comparisons need torch. Without it they are skipped; where TEROX_REQUIRE_TORCH=1 they fail instead.
"""

from __future__ import annotations

import copy
import functools
import itertools
import pickle

import numpy as np
import pytest

import terox
from terox.tensors import dtype as dtypes
from terox.tensors.dtype import ALL, as_dtype, can_cast, of_number, promote_types, result_type, set_default_dtype

NUMBERS = (True, 2, 2.5)
FLOATS = ("float32", "float64")


@pytest.fixture(params=FLOATS)
def default(request, torch):
    """Both libraries with the same default dtype."""
    set_default_dtype(getattr(dtypes, request.param))
    torch.set_default_dtype(getattr(torch, request.param))
    yield request.param
    set_default_dtype(dtypes.float32)
    torch.set_default_dtype(torch.float32)


def operands(torch):
    """For each dtype a tensor with dimensions and one without, and the Python numbers, as (torch's, ours)."""
    for dtype in ALL:
        for shape in ((1,), ()):
            yield (torch.ones(shape, dtype=getattr(torch, dtype.name)), terox.ones(shape, dtype=dtype))
    for number in NUMBERS:
        yield (number, number)


def name(dtype):
    return str(dtype).rpartition(".")[2]


# ---- As in PyTorch ----


def test_two_dtypes(torch):
    for a, b in itertools.product(ALL, repeat=2):
        theirs = getattr(torch, a.name), getattr(torch, b.name)
        assert promote_types(a, b).name == name(torch.promote_types(*theirs)), (a, b)
        assert can_cast(a, b) == torch.can_cast(*theirs), (a, b)


def test_two_operands(torch, default):
    """Tensors with dimensions, without, and Python numbers, in both orders."""
    for (their_a, a), (their_b, b) in itertools.product(operands(torch), repeat=2):
        assert result_type(a, b).name == name(torch.result_type(their_a, their_b)), (a, b)


def test_three_operands(torch, default):
    """torch.result_type takes two operands only; with three, clamp follows the same rule."""
    tensors = [pair for pair in operands(torch) if not isinstance(pair[1], int | float)]
    for (their_a, a), (their_b, b), (their_c, c) in itertools.product(tensors, repeat=3):
        if not any(each.dtype is dtypes.bool for each in (a, b, c)):  # clamp has no bool in torch
            assert result_type(a, b, c).name == name(torch.clamp(their_a, their_b, their_c).dtype), (a, b, c)


def test_what_arithmetic_gives(torch, default):
    """The operations use the rule."""
    for (their_a, a), (their_b, b) in itertools.product(operands(torch), repeat=2):
        if isinstance(a, terox.Tensor) or isinstance(b, terox.Tensor):
            assert (a * b).dtype.name == name((their_a * their_b).dtype), (a, b)


def test_in_place_operations_refuse_what_cannot_be_cast(torch):
    for (their_a, a), (their_b, b) in itertools.product(operands(torch), repeat=2):
        if not isinstance(a, terox.Tensor) or (a.dim() == 0 and isinstance(b, terox.Tensor) and b.dim()):
            continue  # that the shape would have to change is another error
        try:
            their_a.mul_(their_b)
        except RuntimeError as error:
            assert "can't be cast" in str(error)
            with pytest.raises(RuntimeError, match="can't be cast"):
                a.mul_(b)
        else:
            assert a.mul_(b).dtype.name == name(their_a.dtype)


def test_facts(torch):
    for dtype in ALL:
        theirs = getattr(torch, dtype.name)
        assert (dtype.itemsize, dtype.is_floating_point) == (theirs.itemsize, theirs.is_floating_point)
        assert repr(dtype) == str(dtype) == repr(theirs).replace("torch", "terox")
    for python in (bool, int, float):
        assert as_dtype(python).name == name(torch.zeros(1, dtype=python).dtype)


# ---- Without PyTorch ----


def test_more_than_two_is_two_at_a_time():
    """The order of operands of one group does not matter."""
    for three in itertools.product(ALL, repeat=3):
        assert result_type(*[terox.ones(1, dtype=each) for each in three]) is functools.reduce(promote_types, three)


def test_each_dtype_is_one_object():
    for dtype in ALL:
        assert getattr(terox, dtype.name) is dtype
        assert copy.deepcopy(dtype) is dtype
        assert pickle.loads(pickle.dumps(dtype)) is dtype


def test_numpys_dtypes_are_understood():
    for dtype in ALL:
        assert as_dtype(dtype) is as_dtype(np.dtype(dtype.name)) is as_dtype(np.dtype(dtype.name).type) is dtype
    assert of_number(np.float64(2.5)) is of_number(np.float32(2.5)) is dtypes.float32
    assert of_number(np.int32(2)) is dtypes.int64
    assert of_number(np.bool_(True)) is dtypes.bool


@pytest.mark.parametrize("value", ["float32", None, 3, 2.5, str, complex, object, np.float16, np.dtype("int32"),
                                   np.dtype("float64").newbyteorder(), np.ones(2), [dtypes.float32]])
def test_what_is_no_dtype_is_refused(value):
    with pytest.raises(TypeError, match="zeros"):
        as_dtype(value, "zeros")


@pytest.mark.parametrize("wrong", ["2", None, 2j, np.ones(2), [1.0], np.complex64(1), dtypes.float32])
def test_what_is_no_operand_is_refused(wrong):
    tensor, other = terox.ones(2), terox.ones(2, dtype=dtypes.float64)
    with pytest.raises(TypeError):
        of_number(wrong)
    for several in [(wrong,), (wrong, wrong), (tensor, wrong), (wrong, tensor), (2.0, wrong), (tensor, other, wrong)]:
        with pytest.raises(TypeError, match="number"):
            result_type(*several)
    with pytest.raises(TypeError):
        result_type()
    for both in [(wrong, dtypes.bool), (dtypes.bool, wrong)]:
        if not isinstance(wrong, dtypes.dtype):
            with pytest.raises(TypeError):
                promote_types(*both)
            with pytest.raises(TypeError):
                can_cast(*both)


@pytest.mark.parametrize("wrong", [dtypes.int64, dtypes.bool, float, "float64", None])
def test_only_a_floating_point_dtype_can_be_the_default(wrong):
    with pytest.raises(TypeError, match="floating-point"):
        set_default_dtype(wrong)
    assert dtypes.get_default_dtype() is dtypes.float32
