"""A tensor prints as in PyTorch, character for character.

The comparisons need torch. Without it they are skipped; where TEROX_REQUIRE_TORCH=1 they fail instead.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import terox
from terox.tensors import dtype as dtypes
from terox.tensors.dtype import set_default_dtype

NAN, INF = math.nan, math.inf
DTYPES = ("float32", "float64", "int64", "bool")

# Kinds of numbers: each is made from normally distributed ones.
KINDS = {
    "normal": lambda x, random: x,
    "of any size": lambda x, random: x * 10.0 ** random.integers(-6, 10),
    "far apart": lambda x, random: np.exp(x * random.uniform(0.0, 20.0)),
    "whole": lambda x, random: np.round(x),
    "whole and large": lambda x, random: np.round(x * 10.0 ** random.integers(0, 10)),
    "all the same": lambda x, random: np.full_like(x, random.choice(EDGES)),
    "with specials": lambda x, random: np.where(random.random(x.shape) < 0.3, random.choice(SPECIALS), x),
    "whole with specials": lambda x, random: np.where(random.random(x.shape) < 0.3, random.choice(SPECIALS),
                                                      np.round(x)),
    "only specials": lambda x, random: random.choice(SPECIALS, x.shape),
}
SPECIALS = (NAN, INF, -INF, 0.0, -0.0)
EDGES = (1e-4, 9.99e-5, 1e8, 1.0001e8, 1000.0, 1001.0, 0.5, -0.0, 0.0, 1e-45)


def make(lib, array):
    """`array` as a leaf of the library."""
    flat = lib.tensor(array.ravel().tolist(), dtype=getattr(lib, array.dtype.name))
    return flat.reshape(array.shape)


def same(torch, change, array):
    """`change(lib, tensor)` prints the same in both libraries."""
    ours = repr(change(terox, make(terox, array)))
    theirs = repr(change(torch, make(torch, array)))
    assert ours == theirs.replace("torch.", "terox.")


def unchanged(lib, tensor):
    return tensor


@st.composite
def arrays(draw, sizes=(1, 1, 2, 3, 5, 7, 11, 0), max_dims=5):
    """NumPy arrays of all dtypes, whose shapes and numbers reach every style."""
    shape = tuple(draw(st.lists(st.sampled_from(sizes), max_size=max_dims)))
    while math.prod(shape) > 5000:
        shape = shape[1:]
    kind, dtype = draw(st.sampled_from(sorted(KINDS))), draw(st.sampled_from(DTYPES))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers = KINDS[kind](random.standard_normal(shape), random)
    if not dtype.startswith("float"):
        numbers = np.clip(np.nan_to_num(numbers), -(2.0**60), 2.0**60)
    return np.asarray(numbers).astype(dtype)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(array=arrays())
def test_any_numbers(torch, array):
    same(torch, unchanged, array)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(array=arrays(sizes=(5, 6, 7, 8, 20, 101), max_dims=4))
def test_many_numbers(torch, array):
    """Only the edges of more than 1000 numbers are shown, and only they choose the style."""
    same(torch, unchanged, array)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(array=arrays(), data=st.data())
def test_views(torch, array, data):
    """What is printed is what the view shows, in its order."""
    order = data.draw(st.permutations(range(array.ndim)))
    start, step = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 3))

    def view(lib, tensor):
        return tensor.permute(*order)[..., start::step] if order else tensor

    same(torch, view, array)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(array=arrays(), change=st.sampled_from([
    lambda lib, x: x.requires_grad_(),
    lambda lib, x: x.requires_grad_() * 2.0,
    lambda lib, x: x.requires_grad_().exp(),
    lambda lib, x: (x.requires_grad_() * 2.0).detach(),
    lambda lib, x: lib.nn.Parameter(x),
    lambda lib, x: lib.nn.Parameter(x, requires_grad=False),
]))
def test_where_gradients_are_recorded(torch, array, change):
    """grad_fn or requires_grad follows, on a new line where it does not fit."""
    same(torch, change, array.astype("float32") if array.dtype.kind != "f" else array)


@pytest.mark.parametrize("count", range(1, 12))
def test_when_a_suffix_does_not_fit(torch, count):
    """Last lines of every length, to the character."""
    for digits in range(8):
        numbers = np.full(count, 10.0**digits)
        same(torch, lambda lib, x: x.requires_grad_(), numbers.astype("float32"))
        same(torch, lambda lib, x: x.requires_grad_() * 1.0, numbers)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(array=arrays())
def test_another_default_dtype(torch, array):
    """`dtype=` is said where it is not the default, or not plain from the numbers."""
    try:
        set_default_dtype(dtypes.float64)
        torch.set_default_dtype(torch.float64)
        same(torch, unchanged, array)
    finally:
        set_default_dtype(dtypes.float32)
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("length", [1000, 1001])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_number_from_which_on_it_is_shortened(torch, length, dtype):
    same(torch, unchanged, np.arange(length).astype(dtype))


@pytest.mark.parametrize("numbers", [
    [1.0, 1000.0], [1.0, 1001.0], [1e8], [1e8 + 8], [1e-4], [9e-5], [0.0, NAN, -INF], [1.5, -INF], [2.0, -INF],
    [1e-10, 0.0], [-0.0], [-0.0, 0.5], [100000.5], [99999.0, 100.0], [2.0**53], [1e-45], [3e38], [0.00005, 0.5]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_the_style_changes(torch, numbers, dtype):
    same(torch, unchanged, np.array(numbers, dtype=dtype))


@pytest.mark.parametrize("shape", [(0,), (0, 0), (2, 0), (0, 3), (1, 0, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_numbers(torch, shape, dtype):
    """`[]` alone has the shape (0,) and the default dtype, so all else is said."""
    same(torch, unchanged, np.zeros(shape, dtype=dtype))


# ---- Without PyTorch ----


def test_some_tensors():
    """What a learner sees first."""
    assert repr(terox.tensor(3)) == "tensor(3)"
    assert repr(terox.tensor([True, False])) == "tensor([ True, False])"
    assert repr(terox.tensor([[1.0, -2.0], [0.0, 10.0]])) == "tensor([[ 1., -2.],\n        [ 0., 10.]])"
    assert repr(terox.tensor([0.5], dtype=terox.float64)) == "tensor([0.5000], dtype=terox.float64)"
    assert repr(terox.tensor(0.5, requires_grad=True) * 2) == "tensor(1., grad_fn=<MulBackward0>)"
    assert repr(terox.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    assert repr(terox.nn.Parameter(terox.tensor(1.5))) == "Parameter containing:\ntensor(1.5000, requires_grad=True)"


def test_a_device_is_said_where_it_is_not_the_host():
    class Elsewhere:
        dtype, shape, device, requires_grad, grad_fn = dtypes.float32, (1,), "cuda", False, None

        def tolist(self):
            return [0.5]

    from terox.tensors.printing import tensor_repr

    assert tensor_repr(Elsewhere()) == "tensor([0.5000], device='cuda:0')"
    Elsewhere.device = "cpu"
    assert tensor_repr(Elsewhere()) == "tensor([0.5000])"
