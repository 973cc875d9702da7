"""Task 2.3: matmul, of matrices and batches of them, with layouts of every kind."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from impls import (
    Operand,
    cut,
    described,
    from_zero,
    in_a_row,
    judge,
    memory,
    plain,
    read_from,
    run,
    trial,
    written_to,
)
from layouts import Layout, indices

from terox.tensors import kernels
from terox.tensors.other_kernels import exact

pytestmark = pytest.mark.task("2.3")


class Call:
    """Layouts for one call of matmul, and the dtype of all operands."""

    def __init__(self, out, a, b, dtype="float64"):
        self.layouts, self.dtype = (out, a, b), dtype

    def operands(self):
        out, a, b = self.layouts
        return (Operand.output(out, self.dtype), Operand.counted("a", a, self.dtype),
                Operand.counted("b", b, self.dtype, 10))

    def __repr__(self):
        return f"matmul(out, a, b)\n{described(*self.operands())}"


few = st.sampled_from((1, 2, 3, 2, 3, 0))
batches = st.lists(st.sampled_from((1, 2, 2, 3, 0)), max_size=2)


@st.composite
def calls(draw, few=few):
    batch, (n, k, m) = draw(batches), (draw(few) for _ in range(3))
    dtype = draw(st.sampled_from(("float64", "float32")))
    return Call(draw(written_to((*batch, n, m))), draw(read_from((*batch, n, k))), draw(read_from((*batch, k, m))),
                dtype)


def terms(a, b, read_a=None, read_b=None, inner=None):
    """For each index of out, the products to be summed. read_a(batch, i, p), read_b(batch, p, j) read other elements
    than the right ones; inner: how many products there are instead.
    """
    *batch, n, k = a.layout.sizes
    m = b.layout.sizes[-1]
    read_a = read_a or (lambda each, i, p: a.at((*each, i, p)))
    read_b = read_b or (lambda each, p, j: b.at((*each, p, j)))
    return [[read_a(each, i, p) * read_b(each, p, j) for p in range(k if inner is None else inner)]
            for each, i, j in itertools.product(indices(batch), range(n), range(m))]


# ---- What is computed ----


@given(calls())
@example(Call(plain(1, 1), plain(1, 2), plain(2, 1)))
@example(Call(plain(2, 2), plain(2, 2), plain(2, 2)))
@example(Call(plain(2, 1), plain(2, 3), plain(3, 1)))
@example(Call(plain(2, 2), Layout((2, 3), (1, 2)), Layout((3, 2), (1, 3))))
@example(Call(Layout((2, 2), (1, 2), 1), plain(2, 1, offset=2), plain(1, 2, offset=1)))
@example(Call(plain(2, 1, 2), plain(2, 1, 2), Layout((2, 2, 2), (0, 2, 1))))
@example(Call(plain(2, 3, 1, 1), plain(2, 3, 1, 2), plain(2, 3, 2, 1)))
@example(Call(Layout((2, 2, 1), (3, 1, 1)), Layout((2, 2, 1), (1, 2, 1)), plain(2, 1, 1)))
def test_matmul(case):
    """out[..., i, j] is the sum over k of a[..., i, k] * b[..., k, j], whatever the layouts."""
    out, a, b = case.operands()
    run(case, kernels.matmul, out.impl, a.impl, b.impl)
    judge(repr(case), out, [a, b], [sum(each) for each in terms(a, b)], mistakes=known(out, a, b),
          explain=lambda index: products_of(index, out, a, b))


def known(out, a, b):
    """What known mistakes leave behind."""
    right = terms(a, b)
    sums = [sum(each) for each in right]

    def summed(**options):
        return trial(lambda: memory(out, [sum(each) for each in terms(a, b, **options)]))

    def placed(find_a=None, find_b=None):
        in_a, in_b = [dict(zip(indices(each.layout.sizes), find(each) if find else each.places))
                      for each, find in ((a, find_a), (b, find_b))]
        return summed(read_a=lambda batch, i, p: a.before[in_a[*batch, i, p]],
                      read_b=lambda batch, p, j: b.before[in_b[*batch, p, j]])

    first = (0,) * (len(a.layout.sizes) - 2)
    m = b.layout.sizes[-1]
    carried = [sum(sums[n - n % m : n + 1]) for n in range(len(sums))]  # from column to column of a row
    mistakes = {
        "out has strides, too: its elements were written one after the other.": memory(out, sums, in_a_row(out)),
        "The offset of out is left out: its elements do not begin at place 0.": memory(out, sums, from_zero(out)),
        "The strides of a are left out: its elements do not lie one after the other.": placed(find_a=in_a_row),
        "The strides of b are left out: its elements do not lie one after the other.": placed(find_b=in_a_row),
        "The strides of a and b are left out: their elements do not lie one after the other.":
        placed(in_a_row, in_a_row),
        "The offset of a is left out: its elements do not begin at place 0.": placed(find_a=from_zero),
        "The offset of b is left out: its elements do not begin at place 0.": placed(find_b=from_zero),
        "The offsets of a and b are left out: their elements do not begin at place 0.": placed(from_zero, from_zero),
        "Rows and columns of a have changed places: the sum goes along its last dimension.":
        summed(read_a=lambda batch, i, p: a.at((*batch, p, i))),
        "Rows and columns of b have changed places: the sum goes along its last dimension but one.":
        summed(read_b=lambda batch, p, j: b.at((*batch, j, p))),
        "Rows and columns of out have changed places.": memory(out, sums, turned(out)),
        "Every element is a sum of its own, which begins with 0: here it goes on from the one before.":
        memory(out, carried),
        f"The sum has too few or too many terms: k, the last size of a, is {a.layout.sizes[-1]}.":
        summed(inner=b.layout.sizes[-1]),
    }
    if a.layout.sizes[-1]:
        mistakes["This is the last of the products. They have to be added up."] = memory(
            out, [each[-1] for each in right])
    if len(a.layout.sizes) > 2:
        mistakes["All matrices of the batch were computed from the first ones: the index of the batch plays a part in "
                 "a and b, too."] = summed(read_a=lambda batch, i, p: a.at((*first, i, p)),
                                        read_b=lambda batch, p, j: b.at((*first, p, j)))
        # First: without a batch, where this mistake is none, those of rows and columns have been recognized.
        mistakes = {"strides[0] and strides[1] are not of rows and columns here: these are the last two dimensions.": [
            all_from_front(out, a, b, which)
            for which in ((out, a, b), (a, b), (out,), (a,), (b,), (out, a), (out, b))]} | mistakes
    return mistakes


def all_from_front(out, a, b, which):
    """The memory of out, had it happened to the operands `which`."""
    read_a, read_b = [(lambda *index, each=each: from_front(each, *index)) if each in which else None
                      for each in (a, b)]
    written = [from_front(out, *index, at=int) for index in in_parts(out)] if out in which else None
    return trial(lambda: memory(out, [sum(each) for each in terms(a, b, read_a=read_a, read_b=read_b)], written))


def in_parts(operand):
    """Its indices as batch, row and column."""
    return [(tuple(batch), i, j) for *batch, i, j in indices(operand.layout.sizes)]


def from_front(operand, batch, i, j, at=None):
    """Its number (or place, with `at`), had its first two strides been taken for those of rows and columns."""
    strides, offset = operand.layout.strides, operand.layout.offset
    place = offset + sum(n * stride for n, stride in zip(batch, strides)) + i * strides[0] + j * strides[1]
    return at(place) if at else operand.before[place]


def turned(operand):
    """Its places, had its last two strides changed places."""
    *rest, last, fastest = operand.layout.strides
    return Layout(operand.layout.sizes, (*rest, fastest, last), operand.layout.offset).places()


def products_of(index, out, a, b):
    products = terms(a, b)[indices(out.layout.sizes).index(index)]
    return f"It is the sum of {len(products)} products: {', '.join(map(str, products))}." if products else (
        "It is the sum of no products, which is 0.")


@given(calls(few=st.just(2)))
@example(Call(plain(1, 2), plain(1, 0), plain(0, 2)))
@example(Call(plain(2, 1, 1), plain(2, 1, 0), plain(2, 0, 1)))
def test_matmul_of_nothing(case):
    """Where k is 0, there is nothing to sum up, and all elements of out are 0."""
    *batch, n, m = case.layouts[0].sizes
    case = Call(case.layouts[0], plain(*batch, n, 0), plain(*batch, 0, m), case.dtype)
    out, a, b = case.operands()
    run(case, kernels.matmul, out.impl, a.impl, b.impl)
    judge(repr(case), out, [a, b], [0] * out.layout.numel, explain=lambda index: products_of(index, out, a, b))


@given(st.sampled_from([(0, 2, 2), (2, 2, 0), (0, 0, 0), (0, 3, 0)]), st.sampled_from([(), (2,), (0,), (0, 2)]))
@example((2, 2, 2), (0,))
def test_matmul_without_results(sizes, batch):
    """Where out has no elements, nothing is read or written."""
    n, k, m = sizes
    case = Call(plain(*batch, n, m, offset=1), plain(*batch, n, k), plain(*batch, k, m))
    out, a, b = case.operands()
    run(case, kernels.matmul, out.impl, a.impl, b.impl)
    judge(repr(case), out, [a, b], [])


# ---- Which numbers ----

special = st.sampled_from((0.0, 1.0, -2.0, math.inf, -math.inf, math.nan, 0.5))


@given(st.integers(1, 3).flatmap(lambda k: st.tuples(*[st.lists(special, min_size=2 * k, max_size=2 * k)] * 2)))
@example(([0.0, math.inf], [math.inf, 1.0]))
@example(([0.0, math.nan], [math.nan, 0.0]))
def test_matmul_of_infinities_and_nan(numbers):
    """0 * inf and 0 * NaN are NaN and make the whole sum NaN: no product may be left out."""
    k = len(numbers[0]) // 2
    a = Operand.holding("a", plain(2, k), numbers[0])
    b = Operand.holding("b", plain(k, 2), numbers[1])
    out = Operand.output(plain(2, 2))
    call = f"matmul(out, a, b)\n{described(out, a, b)}"
    run(call, kernels.matmul, out.impl, a.impl, b.impl)
    products = terms(a, b)
    skipped = [sum(a.at((i, p)) * b.at((p, j)) for p in range(k) if a.at((i, p)) and b.at((p, j)))
               for i, j in indices((2, 2))]
    judge(call, out, [a, b], [sum(each) for each in products],
          explain=lambda index: products_of(index, out, a, b), mistakes={
              "Where a factor is 0, the product was left out; but 0 times infinity or NaN is NaN.":
              memory(out, skipped)})


@given(st.lists(st.tuples(st.floats(-4096.0, 4096.0, width=32), st.floats(-4096.0, 4096.0, width=32)), min_size=1,
                max_size=6))
@example([(4096.0, 4096.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)])
@example([(1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (4096.0, 4096.0)])
@example([(4096.0, 4096.0), (1.0, 1.0), (1.0, 1.0), (4096.0, -4096.0)])
def test_matmul_of_float32(pairs):
    """A sum of products in float32 is rounded once, when it is complete: it is a Python number until then."""
    k = len(pairs)
    a = Operand.holding("a", plain(1, k), [x for x, _ in pairs], "float32")
    b = Operand.holding("b", plain(k, 1), [y for _, y in pairs], "float32")
    out = Operand.output(plain(1, 1), "float32")
    call = (f"matmul(out, a, b) of float32, sizes (1, {k}) and ({k}, 1)\na: {[x for x, _ in pairs]}\n"
            f"b: {[y for _, y in pairs]}")
    run(call, kernels.matmul, out.impl, a.impl, b.impl)
    exactly = float(sum(Fraction(x) * Fraction(y) for x, y in pairs))
    # A product of two numbers of float32 is exact in float64. Each of the additions is off by half a unit of float64
    # at most, of a sum no larger than that of all magnitudes; the one rounding to float32 by half a unit of float32.
    bound = (k + 1) * 2.0**-53 * sum(abs(x * y) for x, y in pairs) * 2 + 2.0**-24 * abs(exactly) * (1 + 2.0**-20)
    stepwise = np.float32(0)
    for x, y in pairs:
        stepwise = np.float32(float(stepwise) + x * y)
    judge(call, out, [a, b], [exactly],
          near=lambda got, wanted: abs(got - exactly) <= bound + 2.0**-150, mistakes={
              "The sum was rounded to float32 at every step. Add up in a Python number, with numbers that are read "
              "from `storage.data` and not from `storage.array`, and write it to out when it is complete.":
              memory(out, [float(stepwise)])})


@given(calls(few=st.sampled_from((1, 2, 3))))
@example(Call(plain(1, 1), plain(1, 1), plain(1, 1)))
@example(Call(plain(1, 1), plain(1, 2), plain(2, 1)))
def test_matmul_of_whole_numbers(case):
    """Sums of whole numbers are exact, also where `out.storage.data` is a list, in which they wait to be cut to 64
    bits.
    """
    layouts = case.layouts
    out = Operand.output(layouts[0], "int64")
    a = Operand("a", layouts[1], lambda place: 2**60 + place + 1, "int64")
    b = Operand("b", layouts[2], lambda place: 2 * place + 1, "int64")
    call = f"matmul(out, a, b) of int64\n{described(out, a, b)}"
    run(call, exact(kernels.matmul, 0), out.impl, a.impl, b.impl)
    products = terms(a, b)
    judge(call, out, [a, b], [cut(sum(each)) for each in products], mistakes={
        "Digits are lost: whole numbers above 2**53 have to stay ints, so the sum begins with 0 and not with 0.0.":
        memory(out, [cut(int(sum(each, 0.0))) for each in products])},
        explain=lambda index: products_of(index, out, a, b))

