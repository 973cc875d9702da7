"""More fused loops: log-softmax, logsumexp, cross-entropy, a step of the optimizer. Provided.

Each is built as softmax.py's are, and takes what every loop takes: the range of its units, 1-D arrays with `out` first,
sizes and strides. A unit is a row along the last dimension, or, in `sgd_range`, one element. No size is 0.

In PyTorch: `aten/src/ATen/native/cpu/LogSoftmaxKernelImpl.h`; `aten/src/ATen/native/ReduceOps.cpp`,
`logsumexp_out_impl`; `aten/src/ATen/native/LossNLL.cpp`; `aten/src/ATen/native/cpu/FusedSGDKernel.cpp`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from terox._numba import add_any_order, maximum
from terox.parallel.softmax import read_row, row_start, write_row
from terox.parallel.vector_math import exp


def row_top(source: Any) -> Any:
    """The maximum of a row; NaN if there is one in it."""
    top = source[0]
    for i in range(1, len(source)):
        top = maximum(top, source[i])
    return top


def row_total(source: Any, top: Any) -> Any:
    """The sum of `exp(source - top)` over a row, in 64 bits."""
    total = 0.0
    for i in range(len(source)):
        total = add_any_order(total, exp(source[i] - top))
    return total


def log_softmax_row(target: Any, source: Any) -> None:
    """`target = source - top - log(total)`. The maximum goes first: rounded together with log(total), it would take
    digits from a small result."""
    top = row_top(source)
    shift = target.dtype.type(math.log(row_total(source, top)))
    for i in range(len(source)):
        target[i] = source[i] - top - shift


def log_softmax_range(begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """log(softmax(a)) of the rows number `begin` to `end`. strides (2, d): of `out` and `a`."""
    n, step = sizes[-1], strides[0, -1]
    scratch, result = np.empty(n, a.dtype), np.empty(n, out.dtype)
    for row in range(begin, end):
        source = read_row(scratch, a, row_start(row, sizes, strides[1]), strides[1, -1])
        start = row_start(row, sizes, strides[0])
        target = out[start : start + n] if step == 1 else result
        log_softmax_row(target, source)
        write_row(out, start, step, target)


def log_softmax_back_row(target: Any, grad: Any, y: Any) -> None:
    """`target = grad - exp(y) * sum(grad)`; `y` is the result of log-softmax."""
    total = 0.0
    for i in range(len(y)):
        total = add_any_order(total, grad[i])
    factor = target.dtype.type(total)
    for i in range(len(y)):
        target[i] = grad[i] - exp(y[i]) * factor


def log_softmax_back_range(begin: int, end: int, out: Any, grad: Any, y: Any, sizes: Any, strides: Any) -> None:
    """The gradient for log-softmax's input, rows `begin` to `end`. strides (3, d): of `out`, `grad` and `y`."""
    n, step = sizes[-1], strides[0, -1]
    scratch, scratch_y, result = np.empty(n, grad.dtype), np.empty(n, y.dtype), np.empty(n, out.dtype)
    for row in range(begin, end):
        upstream = read_row(scratch, grad, row_start(row, sizes, strides[1]), strides[1, -1])
        results = read_row(scratch_y, y, row_start(row, sizes, strides[2]), strides[2, -1])
        start = row_start(row, sizes, strides[0])
        target = out[start : start + n] if step == 1 else result
        log_softmax_back_row(target, upstream, results)
        write_row(out, start, step, target)


