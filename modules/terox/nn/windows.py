"""Windows that slide over a plane: their arguments, how many there are, what loops get of them. Provided.

In PyTorch: `torch/nn/modules/utils.py`, `_pair`; `aten/src/ATen/native/Pool.h`, `pooling_output_shape`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from terox.nn.sliding import output_size

Pair = tuple[int, int]


def pair(value: Any, name: str, op: str, least: int) -> Pair:
    """A number for both directions, alone or in a tuple, or two numbers (vertical, horizontal), as a tuple.

    A list of one number counts as that number, as in PyTorch, except for `unfold` and `fold`. Raises TypeError for what
    is not whole numbers, RuntimeError for another number of them, or for one below `least`.
    """
    values = (value, value) if _whole(value) else tuple(value) if isinstance(value, Sequence) else (None,)
    if not all(map(_whole, values)):
        raise TypeError(f"{op}(): argument '{name}' must be an int or two of them, not {value!r}")
    if len(values) == 1 and op not in ("unfold", "fold"):
        values *= 2
    if len(values) != 2:
        raise RuntimeError(f"{op}: expected {name} to be a single int or a list of 2, but got {name}={list(values)}")
    if min(values) < least:
        raise RuntimeError(f"{op}: {name} should be at least {least}, but got {values}")
    return values


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, str))


class Windows(NamedTuple):
    """All windows of a plane. Each field holds two numbers, vertical and horizontal.

    plane: size of the plane. kernel: size of a window. counts: how many windows there are in each direction.
    """

    plane: Pair
    kernel: Pair
    counts: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    @property
    def sizes(self) -> tuple[int, ...]:
        """What loops call `sizes`: height, width, kernel_h, kernel_w, out_h, out_w."""
        return (*self.plane, *self.kernel, *self.counts)

    @property
    def steps(self) -> tuple[Pair, Pair, Pair]:
        """What loops call `steps`: stride, padding, dilation."""
        return self.stride, self.padding, self.dilation


def windows(op: str, plane: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
            count: Callable[[int, int, int, int, int], int] = output_size) -> Windows:
    """The windows of a plane. Raises RuntimeError, which names the sizes, where not even one fits.

    count: from size, kernel, stride, padding and dilation to a number of windows.
    """
    counts = tuple([count(*each) for each in zip(plane, kernel, stride, padding, dilation)])
    if min(counts) < 1:
        raise RuntimeError(f"{op}: a window of {list(kernel)} with dilation {list(dilation)} does not fit into a plane "
                           f"of {list(plane)} with padding {list(padding)}: the output would have size {list(counts)}")
    return Windows(plane, kernel, counts, stride, padding, dilation)  # type: ignore[arg-type]


# ---- For loops ----


def sizes_of(sizes: Any) -> Any:
    """height, width, kernel_h, kernel_w, out_h, out_w."""
    return sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]


def steps_of(steps: Any) -> Any:
    """stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w."""
    return steps[0][0], steps[0][1], steps[1][0], steps[1][1], steps[2][0], steps[2][1]
