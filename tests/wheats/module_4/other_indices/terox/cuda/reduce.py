"""The tree keeps what a thread has in a register, and numbers are computed in other ways."""

from terox._numba import cuda


def block_fold(fn, kind, value):
    t = cuda.threadIdx.x
    values = cuda.shared.array((BLOCK,), kind)  # noqa: F821
    values[t] = value
    working = cuda.blockDim.x >> 1
    while working >= 1:
        cuda.syncthreads()
        if t < working:
            value = fn(value, values[working + t])
            values[t] = value
        working >>= 1
    cuda.syncthreads()
    whole = values[0]
    cuda.syncthreads()
    return whole


def reduce_kernel(fn, start, kind, out, a, length, parts, kept, kept_strides, folded, folded_strides):
    block = cuda.blockIdx.x
    result = block // parts
    part = block - result * parts
    begin = offset(result, kept, kept_strides)  # noqa: F821
    value = start
    i = part * cuda.blockDim.x + cuda.threadIdx.x
    while i < length:
        value = fn(value, a[begin + offset(i, folded, folded_strides)])  # noqa: F821
        i += parts * cuda.blockDim.x
    whole = block_fold(fn, kind, value)
    if cuda.threadIdx.x > 0:
        return
    out[block] = whole


def parts_for(results, length, block, most):
    wanted, useful = most // results, -(-length // block)
    if wanted > useful:
        wanted = useful
    return wanted if wanted > 1 else 1
