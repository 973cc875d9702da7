"""Reductions on the GPU: a block folds what its threads have, in shared memory. Task 4.3.

Many threads read; one result remains. Each thread first folds elements of its own, in steps as large as its block, so
that neighbors read neighbors. Then the block has one value a thread, and folds them as a tree: half of the threads take
over the other half's values, then a quarter, ... In log2(256) = 8 steps, 256 values are one. Between two steps stands a
barrier: nobody may read what the other one has not yet written.

One block cannot keep a GPU busy. Where there are few results and long rows, several blocks share a result: each writes
what its part comes to, and a second pass, with one block for each result, folds the parts.

In PyTorch: `aten/src/ATen/native/cuda/Reduce.cuh`, `block_x_reduce`, `global_reduce`.
"""

from __future__ import annotations

from typing import Any

from terox._numba import cuda
from terox.cuda.elementwise import offset
from terox.cuda.runtime import BLOCK


def block_fold(fn: Any, kind: Any, value: Any) -> Any:
    """`fn` folded over the `value` of every thread of the block. Every thread gets the result.

    fn(x, y) is associative and commutative. The block has `cuda.blockDim.x` threads, a power of two and BLOCK at most,
    in one dimension. All of them call this together, once or several times, and each call uses the same memory:
    `cuda.shared.array(BLOCK, kind)`, which the threads share. BLOCK is a constant, since the compiler has to know how
    much that is. Nobody knows what is in it before it is written.

    It is a tree: each step halves the number of values, so that log2(cuda.blockDim.x) steps leave one, and no value
    goes through fn more often than that. Let thread t take over the value of thread t + half: then the threads that
    still work are neighbors, so that whole warps are busy or idle, and no two of them want the same bank of the memory.

    Between a write and a read by another thread, or a read and a write, stands `cuda.syncthreads()`, and all threads of
    the block have to come to it. That holds from one call to the next, too.
    """
    # TODO 4.3: write your value; barrier; halve, with a barrier after each step; read the result; one more barrier.

    raise NotImplementedError("Task 4.3: block_fold")


def reduce_kernel(fn: Any, start: Any, kind: Any, out: Any, a: Any, length: int, parts: int, kept: Any,
                  kept_strides: Any, folded: Any, folded_strides: Any) -> None:
    """Block number b folds part b % parts of result b // parts, and writes it to `out[b]`, once, by one thread.

    a: flat memory that begins at the operand's element with index 0. Results are counted along the kept dimensions:
    `kept` are their sizes, `kept_strides` their strides in `a`, and `offset` says where the first element of a result
    lies. From there on, its elements are counted along the folded dimensions, `folded` and `folded_strides`; there are
    `length` of them, at least 1. None of these tuples is empty, and a stride may be 0.

    The `parts` blocks of one result share its elements as the threads of one grid would: thread t of part p begins with
    element p * (threads of a block) + t of the result, and goes on in steps of the threads of all its parts. Each
    element is read once. For a block, see `block_fold`.

    start, kind: `start` is neutral, fn(start, x) is x, so that a thread without elements has `start`. All that is
    folded is of the kind `kind`, as `start` is; `a` and `out` may hold another one.
    """
    # TODO 4.3: find the result and the part; fold your own elements; block_fold; one thread writes.

    raise NotImplementedError("Task 4.3: reduce_kernel")


def parts_for(results: int, length: int, block: int, most: int) -> int:
    """How many blocks share one result: as many as possible while there are at most `most` in all, but at least one.

    results: how many there are; length: how many elements each has; block: threads of a block. All are at least 1, as
    `most` is, and whole numbers, as the result is. No block shall be without work: there are no more parts than blocks
    that it takes to give each of the `length` elements a thread of its own.
    """
    # TODO 4.3: what `most` leaves for each result; what the length asks for; the smaller one, but at least 1.

    raise NotImplementedError("Task 4.3: parts_for")


# End of the file.
