"""What the tests of task 4.5 share: softmax from its definition, parts of a row, and rows that lie anywhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
from geometry import contiguous, room, strides_for
from gpu_products import explained, places
from hypothesis import strategies as st
from launching import few_threads, launch

from course import check
from course.check import CheckFailed
from course.term import count
from course.trace.gpu import trace_kernel
from terox.cuda import softmax

GUARD = -7.0  # what results hold before the call
KIND = st.sampled_from(["float64", "float32"])
NUMBER = st.floats(-4, 4, width=32)


def by_definition(row):
    """exp(x) / sum(exp), for floats."""
    top = math.nan if any(map(math.isnan, row)) else max(row)
    if not math.isfinite(top):
        return [math.nan] * len(row)
    powers = [math.exp(x - top) for x in row]
    total = math.fsum(powers)
    return [power / total for power in powers]


def tolerance(row, kind, terms):
    """(relative, absolute). A difference from a maximum is rounded, which changes its exp in proportion to its size. A
    sum is rescaled whenever the maximum grows; those differences add up to the widest one at most, and each adds the
    roundings of an exp (two units) and of a product.
    """
    finite = [x for x in row if math.isfinite(x)] or [0.0]
    widest = min(max(finite) - min(finite), 750.0 if kind == "float64" else 104.0)
    return float(np.finfo(kind).eps) * (8 + 6 * terms + 2 * widest), 2 * float(np.finfo(kind).smallest_normal)


def part_of(row):
    """(top, total) of some elements, by definition."""
    if not row:
        return (-math.inf, 0.0)
    if any(map(math.isnan, row)):
        return math.nan, math.nan
    top = max(row)
    if top == math.inf:
        return top, math.nan
    if top == -math.inf:
        return top, float(len(row))
    return top, math.fsum(math.exp(x - top) for x in row)


def short(numbers, most=12):
    """Numbers as a message shows them: a few digits, and the first ones of many."""
    text = ", ".join(f"{float(x):.6g}" for x in numbers[:most])
    return f"[{text}{', ...' if len(numbers) > most else ''}]"


def softmax_rows(rows):
    """The softmax of each row, one after the other."""
    return [x for row in rows for x in by_definition(row)]


def rows_close(results, rows, rtol, atol, call, mistakes=None, why=None):
    """The results, one row after the other, are softmax of the rows; or a failure that shows the first wrong one.

    mistakes: as in course.check. why: a function of a row and its results that says what to think of it, or None.
    """
    wanted, length = softmax_rows(rows), len(rows[0])
    try:
        check.all_close(results, wanted, rtol=rtol, atol=atol, mistakes=mistakes)
    except CheckFailed as error:
        bad = next(i for i, pair in enumerate(zip(results, wanted)) if not np.isclose(*pair, rtol, atol, True))
        row, number = divmod(bad, length)
        mine, name = slice(row * length, row * length + length), f"row {row}, element {number}"
        note = error.note if error.note and not error.note.startswith("The first difference") else (
            why and why(rows[row], results[mine]))
        raise CheckFailed(call, f"{name}: {results[bad]:.9g}; the row: {short(results[mine])}",
                          f"{name}: {wanted[bad]:.9g}; the row: {short(wanted[mine])}", note) from None


class Rows:
    """Rows of one softmax. sizes: (*rows, length); out, a: strides of these dimensions. block: threads of a block."""

    def __init__(self, sizes, out=None, a=None, kind="float64", block=None):
        self.sizes, self.kind, self.block = tuple(sizes), kind, block or softmax.BLOCK
        self.own = out or contiguous(self.sizes), a or contiguous(self.sizes)

    def __repr__(self):
        return (f"softmax_kernel: rows {self.sizes[:-1]}, length {self.sizes[-1]}, "
                f"{count(self.block, 'thread')} a block; "
                f"strides (rows, element) of out {self.own[0]}, a {self.own[1]}; {self.kind}")

    @property
    def count(self):
        return math.prod(self.sizes[:-1])

    def memories(self, values, spare=0):
        """Memory of out and a. Between the elements of a stands what nobody may read."""
        out = np.full(room(self.sizes, self.own[0]) + spare, GUARD, self.kind)
        a = np.full(room(self.sizes, self.own[1]) + spare, math.nan, self.kind)
        a[places(self.sizes, self.own[1])] = values
        return out, a

    def arguments(self, memories):
        rows, strides = self.sizes[:-1], tuple(own[:-1] for own in self.own)
        return (np.dtype(self.kind).type, *memories, self.sizes[-1], tuple(own[-1] for own in self.own), rows, strides)

    def run(self, memories):
        kind, *args = self.arguments(memories)
        try:
            launch(softmax.softmax_kernel, self.count, self.block, *args, call=repr(self), kind=kind)
        except CheckFailed:
            self.checked([memory.copy() for memory in memories])  # says more
            raise

    def traced(self, memories, most=None):
        """Run the kernel traced. most: BLOCK for this run."""
        return trace_kernel(softmax.softmax_kernel, self.count, self.block, *self.arguments(memories), out="out",
                            once=True, elements={"out": places(self.sizes, self.own[0])},
                            constants={"BLOCK": most or self.block})

    def checked(self, memories, most=None):
        """Run the kernel traced. Raises CheckFailed for what is not as it should be."""
        made = self.traced(memories, most)
        unset = any(problem.kind == "not initialized" for problem in made.problems[:1])
        also = few_threads(self.block, most or self.block) if unset else ""
        return explained(made, repr(self), lambda problem: {
            name: f"The place of element i of a row of `{name}` is offset(row, rows, strides[{n}]) + i * steps[{n}]."
            for n, name in enumerate(("out", "a"))}.get(problem.array, ""), also=also)

    def read(self, memory, which, strides=None):
        """What lies in memory at the elements of out (0) or a (1), row by row; None where there is nothing."""
        found = places(self.sizes, strides or self.own[which]).reshape(self.count, -1)
        return memory[found].tolist() if found.max() < len(memory) else None


@st.composite
def many_rows(draw, block, lengths):
    """Rows of any strides, some shorter and some longer than a block."""
    length = draw(st.sampled_from(lengths))
    rows = draw(st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 3)]))
    sizes = (*rows, length)
    if draw(st.booleans()):
        return Rows(sizes, block=block, kind=draw(KIND))
    return Rows(sizes, draw(strides_for(sizes, False)), draw(strides_for(sizes, True)), draw(KIND), block)


def lengths_near(block):
    """Lengths at which the threads of a block have no element, one or several, small ones first."""
    return sorted({1, 2, max(block - 1, 1), block, block + 1, 2 * block, 2 * block + 3})


def joined(parts):
    """Parts of rows in one, by definition: (top, total)."""
    return part_of(list(itertools.chain(*parts)))
