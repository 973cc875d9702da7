"""Softmax in one kernel: fusing. Task 3.5.

Written with operations on whole tensors, softmax is five kernels: the maximum of each row, a subtraction, exp, a sum, a
division. Each reads its operands from memory and writes its result there. For 512 rows of 1000 float32 numbers, 2 MB, that
is 8 passes over 2 MB: amax reads 2, the subtraction and exp read and write 2 each, the sum reads 2, the division reads and
writes 2: about 16 MB. Of these, 4 MB are necessary: each number read once, each result written once. The processor
could have done the arithmetic in the meantime; it waits for memory.

A fused kernel finishes one row before it begins the next. It goes over the row three times, too, but a row of 1000
numbers is 4 kB and stays in the core's own cache (32 kB or more) while that happens. So the row comes from memory once.
The backward pass is fused in the same way: the five kernels of `y * (grad - sum(grad * y))` become one.

What one loop does at once, three vectors can do only if the compiler may compute several elements side by side. Three
things from outside the language allow that: `exp` from vector_math.py, and from _numba.py `maximum(x, y)`, in which NaN
wins, and `add_any_order(x, y)`, a sum whose terms the compiler may reorder into several lanes.

A row that does not fit into a cache is read from memory twice: for its maximum and for exp. "Online normalizer
calculation for softmax" (Milakov and Gimelshein, 2018) finds maximum and sum in one pass: whenever the maximum so far
grows from m to m', the sum so far is multiplied by exp(m - m'). FlashAttention is built on that. Here it would not pay:
it computes each exp twice, which costs more than to read a row from the cache again.

In PyTorch: `aten/src/ATen/native/cpu/SoftMaxKernel.cpp`, `vec_host_softmax_lastdim`, `vec_softmax_lastdim_kernel`,
`vec_host_softmax_backward_lastdim`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import add_any_order, maximum
from terox.parallel.vector_math import exp

# ---- Provided: rows in memory ----


def row_start(row: int, sizes: Any, steps: Any) -> int:
    """The place of the first element of row number `row`, where `steps` are an operand's strides along all dimensions.

    Rows lie along the last dimension and are counted with the dimension before it running fastest.
    """
    place = 0
    for d in range(len(sizes) - 2, -1, -1):
        place += row % sizes[d] * steps[d]
        row //= sizes[d]
    return place


def read_row(scratch: Any, a: Any, start: int, step: int) -> Any:
    """A row as neighbors: a slice of `a` where it lies that way (step 1), else a copy in `scratch`, a row long."""
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

    Both are 1-D arrays of the same kind of float and of equal length, at least 1, whose elements are neighbors. They are
    different memory or the same.

    Subtracting the maximum keeps exp from overflowing and does not change the result. NaN in the row makes all of it NaN,
    and so does +inf, or -inf everywhere; that comes out by itself: inf - inf is NaN. Add up in 64 bits (`total = 0.0`
    does that), and divide once, not n times: `target.dtype.type(1.0 / total)` is a factor of the row's own kind.

    No element is read from memory more often than three times in all (once for the maximum, once for exp, once as the
    result so far).
    """
    # TODO 3.5: three loops: the maximum; exp and its sum, kept in target; the factor.
    raise NotImplementedError("Task 3.5: softmax_row")


def softmax_range(begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """Softmax of the rows number `begin` to `end` (without it); a row runs along the last dimension.

    out, a: 1-D arrays, each beginning at the operand's element with index 0. sizes (d,): the dimensions, none of them 0;
    strides (2, d): of `out` and of `a`, in elements.

    `row_start` finds a row in each operand. `read_row` gives the row of `a` as neighbors; `softmax_row` writes to a slice
    of `out` where the row lies there with step 1, else to scratch memory, and `write_row` takes it from there. Scratch
    memory (`np.empty(n, a.dtype)`) is made in this function, once, and so belongs to this range alone.
    """
    # TODO 3.5: for each row: read, softmax_row, write.
    raise NotImplementedError("Task 3.5: softmax_range")


def softmax_back_row(target: Any, grad: Any, y: Any) -> None:
    """`target[i] = y[i] * (grad[i] - total)`, where total is the sum of `grad * y` over the row.

    This is the gradient for softmax's input, `y` its result, `grad` the gradient for `y`: 1-D arrays of equal length and
    kind, whose elements are neighbors. `target` may be the same memory as one of the others. Add up in 64 bits.
    """
    # TODO 3.5: two loops: the sum, then the result. Convert the sum with target.dtype.type, once.
    raise NotImplementedError("Task 3.5: softmax_back_row")


def softmax_back_range(begin: int, end: int, out: Any, grad: Any, y: Any, sizes: Any, strides: Any) -> None:
    """The gradient for softmax's input, for the rows number `begin` to `end`.

    As `softmax_range`, with three operands: strides is (3, d), of `out`, `grad` and `y`. A stride may be 0: the gradient
    of a sum is one number for all elements.
    """
    # TODO 3.5: for each row: read two, softmax_back_row, write.
    raise NotImplementedError("Task 3.5: softmax_back_range")
