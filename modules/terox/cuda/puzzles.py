"""Eight puzzles to get used to thinking in threads. Task 4.1.

Every function here is a kernel: it is called once for each thread, all of them at the same time as far as it can know.
It returns nothing; it writes to `out`, each element once, and what is in `out` before means nothing. Numbers are
float32. Arrays have a `shape`, and are indexed as in NumPy: `a[i]`, `a[i, j]`. An index below 0 or behind the end is a
mistake, which no GPU reports. Each docstring says how many threads and blocks there are.

A thread does one element of `out`, its own, or none; no puzzle but the last needs a loop. Its own is the one of its own
number: neighboring threads have neighboring elements, because a GPU fetches neighbors from memory together.

After Sasha Rush's GPU Puzzles (github.com/srush/GPU-Puzzles).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import cuda

WIDTH = 8  # threads of a block in the puzzles with shared memory: a power of two, 2 at least; the tests try others


def shift(out: Any, a: Any) -> None:
    """Map. `out[i] = a[i] + 10`. One block, with as many threads as there are elements.

    `cuda.threadIdx.x` is the number of this thread in its block, 0 for the first one.
    """
    # TODO 4.1: which element is this thread's? Read it, add 10, write.

    raise NotImplementedError("Task 4.1: shift")


def guarded(out: Any, a: Any) -> None:
    """Guard. `out[i] = 2 * a[i]`. One block, with more threads than elements: the others have nothing to do.

    `a.shape[0]` is the number of elements. Nobody stops a thread that reads or writes behind the end of an array.
    """
    # TODO 4.1: the same, with an `if`.

    raise NotImplementedError("Task 4.1: guarded")


def transposed(out: Any, a: Any) -> None:
    """Two dimensions. `out[j, i] = a[i, j]`. One block of threads; there may be more than elements in x, in y, in both.

    A thread has two numbers here, `cuda.threadIdx.x` and `cuda.threadIdx.y`. Neighbors in x are neighbors in a warp,
    which reads together. Let x be the column of `a` and y the row, so that neighbors read neighbors: in memory, the
    elements of a row stand side by side. They write to places far apart, then; one of the two has to.
    """
    # TODO 4.1: the row and the column of a that are this thread's; a guard for both.

    raise NotImplementedError("Task 4.1: transposed")


def outer(out: Any, a: Any, b: Any) -> None:
    """Broadcast. `out[i, j] = a[i, 0] * b[0, j]`: a is a column, (n, 1), b a row, (1, m), and out (n, m).

    One block of threads; x is the column of `out`, y the row. There may be more threads than elements both ways.
    """
    # TODO 4.1: as before; each operand has an index that is always 0. Whose sizes does the guard need?

    raise NotImplementedError("Task 4.1: outer")


def blocks(out: Any, a: Any) -> None:
    """Blocks. `out[i] = a[i] * a[i]`. Several blocks, with at least as many threads in all as there are elements.

    `cuda.blockIdx.x` is the number of the block, `cuda.blockDim.x` how many threads each block has. Block 0 has the
    first elements, block 1 those that follow, and so on.
    """
    # TODO 4.1: the number of this thread among those of all blocks; a guard.

    raise NotImplementedError("Task 4.1: blocks")


def reversed_blocks(out: Any, a: Any) -> None:
    """Shared memory. Each block writes its own WIDTH elements in reversed order: with WIDTH = 4 and two blocks, out is
    a[3], a[2], a[1], a[0], a[7], a[6], a[5], a[4]. Blocks of WIDTH threads, one thread for each element.

    Each thread reads its own element of `a`, once, and writes its own element of `out`. What it writes, another thread
    has read. They meet in `cuda.shared.array(WIDTH, np.float32)`: all threads of a block get the same WIDTH numbers of
    memory from that line, each block others, and nothing useful is in them before. `cuda.syncthreads()` is a barrier: a
    thread waits there until all threads of its block have come. `cuda.grid(1)` is the number of a thread among all.
    """
    # TODO 4.1: copy your element to shared memory; barrier; write your element of out.

    raise NotImplementedError("Task 4.1: reversed_blocks")


def pooled(out: Any, a: Any) -> None:
    """A window. `out[i] = a[i - 2] + a[i - 1] + a[i]`, without those that do not exist: out[0] is a[0], out[1] is
    a[0] + a[1]. One block of WIDTH threads, and at most WIDTH elements.

    Each thread reads its own element of `a`, once; what others have read, it takes from shared memory. A thread without
    an element reads and writes nothing. But it has to come to the barrier, as all threads of the block have to: on a
    GPU, the others might wait for it forever.
    """
    # TODO 4.1: copy with a guard; a barrier without one; then add up to three elements.

    raise NotImplementedError("Task 4.1: pooled")


def running_sum(out: Any, a: Any) -> None:
    """Prefix sum. `out[i] = a[0] + ... + a[i]`. One block of WIDTH threads, and WIDTH elements.

    In log2(WIDTH) steps (a loop), and no more: with a distance of 1, then 2, then 4, ... each thread adds to its own
    sum the one that the thread at that distance before it has. With WIDTH = 4, and s for the sums in shared memory:

        at first         s[0] = a0    s[1] = a1         s[2] = a2              s[3] = a3
        distance 1       a0           a0 + a1           a1 + a2                a2 + a3
        distance 2       a0           a0 + a1           a0 + a1 + a2           a0 + a1 + a2 + a3

    In each step all have to read before anybody writes, and to write before anybody reads the next time: two barriers.
    Each thread reads its own element of `a`, once. Hillis and Steele, "Data parallel algorithms" (1986).
    """
    # TODO 4.1: copy; then for each distance: read the other one's sum, barrier, add it to your own, barrier.

    raise NotImplementedError("Task 4.1: running_sum")


# End of the file.
