"""Elementwise kernels on the GPU: any strides, any number of elements. Task 4.2.

A thread does not know how many others there are. It finds its first element from its own number, and the next ones in
steps as large as the whole grid (a *grid-stride loop*). So any grid does the work, a small one too, and neighboring
threads always touch neighboring elements: 32 of them, a warp, run in step, and if their addresses are neighbors, the
memory delivers them in one piece.

In PyTorch: `aten/src/ATen/native/cuda/CUDALoops.cuh`, `aten/src/ATen/cuda/detail/OffsetCalculator.cuh`.
"""

from __future__ import annotations

from typing import Any

from terox._numba import cuda


def offset(number: int, sizes: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How far element `number` lies from element 0, counted with the last dimension running fastest.

    sizes, strides: tuples of the same length, at least 1, and no size is 0. 0 <= number < the product of the sizes.
    With sizes (2, 3), element 5 has the index (1, 2), and so lies 1 * strides[0] + 2 * strides[1] from element 0.

    A division takes a GPU many times as long as a multiplication, and what is left of `number` for the first dimension
    is its index there already. So nothing is divided by sizes[0], and one dimension needs no division at all.

    In PyTorch: `OffsetCalculator::get`.
    """
    # TODO 4.2: from the last dimension to the second: remainder and quotient; the first one gets what is left.

    raise NotImplementedError("Task 4.2: offset")


def map_kernel(fn: Any, out: Any, a: Any, count: int, sizes: Any, strides: Any) -> None:
    """Element i of `out` is fn of element i of `a`, for all `count` elements: the product of the sizes, at least 1.

    out, a: flat memory, each beginning at the operand's element 0. strides: one tuple for each operand, `out` first;
    `offset(i, sizes, strides[0])` is the place of element i in `out`. No two elements of `out` share a place; those of
    `a` may, along a dimension whose stride is 0.

    A thread begins with the element of its own number, `cuda.grid(1)`, and goes on in steps of the number of all
    threads, `cuda.gridsize(1)`: of 2 blocks of 4, thread number 1 has the elements 1, 9, 17, ... There may be more
    threads than elements, and more elements than threads. Each element is read once, and written once.
    """
    # TODO 4.2: a grid-stride loop; offset finds the place of an element in each operand.

    raise NotImplementedError("Task 4.2: map_kernel")


def zip_kernel(fn: Any, out: Any, a: Any, b: Any, count: int, sizes: Any, strides: Any) -> None:
    """Element i of `out` is fn of element i of `a` and element i of `b`, in this order; all else as in `map_kernel`.

    strides: those of `out`, `a` and `b`. An operand that is broadcast has strides of 0.
    """
    # TODO 4.2: the same loop; each operand has strides of its own.

    raise NotImplementedError("Task 4.2: zip_kernel")


def blocks_for(count: int, block: int, most: int) -> int:
    """How many blocks of `block` threads to start for `count` elements: as few as give each a thread of its own.

    But at most `most` blocks, and at least one, also for no elements: a grid without blocks is an error. block and most
    are at least 1, and whole numbers, as the result is. `most` blocks keep all of the GPU busy: more would only wait
    for their turn, and a thread that goes on with another element costs less than one that has to be started.

    In PyTorch: `aten/src/ATen/cuda/detail/KernelUtils.h`, `GET_BLOCKS`.
    """
    # TODO 4.2: round up; then the limits.

    raise NotImplementedError("Task 4.2: blocks_for")


# End of the file.
