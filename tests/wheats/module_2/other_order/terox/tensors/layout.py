"""A right solution built another way: strides found by trying, one dimension after the other."""

from __future__ import annotations

from collections.abc import Sequence

import itertools
import operator


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    behind = [size or 1 for size in reversed(sizes)]
    return tuple(list(itertools.accumulate([1, *behind], operator.mul))[-2::-1])


def position(index: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
    return sum(map(operator.mul, index, strides), offset)


def index_at(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(number // step % size for step, size in zip(contiguous_strides(sizes), sizes))


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    wanted = contiguous_strides(sizes)
    return 0 in sizes or not any(size > 1 and a != b for size, a, b in zip(sizes, strides, wanted))


def view_strides(sizes: Sequence[int], strides: Sequence[int], new_sizes: Sequence[int]) -> tuple[int, ...] | None:
    if 0 in sizes:
        return tuple(strides) if tuple(sizes) == tuple(new_sizes) else contiguous_strides(new_sizes)

    def where(number: int) -> int:
        return position(index_at(number, sizes), strides)

    # If there are such strides, each is the way from element 0 to the one that is one step further; then every index
    # has to lead to the right place.
    found = [where(step) if size > 1 else 0 for size, step in zip(new_sizes, contiguous_strides(new_sizes))]
    places = [0]
    for size, stride in zip(new_sizes, found):
        places = [place + step * stride for place in places for step in range(size)]
    if any(place != where(number) for number, place in enumerate(places)):
        return None
    return tuple(found)
