"""Task 4.4: products of matrices of all sizes, layouts, batches and kinds, on a GPU where there is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_products import UNTOUCHED, Product, judge, places, products, sizes_near
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.cuda import matmul
from terox.cuda.runtime import TILE

pytestmark = pytest.mark.task("4.4")

# One thing at a time first: what fails then says what is wrong.
EXAMPLES = [
    Product(TILE, TILE, TILE),
    Product(TILE, TILE, 3 * TILE),
    Product(TILE, TILE, 2 * TILE + 1),
    Product(TILE, TILE, TILE - 1),
    Product(TILE, TILE, 1),
    Product(TILE, TILE, 0),
    Product(TILE - 1, TILE, TILE),
    Product(TILE, TILE - 1, TILE),
    Product(2 * TILE, TILE, TILE),
    Product(TILE, 2 * TILE, TILE),
    Product(2 * TILE, 2 * TILE, TILE),
    Product(TILE, TILE, TILE, a=(0, 1, TILE)),
    Product(TILE, TILE, TILE, b=(0, 1, TILE)),
    Product(TILE, TILE, TILE, out=(0, 1, TILE)),
    Product(TILE + 1, TILE + 2, TILE + 3, a=(0, 1, TILE + 1), b=(0, 1, TILE + 3), out=(0, 1, TILE + 1)),
    Product(TILE, TILE, TILE, a=(0, 3 * TILE, 3), b=(0, 4 * TILE, 2), out=(0, 2 * TILE, 2)),
    Product(TILE, TILE, TILE, batch=(2,)),
    Product(TILE, TILE, TILE, batch=(2,), a=(0, TILE, 1)),
    Product(TILE, TILE, TILE, batch=(2,), b=(0, TILE, 1)),
    Product(2, 3, TILE + 1, batch=(2, 3)),
    Product(2, 2, 2, batch=(3, 2), out=(4, 12, 2, 1), a=(4, 0, 2, 1), b=(0, 4, 2, 1)),
    Product(1, 1, 1),
    Product(1, 2 * TILE + 1, 2),
    Product(2 * TILE + 1, 1, TILE + 1),
]


def slips(case, memories):
    """(sentence, function that gives what out is after a slip)."""
    a, b = case.operands(memories)
    own_out, own_a, own_b = case.own
    side, k = case.side, case.k

    def swapped(strides):
        return (*strides[:-2], strides[-1], strides[-2])

    def with_strides(a=None, b=None):
        left, right = case.operands(memories, a, b)
        return case.into(memories, left @ right)

    def of(left, right):
        return case.into(memories, left @ right)

    def transposed(tile_a, tile_b):
        """Whole tiles only: read with the two indices of a tile exchanged."""
        if any(size % side for size in (case.n, case.m, k)) or not k:
            return None

        def turn(matrix):
            *more, rows, columns = matrix.shape
            cut = matrix.reshape(*more, rows // side, side, columns // side, side)
            return cut.swapaxes(-3, -1).reshape(matrix.shape)

        return of(turn(a) if tile_a else a, turn(b) if tile_b else b)

    last = (k - 1) // side * side if k else 0
    overlapping = [p for first in range(-(-k // side)) for p in range(first, min(first + side, k))]
    inside = [p for p in range(k) if p % side != side - 1]
    one_step = "Row and column of `{}` were multiplied by the same step. strides[{}] has two."
    return [
        ("Nothing was written to out." if k else "Where k is 0 the result is 0, and has to be written like any other.",
         lambda: np.full_like(memories[0], UNTOUCHED)),
        ("Only the first piece of the sum is there. There are more: for p from TILE on.",
         lambda: of(a[..., :side], b[..., :side, :])),
        ("Only the last piece of the sum is there. The sum begins once, before the first piece.",
         lambda: of(a[..., last:], b[..., last:, :])),
        ("The last piece is missing. It may be shorter than TILE.", lambda: of(a[..., :last], b[..., :last, :])),
        ("The first piece of `a` was taken again and again. Pieces begin at p = 0, then TILE, 2 * TILE, ...",
         lambda: of(a[..., [p % side for p in range(k)]], b)),
        ("The first piece of `b` was taken again and again. Pieces begin at p = 0, then TILE, 2 * TILE, ...",
         lambda: of(a, b[..., [p % side for p in range(k)], :])),
        ("The first piece was taken again and again. Pieces begin at p = 0, then TILE, 2 * TILE, ...",
         lambda: of(a[..., [p % side for p in range(k)]], b[..., [p % side for p in range(k)], :])),
        ("Pieces overlap. They begin at p = 0, then TILE, 2 * TILE, ..., not at 0, 1, 2.",
         lambda: of(a[..., overlapping], b[..., overlapping, :])),
        ("`a` was read transposed. Either its two steps have changed places, strides[1] is (to the next row, to the "
         "next column), or the two indices of its tile, which are [y, p] when it is added up.",
         lambda: with_strides(a=swapped(own_a))),
        ("`b` was read transposed. Either its two steps have changed places, strides[2] is (to the next row, to the "
         "next column), or the two indices of its tile, which are [p, x] when it is added up.",
         lambda: with_strides(b=swapped(own_b))),
        ("The two steps of `out` have changed places: strides[0] is (to the next row, to the next column).",
         lambda: case.into(memories, a @ b, swapped(own_out))),
        ("The steps of `a` were used for `b`.", lambda: with_strides(b=(*own_b[:-2], *own_a[-2:]))),
        ("The steps of `b` were used for `a`.", lambda: with_strides(a=(*own_a[:-2], *own_b[-2:]))),
        ("All products of the batch have the first `a`. batch_strides[1] says where the others begin.",
         lambda: of(a[(slice(1),) * len(case.batch)], b)),
        ("All products of the batch have the first `b`. batch_strides[2] says where the others begin.",
         lambda: of(a, b[(slice(1),) * len(case.batch)])),
        ("All products of the batch are the first one: nothing was found by `offset(z, batch, ...)`.",
         lambda: of(a[(slice(1),) * len(case.batch)] + 0 * a, b[(slice(1),) * len(case.batch)])),
        ("The place of `out` in the batch serves for `a`, too.",
         lambda: with_strides(a=(*own_out[:-2], *own_a[-2:]))),
        ("The place of `out` in the batch serves for `b`, too.",
         lambda: with_strides(b=(*own_out[:-2], *own_b[-2:]))),
        ("The tile of `a` was read with its two indices exchanged.", lambda: transposed(True, False)),
        ("The tile of `b` was read with its two indices exchanged.", lambda: transposed(False, True)),
        ("Both tiles were read with their two indices exchanged.", lambda: transposed(True, True)),
        *((one_step.format(name, n), lambda name=name, own=own, step=step: with_strides(
            **{name: (*own[:-2], own[step], own[step])}))
          for name, n, own in (("a", 1, own_a), ("b", 2, own_b)) for step in (-1, -2)),
        ("The two tiles are one array, in which the numbers of `b` have replaced those of `a`.",
         lambda: of(b, b) if case.n == case.m == k == side else None),
        ("The last product of each piece is missing: p goes from 0 to TILE - 1." if case.n % side == case.m % side == 0
         else "Some products are missing. Did every thread copy its elements, also one that has no element of the "
         "result? Copying from `a` asks for row and p, copying from `b` for column and p.",
         lambda: of(a[..., inside], b[..., inside, :])),
    ]


def examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case)(test)
    return test


@given(case=products((TILE,)))
@examples
def test_products(case):
    """Each element of the result is the sum over p of a[row, p] * b[p, column], of its own product in the batch."""
    memories = case.memories(spare=5)
    before = [memory.copy() for memory in memories]
    case.run(memories)
    a, b = case.operands(before)
    judge(case, memories, a @ b, slips(case, before))
    for name, memory, old in zip("ab", memories[1:], before[1:]):
        check.that(np.array_equal(memory, old, equal_nan=True), f"`{name}` has changed. It is an input.",
                   call=repr(case))


@given(case=products((TILE,), kinds=("int64",)))
@example(case=Product(TILE, TILE, TILE, kind="int64"))
@example(case=Product(1, 2, TILE + 1, kind="int64"))
def test_whole_numbers(case):
    """int64 keeps all its digits, also those that a float64 does not have."""
    memories = case.memories(values=lambda number, at: 2 ** (37 - 6 * number) + 2 * at + 1)
    case.run(memories)
    a, b = case.operands(memories)
    floats = a.astype(float) @ b.astype(float)
    judge(case, memories, a @ b, [
        ("Digits are lost: the sum and the tiles need the kind of the numbers, `kind`.",
         lambda: case.into(memories, floats.astype(np.int64)))] + [
        ("Digits are lost: the sum and the tiles need the kind of the numbers, `kind`.",
         lambda: memories[0] if np.allclose(memories[0][places(case.shapes[0], case.own[0])].astype(float),
                                            floats, rtol=1e-6) else None)])


NUMBERS = {  # rows of factors: ordinary ones, and such that nearly cancel
    "ordinary": lambda random, shape: random.uniform(-1, 1, shape),
    "cancelling": lambda random, shape: random.choice([1e4, -1e4, 1e-3], shape) * random.uniform(0.9, 1.1, shape),
}


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_rounding(kind, numbers):
    """Rounded as k operations in the kind of the numbers are, no more."""
    random = np.random.default_rng(4)
    for n, m, k in ((TILE, TILE, 3 * TILE + 1), (TILE + 1, 2, 5 * TILE)):
        case = Product(n, m, k, kind=kind)
        memories = case.memories(values=lambda number, at: NUMBERS[numbers](random, at.shape))
        case.run(memories)
        a, b = (operand.astype(np.longdouble)[0] for operand in case.operands(memories))
        # a product and a sum are rounded each; one more for what longdouble is not wider than float64 everywhere
        bound = (k + 2) * np.finfo(kind).eps * (np.abs(a) @ np.abs(b))
        result = memories[0].reshape(n, m)
        for i, j in np.ndindex(n, m):
            check.close(float(result[i, j]), float((a @ b)[i, j]), rtol=0.0, atol=float(bound[i, j]),
                        call=f"out[{i}, {j}] of {case!r}, for {numbers} numbers",
                        note="The error is larger than that of sums in this kind. Of which kind are the tiles and the "
                        "sum?")


SPECIAL = st.sampled_from([math.nan, math.inf, -math.inf])


@given(n=st.sampled_from(sizes_near(TILE)), m=st.sampled_from(sizes_near(TILE)), k=st.sampled_from(sizes_near(TILE)),
       seed=st.integers(0, 99), special=SPECIAL, kind=st.sampled_from(["float32", "float64"]))
@example(n=TILE - 1, m=TILE - 1, k=TILE + 1, seed=0, special=math.inf, kind="float64")
@example(n=TILE, m=TILE, k=TILE - 1, seed=1, special=math.nan, kind="float32")
@example(n=1, m=1, k=1, seed=1, special=math.nan, kind="float64")
@example(n=TILE, m=TILE, k=TILE, seed=3, special=math.inf, kind="float64")
def test_infinities_and_nan(n, m, k, seed, special, kind):
    """NaN and infinities reach the results of their own row and column, 0 times infinity is NaN, and nothing leaks."""
    random = np.random.default_rng(seed)
    case = Product(n, m, k, kind=kind)

    def values(number, at):
        drawn = random.choice([0.0, 1.0, -2.0, 3.0], at.shape)
        drawn.flat[random.integers(at.size)] = special
        return drawn

    memories = case.memories(spare=TILE, values=values)
    case.run(memories)
    a, b = case.operands(memories)
    with np.errstate(all="ignore"):
        right = (a[..., :, :, None] * b[..., None, :, :]).sum(-2)
        skipped = np.where((a[..., :, :, None] == 0) | (b[..., None, :, :] == 0), 0,
                           a[..., :, :, None] * b[..., None, :, :]).sum(-2)
    judge(case, memories, right.astype(kind), [
        ("Products with 0 were left out. 0 times infinity, or NaN, is NaN.",
         lambda: case.into(memories, skipped.astype(kind)))])


def test_many_tiles():
    """A result of many tiles, and many pieces."""
    case = Product(4 * TILE + 2, 3 * TILE + 1, 5 * TILE + 3, kind="float32")
    memories = case.memories()
    case.run(memories)
    a, b = case.operands(memories)
    judge(case, memories, a @ b, slips(case, memories))


def test_plain_kernel_is_the_same_product():
    """The provided kernel without tiles gives the same (it is what the tiles are compared with)."""
    assert matmul.matmul_kernel is not None
    case = Product(TILE + 1, TILE, 2 * TILE, batch=(2,), b=(0, 1, 2 * TILE))
    plain, tiled = case.memories(), case.memories()
    case.run(tiled)
    case.run(plain, matmul.plain_matmul_kernel)
    check.that(np.array_equal(plain[0], tiled[0]), "matmul_kernel and plain_matmul_kernel give different results.",
               call=repr(case))
