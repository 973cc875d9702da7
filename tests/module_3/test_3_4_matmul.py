"""Task 3.4: products of matrices in blocks, of all layouts, batches and sizes. The blocks are small here."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from products import UNTOUCHED, Product, by_name, contiguous, judge, places, products

from course import check

pytestmark = pytest.mark.task("3.4")

# One thing at a time first: what fails then says what is wrong.
EXAMPLES = [
    Product(2, 2, 4),
    Product(2, 2, 24, blocks=(2, 2, 8)),
    Product(2, 2, 22, blocks=(2, 2, 8)),
    Product(4, 2, 4),
    Product(2, 4, 4),
    Product(4, 6, 4),
    Product(3, 2, 4),
    Product(6, 2, 4, blocks=(4, 2, 4)),
    Product(2, 3, 4),
    Product(2, 2, 4, a=(1, 2)),
    Product(2, 2, 4, b=(1, 4)),
    Product(2, 3, 4, out=(1, 2), blocks=(2, 4, 4)),
    Product(2, 2, 4, batch=(2,)),
    Product(2, 3, 4, batch=(2,), a=(0, 4, 1)),
    Product(2, 3, 4, batch=(2,), b=(0, 3, 1)),
    Product(4, 2, 5, batch=(2, 3)),
    Product(3, 5, 4, batch=(2,)),
    Product(1, 1, 1),
    Product(1, 2, 3),
    Product(2, 1, 6),
    Product(3, 3, 5, out=(7, 2), a=(1, 3), b=(1, 5)),
    Product(5, 5, 11, blocks=(4, 3, 8)),
    Product(3, 3, 4, batch=(3, 2), out=(9, 27, 3, 1), a=(12, 0, 4, 1), b=(0, 12, 3, 1)),
]


def examples(**more):
    def add(test):
        for case in reversed(EXAMPLES):  # the last one that is added comes first
            test = example(case=case, **more)(test)
        return test
    return add


# ---- What is computed ----


@given(case=products(chunked=True))
@examples()
def test_matmul(case):
    """out[..., s, t] is the sum over p of a[..., s, p] * b[..., p, t], whatever the sizes, strides and blocks."""
    memories = case.memories(spare=60)
    case.run(memories)
    judge(case, memories, np.matmul(*case.operands(memories)), slips(case, memories))
    for name, array, old in zip("ab", memories[1:], case.memories(spare=60)[1:]):
        check.that(np.array_equal(array, old, equal_nan=True), f"{name} has changed. It is an input.", call=repr(case))


def slips(case, memories):
    """Sentences about mistakes, and the memory of out that each leaves behind."""
    (rows, columns, depth), (n, m, k), batch = case.blocks, (case.n, case.m, case.k), case.batch
    a, b = case.operands(memories)
    right = np.matmul(a, b)
    i, j, p = np.arange(n), np.arange(m), np.arange(k)
    last = (k - 1) // depth * depth if k else 0

    def put(a=a, b=b, strides=None):
        return lambda: case.into(memories, np.matmul(a, b), strides)

    def read(**strides):
        return lambda: case.into(memories, np.matmul(*case.operands(memories, **strides)))

    def turned(own):
        return (*own[:-2], own[-1], own[-2])

    def changed(own, d, stride=0):
        return tuple(stride if at == d % len(own) else each for at, each in enumerate(own))

    def in_batch(which):
        strides = [(*[0] * len(batch), *own[-2:]) if number in which else own for number, own in enumerate(case.own)]
        return lambda: case.into(memories, np.matmul(*case.operands(memories, *strides[1:])), strides[0])

    def stale():
        """The tile keeps what the block before has left in it."""
        result = np.empty_like(right)
        for begin, end in case.chunks:
            tile = np.zeros((rows, columns), right.dtype)
            for unit in range(begin, end):
                which, down, across = case.block(unit)
                block = right[(*which, down, across)]
                tile[: block.shape[0], : block.shape[1]] += block
                result[(*which, down, across)] = tile[: block.shape[0], : block.shape[1]]
        return case.into(memories, result)

    def to_first():
        """All blocks of a product are written where the first one is."""
        memory, where = np.full_like(memories[0], UNTOUCHED), places(case.shapes[0], case.own[0])
        for unit in range(case.count):
            which, down, across = case.block(unit)
            block = right[(*which, down, across)]
            memory[where[which][: block.shape[0], : block.shape[1]]] = block
        return memory

    def left_over(cleared):
        """Only so many rows are cleared behind a piece; behind them is what the piece before has left."""
        taken = [*p, *(at - depth for at in range(k + cleared, -(-k // 4) * 4) if last)]
        return case.into(memories, np.matmul(a[..., taken], b[..., taken, :]))

    out_strides, a_strides, b_strides = case.own
    odd = right.copy()
    odd[..., [row for row in i if row == n - 1 and (row % rows) % 2 == 0], :] = 0
    edges = case.into(memories, right)
    where = places(case.shapes[0], out_strides)
    for unit in range(case.count):
        which, down, across = case.block(unit)
        if down.stop - down.start < rows or across.stop - across.start < columns:
            edges[where[(*which, down, across)]] = UNTOUCHED
    return [
        ("Each piece of the sum replaces the one before. They have to be added up in the tile, which is set to 0 once "
         "for each block.", put(a[..., last:], b[..., last:, :])),
        ("Only the first piece of the sum is there: for k above DEPTH there are more.",
         put(a[..., :depth], b[..., :depth, :])),
        ("The last piece of the sum, which is less than DEPTH deep, is missing.",
         put(a[..., : k // depth * depth], b[..., : k // depth * depth, :])),
        ("There are m products in each sum, not k: sizes ends with n, m, k.", put(a[..., :m], b[..., :m, :])
         if m < k else lambda: None),
        ("The last products are missing, where k is no multiple of 4.",
         put(a[..., : k // 4 * 4], b[..., : k // 4 * 4, :])),
        ("The tile still holds the block before: it has to be 0 when a block begins.", stale),
        ("The last row is 0. Where the rows are odd, the micro-kernel is needed for the last one, too.",
         lambda: case.into(memories, odd)),
        ("The blocks at the edges, which are smaller, are missing.", lambda: edges if k else None),
        *[("Where a piece is no multiple of 4 deep, both packed parts have to be filled up with zeros, each time: "
           "pieces before have left numbers there.", lambda cleared=cleared: left_over(cleared))
          for cleared in range(3)],
        ("Every piece was made of the first numbers of each row of a: a piece begins at its own k.",
         put(a[..., p % depth])),
        ("Every piece was made of the first rows of b: a piece begins at its own k.", put(b=b[..., p % depth, :])),
        ("Every piece was made of the first ones of k: a piece begins at its own k, in a and in b.",
         put(a[..., p % depth], b[..., p % depth, :])),
        ("All blocks read the first rows of a. A block's rows begin further down.", put(a[..., i % rows, :])),
        ("All blocks read the first columns of b. A block's columns begin further right.", put(b=b[..., j % columns])),
        ("All blocks were written to where the first one belongs.", to_first),
        ("Rows and columns of a have changed places: its stride along n is strides[1, d], along k strides[1, d + 2], "
         "where d is the number of dimensions of the batch.", read(a=turned(a_strides))),
        ("Rows and columns of b have changed places: its stride along k is strides[2, d + 2], along m "
         "strides[2, d + 1], where d is the number of dimensions of the batch.", read(b=turned(b_strides))),
        ("Rows and columns of out have changed places: its stride along n is strides[0, d], along m strides[0, d + 1], "
         "where d is the number of dimensions of the batch.", put(strides=turned(out_strides))),
        ("a was read with the stride 0 along k. In strides, the columns are those of n, m and k.",
         read(a=changed(a_strides, -1))),
        ("a was read with the stride 0 along n. In strides, the columns are those of n, m and k.",
         read(a=changed(a_strides, -2))),
        ("b was read with the stride 0 along k. In strides, the columns are those of n, m and k.",
         read(b=changed(b_strides, -2))),
        ("b was read with the stride 0 along m. In strides, the columns are those of n, m and k.",
         read(b=changed(b_strides, -1))),
        ("a was taken for one without gaps, row after row: its strides say where its numbers are.",
         read(a=contiguous(case.shapes[1]))),
        ("b was taken for one without gaps, row after row: its strides say where its numbers are.",
         read(b=contiguous(case.shapes[2]))),
        ("out was taken for one without gaps, row after row: its strides say where its numbers belong.",
         put(strides=contiguous(case.shapes[0]))),
        ("All products of the batch were computed from the first a.", in_batch({1})),
        ("All products of the batch were computed from the first b.", in_batch({2})),
        ("All products of the batch were computed from the first a and b.", in_batch({1, 2})),
        ("All products of the batch were written to where the first one belongs.", in_batch({0})),
        ("All products of the batch were taken from the first place, and written there.", in_batch({0, 1, 2})),
        *[("The place in the batch of a was taken from the strides of another operand.",
           read(a=(*other[:-2], *a_strides[-2:]))) for other in (out_strides, b_strides)],
        *[("The place in the batch of b was taken from the strides of another operand.",
           read(b=(*other[:-2], *b_strides[-2:]))) for other in (out_strides, a_strides)],
        ("The result was added to what out held before. Nothing that is there counts.",
         lambda: case.into(memories, right + UNTOUCHED)),
    ]


@given(case=products(depths=st.just(0)))
@example(case=Product(1, 1, 0))
@example(case=Product(3, 3, 0, batch=(2,)))
def test_matmul_of_nothing(case):
    """Where k is 0, all elements of out are 0."""
    memories = case.memories(spare=4)
    case.run(memories)
    judge(case, memories, np.zeros(case.shapes[0]))


# ---- Which unit does what ----


@given(case=products(), data=st.data())
def test_units(case, data):
    """The units from begin to end write their own blocks, completely, and nothing else: units are numbered along m
    first, then along n, then through the batch.
    """
    begin = data.draw(st.integers(0, case.count - 1), "begin")
    end = data.draw(st.integers(begin + 1, min(begin + 3, case.count)), "end")
    only(case, begin, end)


@pytest.mark.parametrize("case", [Product(4, 6, 4), Product(6, 4, 1), Product(3, 5, 4, batch=(2,)),
                                  Product(2, 3, 4, batch=(2, 2)), Product(5, 1, 4)], ids=Product.name)
def test_each_unit(case):
    """Unit number 0 is the block at the top left, number 1 the one to the right of it; after a row of blocks comes the
    next row, and after the last one the next product of the batch.
    """
    for unit in range(case.count):
        only(case, unit, unit + 1)


def only(case, begin, end):
    memories = case.memories(spare=60)
    case.run(memories, [(begin, end)])
    where = places(case.shapes[0], case.own[0])
    right = np.matmul(*case.operands(memories))
    mine = {index: case.unit_of(index) in range(begin, end) for index in itertools.product(*map(range, where.shape))}
    call = f"matmul_range({begin}, {end}, out, a, b, sizes, strides): {case!r}"
    numbered = ("Blocks have ROWS rows and COLUMNS columns, except at the edges, and are numbered along m first."
                + by_name())
    for index, own in mine.items():
        written = memories[0][where[index]] != UNTOUCHED
        name = f"out[{', '.join(map(str, index))}]"
        belongs = f"It belongs to {case.described(case.unit_of(index))}"
        check.that(written or not own, f"{name} was not written. {belongs}.", call=call, note=numbered)
        check.that(own or not written, f"{name} was written. {belongs}, which another thread may be doing now.",
                   call=call, note=numbered)
        if own:
            check.equal(memories[0][where[index]].item(), right[index].item(), call=f"{name} after {call}")


# ---- Memory ----


@given(case=products(chunked=True), order=st.sampled_from(("forward", "reversed", "shuffled")))
@examples(order="one by one")
def test_matmul_stays_inside(case, order):
    """Each chunk writes to its own blocks only; all elements of out are written; nothing outside of a, b and out is
    touched, and nothing is read that was never written.
    """
    chunks, order = (1, "reversed") if order == "one by one" else (case.chunks, order)
    memories = case.trace(chunks, order)
    judge(case, memories, np.matmul(*case.operands(case.memories())))
