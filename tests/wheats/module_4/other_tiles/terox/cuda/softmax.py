"""A right solution built another way: join is written with `if`, a part without elements is left out, the tree joins
neighbors first, and the first pass does not call join.
"""

import math

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import BLOCK
from terox.foundations.operators import exp


def join(top, total, other_top, other_total):
    if top == math.inf or other_top == math.inf:
        return math.inf, math.nan
    if other_top == -math.inf:
        return top, total
    if top == -math.inf:
        return other_top, other_total
    if other_top > top:
        return other_top, other_total + total * exp(top - other_top)
    if other_top != other_top:
        return other_top, other_total
    return top, total + other_total * exp(other_top - top)


def block_join(kind, top, total):
    sums = cuda.shared.array(BLOCK, kind)
    maxima = cuda.shared.array(BLOCK, kind)
    cuda.syncthreads()
    t = cuda.threadIdx.x
    maxima[t] = top
    sums[t] = total
    distance = 1
    while distance < cuda.blockDim.x:
        cuda.syncthreads()
        if t % (2 * distance) == 0:
            maxima[t], sums[t] = join(maxima[t + distance], sums[t + distance], maxima[t], sums[t])
        distance *= 2
    cuda.syncthreads()
    return maxima[0], sums[0]


def softmax_kernel(kind, out, a, length, steps, rows, strides):
    at_a = offset(cuda.blockIdx.x, rows, strides[1]) + cuda.threadIdx.x * steps[1]
    at_out = offset(cuda.blockIdx.x, rows, strides[0]) + cuda.threadIdx.x * steps[0]
    top, total = kind(-math.inf), kind(0)
    i, at = cuda.threadIdx.x, at_a
    while i < length:
        x = a[at]
        if x == math.inf:
            top, total = x, math.nan
        elif x != x or x > top:
            total = total * exp(top - x) + kind(1)
            top = x
        elif top > -math.inf or top != top:
            total += exp(x - top)
        i += cuda.blockDim.x
        at += cuda.blockDim.x * steps[1]
    top, total = block_join(kind, top, total)
    i = cuda.threadIdx.x
    while i < length:
        out[at_out] = exp(a[at_a] - top) / total
        i += cuda.blockDim.x
        at_a += cuda.blockDim.x * steps[1]
        at_out += cuda.blockDim.x * steps[0]
