"""Numbers of threads by other names, guards by an early return, sums kept in registers or in two arrays by turns."""

import numpy as np

from terox._numba import cuda


def shift(out, a):
    number = cuda.grid(1)
    out[number] = np.float32(10) + a[number]


def guarded(out, a):
    t = cuda.threadIdx.x
    if t >= len(a):
        return
    x = a[t]
    out[t] = x + x


def transposed(out, a):
    x, y = cuda.grid(2)
    rows, columns = a.shape
    if x >= columns or y >= rows:
        return
    out[x, y] = a[y, x]


def outer(out, a, b):
    column, row = cuda.grid(2)
    if row >= a.shape[0] or column >= b.shape[1]:
        return
    out[row, column] = b[0, column] * a[row, 0]


def blocks(out, a):
    i = cuda.grid(1)
    if i >= out.shape[0]:
        return
    out[i] = a[i] ** 2


def reversed_blocks(out, a):
    first = cuda.blockIdx.x * cuda.blockDim.x
    t = cuda.threadIdx.x
    turned = cuda.shared.array((WIDTH,), np.float32)  # noqa: F821
    turned[WIDTH - t - 1] = a[first + t]  # noqa: F821
    cuda.syncthreads()
    out[first + t] = turned[t]


def pooled(out, a):
    padded = cuda.shared.array(WIDTH + 2, np.float32)  # noqa: F821
    i = cuda.threadIdx.x
    if i < 2:
        padded[i] = 0
    x = a[i] if i < len(a) else np.float32(0)
    padded[i + 2] = x
    cuda.syncthreads()
    if i >= len(a):
        return
    total = np.float32(0)
    for back in range(3):
        total += padded[i + back]
    out[i] = total


def running_sum(out, a):
    one = cuda.shared.array(WIDTH, np.float32)  # noqa: F821
    other = cuda.shared.array(WIDTH, np.float32)  # noqa: F821
    i = cuda.threadIdx.x
    total = a[i]
    distance, step = 1, 0
    while distance < WIDTH:  # noqa: F821
        if step % 2 == 0:  # by turns, one barrier is enough
            one[i] = total
        else:
            other[i] = total
        cuda.syncthreads()
        if i - distance >= 0:
            total += one[i - distance] if step % 2 == 0 else other[i - distance]
        distance += distance
        step += 1
    out[i] = total
