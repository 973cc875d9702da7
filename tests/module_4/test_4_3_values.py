"""Task 4.3: reductions, by their values, and how many blocks share a result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_folds import MAX, MAX_INT, PRODUCT, SUM, SUM_INT, THREADS, UNSET, WIDER, Work, compare, same, works
from geometry import COUNTS
from hypothesis import example, given
from hypothesis import strategies as st
from launching import launch

from course import check
from course.term import count
from course.trace.gpu import trace_kernel
from terox.cuda.reduce import parts_for, reduce_kernel

pytestmark = pytest.mark.task("4.3")


def judge(work, call=None):
    """Launch it, and compare what each block has written."""
    out, a = np.full(work.blocks + 3, UNSET, work.kind.dtype), np.array(work.memory, work.kind.dtype)
    launch(reduce_kernel, work.blocks, work.block, *work.arguments(out, a), **work.bound(), call=repr(work))
    for b in range(work.blocks):
        compare(f"{work!r}\nout[{b}]: part {b % work.parts} of result {b // work.parts}", work.kind, out[b],
                work.expected(b), work.elements(b), lambda b=b: known(work, b), lambda b=b: what_was_read(work, b))
    check.equal(out[work.blocks :].tolist(), [UNSET] * 3, call=f"out[{work.blocks}:] after {work!r}",
                note="Block b writes out[b], and nothing else.")


def known(work, b):
    """What known mistakes would make of the result of block b: sentence -> number."""
    part, everything, threads = b % work.parts, range(work.length), work.block
    own = work.numbers_at(part)
    piece = -(-work.length // work.parts)
    found = {
        "It was not written: what was in the memory before is still there.": None,
        "Only the elements of thread 0 were folded. block_fold brings those of the other threads together.":
            own[: len(own) : threads] if threads > 1 else None,
        "Every thread folded one element only. It goes on in steps of the threads of all parts of the result.":
            own[:threads],
        "This is the whole result, folded by one of several parts. A part has its own elements.": everything,
        "The elements of a part lie in one piece here. They are shared as by the threads of one grid: thread t of part "
        "p begins with element p * threads + t.": everything[part * piece : (part + 1) * piece],
        "Elements of the other parts were folded, too: a thread goes on in steps of the threads of all parts.":
            everything[part * threads :],
        "The last element is missing.": [i for i in own if i != work.length - 1],
        "A thread keeps only the last one of its elements. Each is folded into what it has, from start on.":
            [own[i] for i in range(len(own)) if i + threads >= len(own)],
        "The first element of each thread is folded twice: a thread begins with start.": [*own[:threads], *own],
        "The thread's number among all threads of the grid was taken, and that belongs to all results. Thread t of "
        "part p begins with element p * threads + t of its own result.":
            [i for t in range(threads) for i in range(b * threads + t, work.length, work.parts * threads)],
    }
    results = {sentence: work.elements(b, numbers) for sentence, numbers in found.items() if numbers is not None}
    results["Nothing was folded: this is start."] = []
    memory = [*work.memory, *work.memory]
    results["The first element of a result was not looked for: this is result 0 in each case. It lies at "
            "offset(result, kept, kept_strides)."] = [memory[work.steps[i]] for i in own]
    results["The folded strides were not used: the elements of a result need not be neighbors."] = [
        memory[min(work.firsts[b // work.parts] + i, len(memory) - 1)] for i in own]
    wrong = {sentence: work.kind.stored(work.kind.fold(numbers)) for sentence, numbers in results.items()}
    if work.kind.neutral != 0:
        wrong["Something began with 0 instead of start: a product has to begin with 1, a maximum with -inf."] = \
            work.kind.stored(work.kind.fold([*work.elements(b), 0]))
    wrong["It was not written: what was in the memory before is still there."] = UNSET
    wrong |= {f"This is what out[{other}] has to be. Block b folds part b % parts of result b // parts.":
              work.expected(other) for other in range(work.blocks) if other != b}
    return {sentence: value for sentence, value in wrong.items() if not same(value, work.expected(b))}


def what_was_read(work, b):
    """Which elements a block has read, where those are the wrong ones."""
    out, a = np.full(work.blocks, UNSET, work.kind.dtype), np.array(work.memory, work.kind.dtype)
    made = trace_kernel(reduce_kernel, work.blocks, work.block, *work.bound().values(), *work.arguments(out, a))
    read = [place for place, by in enumerate(made.readers("a")) if any(each[0].x == b for each in by)]
    first = work.firsts[b // work.parts]
    belong = sorted({first + work.steps[i] for i in work.numbers_at(b % work.parts)})
    if read == belong:
        return None
    return (f"Block {b} read a at the places {check.shown(read, 100)}; the elements of its part lie at "
            f"{check.shown(belong, 100)}.")


@given(work=works())
@example(Work(SUM, (1,), (1,), block=1))
@example(Work(SUM, (1,), (3,), block=1))
@example(Work(SUM, (1,), (4,), block=4))
@example(Work(SUM, (1,), (7,), block=4))
@example(Work(SUM, (1,), (2,), block=8))
@example(Work(SUM, (1,), (65,), block=8))
@example(Work(SUM, (3,), (5,), block=2))
@example(Work(SUM, (2,), (7,), parts=2, block=2))
@example(Work(SUM, (2,), (3,), parts=3, block=2))
@example(Work(SUM, (3,), (4,), (1, 3), block=2))
@example(Work(SUM, (2, 3), (2, 2), block=2))
@example(Work(SUM, (3, 2), (2, 4), (1, 24, 12, 3), parts=2, block=2))
@example(Work(SUM, (2,), (5,), (5, 0), block=2))
@example(Work(SUM, (2,), (5,), (0, 1), block=2))
@example(Work(PRODUCT, (1,), (3,), block=4, seed=(2, -1, 2, 0.5, -2)))
@example(Work(PRODUCT, (2,), (9,), parts=2, block=4, seed=(2, -1, 2, 0.5, -2)))
@example(Work(MAX, (2,), (3,), block=4, seed=(-7, -5, -9, -6, -8)))
@example(Work(MAX, (2,), (9,), block=2, seed=(-7, -5, -9, math.nan, -6, -8, -4)))
@example(Work(MAX_INT, (1,), (3,), block=4, seed=(-(2**62) + 1, -(2**62) + 3, -(2**62) - 5)))
@example(Work(SUM_INT, (2,), (6,), block=4, seed=(2**54 + 1, 3, -(2**53) + 5)))
@example(Work(WIDER, (1,), (9,), block=4, seed=(2**24, 1, 1, -(2**24) + 3, 1)))
def test_reduce(work):
    """out[b] is fn folded over the elements of part b % parts of result b // parts, and nothing else is written."""
    judge(work)


