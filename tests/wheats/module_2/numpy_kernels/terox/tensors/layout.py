"""A right solution built another way: with NumPy's own functions, and view_strides as NumPy's reshape finds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    if len(sizes) == 0:
        return ()
    behind = [1 if size == 0 else size for size in sizes[1:]] + [1]
    return tuple(int(step) for step in np.cumprod(behind[::-1])[::-1])


def position(index: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
    return int(np.dot(np.array(index, dtype=np.int64), np.array(strides, dtype=np.int64))) + offset


def index_at(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(number, tuple(sizes))))


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    if np.prod(sizes) == 0:
        return True
    return all(size == 1 or stride == wanted
               for size, stride, wanted in zip(sizes, strides, contiguous_strides(sizes)))


def view_strides(sizes: Sequence[int], strides: Sequence[int], new_sizes: Sequence[int]) -> tuple[int, ...] | None:
    if 0 in sizes:
        return tuple(strides) if list(sizes) == list(new_sizes) else contiguous_strides(new_sizes)
    kept = [(size, stride) for size, stride in zip(sizes, strides) if size != 1]
    result = [0] * len(new_sizes)
    wanted = [place for place, size in enumerate(new_sizes) if size != 1]
    old, new = 0, 0
    while old < len(kept):
        # The smallest runs of old and of new dimensions that have equally many elements.
        old_end, new_end = old + 1, new + 1
        of_old, of_new = kept[old][0], new_sizes[wanted[new]]
        while of_old != of_new:
            if of_new < of_old:
                of_new *= new_sizes[wanted[new_end]]
                new_end += 1
            else:
                of_old *= kept[old_end][0]
                old_end += 1
        for (_, stride), (size, following) in zip(kept[old : old_end - 1], kept[old + 1 : old_end]):
            if stride != size * following:
                return None
        step = kept[old_end - 1][1]
        for place in reversed(wanted[new:new_end]):
            result[place] = step
            step *= new_sizes[place]
        old, new = old_end, new_end
    return tuple(result)
