"""Eight puzzles to get used to thinking in threads. Task 4.1.

Every function here is a kernel: it is called once for each thread, all at the same time as far as it can know. The
arrays are small NumPy-like arrays with a shape; `out` is there to be filled. Each docstring says how many threads and
blocks there are. No loops, unless it says so.

In the manner of Sasha Rush's GPU Puzzles (github.com/srush/GPU-Puzzles).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import cuda

WIDTH = 8  # threads of a block in the puzzles with shared memory


def shift(out: Any, a: Any) -> None:
    """Map. `out[i] = a[i] + 10`. One block, with as many threads as there are elements.

    `cuda.threadIdx.x` is the number of this thread in its block.
    """
    # TODO 4.1: which element is this thread's?
    # BEGIN SOLUTION
    i = cuda.threadIdx.x
    out[i] = a[i] + 10
    # END SOLUTION


def guarded(out: Any, a: Any) -> None:
    """Guard. `out[i] = 2 * a[i]`. One block, with more threads than elements: the others have nothing to do.

    `a.shape[0]` is the number of elements. Nobody stops a thread that writes behind the end of an array.
    """
    # TODO 4.1: the same, with an `if`.
    # BEGIN SOLUTION
    i = cuda.threadIdx.x
    if i < a.shape[0]:
        out[i] = 2 * a[i]
    # END SOLUTION


def transposed(out: Any, a: Any) -> None:
    """Two dimensions. `out[j, i] = a[i, j]`. One block of threads (x, y); there may be more than elements both ways.

    Neighbors in x are neighbors in a warp. Let `threadIdx.x` be the column that is *read*, so that they read neighbors.
    """
    # TODO 4.1: the row and the column of this thread; a guard for both.
    # BEGIN SOLUTION
    i, j = cuda.threadIdx.y, cuda.threadIdx.x
    if i < a.shape[0] and j < a.shape[1]:
        out[j, i] = a[i, j]
    # END SOLUTION


def outer(out: Any, a: Any, b: Any) -> None:
    """Broadcast. `out[i, j] = a[i, 0] * b[0, j]`: a is a column, b a row. One block of threads (x, y), x along the row.

    There may be more threads than elements.
    """
    # TODO 4.1: each operand has an index that is always 0.
    # BEGIN SOLUTION
    i, j = cuda.threadIdx.y, cuda.threadIdx.x
    if i < out.shape[0] and j < out.shape[1]:
        out[i, j] = a[i, 0] * b[0, j]
    # END SOLUTION


def blocks(out: Any, a: Any) -> None:
    """Blocks. `out[i] = a[i] * a[i]`, with several blocks, and more threads in all than elements.

    `cuda.blockIdx.x` is the number of the block, `cuda.blockDim.x` how many threads each has.
    """
    # TODO 4.1: the number of this thread among all of them.
    # BEGIN SOLUTION
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i < a.shape[0]:
        out[i] = a[i] * a[i]
    # END SOLUTION


def reversed_blocks(out: Any, a: Any) -> None:
    """Shared memory. Each block writes its WIDTH elements in reversed order. Several blocks of WIDTH threads; the number
    of elements is a multiple of WIDTH.

    Each thread copies its own element of `a` to `cuda.shared.array(WIDTH, np.float32)`, and reads nothing else of `a`.
    It writes its own element of `out`, which another thread has read. Between the two: `cuda.syncthreads()`.
    """
    # TODO 4.1: copy, barrier, write.
    # BEGIN SOLUTION
    kept = cuda.shared.array(WIDTH, np.float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    kept[t] = a[i]
    cuda.syncthreads()
    out[i] = kept[WIDTH - 1 - t]
    # END SOLUTION


def pooled(out: Any, a: Any) -> None:
    """A window. `out[i] = a[i - 2] + a[i - 1] + a[i]`, without those that do not exist. One block of WIDTH threads.

    There are at most WIDTH elements. Each thread reads one element of `a`, once; what others have read, it takes from
    shared memory. All threads of a block have to come to the barrier, those without an element, too.
    """
    # TODO 4.1: copy with a guard; a barrier without one; then add up to three elements.
    # BEGIN SOLUTION
    kept = cuda.shared.array(WIDTH, np.float32)
    i = cuda.threadIdx.x
    if i < a.shape[0]:
        kept[i] = a[i]
    cuda.syncthreads()
    if i < a.shape[0]:
        total = kept[i]
        if i >= 1:
            total += kept[i - 1]
        if i >= 2:
            total += kept[i - 2]
        out[i] = total
    # END SOLUTION


def running_sum(out: Any, a: Any) -> None:
    """Prefix sum. `out[i] = a[0] + ... + a[i]`. One block of WIDTH threads, and WIDTH elements.

    In log2(WIDTH) steps (a loop): with a distance of 1, then 2, then 4, ... each thread adds to its own sum what the
    thread at that distance before it has. It reads before anybody writes, and writes before anybody reads the next
    time: two barriers in each step. Hillis and Steele, "Data parallel algorithms" (1986).
    """
    # TODO 4.1: copy; then for each distance: read the other one's sum, barrier, add it to your own, barrier.
    # BEGIN SOLUTION
    sums = cuda.shared.array(WIDTH, np.float32)
    i = cuda.threadIdx.x
    sums[i] = a[i]
    cuda.syncthreads()
    distance = 1
    while distance < WIDTH:
        before = sums[i - distance] if i >= distance else np.float32(0)
        cuda.syncthreads()
        sums[i] += before
        cuda.syncthreads()
        distance *= 2
    out[i] = sums[i]
    # END SOLUTION
