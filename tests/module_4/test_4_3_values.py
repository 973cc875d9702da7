"""Task 4.3: reductions, by their values, and how many blocks share a result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_folds import KINDS, MAX, MAX_INT, PRODUCT, SUM, SUM_INT, THREADS, UNSET, WIDER, compare, same
from geometry import COUNTS, contiguous, places, strides_for
from hypothesis import example, given
from hypothesis import strategies as st
from launching import described, launch

from course import check
from course.term import count
from terox.cuda.reduce import parts_for, reduce_kernel

pytestmark = pytest.mark.task("4.3")


class Work:
    """A tensor whose elements are to be folded, and by how many blocks of how many threads."""

    def __init__(self, kind, kept, folded, strides=None, parts=1, block=4, seed=(1, 2, 4, 8, 16, 32, -64, 128)):
        """kept, folded: sizes. strides: those of `a`, first for `kept`, then for `folded`."""
        self.kind, self.kept, self.folded, self.parts, self.block = kind, tuple(kept), tuple(folded), parts, block
        strides = tuple(strides or contiguous((*kept, *folded)))
        self.kept_strides, self.folded_strides = strides[: len(kept)], strides[len(kept) :]
        self.results, self.length = math.prod(kept), math.prod(folded)
        self.firsts, self.steps = places(self.kept, self.kept_strides), places(self.folded, self.folded_strides)
        self.room = 3 + max(self.firsts) + max(self.steps)
        self.memory = [seed[place % len(seed)] for place in range(self.room)]

    @property
    def blocks(self):
        return self.results * self.parts

    def numbers_at(self, part):
        """The numbers (of elements of a result) that a part folds: every thread's first, then a step further, ..."""
        return [i for i in range(self.length) if i // self.block % self.parts == part]

    def elements(self, b, numbers=None):
        """What block number b folds, or the elements of its result with these numbers."""
        first = self.firsts[b // self.parts]
        numbers = self.numbers_at(b % self.parts) if numbers is None else numbers
        return [self.memory[first + self.steps[i]] for i in numbers]

    def expected(self, b):
        return self.kind.stored(self.kind.fold(self.elements(b)))

    def arguments(self, out, a):
        return (out, a, self.length, self.parts, self.kept, self.kept_strides, self.folded, self.folded_strides)

    def bound(self):
        return {"fn": self.kind.fn, "start": self.kind.start, "kind": self.kind.kind}

    def __repr__(self):
        return (f"reduce_kernel({self.kind.fn.__name__}, {self.kind.neutral}, {self.kind.kind.__name__}, out, a, "
                f"length={self.length}, parts={self.parts}, kept={self.kept}, kept_strides={self.kept_strides}, "
                f"folded={self.folded}, folded_strides={self.folded_strides}), {self.kind.dtype} arrays, "
                f"{described(self.blocks, self.block)}")


@st.composite
def works(draw):
    """Up to two dimensions of either kind, in any order in memory, with gaps, and with strides of 0."""
    kind = draw(st.sampled_from(KINDS))
    small = st.integers(1, 3)
    kept, folded = draw(st.lists(small, min_size=1, max_size=2)), draw(st.lists(small, min_size=1, max_size=2))
    if draw(st.booleans()):
        kept, folded = kept[:1], [*folded[:1], draw(st.sampled_from(COUNTS))]
    strides = draw(strides_for((*kept, *folded), stretched=draw(st.integers(0, 3)) == 0))
    block = draw(st.sampled_from(THREADS[:4]))
    seed = draw(st.lists(kind.numbers, min_size=5, max_size=31))
    return Work(kind, kept, folded, strides, draw(st.integers(1, 3)), block, seed)


def judge(work, call=None):
    """Launch it, and compare what each block has written."""
    out, a = np.full(work.blocks + 3, UNSET, work.kind.dtype), np.array(work.memory, work.kind.dtype)
    launch(reduce_kernel, work.blocks, work.block, *work.arguments(out, a), **work.bound(), call=repr(work))
    for b in range(work.blocks):
        compare(f"{work!r}\nout[{b}]: part {b % work.parts} of result {b // work.parts}", work.kind, out[b],
                work.expected(b), work.elements(b), lambda b=b: known(work, b))
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
        "The thread's number among all threads of the grid was taken, and that belongs to all results. Thread t of part "
        "p begins with element p * threads + t of its own result.":
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
        compare(f"{work!r}, then a second pass over the {count(work.parts, 'part')}\nresult {result}", work.kind, out[result],
                work.kind.stored(work.kind.fold(whole)), whole, dict)


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
        why = (f"{got + 1} parts for each result would be {results * (got + 1)} blocks, no more than {most}, and all of "
               "them would have work.")
    raise check.CheckFailed(call, check.shown(got), check.shown(expected), why)
