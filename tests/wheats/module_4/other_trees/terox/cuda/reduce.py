"""A tree with doubling distances, a barrier before the values are written, and the last thread writes the result."""

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import BLOCK


def block_fold(fn, kind, value):
    values = cuda.shared.array(BLOCK, kind)
    cuda.syncthreads()  # the call before may still be reading
    t = cuda.threadIdx.x
    values[t] = value
    cuda.syncthreads()
    distance = 1
    while distance < cuda.blockDim.x:
        if t % (2 * distance) == 0:
            values[t] = fn(values[t], values[t + distance])
        distance *= 2
        cuda.syncthreads()
    return values[0]


def reduce_kernel(fn, start, kind, out, a, length, parts, kept, kept_strides, folded, folded_strides):
    b = cuda.blockIdx.x
    result = b // parts
    i = (b - result * parts) * cuda.blockDim.x + cuda.threadIdx.x
    first = offset(result, kept, kept_strides)
    value = kind(start)
    while i < length:
        value = fn(a[first + offset(i, folded, folded_strides)], value)
        i += parts * cuda.blockDim.x
    total = block_fold(fn, kind, value)
    if cuda.threadIdx.x == cuda.blockDim.x - 1:
        out[b] = total


def parts_for(results, length, block, most):
    parts = 1
    if most // results > 1:
        parts = most // results
    if (parts - 1) * block >= length:
        parts = (length - 1) // block + 1
    return parts
