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
    """`out[z, row, column] = sum over p of a[z, row, p] * b[z, p, column]`, a tile for each block.

    sizes: (n, m, k); `out` is (n, m), `a` (n, k), `b` (k, m). k may be 0. strides: for out, a and b in this order,
    (step to the next row, step to the next column). out, a, b: flat memory that begins at the element with index 0.

    A block has TILE x TILE threads. The thread with threadIdx (x, y) of the block with blockIdx (x, y, z) computes the
    element in row blockIdx.y * TILE + threadIdx.y and column blockIdx.x * TILE + threadIdx.x of product number z;
    where its matrices begin, `offset(z, batch, batch_strides[0])` says for out, [1] for a and [2] for b. At the edges
    there are threads without an element of the result. They help to load, and come to every barrier.

    For each piece of TILE of the sum: every thread copies one element of `a` and one of `b` to shared memory,
    `cuda.shared.array((TILE, TILE), kind)`, and 0 where there is none. Barrier. Every thread adds up TILE products.
    Barrier: the tiles are overwritten next. Begin the sum with kind(0), so that it has the kind of the numbers.
    """
    # TODO 4.4: places; two tiles; for each piece: load both, barrier, add TILE products, barrier; write the element.
    # BEGIN SOLUTION
    n, m, k = sizes
    x, y, z = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockIdx.z
    row, column = cuda.blockIdx.y * TILE + y, cuda.blockIdx.x * TILE + x
    at_a = offset(z, batch, batch_strides[1]) + row * strides[1][0]
    at_b = offset(z, batch, batch_strides[2]) + column * strides[2][1]
    tile_a = cuda.shared.array((TILE, TILE), kind)
    tile_b = cuda.shared.array((TILE, TILE), kind)
    total = kind(0)
    for first in range(0, k, TILE):
        tile_a[y, x] = a[at_a + (first + x) * strides[1][1]] if row < n and first + x < k else kind(0)
        tile_b[y, x] = b[at_b + (first + y) * strides[2][0]] if column < m and first + y < k else kind(0)
        cuda.syncthreads()
        for p in range(TILE):
            total += tile_a[y, p] * tile_b[p, x]
        cuda.syncthreads()
    if row < n and column < m:
        out[offset(z, batch, batch_strides[0]) + row * strides[0][0] + column * strides[0][1]] = total
    # END SOLUTION


# ---- Provided: what a product costs without tiles, to compare with. ----


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
