"""What the tests of task 5.2 share: planes and windows, which place belongs to which, and words for mistakes."""

from __future__ import annotations

import itertools

import numpy as np
from convolutions import count_windows
from hypothesis import strategies as st

from course import check
from course.trace import trace

UNSET = -77.0  # what stands in the memory of a result before

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

    def links(self, stride=None, padding=None, dilation=None, guard="both"):
        """(index in the columns, index in the planes or None), for all elements of the columns, in their order."""
        stride, padding, dilation = stride or self.stride, padding or self.padding, dilation or self.dilation
        (height, width), total = self.plane, self.planes * self.plane[0] * self.plane[1]
        for index in itertools.product(*map(range, self.of_columns)):
            p, i, j, y, x = index
            from_y = y * stride[0] - padding[0] + i * dilation[0]
            from_x = x * stride[1] - padding[1] + j * dilation[1]
            if guard == "clamped":
                from_y, from_x = min(max(from_y, 0), height - 1), min(max(from_x, 0), width - 1)
            place = (p * height + from_y) * width + from_x
            inside_y, inside_x = 0 <= from_y < height, 0 <= from_x < width
            fits = {"both": inside_y and inside_x, "clamped": True, "y": inside_y, "x": inside_x,
                    "place": p * height * width <= place < (p + 1) * height * width,
                    "not first": 0 < from_y < height and 0 < from_x < width,
                    "not last": 0 <= from_y < height - 1 and 0 <= from_x < width - 1}[guard]
            yield index, place if fits and 0 <= place < total else None

    def unfold(self, planes, **changes):
        out, flat = np.zeros(self.of_columns), planes.ravel()
        for index, place in self.links(**changes):
            out[index] = 0.0 if place is None else flat[place]
        return out

    def fold(self, columns, add=True, **changes):
        out = np.zeros(self.of_planes)
        flat = out.reshape(-1)
        for index, place in self.links(**changes):
            if place is not None:
                flat[place] = columns[index] + (flat[place] if add else 0.0)
        return out

    def changes(self):
        """Sentence -> arguments of `links` that stand for a mistake in the places."""
        turned = {name: getattr(self, name)[::-1] for name in ("stride", "padding", "dilation")}
        minus = tuple([-each for each in self.padding])
        wrong = {f"The two numbers of the {name} were taken for each other: vertical first, then horizontal.":
                 {name: turned[name]} for name in turned}
        wrong |= {
            "Vertical and horizontal were taken for each other, in stride, padding and dilation.": turned,
            "The stride was not used: window y begins at y * stride_h - padding_h, and so for x.": {"stride": (1, 1)},
            "The dilation was not used: a window's elements are `dilation` apart.": {"dilation": (1, 1)},
            "The padding was not used: the first window begins `padding` before the plane.": {"padding": (0, 0)},
            "The padding has the wrong sign: the first window begins before the plane, not inside.": {"padding": minus},
            "Stride and dilation were taken for each other: the stride goes with y and x, the dilation with i and j.":
                {"stride": self.dilation, "dilation": self.stride},
            "An element outside of the plane was replaced by the nearest one of its edge; outside stand zeros.":
                {"guard": "clamped"},
            "Above and below the plane is outside; left and right of it is, too. There the next row's or the previous "
            "row's elements were taken.": {"guard": "y"},
            "Left and right of the plane is outside; above and below it is, too.": {"guard": "x"},
            "It was asked whether the place lies in the memory of the plane. But left of a row's first element stands "
            "the last one of the row before: ask for y and for x.": {"guard": "place"},
            "Row and column 0 were left out: they lie inside.": {"guard": "not first"},
            "The last row and column were left out: they lie inside.": {"guard": "not last"},
        }
        return wrong

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


EXAMPLES = [
    Windows((3, 3), (2, 2)), Windows((1, 4), (1, 2)), Windows((4, 1), (2, 1)), Windows((2, 3), (1, 1)),
    Windows((3, 4), (2, 3)), Windows((2, 2), (2, 2), planes=2), Windows((1, 2), (1, 2), padding=(0, 1)),
    Windows((2, 1), (2, 1), padding=(1, 0)), Windows((2, 3), (2, 2), padding=(1, 2)),
    Windows((3, 4), (1, 1), stride=(2, 3)), Windows((5, 4), (2, 2), stride=(2, 1)),
    Windows((3, 4), (2, 2), dilation=(2, 3)), Windows((5, 3), (2, 3), dilation=(2, 1)),
    Windows((4, 5), (3, 2), (2, 1), (1, 0), (1, 2), planes=2), Windows((1, 1), (3, 3), padding=(1, 1)),
    Windows((5, 3), (2, 3), (3, 2), (1, 2), (2, 1), planes=3),
]


def traced(loop, work, out, call):
    """Do all of it with arrays that record. A place outside of the memory is a failure at once."""
    case, a = work.windows, work.numbers.reshape(-1).copy()
    parameters = list(loop.__code__.co_varnames[: loop.__code__.co_argcount])
    names = ["loop", "chunks", *parameters[2:4], "sizes", "steps"]
    made = trace(all_units, loop, work.ranges, out, a, case.sizes, case.steps, out=(names[2],), names=names)
    for problem in made.problems:
        if problem.kind in ("out of range", "negative index", "shape", "read only", "endless"):
            raise check.CheckFailed(call, note=f"{problem.message} What lies outside of the plane is not touched.")
    return made


def race_in(made):
    """A sentence about units that write what belongs to others, if there are any."""
    return next((f"{problem.message} (An iteration is a range from begin to end.)" for problem in made.problems
                 if problem.kind == "race"), None)


def compare(call, got, expected, changes, other):
    """`got` is `expected`; otherwise a failure in words.

    changes: sentence -> the array that comes of this mistake, a function. other: a sentence from the first index where
    they differ.
    """
    got = got.reshape(expected.shape)
    if np.array_equal(got, expected):
        return
    for sentence, compute in changes.items():
        wrong = compute()
        if wrong.shape == got.shape and np.array_equal(got, wrong) and not np.array_equal(wrong, expected):
            raise check.CheckFailed(call, check.shown(got.tolist()), check.shown(expected.tolist()), sentence)
    first = tuple(int(each) for each in np.argwhere(got != expected)[0])
    raise check.CheckFailed(call, check.shown(got.tolist()), check.shown(expected.tolist()), other(first, got[first]))
