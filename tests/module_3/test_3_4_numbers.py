"""Task 3.4: the numbers in products of matrices: infinities and NaN, digits, rounding."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from products import Product, judge, places, products

from course import check

pytestmark = pytest.mark.task("3.4")

special = st.sampled_from((0.0, 1.0, -2.0, math.inf, -math.inf, math.nan, 1.0, 0.0))


@given(sizes=st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 9)),
       numbers=st.lists(special, min_size=4, max_size=12))
def test_matmul_of_infinities_and_nan(sizes, numbers):
    """0 times infinity, or NaN, is NaN and makes the whole sum NaN. But only numbers of a and b count: where a piece
    was filled up, nothing is added.
    """
    infinities(Product(*sizes), lambda number, at: np.array(numbers)[(at * (1, 5, 7)[number] + number) % len(numbers)])


@pytest.mark.parametrize("value", [math.inf, -math.inf])
@pytest.mark.parametrize("where", ["a", "b"])
@pytest.mark.parametrize("sizes", [(1, 1, 5), (2, 1, 6), (1, 2, 7), (3, 3, 9)], ids=str)
def test_matmul_fills_up_with_zeros(sizes, where, value):
    """What one piece leaves behind has no effect on the next one, which may be less deep and no multiple of 4."""
    n, m, k = sizes
    holder = "ab".index(where) + 1

    def values(number, at):  # infinities in the first four of k, which are the first piece; no product is NaN
        return np.where(((at % k if number == 1 else at // m) < 4) & (number == holder), value, 1.0)

    infinities(Product(n, m, k), values)


def infinities(case, values):
    memories = case.memories(values=values)
    case.run(memories)
    a, b = case.operands(memories)
    with np.errstate(all="ignore"):
        products = a[..., :, None, :] * np.swapaxes(b, -1, -2)[..., None, :, :]
        right = products.sum(-1)
    got = memories[0].reshape(case.shapes[0])
    for index in itertools.product(*map(range, right.shape)):
        terms = products[index].tolist()
        kept = [x for x, y, z in zip(terms, a[index[:-1]].tolist(), b[(*index[:-2], slice(None), index[-1])].tolist())
                if y and z]
        note = f"The products are {check.shown(terms)}."
        if math.isnan(got[index]):
            note = ("None of the products is NaN. Where a piece is no multiple of 4 deep, both packed parts have to be "
                    "filled up with zeros: 0 times what an earlier piece has left there may be NaN.")
        mistakes = {"A product was left out because a factor is 0.": sum(kept, 0.0)} if len(kept) < len(terms) else {}
        check.close(got[index].item(), right[index].item(), rtol=0, mistakes=mistakes, note=note,
                    call=f"out[{', '.join(map(str, index))}] of {case!r}")


@given(case=products(depths=st.integers(1, 9), dtypes=("int64", "float64")))
@example(case=Product(1, 1, 1, dtype="int64"))
@example(case=Product(1, 1, 1))
@example(case=Product(2, 2, 5, dtype="int64"))
def test_matmul_keeps_digits(case):
    """Scratch memory has the dtype of out: whole numbers of int64 stay exact, and float64 keeps its 53 bits."""
    big = 2**57 if case.dtype == "int64" else 2**47
    memories = case.memories(values=lambda number, at: big + at if number == 1 else 1 + at % 3)
    case.run(memories)
    a, b = case.operands(memories)
    right = np.matmul(a, b)
    wanted = case.into(memories, right)
    judge(case, memories, right, [(
        "Digits are lost: scratch memory has to be of the dtype of out, and for int64 no number may be a float on its "
        "way.",
        lambda: memories[0] if np.allclose(memories[0], wanted, rtol=1e-2) else None)])


numbers = st.floats(-1024.0, 1024.0, width=32)


@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=24))
@example(pairs=[(1024.0, 1024.0)] + [(1.0, 0.0625)] * 8)
@example(pairs=[(0.1, 0.1)] * 9)
def test_matmul_of_float32(pairs):
    """In float32 each step of the sum may be rounded, but no more than that."""
    k = len(pairs)
    case = Product(1, 1, k, dtype="float32")
    a, b = (np.array(each, np.float32) for each in zip(*pairs))
    memories = [np.zeros(1, np.float32), a, b]
    case.run(memories)
    terms = [Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist())]
    # A product is off by at most half a unit (2**-24) of itself, and every addition, of which there are at most k and
    # one for each piece, by half a unit of a number no larger than the sum of all magnitudes. Denormals: 2**-150 each.
    check.close(memories[0][0], float(sum(terms)), call=f"the sum of {k} products {check.shown(pairs)} in float32",
                rtol=0, atol=(2 * k + 2) * (2.0**-24 * 1.001 * float(sum(map(abs, terms))) + 2.0**-149))


@given(case=products(dtypes=("float32",), chunked=True))
def test_chunks_make_no_difference(case):
    """The result is the same to the last bit, however the units are shared among threads."""
    whole, parts = (case.memories(values=lambda number, at: np.sin(at + 10 * number)) for _ in range(2))
    case.run(whole, [(0, case.count)])
    case.run(parts, case.chunks[::-1])
    judge(case, parts, whole[0][places(case.shapes[0], case.own[0])])