@pytest.mark.parametrize("length", COUNTS)
def test_any_length(length):
    """Rows shorter than a block, as long as several, and one more or less; by one block, and by several."""
    for kind, seed in ((SUM, (1, 2, 4, 8, 16, -32, 64)), (MAX, (-3, -9, -4, -5, -8))):
        for parts, block in ((1, 8), (2, 8), (3, 4), (12, 8)):
            judge(Work(kind, (2,), (length,), parts=parts, block=block, seed=seed))


@given(work=works(), second=st.sampled_from(THREADS[:4]))
@example(Work(SUM, (2,), (33,), parts=3, block=4), 2)
@example(Work(PRODUCT, (2,), (3,), parts=3, block=4, seed=(2, -1, 2, 0.5)), 4)
def test_second_pass(work, second):
    """What the parts come to, folded once more with one block for each result, is the result."""
    first = np.full(work.blocks, UNSET, np.dtype(work.kind.kind))
    a = np.array(work.memory, work.kind.dtype)
    launch(reduce_kernel, work.blocks, work.block, *work.arguments(first, a), **work.bound(), call=repr(work))
    out = np.full(work.results, UNSET, work.kind.dtype)
    launch(reduce_kernel, work.results, second, out, first, work.parts, 1, (work.results,), (work.parts,),
           (work.parts,), (1,), **work.bound())
    for result in range(work.results):
        whole = work.elements(result * work.parts, range(work.length))
        compare(f"{work!r}, then a second pass over the {count(work.parts, 'part')}\nresult {result}", work.kind,
                out[result], work.kind.stored(work.kind.fold(whole)), whole, dict)


# ---- parts_for ----


@given(results=st.integers(1, 12), length=st.integers(1, 70), block=st.sampled_from([1, 4, 8, 256]),
       most=st.integers(1, 30))
@example(results=1, length=24, block=8, most=10)
@example(results=1, length=25, block=8, most=10)
@example(results=1, length=1000, block=8, most=10)
@example(results=3, length=1000, block=8, most=10)
@example(results=5, length=1000, block=8, most=10)
@example(results=11, length=1000, block=8, most=10)
@example(results=2, length=3, block=8, most=10)
@example(results=1, length=10**10 + 1, block=256, most=10**9)
def test_parts_for(results, length, block, most):
    """As many blocks for each result as keep within `most` in all and have work to do, and never none."""
    got = parts_for(results, length, block, most)
    call = f"parts_for({results}, {length}, {block}, {most})"
    fitting = range(1, min(most, length) + 1)  # by trying: those that all conditions allow
    if most <= 100:
        good = [parts for parts in fitting if results * parts <= most and (parts - 1) * block < length]
        expected = max(good, default=1)
    else:
        expected = min(most // results, length // block + (length % block > 0))
    check.that(isinstance(got, int) and not isinstance(got, bool),
               "It returned None. Is a `return` missing?" if got is None else
               "A number of blocks is a whole number: divide by //, not by /.", call=call, got=got, expected=expected)
    if got == expected:
        return
    if got < 1:
        why = "Every result needs a block, however many results there are."
    elif got > expected and (got - 1) * block >= length:
        why = (f"The last of {got} parts would have no work: {(got - 1) * block} threads have an element each already, "
               f"and there are {length}.")
    elif got > expected:
        why = f"{results} results with {got} parts each are {results * got} blocks, more than {most}."
    else:
        why = (f"{got + 1} parts for each result would be {results * (got + 1)} blocks, no more than {most}, and all "
               "of them would have work.")
    raise check.CheckFailed(call, check.shown(got), check.shown(expected), why)
