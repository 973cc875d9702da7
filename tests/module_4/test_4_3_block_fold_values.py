"""Task 4.3: what the threads of a block have, folded in shared memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_folds import KINDS, MAX, MAX_INT, PRODUCT, SUM, SUM_INT, THREADS, UNSET, compare, deeper
from hypothesis import example, given
from hypothesis import strategies as st
from launching import described, launch

from course import check
from course.term import count
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda.reduce import block_fold
from terox.cuda.runtime import BLOCK

pytestmark = pytest.mark.task("4.3")


def once(fn, kind, out, a):
    """Every thread writes what it gets."""
    i = cuda.grid(1)
    out[i] = block_fold(fn, kind, a[i])


def twice(fn, kind, out, second, a, b):
    """Two folds, one right after the other."""
    i = cuda.grid(1)
    out[i] = block_fold(fn, kind, a[i])
    second[i] = block_fold(fn, kind, b[i])


def in_a_loop(fn, kind, out, a, rounds):
    """Each round folds what the round before has made of the values."""
    i = cuda.grid(1)
    value = a[i]
    for _ in range(rounds):
        value = block_fold(fn, kind, value + i)
    out[i] = value


@st.composite
def cases(draw):
    """(kind, grid, block, the value of each thread of the grid)."""
    kind = draw(st.sampled_from(KINDS))
    grid, block = draw(st.integers(1, 3)), draw(st.sampled_from(THREADS[:4]))
    return kind, grid, block, draw(st.lists(kind.numbers, min_size=grid * block, max_size=grid * block))


def known(kind, values, thread):
    """What known mistakes would make of the values of a block, for one thread: sentence -> number."""
    n = len(values)
    found = {
        "That is the value of this thread alone.": [values[thread]],
        "The last step is missing: what threads 0 and 1 have after the others is to be folded, too. `half` is 1 then.":
            values[::2],
        "The first step is missing: only the values of the first half of the threads were folded.": values[: n // 2],
        "Only the values of the second half of the threads were folded.": values[n // 2 :],
        "A part of the values was folded. Every thread reads the result at the same place, after the last barrier.":
            values[thread :: n // 2] if thread and n > 2 else values[thread:],
        "The value of the last thread is missing.": values[:-1],
        "The value of thread 0 is missing.": values[1:],
    }
    return {sentence: kind.stored(kind.fold(part)) for sentence, part in found.items() if part}


def judge(kind, values, got, block, name):
    for b in range(len(values) // block):
        mine = values[b * block : (b + 1) * block]
        expected = kind.stored(kind.fold(mine))
        for thread in range(block):
            compare(f"{name}, in thread {thread} of block {b}, of {count(block, 'thread')}.\nTheir values: "
                    f"{check.shown(mine, 200)}", kind, got[b * block + thread], expected, mine,
                    lambda mine=mine, thread=thread: known(kind, mine, thread))


def distinct(block):
    return [2**k for k in range(block)]


@given(case=cases())
@example((SUM, 1, 1, [5]))
@example((SUM, 1, 4, distinct(4)))
@example((SUM, 1, 2, distinct(2)))
@example((SUM, 1, 8, distinct(8)))
@example((SUM, 2, 4, distinct(8)))
@example((SUM, 2, 1, [3, 5]))
@example((PRODUCT, 1, 4, [2, 2, 2, 2]))
@example((SUM_INT, 1, 4, [2**54 + 1, 2, 4, 8]))
@example((MAX, 1, 4, [-7, -5, -9, -6]))
@example((MAX, 1, 4, [-7, -5, math.nan, -6]))
@example((MAX_INT, 1, 2, [-(2**62) + 1, -(2**62)]))
def test_every_thread_gets_the_fold(case):
    """Every thread of a block gets fn folded over the values of all threads of that block."""
    kind, grid, block, values = case
    out = np.full(grid * block, UNSET, kind.dtype)
    call = f"block_fold({kind}, value), in {described(grid, block)}"
    launch(once, grid, block, out, np.array(values, kind.dtype), fn=kind.fn, kind=kind.kind, call=call)
    judge(kind, values, out, block, f"block_fold({kind}, value)")


@given(case=cases())
@example((SUM, 1, 4, distinct(4)))
@example((SUM, 2, 2, distinct(4)))
def test_two_folds_in_one_kernel(case):
    """A second call right after the first gives each thread the second result, and leaves the first one alone."""
    kind, grid, block, values = case
    after = values[::-1]
    out, second = (np.full(grid * block, UNSET, kind.dtype) for _ in range(2))
    launch(twice, grid, block, out, second, np.array(values, kind.dtype), np.array(after, kind.dtype), fn=kind.fn,
           kind=kind.kind, call="block_fold(...), called twice")
    name = f"block_fold({kind}, value)"
    judge(kind, values, out, block, f"the first of two calls of {name}")
    judge(kind, after, second, block, f"the second of two calls of {name}")


@pytest.mark.parametrize("block", THREADS)
def test_log2_steps(block):
    """No value goes through fn more often than log2(threads) times: it is a tree, and no chain."""
    out = np.full(block, UNSET, np.int64)
    launch(once, 1, block, out, np.zeros(block, np.int64), fn=deeper, kind=np.int64,
           call=f"block_fold, in a block of {count(block, 'thread')}")
    steps, wanted = int(out.max()), block.bit_length() - 1
    call = f"how often a value goes through fn, in a block of {count(block, 'thread')}"
    check.equal(steps, wanted, call=call, mistakes={
        "One thread folds all values, one after the other, while the others wait. As a tree, half of the threads take "
        "over the other half's values, then a quarter, and so on.": block - 1 if block > 2 else -1,
        "One thread folds all values, one after the other, and begins with one too many.": block if block > 2 else -1,
    }, note="Each step halves the number of values: block, block / 2, ..., 1.")


@pytest.mark.parametrize("block", [4, 32])
def test_any_size_of_a_block(block):
    """A block may have as many threads as BLOCK says, whatever that is."""
    out, values = np.zeros(block), np.arange(1.0, block + 1)
    made = trace_kernel(once, 1, block, SUM.fn, SUM.kind, out, values, constants={"BLOCK": block})
    name = f"block_fold({SUM}, value), where BLOCK is {block}"
    for problem in made.problems:
        raise check.CheckFailed(f"{name}, in {described(1, block)}", note=problem.message)
    judge(SUM, values.tolist(), out, block, name)


@pytest.mark.parametrize("block", [1, 2, BLOCK])
def test_folds_in_a_loop(block):
    """block_fold may be called any number of times: what it uses is free again when it returns."""
    out = np.full(block, UNSET, np.int64)
    launch(in_a_loop, 1, block, out, np.arange(block), 3, fn=SUM_INT.fn, kind=np.int64,
           call="block_fold, called three times in a loop")
    values = list(range(block))
    for _ in range(3):
        values = [sum(value + i for i, value in enumerate(values))] * block
    check.equal(out.tolist(), values, call=f"what the threads have after block_fold(add, int64, value + thread), three "
                                           f"times in a loop, in a block of {count(block, 'thread')}",
                note="The second and third calls use the same shared memory as the first: has every thread read its "
                     "result before another one writes there again?")
