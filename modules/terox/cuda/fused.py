"""More kernels that do several things at once: log-softmax, what softmax needs backward, cross-entropy, a step of SGD.
Provided.

Each of the first five has a block for each row, as softmax.py's; their parameters are the same, with more arrays.

In PyTorch: `aten/src/ATen/native/cuda/PersistentSoftmax.cuh`, `SoftMax.cu`, `Loss.cu`, `FusedSgdKernel.cu`.
"""

from __future__ import annotations

import math
from typing import Any

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.reduce import block_fold
from terox.cuda.softmax import block_join, join
from terox.foundations.operators import add, exp, log


def row_total(kind: Any, a: Any, at: int, step: int, length: int) -> Any:
    """Maximum of a row, and the sum of exp(x - maximum); every thread of the block gets both."""
    top, total = kind(-math.inf), kind(0)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        top, total = join(top, total, a[at + i * step], kind(1))
    return block_join(kind, top, total)


def log_softmax_kernel(kind: Any, out: Any, a: Any, length: int, steps: Any, rows: Any, strides: Any) -> None:
    """`out[i] = a[i] - top - log(total)`."""
    at_out, at_a = offset(cuda.blockIdx.x, rows, strides[0]), offset(cuda.blockIdx.x, rows, strides[1])
    top, total = row_total(kind, a, at_a, steps[1], length)
    shift = log(total)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        out[at_out + i * steps[0]] = a[at_a + i * steps[1]] - top - shift


def softmax_back_kernel(kind: Any, out: Any, grad: Any, y: Any, length: int, steps: Any, rows: Any,
                        strides: Any) -> None:
    """`out[i] = y[i] * (grad[i] - sum of grad * y)`; `y` is the result of softmax."""
    row = cuda.blockIdx.x
    at_out, at_grad, at_y = offset(row, rows, strides[0]), offset(row, rows, strides[1]), offset(row, rows, strides[2])
    total = kind(0)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        total += grad[at_grad + i * steps[1]] * y[at_y + i * steps[2]]
    total = block_fold(add, kind, total)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        out[at_out + i * steps[0]] = y[at_y + i * steps[2]] * (grad[at_grad + i * steps[1]] - total)


def log_softmax_back_kernel(kind: Any, out: Any, grad: Any, y: Any, length: int, steps: Any, rows: Any,
                            strides: Any) -> None:
    """`out[i] = grad[i] - exp(y[i]) * sum of grad`; `y` is the result of log-softmax."""
    row = cuda.blockIdx.x
    at_out, at_grad, at_y = offset(row, rows, strides[0]), offset(row, rows, strides[1]), offset(row, rows, strides[2])
    total = kind(0)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        total += grad[at_grad + i * steps[1]]
    total = block_fold(add, kind, total)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        out[at_out + i * steps[0]] = grad[at_grad + i * steps[1]] - exp(y[at_y + i * steps[2]]) * total


def cross_entropy_kernel(kind: Any, out: Any, a: Any, target: Any, note: Any, number: int, length: int, steps: Any,
                         rows: Any, strides: Any) -> None:
    """`out`, for each row of logits: `log(total) + top - a[target]`. A class that does not exist is noted."""
    row = cuda.blockIdx.x
    at_a = offset(row, rows, strides[1])
    top, total = row_total(kind, a, at_a, steps[1], length)
    if cuda.threadIdx.x == 0:
        right = target[offset(row, rows, strides[2])]
        if right < 0 or right >= length:
            note[0] = number
            note[1] = right
            right = 0
        out[offset(row, rows, strides[0])] = log(total) + (top - a[at_a + right * steps[1]])


def cross_entropy_back_kernel(kind: Any, out: Any, grad: Any, a: Any, target: Any, count: int, length: int, steps: Any,
                              rows: Any, strides: Any) -> None:
    """`out[i] = (softmax(a)[i] - (i == target)) * grad / count`; `grad` is one number for all rows, and all classes
    exist."""
    row = cuda.blockIdx.x
    at_out, at_a = offset(row, rows, strides[0]), offset(row, rows, strides[2])
    top, total = row_total(kind, a, at_a, steps[2], length)
    right, share = target[offset(row, rows, strides[3])], grad[0] / kind(count)
    for i in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        chance = exp(a[at_a + i * steps[2]] - top) / total
        if i == right:
            chance -= kind(1)
        out[at_out + i * steps[0]] = chance * share


def sgd_kernel(kind: Any, param: Any, velocity: Any, grad: Any, lr: Any, momentum: Any, weight_decay: Any, count: int,
               sizes: Any, strides: Any) -> None:
    """A step of SGD, in one pass: `velocity <- momentum * velocity + grad + weight_decay * param`, `param <- param -
    lr * velocity`. Without momentum, velocity is not touched, and may be any array."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        p = offset(i, sizes, strides[0])
        change = grad[offset(i, sizes, strides[2])]
        if weight_decay != 0.0:
            change += param[p] * kind(weight_decay)
        if momentum != 0.0:
            v = offset(i, sizes, strides[1])
            change += velocity[v] * kind(momentum)
            velocity[v] = change
        param[p] -= change * kind(lr)
