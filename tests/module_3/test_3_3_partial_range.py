"""Task 3.3: one long row, in blocks."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from folds import KINDS, UNSET, add, compare, known, numbers_for
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.check import CheckFailed
from course.trace import trace_chunks
from terox.parallel import reduce as module
from terox.parallel.reduce import LANES, partial_range

pytestmark = pytest.mark.task("3.3")

FLOAT32, FLOAT64, INT64, PRODUCT, MAX, MAX_INT = KINDS


class Long:
    """A row, the size of its blocks, and memory for the partial results."""

    def __init__(self, kind, n, block, step=1, seed=(1, -2, 3, 5, -8, 13, 21)):
        self.kind, self.n, self.block, self.step = kind, n, block, step
        self.blocks = -(-n // block)
        self.memory = [kind.guard] * ((n - 1) * step + 3)
        for i in range(n):
            self.memory[i * step] = seed[i % len(seed)]
        self.numbers = [self.memory[i * step] for i in range(n)]
        self.a = np.array(self.memory, kind.dtype)
        self.tables = np.array([n], np.int64), np.array([[0], [step]], np.int64)

    def out(self):
        return np.full(self.blocks + 2, UNSET, "int64" if self.kind.dtype == "int64" else "float64")

    def of(self, number):
        return self.numbers[number * self.block : (number + 1) * self.block]

    def __repr__(self):
        return (f"partial_range({self.kind}, begin, end, out, a, sizes=({self.n},), strides), {self.kind.dtype} array, "
                f"stride {self.step}; BLOCK is {self.block} here, number of blocks: {self.blocks}")


@contextlib.contextmanager
def small_blocks(size):
    """A row need not be long for many blocks."""
    before, module.BLOCK = module.BLOCK, size
    try:
        yield
    finally:
        module.BLOCK = before


def traced(row, grain, out, order="forward"):
    with small_blocks(row.block):
        return trace_chunks(partial_range, row.blocks, grain, out, row.a, sizes=row.tables[0], strides=row.tables[1],
                            leading=(row.kind.fn, row.kind.start), once=True, order=order,
                            elements={"out": range(row.blocks)})


@st.composite
def long_rows(draw):
    kind = draw(st.sampled_from(KINDS))
    block = draw(st.one_of(st.integers(1, 9), st.sampled_from([LANES - 1, LANES, LANES + 3])))
    n = draw(st.integers(1, 5)) * block - draw(st.integers(0, block - 1))
    return Long(kind, n, block, draw(st.sampled_from([1, 1, 2, 3, 0])), draw(numbers_for(kind)))


@given(long_rows(), st.integers(1, 4))
@example(Long(FLOAT64, 1, 4), 1)
@example(Long(FLOAT64, 8, 4), 1)
@example(Long(FLOAT64, 9, 4), 2)
@example(Long(FLOAT64, 11, 4, step=2), 1)
@example(Long(FLOAT64, 11, 4, step=2), 5)
@example(Long(FLOAT64, 9, 4, step=0), 2)
@example(Long(PRODUCT, 7, 3, seed=[2]), 1)
@example(Long(MAX, 7, 3, seed=[-5, -4, -3, -2]), 1)
@example(Long(INT64, 7, 3, seed=[2**53 + 1, 2**53 + 4, 2**53 + 7]), 1)
@example(Long(MAX_INT, 7, 3, seed=[-(2**62) + 1, -(2**62) + 3]), 1)
@example(Long(FLOAT32, 7, 3, seed=[2**24, 1, 1, 1]), 2)
@example(Long(FLOAT32, 3 * LANES, 2 * LANES, seed=[2**24] * LANES + [1] * LANES), 1)
def test_partial_range(row, grain):
    """out[block] is what the elements of this block come to, and nothing else: blocks run at the same time."""
    out = row.out()
    made = traced(row, grain, out, "shuffled")
    for problem in made.problems:
        raise CheckFailed(repr(row), note=explained(row, problem))
    for number in range(row.blocks):
        compare(f"{row!r}\nout[{number}]", row.kind, out[number], row.kind.fold(row.of(number)), row.of(number),
                (row, number), known_of, what_was_read)


def explained(row, problem):
    if problem.kind in ("out of range", "negative index") and problem.array == "a" and row.n % row.block:
        return (f"{problem.message} The last block has only "
                f"{row.n % row.block} of {row.block} elements.")
    if problem.array == "out":
        return f"{problem.message} Block number b has a place of its own, out[b]; number of blocks: {row.blocks}."
    return problem.message


def known_of(row, number):
    kind, begin = row.kind, number * row.block
    rows = {
        "Nothing was folded: this is start. The last block has at least one element.": [],
        "This is what the whole row comes to; out[block] is for one block, of BLOCK elements. (Use the constant by its "
        "name: it is smaller in this test.)": row.numbers,
        "All blocks up to this one were folded together: each begins with start.": row.numbers[: begin + row.block],
        "This is the first block again: block number b begins with element b * BLOCK of the row.": row.of(0),
        "The block begins at the wrong place: its first element lies at place b * BLOCK * step of a.": row.memory[
            begin : begin + len(row.of(number)) * max(row.step, 1) : max(row.step, 1)],
    }
    mistakes = {sentence: kind.fold(numbers) for sentence, numbers in rows.items()}
    right = kind.fold(row.of(number))
    return {sentence: wrong for sentence, wrong in mistakes.items() if wrong != right} | known(
        kind, row.of(number), row.memory, begin * row.step, row.step)


def what_was_read(row, number):
    """Which elements a block was folded from, where those are the wrong ones."""
    made = traced(row, 1, row.out())
    read = [place for place, by in enumerate(made.readers("a")) if range(number, number + 1) in by]
    begin = number * row.block
    belong = sorted({(begin + i) * row.step for i in range(len(row.of(number)))})
    if read == belong:
        return None
    return (f"For block {number}, a was read at the places {check.shown(read, 120)}; its elements lie at "
            f"{check.shown(belong, 120)}. (A block has BLOCK elements. Use the constant by its name: it is "
            f"{row.block} in this test.)")


def test_partial_range_compiled():
    """Compiled, the blocks of a row of 80,003 float32 numbers give what their Python form gives."""
    from terox.parallel import compiler

    traced(Long(FLOAT32, 7, 3, step=2), 1, Long(FLOAT32, 7, 3).out()).check()
    row = Long(FLOAT32, 80_003, module.BLOCK, seed=np.random.default_rng(3).integers(-(2**24), 2**24, 1009).tolist())
    out = row.out()
    kernel = compiler.kernel(partial_range, ("float64", "float32"), fn=add, start=0.0)
    for begin, end in ((3, row.blocks), (0, 3)):
        kernel.serial(begin, end, out, row.a, *row.tables)
    for number in range(row.blocks):
        compare(f"{row!r}, compiled\nout[{number}]", row.kind, out[number], row.kind.fold(row.of(number)),
                row.of(number), (row, number), known_of)
    check.equal(out[row.blocks :].tolist(), [UNSET] * 2, call=f"{row!r}, compiled",
                note="A place behind the last block was overwritten.")
