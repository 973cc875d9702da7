"""Views: other sizes, strides and offset for the same memory. Nothing is copied. Task 2.4.

Each function takes the geometry of a tensor, `sizes`, `strides` and `offset`, and returns that of the view: two tuples
of ints, and an int. The tensor may be a view itself, with any strides, and an offset of its own that is not to be lost.
Arguments are checked before: dimensions are from 0 on and exist, indices and ranges lie inside. All other
views (`transpose`, `T`, `unsqueeze`, `flatten`, `narrow`, everything in `[]`) are made of these four and `view`.

In PyTorch: `aten/src/ATen/native/TensorShape.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence

from terox.tensors.broadcasting import broadcast_strides, cannot_expand

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


def permute(sizes: Sequence[int], strides: Sequence[int], offset: int, dims: Sequence[int]) -> Geometry:
    """Dimension `n` of the view is dimension `dims[n]` of the tensor. `dims` has each dimension once.

    In PyTorch: `torch.permute`.
    """
    # TODO 2.4: sizes and strides move together.

    raise NotImplementedError("Task 2.4: permute")


def expand(sizes: Sequence[int], strides: Sequence[int], offset: int, shape: Sequence[int]) -> Geometry:
    """The tensor stretched to `shape`, where a size of -1 keeps the tensor's own size along that dimension.

    (3, 1) expanded to (2, -1, 4) is (2, 3, 4): shapes are aligned at their last dimension.

    Raises RuntimeError that names both shapes, where the tensor cannot be stretched to `shape` (as in task 2.2), and
    where -1 stands in front, for a dimension that the tensor does not have: `cannot_expand(sizes, shape)`, provided.

    In PyTorch: `torch.Tensor.expand`.
    """
    # TODO 2.4: put the tensor's sizes in place of -1; task 2.2 gives the strides, and most of the errors.

    raise NotImplementedError("Task 2.4: expand")


def slice(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, start: int, stop: int,
          step: int) -> Geometry:
    """Along dimension `dim`, the indices `start`, `start + step`, ... below `stop`; `0 <= start`, `step >= 1`.

    `stop` is at most the size of `dim`. If it is not above `start`, nothing is left: the size is 0, whatever the step.
    In this file, `slice` is this function, not Python's.

    In PyTorch: `x[start:stop:step]`; `aten::slice.Tensor`.
    """
    # TODO 2.4: the view begins further on, and its steps are longer. How many steps fit?

    raise NotImplementedError("Task 2.4: slice")


def select(sizes: Sequence[int], strides: Sequence[int], offset: int, dim: int, index: int) -> Geometry:
    """The part with one `index` along dimension `dim`, which the view does not have any more.

    In PyTorch: `x[index]`; `torch.select`.
    """
    # TODO 2.4: leave the dimension out; the offset says which part it is.

    raise NotImplementedError("Task 2.4: select")


# End of the file.
