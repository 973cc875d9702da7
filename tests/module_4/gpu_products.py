"""What the tests of task 4.4 share: one product of matrices on the GPU, and what it should leave behind."""

from __future__ import annotations

import itertools
import math

import numpy as np
from geometry import contiguous, room, strides_for
from hypothesis import strategies as st
from launching import launch, written_out

from course import check
from course.trace.gpu import trace_kernel
from terox.cuda import matmul

UNTOUCHED = -987654  # in out, wherever nothing was written


def places(sizes, strides):
    """An array of these sizes: where each element lies."""
    found = np.zeros((), np.int64)
    for size, stride in zip(sizes, strides):
        found = found[..., None] + np.arange(size) * stride
    return found


class Product:
    """A product of matrices of sizes (*batch, n, m, k). out, a, b: strides of their dimensions, rows and columns last.
    tile: the side of a tile where it is traced; where it is launched, that is TILE.
    """

    def __init__(self, n, m, k, batch=(1,), out=None, a=None, b=None, kind="float64", tile=None):
        self.n, self.m, self.k, self.batch, self.kind, self.tile = n, m, k, tuple(batch), kind, tile
        self.shapes = [(*self.batch, n, m), (*self.batch, n, k), (*self.batch, k, m)]
        self.own = [given or contiguous(shape) for given, shape in zip((out, a, b), self.shapes)]

    def __repr__(self):
        layout = ", ".join(f"{name} {strides}" for name, strides in zip(("out", "a", "b"), self.own))
        batch = f"batch {self.batch}, " if self.batch != (1,) else ""
        return (f"matmul_kernel: {batch}n {self.n}, m {self.m}, k {self.k}, with tiles of {self.side} x {self.side}; "
                f"strides (... row, column) of {layout}; {self.kind}")

    @property
    def side(self):
        return self.tile or matmul.TILE

    @property
    def grid(self):
        """How many blocks there are: across, down, and one layer for each product."""
        return -(-self.m // self.side), -(-self.n // self.side), math.prod(self.batch)

    def name(self):
        return "x".join(map(str, (*self.batch, self.n, self.m, self.k)))

    def places(self, number):
        """Where the elements of out (0), a (1) or b (2) lie in memory, as an array."""
        return places(self.shapes[number], self.own[number])

    def memories(self, spare=0, values=None):
        """Memory of out, a and b, with `spare` places behind. Between the elements stands what nobody may read."""
        made = []
        for number, (shape, strides) in enumerate(zip(self.shapes, self.own)):
            memory = np.full(room(shape, strides) + spare, UNTOUCHED, self.kind)
            if number:
                if self.kind != "int64":
                    memory[:] = math.nan
                at = places(shape, strides)
                memory[at] = values(number, at) if values else small_numbers(number, at)
            made.append(memory)
        return made

    def arguments(self, memories):
        """What the kernel gets."""
        strides = tuple(own[-2:] for own in self.own)
        batch_strides = tuple(own[:-2] for own in self.own)
        return (np.dtype(self.kind).type, *memories, (self.n, self.m, self.k), strides, self.batch, batch_strides)

    def run(self, memories, kernel=None):
        """Launch the kernel."""
        kind, *args = self.arguments(memories)
        block = (matmul.TILE, matmul.TILE)
        try:
            launch(kernel or matmul.matmul_kernel, self.grid, block, *args, call=repr(self), kind=kind)
        except check.CheckFailed:
            self.checked()  # says more
            raise

    def traced(self, kernel=None, memories=None):
        """Run the kernel traced, on memory that ends with the last elements."""
        side = self.side
        memories = self.memories() if memories is None else memories
        return trace_kernel(kernel or matmul.matmul_kernel, self.grid, (side, side), *self.arguments(memories),
                            out="out", once=True, elements={"out": self.places(0)},
                            constants={"TILE": side})

    def checked(self, kernel=None, memories=None, unless=""):
        """Run the kernel traced. Raises CheckFailed for what is not as it should be, but for problems of the kind
        `unless`.
        """
        return explained(self.traced(kernel, memories), repr(self), self.misplaced, unless, self.written_out())

    def misplaced(self, problem):
        """What is wrong with a place outside of memory: the guard of a thread without an element, or the place."""
        name = problem.array
        if name not in ("out", "a", "b"):
            return ""
        number = ("out", "a", "b").index(name)
        *steps, down, right = self.own[number]
        (block, thread), sizes = problem.iterations[0], self.shapes[number][-2:]
        first_place = sum(i * step for i, step in zip(np.unravel_index(block.z, self.batch), steps))
        for first in range(0, self.k, self.side) if number else (0,):
            row = first + thread.y if name == "b" else block.y * self.side + thread.y
            column = first + thread.x if name == "a" else block.x * self.side + thread.x
            if problem.element == first_place + row * down + column * right and not (row < sizes[0] and
                                                                                     column < sizes[1]):
                told = {"out": f"row {row} and column {column}", "a": f"row {row} and p = first + x = {column}",
                        "b": f"p = first + y = {row} and column {column}"}[name]
                return (f"The thread has no element there: that would be {told}, and `{name}` has {sizes[0]} rows and "
                        f"{sizes[1]} columns. Its guard asks for both.")
        return (f"The place of an element of `{name}` is what offset says for the product of the batch, with "
                f"batch_strides[{number}], and its row and column times the two steps of strides[{number}].")

    def written_out(self):
        """A sentence for whoever wrote a number and not TILE."""
        said = written_out(matmul.matmul_kernel, {n: "TILE" for n in (16, matmul.TILE) if n != self.side})
        return f"TILE is {self.side} here.{said}" if said else ""

    def operands(self, memories, a=None, b=None):
        """The matrices a and b, as arrays; or what is read with other strides in their place."""
        return [memory[places(shape, strides)]
                for memory, shape, strides in zip(memories[1:], self.shapes[1:], (a or self.own[1], b or self.own[2]))]

    def into(self, memories, result, strides=None):
        """The memory of out with this result in it."""
        memory = np.full_like(memories[0], UNTOUCHED)
        for place, value in zip(places(self.shapes[0], strides or self.own[0]).ravel(), result.ravel()):
            memory[place] = value  # one after the other: where places are equal, the last one stays
        return memory

    def thread_of(self, index):
        """Who computes an element of out, in words."""
        *which, i, j = index
        side, z = self.side, int(np.ravel_multi_index(which, self.batch))
        return f"thread ({j % side}, {i % side}) of block ({j // side}, {i // side}, {z})"


def explained(made, call, misplaced, unless="", also=""):
    """What was traced. Raises CheckFailed with the first problem. misplaced: a function that says of a problem with a
    place outside of memory where to look. also: what to say besides.
    """
    for problem in made.problems:
        if problem.kind != unless:
            outside = problem.kind in ("out of range", "negative index", "outside")
            said = [problem.message, misplaced(problem) if outside else "", also]
            raise check.CheckFailed(check.Whole(call), note=" ".join(filter(None, said)))
    return made


def small_numbers(number, at):
    """Whole numbers, none of them 0, whose sums of products are exact in any order."""
    drawn = np.random.default_rng(number).choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5], at.size or 1)
    return drawn[: at.size].reshape(at.shape) if 0 not in at.shape else np.zeros(at.shape)


