"""Layout: where in the storage an element lies. Task 2.1.

    sizes    how many elements there are along each dimension: (2, 3)
    strides  how far one step along each dimension goes in the storage: (3, 1)
    offset   where the element with index (0, 0) lies

In PyTorch: `c10/core/TensorImpl.h`, `sizes_and_strides_`, `storage_offset_`.
"""

from __future__ import annotations

from collections.abc import Sequence


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor whose elements lie one after the other, the last dimension running fastest.

    `(2, 3, 4)` gives `(12, 4, 1)`; `()` gives `()`. Where there is no element, sizes of 0 count as 1, as in PyTorch:
    `(2, 0, 4)` gives `(4, 4, 1)`.

    In PyTorch: `c10/util/strides.h`, `contiguous_strides`.
    """
    # TODO 2.1: from the last dimension to the first; each stride is the product of the sizes behind it.

    raise NotImplementedError("Task 2.1: contiguous_strides")


def position(index: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
    """Where in the storage the element with this index lies.

    `index` and `strides` have equal lengths; no index is negative.
    """
    # TODO 2.1: the formula at the top of storage.py.

    raise NotImplementedError("Task 2.1: position")


def index_at(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The index of element number `number`, when elements are counted with the last dimension running fastest.

    For sizes (2, 3): 0 is (0, 0), 1 is (0, 1), 3 is (1, 0), 5 is (1, 2). It is about sizes only: where an element
    lies in the storage plays no part. `number` is from 0 to the number of elements, exclusive.

    In NumPy: `numpy.unravel_index`.
    """
    # TODO 2.1: the remainder by the last size is the last index; the quotient goes on to the dimension before.

    raise NotImplementedError("Task 2.1: index_at")


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements, counted with the last dimension running fastest, lie one after the other.

    The stride of a dimension of size 1 does not matter: no step is ever taken there. A tensor without elements is
    contiguous.

    In PyTorch: `torch.Tensor.is_contiguous`; `c10/core/Contiguity.h`, `_compute_contiguous`.
    """
    # TODO 2.1: from the last dimension to the first, compare each stride with what it would have to be.

    raise NotImplementedError("Task 2.1: is_contiguous")


def view_strides(sizes: Sequence[int], strides: Sequence[int], new_sizes: Sequence[int]) -> tuple[int, ...] | None:
    """Strides under which the same memory can be looked at with `new_sizes`; None if there are none.

    Elements keep their order (last dimension fastest). Both sizes have the same number of elements. Sizes (4, 3) with
    strides (3, 1) can become (2, 2, 3) with strides (6, 3, 1). Transposed, as sizes (3, 4) with strides (1, 3), they
    can become (3, 2, 2) with strides (1, 6, 3), but not (12,).

    PyTorch's rule: the dimensions fall into *chunks*, runs of neighboring dimensions in which each stride is the stride
    behind it times the size behind it (`strides[d] == strides[d + 1] * sizes[d + 1]`). Dimensions of size 1 never end
    a chunk, as if they were not there. A chunk can be divided anew in any way; no new dimension can reach across from
    one chunk into the next. New dimensions of size 1 may get any stride.

    Where there is no element, every view is possible: if the sizes stay the same, so do the strides, and otherwise they
    are `contiguous_strides(new_sizes)`.

    In PyTorch: `aten/src/ATen/TensorUtils.h`, `computeStride`.
    """
    # TODO 2.1: from the last dimension to the first; collect a chunk of old dimensions, then cover it with new ones.

    raise NotImplementedError("Task 2.1: view_strides")


# ---- Provided ----


def places(sizes: Sequence[int], strides: Sequence[int], offset: int = 0) -> list[int]:
    """Where in the storage all elements lie, counted with the last dimension running fastest.

    The same as `position(index_at(n, sizes), strides, offset)` for n = 0, 1, 2, ..., but each dimension is gone through
    once, which is several times as fast.
    """
    found = [offset]
    for size, stride in zip(sizes, strides):
        found = [place + i * stride for place in found for i in range(size)]
    return found
