"""Fewer dimensions, for the same work: what is done before a loop runs. Task 3.1.

A loop over a tensor of sizes (8, 3, 4) that lies contiguously is a loop over 96 numbers in a row. To find this out once
before the loop, is cheaper than to walk through three indices for each number, and only a long row of neighbors keeps a
core's vector unit busy.

Here `strides` is a list: for each operand, its strides along the same dimensions.

In PyTorch: `aten/src/ATen/TensorIterator.cpp`, `reorder_dimensions`, `coalesce_dimensions`.
"""

from __future__ import annotations

Sizes = tuple[int, ...]
Strides = list[tuple[int, ...]]


def reorder(sizes: Sizes, strides: Strides) -> tuple[Sizes, Strides]:
    """The same dimensions, ordered such that the first operand's strides become smaller from left to right.

    The first operand is the result; of dimensions in which its strides are equal, the next operand's decide, and so on;
    dimensions that are equal in all strides keep their order. Every operand's strides are ordered in the same way, so
    each index still finds the same elements. The last dimension, which the inner loop runs through, is then the one
    along which the result lies closest together.

    `reorder((2, 3), [(1, 2), (3, 1)])` is `((3, 2), [(2, 1), (1, 3)])`.
    """
    # TODO 3.1: sort the numbers of the dimensions; the key of a dimension is its stride in every operand.

    raise NotImplementedError("Task 3.1: reorder")


def coalesce(sizes: Sizes, strides: Strides) -> tuple[Sizes, Strides]:
    """As few dimensions as possible that go through the same elements, in the same order.

    Dimensions of size 1 are left out. Neighboring dimensions become one where that is possible for all operands: a step
    along the left one has to be as long as all steps along the right one together, `strides[d] == sizes[d + 1] *
    strides[d + 1]`; the new dimension has the right one's strides. If nothing is left, the result is one dimension of
    size 1 with strides 0. `sizes` holds no 0: for a tensor without elements there is nothing to be done.

    `coalesce((8, 3, 4), [(12, 4, 1), (0, 4, 1)])` is `((8, 12), [(12, 1), (0, 1)])`.
    """
    # TODO 3.1: go through the dimensions from the left; merge each into the last one kept, or keep it too.

    raise NotImplementedError("Task 3.1: coalesce")


# End of the file.
