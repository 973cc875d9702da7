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
    """How far element `number` lies from the first one, counted with the last dimension running fastest.

    sizes, strides: tuples of the same length, at least 1. 0 <= number < the product of the sizes. A division takes a
    GPU many times as long as a multiplication, and what is left of `number` for the first dimension is its index there
    already: a tensor of one dimension needs no division at all.

    In PyTorch: `OffsetCalculator::get`.
    """
    # TODO 4.2: from the last dimension to the second: remainder and quotient; the first one gets what is left.
    # BEGIN SOLUTION
    place = 0
    for d in range(len(sizes) - 1, 0, -1):
        place += number % sizes[d] * strides[d]
        number //= sizes[d]
    return place + number * strides[0]
    # END SOLUTION


def map_kernel(fn: Any, out: Any, a: Any, count: int, sizes: Any, strides: Any) -> None:
    """`out[i] = fn(a[i])` for all `count` elements; `count` is at least 1, and the product of the sizes.

    out, a: flat memory, each beginning at the operand's element number 0. strides: one tuple for each operand, `out`
    first. A thread begins with the element of its own number, `cuda.grid(1)`, and goes on in steps of all threads
    together, `cuda.gridsize(1)`. There may be more threads than elements, and more elements than threads.
    """
    # TODO 4.2: a grid-stride loop; offset finds the place of an element in each operand.
    # BEGIN SOLUTION
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[offset(i, sizes, strides[0])] = fn(a[offset(i, sizes, strides[1])])
    # END SOLUTION


def zip_kernel(fn: Any, out: Any, a: Any, b: Any, count: int, sizes: Any, strides: Any) -> None:
    """`out[i] = fn(a[i], b[i])` for all `count` elements, as `map_kernel`. A stride of `a` or `b` may be 0."""
    # TODO 4.2: the same loop; each operand has strides of its own.
    # BEGIN SOLUTION
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        x, y = a[offset(i, sizes, strides[1])], b[offset(i, sizes, strides[2])]
        out[offset(i, sizes, strides[0])] = fn(x, y)
    # END SOLUTION


def blocks_for(count: int, block: int, most: int) -> int:
    """How many blocks of `block` threads to start for `count` elements: one thread for each, but at most `most` blocks.

    At least one. `most` is what keeps all of the GPU busy: more blocks would only wait for their turn, and a thread
    that goes on with another element costs less than one that has to be started.

    In PyTorch: `aten/src/ATen/cuda/detail/KernelUtils.h`, `GET_BLOCKS`.
    """
    # TODO 4.2: round up; then the limits.
    # BEGIN SOLUTION
    return max(min((count + block - 1) // block, most), 1)
    # END SOLUTION


# ---- Provided: the same kernel for other numbers of operands. ----


def fill_kernel(fn: Any, out: Any, count: int, sizes: Any, strides: Any) -> None:
    """`out[i] = fn()`."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[offset(i, sizes, strides[0])] = fn()


def zip3_kernel(fn: Any, out: Any, a: Any, b: Any, c: Any, count: int, sizes: Any, strides: Any) -> None:
    """`out[i] = fn(a[i], b[i], c[i])`."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        x, y, z = a[offset(i, sizes, strides[1])], b[offset(i, sizes, strides[2])], c[offset(i, sizes, strides[3])]
        out[offset(i, sizes, strides[0])] = fn(x, y, z)


KERNELS = (fill_kernel, map_kernel, zip_kernel, zip3_kernel)  # by the number of inputs
