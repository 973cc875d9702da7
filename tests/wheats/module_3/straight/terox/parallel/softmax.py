"""A right solution built another way: maximum and sum in one pass; element by element where it lies, without slices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from terox.parallel.vector_math import exp


def softmax_row(target: Any, source: Any) -> None:
    top, total = source[0], 0.0
    for i in range(len(source)):
        x = source[i]
        if x > top:
            if total != 0.0:
                total = total * exp(top - x)
            top = x
        if x != -math.inf:
            total = total + exp(x - top)
    for i in range(len(source)):
        target[i] = exp(source[i] - top) / total


def softmax_range(begin: int, end: int, out: Any, a: Any, sizes: Any, strides: Any) -> None:
    d = len(sizes)
    for row in range(end - 1, begin - 1, -1):
        to, place, rest = 0, 0, row
        for dim in range(d - 2, -1, -1):
            to += rest % sizes[dim] * strides[0, dim]
            place += rest % sizes[dim] * strides[1, dim]
            rest //= sizes[dim]
        values, results = np.empty(sizes[d - 1], a.dtype), np.empty(sizes[d - 1], a.dtype)
        for i in range(sizes[d - 1]):
            values[i] = a[place + i * strides[1, d - 1]]
        softmax_row(results, values)
        for i in range(sizes[d - 1]):
            out[to + i * strides[0, d - 1]] = results[i]


def softmax_back_row(target: Any, grad: Any, y: Any) -> None:
    total = 0.0
    for i in range(len(y) - 1, -1, -1):
        total = total + float(grad[i]) * float(y[i])
    for i in range(len(y)):
        target[i] = y[i] * grad[i] - y[i] * total


def softmax_back_range(begin: int, end: int, out: Any, grad: Any, y: Any, sizes: Any, strides: Any) -> None:
    d = len(sizes)
    n = sizes[d - 1]
    row = begin
    while row < end:
        starts, rest = np.zeros(3, np.int64), row
        for dim in range(d - 2, -1, -1):
            for operand in range(3):
                starts[operand] += rest % sizes[dim] * strides[operand, dim]
            rest //= sizes[dim]
        total = 0.0
        for i in range(n):
            total += float(grad[starts[1] + i * strides[1, d - 1]]) * float(y[starts[2] + i * strides[2, d - 1]])
        for i in range(n):
            factor = y[starts[2] + i * strides[2, d - 1]]
            out[starts[0] + i * strides[0, d - 1]] = factor * (grad[starts[1] + i * strides[1, d - 1]] - total)
        row += 1
