"""Elementwise kernels: a loop over a range of elements, and many such ranges at once. Task 3.2.

Module 2 called `fn` for one element after the other, and found each place from its index. Here the same work is cut in
three, as in PyTorch:

    zip_row             the innermost loop: n elements in a row, each operand with its own step
    elementwise_range   the elements number begin to end, row by row
    parallel_for        all elements: cuts them into chunks, which the cores share among them

These are plain Python functions, and nothing about them says that they are compiled. compiler.py does that, once for
each operator and each kind of numbers, with `fn` and `row` set to the functions in question.

In PyTorch: `aten/src/ATen/native/cpu/Loops.h`, `vectorized_loop`, `basic_loop`; `aten/src/ATen/TensorIterator.cpp`,
`for_each`, `serial_for_each`; `aten/src/ATen/Parallel.h`, `parallel_for`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import prange

# Work on about as many elements is worth being handed to another core: to wake it takes as long as 100,000 additions.
# In PyTorch: `aten/src/ATen/TensorIterator.h`, `internal::GRAIN_SIZE`, 32768.
GRAIN = 262144


def zip_row(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn(a, b)` for `n` elements in a row.

    memory: the three operands `(out, a, b)`, each a 1-D array. places: where each one's first element lies; steps: how
    far it is to its next (0 for an operand that is one number for the whole row). Both are int64 arrays, (3,), and are
    only read. n is at least 1.

    Where all three steps are 1, the loop must say so, since only then the compiler can work on 8 or 16 neighbors at
    once: take the slice `out[o : o + n]` of each operand, and use the loop's own variable as the index. Otherwise
    compute each place.
    """
    # TODO 3.2: two loops, one for steps of 1, one for any steps.

    raise NotImplementedError("Task 3.2: zip_row")


def elementwise_range(row: Any, fn: Any, begin: int, end: int, memory: Any, sizes: Any, strides: Any) -> None:
    """The elements number `begin` to `end` (without it), counted with the last dimension running fastest.

    memory: a tuple of 1-D arrays, `out` first; each begins at the operand's element with index 0. sizes: the sizes,
    (d,); strides: those of every operand, (number of operands, d), both int64 arrays. d is at least 1.

    The range is cut where the last dimension ends: `row(fn, n, memory, places, steps)` does the next `n` elements, as
    many as are left in the last dimension and in the range. `places` is an int64 array with the place of the first of
    them in each operand: `index[0] * strides[k, 0] + index[1] * strides[k, 1] + ...`; `steps` is `strides[:, -1]`. A
    range may begin and end in the middle of a row.
    """
    # TODO 3.2: while elements are left: find the index of the next one, its places, and how many follow in its row.

    raise NotImplementedError("Task 3.2: elementwise_range")


def parallel_for(loop: Any, count: int, grain: int, operands: Any) -> None:
    """Call `loop(begin, end, operands)` for chunks of `grain` units, such that each of 0 to `count` is done once.

    The chunks begin at 0, grain, 2 * grain, ...; the last one may be smaller. count and grain are at least 1. The
    chunks run at the same time: iterations of `prange` may come in any order, on any core. So they must not use each
    other's results. Nothing here depends on the number of cores: the same chunks give the same result on every machine.

    `prange(n)` counts 0 to n - 1, as `range(n)` does; it has no steps other than 1.
    """
    # TODO 3.2: the number of chunks, rounded up; a prange over them.

    raise NotImplementedError("Task 3.2: parallel_for")


def launch(kernel: Any, count: int, work: int, *operands: Any) -> None:
    """Run a kernel over `count` units, each of which is as much work as `work` elements; at least 1 of each.

    A chunk should be worth about GRAIN elements (use the name: tests make it smaller), and hold at least one unit. If
    one chunk is enough for everything, `kernel.serial(0, count, *operands)` does it here and now: to wake the other
    cores would cost more than it saves. Otherwise, `kernel.parallel(count, grain, *operands)` hands chunks of `grain`
    units to your `parallel_for`.
    """
    # TODO 3.2: how many units make a chunk; then one call or the other.

    raise NotImplementedError("Task 3.2: launch")


# ---- Provided: the same row for other numbers of operands. ----


def fill_row(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn()`."""
    (out,) = memory
    for i in range(n):
        out[places[0] + i * steps[0]] = fn()


def map_row(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn(a)`."""
    out, a = memory
    o, p = places[0], places[1]
    if steps[0] == 1 and steps[1] == 1:
        row, source = out[o : o + n], a[p : p + n]
        for i in range(n):
            row[i] = fn(source[i])
    else:
        for i in range(n):
            out[o + i * steps[0]] = fn(a[p + i * steps[1]])


def zip3_row(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn(a, b, c)`."""
    out, a, b, c = memory
    o, p, q, r = places[0], places[1], places[2], places[3]
    if steps[0] == 1 and steps[1] == 1 and steps[2] == 1 and steps[3] == 1:
        row, first, second, third = out[o : o + n], a[p : p + n], b[q : q + n], c[r : r + n]
        for i in range(n):
            row[i] = fn(first[i], second[i], third[i])
    else:
        for i in range(n):
            out[o + i * steps[0]] = fn(a[p + i * steps[1]], b[q + i * steps[2]], c[r + i * steps[3]])


ROWS = (fill_row, map_row, zip_row, zip3_row)  # by the number of inputs
