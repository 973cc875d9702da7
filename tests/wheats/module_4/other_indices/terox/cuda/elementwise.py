"""Places and numbers of threads are computed in other ways."""

from terox._numba import cuda


def offset(number, sizes, strides):
    place = 0
    d = len(sizes) - 1
    while d > 0:
        quotient = number // sizes[d]
        place += (number - quotient * sizes[d]) * strides[d]
        number = quotient
        d -= 1
    return place + number * strides[0]


def map_kernel(fn, out, a, count, sizes, strides):
    i = cuda.blockDim.x * cuda.blockIdx.x + cuda.threadIdx.x
    if i >= count:
        return
    to, of = strides
    while i < count:
        out[offset(i, sizes, to)] = fn(a[offset(i, sizes, of)])
        i += cuda.blockDim.x * cuda.gridDim.x


def zip_kernel(fn, out, a, b, count, sizes, strides):
    step = cuda.gridDim.x * cuda.blockDim.x
    i = cuda.grid(1)
    while i < count:
        x = a[offset(i, sizes, strides[1])]
        y = b[offset(i, sizes, strides[2])]
        out[offset(i, sizes, strides[0])] = fn(x, y)
        i += step


def blocks_for(count, block, most):
    blocks = -(-count // block)
    if blocks > most:
        return most
    return blocks if blocks > 0 else 1
