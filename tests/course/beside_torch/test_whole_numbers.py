"""`exact`: what it makes of kernels whose result is of whole numbers. They wrap around in 64 bits, as PyTorch's do."""

from __future__ import annotations

import gc
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import terox
from terox.tensors import device
from terox.tensors.dispatcher import find_kernel
from terox.tensors.other_kernels import exact, fetch, store, to_int64

sys.path.append(str(Path(__file__).resolve().parents[2] / "module_2"))
from impls import Operand, judge, plain  # noqa: E402

device.check("python")
few_examples = settings(max_examples=50, deadline=None, derandomize=True, database=None)
INF, NAN = math.inf, math.nan
LOWEST = -(2**63)


wide = st.integers(LOWEST, 2**63 - 1)
OPERATIONS = {"add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y}


@pytest.mark.parametrize("name", OPERATIONS)
@given(xs=st.lists(st.tuples(wide, wide), min_size=1, max_size=4))
@example(xs=[(2**63 - 1, 1), (LOWEST, -1), (LOWEST, LOWEST), (2**32, 2**31)])
@few_examples
def test_whole_numbers_wrap_around_as_in_pytorch(name, xs, torch):
    a = Operand.holding("a", plain(len(xs)), [x for x, _ in xs], "int64")
    b = Operand.holding("b", plain(len(xs)), [y for _, y in xs], "int64")
    out = Operand.output(plain(len(xs)), "int64")
    find_kernel("elementwise", "python")(OPERATIONS[name], out.impl, a.impl, b.impl)
    expected = getattr(torch, name)(*[torch.tensor(each.numbers()) for each in (a, b)])
    judge(f"{name} of {xs}", out, [a, b], expected.tolist())


@given(st.lists(wide, min_size=1, max_size=4))
@example([2**63 - 1, 1])
@few_examples
def test_sums_and_products_of_whole_numbers_wrap_around_as_in_pytorch(torch, xs):
    a = Operand.holding("a", plain(len(xs)), xs, "int64")
    for fn, start, op in ((OPERATIONS["add"], 0, torch.sum), (OPERATIONS["mul"], 1, torch.prod)):
        out = Operand.output(plain(1), "int64")
        find_kernel("reduce", "python")(fn, out.impl, a.impl, (0,), start)
        judge(f"reduce of {xs}", out, [a], [op(torch.tensor(xs)).item()])


@given(st.lists(wide, min_size=4, max_size=4), st.lists(wide, min_size=4, max_size=4))
@few_examples
def test_matmul_of_whole_numbers_wraps_around_as_in_pytorch(torch, xs, ys):
    a, b = Operand.holding("a", plain(2, 2), xs, "int64"), Operand.holding("b", plain(2, 2), ys, "int64")
    out = Operand.output(plain(2, 2), "int64")
    find_kernel("matmul", "python")(out.impl, a.impl, b.impl)
    expected = torch.tensor(xs).reshape(2, 2) @ torch.tensor(ys).reshape(2, 2)
    judge(f"matmul of {xs} and {ys}", out, [a, b], expected.ravel().tolist())


@given(wide | st.integers(-(2**70), 2**70))
@few_examples
def test_to_int64_keeps_64_bits(number):
    assert to_int64(number) == int(np.array(number % 2**64, "uint64").astype("int64"))


@pytest.mark.parametrize("value, expected", [(1.9, 1), (-1.9, -1), (NAN, LOWEST), (INF, LOWEST), (-INF, LOWEST),
                                             (True, 1), (2**63, LOWEST), (-0.0, 0), (1e300, LOWEST),
                                             (2.0**63, LOWEST), (-(2.0**63), LOWEST), (2.0**62, 2**62)])
def test_to_int64_of_other_numbers(value, expected):
    got = to_int64(value)
    assert got == expected and type(got) is int


def test_exact_leaves_other_dtypes_and_what_was_not_written_alone():
    seen = []
    kernel = exact(lambda out, *rest: seen.append(out), 0)
    floats, whole = Operand.output(plain(2)), Operand.output(plain(2), "int64")
    kernel(floats.impl)
    kernel(whole.impl)
    assert seen[0] is floats.impl and seen[1] is not whole.impl
    assert (seen[1].sizes, seen[1].strides, seen[1].offset) == tuple(whole.layout)
    assert seen[1].dtype is whole.impl.dtype and seen[1].device == "python" and seen[1].numel == 2
    assert whole.array.tolist() == whole.before


def test_exact_writes_nothing_if_the_kernel_raises():
    def kernel(out):
        out.storage.data[0] = 5
        raise ZeroDivisionError

    out = Operand.output(plain(2), "int64")
    with pytest.raises(ZeroDivisionError):
        exact(kernel, 0)(out.impl)
    assert out.array.tolist() == out.before


def test_operations_on_whole_numbers_leave_no_circles():
    x = terox.tensor([1, 2, 3], device="python")
    (x + x).sum()
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            (x + x).sum()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_fetch_and_store_through_exact_wrap_around():
    out, numbers = Operand.output(plain(2), "int64"), Operand.holding("numbers", plain(2), [0, 0], "int64")
    a = Operand("a", plain(1), [2.0**70, 0.0].__getitem__)
    exact(fetch, 0)(out.impl, a.impl, numbers.impl)
    assert out.array[:2].tolist() == [LOWEST, LOWEST]
    total = Operand("out", plain(1), [2**63 - 1, 0].__getitem__, "int64")
    source = Operand("source", plain(2), [1, 1, 0].__getitem__, "int64")
    exact(store, 0)(total.impl, numbers.impl, source.impl, True)
    assert total.array[0] == LOWEST + 1
