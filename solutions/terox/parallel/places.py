"""Where in memory an element lies, given its number. Provided.

Results, rows and products of a batch are numbered from 0, the last dimension running fastest: so a range of numbers
says which of them are one's own, whatever the sizes.

In PyTorch: `aten/src/ATen/TensorIteratorInternal.h`, `DimCounter`.
"""

from __future__ import annotations

from typing import Any


def place_of(number: int, sizes: Any, steps: Any) -> int:
    """How far element `number` lies from the first one, counted with the last dimension running fastest.

    sizes, steps: int64 arrays, (d,); without dimensions there is one element, and the result is 0.
    """
    place = 0
    for d in range(len(sizes) - 1, -1, -1):
        place += number % sizes[d] * steps[d]
        number //= sizes[d]
    return place
