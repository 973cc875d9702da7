"""A right solution built another way: elementwise divides a number into an index, reduce and matmul recurse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from terox.tensors.storage import TensorImpl


def _place(number: int, impl: TensorImpl) -> int:
    place = impl.offset
    for dim in range(len(impl.sizes) - 1, -1, -1):
        place += number % impl.sizes[dim] * impl.strides[dim]
        number //= impl.sizes[dim]
    return place


def elementwise(fn: Callable[..., float], out: TensorImpl, *ins: TensorImpl) -> None:
    for number in range(out.numel):
        args = []
        for a in ins:
            args.append(a.storage.data[_place(number, a)])
        out.storage.data[_place(number, out)] = fn(*args)


def _walk(sizes: Sequence[int], dim: int, *at: tuple[int, Sequence[int]]) -> Iterator[list[int]]:
    """All places, side by side for several (first place, strides), of dimension `dim` and those behind it."""
    if dim == len(sizes):
        yield [place for place, _ in at]
        return
    for step in range(sizes[dim]):
        yield from _walk(sizes, dim + 1, *[(place + step * strides[dim], strides) for place, strides in at])


def reduce(fn: Callable[[float, float], float], out: TensorImpl, a: TensorImpl, dims: Sequence[int],
           start: float) -> None:
    # Both walk through the sizes of a; out stays where it is along the dimensions that are folded.
    still = [0 if dim in dims else stride for dim, stride in enumerate(out.strides)]
    so_far: dict[int, Any] = {place: start for (place,) in _walk(out.sizes, 0, (out.offset, out.strides))}
    for to, place in _walk(a.sizes, 0, (out.offset, still), (a.offset, a.strides)):
        so_far[to] = fn(so_far[to], a.storage.data[place])
    for to, value in so_far.items():
        out.storage.data[to] = value


def matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    def product(dim: int, to: int, left: int, right: int) -> None:
        if dim < len(out.sizes) - 2:
            for i in range(out.sizes[dim]):
                product(dim + 1, to + i * out.strides[dim], left + i * a.strides[dim], right + i * b.strides[dim])
            return
        rows = [[a.storage.data[left + i * a.strides[-2] + k * a.strides[-1]] for k in range(a.sizes[-1])]
                for i in range(a.sizes[-2])]
        for j in range(b.sizes[-1]):
            column = [b.storage.data[right + k * b.strides[-2] + j * b.strides[-1]] for k in range(b.sizes[-2])]
            for i, row in enumerate(rows):
                out.storage.data[to + i * out.strides[-2] + j * out.strides[-1]] = sum(
                    x * y for x, y in zip(row, column))

    product(0, out.offset, a.offset, b.offset)
