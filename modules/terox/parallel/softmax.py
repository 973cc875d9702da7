"""Softmax in one kernel: fusing. Task 3.5.

Written with operations on whole tensors, softmax is five kernels: the maximum of each row, a subtraction, exp, a sum,
a division. Each reads its operands from memory and writes its result there. 512 rows of 1000 float32 numbers are 2 MB.
The maximum reads them, the subtraction and exp read and write them, the sum reads them, the division reads and writes
them: 16 MB in all. Only 4 MB are necessary: each number read once, each result written once. The other 12 MB are time
in which a core waits for memory instead of computing.

A fused kernel finishes one row before it begins the next. It goes over the row three times, too, but a row of 1000
numbers is 4 kB and stays in the core's own cache (32 kB or more) meanwhile. So it comes from memory once. In the same
way, the three kernels of the backward pass, `y * (grad - sum(grad * y))`, and their intermediate results become one.

Such a loop is fast only if the compiler can do several neighbors at once. Three functions make that possible: `exp`
from vector_math.py; `maximum(x, y)`, in which NaN wins; and `add_any_order(x, y)`, a sum whose terms the compiler may
reorder.

A row too long for any cache is read from memory twice, for its maximum and for exp, and its result is touched twice.
"Online normalizer calculation for softmax" (Milakov and Gimelshein, 2018) finds maximum and sum in one pass: whenever
the maximum so far grows from m to m', the sum so far is multiplied by exp(m - m'). FlashAttention is built on that. It
computes each exp twice, so it pays where memory is slow and rows are long, as on a GPU, and not for rows in a cache.

In PyTorch: `aten/src/ATen/native/cpu/SoftMaxKernel.cpp`, `vec_host_softmax_lastdim`, `_vec_softmax_lastdim`,
`_vec_host_softmax_backward_lastdim`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import add_any_order, maximum
from terox.parallel.places import place_of
from terox.parallel.vector_math import exp

# ---- Provided: rows in memory ----


def row_start(row: int, sizes: Any, steps: Any) -> int:
    """The place of the first element of row number `row`, where `steps` are an operand's strides along all dimensions.

    Rows lie along the last dimension and are counted with the dimension before it running fastest.
    """
    return place_of(row, sizes[:-1], steps[:-1])


def read_row(scratch: Any, a: Any, start: int, step: int) -> Any:
    """A row as neighbors: a slice of `a` where it lies that way (step 1), else a copy in `scratch`.

    scratch: as long as a row, and of the dtype of `a`: compiled code cannot return now one kind of array, now another.
    """
    n = len(scratch)
    if step == 1:
        return a[start : start + n]
    for i in range(n):
        scratch[i] = a[start + i * step]
    return scratch


def write_row(out: Any, start: int, step: int, row: Any) -> None:
    """Copy `row` to where it belongs in `out`; nothing to do for step 1, where `row` is a slice of `out` itself."""
    if step != 1:
        for i in range(len(row)):
            out[start + i * step] = row[i]


# ---- The task ----


def softmax_row(target: Any, source: Any) -> None:
    """`target[i] = exp(source[i] - top) / total` for one row; top is its maximum, total the sum of all these exps.

    Both are 1-D arrays of the same kind of float and of equal length, at least 1, whose elements are neighbors. They
    are different memory or the same. `exp` is that of vector_math.py.

    Subtracting the maximum keeps exp from overflowing and does not change the result. NaN in the row makes all of it
    NaN, and so does +inf, or -inf everywhere; that comes out by itself: inf - inf is NaN. Add up in 64 bits (`total =
    0.0` does that), and divide once, not n times: `target.dtype.type(1.0 / total)` is a factor of the row's own kind.

    Memory is gone over no more than necessary: `source` twice, for the maximum and for exp, and `target` twice, for
    what exp gives, which is kept there, and for the factor.
    """
    # TODO 3.5: three loops: the maximum; exp and its sum, kept in target; the factor.

    raise NotImplementedError("Task 3.5: softmax_row")


def softmax_range(begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """Softmax of the rows number `begin` to `end` (without it); a row runs along the last dimension.

    out, a: 1-D arrays, each beginning at the operand's element with index 0. sizes (d,): the dimensions, none of them
    0; strides (2, d): of `out` and of `a`, in elements.

    `row_start` finds a row in each operand. `read_row` gives the row of `a` as neighbors; `softmax_row` writes to a
    slice of `out` where the row lies there with step 1, else to scratch memory, and `write_row` takes it from there.
    Scratch memory (`np.empty(n, a.dtype)`) is made in this function, once, and so belongs to this range alone.
    """
    # TODO 3.5: for each row: read, softmax_row, write.

    raise NotImplementedError("Task 3.5: softmax_range")


def softmax_back_row(target: Any, grad: Any, y: Any) -> None:
    """`target[i] = y[i] * (grad[i] - total)`, where total is the sum of `grad * y` over the row.

    This is the gradient for softmax's input, `y` its result, `grad` the gradient for `y`: 1-D arrays of equal length
    and kind, whose elements are neighbors. `target` may be the same memory as one of the others. Add up in 64 bits, and
    go over `grad` and `y` twice: once for the sum, once for the result.
    """
    # TODO 3.5: two loops: the sum, then the result. Convert the sum with target.dtype.type, once.

    raise NotImplementedError("Task 3.5: softmax_back_row")


def softmax_back_range(begin: int, end: int, out: Any, grad: Any, y: Any, sizes: Any, strides: Any) -> None:
    """The gradient for softmax's input, for the rows number `begin` to `end`.

    As `softmax_range`, with three operands: strides is (3, d), of `out`, `grad` and `y`. A stride of `grad` may be 0:
    the gradient of a sum is one number for all elements.
    """
    # TODO 3.5: for each row: read two, softmax_back_row, write.

    raise NotImplementedError("Task 3.5: softmax_back_range")


# End of the file.
