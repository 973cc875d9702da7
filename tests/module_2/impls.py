"""Memory, and layouts over it, for the tests of task 2.3: made by hand, so that no other task is needed.

Where an element lies is worked out anew here, from the definition. The memory of `out` is filled with numbers that no
kernel would write, and is larger than `out`; so a write beside it is seen, and so is an element that was not written.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from course.check import CheckFailed, shown
from terox.tensors import dtype as dtypes
from terox.tensors.storage import Storage, TensorImpl

UNSET = -1001  # minus 1001, 1002, ...: what stands in the memory of `out` before


class Layout(NamedTuple):
    """Where elements lie in a memory of `length` numbers."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    length: int

    def place(self, index):
        return self.offset + sum(i * stride for i, stride in zip(index, self.strides))

    def indices(self):
        """All of them, the last dimension running fastest."""
        return list(itertools.product(*map(range, self.sizes)))

    def places(self):
        return [self.place(index) for index in self.indices()]

    def in_a_row(self):
        """The places if the elements lay one after the other, from the offset on: strides are left out."""
        return list(range(self.offset, self.offset + math.prod(self.sizes)))

    def from_zero(self):
        """The places if the offset is left out."""
        return [place - self.offset for place in self.places()]

    def __str__(self):
        return f"sizes {self.sizes}, strides {self.strides}, offset {self.offset}"


def row(*sizes, offset=0):
    """The layout of a new tensor: one element after the other."""
    strides = [math.prod(size or 1 for size in sizes[d + 1 :]) for d in range(len(sizes))]
    return Layout(sizes, tuple(strides), offset, offset + math.prod(sizes))


class Operand:
    """A TensorImpl, and what its memory held before the call."""

    def __init__(self, name, layout, numbers, dtype):
        self.name, self.layout = name, layout
        self.array = np.array(numbers, dtype)
        self.before = self.array.tolist()
        self.impl = TensorImpl(Storage(self.array, getattr(dtypes, dtype), "python"), *layout[:3])
        self.storage, self.data = self.impl.storage, self.impl.storage.data

    def at(self, index):
        return self.before[self.layout.place(index)]

    def read(self, places):
        """The numbers at these places; None if there are no such places."""
        return trial(lambda: [self.before[place] for place in places])

    def numbers(self):
        return self.read(self.layout.places())

    def array_of(self, memory):
        """The elements among `memory`, as an array of the right shape."""
        return np.array([memory[place] for place in self.layout.places()], self.array.dtype).reshape(self.layout.sizes)


def output(layout, dtype, name="out"):
    return Operand(name, layout, [UNSET - place for place in range(layout.length)], dtype)


def counted(name, layout, dtype, step=1):
    """An input whose memory holds step, 2 * step, 3 * step, ..."""
    return Operand(name, layout, [step * (place + 1) for place in range(layout.length)], dtype)


def described(out, *ins):
    """The lines below a call that say what it was called with."""
    kind = "" if out.array.dtype == np.float64 else f" of {out.array.dtype.name}"
    lines = [f"{out.name}: {out.layout}{kind}"]
    return "\n".join(lines + [f"{each.name}: {each.layout}, memory {shown(each.before)}" for each in ins])


# ---- Layouts that Hypothesis draws ----

# From simple to strange, as counterexamples are shrunk toward the first.
few = st.sampled_from((1, 2, 3, 2, 3, 0))
shapes = st.lists(few, max_size=3)


@st.composite
def layouts(draw, sizes, stretched=()):
    """Any order of the dimensions, gaps between the elements, and further memory before and behind them.

    No two elements lie at one place, but along the dimensions `stretched`, whose stride is 0.
    """
    strides, extent = [0] * len(sizes), 1
    for dim in reversed(draw(st.permutations(range(len(sizes))))):
        if dim not in stretched:
            strides[dim] = extent + draw(st.integers(0, 1))
            extent += strides[dim] * max(sizes[dim] - 1, 0)
    offset = draw(st.integers(0, 2))
    used = 0 if 0 in sizes else extent
    return Layout(tuple(sizes), tuple(strides), offset, offset + used + draw(st.integers(0, 1)))


