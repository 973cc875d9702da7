"""Places by divmod, loops with a counter of their own, and strides unpacked first."""

from terox._numba import cuda


def offset(number, sizes, strides):
    place = 0
    for back in range(1, len(sizes)):
        number, index = divmod(number, sizes[-back])
        place = place + strides[-back] * index
    return strides[0] * number + place


def map_kernel(fn, out, a, count, sizes, strides):
    of_out, of_a = strides
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    step = cuda.blockDim.x * cuda.gridDim.x
    while i < count:
        x = a[offset(i, sizes, of_a)]
        out[offset(i, sizes, of_out)] = fn(x)
        i += step


def zip_kernel(fn, out, a, b, count, sizes, strides):
    of_out, of_a, of_b = strides
    step = cuda.gridsize(1)
    for number in range((count + step - 1) // step):
        i = cuda.grid(1) + number * step
        if i < count:
            y = b[offset(i, sizes, of_b)]
            x = a[offset(i, sizes, of_a)]
            out[offset(i, sizes, of_out)] = fn(x, y)


def blocks_for(count, block, most):
    if count <= 0:
        return 1
    blocks = -(-count // block)
    return blocks if blocks < most else most
