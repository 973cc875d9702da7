"""The product of matrices on the GPU, in tiles of shared memory. Task 4.4.

Each element of the result needs a row of `a` and a column of `b`. If its thread reads them from global memory, every
number is read once for each element that needs it: m times those of `a`, n times those of `b`, and a multiplication
waits for two of them. So a block computes a tile of TILE x TILE elements together: it copies one tile of `a` and one
of `b` into shared memory, each thread one element of each, and then each number serves TILE threads. Global memory is
read TILE times less often.

In PyTorch: `aten/src/ATen/cuda/CUDABlas.cpp` hands over to cuBLAS. CUTLASS (`cutlass/gemm/threadblock`) has the next
steps: a tile of registers for each thread, and loading the next tile while this one is used.
"""

from __future__ import annotations

from typing import Any

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import TILE


def matmul_kernel(kind: Any, out: Any, a: Any, b: Any, sizes: Any, strides: Any, batch: Any,
                  batch_strides: Any) -> None:
    """`out[z, row, column] = sum over p of a[z, row, p] * b[z, p, column]`, a tile of the result for each block.

    sizes: (n, m, k); each `out` is (n, m), each `a` (n, k), each `b` (k, m). Only k may be 0; then the results are 0.
    out, a, b: flat memory that begins at the operand's element with index 0. strides: for out, a and b, in this
    order, (step to the next row, step to the next column). batch: the sizes of the other dimensions, (1,) if there
    are none. The matrices of product number z begin, counted from the first element, at `offset(z, batch,
    batch_strides[0])` in out, [1] in a and [2] in b. Any of these steps may be 0 for a and b, which then have the
    same numbers again and again.

    A block has TILE x TILE threads. The one with threadIdx (x, y) in the block with blockIdx (x, y, z) computes the
    element in row `blockIdx.y * TILE + threadIdx.y` and column `blockIdx.x * TILE + threadIdx.x` of product number z,
    and writes it, once. TILE seldom divides n and m: at the lower and right edges are threads without an element. They
    help to load, come to every barrier, and write nothing.

    The sum over p is done in pieces of TILE. For each piece, every thread copies one element of `a` and one of `b`
    into two tiles, `cuda.shared.array((TILE, TILE), kind)` each, on a line of its own. Row y of the block's tile of
    `a` is a piece of a row of `a`; row y of its tile of `b` is a piece of row first + y of `b`, if the piece begins
    with p = first. So neighbors in x copy neighbors in a row. Where there is no element (behind the last row, column
    or p), nothing may be read, and the tile gets a 0: what is left in shared memory might be infinite, and 0 times
    that is NaN. Barrier. Then every thread adds up TILE products from the tiles. Barrier: the tiles are overwritten
    next. In this way each element of `a` is read from global memory once for each column of tiles of the result, and
    each of `b` once for each row.

    Begin the sum with kind(0): so it has the kind of the numbers, and int64 keeps all its digits.
    """
    # TODO 4.4: places; two tiles; for each piece: load both, barrier, add TILE products, barrier; write the element.

    raise NotImplementedError("Task 4.4: matmul_kernel")


# ---- Provided: a product without tiles, to compare with. ----


def plain_matmul_kernel(kind: Any, out: Any, a: Any, b: Any, sizes: Any, strides: Any, batch: Any,
                        batch_strides: Any) -> None:
    """The same product, with one thread for each element and nothing shared."""
    n, m, k = sizes
    row, column = cuda.blockIdx.y * TILE + cuda.threadIdx.y, cuda.blockIdx.x * TILE + cuda.threadIdx.x
    z = cuda.blockIdx.z
    if row < n and column < m:
        at_a = offset(z, batch, batch_strides[1]) + row * strides[1][0]
        at_b = offset(z, batch, batch_strides[2]) + column * strides[2][1]
        total = kind(0)
        for p in range(k):
            total += a[at_a + p * strides[1][1]] * b[at_b + p * strides[2][0]]
        out[offset(z, batch, batch_strides[0]) + row * strides[0][0] + column * strides[0][1]] = total
