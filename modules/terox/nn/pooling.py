"""The largest of each window: the loops of max-pooling. Task 5.4. Loops and arrays are as in unfolding.py.

In PyTorch: `aten/src/ATen/native/cpu/MaxPoolKernel.cpp`, `cpu_max_pool`, `cpu_max_pool_backward`;
`torch/nn/functional.py`, `max_pool2d`.
"""

from __future__ import annotations

import math  # noqa: F401  For you to use.
from typing import Any

from terox.nn.windows import sizes_of, steps_of  # noqa: F401  For you to use.


def max_pool_range(begin: int, end: int, out: Any, indices: Any, a: Any, sizes: Any, steps: Any) -> None:
    """Write rows number `begin` to `end` of `out` and `indices`, both (planes, out_h, out_w): row r is y = r % out_h of
    plane r // out_h.

    a: (planes, height, width). A window has the elements (y * stride_h - padding_h + i * dilation_h,
    x * stride_w - padding_w + j * dilation_w) for all i and j, except for those outside of the plane: they do not
    count; at least one is inside. `out` gets the largest; NaN is larger than every number. `indices` gets where it
    stands in its plane, row * width + column: of equal ones, the first, row by row (of several NaN, any one).

    In PyTorch: `aten/src/ATen/native/cpu/MaxPoolKernel.cpp`, `compute_internal`.
    """
    # TODO 5.4: for each row and each x: two loops over the window; remember the best and where it stands.

    raise NotImplementedError("Task 5.4: max_pool_range")


def max_pool_back_range(begin: int, end: int, grad_input: Any, grad: Any, indices: Any, sizes: Any,
                        steps: Any) -> None:
    """Write planes number `begin` to `end` of the gradient for the input: each element of `grad` is added where its
    maximum stood; everything else is 0.

    grad_input: (planes, height, width), holds anything before. grad, indices: (planes, out_h, out_w).

    In PyTorch: `aten/src/ATen/native/cpu/MaxPoolKernel.cpp`, `cpu_max_pool_backward`.
    """
    # TODO 5.4: set the plane to 0; then one loop over the results of this plane. Windows may overlap.

    raise NotImplementedError("Task 5.4: max_pool_back_range")


# End of the file.