@st.composite
def input_layouts(draw, sizes):
    """The same, and with dimensions that were stretched."""
    stretched = draw(st.lists(st.integers(0, len(sizes) - 1), max_size=2, unique=True)) if sizes else ()
    return draw(layouts(sizes, stretched))


# ---- What a known mistake would leave behind ----


def trial(compute):
    """What `compute` gives; None where a place does not exist."""
    try:
        return compute()
    except IndexError:
        return None


def written(out, values, places=None):
    """The memory of `out`, once `values` have been written to `places`; None where that does not work."""
    places = out.layout.places() if places is None else places
    if values is None or any(not 0 <= place < len(out.before) for place in places):
        return None
    memory = list(out.before)
    for place, value in zip(places, values):
        memory[place] = value
    return memory


# ---- The verdict ----


def judge(call, out, ins, expected, *, mistakes=None, near=None, explain=None):
    """Only the elements of `out` were written, each with its number of `expected` (last dimension fastest).

    mistakes: sentence -> the memory of `out` that this mistake leaves (None where it cannot be made). near(got,
    expected): whether a number is right; equal numbers if it is not given. explain(index): a sentence on the element.
    """
    for each in (out, *ins):
        if each.impl.storage is not each.storage or each.storage.data is not each.data:
            raise CheckFailed(call, note=f"The kernel has given {each.name} another storage, or its storage other "
                                         "data. It has to write into the memory that is there.")
        if (each.impl.sizes, each.impl.strides, each.impl.offset) != each.layout[:3]:
            raise CheckFailed(call, note=f"The kernel has changed sizes, strides or offset of {each.name}.")
    for each in ins:
        after = each.array.tolist()
        if not same(after, each.before):
            raise CheckFailed(call, f"memory of {each.name}: {shown(after)}", f"memory of {each.name}: "
                              f"{shown(each.before)}", f"The kernel has changed {each.name}, one of its inputs.")
    after, places, indices = out.array.tolist(), out.layout.places(), out.layout.indices()
    right = np.array(expected, out.array.dtype).tolist()
    elements = [after[place] for place in places]
    near = near or (lambda got, wanted: same([got], [wanted]))
    outside = [place for place in range(len(after)) if place not in places and after[place] != out.before[place]]
    wrong = [number for number, pair in enumerate(zip(elements, right)) if not near(*pair)]
    if not outside and not wrong:
        return
    got, wanted = shown(_nested(out, after)), shown(_nested(out, written(out, right)))
    if outside:
        got, wanted = f"memory of out: {shown(after)}", f"memory of out: {shown(written(out, right))}"
    for sentence, memory in (mistakes or {}).items():
        if memory is not None and same(after, np.array(memory, out.array.dtype).tolist()):
            raise CheckFailed(call, got, wanted, sentence)
    if outside:
        raise CheckFailed(call, got, wanted, f"Place {outside[0]} of the memory does not belong to out, and was "
                          f"overwritten. The elements of out lie at {_listed(places)}.")
    name = f"out{list(indices[wrong[0]])}" if indices[wrong[0]] else "The one element of out"
    if elements[wrong[0]] == out.before[places[wrong[0]]]:
        raise CheckFailed(call, got, wanted, f"{name} was not written: what was in the memory before is still there.")
    note = f"{name} is {elements[wrong[0]]!r}, and has to be {right[wrong[0]]!r}."
    raise CheckFailed(call, got, wanted, note + (" " + explain(indices[wrong[0]]) if explain else ""))


def same(one, other):
    """Equal numbers, where NaN equals NaN."""
    return len(one) == len(other) and all(x == y or (x != x and y != y) for x, y in zip(one, other))


def _nested(out, memory):
    return out.array_of(memory).tolist()


def _listed(places):
    if not places:
        return "no place: it has none"
    return "places " + ", ".join(map(str, places)) if len(places) > 1 else f"place {places[0]}"
