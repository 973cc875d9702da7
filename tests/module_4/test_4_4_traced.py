"""Task 4.4: what the threads read and write, by tracing: races, bounds, barriers, and how often memory is read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_products import Product, judge, products, sizes_near
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.cuda import matmul
from terox.cuda.simulator import Dim3

pytestmark = pytest.mark.task("4.4")

# One thing at a time first: what fails then says what is wrong.
EXAMPLES = [
    Product(2, 2, 2, tile=2),
    Product(2, 2, 4, tile=2),
    Product(2, 2, 3, tile=2),
    Product(3, 3, 1, tile=3),
    Product(1, 2, 2, tile=2),
    Product(2, 1, 2, tile=2),
    Product(4, 2, 2, tile=2),
    Product(2, 4, 2, tile=2),
    Product(3, 3, 3, tile=2),
    Product(2, 2, 0, tile=2),
    Product(2, 2, 2, a=(0, 1, 2), tile=2),
    Product(2, 2, 2, b=(0, 1, 2), tile=2),
    Product(2, 3, 2, out=(0, 1, 2), tile=3),
    Product(2, 2, 2, batch=(2,), tile=2),
    Product(2, 2, 2, batch=(2, 2), a=(0, 4, 2, 1), b=(4, 0, 2, 1), tile=2),
    Product(5, 4, 9, tile=4),
    Product(2, 2, 1, tile=17),
]


def examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case)(test)
    return test


@given(case=products((2, 3, 4)))
@examples
def test_traced(case):
    """No race, no thread kept from a barrier, nothing read before it was written, no place outside of a matrix, and
    each element of the result written once: for tiles of any size.
    """
    memories = case.memories()
    case.checked(memories=memories)
    a, b = case.operands(memories)
    judge(case, memories, a @ b)


@given(case=products((2, 3, 4), batches=((1,), (2,))))
@example(case=Product(2, 2, 2, tile=2))
@example(case=Product(3, 4, 2, tile=2))
@example(case=Product(2, 2, 2, batch=(2,), tile=2))
def test_who_writes(case):
    """Thread (x, y) of a block writes the element in row blockIdx.y * TILE + y and column blockIdx.x * TILE + x."""
    made = case.checked()
    writers, side = made.writers("out"), case.side
    for index, place in zip(np.ndindex(case.shapes[0]), case.places(0).ravel().tolist()):
        *which, i, j = index
        z = int(np.ravel_multi_index(which, case.batch))
        block, thread = writers[place][0]
        check.that((block, thread) == (Dim3(j // side, i // side, z), Dim3(j % side, i % side, 0)),
                   "Another thread writes this element. Rows go with y and columns with x, in blocks and in tiles.",
                   call=repr(case), got=f"out[{i}, {j}]: thread {thread[:2]} of block {tuple(block)}",
                   expected=f"out[{i}, {j}]: {case.thread_of(index)}")


def counted(case, kernel=None):
    """How often the elements of a and of b are read: of each, the most."""
    made = case.checked(kernel)
    return made, {name: int(made.counts(name)[0].max(initial=0)) for name in ("a", "b")}


@given(n=st.sampled_from(sizes_near(3)), m=st.sampled_from(sizes_near(3, 3)), k=st.sampled_from(sizes_near(3, 3)),
       tile=st.sampled_from((2, 3, 4)))
@example(n=2, m=2, k=2, tile=2)
@example(n=3, m=3, k=3, tile=3)
@example(n=4, m=6, k=3, tile=2)
@example(n=6, m=4, k=3, tile=2)
@example(n=8, m=8, k=8, tile=4)
def test_reads(n, m, k, tile):
    """Each element of `a` is read from global memory once for each column of tiles of the result, each of `b` once for
    each row of tiles: about TILE times less often than without tiles.
    """
    case = Product(n, m, k, tile=tile)
    across, down, _ = case.grid
    made, reads = counted(case)
    _, plain = counted(case, matmul.plain_matmul_kernel)
    for name, wanted, along in (("a", across, "columns"), ("b", down, "rows")):
        where = int(np.argmax(made.counts(name)[0]))
        row, column = divmod(where, k if name == "a" else m)
        problem = (f"{name}[{row}, {column}] is read {reads[name]} times from global memory. The result has {wanted} "
                   f"{along[:-1] if wanted == 1 else along} of tiles, so {wanted} would do: each block copies it to "
                   "shared memory once, and all of its threads take it from there.")
        if reads[name] == plain[name]:
            problem += " (plain_matmul_kernel, without tiles, reads it as often.)"
        if not made.shared:
            problem += " No shared memory is used: cuda.shared.array((TILE, TILE), kind)."
        check.that(reads[name] <= wanted, problem, call=repr(case))


@pytest.mark.parametrize("tile", [2, 3, 4])
def test_reads_of_a_large_product(tile):
    """Where TILE divides n and m, all threads together read a TILE-th part of what the plain kernel reads."""
    case = Product(3 * tile, 2 * tile, 2 * tile + 1, tile=tile)
    made, _ = counted(case)
    plain, _ = counted(case, matmul.plain_matmul_kernel)
    check.that(made.total.global_reads * tile <= plain.total.global_reads, "Global memory is read more often than "
               f"{plain.total.global_reads} / {tile} times, which is what is left with tiles.", call=repr(case),
               got=f"{made.total.global_reads} reads", expected=f"{plain.total.global_reads // tile} reads")


@pytest.mark.parametrize("tile", [2, 4])
def test_coalesced(tile):
    """Neighbors in x read and write neighbors in memory, where rows are contiguous: `a`, `b` and `out`."""
    case = Product(2 * tile, 2 * tile, 2 * tile, tile=tile)
    made = case.checked()
    for name in ("a", "b", "out"):
        for access in made.warps(name, warp=tile):  # the threads with one y
            first, last = min(access.elements), max(access.elements)
            check.that(last - first < tile, f"Threads that are neighbors in x touch elements of `{name}` that are not "
                       "neighbors in a row, so that memory has to deliver a piece for each of them. Let x run along "
                       "the row in all three matrices.", call=repr(case),
                       got=f"elements {list(access.elements)} of `{name}`, at {access.line}")


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("special", [math.inf, math.nan])
def test_nothing_leaks(name, special):
    """What lies behind a row or below a matrix, NaN or infinite, never gets into a result: tiles are filled with 0."""
    for n, m, k in ((3, 3, 3), (1, 1, 1), (2, 2, 3), (3, 1, 2)):
        # a and b are parts of larger matrices, which hold nothing else but the special number
        case = Product(n, m, k, a=(0, k + 2, 1), b=(0, m + 2, 1), tile=2)
        memories = case.memories(spare=2 * (k + m + 4))
        number = 1 if name == "a" else 2
        inside = np.zeros(len(memories[number]), bool)
        inside[case.places(number)] = True
        memories[number][~inside] = special
        case.traced(memories=memories)
        a, b = case.operands(memories)
        judge(case, memories, a @ b)
