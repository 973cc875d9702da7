"""What the tests of task 4.1 share: numbers, a traced run of a puzzle, and whose element is whose."""

from __future__ import annotations

import numpy as np

from course import check
from course.check import CheckFailed
from course.trace.gpu import trace_kernel
from terox import _numba
from terox.cuda import compiler


def numbers(*shape, start=1):
    """Different float32 numbers, none of them 0. Sums and products of a few have no rounding: all are quarters."""
    count = int(np.prod(shape))
    return ((np.arange(start, start + count) * 7 % 64 + 1) / 4).astype(np.float32).reshape(shape)


class Run:
    """A puzzle, run in the simulator with arrays that record."""

    def __init__(self, puzzle, grid, block, shape, *operands, constants=None, because=None, also=""):
        """shape: of out. because: {kind of problem: a sentence about this puzzle, added to what the tracer says}.

        also: a sentence about any failure.
        """
        self.names = ("out", "a", "b")[: 1 + len(operands)]
        self.grid, self.block, self.operands = grid, block, operands
        self.out = np.full(shape, np.nan, np.float32)
        given = "".join(f", {name} = {each.tolist()}" for name, each in zip(self.names[1:], operands))
        width = f", WIDTH = {constants['WIDTH']}" if constants else ""
        self.launch = check.Whole(f"{puzzle.__name__}, {blocks_of(grid)} of {threads_of(block)}{width}{given}")
        self.call = check.Whole(f"out after {self.launch}")
        self.also = also
        self.made = trace_kernel(puzzle, grid, block, self.out, *operands, names=self.names, out="out",
                                 read_only=self.names[1:], once=True, constants=constants)
        for problem in self.made.problems:  # what was not written shows in the values, with more to go by
            if problem.kind != "never written":
                said = [problem.message, (because or {}).get(problem.kind), also]
                raise CheckFailed(self.launch, note=" ".join(filter(None, said)))

    def gives(self, expected, mistakes=None, note=None, missing=None):
        """The values of out. mistakes: as in course.check, with arrays.

        missing: {a sentence: a mask of those elements that nobody has written if it is true}.
        """
        note = " ".join(filter(None, [note, self.also])) or None
        mistakes = {f"{text} {self.also}".strip(): each for text, each in (mistakes or {}).items()}
        if np.isnan(self.out).any():
            check.equal(self.out.tolist(), expected.tolist(), call=self.call, note=self._unwritten(missing or {}, note))
        wrong = {text: np.asarray(each, np.float32).tolist() for text, each in mistakes.items()}
        check.equal(self.out.tolist(), expected.tolist(), call=self.call, mistakes=wrong, note=note)

    def _unwritten(self, missing, note):
        nobody = np.isnan(self.out)
        if nobody.all():
            return ("Nothing was written to out. A kernel returns nothing, and `out = ...` would only give the name to "
                    "something else: each thread writes to an element, as in out[...] = ...")
        for sentence, mask in missing.items():
            if (nobody == np.broadcast_to(mask, nobody.shape)).all():
                return sentence
        place = f"nan stands where no thread has written, out[{shown(np.argwhere(nobody)[0])}] for example."
        return place if note is None else f"{place} {note}"

    def own(self, name, owner, why, *, written):
        """Element `index` of an array is read, or written, by the thread owner(*index), (block, thread), alone.

        A thread is a number, or (x, y).
        """
        shape = self.out.shape if written else self.operands[self.names.index(name) - 1].shape
        found = (self.made.writers if written else self.made.readers)(name)
        did = "written" if written else "read"
        for index, labels in zip(np.ndindex(shape), found):
            wanted = owner(*index)
            if wanted is None:
                continue
            have = [_plain(*label) for label in labels]
            if have != [tuple(map(tuple_of, wanted))]:
                who = " and ".join(self.name(*each) for each in have[:3]) if have else "nobody"
                raise CheckFailed(self.launch, f"{name}[{shown(index)}] is {did} by {who}", self.name(
                    *map(tuple_of, wanted)), why)

    def once(self, name, why):
        """Every element of an operand is read once."""
        reads, _ = self.made.counts(name)
        for index in np.ndindex(reads.shape):
            check.that(reads[index] == 1, f"{name}[{shown(index)}] is read {times(reads[index])}. {why}",
                       call=self.launch, got=f"reads of {name}: {reads.tolist()}")

    def name(self, block, thread):
        """A thread in words."""
        used = 1 if isinstance(self.block, int) else len(self.block)
        text = f"thread {thread[0]}" if used == 1 else "the thread with " + ", ".join(
            f"{axis} = {number}" for axis, number in zip("xyz"[:used], thread))
        return text if self.grid == 1 else f"{text} of block {block[0]}"


def tuple_of(number):
    """(x, y, z) of a number, or of (x, y)."""
    given = (number,) if isinstance(number, int) else tuple(number)
    return tuple(map(int, (*given, 0, 0, 0)[:3]))


def _plain(block, thread):
    return tuple_of(block), tuple_of(thread)


def shown(index):
    """An index as it is written between brackets."""
    return ", ".join(map(str, index))


def times(count):
    return {0: "never", 1: "once", 2: "twice"}.get(int(count), f"{count} times")


def blocks_of(grid):
    return "one block" if grid == 1 else f"{grid} blocks"


def threads_of(block):
    if isinstance(block, int):
        return "1 thread" if block == 1 else f"{block} threads"
    return f"{block[0]} x {block[1]} threads (x, y)"


def launched(puzzle, grid, block, shape, *operands):
    """out, as whatever runs kernels here gives it: the GPU, where there is one."""
    out = np.full(shape, np.nan, np.float32)
    arrays = [out, *operands]
    kernel = compiler.kernel(puzzle, ("float32",) * len(arrays))
    if _numba.CUDA == "sim":
        kernel.launch(grid, block, *arrays)
        return out
    moved = [_numba.numba_cuda.to_device(array) for array in arrays]  # they keep their shapes, which puzzles look at
    kernel.launch(grid, block, *moved)
    return moved[0].copy_to_host()


def same(got, right, name, grid, block):
    """All of out is right. Only the first element that is not is shown: there are many."""
    wrong = np.argwhere(got != right)
    if len(wrong):
        index = tuple(wrong[0])
        raise CheckFailed(f"out[{shown(index)}] after {name}, {blocks_of(grid)} of {threads_of(block)}",
                          check.shown(float(got[index])), check.shown(float(right[index])), (
                              f"{len(wrong)} of {right.size} elements are wrong. Run with few threads and traced, the "
                              "puzzle may be right: is a number of threads or of elements written out in it?"))
