"""A right solution built another way: the tile of b is kept transposed, the pieces come from the last one to the first,
even and odd products have a sum of their own, and threads find their element with `cuda.grid`.
"""

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import TILE


def matmul_kernel(kind, out, a, b, sizes, strides, batch, batch_strides):
    right = cuda.shared.array((TILE, TILE), kind)
    left = cuda.shared.array((TILE, TILE), kind)
    column, row = cuda.grid(2)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    z = cuda.blockIdx.z
    at_a = offset(z, batch, batch_strides[1])
    at_b = offset(z, batch, batch_strides[2])
    even, odd = kind(0), kind(0)
    piece = (sizes[2] + TILE - 1) // TILE - 1
    while piece >= 0:
        p = piece * TILE + x
        left[y, x] = 0
        if p < sizes[2] and row < sizes[0]:
            left[y, x] = a[at_a + row * strides[1][0] + p * strides[1][1]]
        p = piece * TILE + y
        if p >= sizes[2] or column >= sizes[1]:
            right[x, y] = 0
        else:
            right[x, y] = b[p * strides[2][0] + column * strides[2][1] + at_b]
        cuda.syncthreads()
        i = TILE - 1
        while i >= 0:
            if i % 2 == 0:
                even += right[x, i] * left[y, i]
            else:
                odd += right[x, i] * left[y, i]
            i -= 1
        cuda.syncthreads()
        piece -= 1
    if row >= sizes[0]:
        return
    if column < sizes[1]:
        out[row * strides[0][0] + column * strides[0][1] + offset(z, batch, batch_strides[0])] = odd + even
