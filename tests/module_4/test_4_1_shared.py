"""Task 4.1: the puzzles in which threads tell each other something, in shared memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from launching import written_out
from puzzle_cases import Run, launched, numbers, same

from course import check
from terox.cuda import puzzles

pytestmark = pytest.mark.task("4.1")

WIDTHS = st.sampled_from([puzzles.WIDTH, 4, 2, 16])
READ_ONCE = "Each thread reads its own element of a, once; what others have read, it takes from shared memory."


def other_width(puzzle, width):
    """A sentence for whoever wrote a number and not the name."""
    said = width != puzzles.WIDTH and written_out(puzzle, {puzzles.WIDTH: "WIDTH", puzzles.WIDTH - 1: "WIDTH - 1"} | (
        {} if puzzle is not puzzles.running_sum else {
            puzzles.WIDTH // 2: "WIDTH // 2", int(math.log2(puzzles.WIDTH)): "log2(WIDTH)"}))
    return f"WIDTH is {width} here.{said}" if said else ""


def run_shared(puzzle, grid, width, a, because):
    """A run with shared memory of `width` numbers, in which each thread reads its own element of `a`, once."""
    constants = {"WIDTH": width} if width != puzzles.WIDTH else None
    return Run(puzzle, grid, width, a.shape, a, constants=constants, because=because, also=other_width(puzzle, width))


def keeps_to_its_own(run, width):
    """Each thread reads and writes its own element, once, and goes through shared memory for all else."""
    run.once("a", READ_ONCE)
    run.own("a", lambda i: (i // width, i % width), READ_ONCE, written=False)
    run.own("out", lambda i: (i // width, i % width), "Each thread writes its own element of out.", written=True)


def in_steps(a, distances):
    """A prefix sum with these distances, one step after the other."""
    sums = a.copy()
    for distance in distances:
        sums[distance:] = sums[distance:] + sums[: max(len(sums) - distance, 0)]
    return sums


# ---- reversed_blocks ----


@given(grid=st.integers(1, 4), width=WIDTHS)
@example(grid=1, width=puzzles.WIDTH)
@example(grid=2, width=4)
@example(grid=3, width=puzzles.WIDTH)
def test_reversed_blocks(grid, width):
    """reversed_blocks: each block writes its WIDTH elements in reversed order, through shared memory."""
    a = numbers(grid * width)
    place = (f"Shared memory has {width} places, 0 to {width - 1}, in each block; a and out have {grid * width} "
             "elements. threadIdx.x is a place in the one, cuda.grid(1) in the others.")
    run = run_shared(puzzles.reversed_blocks, grid, width, a, {
        "out of range": place, "negative index": place})
    rows = a.reshape(grid, width)
    run.gives(rows[:, ::-1].reshape(-1), {
        "Nothing is reversed.": a, "That is all of a reversed, and not each block by itself.": a[::-1],
        "The blocks have changed places, and not the elements in them.": rows[::-1].reshape(-1),
        "Each block has the elements of the first one.": np.tile(rows[0, ::-1], grid),
        "Each result is one place further on than it should be.": np.roll(rows[:, ::-1], 1, axis=1).reshape(-1),
        "The numbers are cut off: shared memory has to be of np.float32.": np.floor(rows[:, ::-1]).reshape(-1)})
    keeps_to_its_own(run, width)


# ---- pooled ----


@st.composite
def short_rows(draw):
    width = draw(WIDTHS)
    return draw(st.integers(1, width)), width


@given(case=short_rows())
@example(case=(puzzles.WIDTH, puzzles.WIDTH))
@example(case=(1, puzzles.WIDTH))
@example(case=(2, 4))
@example(case=(5, puzzles.WIDTH))
@example(case=(3, 4))
def test_pooled(case):
    """pooled: out[i] = a[i - 2] + a[i - 1] + a[i], without those that do not exist; each element of a is read once."""
    count, width = case
    a = numbers(count)
    have = "Thread 0 has an element" if count == 1 else f"Threads 0 to {count - 1} have an element"
    run = run_shared(puzzles.pooled, 1, width, a, {
        "out of range": f"{have}, the other ones have nothing to read or to write.",
        "negative index": "out[0] has one term, out[1] has two.",
        "not initialized": f"{have}, and nobody else can put one there.",
        "divergent barrier": "The guard belongs around what comes before the barrier and what comes behind it, and "
                             "never around the barrier."})
    zeros = np.zeros(2, np.float32)
    left, right = np.concatenate([zeros, a]), np.concatenate([a, zeros])
    whole = left[:-2] + left[1:-1] + a
    run.gives(whole, {
        "A term is missing: that is a[i - 1] + a[i].": left[1:-1] + a,
        "A term is missing: that is a[i - 2] + a[i].": left[:-2] + a,
        "A term is missing: that is a[i - 2] + a[i - 1].": left[:-2] + left[1:-1],
        "That is a[i], without its neighbors.": a,
        "The window goes the other way: that is a[i] + a[i + 1] + a[i + 2].": a + right[1:-1] + right[2:],
        "A window of three has a[i - 1] in its middle here: that is a[i - 1] + a[i] + a[i + 1].":
            left[1:-1] + a + right[1:-1],
        "That is a mean. A sum was asked for.": whole / 3,
        "The window is too wide: that is a[i - 3] + a[i - 2] + a[i - 1] + a[i].":
            whole + np.concatenate([zeros, [0], a])[:count],
        "Each result has a[i] twice.": whole + a}, missing={
            "The first results have fewer terms, but are there, too.": np.arange(count) < 2,
            "The first result has one term only, but is there, too.": np.arange(count) < 1})
    keeps_to_its_own(run, width)


# ---- running_sum ----


@given(width=st.sampled_from([puzzles.WIDTH, 4, 2, 16, 32]))
@example(width=puzzles.WIDTH)
@example(width=4)
@example(width=2)
@example(width=32)
def test_running_sum(width):
    """running_sum: out[i] = a[0] + ... + a[i], in log2(WIDTH) steps."""
    a = numbers(width)
    edge = (f"Shared memory has {width} places, 0 to {width - 1}. A thread with a number below the distance adds "
            "nothing.")
    run = run_shared(puzzles.running_sum, 1, width, a, {
        "out of range": edge, "negative index": edge,
        "race": "In each step all read before anybody writes, and write before anybody reads the next time.",
        "divergent barrier": "All threads have to go through the loop equally often, and call each barrier in it."})
    distances = [2**step for step in range(int(math.log2(width)))]
    wrong = {
        "That is a: nothing was added.": a,
        "The last step is missing: a distance of WIDTH / 2 is needed, too.": in_steps(a, distances[:-1]),
        "The first step, with a distance of 1, is missing.": in_steps(a, distances[1:]),
        "The distance has to double: with 1, 2, 3, ... elements are added more than once.":
            in_steps(a, range(1, width)),
        "There is one step only, with a distance of 1.": in_steps(a, [1]),
        "out[i] has a[i], too: that is the sum of what comes before it.": np.cumsum(a) - a,
        "The sums begin at the other end.": np.cumsum(a[::-1])[::-1],
        "That is the sum of all, in every place.": np.full(width, a.sum())}
    right = np.cumsum(a, dtype=np.float32)
    run.gives(right, {text: each for text, each in wrong.items() if not np.array_equal(each, right)})
    keeps_to_its_own(run, width)
    steps = len(distances)
    reads = run.made.score().shared_reads
    # Reading its own sum and another one in each step, both twice, and the last one at the end would still pass.
    check.that(reads <= 4 * steps + 4, f"With WIDTH = {width} there are {steps} steps. One thread reads shared memory "
               f"{reads} times: it adds up one element after the other, instead of sums that others have made.",
               call=run.launch)
    # Two for each step and one after the copy; one more, before or behind, would still pass.
    check.that(run.made.barriers <= 2 * steps + 2, f"With WIDTH = {width} there are {steps} steps, with two barriers "
               f"each, and one barrier before them. Here the threads come to {run.made.barriers}: is there a step too "
               "many? At a distance of WIDTH, no thread has anybody before it.", call=run.launch)


# ---- Launched as the course launches kernels: without the tracer, and on a GPU where there is one ----


@pytest.mark.parametrize(("name", "grid", "count"), [
    ("reversed_blocks", 1, puzzles.WIDTH), ("reversed_blocks", 40, 40 * puzzles.WIDTH), ("pooled", 1, puzzles.WIDTH),
    ("pooled", 1, puzzles.WIDTH - 1), ("pooled", 1, 1), ("running_sum", 1, puzzles.WIDTH)])
def test_launched(name, grid, count):
    """Without the tracer, and on a GPU where there is one, each puzzle gives the same."""
    a = numbers(count)
    right = {"reversed_blocks": a.reshape(grid, -1)[:, ::-1].reshape(-1), "running_sum": np.cumsum(a, dtype=np.float32),
             "pooled": np.convolve(a, np.ones(3, np.float32))[:count]}[name]
    same(launched(getattr(puzzles, name), grid, puzzles.WIDTH, right.shape, a), right, name, grid, puzzles.WIDTH)