def logsumexp_range(begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    """log(sum(exp(a))) of the rows number `begin` to `end`. strides (2, d): of `out`, 0 along the rows, and of `a`.

    A row with +inf gives inf; -inf everywhere gives -inf.
    """
    scratch = np.empty(sizes[-1], a.dtype)
    for row in range(begin, end):
        source = read_row(scratch, a, row_start(row, sizes, strides[1]), strides[1, -1])
        top = row_top(source)
        # From an infinite maximum, nothing can be subtracted; it is the result.
        result = top if abs(top) == np.inf else top + math.log(row_total(source, top))
        out[row_start(row, sizes, strides[0])] = result


def cross_entropy_range(begin: int, end: int, losses: Any, a: Any, target: Any, sizes: Any, strides: Any) -> None:
    """The cross-entropy of each row of logits with its class: `losses[row] = -log_softmax(a)[row, target[row]]`.

    target: int64, the numbers of the classes, 0 to n - 1. strides (3, d): of `losses` (0 along the rows), `a` and
    `target` (0 along the rows). The mean of the losses is taken outside, so that it does not depend on how rows were
    cut into ranges.

    A class that does not exist makes its loss NaN, and nothing is read there. So whoever calls this has to look at the
    targets only if the mean is NaN.
    """
    n = sizes[-1]
    scratch = np.empty(n, a.dtype)
    for row in range(begin, end):
        source = read_row(scratch, a, row_start(row, sizes, strides[1]), strides[1, -1])
        number = target[row_start(row, sizes, strides[2])]
        loss = np.nan
        if 0 <= number < n:
            top = row_top(source)
            loss = math.log(row_total(source, top)) + (top - source[number])
        losses[row_start(row, sizes, strides[0])] = loss


def cross_entropy_back_range(begin: int, end: int, out: Any, grad: Any, a: Any, target: Any, sizes: Any,
                             strides: Any) -> None:
    """The gradient for the logits: `(softmax(a) - onehot(target)) * grad`, rows `begin` to `end`.

    grad: one number for each row (stride 0 along the rows); for a mean over N rows, the upstream gradient divided by N,
    with stride 0 everywhere. strides (4, d): of `out`, `grad`, `a` and `target`. All classes exist.
    """
    n, step = sizes[-1], strides[0, -1]
    scratch, result = np.empty(n, a.dtype), np.empty(n, out.dtype)
    for row in range(begin, end):
        source = read_row(scratch, a, row_start(row, sizes, strides[2]), strides[2, -1])
        upstream = grad[row_start(row, sizes, strides[1])]
        start = row_start(row, sizes, strides[0])
        to = out[start : start + n] if step == 1 else result
        top = row_top(source)
        total = 0.0
        for i in range(n):
            power = exp(source[i] - top)
            to[i] = power
            total = add_any_order(total, power)
        factor = to.dtype.type(upstream / total)
        for i in range(n):
            to[i] *= factor
        to[target[row_start(row, sizes, strides[3])]] -= upstream
        write_row(out, start, step, to)


def sgd_row(param: Any, velocity: Any, grad: Any, lr: Any, momentum: Any, weight_decay: Any) -> None:
    """One step for neighboring elements. Without momentum, velocity is neither read nor written."""
    if momentum == 0.0:
        for i in range(len(param)):
            change = grad[i] + param[i] * weight_decay if weight_decay != 0.0 else grad[i]
            param[i] = param[i] - change * lr
    else:
        for i in range(len(param)):
            change = grad[i] + param[i] * weight_decay if weight_decay != 0.0 else grad[i]
            change = velocity[i] * momentum + change
            velocity[i] = change
            param[i] = param[i] - change * lr


def sgd_range(begin: int, end: int, param: Any, velocity: Any, grad: Any, settings: Any, sizes: Any,
              strides: Any) -> None:
    """One step of SGD for the elements number `begin` to `end`, in one pass: `velocity <- momentum * velocity + grad +
    weight_decay * param`, `param <- param - lr * velocity`.

    settings: three float64 numbers, lr, momentum and weight_decay; they are converted to the kind of `param`. For the
    first step, velocity is all 0; without momentum, it is not touched and may be any array of that kind. The strides of
    param, velocity and grad, in rows 0 to 2 of strides (4, d), may be any.
    """
    kind = param.dtype.type
    lr, momentum, weight_decay = kind(settings[0]), kind(settings[1]), kind(settings[2])
    n, steps = sizes[-1], strides[:, -1]
    while begin < end:
        here = begin % n
        count = min(n - here, end - begin)
        p, v, g = (row_start(begin // n, sizes, strides[0]) + here * steps[0],
                   row_start(begin // n, sizes, strides[1]) + here * steps[1],
                   row_start(begin // n, sizes, strides[2]) + here * steps[2])
        if steps[0] == 1 and steps[1] == 1 and steps[2] == 1:
            sgd_row(param[p : p + count], velocity[v : v + count], grad[g : g + count], lr, momentum, weight_decay)
        else:
            for i in range(count):
                a, b, c = p + i * steps[0], v + i * steps[1], g + i * steps[2]
                sgd_row(param[a : a + 1], velocity[b : b + 1], grad[c : c + 1], lr, momentum, weight_decay)
        begin += count
