"""Windows as columns, and back: the loops of `unfold` and `fold`. Task 5.2.

As in module 3, a loop runs over a range of units, and is plain Python here, compiled on the device "cpu". Arrays have
one dimension, begin with the element of index 0, and hold tensors row by row. `sizes_of` and `steps_of` (windows.py)
give the numbers in `sizes` and `steps` their names.

In PyTorch: `aten/src/ATen/native/im2col.h`, `im2col` and `col2im`; `torch/nn/functional.py`, `unfold` and `fold`.
"""

from __future__ import annotations

from typing import Any

from terox.nn.windows import sizes_of, steps_of  # noqa: F401  For you to use.


def unfold_range(begin: int, end: int, out: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Write rows number `begin` to `end` of the columns.

    a: planes (N * C, height, width). out: (N * C, kernel_h, kernel_w, out_h, out_w). A row is what has the same plane,
    i and j: out_h * out_w neighbors. So row number r belongs to j = r % kernel_w, and so on.

        out[plane, i, j, y, x] = a[plane, y * stride_h - padding_h + i * dilation_h,
                                          x * stride_w - padding_w + j * dilation_w]

    and 0 where that lies outside of the plane: nothing is read there.

    In PyTorch: `aten/src/ATen/native/im2col.h`, `im2col`.
    """
    # TODO 5.2: for each row: plane, i and j; then two loops over y and x, and a question before you read.

    raise NotImplementedError("Task 5.2: unfold_range")


def fold_range(begin: int, end: int, out: Any, columns: Any, sizes: Any, steps: Any) -> None:
    """Write planes number `begin` to `end`: each element is the sum of all its copies in the columns, 0 without any.

    out: (N * C, height, width). columns: (N * C, kernel_h, kernel_w, out_h, out_w), as `unfold_range` writes them. What
    would lie outside of the plane is left out. `out` holds anything before.

    A unit is a whole plane: two threads never add to the same element.

    In PyTorch: `aten/src/ATen/native/im2col.h`, `col2im`.
    """
    # TODO 5.2: for each plane: set it to 0; then the loops of unfold, with reading and writing turned around.

    raise NotImplementedError("Task 5.2: fold_range")


# End of the file.
