"""Task 3.4: what blocks, packing and the micro-kernel are for. A number that was fetched serves more than once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from products import Product

from course import check
from course.trace import READ, WRITE, trace, trace_chunks
from terox.parallel import matmul

pytestmark = pytest.mark.task("3.4")

DEPTH, COLUMNS = 16, 5
CALL = f"micro_kernel(tile, left, right, i=0, depth={DEPTH}, columns={COLUMNS})"


def traced_kernel():
    """One call of micro_kernel, traced."""
    tile, left, right = np.ones((2, COLUMNS)), np.ones((2, DEPTH)), np.ones((DEPTH, COLUMNS))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("ROWS", "COLUMNS", "DEPTH"), (2, COLUMNS, DEPTH)):
            patch.setattr(matmul, name, value)
        made = trace(matmul.micro_kernel, tile, left, right, 0, DEPTH, COLUMNS, out="tile", fresh=False,
                     names=("tile", "left", "right", "i", "depth", "columns"))
    made.check()
    return made


def columns_of_right(made):
    """For each time that a column of `right` is come to: the numbers of its rows that are read before another one."""
    found, last = [], None
    for access in made.accesses:
        if access.memory is made.memories["right"] and not access.write:
            p, j = divmod(access.element, COLUMNS)
            if j != last:
                found.append((j, set()))
                last = j
            found[-1][1].add(p)
    return found


def test_the_inner_loop_goes_along_the_columns():
    """Within a few k, the micro-kernel goes on to the next column: neighbors in memory become one vector."""
    for j, rows in columns_of_right(traced_kernel()):
        check.that(len(rows) <= DEPTH // 2, f"All of column {j} of `right`, {len(rows)} numbers, was read before the "
                   "next column. The inner loop has to go along the columns, for four k at a time: steps along a "
                   "column are a sum, whose order the compiler may not change, and no neighbors in memory.", call=CALL)


def test_a_number_of_right_serves_both_rows():
    """Each number of `right` is fetched once, and multiplied for both rows of the tile before the next column."""
    visits = Counter((p, j) for j, rows in columns_of_right(traced_kernel()) for p in rows)
    (p, j), most = visits.most_common(1)[0]
    check.that(most == 1, f"right[{p}, {j}] was come back to after other columns, {most} times in all. While it is in "
               "a register, both rows of the tile need it: do both in one loop over j.", call=CALL)


def test_an_element_of_the_tile_serves_several_products():
    """Each time that an element of the tile is fetched and put back, several products are added to it."""
    reads, writes = traced_kernel().counts("tile")
    for what, counted in (("read", reads), ("written", writes)):
        most = int(counted.max())
        check.that(most <= DEPTH // 2, f"An element of the tile was {what} {most} times for {DEPTH} products. Add four "
                   "products each time that it is fetched: p goes in steps of 4.", call=CALL)


@pytest.mark.parametrize("case", [Product(8, 9, 20, blocks=(4, 3, 8)), Product(5, 7, 9, blocks=(2, 3, 4)),
                                  Product(6, 4, 8, blocks=(6, 2, 4), a=(1, 6), b=(1, 8))], ids=Product.name)
def test_a_block_reads_its_part_once(case):
    """A block needs each number of its rows of a, and of its columns of b, for many products, and reads it once."""
    out, a, b = case.memories()
    with case.small_blocks():
        made = trace_chunks(matmul.matmul_range, case.count, case.chunks, out, a, b, sizes=case.sizes,
                            strides=case.strides).check()
    for name, blocks, way in (("a", case.across, "a row of blocks"), ("b", case.down, "a column of blocks")):
        most = int(made.counts(name)[READ].max())
        check.that(most <= blocks, f"A number of {name} was read {most} times. It belongs to the {blocks} "
                   f"block{'s' if blocks > 1 else ''} of {way}, and each of them needs to read it only once: pack a "
                   "piece once, and use it for all rows of the block.", call=repr(case))
    most = int(made.counts("out")[WRITE].max())
    check.that(most == 1, f"An element of out was written {most} times. Its sum belongs in the tile until it is "
               "complete.", call=repr(case))
