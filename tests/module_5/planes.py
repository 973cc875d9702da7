"""What the tests of task 5.2 share: planes and windows, which place belongs to which, and words for mistakes."""

from __future__ import annotations

import itertools

import numpy as np
from convolutions import count_windows
from hypothesis import strategies as st

from course import check
from course.trace import trace

prange = range  # the tracer puts its own here


def all_units(loop, chunks, out, a, sizes, steps):
    """The units, a chunk at a time, as the devices call a loop."""
    for number in prange(len(chunks)):
        loop(chunks[number][0], chunks[number][1], out, a, sizes, steps)


class Windows:
    """Windows over planes of one size."""

    def __init__(self, plane, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), planes=1):
        self.planes, self.plane, self.kernel = planes, plane, kernel
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.counts = tuple([count_windows(*each) for each in zip(plane, kernel, stride, padding, dilation)])

    @property
    def of_planes(self):
        return (self.planes, *self.plane)

    @property
    def of_columns(self):
        return (self.planes, *self.kernel, *self.counts)

    @property
    def sizes(self):
        return (*self.plane, *self.kernel, *self.counts)

    @property
    def steps(self):
        return self.stride, self.padding, self.dilation

    def links(self):
        """(index in the columns, index in the planes or None), for all elements of the columns, in their order."""
        (height, width), (stride, padding, dilation) = self.plane, self.steps
        for index in itertools.product(*map(range, self.of_columns)):
            p, i, j, y, x = index
            row, column = y * stride[0] - padding[0] + i * dilation[0], x * stride[1] - padding[1] + j * dilation[1]
            inside = 0 <= row < height and 0 <= column < width
            yield index, (p * height + row) * width + column if inside else None

    def unfold(self, planes):
        out, flat = np.zeros(self.of_columns), planes.ravel()
        for index, place in self.links():
            out[index] = 0.0 if place is None else flat[place]
        return out

    def fold(self, columns):
        out = np.zeros(self.of_planes)
        flat = out.reshape(-1)
        for index, place in self.links():
            if place is not None:
                flat[place] += columns[index]
        return out

    def at(self, place):
        """A place in the planes, in words."""
        plane, rest = divmod(int(place), self.plane[0] * self.plane[1])
        return f"row {rest // self.plane[1]}, column {rest % self.plane[1]} of plane {plane}"

    def __repr__(self):
        options = [f"{name} {getattr(self, name)}" for name, plain in
                   (("stride", (1, 1)), ("padding", (0, 0)), ("dilation", (1, 1))) if getattr(self, name) != plain]
        return (f"{self.planes} plane{'s' * (self.planes > 1)} of {self.plane}, kernel {self.kernel}, "
                + "".join(each + ", " for each in options) + f"windows {self.counts}")


@st.composite
def windows(draw):
    """At least one fits in either direction. The two directions differ, mostly."""
    chosen = []
    for _ in range(2):
        kernel, stride, padding = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
        dilation = draw(st.integers(1, 2))
        reach = dilation * (kernel - 1) + 1
        chosen.append((draw(st.integers(max(1, reach - 2 * padding), 5)), kernel, stride, padding, dilation))
    return Windows(*zip(*chosen), planes=draw(st.integers(1, 2)))


class Work:
    """All units of a loop, in two ranges, cut before unit number `at`, or one each if that is None.

    numbers: what the second array holds; by default 1, 2, 3, ..., so that every element is another one, and none is 0.
    """

    def __init__(self, windows, at=None, numbers=None, fold=False):
        kernel_h, kernel_w = windows.kernel
        self.windows, count = windows, windows.planes if fold else windows.planes * kernel_h * kernel_w
        shape = windows.of_columns if fold else windows.of_planes
        self.numbers = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape) if numbers is None else numbers
        cuts = range(count + 1) if at is None else (0, min(at, count), count)
        self.ranges = [(begin, end) for begin, end in itertools.pairwise(cuts) if begin < end]
        self.name = "columns" if fold else "a"

    def __repr__(self):
        ranges = ", ".join(map(str, self.ranges[:3])) + (", ..." if len(self.ranges) > 3 else "")
        return (f"({self.name}, (begin, end) = {ranges}) for {self.windows!r}; {self.name} holds "
                f"{check.shown(self.numbers.tolist(), 120)}")


