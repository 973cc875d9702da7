"""The seven basic kernels of the device "cuda" beside NumPy: sizes around those of blocks and tiles, every layout, and
what lies beside the elements stays as it is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from on_cuda import FLOATS, LAYOUTS, Operand, numbers

from terox.cuda import kernels, launching, packing
from terox.foundations import operators as base
from terox.tensors import operators as ops
from terox.tensors.dispatcher import find_kernel

SIZES = (0, 1, 7, 8, 9, 31, 32, 33, 65)
NAN, INF = math.nan, math.inf
EPS = {"float32": 1e-5, "float64": 1e-13, "int64": 0}


def kernel(name):
    return find_kernel(name, "cuda")


def two():
    return 2


# ---- elementwise, copy ----


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [*FLOATS, "int64"])
def test_elementwise_for_every_number_of_inputs(n, dtype):
    a, b, c = (Operand((n,), "gaps" if seed == 1 else "offset", dtype, seed) for seed in range(3))
    out = Operand((n,), "gaps", dtype, 3)
    kernel("elementwise")(two, out.impl)
    out.expect(2)
    kernel("elementwise")(base.neg, out.impl, a.impl)
    out.expect(-a.view)
    kernel("elementwise")(base.mul, out.impl, a.impl, b.impl)
    out.expect(a.view * b.view)
    kernel("elementwise")(ops.where, out.impl, a.impl, b.impl, c.impl)
    out.expect(np.where(a.view != 0, b.view, c.view))
    for operand in (a, b, c):
        operand.expect(operand.view)
    with pytest.raises(NotImplementedError, match="4 inputs"):
        kernel("elementwise")(base.add, Operand((1,)).impl, *[Operand((1,)).impl] * 4)


@pytest.mark.parametrize("layouts", list(itertools.product(LAYOUTS[:4], LAYOUTS)), ids=" ".join)
@pytest.mark.parametrize("sizes", [(), (3, 5), (2, 1, 3, 2), (2, 0), (2, 2, 1, 2, 2, 2)])
def test_elementwise_in_every_layout(sizes, layouts):
    out, a, b = Operand(sizes, layouts[0]), Operand(sizes, layouts[1], seed=1), Operand(sizes, "reversed", seed=2)
    kernel("elementwise")(base.sub, out.impl, a.impl, b.impl)
    out.expect(a.view - b.view)


@pytest.mark.parametrize("source, target", list(itertools.product(("float32", "float64", "int64", "bool"), repeat=2)))
def test_copy_converts(source, target):
    a, out = Operand((3, 4), "reversed", source), Operand((3, 4), "gaps", target, 1)
    kernel("copy")(out.impl, a.impl)
    out.expect(a.view.astype(target))


def test_copy_of_what_int64_and_bool_do_not_have():
    a = Operand((7,), values=[NAN, INF, -INF, 1.9, -1.9, 2.0**63, -(2.0**63)])
    out, truth = Operand((7,), dtype="int64"), Operand((7,), dtype="bool")
    kernel("copy")(out.impl, a.impl)
    out.expect([-(2**63), -(2**63), -(2**63), 1, -1, -(2**63), -(2**63)])
    kernel("copy")(truth.impl, a.impl)
    truth.expect(True)


# ---- reduce ----

FOLDS = {"add": (base.add, 0.0, np.sum), "max": (base.max, -INF, np.max), "min": (ops.min, INF, np.min),
         "mul": (base.mul, 1.0, np.prod)}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_sums_of_everything_of_rows_and_of_columns(n, dtype):
    for sizes, dims in (((n,), (0,)), ((3, n), (1,)), ((n, 3), (0,))):
        a = Operand(sizes, "offset", dtype)
        out = Operand(tuple(1 if d in dims else size for d, size in enumerate(sizes)), "contiguous", dtype, 1)
        kernel("reduce")(base.add, out.impl, a.impl, dims, 0)
        out.expect(a.view.sum(axis=dims, keepdims=True), EPS[dtype] * 10)


@pytest.mark.parametrize("layouts", list(itertools.product(LAYOUTS[:4], LAYOUTS)), ids=" ".join)
@pytest.mark.parametrize("fold", FOLDS)
def test_any_dimensions_are_folded(fold, layouts):
    fn, start, numpys = FOLDS[fold]
    sizes = (2, 3, 1, 3)
    for dims in ((0,), (2,), (3, 1), (0, 1, 2, 3), (0, 2), ()):
        a = Operand(sizes, layouts[1], seed=4)
        out = Operand(tuple(1 if d in dims else size for d, size in enumerate(sizes)), layouts[0])
        kernel("reduce")(fn, out.impl, a.impl, dims, start)
        out.expect(numpys(a.view, axis=dims, keepdims=True) if dims else a.view, 1e-13)


@pytest.mark.parametrize("n", [33, 65, 200])
def test_blocks_that_share_a_result(n):
    """Several blocks fold parts, a second pass folds those; for whole numbers and bools, too."""
    assert kernels.parts_for(1, n, 8, 4) > 1
    for dtype, fn, start, numpys in (("int64", base.add, 0, np.sum), ("int64", base.max, -(2**63), np.max),
                                     ("bool", ops.logical_and, True, np.all), ("bool", ops.logical_or, False, np.any)):
        a, out = Operand((n,), "gaps", dtype), Operand((1,), dtype=dtype)
        kernel("reduce")(fn, out.impl, a.impl, (0,), start)
        out.expect(numpys(a.view))


def test_nothing_to_fold_gives_start():
    for dtype, start in (("float32", -INF), ("int64", 1), ("bool", True)):
        out = Operand((2, 1), "gaps", dtype)
        kernel("reduce")(base.max, out.impl, Operand((2, 0), dtype=dtype).impl, (1,), start)
        out.expect(start)
    kernel("reduce")(base.add, Operand((0, 1)).impl, Operand((0, 3)).impl, (1,), 0)


@pytest.mark.parametrize("place", [0, 1, 8, 39])
def test_nan_anywhere_wins(place):
    row = numbers(40)
    row[place] = NAN
    for fn, start in ((base.max, -INF), (ops.min, INF), (base.add, 0)):
        out = Operand((1,))
        kernel("reduce")(fn, out.impl, Operand((40,), values=row).impl, (0,), start)
        out.expect(NAN)


def test_whole_numbers_are_exact_and_wrap_around():
    for row, expected in (([2**62, 1, -(2**62), 2**53], 2**53 + 1), ([2**63 - 1, 1], -(2**63))):
        out = Operand((1,), dtype="int64")
        kernel("reduce")(base.add, out.impl, Operand((len(row),), dtype="int64", values=row).impl, (0,), 0)
        out.expect(expected)


# ---- arg_reduce ----


@pytest.mark.parametrize("n", SIZES[1:])
@pytest.mark.parametrize("better, numpys", [(ops.gt, np.argmax), (base.lt, np.argmin)], ids=["max", "min"])
def test_arg_reduce(n, better, numpys):
    for sizes, dim, layout in (((n,), 0, "gaps"), ((3, n), 1, "reversed"), ((n, 2, 2), 0, "offset")):
        for dtype in ("float64", "int64"):
            a = Operand(sizes, layout, dtype)
            out = Operand(tuple(1 if d == dim else size for d, size in enumerate(sizes)), "reversed", "int64", 1)
            kernel("arg_reduce")(better, out.impl, a.impl, dim)
            out.expect(np.expand_dims(numpys(a.view, axis=dim), dim))


@pytest.mark.parametrize("row, best", [
    ([1.0, 3.0, 3.0, 2.0], 1), ([3.0, NAN, 5.0, NAN], 1), ([NAN, 1.0], 0), ([-INF, -INF], 0), ([INF, NAN], 1),
    ([0.0, -0.0], 0), ([7.0], 0), ([1.0] * 20 + [NAN] + [2.0] * 20 + [NAN], 20), ([0.0] * 33, 0)])
def test_arg_reduce_prefers_nan_and_what_comes_first(row, best):
    out = Operand((1,), dtype="int64")
    kernel("arg_reduce")(ops.gt, out.impl, Operand((len(row),), values=row).impl, 0)
    out.expect(best)


# ---- matmul ----


@pytest.mark.parametrize("n, m, k", [(1, 1, 1), (7, 8, 9), (9, 1, 33), (1, 9, 4), (4, 4, 4), (5, 3, 0), (0, 3, 2),
                                     (8, 7, 1)])
@pytest.mark.parametrize("dtype", [*FLOATS, "int64"])
def test_matmul(n, m, k, dtype):
    a, b = Operand((n, k), "gaps", dtype), Operand((k, m), "reversed", dtype, 1)
    out = Operand((n, m), "offset", dtype, 2)
    kernel("matmul")(out.impl, a.impl, b.impl)
    out.expect(a.view @ b.view, EPS[dtype] * 20)


@pytest.mark.parametrize("batch", [(2,), (2, 3), (0, 2), (1, 2, 1)])
def test_matmul_of_batches(batch):
    a, b = Operand((*batch, 3, 5), "expanded"), Operand((*batch, 5, 2), "reversed", seed=1)
    out = Operand((*batch, 3, 2), "gaps")
    kernel("matmul")(out.impl, a.impl, b.impl)
    out.expect(a.view @ b.view, 1e-13)


def test_matmul_leaves_out_no_product():
    out = Operand((1, 1))
    kernel("matmul")(out.impl, Operand((1, 2), values=[[0.0, 1.0]]).impl, Operand((2, 1), values=[[INF], [1.0]]).impl)
    out.expect(NAN)


# ---- fetch, store ----


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_fetch(n, dtype):
    a = Operand((3, 2, 4), "reversed", dtype)
    chosen = Operand((n,), "gaps", "int64", values=np.random.default_rng(n).integers(0, 24, n))
    out = Operand((n,), "offset", dtype, 2)
    kernel("fetch")(out.impl, a.impl, chosen.impl)
    out.expect(a.view.reshape(-1)[chosen.view])


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_store_adds(n, dtype):
    out = Operand((2, 3), "gaps", dtype)
    chosen = Operand((n,), "offset", "int64", values=np.random.default_rng(n).integers(0, 6, n))
    source = Operand((n,), "gaps", dtype, 2)
    expected = out.view.reshape(-1).copy()
    np.add.at(expected, chosen.view, source.view)
    kernel("store")(out.impl, chosen.impl, source.impl, True)
    out.expect(expected.reshape(2, 3), 1e-4 if dtype == "float32" else 1e-12)


def test_store_writes():
    out, source = Operand((5, 8), "reversed"), Operand((4, 8), "expanded", seed=1)
    chosen = Operand((4, 8), "reversed", "int64", values=np.random.default_rng(0).permutation(40)[:32].reshape(4, 8))
    expected = out.view.reshape(-1).copy()
    expected[chosen.view] = source.view
    kernel("store")(out.impl, chosen.impl, source.impl, False)
    out.expect(expected.reshape(5, 8))


def test_elements_of_what_has_no_dimension():
    zero, three = Operand((), dtype="int64", values=0), Operand((3,), dtype="int64", values=0)
    out, a = Operand(()), Operand((), seed=1)
    kernel("fetch")(out.impl, a.impl, zero.impl)
    out.expect(a.view)
    source = Operand((3,), seed=2)
    kernel("store")(out.impl, three.impl, source.impl, True)
    out.expect(out.view + source.view.sum(), 1e-13)


# ---- What does not fit into one grid ----


def test_more_results_and_products_than_a_grid_has_blocks(monkeypatch):
    monkeypatch.setattr(kernels, "MOST_X", 4)
    monkeypatch.setattr(kernels, "MOST_YZ", 2)
    a = Operand((3, 2, 5), "gaps")
    for dims in ((2,), (1,), (0,)):
        sizes = tuple(1 if d in dims else size for d, size in enumerate((3, 2, 5)))
        out, best = Operand(sizes), Operand(sizes, "reversed", "int64")
        kernel("reduce")(base.add, out.impl, a.impl, dims, 0)
        out.expect(a.view.sum(axis=dims, keepdims=True), 1e-13)
        kernel("arg_reduce")(ops.gt, best.impl, a.impl, dims[0])
        best.expect(a.view.argmax(axis=dims[0], keepdims=True))
    left, right = Operand((3, 2, 11, 2), "reversed"), Operand((3, 2, 2, 3), "gaps")
    out = Operand((3, 2, 11, 3), "gaps")
    kernel("matmul")(out.impl, left.impl, right.impl)
    out.expect(left.view @ right.view, 1e-13)


@given(st.lists(st.integers(1, 4), max_size=4), st.integers(1, 40))
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_pieces_are_small_enough_and_come_in_order(sizes, most):
    sizes = tuple(sizes)
    everything = np.arange(math.prod(sizes)).reshape(sizes)
    found = []
    for start, piece in packing.pieces(sizes, most):
        box = everything[tuple(slice(first, first + count) for first, count in zip(start, piece))]
        assert box.shape == piece and box.size <= most
        found += box.reshape(-1).tolist()
    assert found == everything.reshape(-1).tolist()


@given(st.integers(0, 6).flatmap(lambda rank: st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 5), st.integers(0, 5)), min_size=rank, max_size=rank)))
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_packed_forms_find_the_same_elements(dims):
    sizes, *strides = tuple(zip(*dims)) or ((), (), ())
    places = [tuple(packing.place(index, each) for each in strides) for index in itertools.product(*map(range, sizes))]
    for pack, ordered in ((packing.pack, False), (packing.pack_in_order, True)):
        of_sizes, steps = pack(sizes, *strides)
        assert len(of_sizes) in (1, 2, 4, 8) and all(len(each) == len(of_sizes) for each in steps)
        found = [tuple(packing.place(index, each) for each in steps)
                 for index in itertools.product(*map(range, of_sizes))]
        assert found == places if ordered else sorted(found) == sorted(places)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 1000])
def test_blocks_are_powers_of_two_and_not_much_larger_than_needed(length):
    threads = launching.block_for(length)
    assert threads & (threads - 1) == 0 and 1 <= threads <= launching.runtime.BLOCK
    assert threads < 2 * length or threads == 1 or launching.runtime.ON_GPU
