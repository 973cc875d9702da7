"""Task 3.3: many results, each folded from its rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from folds import ADD, KINDS, UNSET, Work, add, compare, exactly, same, works
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.check import CheckFailed
from course.trace import trace_chunks
from terox.parallel.reduce import LANES, reduce_range

pytestmark = pytest.mark.task("3.3")

FLOAT32, FLOAT64, INT64, PRODUCT, MAX, MAX_INT = KINDS
CHUNKS = st.one_of(st.integers(1, 5), st.just(1000))


def traced(work, grain, out, order="forward"):
    return trace_chunks(reduce_range, work.count, grain, out, work.a, sizes=work.sizes, strides=work.strides,
                        leading=(work.kind.fn, work.kind.start), once=True, order=order)


def plain(kept, folded, kind=FLOAT64, seed=(1, 2, 4, 8, -16, 32, 64, -128)):
    """Contiguous in memory."""
    sizes = (*kept, *folded)
    steps = [math.prod(sizes[d + 1 :]) for d in range(len(sizes))]
    return Work(kind, kept, folded, [math.prod(kept[d + 1 :]) for d in range(len(kept))], steps, seed)


@given(works(), CHUNKS)
@example(plain((), ()), 1)
@example(plain((), (5,)), 1)
@example(plain((), (2, 3)), 1)
@example(plain((), (2, 3, 2)), 1)
@example(plain((4,), ()), 3)
@example(plain((4,), (3,)), 3)
@example(plain((2, 3), ()), 4)
@example(plain((2, 3), (2,)), 4)
@example(plain((3, 2), (2, 3)), 5)
@example(plain((3,), (2, 2, 3)), 2)
@example(plain((2,), (2, 2 * LANES + 1)), 1)
@example(plain((2,), (LANES - 1,)), 2)
@example(plain((3,), (2, 3), PRODUCT, (2, -1, 2, 2, 0.5)), 2)
@example(plain((3,), (2, 3), MAX, (-7, -5, -9, -6)), 2)
@example(plain((3,), (2, 3), MAX_INT, (-(2**62) + 1, -(2**62) + 3, -(2**62) - 5)), 2)
@example(plain((2,), (3, 3), INT64, (2**53 + 1, 3, -(2**53) + 5)), 1)
@example(plain((2,), (4, 1), FLOAT32, (2**24, 1, 1, -(2**24) + 3)), 2)
@example(Work(FLOAT64, (3,), (2,), (1,), (1, 3), (1, 2, 4, 8, 16, 32)), 2)
@example(Work(FLOAT64, (3,), (2,), (2,), (2, 1), (1, 2, 4, 8, 16, 32)), 1)
@example(Work(FLOAT64, (2, 3), (2,), (1, 2), (1, 2, 6), (1, 2, 4, 8, 16, 32, 64)), 4)
@example(Work(FLOAT64, (2,), (3, 2), (1,), (2, 4, 1), (1, 2, 4, 8, 16, 32, 64)), 1)
@example(Work(FLOAT64, (2,), (3,), (1,), (1, 0), (1, 2)), 2)
@example(Work(FLOAT64, (2,), (3,), (3,), (0, 1), (1, 2, 4)), 1)
def test_reduce_range(work, grain):
    """Each result is folded from all of its rows, whatever range it belongs to, and is written once, at its place."""
    out = work.out()
    made = traced(work, grain, out, "shuffled")
    for problem in made.problems:
        raise CheckFailed(repr(work), note=f"{problem.message}{explained(work, problem)}")
    for number in range(work.count):
        place = work.places_of_out[number]
        compare(f"{work!r}\nresult number {number}, at place {place} of out", work.kind, out[place],
                work.expected(number), work.numbers(number), (work, number), known_of, what_was_read)


def explained(work, problem):
    """What a problem with `out` comes from."""
    if problem.array != "out":
        return ""
    if problem.kind in ("not initialized", "written twice"):
        return " A result is folded in a variable of its own, which begins with start, and written when it is complete."
    return f" The results lie at the places {check.shown(work.places_of_out, 120)} of out, in this order."


def known_of(work, number):
    """What known mistakes would make of one result: sentence -> number."""
    kind, numbers, row = work.kind, work.numbers(number), work.sizes[-1] if work.folded else 1
    rows = len(numbers) // row
    at_out = [work.memory[place] for place in read_by(work, number, work.strides[0]) if place < len(work.memory)]
    found = {
        "Only its first row was folded. With several folded dimensions, there is a row for each index of all but the "
        "last of them.": numbers[:row],
        "Only its last row was folded: what the rows before it came to is lost.": numbers[-row:],
        "The first row was folded again and again: each row begins at a place of its own.": numbers[:row] * rows,
        "The place of its first element was found with the strides of out; a has its own.": at_out,
        "All results up to this one were folded together: each has to begin with start.": [
            x for before in range(number + 1) for x in work.numbers(before)],
    }
    wrong = {}
    if kind.fn is not add and kind.dtype != "int64":
        wrong["What its rows came to was added up. Rows are folded by fn, too, which need not be a sum."] = \
            kind.start + sum(kind.fold(numbers[i * row : i * row + row]) for i in range(rows))
    wrong |= {sentence: stored_in(work, kind.fold(row)) for sentence, row in found.items()}
    wrong |= {f"This is what result number {other} has to be.": work.expected(other) for other in range(work.count)}
    wrong |= {"Nothing was folded: this is start.": kind.start,
              "It was not written: what was in the memory before is still there.": UNSET}
    return {sentence: value for sentence, value in wrong.items() if not same(value, work.expected(number))}


def stored_in(work, value):
    return exactly(np.array([value], work.kind.dtype)[0])


def read_by(work, number, of_first):
    """The places of the elements of a result, were its first element found with other strides."""
    index, rest = [], number
    for size in work.kept[::-1]:
        index.append(rest % size)
        rest //= size
    begin = sum(i * step for i, step in zip(index[::-1], of_first))
    return [place - work.places_of_a[number][0] + begin for place in work.places_of_a[number]]


def what_was_read(work, number):
    """Which elements a result was folded from, where those are the wrong ones."""
    out = work.out()
    made = traced(work, 1, out)
    read = [place for place, by in enumerate(made.readers("a")) if range(number, number + 1) in by]
    belong = sorted(set(work.places_of_a[number]))
    if read != belong:
        return (f"For result number {number}, a was read at the places {check.shown(read, 120)}; its elements lie at "
                f"{check.shown(belong, 120)}.")
    return None


@given(works(kinds=(FLOAT64,)), CHUNKS, CHUNKS, st.randoms(use_true_random=False))
def test_any_ranges(work, grain, other, random):
    """Whatever ranges the results are cut into, they are equal to the last bit, and right up to n roundings."""
    work.memory = [random.uniform(-1, 1) * 10.0 ** random.randint(-3, 3) for _ in work.memory]
    work.a[:] = work.memory
    outs = []
    for size, order in ((grain, "forward"), (other, "reversed")):
        outs.append(work.out())
        traced(work, size, outs[-1], order).check()
    check.equal(outs[0].tolist(), outs[1].tolist(), call=f"{work!r}, in ranges of {grain} and of {other}",
                note="The same results are to come out, to the last bit: each is folded by itself, in one order.")
    for number, place in enumerate(work.places_of_out):
        numbers = work.numbers(number)
        check.close(outs[0][place], math.fsum(numbers), call=f"{work!r}\nresult number {number}", rtol=0,
                    atol=(len(numbers) + LANES) * 2.0**-53 * math.fsum(map(abs, numbers)))


# ---- Compiled ----


def compiled(dtypes=("float32", "float32")):
    """The kernel, once the Python form has shown that it stays within memory."""
    from terox.parallel import compiler

    work = plain((2,), (3, LANES + 5), FLOAT32)
    traced(work, 1, work.out()).check()
    return compiler.kernel(reduce_range, dtypes, fn=add, start=0.0)


@given(works(kinds=(ADD,)), st.integers(0, 30))
def test_reduce_range_compiled(work, cut):
    """Compiled, reduce_range gives what its Python form gives."""
    out, cut = work.out(), min(cut, work.count)
    tables = np.array(work.sizes, np.int64), np.array(work.strides, np.int64)
    kernel = compiled()
    for begin, end in ((0, cut), (cut, work.count)):
        if begin < end:
            kernel.serial(begin, end, out, work.a, *tables)
    for number, place in enumerate(work.places_of_out):
        compare(f"{work!r}, compiled\nresult number {number}, at place {place} of out", work.kind, out[place],
                work.expected(number), work.numbers(number), (work, number), known_of)
    beside = [place for place in range(work.room) if place not in work.places_of_out and out[place] != UNSET]
    check.that(not beside, f"Place {beside[0] if beside else None} of out was overwritten, and holds no result.",
               call=f"{work!r}, compiled")


@pytest.mark.parametrize("step", [1, 2])
def test_a_million_float32_numbers(step):
    """The float32 sum of a million numbers is the float32 next to the exact sum, or the one beside it."""
    n = 1_000_000
    thousandths = np.random.default_rng(n).integers(1, 2**20, n)  # of 1024: exact as float32, their sum as int64
    a = np.zeros(n * step, np.float32)
    a[::step] = thousandths / 1024
    out = np.zeros(1, np.float32)
    compiled().serial(0, 1, out, a, np.array([n], np.int64), np.array([[0], [step]], np.int64))
    exact = int(thousandths.sum()) / 1024
    # The sum in 64 bits is off by n * 1.1e-16 of it at most, its float32 by 6e-8.
    check.close(float(out[0]), exact, rtol=n * 2.0**-53 + 2.0**-24, atol=0.0,
                call=f"the sum of {n:,} positive float32 numbers, {step} apart, compiled",
                note="That is further off than one rounding. Some of the values that are added to are float32, "
                     "with 24 bits, and an addition to a large one drops digits of the small one. (In compiled code, a "
                     "variable that begins with an element of a is a float32, too.)")