class Part:
    """A range of units of a loop."""

    def __init__(self, windows, begin, size, fold=False):
        self.windows = windows
        self.count = windows.planes if fold else windows.planes * windows.kernel[0] * windows.kernel[1]
        self.begin = min(begin, self.count)
        self.end = min(self.begin + size, self.count)
        self.numbers = Work(windows, fold=fold).numbers

    def __repr__(self):
        return f"({self.begin}, {self.end}, ...) for {self.windows!r}"


# Where a number could be another one by chance (of two sizes, strides, paddings), a slip shows in a later one of these.
EXAMPLES = [
    Windows((3, 3), (2, 2)), Windows((2, 3), (1, 1)), Windows((3, 4), (2, 3)), Windows((2, 3), (2, 2), planes=2),
    Windows((2, 3), (1, 1), padding=(1, 2)), Windows((4, 5), (2, 2), stride=(2, 3)),
    Windows((4, 5), (2, 2), dilation=(2, 3)),
    Windows((1, 4), (1, 2)), Windows((4, 1), (2, 1)), Windows((1, 2), (1, 2), padding=(0, 1)),
    Windows((2, 1), (2, 1), padding=(1, 0)), Windows((2, 3), (2, 2), padding=(1, 2)),
    Windows((3, 4), (1, 1), stride=(2, 3)), Windows((5, 4), (2, 2), stride=(2, 1)),
    Windows((3, 4), (2, 2), dilation=(2, 3)), Windows((5, 3), (2, 3), dilation=(2, 1)),
    Windows((4, 5), (3, 2), (2, 1), (1, 0), (1, 2), planes=2), Windows((1, 1), (3, 3), padding=(1, 1)),
    Windows((5, 3), (2, 3), (3, 2), (1, 2), (2, 1), planes=3),
]


def traced(loop, work, out, call, expected, slips):
    """Do all of it with arrays that record. A place outside of the memory is a failure at once.

    slips: (sentence, what it leaves in `out`, the place at which it ends or None), made where needed only.
    """
    case, a = work.windows, work.numbers.reshape(-1).copy()
    parameters = list(loop.__code__.co_varnames[: loop.__code__.co_argcount])
    names = ["loop", "chunks", *parameters[2:4], "sizes", "steps"]
    made = trace(all_units, loop, work.ranges, out, a, case.sizes, case.steps, out=(names[2],), names=names)
    for problem in made.problems:
        if problem.kind in ("out of range", "negative index", "shape", "read only", "endless"):
            same = (sentence for sentence, left, place in slips()
                    if place is not None and place == problem.element and np.array_equal(left, out))
            words = "All units from begin to end are done already, and end itself is not asked for." \
                if np.array_equal(out, expected.ravel()) else next(same, (
                    "What lies outside of the plane is not touched; which plane, row and column it is, has to be right "
                    "first."))
            raise check.CheckFailed(call, note=f"{problem.message} {words}")
    return made


def words_of(problem):
    """Of a loop that gives what it should: what a problem means for it."""
    more = " An iteration is a range from begin to end here: each does its own units." if problem.kind == "race" else ""
    return problem.message + more


def race_in(made):
    """A sentence about units that write what belongs to others, if there are any."""
    return next((words_of(problem) for problem in made.problems if problem.kind == "race"), None)


def compare(call, got, expected, slips, other):
    """`got` is `expected`; otherwise a failure in words.

    slips: (sentence, what comes of this mistake, a place or None), a function. other: a sentence from the first index
    where they differ, and what stands there.
    """
    got = got.reshape(expected.shape)
    if np.array_equal(got, expected):
        return
    first = tuple(int(each) for each in np.argwhere(got != expected)[0])
    sentence = next((words for words, left, place in slips() if place is None
                     and np.array_equal(left.reshape(got.shape), got)), None)
    raise check.CheckFailed(call, check.shown(got.tolist()), check.shown(expected.tolist()),
                            sentence or other(first, got[first]))
