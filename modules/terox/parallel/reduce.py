"""Reductions: many results at once, or one long row in blocks. Task 3.3.

A sum has two enemies. One is the chain: each addition waits for the one before it, while a core could do 16 of them at
a time. The other is rounding: a small number added to a large sum is rounded away, so that the error grows with the
length of the row. One remedy helps against both: several sums side by side (lanes), which are added up in the end.

    fold_row        one row, with LANES values side by side, each in 64 bits
    reduce_range    the results number begin to end; each is folded by one core
    partial_range   where there are few results and long rows: a row in blocks, each with a result of its own

In PyTorch: `aten/src/ATen/native/cpu/Reduce.h`, `vectorized_inner_reduction`; `aten/src/ATen/native/cpu/SumKernel.cpp`,
`cascade_sum`, on accuracy; `aten/src/ATen/native/TensorIteratorReduce.cpp`, `two_pass_reduction`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.parallel.places import place_of

# Values side by side. They fill eight vector registers of eight 64-bit floats, so that a core is kept busy while each
# waits for the value that it is added to. Twice as fast as 32 in a trial; 128 gained little, and short rows lose.
LANES = 64
BLOCK = 16384  # elements of a long row that one core folds at a time


def fold_row(fn: Any, start: Any, n: int, a: Any, first: int, step: int) -> Any:
    """`fn` folded over `n` elements of the 1-D array `a`; element i lies at place first + i * step. `start` for n = 0.

    fn is associative and commutative, and `start` is neutral: fn(start, x) is x. So the elements may be folded in any
    grouping, and `start` may be used more than once. Of each whole group of LANES elements, number j goes into lane j;
    at the end the lanes are folded into one. `np.full(LANES, start)` makes the lanes, in 64 bits, whatever the numbers
    of `a` have. No element may be forgotten where n is no multiple of LANES. Where n is smaller, lanes do not pay.

    The compiler uses vector registers where it sees that lanes are neighbors, and how many there are: the inner loop is
    `for j in range(LANES)`, and works on `lanes[j]`. Where step is 1, the elements of `a` are neighbors, too, which it
    sees in the slice `a[first : first + n]`.
    """
    # TODO 3.3: elements behind the last whole group; whole groups, for a step of 1 and for any step; then the lanes.

    raise NotImplementedError("Task 3.3: fold_row")


def reduce_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """The results number `begin` to `end` (without it).

    sizes (d,); strides (2, d): those of `out`, then those of `a`. Dimensions that are kept come first. Their strides
    in `out` are not 0, and results are counted along them, the last one running fastest. Those that are folded follow,
    and have stride 0 in `out`. There may be none of either kind: without kept ones there is one result, and without
    folded ones each result is one element of `a`.

    Along the last folded dimension lies a row, for fold_row; there is one for each index of the other folded ones. Each
    result is written once, when it is complete: others may look at `out` at any time.
    """
    # TODO 3.3: count the kept dimensions and the rows; for each result, fold its rows, then write it. See place_of.

    raise NotImplementedError("Task 3.3: reduce_range")


def partial_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """The blocks number `begin` to `end` of one long row: `out[block]` is what its BLOCK elements come to.

    sizes (1,): how many elements the row has; strides (2, 1): `strides[1, 0]` is how far they are apart in `a`. The
    last block may be shorter. `out`, a row with one place for each block, is in 64 bits; a second pass folds it.
    """
    # TODO 3.3: each block is a row of its own.

    raise NotImplementedError("Task 3.3: partial_range")


# ---- Provided ----

COLUMNS = 64


def columns_range(fn: Any, start: Any, begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """Results whose elements lie side by side, as in the sum over the rows of a matrix: COLUMNS results at a time.

    To walk down one column touches a new cache line with each step. So this goes along the rows, with one value for
    each column. A unit is a block of COLUMNS results. sizes (outer, folded, columns), strides (2, 3); `a` has stride 1
    along its columns.

    In PyTorch: `aten/src/ATen/native/cpu/Reduce.h`, `vectorized_outer_reduction`.
    """
    blocks = (sizes[2] + COLUMNS - 1) // COLUMNS
    for unit in range(begin, end):
        outer, block = unit // blocks, unit % blocks
        first = block * COLUMNS
        n = min(COLUMNS, sizes[2] - first)
        values = np.full(COLUMNS, start)
        for i in range(sizes[1]):
            place = outer * strides[1, 0] + i * strides[1, 1] + first
            row = a[place : place + n]
            if n == COLUMNS:
                for j in range(COLUMNS):
                    values[j] = fn(values[j], row[j])
            else:
                for j in range(n):
                    values[j] = fn(values[j], row[j])
        for j in range(n):
            out[outer * strides[0, 0] + (first + j) * strides[0, 2]] = values[j]
