"""Softmax on the GPU: one block a row, with an online maximum. Task 4.5.

Module 3's kernel went over a row three times: the maximum, exp and its sum, the division. There the row stayed in the
cache. A GPU has thousands of rows under way at once, and for each of them little cache; so each pass reads from global
memory. *Online* softmax finds maximum and sum in one pass: whenever the maximum grows from m to m', the sum so far is
multiplied by exp(m - m'). What two threads have found can be joined in the same way, so a block folds pairs, as 4.3
folded numbers. FlashAttention is built on that.

Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018).
In PyTorch: `aten/src/ATen/native/cuda/PersistentSoftmax.cuh`, `aten/src/ATen/native/cuda/SoftMax.cu`.
"""

from __future__ import annotations

import math
from typing import Any

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import BLOCK
from terox.foundations.operators import exp, max


def join(top: Any, total: Any, other_top: Any, other_total: Any) -> tuple[Any, Any]:
    """Maximum and sum of two parts of a row together, from those of each part: `(top, total)`.

    A part is given by its maximum and the sum of exp(x - its maximum) over its elements x. One element x alone is (x,
    1.0). No elements at all are (-inf, 0.0), and joined with another part they leave it as it is. The joined top is
    the larger one, and the joined total has to be in terms of it: what was summed in terms of m is multiplied by
    exp(m - top). `max` and `exp` are module 0's, imported above.

    Where both maxima are -inf, there is nothing to rescale, and -inf - -inf would be NaN; the joined total is then any
    finite number. (All elements are -inf or there are none, and those count for nothing beside another element.) NaN in
    either part stays: in the joined top or in the joined total, also beside a part without elements. `max` lets it
    through, and a comparison does not. Where a maximum is +inf, also that of one element (inf, 1.0), the joined total
    is NaN, because inf - inf is: if both totals are always multiplied, that comes by itself.
    """
    # TODO 4.5: the larger maximum; both sums in terms of it. What is -inf - -inf?

    raise NotImplementedError("Task 4.5: join")


def block_join(kind: Any, top: Any, total: Any) -> tuple[Any, Any]:
    """The parts that the threads of the block have, joined into one, `(top, total)`. Every thread gets it.

    As `block_fold` in 4.3, with a pair for each thread and `join` for `fn`. Shared memory has places for BLOCK pairs:
    two arrays, `cuda.shared.array(BLOCK, kind)`, each made on a line of its own (one place in the code is one array),
    or one of (2, BLOCK). The block has `cuda.blockDim.x` threads, a power of two and BLOCK at most; all of them call
    this together, and may call it several times.
    """
    # TODO 4.5: the tree of block_fold, for pairs.

    raise NotImplementedError("Task 4.5: block_join")


def softmax_kernel(kind: Any, out: Any, a: Any, length: int, steps: Any, rows: Any, strides: Any) -> None:
    """Softmax of row number blockIdx.x: `out[i] = exp(a[i] - top) / total`, with top and total of the whole row.

    out, a: flat memory that begins at the operand's element with index 0. length: elements of a row, at least 1;
    steps: from one to the next, steps[0] in `out` and steps[1] in `a`. Rows are numbered along the other dimensions,
    whose sizes are `rows`; row number r begins at `offset(r, rows, strides[0])` in `out`, and [1] in `a`.

    The threads of the block share the row: thread t has the elements t, t + threads, t + 2 * threads, ..., where
    threads is `cuda.blockDim.x`. There may be threads without any; they have the part (-inf, 0), and come to every
    barrier. Each element is read twice: once for maximum and sum, once for the result. A row with NaN or +inf, or
    nothing but -inf, is NaN everywhere. Parts are of the kind of the numbers: kind(0), kind(1), kind(-math.inf).
    """
    # TODO 4.5: join your own elements; block_join; write your own elements of the result.

    raise NotImplementedError("Task 4.5: softmax_kernel")


# End of the file.
