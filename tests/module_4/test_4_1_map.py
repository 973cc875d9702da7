"""Task 4.1: the puzzles in which a thread reads and writes elements of its own, and no other thread matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from puzzle_cases import Run, launched, numbers, same

from terox.cuda import puzzles

pytestmark = pytest.mark.task("4.1")

SIDES = st.integers(1, 5)
MORE = st.integers(0, 3)
NEIGHBORS = "Thread number i does element number i: threads next to each other touch elements next to each other."
OWN = ("The number of a thread says which element is its own. No thread does those of others: there is no loop over "
       "elements, the launch is the loop.")


@given(count=st.integers(1, 20))
@example(count=1)
@example(count=5)
@example(count=20)
def test_shift(count):
    """shift: out[i] = a[i] + 10, where i is the number of the thread."""
    a = numbers(count)
    run = Run(puzzles.shift, 1, count, (count,), a, because={"race": OWN})
    run.gives(a + 10, {"10 is not added.": a, "That is 10 times a[i], not 10 more.": 10 * a,
                       "10 is added to the number of the thread, not to a[i].": np.arange(count) + 10})
    run.own("out", lambda i: (0, i), NEIGHBORS, written=True)


@given(count=st.integers(1, 16), more=st.integers(0, 8))
@example(count=5, more=3)
@example(count=4, more=1)
@example(count=1, more=7)
@example(count=6, more=0)
def test_guarded(count, more):
    """guarded: out[i] = 2 * a[i], and threads without an element do nothing."""
    a = numbers(count)
    run = Run(puzzles.guarded, 1, count + more, (count,), a, because={"race": OWN})
    run.gives(2 * a, {"2 is added, not multiplied.": a + 2, "That is a[i], not twice as much.": a,
                      "That is a[i] + 10, as in shift.": a + 10, "That is the square of a[i].": a * a})
    run.own("out", lambda i: (0, i), NEIGHBORS, written=True)


EXCHANGED = "Some elements have no thread. Is x the column and y the row, and does each have a guard of its own size?"


def without(shape, rows, columns):
    """A mask of those elements that lie beyond some rows, or beyond some columns."""
    return (np.arange(shape[0])[:, None] >= rows) | (np.arange(shape[1])[None, :] >= columns)


@given(rows=SIDES, columns=SIDES, more_x=MORE, more_y=MORE)
@example(rows=2, columns=3, more_x=0, more_y=0)
@example(rows=3, columns=2, more_x=2, more_y=1)
@example(rows=2, columns=4, more_x=0, more_y=2)
@example(rows=4, columns=2, more_x=3, more_y=0)
@example(rows=2, columns=2, more_x=1, more_y=1)
@example(rows=1, columns=4, more_x=0, more_y=3)
def test_transposed(rows, columns, more_x, more_y):
    """transposed: out[j, i] = a[i, j]; x is the column of a, so that neighbors read neighbors."""
    a, block = numbers(rows, columns), (columns + more_x, rows + more_y)
    sizes = (f"a has {rows} rows and {columns} columns, out {columns} rows and {rows} columns, and the block has "
             f"{block[0]} threads in x and {block[1]} in y: both numbers of a thread need a guard, each with the size "
             "along its own dimension.")
    run = Run(puzzles.transposed, 1, block, (columns, rows), a, because={"out of range": sizes, "race": OWN})
    same_shape = {"That is a itself: row and column have to change places.": a} if rows == columns else {}
    run.gives(a.T, same_shape, missing={EXCHANGED: without(a.T.shape, block[1], block[0])})
    warps = ("x is the column of a, y the row. The threads of a warp have neighboring x, and read together: so they "
             "read elements that stand side by side in memory.")
    run.own("a", lambda i, j: (0, (j, i)), warps, written=False)
    run.own("out", lambda j, i: (0, (j, i)), warps, written=True)


@given(rows=SIDES, columns=SIDES, more_x=MORE, more_y=MORE)
@example(rows=2, columns=3, more_x=0, more_y=0)
@example(rows=3, columns=2, more_x=2, more_y=1)
@example(rows=2, columns=3, more_x=0, more_y=2)
@example(rows=3, columns=2, more_x=3, more_y=0)
@example(rows=4, columns=1, more_x=1, more_y=0)
@example(rows=1, columns=4, more_x=0, more_y=1)
def test_outer(rows, columns, more_x, more_y):
    """outer: out[i, j] = a[i, 0] * b[0, j], with x along the row of out."""
    a, b, block = numbers(rows, 1), numbers(1, columns, start=30), (columns + more_x, rows + more_y)
    sizes = (f"a has {rows} rows and 1 column, b 1 row and {columns} columns; out has {rows} rows and {columns} "
             f"columns, and the block has {block[0]} threads in x and {block[1]} in y.")
    run = Run(puzzles.outer, 1, block, (rows, columns), a, b, because={"out of range": sizes, "race": OWN})
    run.gives(a * b, {"a and b are added.": a + b, "a is not multiplied by b.": a + 0 * b,
                      "b is not multiplied by a.": b + 0 * a,
                      "Only the first column is right: a[i, 0] * b[0, 0] stands everywhere.": a * b[0, 0] + 0 * b,
                      "a[0, 0] * b[0, j] stands in every row.": a[0, 0] * b + 0 * a}, sizes, {
                          EXCHANGED: without((rows, columns), block[0], block[1])})
    run.own("out", lambda i, j: (0, (j, i)), "x is the column of out, y the row: threads with neighboring x write "
            "elements that stand side by side.", written=True)


@given(count=st.integers(1, 24), block=st.integers(1, 8), idle=st.integers(0, 1))
@example(count=8, block=4, idle=0)
@example(count=10, block=4, idle=0)
@example(count=6, block=3, idle=1)
@example(count=3, block=8, idle=0)
@example(count=5, block=1, idle=0)
@example(count=9, block=8, idle=1)
def test_blocks(count, block, idle):
    """blocks: out[i] = a[i] * a[i], where i is the number of a thread among those of all blocks."""
    a, grid = numbers(count), -(-count // block) + idle
    number = (f"{grid} blocks of {block} threads have the numbers 0 to {grid * block - 1}, and there are {count} "
              "elements.")
    run = Run(puzzles.blocks, grid, block, (count,), a, because={
        "race": "No two threads may have the same number: think of those in other blocks.", "out of range": number,
        "negative index": number}, also="WIDTH is a constant of the puzzles that follow. How many threads a block has, "
        "cuda.blockDim.x says." if "WIDTH" in puzzles.blocks.__code__.co_names else "")
    run.gives(a * a, {"That is twice a[i], not its square.": 2 * a, "That is a[i], not its square.": a})
    run.own("out", lambda i: (i // block, i % block), "Block 0 has the first elements, in the order of its threads, "
            "block 1 those that follow.", written=True)


# ---- Launched as the course launches kernels: without the tracer, and on a GPU where there is one ----


@pytest.mark.parametrize(("name", "grid", "block", "shape"), [
    ("shift", 1, 1, (1,)), ("shift", 1, 1000, (1000,)), ("guarded", 1, 64, (50,)), ("transposed", 1, (16, 16), (13, 9)),
    ("transposed", 1, (32, 8), (5, 32)), ("blocks", 5, 32, (150,)), ("blocks", 3, 256, (513,))])
def test_launched(name, grid, block, shape):
    """With more threads, and on a GPU where there is one, each puzzle gives the same."""
    a = numbers(*shape)
    right = {"shift": a + 10, "guarded": 2 * a, "transposed": a.T, "blocks": a * a}[name]
    same(launched(getattr(puzzles, name), grid, block, right.shape, a), right, name, grid, block)


def test_outer_launched():
    """With more threads, and on a GPU where there is one, outer gives the same."""
    a, b = numbers(12, 1), numbers(1, 15)
    same(launched(puzzles.outer, 1, (16, 16), (12, 15), a, b), a * b, "outer", 1, (16, 16))
