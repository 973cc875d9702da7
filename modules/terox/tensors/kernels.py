"""Kernels of the device "python": the loops that do the work, to be read. Task 2.3.

A kernel gets TensorImpls and fills `out`, whose memory was allocated before. It never sees a graph, a dtype to be
promoted or a shape that does not fit: all that was done above. What it has to respect is the layout: any sizes (0, 1,
no dimension at all), any strides (0 where a dimension was broadcast, and any order), any offset; and each operand has
its own. What lies in the memory beside the elements is not touched, and neither are the inputs.

Elements are read and written as `impl.storage.data[place]`, one at a time, where `place` follows from index, strides
and offset, as in task 2.1; for all elements at once, `layout.places` gives them in a list. Nothing else of the storage
is used: where `out` is of whole numbers, a list of Python's numbers takes the place of its `data`, so that any result
can be written, and `exact` in other_kernels.py cuts it to 64 bits afterward.

In PyTorch: `aten/src/ATen/native/cpu/Loops.h`, `Reduce.h`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from terox.tensors.layout import places, position
from terox.tensors.storage import TensorImpl


def _all(impl: TensorImpl) -> list[int]:
    """Where the elements lie. Provided."""
    return places(impl.sizes, impl.strides, impl.offset)


def elementwise(fn: Callable[..., float], out: TensorImpl, *ins: TensorImpl) -> None:
    """`out[index] = fn(ins[0][index], ins[1][index], ...)` for every index.

    `fn` takes as many numbers as there are `ins` (0, 1, 2, 3, ...), which all have the sizes of `out`. It is called
    once for each element of `out`, in any order.

    In PyTorch: `aten/src/ATen/native/cpu/Loops.h`, `basic_loop`.
    """
    # TODO 2.3: go through all indices; in each, find the place in every operand with its own strides.

    raise NotImplementedError("Task 2.3: elementwise")


def reduce(fn: Callable[[float, float], float], out: TensorImpl, a: TensorImpl, dims: Sequence[int],
           start: float) -> None:
    """Fold `a` along the dimensions `dims` into `out`, with `fn(so_far, element)`, beginning with `start`.

    `out` has as many dimensions as `a`: size 1 in each of `dims`, else the size of `a`. `dims` are different numbers
    from 0 on, in any order; with none of them, each element is folded with `start` alone. Where there is nothing to
    fold, the result is `start`. `fn` is called once for each element of `a`, in any order. Keep the value so far in a
    Python number until it is complete: in the storage of a float32 tensor it would be rounded at every step.

    In PyTorch: `aten/src/ATen/native/cpu/Reduce.h`, `binary_kernel_reduce`; for the Python number, which has the 64
    bits of a double, `aten/src/ATen/AccumulateType.h`, `acc_type`.
    """
    # TODO 2.3: two loops: over the indices of out, and, from each, over the dimensions that are folded.

    raise NotImplementedError("Task 2.3: reduce")


def matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    """`out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]`.

    Sizes: out (..., n, m), a (..., n, k), b (..., k, m), with equal dimensions in front (a batch; where one operand was
    broadcast, its strides there are 0). Any of them may be 0; for k = 0 the result is 0. As in `reduce`, the sum so far
    is a Python number; it begins with the whole number 0, so that sums of whole numbers stay exact. No product is left
    out: 0 times infinity is NaN.

    This is the one kernel whose inner loop counts: training spends its time there. Take out of it what does not
    change.

    In PyTorch: `aten/src/ATen/native/LinearAlgebra.cpp`, `baddbmm_cpu_kernel`.
    """
    # TODO 2.3: four loops: batch, row i, column j, and the sum over k.

    raise NotImplementedError("Task 2.3: matmul")


# End of the file.
