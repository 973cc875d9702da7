"""Task 4.3: the threads of a block do not get in each other's way."""

from __future__ import annotations

import numpy as np
import pytest
from block_folds import THREADS, add
from launching import described, few_threads, written_out

from course import check
from course.check import CheckFailed
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda.reduce import block_fold
from terox.cuda.runtime import BLOCK

pytestmark = pytest.mark.task("4.3")

FEW = THREADS[:4]


def once(fn, kind, out, a):
    i = cuda.grid(1)
    value = block_fold(fn, kind, a[i])
    if value is None:
        raise CheckFailed("block_fold(fn, kind, value)", "None", note="It returned None. Is a `return` missing? Every "
                          "thread gets the result.")
    out[i] = value


def twice(fn, kind, out, second, a, b):
    i = cuda.grid(1)
    x = block_fold(fn, kind, a[i])
    y = block_fold(fn, kind, b[i])
    out[i] = x
    second[i] = y


def looped(fn, kind, out, a, rounds):
    i = cuda.grid(1)
    value = a[i]
    for _ in range(rounds):
        folded = block_fold(fn, kind, value)
        value = folded
    out[i] = value


def traced(kernel, grid, block, *args, out="out", **options):
    return trace_kernel(kernel, grid, block, add, np.float64, *args, out=out, once=True, **options)


def judge(made, call, then=""):
    """Raise with the first problem. then: what is to be said of a race besides."""
    for problem in made.problems:
        few = f" {few_threads(made.block.x, BLOCK)}".rstrip() + written_out(block_fold, {BLOCK: "BLOCK"})
        also = {"race": then, "not initialized": few}.get(problem.kind, "")
        raise CheckFailed(call, note=problem.message + also)


def numbers(many):
    return np.arange(1.0, many + 1)


@pytest.mark.parametrize("block", FEW)
def test_within_one_call(block):
    """Between a write and a read by another thread stands a barrier, to which all threads come."""
    for grid in (1, 2):
        out, a = np.zeros(grid * block), numbers(grid * block)
        judge(traced(once, grid, block, out, a), f"block_fold(add, float64, value), in {described(grid, block)}")


@pytest.mark.parametrize("block", FEW)
def test_from_one_call_to_the_next(block):
    """A second call does not write where a thread may still have to read the first one's result."""
    then = (" Here block_fold is called again at once: a thread that is in the next call already is not to write where "
            "another one still reads the result of this call.")
    out, second, a = np.zeros(block), np.zeros(block), numbers(block)
    judge(traced(twice, 1, block, out, second, a, a.copy(), out=("out", "second")),
          f"block_fold(add, float64, value), called twice, in {described(1, block)}", then)
    judge(traced(looped, 1, block, np.zeros(block), a, 3),
          f"block_fold(add, float64, value), called three times in a loop, in {described(1, block)}", then)


@pytest.mark.parametrize("block", [2, 4])
def test_shared_memory(block):
    """The values lie in shared memory, an array of BLOCK elements: a constant, whatever the block."""
    size = 16
    made = traced(once, 1, block, np.zeros(block), numbers(block), constants={"BLOCK": size})
    call = f"block_fold(add, float64, value), in {described(1, block)}, where BLOCK is {size}"
    judge(made, call)
    check.that(made.shared, "No shared memory was used. Threads reach each other's values in what "
               "cuda.shared.array(BLOCK, kind) makes.", call=call)
    for name in made.shared:
        found = made.counts(name)[0].size
        check.that(found == size, f"{name} has {found} elements, and should have BLOCK of them. On a GPU the size of "
                   "shared memory has to be known when the kernel is compiled, so it cannot follow from the block.",
                   call=call)
