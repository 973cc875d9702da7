"""What the tests of task 3.4 share: one call of `matmul_range`, what it should leave behind, and what slips leave."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import strategies as st
from operands import room, strides_for

from course import check
from course.trace import trace_chunks
from terox.parallel import matmul

UNTOUCHED = -987654321  # in out, wherever nothing was written


def contiguous(sizes):
    return tuple(math.prod(sizes[d + 1 :]) for d in range(len(sizes)))


def places(sizes, strides):
    """An array of these sizes: where each element lies."""
    found = np.zeros((), np.int64)
    for size, stride in zip(sizes, strides):
        found = found[..., None] + np.arange(size) * stride
    return found


class Product:
    """A product of matrices with sizes (*batch, n, m, k). out, a, b: strides of their own dimensions. grain: how many
    units a call does at most; by default, one call does all.
    """

    def __init__(self, n, m, k, batch=(), out=None, a=None, b=None, blocks=(2, 2, 4), dtype="float64", grain=None):
        self.n, self.m, self.k, self.batch, self.blocks, self.dtype = n, m, k, tuple(batch), blocks, dtype
        self.shapes = [(*self.batch, n, m), (*self.batch, n, k), (*self.batch, k, m)]
        self.own = [given or contiguous(shape) for given, shape in zip((out, a, b), self.shapes)]
        out, a, b = self.own
        self.sizes = np.array((*self.batch, n, m, k), np.int64)
        self.strides = np.array([(*out, 0), (*a[:-1], 0, a[-1]), (*b[:-2], 0, b[-1], b[-2])], np.int64)
        rows, columns, _ = blocks
        self.down, self.across = -(-n // rows), -(-m // columns)
        self.count = self.down * self.across * math.prod(self.batch)
        grain = grain or self.count
        self.chunks = [(begin, min(begin + grain, self.count)) for begin in range(0, self.count, grain)]

    def __repr__(self):
        d = len(self.batch)
        names = ["batch"] * d + ["n", "m", "k"]
        sizes = ", ".join(f"{name} {size}" for name, size in zip(names, self.sizes.tolist()))
        units = f"{self.count} unit{'s' if self.count > 1 else ''}"
        if len(self.chunks) > 1:
            units += f", from {' and '.join(f'{begin} to {end}' for begin, end in self.chunks[:3])}"
            units += " ..." if len(self.chunks) > 3 else ""
        return (f"{sizes}; with ROWS, COLUMNS, DEPTH = {self.blocks}, so {units}; strides of out {self.own[0]}, a "
                f"{self.own[1]}, b {self.own[2]}; {self.dtype}")

    def name(self):
        return " x ".join(map(str, self.sizes.tolist()))

    @contextlib.contextmanager
    def small_blocks(self):
        """ROWS, COLUMNS and DEPTH are this product's, as long as it lasts."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in zip(("ROWS", "COLUMNS", "DEPTH"), self.blocks):
                patch.setattr(matmul, name, value)
            yield

    def memories(self, spare=0, values=None):
        """Memory of out, a and b, with `spare` places behind. Between the elements stands what nobody may read."""
        made = []
        for number, (shape, strides) in enumerate(zip(self.shapes, self.own)):
            length = (room(shape, strides) if 0 not in shape else 0) + spare
            memory = np.full(length, UNTOUCHED, self.dtype)
            if number:
                if self.dtype != "int64":
                    memory[:] = math.nan
                at = places(shape, strides)
                memory[at] = values(number, at) if values else at + 1 if number == 1 else 2 * at + 3
            made.append(memory)
        return made

    def run(self, memories, chunks=None):
        """Call matmul_range for all chunks, or for these."""
        with self.small_blocks(), np.errstate(all="ignore"):
            for begin, end in self.chunks if chunks is None else chunks:
                try:
                    matmul.matmul_range(begin, end, *memories, self.sizes.copy(), self.strides.copy())
                except IndexError:
                    self.trace(self.chunks if chunks is None else chunks)  # which says more
                    raise

    def trace(self, chunks, order="forward", unless=""):
        """Run the chunks, traced, on memory that ends with the last elements. Raises CheckFailed for what is not as it
        should be, but for problems of the kind `unless`; returns the memories.
        """
        memories = self.memories()
        out = {"out": places(self.shapes[0], self.own[0])}
        with self.small_blocks():
            traced = trace_chunks(matmul.matmul_range, self.count, chunks, *memories, sizes=self.sizes,
                                  strides=self.strides, order=order, elements=out)
        for problem in traced.problems[:1]:
            note = problem.message
            if problem.kind == "read only" and problem.array not in ("a", "b"):
                note = (f"{problem.lines[0]} writes to {problem.array}, which stands outside of the function: all "
                        "threads would share it. (Compiled, it is a constant.) Take scratch memory inside "
                        "matmul_range.")
            lines, first = inspect.getsourcelines(matmul.pack)
            if problem.lines and first <= problem.lines[0].line < first + len(lines):
                note += " That is in `pack`, which is provided: look at what it is given."
            if problem.kind != unless:
                raise check.CheckFailed(repr(self), note=note + by_name())
        return memories

    def operands(self, memories, a=None, b=None):
        """The matrices a and b, as arrays; or what is read with other strides in their place."""
        return [memory[places(shape, strides)]
                for memory, shape, strides in zip(memories[1:], self.shapes[1:], (a or self.own[1], b or self.own[2]))]

    def block(self, unit):
        """(index in the batch, slice of rows, slice of columns) of a unit."""
        rows, columns, _ = self.blocks
        which, inside = divmod(unit, self.down * self.across)
        row, column = divmod(inside, self.across)
        return (np.unravel_index(which, self.batch) if self.batch else (),
                slice(row * rows, min(row * rows + rows, self.n)),
                slice(column * columns, min(column * columns + columns, self.m)))

    def described(self, unit):
        which, rows, columns = self.block(unit)
        product = f", of product {', '.join(map(str, which))}" if which else ""
        return (f"unit {unit} (rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"
                f"{product})")

    def unit_of(self, index):
        """In which unit an element of out is computed."""
        *which, i, j = index
        number = int(np.ravel_multi_index(which, self.batch)) if which else 0
        return (number * self.down + i // self.blocks[0]) * self.across + j // self.blocks[1]

    def into(self, memories, result, strides=None):
        """The memory of out with this result in it."""
        memory = np.full_like(memories[0], UNTOUCHED)
        for place, value in zip(places(self.shapes[0], strides or self.own[0]).ravel(), result.ravel()):
            memory[place] = value  # one after the other: where places are equal, the last one stays
        return memory


def by_name():
    """What to say to someone who has written block sizes as numbers."""
    numbers = {128, 256, 64} & {each for each in matmul.matmul_range.__code__.co_consts if type(each) is int}
    return (f" (In matmul_range stands {' and '.join(map(str, sorted(numbers)))}. The tests use smaller blocks: write "
            "ROWS, COLUMNS and DEPTH.)") if numbers else ""


few = st.sampled_from((1, 2, 3, 4, 5, 6, 7))
up_to_11 = st.sampled_from((*range(1, 12), 0))


@st.composite
def products(draw, depths=up_to_11, dtypes=("float64",), chunked=False):
    """Products of any layout, with blocks of any size; cut into chunks of units, if `chunked`."""
    batch = draw(st.lists(st.sampled_from((2, 1, 2, 3)), max_size=2)) if draw(st.booleans()) else []
    n, m, k = draw(few), draw(few), draw(depths)
    if math.prod(batch) * n * m > 40:
        batch = batch[:1]
    own = [None] * 3
    if draw(st.integers(0, 3)):
        own = [draw(strides_for((*batch, *sizes), stretched=number > 0))
               for number, sizes in enumerate([(n, m), (n, max(k, 1)), (max(k, 1), m)])]
    blocks = (draw(st.sampled_from((2, 4))), draw(st.integers(1, 4)), draw(st.sampled_from((4, 8))))
    return Product(n, m, k, batch, *own, blocks=blocks, dtype=draw(st.sampled_from(dtypes)),
                   grain=draw(st.sampled_from((1, 2, 3, None))) if chunked else None)


def judge(case, memories, right, mistakes=()):
    """The memory of out holds the result `right`, and nothing else has changed in it. mistakes: pairs (sentence,
    function that gives the memory that a slip leaves, or None).
    """
    wanted = case.into(memories, right)
    got = memories[0]
    if np.array_equal(got, wanted, equal_nan=got.dtype.kind == "f"):
        return
    said = "Nothing was written to out." if (got == UNTOUCHED).all() else None
    if said and case.k == 0:
        said = "Where k is 0, the result is 0, and has to be written like any other."
    for sentence, slip in mistakes if said is None else ():
        try:
            left = slip()
        except IndexError:
            continue  # that slip would have left the memory
        if left is not None and np.array_equal(got, left, equal_nan=got.dtype.kind == "f") \
                and not np.array_equal(left, wanted, equal_nan=got.dtype.kind == "f"):
            said = sentence
            break
    if said is None:
        case.trace(case.chunks, unless="never written")
    where = places(case.shapes[0], case.own[0])
    for index in itertools.product(*map(range, case.shapes[0])):
        place = where[index]
        if got[place] != wanted[place] and not (got[place] != got[place] and wanted[place] != wanted[place]):
            shown = f"out[{', '.join(map(str, index))}]"
            unit = case.described(case.unit_of(index))
            note = said or f"{shown} is the sum of {case.k} products. It belongs to {unit}.{by_name()}"
            value = "not written" if got[place] == UNTOUCHED else check.shown(got[place].item())
            raise check.CheckFailed(repr(case), f"{shown}: {value}", f"{shown}: {wanted[place].item()}", note)
    place = int(np.flatnonzero(got != wanted)[0])
    raise check.CheckFailed(repr(case), note=said or (
        f"Place {place} of the memory of out was written. None of its elements lies there: strides[0] says where they "
        "do, and blocks at the edges are smaller."))
