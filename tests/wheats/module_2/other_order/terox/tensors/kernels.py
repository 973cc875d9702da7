"""A right solution built another way: from the last element to the first; sums column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from terox.tensors.layout import index_at, position
from terox.tensors.storage import TensorImpl


def elementwise(fn: Callable[..., float], out: TensorImpl, *ins: TensorImpl) -> None:
    for number in reversed(range(out.numel)):
        index = index_at(number, out.sizes)
        values = (a.storage.data[position(index, a.strides, a.offset)] for a in ins)
        out.storage.data[position(index, out.strides, out.offset)] = fn(*values)


def reduce(fn: Callable[[float, float], float], out: TensorImpl, a: TensorImpl, dims: Sequence[int],
           start: float) -> None:
    values = [start] * out.numel
    for number in reversed(range(a.numel)):
        index = index_at(number, a.sizes)
        kept = [0 if dim in dims else i for dim, i in enumerate(index)]
        into = 0
        for i, size in zip(kept, out.sizes):
            into = into * size + i
        values[into] = fn(values[into], a.storage.data[position(index, a.strides, a.offset)])
    for number, value in enumerate(values):
        out.storage.data[position(index_at(number, out.sizes), out.strides, out.offset)] = value


def matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    n, m = out.sizes[-2:]
    batches = 1
    for size in out.sizes[:-2]:
        batches *= size
    for batch in range(batches):
        index = (*index_at(batch, out.sizes[:-2]), 0, 0)
        left, right, to = (position(index, x.strides, x.offset) for x in (a, b, out))
        sums = [[0] * m for _ in range(n)]
        for k in reversed(range(a.sizes[-1])):  # the outer product of a column and a row, for each k
            row = [b.storage.data[right + k * b.strides[-2] + j * b.strides[-1]] for j in range(m)]
            for i in range(n):
                x = a.storage.data[left + i * a.strides[-2] + k * a.strides[-1]]
                for j in range(m):
                    sums[i][j] = sums[i][j] + x * row[j]
        for i in range(n):
            for j in range(m):
                out.storage.data[to + i * out.strides[-2] + j * out.strides[-1]] = sums[i][j]
