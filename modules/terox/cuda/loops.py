"""Kernels for what the learner's do not do: filling, indices, the best element of a row, picking by number. Provided.

They are built as elementwise.py's and reduce.py's are, and take the same: functions and kinds first, which are bound;
then flat memory, numbers, and tuples of sizes and strides.

In PyTorch: `aten/src/ATen/native/cuda/IndexKernel.cu`, `Indexing.cu`, `ReduceArgMaxKernel.cu`, `FillKernel.cu`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import BLOCK

# ---- Functions of one number, for copies from one dtype to another. ----


def whole(x: Any) -> Any:
    """A number without its fraction; what int64 cannot hold, NaN too, becomes the smallest number, as on most CPUs."""
    return int(x) if x >= -9223372036854775808.0 and x < 9223372036854775808.0 else -9223372036854775807 - 1


def truth(x: Any) -> Any:
    """Whether a number differs from 0; NaN does."""
    return x != 0


# ---- Filling ----


def set_kernel(out: Any, count: int, value: Any) -> None:
    """`out[i] = value`, for the first `count` places."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = value


def range_kernel(out: Any, count: int, start: Any, step: Any) -> None:
    """`out[i] = start + i * step`, for the first `count` places."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = start + i * step


# ---- Indices to numbers of elements ----


def numbers_kernel(out: Any, count: int, sizes: Any, steps: Any) -> None:
    """`out[i]`: how far element number i of a tensor of `sizes` is from the first one, with these steps."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = offset(i, sizes, steps)


def add_index_kernel(out: Any, index: Any, note: Any, number: int, count: int, size: int, least: int, step: int,
                     sizes: Any, strides: Any) -> None:
    """`out[i] += step * index[i]`, for indices from `least`, 0 or -size, to size - 1; negative ones count from the end.

    Any other index is noted, with `number`, and taken for 0: what is read with the result shall exist. Where several
    are wrong, whichever is written last stays in the note.
    """
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        k = index[offset(i, sizes, strides[1])]
        if k < least or k >= size:
            note[0] = number
            note[1] = k
            k = 0
        if k < 0:
            k += size
        out[offset(i, sizes, strides[0])] += step * k


# ---- Elements by number ----


def fetch_kernel(out: Any, a: Any, numbers: Any, count: int, sizes: Any, strides: Any, of_a: Any,
                 strides_a: Any) -> None:
    """`out[i]` = element number `numbers[i]` of a tensor of sizes `of_a`."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        number = numbers[offset(i, sizes, strides[1])]
        out[offset(i, sizes, strides[0])] = a[offset(number, of_a, strides_a)]


def store_kernel(out: Any, numbers: Any, source: Any, count: int, sizes: Any, strides: Any, of_out: Any,
                 strides_out: Any) -> None:
    """Element number `numbers[i]` of a tensor of sizes `of_out` becomes `source[i]`; any of them, where several do."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        number = numbers[offset(i, sizes, strides[0])]
        out[offset(number, of_out, strides_out)] = source[offset(i, sizes, strides[1])]


def store_add_kernel(out: Any, numbers: Any, source: Any, count: int, sizes: Any, strides: Any, of_out: Any,
                     strides_out: Any) -> None:
    """Element number `numbers[i]` grows by `source[i]`. Several threads may do so at once: each addition is atomic."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        number = numbers[offset(i, sizes, strides[0])]
        cuda.atomic.add(out, offset(number, of_out, strides_out), source[offset(i, sizes, strides[1])])


def store_or_kernel(out: Any, numbers: Any, source: Any, count: int, sizes: Any, strides: Any, of_out: Any,
                    strides_out: Any) -> None:
    """The same for bools, where 1 + 1 is 1: whoever writes, writes True."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        if source[offset(i, sizes, strides[1])]:
            number = numbers[offset(i, sizes, strides[0])]
            out[offset(number, of_out, strides_out)] = True


# ---- The best of a row ----


def beats(better: Any, x: Any, i: Any, y: Any, j: Any) -> bool:
    """Whether element `x`, with the number i, is to be preferred to `y`, with j: NaN, the better one, the first one."""
    if x != x or y != y:
        return x != x and (y == y or i < j)
    if better(x, y) != 0:
        return True
    return better(y, x) == 0 and i < j


def arg_reduce_kernel(better: Any, kind: Any, out: Any, a: Any, length: int, step: int, rows: Any,
                      strides: Any) -> None:
    """`out`, for row number blockIdx.x: the number of its best element. Each thread of the block has one, or more.

    Where a row begins in `a`, and where its result is, `offset(row, rows, strides[1])` says, and [0].
    """
    values = cuda.shared.array(BLOCK, kind)
    numbers = cuda.shared.array(BLOCK, np.int64)
    t = cuda.threadIdx.x
    first = offset(cuda.blockIdx.x, rows, strides[1])
    best, where = a[first + t * step], t
    for i in range(t + cuda.blockDim.x, length, cuda.blockDim.x):
        value = a[first + i * step]
        if beats(better, value, i, best, where):
            best, where = value, i
    values[t], numbers[t] = best, where
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half and beats(better, values[t + half], numbers[t + half], values[t], numbers[t]):
            values[t], numbers[t] = values[t + half], numbers[t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        out[offset(cuda.blockIdx.x, rows, strides[0])] = numbers[0]
