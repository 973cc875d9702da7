"""The kernels of the device "python" that are provided: arg_reduce, copy, fetch, store.

Held against NumPy and plain definitions; where torch is installed, conversions are also held against it.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import terox
from terox.tensors import device
from terox.tensors.dispatcher import find_kernel
from terox.tensors.other_kernels import arg_reduce, copy, store

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_2"))
from impls import Operand, described, judge, plain, read_from, written_to  # noqa: E402
from layouts import Layout, shapes  # noqa: E402

device.check("python")
few_examples = settings(max_examples=50, deadline=None, derandomize=True, database=None)
INF, NAN = math.inf, math.nan
LOWEST = -(2**63)


@pytest.fixture(scope="module")
def torch():
    try:
        import torch
    except ImportError:
        if os.environ.get("TEROX_REQUIRE_TORCH") == "1":
            pytest.fail("torch is not installed, and TEROX_REQUIRE_TORCH=1")
        pytest.skip("could not be compared with PyTorch: torch is not installed")
    return torch


def larger(x, y):
    return 1.0 if x > y else 0.0


def smaller(x, y):
    return 1.0 if x < y else 0.0


def without(sizes, dim):
    return tuple(1 if d == dim else size for d, size in enumerate(sizes))


# ---- arg_reduce ----

ties = st.sampled_from((0.0, 1.0, -1.0, 1.0, NAN, INF, -INF))


@st.composite
def searches(draw):
    sizes = draw(shapes(max_dims=3, sizes=st.sampled_from((1, 2, 3))).filter(bool))
    dim = draw(st.integers(0, len(sizes) - 1))
    layout = draw(read_from(sizes))
    return draw(written_to(without(sizes, dim))), layout, draw(st.lists(
        ties, min_size=layout.room() + 1, max_size=layout.room() + 1)), dim


@given(searches(), st.sampled_from(("larger", "smaller")))
@few_examples
def test_arg_reduce_finds_the_first_of_the_best_and_nan_before_all(search, which):
    out_layout, layout, numbers, dim = search
    out = Operand.output(out_layout, "int64")
    a = Operand("a", layout, lambda place: numbers[place % len(numbers)])
    find_kernel("arg_reduce", "python")(larger if which == "larger" else smaller, out.impl, a.impl, dim)
    rows = np.moveaxis(np.array(a.numbers()).reshape(layout.sizes), dim, -1).reshape(-1, layout.sizes[dim]).tolist()
    expected = []
    for row in rows:
        lost = [number for number, x in enumerate(row) if x != x]
        best = max(row) if which == "larger" else min(row)
        expected.append(lost[0] if lost else row.index(best))
    # Along dim, out has one place: without dim, its indices run in the order of the rows.
    judge(f"arg_reduce({which}, out, a, {dim})\n{described(out, a)}", out, [a], expected)


@pytest.mark.parametrize("row, best", [
    ([1.0, 3.0, 3.0, 2.0], 1), ([3.0, NAN, 5.0, NAN], 1), ([NAN, 1.0], 0), ([-INF, -INF], 0), ([INF, NAN], 1),
    ([0.0, -0.0], 0), ([7.0], 0)])
def test_arg_reduce_as_in_pytorch(row, best, torch):
    out, a = Operand.output(plain(1), "int64"), Operand("a", plain(len(row)), [*row, 0.0].__getitem__)
    arg_reduce(larger, out.impl, a.impl, 0)
    assert out.array[0] == best == torch.tensor(row).argmax()


def test_arg_reduce_of_whole_numbers_is_exact():
    out, a = Operand.output(plain(1), "int64"), Operand.holding("a", plain(3), [2**62, 2**62 + 1, 2**62], "int64")
    arg_reduce(larger, out.impl, a.impl, 0)
    assert out.array[0] == 1


# ---- copy ----

NUMBERS = {
    "float64": (0.0, 1.5, -2.5, 2.0**53, INF, -INF, NAN, 1e300),
    "float32": (0.0, 1.5, -2.5, 2.0**24, INF, -INF, NAN, 0.1),
    "int64": (0, 1, -3, 2**53, LOWEST, 2**63 - 1, 5, 7),
    "bool": (False, True),
}
PAIRS = list(itertools.product(NUMBERS, NUMBERS))


@given(st.sampled_from(PAIRS), shapes(max_dims=3), st.data())
@few_examples
def test_copy_writes_every_element_in_any_layout(pair, sizes, data):
    source, target = pair
    small = (0, 1, 2, 5, 3) if source != "bool" else (False, True)
    a = Operand("a", data.draw(read_from(sizes)), lambda place: small[place % len(small)], source)
    out = Operand.output(data.draw(written_to(sizes)), target)
    copy(out.impl, a.impl)
    judge(f"copy(out, a), from {source} to {target}\n{described(out, a)}", out, [a], a.numbers())


@pytest.mark.parametrize("source, target", PAIRS)
@pytest.mark.parametrize("stride", [1, 2])
def test_copy_converts_as_pytorch_does(source, target, stride, torch):
    numbers = NUMBERS[source]
    a = Operand.holding("a", Layout((len(numbers),), (stride,)), numbers, source, elsewhere=0)
    out = Operand.output(plain(len(numbers)), target)
    copy(out.impl, a.impl)
    expected = torch.tensor(numbers, dtype=getattr(torch, source)).to(getattr(torch, target)).numpy()
    if target == "int64" and source != "int64":
        fits = np.abs(np.array(numbers, "float64")) < 2.0**63  # what becomes of the others depends on the machine
        np.testing.assert_array_equal(out.array[: len(numbers)][~fits], LOWEST)
        np.testing.assert_array_equal(out.array[: len(numbers)][fits], expected[fits])
    else:
        np.testing.assert_array_equal(out.array[: len(numbers)], expected)


def test_copy_cuts_fractions_toward_zero():
    numbers = [1.9, -1.9, 0.5, -0.5]
    a, out = Operand.holding("a", plain(4), numbers), Operand.output(plain(4), "int64")
    copy(out.impl, a.impl)
    assert out.array[:4].tolist() == [1, -1, 0, 0]


def test_copy_between_overlapping_rows_reads_before_it_writes():
    """As memmove does, in both directions; so the numbers are those of the source before the call."""
    for start, stop in ((0, 1), (1, 0), (0, 0), (2, 0)):
        a = Operand.counted("a", plain(6))
        copy(a.impl.look((4,), (1,), stop), a.impl.look((4,), (1,), start))
        expected = list(a.before)
        expected[stop : stop + 4] = a.before[start : start + 4]
        assert a.array.tolist() == expected


@pytest.mark.parametrize("change, expected", [
    (lambda x: x[1:].copy_(x[:-1]), lambda x: np.concatenate([x[:1], x[:-1]])),
    (lambda x: x[:-1].copy_(x[1:]), lambda x: np.concatenate([x[1:], x[-1:]])),
    (lambda x: x.copy_(x.T), lambda x: x.T),
    (lambda x: x.T.copy_(x), lambda x: x.T),
    (lambda x: x.copy_(x[0]), lambda x: np.stack([x[0]] * 3)),
    (lambda x: x[:, 1:].copy_(x[:, :-1]), lambda x: np.concatenate([x[:, :1], x[:, :-1]], axis=1)),
], ids=["down", "up", "transposed", "into its transpose", "a row into all", "to the right"])
def test_tensors_that_overlap_are_copied_as_if_the_source_had_been_kept(change, expected):
    before = np.arange(9.0).reshape(3, 3)
    x = terox.tensor(before.tolist(), dtype=terox.float64, device="python")
    change(x)
    np.testing.assert_array_equal(x.numpy(), expected(before))


def test_copy_of_no_elements_reads_and_writes_nothing():
    out, a = Operand.output(plain(0, 2)), Operand.counted("a", Layout((0, 2), (5, 0), 3), "float32")
    copy(out.impl, a.impl)
    judge("copy(out, a) without elements", out, [a], [])


# ---- fetch and store ----


@st.composite
def picks(draw):
    """A layout with elements, another shape, and for each of its elements the number of one of the first."""
    layout = draw(shapes(max_dims=3, sizes=st.sampled_from((1, 2, 3))).flatmap(read_from))
    sizes = draw(shapes(max_dims=2))
    number = st.integers(0, layout.numel - 1)
    count = math.prod(sizes)
    return layout, sizes, draw(st.lists(number, min_size=count, max_size=count))


@given(picks(), st.data(), st.sampled_from(("float64", "float32", "int64", "bool")))
@few_examples
def test_fetch_reads_elements_by_their_number(pick, data, dtype):
    layout, sizes, chosen = pick
    a = Operand.counted("a", layout, dtype)
    numbers = Operand.holding("numbers", data.draw(written_to(sizes)), chosen, "int64", elsewhere=99)
    out = Operand.output(data.draw(written_to(sizes)), dtype)
    find_kernel("fetch", "python")(out.impl, a.impl, numbers.impl)
    judge(f"fetch(out, a, numbers)\n{described(out, a, numbers)}", out, [a, numbers], [a.numbers()[n] for n in chosen])


@given(picks(), st.data(), st.booleans(), st.sampled_from(("float64", "int64")))
@example((plain(3), (4,), [1, 1, 2, 1]), None, True, "float64")
@example((plain(3), (4,), [1, 1, 2, 1]), None, False, "int64")
@few_examples
def test_store_writes_or_adds_elements_by_their_number(pick, data, accumulate, dtype):
    layout, sizes, chosen = pick
    layout = plain(*layout.sizes) if data is None else data.draw(written_to(layout.sizes))
    draw = (lambda strategy: plain(*sizes)) if data is None else data.draw
    out = Operand.counted("out", layout, dtype, 100)
    numbers = Operand.holding("numbers", draw(written_to(sizes)), chosen, "int64", elsewhere=99)
    source = Operand.counted("source", draw(read_from(sizes)), dtype)
    find_kernel("store", "python")(out.impl, numbers.impl, source.impl, accumulate)
    expected = out.numbers()
    for number, value in zip(chosen, source.numbers()):
        expected[number] = expected[number] + value if accumulate else value
    judge(f"store(out, numbers, source, {accumulate})\n{described(out, numbers, source)}", out, [numbers, source],
          expected)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=6))
@few_examples
def test_store_with_accumulate_counts_repeated_numbers_as_numpy_does(pairs):
    chosen, values = [n for n, _ in pairs], [float(x) for _, x in pairs]
    out = Operand.counted("out", plain(3))
    numbers = Operand.holding("numbers", plain(len(pairs)), chosen, "int64")
    source = Operand.holding("source", plain(len(pairs)), values)
    store(out.impl, numbers.impl, source.impl, True)
    expected = np.array(out.numbers())
    np.add.at(expected, chosen, values)
    judge(f"store of {pairs}", out, [numbers, source], expected.tolist())


def test_all_kernels_that_a_device_needs_are_registered():
    for name in ("elementwise", "reduce", "matmul", "copy", "fetch", "store", "arg_reduce"):
        assert callable(find_kernel(name, "python"))
