"""A part is rescaled only if it has to be; rows are gone through by other numbers."""

import math

from terox._numba import cuda


def join(top, total, other_top, other_total):
    best = max(other_top, top)
    if best > -math.inf or best != best:
        total = total * exp(top - best)  # noqa: F821
        other_total = other_total * exp(other_top - best)  # noqa: F821
    return best, other_total + total


def softmax_kernel(kind, out, a, length, steps, rows, strides):
    row = cuda.blockIdx.x
    to, of = steps
    a_first = offset(row, rows, strides[1])  # noqa: F821
    top, total = kind(-math.inf), kind(0)
    i = cuda.threadIdx.x
    while i < length:
        top, total = join(top, total, a[a_first + of * i], kind(1))
        i += cuda.blockDim.x
    top, total = block_join(kind, top, total)  # noqa: F821
    out_first = offset(row, rows, strides[0])  # noqa: F821
    i = cuda.threadIdx.x
    while i < length:
        out[out_first + to * i] = exp(a[a_first + of * i] - top) / total  # noqa: F821
        i += cuda.blockDim.x
