"""Row and column from the grid, pieces counted one by one, places of the tiles carried along."""

from terox._numba import cuda


def matmul_kernel(kind, out, a, b, sizes, strides, batch, batch_strides):
    n, m, k = sizes
    out_steps, a_steps, b_steps = strides
    column, row = cuda.grid(3)[:2]
    x, y, z = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockIdx.z
    left = cuda.shared.array((TILE, TILE), kind)  # noqa: F821
    right = cuda.shared.array((TILE, TILE), kind)  # noqa: F821
    from_a = offset(z, batch, batch_strides[1]) + row * a_steps[0] + x * a_steps[1]  # noqa: F821
    from_b = offset(z, batch, batch_strides[2]) + y * b_steps[0] + column * b_steps[1]  # noqa: F821
    total = kind(0)
    for piece in range((k + TILE - 1) // TILE):  # noqa: F821
        depth = k - piece * TILE  # noqa: F821
        left[y, x] = kind(0)
        if row < n and x < depth:
            left[y, x] = a[from_a]
        right[y, x] = kind(0)
        if column < m and y < depth:
            right[y, x] = b[from_b]
        from_a += TILE * a_steps[1]  # noqa: F821
        from_b += TILE * b_steps[0]  # noqa: F821
        cuda.syncthreads()
        p = 0
        while p < TILE:  # noqa: F821
            total += left[y, p] * right[p, x]
            p += 1
        cuda.syncthreads()
    if row >= n or column >= m:
        return
    out[offset(z, batch, batch_strides[0]) + row * out_steps[0] + column * out_steps[1]] = total  # noqa: F821
