"""TensorImpls made by hand, for the tests of task 2.3, and what a kernel did to their memory.

The memory of `out` is filled with numbers that no kernel would write, and is larger than `out`. So a write beside it is
seen, and so is an element that was not written.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from layouts import Layout, indices, row_major
from looks import asked

from course.check import CheckFailed, shown
from terox.tensors import dtype as dtypes
from terox.tensors.storage import Storage, TensorImpl

UNSET = -1_000_001  # and -1_000_002, -1_000_003, ...: what stands in the memory of `out` before the call


class Operand:
    """A TensorImpl, and what its memory held before the call. numbers: a function from place to number."""

    def __init__(self, name, layout, numbers, dtype="float64"):
        self.name, self.layout, self.places = name, layout, layout.places()
        length = layout.room()
        if layout.numel:  # enough for an offset that is added twice, so that it gives a number and not an error
            length += 1 + layout.offset
        self.array = np.array([numbers(place) for place in range(length)], dtype)
        self.before = self.array.tolist()
        self.impl = TensorImpl(Storage(self.array, getattr(dtypes, dtype), "python"), *layout)
        self.storage, self.data = self.impl.storage, self.impl.storage.data

    @classmethod
    def output(cls, layout, dtype="float64"):
        return cls("out", layout, lambda place: UNSET - place, dtype)

    @classmethod
    def counted(cls, name, layout, dtype="float64", step=1):
        """Its memory holds step, 2 * step, 3 * step, ..."""
        return cls(name, layout, lambda place: step * (place + 1), dtype)

    @classmethod
    def holding(cls, name, layout, elements, dtype="float64", elsewhere=7):
        """With these elements, last dimension fastest, and another number in the rest of its memory."""
        at = dict(zip(layout.places(), elements))
        return cls(name, layout, lambda place: at.get(place, elsewhere), dtype)

    def at(self, index):
        return self.before[self.layout.offset + sum(i * stride for i, stride in zip(index, self.layout.strides))]

    def numbers(self):
        return [self.before[place] for place in self.places]

    def __str__(self):
        where = f"sizes {self.layout.sizes}, strides {self.layout.strides}, offset {self.layout.offset}"
        if self.name == "out":
            return f"out: {where}, memory for {len(self.before)} {self.array.dtype.name}"
        return f"{self.name}: {where}, memory {shown(self.before)}"


def described(*operands):
    """The lines below a call that say what it was called with."""
    return "\n".join(map(str, operands))


# ---- Layouts for given sizes ----


@st.composite
def written_to(draw, sizes, stretched=()):
    """Any order of the dimensions in memory, gaps and an offset. No two elements lie at one place, but along the
    dimensions `stretched`, whose stride is 0."""
    strides, extent = [0] * len(sizes), 1
    for dim in reversed(draw(st.permutations(range(len(sizes))))):
        if dim not in stretched:
            strides[dim] = extent + draw(st.integers(0, 1))
            extent += strides[dim] * max(sizes[dim] - 1, 0)
    return Layout(tuple(sizes), tuple(strides), draw(st.integers(0, 2)))


@st.composite
def read_from(draw, sizes):
    """The same, and perhaps with stretched dimensions."""
    stretched = draw(st.lists(st.sampled_from(range(len(sizes))), max_size=2, unique=True)) if sizes else ()
    return draw(written_to(sizes, stretched))


def plain(*sizes, offset=0):
    """The layout of a new tensor."""
    return Layout(sizes, row_major(sizes), offset)


# ---- What a known mistake would leave behind ----


def in_a_row(operand):
    """Its places, had it no strides: one after the other."""
    return list(range(operand.layout.offset, operand.layout.offset + operand.layout.numel))


def from_zero(operand):
    """Its places, had it no offset."""
    return [place - operand.layout.offset for place in operand.places]


def twice(operand):
    """Its places, were its offset added twice."""
    return [place + operand.layout.offset for place in operand.places]


def trial(compute):
    """What `compute` gives; None where it reads at a place that does not exist."""
    try:
        return compute()
    except IndexError:
        return None


def memory(out, values, places=None):
    """The memory of `out`, once `values` are written to `places`; None where that does not work."""
    places = out.places if places is None else places
    if values is None or any(not 0 <= place < len(out.before) for place in places):
        return None
    after = list(out.before)
    for place, value in zip(places, values):
        after[place] = value
    return after


def cut(number):
    """A whole number in 64 bits, as int64 holds it."""
    return (number + 2**63) % 2**64 - 2**63


# ---- The call ----


def run(call, kernel, *args):
    """`kernel(*args)`. An error inside is reported with the call."""
    with asked(call, note=_known_error):
        kernel(*args)


def _known_error(error):
    if isinstance(error, AttributeError) and "'_Numbers' object has no attribute 'array'" in str(error):
        return ("Read and write elements as `storage.data[place]`. There is no `storage.array` where `out` is of whole "
                "numbers: a list takes the place of the memory.")
    return None


# ---- The verdict ----


def judge(call, out, ins, expected, *, mistakes=None, near=None, explain=None):
    """The kernel wrote the elements of `out`, each with its number of `expected` (last dimension fastest), and
    nothing else.

    mistakes: sentence -> the memory of `out` that this mistake leaves behind, or a list of such; None where it cannot
    be made.
    near(got, expected): whether a number is right. explain(index): a sentence about this element.
    """
    for each in (out, *ins):
        _same_impl(call, each)
    for each in ins:
        if not same(each.array.tolist(), each.before):
            raise CheckFailed(call, f"memory of {each.name}: {shown(each.array.tolist())}",
                              f"memory of {each.name}: {shown(each.before)}",
                              f"The kernel has changed {each.name}, one of its inputs.")
    after, right = out.array.tolist(), np.array(expected, out.array.dtype).tolist()
    near = near or (lambda got, wanted: same([got], [wanted]))
    beside = [place for place in range(len(after)) if place not in out.places and after[place] != out.before[place]]
    wrong = [number for number, place in enumerate(out.places) if not near(after[place], right[number])]
    if not beside and not wrong:
        return
    got, wanted = shown(_elements(out, after)), shown(_elements(out, memory(out, right)))
    if beside:
        got, wanted = f"memory of out: {shown(after)}", f"memory of out: {shown(memory(out, right))}"
    for sentence, left in (mistakes or {}).items():
        several = left if left and isinstance(left[0], (list, type(None))) else [left]
        if any(each is not None and same(after, np.array(each, out.array.dtype).tolist()) for each in several):
            raise CheckFailed(call, got, wanted, sentence)
    if beside:
        where = f"at the places {out.places}" if out.places else "nowhere: it has none"
        raise CheckFailed(call, got, wanted, f"Place {beside[0]} of the memory does not belong to out, and was "
                                             f"overwritten. The elements of out lie {where}.")
    index, place = indices(out.layout.sizes)[wrong[0]], out.places[wrong[0]]
    name = f"out{list(index)}" if index else "The only element of out"
    if after[place] == out.before[place] and out.array.dtype != bool:
        note = f"{name} was not written: what was in the memory before is still there."
    else:
        note = f"{name} is {after[place]!r}, and has to be {right[wrong[0]]!r}."
        if abs(after[place] - out.before[place]) < abs(UNSET) / 2 and out.array.dtype != bool:
            note += " What was in the memory before plays a part in it; nobody has set it to 0."
    raise CheckFailed(call, got, wanted, f"{note} {explain(index)}" if explain else note)


def _same_impl(call, operand):
    name, impl = operand.name, operand.impl
    if impl.storage is not operand.storage or impl.storage.data is not operand.data:
        raise CheckFailed(call, note=f"The kernel has given {name} other memory. It has to write into the memory that "
                                     "is there: others look at it, too.")
    if (impl.sizes, impl.strides, impl.offset) != tuple(operand.layout):
        raise CheckFailed(call, note=f"The kernel has changed the sizes, strides or offset of {name}.")


def same(one, other):
    """Equal numbers, where NaN equals NaN."""
    return len(one) == len(other) and all(x == y or (x != x and y != y) for x, y in zip(one, other))


def _elements(out, after):
    """The elements of `out` as nested lists."""
    return np.array([after[place] for place in out.places], out.array.dtype).reshape(out.layout.sizes).tolist()