def sizes_near(side, most=2):
    """Sizes at which tiles begin and end, small ones first."""
    found = {1, 2, side - 1, side, side + 1} | {side * pieces + rest for pieces in range(1, most + 1)
                                                for rest in (-1, 0, 1)}
    return sorted(size for size in found if 0 < size <= most * side + 1)


@st.composite
def products(draw, sides, kinds=("float64",), most=2, batches=((1,), (1,), (2,), (3,), (2, 2))):
    """Products of any layout. sides: of tiles."""
    side = draw(st.sampled_from(sides))
    size = st.sampled_from(sizes_near(side))
    n, m, batch = draw(size), draw(size), draw(st.sampled_from(batches))
    k = draw(st.sampled_from([*sizes_near(side, most), 0]))
    if math.prod(batch) * -(-n // side) * -(-m // side) > 6:
        batch = (1,)
    own = [None] * 3
    if draw(st.integers(0, 3)):
        own = [draw(strides_for((*batch, *shape), stretched=len(batch) if number else False))
               for number, shape in enumerate([(n, m), (n, k), (k, m)])]
    return Product(n, m, k, batch, *own, kind=draw(st.sampled_from(kinds)), tile=side)


def judge(case, memories, right, mistakes=()):
    """The memory of out holds the result `right`, and nothing else has changed in it. mistakes: pairs (sentence,
    function that gives the memory that a slip leaves, or None).
    """
    wanted, got = case.into(memories, right), memories[0]
    floats = got.dtype.kind == "f"
    if np.array_equal(got, wanted, equal_nan=floats):
        return
    case.checked(unless="never written")  # a race or a place that is not its own explains any number
    said = None
    for sentence, slip in mistakes:
        try:
            left = slip()
        except IndexError:
            continue  # that slip would have left the memory
        if left is not None and np.array_equal(got, left, equal_nan=floats) \
                and not np.array_equal(left, wanted, equal_nan=floats):
            said = sentence
            break
    where = case.places(0)
    for index in itertools.product(*map(range, case.shapes[0])):
        place = where[index]
        if got[place] != wanted[place] and not (got[place] != got[place] and wanted[place] != wanted[place]):
            shown = f"out[{', '.join(map(str, index if case.batch != (1,) else index[1:]))}]"
            value = "not written" if got[place] == UNTOUCHED else check.shown(got[place].item())
            said = said or general_note(case, shown, index, got[place], wanted[place])
            raise check.CheckFailed(repr(case), f"{shown}: {value}", f"{shown}: {wanted[place].item()}",
                                    f"{said} {case.written_out()}".rstrip())
    place = int(np.flatnonzero(got != wanted)[0])
    raise check.CheckFailed(repr(case), note=said or f"Place {place} of the memory of out was written, and none of its "
                            "elements lies there.")


def general_note(case, shown, index, got, wanted):
    """What to think of where no slip is known that gives this number."""
    note = (f"{shown} is the sum of {case.k} products, and belongs to {case.thread_of(index)}: rows go with y, columns "
            "with x.")
    rest = case.k % case.side
    if rest and got != UNTOUCHED:
        note += (f" The last piece has only {rest} product{'s' if rest > 1 else ''}; both tiles have to be filled up "
                 "with 0.")
        if got != got and wanted == wanted:
            note += " (0 times infinity, or NaN, is NaN: one of them is not enough.)"
    return note
