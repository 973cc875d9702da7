"""Task 4.2: elementwise kernels, by their values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from geometry import COUNTS, contiguous, first_fastest, places, room, shapes, strides_for
from hypothesis import example, given
from hypothesis import strategies as st
from launching import described as blocks_of
from launching import launch

from course import check
from course.term import count as counted
from terox.cuda.elementwise import map_kernel, zip_kernel

pytestmark = pytest.mark.task("4.2")

GUARD = 3  # places behind each operand, which hold something, so that a slip ends in a wrong number


def turned(x):
    return 3.0 * x - 1.0


def minus(x, y):
    return x - 5.0 * y


def weighted(*numbers):
    """The same functions, for the expected values: `turned` of one number, `minus` of two."""
    return 3.0 * numbers[0] - 1.0 if len(numbers) == 1 else numbers[0] - 5.0 * numbers[1]


def memory_of(sizes, strides):
    """Flat memory for each operand, all of whose numbers differ."""
    return [np.arange(room(sizes, each) + GUARD, dtype=np.float64) + 1000.0 * k + 1.0 for k, each in enumerate(strides)]


@st.composite
def work(draw, operands):
    """(sizes, strides): the first operand is the result, in which no two elements share a place."""
    sizes = draw(shapes())
    strides = [draw(strides_for(sizes, stretched=False))]
    while len(strides) < operands:
        strides.append(strides[0] if draw(st.booleans()) and draw(st.booleans()) else draw(strides_for(sizes)))
    return sizes, strides


GRIDS = st.integers(1, 4)
BLOCKS = st.sampled_from([1, 2, 4, 8])


class Expected:
    """What a kernel has to write, and what known mistakes would make of it."""

    def __init__(self, sizes, strides, grid, block):
        self.sizes, self.strides, self.threads, self.block = sizes, strides, grid * block, block
        self.before = [each.tolist() for each in memory_of(sizes, strides)]
        self.count = math.prod(sizes)
        self.right = self.filled()

    def filled(self, numbers=None, strides=None, where=None, fn=weighted):
        """out, where only some elements are done, or with other strides; None where that leaves memory."""
        where = where or [places(self.sizes, each) for each in strides or self.strides]
        out = list(self.before[0])
        for number in range(self.count) if numbers is None else numbers:
            o, *ins = (each[number] for each in where)
            if any(place >= len(memory) for place, memory in zip((o, *ins), self.before)):
                return None
            out[o] = fn(*(memory[place] for memory, place in zip(self.before[1:], ins)))
        return out

    def mistakes(self):
        count, threads, strides = self.count, self.threads, self.strides
        found = {
            "out is as it was before.": self.before[0],
            f"Only the first {counted(threads, 'element')} of {count} were done, as there are "
            f"{counted(threads, 'thread')} in all. Each goes on with further elements, in steps of the number of all "
            "threads.":
                self.filled(range(min(threads, count))),
            f"Only the first {counted(self.block, 'element')} of {count} were done, as many as a block has threads.":
                self.filled(range(min(self.block, count))),
            "Element 0 is missing.": self.filled(range(1, count)),
            "The last element is missing.": self.filled(range(count - 1)),
            "The first dimension runs fastest here. The last one has to.":
                self.filled(where=[first_fastest(self.sizes, each) for each in strides]),
            "The strides were not used: not every operand lies one element after the other.":
                self.filled(strides=[contiguous(self.sizes)] * len(strides)),
            "The strides of out were taken for all operands. Each has its own: strides[k].":
                self.filled(strides=[strides[0]] * len(strides)),
            "The strides of out and a have changed places: out comes first.":
                self.filled(strides=[strides[1], strides[0], *strides[2:]]),
            "out is written at the place that the element has in a. Each operand has strides of its own.":
                self.filled(strides=[strides[1], *strides[1:]]),
            "out is written at the place that the element has in a new tensor. It has strides of its own: strides[0].":
                self.filled(strides=[contiguous(self.sizes), *strides[1:]]),
            "a is read at the place that the element has in a new tensor. It has strides of its own: strides[1].":
                self.filled(strides=[strides[0], contiguous(self.sizes), *strides[2:]]),
            "fn was not called: these are the elements of a themselves.": self.filled(fn=lambda x, *more: x),
        }
        if len(strides) == 3:
            found |= {
                "The two arguments of fn have changed places: it is fn(a, b).":
                    self.filled(fn=lambda x, y: weighted(y, x)),
                "The strides of a and b have changed places.":
                    self.filled(strides=[strides[0], strides[2], strides[1]]),
                "The strides of a were taken for b, too. Each operand has its own.":
                    self.filled(strides=[strides[0], strides[1], strides[1]]),
                "The strides of b were taken for a, too. Each operand has its own.":
                    self.filled(strides=[strides[0], strides[2], strides[2]]),
                "The strides of out were taken for a. Each operand has its own.":
                    self.filled(strides=[strides[0], strides[0], strides[2]]),
                "The strides of out were taken for b. Each operand has its own.":
                    self.filled(strides=[strides[0], strides[1], strides[0]]),
                "Both arguments of fn came from a.": self.filled(fn=lambda x, y: weighted(x, x)),
            }
        return {text: wrong for text, wrong in found.items() if wrong not in (None, self.right)}


def described(name, sizes, strides, grid, block):
    operands = ", ".join(("out", "a", "b")[: len(strides)])
    return (f"{name}(fn, {operands}, {math.prod(sizes)}, sizes={sizes}, strides={tuple(strides)}), "
            f"{blocks_of(grid, block)}")


def judge(kernel, fn, case, grid, block):
    sizes, strides = case
    memory, call = memory_of(*case), described(kernel.__name__, *case, grid, block)
    launch(kernel, grid, block, *memory, math.prod(sizes), sizes, tuple(strides), fn=fn, call=call)
    expected = Expected(sizes, strides, grid, block)
    got = memory[0].tolist()
    if got != expected.right:
        check.equal(got, expected.right, call=f"out after {call}", mistakes=expected.mistakes(),
                    note=what_differs(expected, got))
    for name, array, before in zip("ab", memory[1:], expected.before[1:]):
        check.equal(array.tolist(), before, call=f"{name} after {call}", note="An operand is only read.")


def what_differs(expected, got):
    """The first place that is wrong, by the element that lies there."""
    for number, place in enumerate(places(expected.sizes, expected.strides[0])):
        if got[place] != expected.right[place]:
            return (f"Element {number}, at place {place} of out, is {got[place]}, and should be "
                    f"{expected.right[place]}.")
    wrong = next((place for place, value in enumerate(got) if value != expected.right[place]), None)
    return f"Place {wrong} of out was overwritten: no element lies there."


def small_examples(operands):
    """The smallest inputs for which a mistake shows, the simplest first."""
    cases = [((2,), [(1,), (1,), (1,)], 1, 2), ((5,), [(1,), (1,), (1,)], 1, 2), ((4,), [(1,), (1,), (1,)], 1, 2),
             ((3,), [(1,), (1,), (1,)], 1, 4), ((1,), [(0,), (1,), (1,)], 1, 1), ((4,), [(1,), (1,), (1,)], 2, 2),
             ((5,), [(1,), (1,), (1,)], 2, 2), ((4,), [(2,), (3,), (4,)], 1, 4),
             ((4,), [(1,), (2,), (1,)], 1, 4), ((4,), [(1,), (1,), (2,)], 1, 4),
             ((4,), [(1,), (0,), (1,)], 1, 4), ((4,), [(1,), (1,), (0,)], 1, 4),
             ((2, 3), [(3, 1), (1, 2), (0, 1)], 1, 8), ((2, 3), [(1, 2), (3, 1), (1, 0)], 2, 2),
             ((2, 3, 2), [(6, 2, 1), (1, 2, 6), (0, 1, 0)], 2, 4)]

    def decorate(test):
        for sizes, strides, grid, block in reversed(cases):
            test = example(case=(sizes, strides[:operands]), grid=grid, block=block)(test)
        return test

    return decorate


@given(case=work(2), grid=GRIDS, block=BLOCKS)
@small_examples(2)
def test_map(case, grid, block):
    """Every element of out is fn of that element of a, whatever the strides; nothing else is written."""
    judge(map_kernel, turned, case, grid, block)


@given(case=work(3), grid=GRIDS, block=BLOCKS)
@small_examples(3)
def test_zip(case, grid, block):
    """Every element of out is fn(a, b), each operand with its own strides; nothing else is written."""
    judge(zip_kernel, minus, case, grid, block)


@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_elements_and_threads(count):
    """Any grid does all elements: fewer threads than elements, more, or as many."""
    for grid, block in ((1, 1), (1, 8), (2, 4), (3, 8), (5, 8), (2, 1)):
        judge(map_kernel, turned, ((count,), [(1,), (1,)]), grid, block)
        judge(zip_kernel, minus, ((count,), [(2,), (0,), (1,)]), grid, block)


@given(count=st.integers(1, 20), grid=GRIDS, block=BLOCKS)
@example(count=5, grid=1, block=4)
def test_in_place(count, grid, block):
    """out may be the memory of an operand, as in `a += b`."""
    out, b = np.arange(1.0, count + 1), np.arange(0.0, count) ** 2
    expected = [minus(float(x), float(y)) for x, y in zip(out, b)]
    launch(same_memory, grid, block, out, b, count, (count,), ((1,), (1,), (1,)), fn=minus)
    check.equal(out.tolist(), expected, call=f"out after zip_kernel(fn, out, out, b, {count}, ...), "
                                             f"{blocks_of(grid, block)}", note="Each element belongs to one thread, "
                                                                               "which reads it before it writes it.")


def same_memory(fn, out, b, count, sizes, strides):
    zip_kernel(fn, out, out, b, count, sizes, strides)


def times_ten(x):
    return x * 10


@pytest.mark.parametrize("kind", ["float32", "int64"])
def test_other_kinds(kind):
    """The kernels do not say of what kind the numbers are."""
    out, a = np.zeros(11, kind), np.arange(11).astype(kind)
    launch(map_kernel, 2, 4, out, a, 11, (11,), ((1,), (1,)), fn=times_ten)
    check.equal(out.tolist(), (np.arange(11) * 10).astype(kind).tolist(), call=f"map_kernel, with {kind} arrays")
