"""Task 3.2: many ranges at once, when that pays, and all of it compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import places, room, table

from course import check
from course.trace import trace
from terox.parallel import compiler, elementwise
from terox.parallel.elementwise import elementwise_range, launch, parallel_for, zip_row

pytestmark = pytest.mark.task("3.2")

GRAINS = st.integers(1, 12)
OWN = elementwise.GRAIN  # its value, before a test makes it smaller


# ---- parallel_for ----


def chunk_examples(test):
    for count, grain in reversed([(20, 7), (6, 2), (7, 2), (5, 5), (5, 6), (1, 1), (3, 1), (10, 4), (9, 8), (2000, 2)]):
        test = example(count=count, grain=grain)(test)
    return test


@given(count=st.integers(1, 100), grain=GRAINS)
@chunk_examples
def test_chunks(count, grain):
    """loop is called for chunks of `grain` units, the last of which may be smaller: each of 0 to count is done once."""
    found, operands = [], (object(),)

    def loop(*args):
        check.that(len(args) == 3, "loop takes three arguments: begin, end, operands.", got=args)
        check.that(args[2] is operands, "loop has to get the operands as they are.", got=args[2])
        found.append((int(args[0]), int(args[1])))
        check.that(len(found) <= count + 2, f"loop was called more than {count} times for {count} units.",
                   call=f"parallel_for(loop, {count}, {grain}, operands)")

    parallel_for(loop, count, grain, operands)

    def chunks(how_many=-(-count // grain), limit=count, more=0):
        return [(n * grain, min((n + 1) * grain + more, limit)) for n in range(how_many)]

    right = chunks()
    mistakes = {
        "The last chunk, which is smaller, is missing. Their number is count / grain, rounded up.":
            chunks(count // grain),
        "The last chunk reaches beyond count.": chunks(limit=10**9),
        "There is a chunk with nothing in it. The number of chunks is count / grain, rounded up.":
            [*right, (count, count)],
        "There is a chunk too many. The number of chunks is count / grain, rounded up.":
            chunks(count // grain + 1, limit=10**9),
        "end is the first unit that no longer belongs to the chunk, not the last one that does.":
            [(begin, end - 1) for begin, end in right],
        "Chunks overlap. end is the first unit that no longer belongs to a chunk.": chunks(more=1),
        "This is one chunk for everything.": [(0, count)],
        "These are `grain` chunks. A chunk has `grain` units.":
            [(n * count // grain, (n + 1) * count // grain) for n in range(grain)],
        "loop was never called.": [],
    }
    check.equal(sorted(found), right, call=f"the chunks [begin, end) of parallel_for(loop, {count}, {grain}, operands)",
                mistakes={text: sorted(wrong) for text, wrong in mistakes.items() if sorted(wrong) != right},
                note=f"All chunks but the last have {grain} units, on every machine, whatever its number of cores.")


def numbered(begin, end, operands):
    for unit in range(begin, end):
        operands[0][unit] = unit


@given(count=st.integers(1, 40), grain=GRAINS, order=st.sampled_from(["forward", "reversed", "shuffled"]))
@example(count=6, grain=2, order="forward")
@example(count=7, grain=2, order="reversed")
@example(count=5, grain=5, order="forward")
@example(count=12, grain=5, order="shuffled")
def test_chunks_run_at_the_same_time(count, grain, order):
    """Each chunk is an iteration of prange, and none needs what another one has done."""
    call = f"parallel_for(loop, {count}, {grain}, operands)"
    out = np.zeros(count)
    made = traced(count, grain, out, order).check()
    check.equal(out.tolist(), [float(unit) for unit in range(count)], call=f"the units that were done by {call}")
    workers = made.writers("operands[0]")
    check.that(all(workers), "A chunk is not an iteration of prange: it runs on one core, and the others have nothing "
               "to do.", call=call)
    wrong = [unit for unit in range(1, count) if (workers[unit] != workers[unit - 1]) != (unit % grain == 0)]
    check.that(not wrong, "Each chunk has to be one iteration of prange.", call=call, got=workers)


def traced(count, grain, out, order):
    return trace(parallel_for, numbered, count, grain, (out,), names=("loop", "count", "grain", "operands"),
                 out="operands[0]", once=True, order=order)


@given(count=st.integers(1, 20), grain=GRAINS)
@example(count=6, grain=2)
@example(count=7, grain=3)
def test_an_iteration_needs_no_other(count, grain):
    """An iteration finds its chunk from its own number, also on a core that runs no other one."""
    call = f"parallel_for(loop, {count}, {grain}, operands)"
    done, loops = [], []
    for number in range(-(-count // grain)):
        def one(iterations, number=number):
            loops.append(iterations)
            return list(iterations)[number : number + 1]

        out = np.zeros(count)
        made = traced(count, grain, out, one)
        for each in loops:
            check.that(each.step == 1, "prange has no steps but 1. Let it count the chunks, and find the beginning "
                       "of each from its number.", call=call, got=each)
        written = [unit for unit, labels in enumerate(made.writers("operands[0]")) if labels]
        done.append((written[0], written[-1] + 1) if written else None)
    right = [(begin, min(begin + grain, count)) for begin in range(0, count, grain)]
    check.that(sorted(done, key=str) == sorted(right, key=str), "Cores share iterations, and each core has variables "
               "of its own: what one iteration leaves in a variable, another one may never see.", call=(
                   f"the chunks of {call}, where each iteration runs alone"), got=done, expected=right)


# ---- launch ----


class Recorded:
    """A kernel that notes how it is called."""

    def __init__(self):
        self.calls = []

    def serial(self, *args):
        self.calls.append(("serial", *args))

    def parallel(self, *args):
        self.calls.append(("parallel", *args))


class Launch(NamedTuple):
    grain: int
    count: int
    work: int

    def __repr__(self):
        return f"launch(kernel, count={self.count}, work={self.work}, *operands) with GRAIN = {self.grain}"


@st.composite
def launches(draw):
    """Calls of launch, often near the number of units that one chunk has."""
    grain = draw(st.sampled_from([OWN, 8, 100]))
    work = draw(st.one_of(st.integers(1, 12), st.integers(1, 2 * grain), st.sampled_from([grain, grain + 1])))
    count = draw(st.one_of(st.integers(1, 50), st.integers(1, 4 * grain),
                           st.integers(-2, 2).map(lambda more: max(grain // work + more, 1))))
    return Launch(grain, count, work)


def launch_examples(test):
    for case in reversed([(OWN, 1, 1), (OWN, OWN, 1), (OWN, OWN + 1, 1), (OWN, 40 * OWN, 1), (OWN, OWN // 300, 1000),
                 (OWN, OWN // 1000, 1000), (OWN, 2, 4 * OWN), (OWN, 1, 4 * OWN), (OWN, OWN // 1024 + 1, 1024),
                 (OWN, OWN // 1024, 1024),
                 (8, 9, 1), (8, 8, 1), (8, 3, 4), (8, 2, 4), (8, 2, 100), (8, 1000, 3), (100, 11, 10)]):
        test = example(case=Launch(*case))(test)
    return test


def units(number):
    return "1 unit" if number == 1 else f"{number} units"


@given(case=launches())
@launch_examples
def test_launch(case):
    """One chunk, worth about GRAIN elements and of at least one unit, is done at once; more are handed to
    kernel.parallel.
    """
    size, count, work = case
    kernel, operands, call = Recorded(), ("memory", "sizes", "strides"), repr(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elementwise, "GRAIN", size)
        launch(kernel, count, work, *operands)
    check.that(len(kernel.calls) == 1, "The kernel has to be called once: kernel.serial or kernel.parallel.", call=call,
               got=kernel.calls)
    way, *given = kernel.calls[0]
    # "About" GRAIN elements: a quotient may be rounded either way.
    most, least = -(-size // work), max(size // work, 1)
    expected = (f"kernel.serial(0, {count}, *operands)" if count <= least
                else f"kernel.parallel({count}, {least}, *operands)")
    rest = "*operands" if tuple(given[2:]) == operands else given[2:]
    got = f"kernel.{way}({', '.join(map(str, given[:2]))}, {rest})"

    def told(condition, text):
        if not condition:
            raise check.CheckFailed(call, got, expected, text)

    told(tuple(given[2:]) == operands, "All operands follow after two numbers, each as an argument of its own.")
    if way == "serial":
        told(tuple(given[:2]) == (0, count), "kernel.serial gets the range: 0 and count.")
        text = f"One chunk has {units(least)}, worth {least * work} elements; {units(count)} are more than one chunk."
        named = size == OWN or count > OWN // work
        if not named:
            text += " Use the name GRAIN, not its number."
        elif count <= size:
            text += " Count elements, not units: each unit is as much work as `work` elements."
        told(count <= most, text)
        return
    told(given[0] == count, "kernel.parallel gets the number of units first.")
    told(not isinstance(given[1], float), "A grain is a number of units, and whole: `/` gives a float, `//` does not.")
    text = "A chunk is worth about GRAIN elements, and each unit as much as `work` of them."
    for sentence, wrong in {
            "A chunk has to hold at least one unit, however much work that is.": 0,
            "That is how many elements a chunk is worth. grain counts units, each of which is worth `work` elements.":
                size,
            f"That is {OWN} divided by work: use the name GRAIN, not its number.": max(OWN // work, 1),
            "That is how many chunks there are. grain is how many units one of them has.": -(-count // least),
            "GRAIN is divided by the work of one unit, not by how many there are.": max(size // count, 1)}.items():
        if given[1] == wrong and wrong not in (least, most):
            text = sentence
            break
    told(given[1] in (least, most), text)
    told(count > given[1], f"One chunk of {units(given[1])} is enough for all {count}: to wake other cores costs more "
                           "than it saves.")


# ---- All of it, compiled ----


def minus(x, y):
    return x - 2 * y


FAR = 4096  # memory on both sides of each operand, so that a compiled loop that goes astray does no harm
LAYOUTS = [
    ((24,), [(1,), (1,), (1,)]),
    ((24,), [(1,), (1,), (0,)]),
    ((24,), [(2,), (1,), (3,)]),
    ((4, 6), [(6, 1), (6, 1), (0, 1)]),
    ((4, 6), [(6, 1), (1, 4), (1, 0)]),
    ((4, 6), [(8, 1), (6, 1), (12, 2)]),
    ((2, 3, 4), [(12, 4, 1), (1, 2, 6), (0, 4, 1)]),
    ((2, 3, 4), [(30, 8, 2), (0, 0, 1), (12, 4, 1)]),
]


AS_PYTHON = ("As plain Python, the same loop gives what is expected. Compiled, an index below 0 or out of range "
             "is not noticed, and a line that does something else in Numba than in Python may be one that a loop of "
             "plain numbers does not need.")


def all_of(way, sizes, strides, begin, end, run, note=None):
    """Run with memory of its own, and compare all of out with what has to be there."""
    lengths = [room(sizes, each) for each in strides]
    whole = [np.arange(length + 2 * FAR, dtype=np.float32) + 5000 * k for k, length in enumerate(lengths)]
    right = whole[0].copy()
    for number, (o, p, q) in enumerate(zip(*(places(sizes, each) for each in strides))):
        if begin <= number < end:
            right[FAR + o] = minus(whole[1][FAR + p], whole[2][FAR + q])
    run(*[each[FAR : FAR + length] for each, length in zip(whole, lengths)], *table(sizes, strides))
    call = f"out after {way} of elements {begin} to {end}, with sizes={list(sizes)}, strides={strides}"
    check.equal(whole[0][FAR : FAR + lengths[0]].tolist(), right[FAR : FAR + lengths[0]].tolist(), call=call,
                note=note)
    check.that((whole[0] == right).all(), "Something was written outside of out.", call=call)


def test_compiled():
    """Compiled, the loops give what they give as plain Python, in one range, in several, and in parallel."""
    kernel = compiler.kernel(elementwise_range, ("float32", "float32", "float32"), row=zip_row, fn=minus)
    for sizes, strides in LAYOUTS:
        for begin, end in ((0, 24), (0, 7), (5, 6), (3, 22)):
            def plain(out, a, b, sizes, strides, begin=begin, end=end):
                elementwise_range(zip_row, minus, begin, end, (out, a, b), sizes, strides)

            def compiled(*operands, begin=begin, end=end):
                kernel.serial(begin, end, *operands)

            all_of("the loop as Python", sizes, strides, begin, end, plain)
            all_of("the compiled loop", sizes, strides, begin, end, compiled, AS_PYTHON)
    for sizes, strides in LAYOUTS:
        for grain in (24, 12, 5, 1):
            all_of(f"chunks of {grain}, in parallel,", sizes, strides, 0, 24,
                   lambda *operands, grain=grain: kernel.parallel(24, grain, *operands))


def test_launched(monkeypatch):
    """launch runs a compiled kernel, on one core or on several, with the same result."""
    kernel = compiler.kernel(elementwise_range, ("float32", "float32", "float32"), row=zip_row, fn=minus)
    for size in (100, 24, 23, 10, 1):
        monkeypatch.setattr(elementwise, "GRAIN", size)
        for sizes, strides in LAYOUTS:
            all_of(f"launch with GRAIN = {size}", sizes, strides, 0, 24,
                   lambda *operands: launch(kernel, 24, 1, *operands))
