"""Places are carried along, as an odometer carries its digits, and not computed anew for each row."""

import numpy as np

from terox._numba import prange


def zip_row(fn, n, memory, places, steps):
    out, a, b = memory
    if (steps == 1).all():
        left = a[places[1] : places[1] + n]
        right = b[places[2] : places[2] + n]
        result = out[places[0] : places[0] + n]
        for i in range(len(result)):
            result[i] = fn(left[i], right[i])
        return
    here, at, bt = places[0], places[1], places[2]
    for _ in range(n):
        out[here] = fn(a[at], b[bt])
        here += steps[0]
        at += steps[1]
        bt += steps[2]


def elementwise_range(row, fn, begin, end, memory, sizes, strides):
    dims = len(sizes)
    operands = len(strides)
    index = np.zeros(dims, np.int64)
    rest = begin
    for back in range(dims):
        d = dims - 1 - back
        index[d] = rest % sizes[d]
        rest = rest // sizes[d]
    places = np.zeros(operands, np.int64)
    left = end - begin
    while left > 0:
        for k in range(operands):
            place = 0
            for d in range(dims):
                place += index[d] * strides[k, d]
            places[k] = place
        n = sizes[dims - 1] - index[dims - 1]
        if n > left:
            n = left
        row(fn, n, memory, places, strides[:, dims - 1])
        left -= n
        index[dims - 1] += n
        for back in range(dims - 1):
            d = dims - 1 - back
            if index[d] == sizes[d]:
                index[d] = 0
                index[d - 1] += 1


def parallel_for(loop, count, grain, operands):
    whole = count // grain
    if whole * grain < count:
        whole += 1
    for chunk in prange(whole):
        first = chunk * grain
        last = first + grain
        if last > count:
            last = count
        loop(first, last, operands)


def launch(kernel, count, work, *operands):
    units = GRAIN // work  # noqa: F821
    if units < 1:
        units = 1
    if count > units:
        kernel.parallel(count, units, *operands)
        return
    kernel.serial(0, count, *operands)
