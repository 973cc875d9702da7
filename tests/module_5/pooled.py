"""What the tests of task 5.4 share: planes and the windows that slide over them, what is the largest of each window by
trying all of its elements, what comes of mistakes, and how the loops run, traced.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from course.check import CheckFailed
from course.trace import trace
from terox._numba import prange

UNTOUCHED = -987654.0  # in results, wherever nothing was written


class Pooling:
    """Planes (P, H, W), and windows: pairs of numbers, vertical and horizontal."""

    def __init__(self, planes, kernel, stride=None, padding=(0, 0), dilation=(1, 1), grain=100):
        self.planes = np.array(planes, np.float64)
        self.kernel, self.stride, self.padding, self.dilation = kernel, stride or kernel, padding, dilation
        self.grain = grain
        self.counts = tuple(map(_count, self.planes.shape[1:], *self.windows()))

    @staticmethod
    def skipped(row, column):
        """Whether a mistake takes an element of the plane for one outside."""
        return False

    def windows(self):
        return self.kernel, self.stride, self.padding, self.dilation

    @property
    def sizes(self):
        return (*self.planes.shape[1:], *self.kernel, *self.counts)

    @property
    def steps(self):
        return self.stride, self.padding, self.dilation

    @property
    def out_shape(self):
        return (len(self.planes), *self.counts)

    def with_(self, **changes):
        """The same with other windows, as many of them; some may have no element of the plane."""
        made = Pooling.__new__(Pooling)
        made.__dict__ |= self.__dict__ | changes
        return made

    def under(self, y, x):
        """The (row, column) of all elements of a window, row by row, those outside of the plane, too."""
        rows = [y * self.stride[0] - self.padding[0] + i * self.dilation[0] for i in range(self.kernel[0])]
        columns = [x * self.stride[1] - self.padding[1] + j * self.dilation[1] for j in range(self.kernel[1])]
        return [(row, column) for row in rows for column in columns]

    def inside(self, y, x):
        height, width = self.planes.shape[1:]
        return [(row, column) for row, column in self.under(y, x)
                if 0 <= row < height and 0 <= column < width and not self.skipped(row, column)]

    def right(self, choose=None, place=None):
        """(the largest, where it stands), (P, OH, OW). choose(values): the number of the one that counts.

        place(row, column, number): what stands in `indices`, instead of row * width + column.
        """
        width = self.planes.shape[2]
        out, indices = np.full(self.out_shape, -math.inf), np.full(self.out_shape, -1)
        for p, y, x in np.ndindex(*self.out_shape):
            inside = self.inside(y, x)
            values = [self.planes[p, row, column] for row, column in inside]
            if values:
                number = (choose or largest)(values)
                row, column = inside[number]
                out[p, y, x] = values[number]
                indices[p, y, x] = place(row, column, number) if place else row * width + column
        return out, indices

    def padded_with(self, value):
        """What comes of it if `value` stands outside of the plane, and counts."""
        out = self.right()[0]
        for p, y, x in np.ndindex(*self.out_shape):
            if len(self.inside(y, x)) < len(self.under(y, x)):
                out[p, y, x] = max(out[p, y, x], value)
        return out

    def wrong_values(self):
        """Sentence -> the whole wrong `out`."""
        if np.isnan(self.planes).any():
            return {
                "NaN was passed over: compared with anything, it is neither larger nor smaller. One NaN in a window "
                "makes the result NaN.": self.right(_largest_number)[0],
                "NaN counts only where it comes first: no number is larger than NaN, and NaN is larger than no number. "
                "Ask for it with `value != value`.": self.right(_stuck)[0],
                "A number that comes after NaN has taken its place: one NaN in a window makes the result NaN.":
                    self.right(_after_nan)[0],
            }
        found = {
            "The search begins with 0, and all elements of a window may be negative.":
                np.maximum(self.right()[0], 0.0),
            "Outside of the plane something like 0 was taken for an element. What lies there does not count, and the "
            "largest may be negative: begin with what is smaller than every number.": self.padded_with(0.0),
        }
        for what, none, words in (
                ("stride", 1, "window number y begins at y * stride_h, less the padding, and so on."),
                ("padding", 0, "windows begin before the plane does."),
                ("dilation", 1, "the elements of a window are that far apart.")):
            down, across = getattr(self, what)
            for value, sentence in (
                    ((none, none), f"The {what} was left out: {words}"),
                    ((none, across), f"{what}_h was left out: {words}"),
                    ((down, none), f"{what}_w was left out: {words}"),
                    ((across, down), f"{what}_h and {what}_w have changed places."),
                    ((across, across), f"{what}_w was taken where {what}_h belongs."),
                    ((down, down), f"{what}_h was taken where {what}_w belongs.")):
                found[sentence] = self.with_(**{what: value}).right()[0]
        found["Stride and dilation have changed places: the stride goes with y and x, the dilation with i and j."] = \
            self.with_(stride=self.dilation, dilation=self.stride).right()[0]
        (down, across), (height, width) = self.kernel, self.planes.shape[1:]
        for kernel, sentence in (((across, down), "kernel_h and kernel_w have changed places."),
                                 ((across, across), "kernel_w was taken where kernel_h belongs."),
                                 ((down, down), "kernel_h was taken where kernel_w belongs.")):
            found[sentence] = self.with_(kernel=kernel).right()[0]
        for words, skipped in (("Row 0 lies", lambda row, column: row == 0),
                               ("Column 0 lies", lambda row, column: column == 0),
                               ("Row 0 and column 0 lie", lambda row, column: row == 0 or column == 0),
                               ("The last row lies", lambda row, column: row == height - 1),
                               ("The last column lies", lambda row, column: column == width - 1),
                               ("The last row and the last column lie",
                                lambda row, column: row == height - 1 or column == width - 1)):
            found[f"{words} inside of the plane; here they do not count."] = self.with_(skipped=skipped).right()[0]
        found |= {
            "Windows are as far apart as they are large here. How far apart they are is what `steps` calls stride.":
                self.with_(stride=self.kernel).right()[0],
            "The padding was added; it has to be subtracted: windows begin before the plane does.":
                self.with_(padding=tuple([-each for each in self.padding])).right()[0],
            "That is the smallest of each window.": self.right(lambda values: values.index(min(values)))[0],
        }
        if len(self.planes) > 1:
            found["All planes have the results of the first one: plane number row // out_h begins height * width "
                  "elements further on."] = np.repeat(self.right()[0][:1], len(self.planes), 0)
        return found

    def wrong_indices(self):
        """Sentence -> the whole wrong `indices`."""
        height, width = self.planes.shape[1:]
        each = height * width * np.arange(len(self.planes)).reshape(-1, 1, 1)
        out_w = self.counts[1]
        found = {
            "Of equal ones the last was taken; it has to be the first, row by row.": self.right(_last)[1],
            "Of equal ones the first column by column was taken; it has to be the first row by row.":
                self._by_columns(),
            "The places are counted from the first plane on. They have to begin with 0 in each plane.":
                self.right()[1] + each,
            "These are numbers in the window, i * kernel_w + j. Where does the element stand in the plane?":
                self.numbers_in_the_window(),
            "A row of the plane has `width` elements, not `height`.": self.right(
                place=lambda row, column, number: row * height + column)[1],
            "A row of the plane has `width` elements, not `out_w`.": self.right(
                place=lambda row, column, number: row * out_w + column)[1],
            "Row and column have changed places: the number is row * width + column.": self.right(
                place=lambda row, column, number: column * width + row)[1],
            "Row and column have changed places. The number is row * width + column.": self.right(
                place=lambda row, column, number: column * height + row)[1],
            "That is the row alone.": self.right(place=lambda row, column, number: row)[1],
            "That is the column alone.": self.right(place=lambda row, column, number: column)[1],
            "-1 where all elements of a window are -inf: nothing is larger than the value that the search begins with. "
            "The first element inside counts, whatever it is.": np.where(np.isneginf(self.right()[0]), -1,
                                                                         self.right()[1]),
        }
        return found

    def _by_columns(self):
        """The first in the order of columns."""
        turned = {name: getattr(self, name)[::-1] for name in ("kernel", "stride", "padding", "dilation", "counts")}
        height, width = self.planes.shape[1:]
        places = self.with_(planes=self.planes.transpose(0, 2, 1), **turned).right()[1].transpose(0, 2, 1)
        return places % height * width + places // height

    def numbers_in_the_window(self):
        found = np.full(self.out_shape, -1)
        for p, y, x in np.ndindex(*self.out_shape):
            inside, under = self.inside(y, x), self.under(y, x)
            values = [self.planes[p, row, column] for row, column in inside]
            found[p, y, x] = under.index(inside[largest(values)])
        return found

    def chunks(self, units):
        return [(begin, min(begin + self.grain, units)) for begin in range(0, units, self.grain)]

    def __repr__(self):
        names = ("kernel", "stride", "padding", "dilation")
        plain = {"stride": self.kernel, "padding": (0, 0), "dilation": (1, 1)}
        options = [f"{name} {'x'.join(map(str, value))}" for name, value in zip(names, self.windows())
                   if value != plain.get(name) or name == "stride"]
        return f"{', '.join(options)}, planes {(self.planes + 0.0).tolist()}"


def _count(size, kernel, stride, padding, dilation):
    begins = range(0, size + 2 * padding, stride)
    return sum(begin + dilation * (kernel - 1) < size + 2 * padding for begin in begins)


# ---- Which of a window's values counts, and which ones mistakes take ----


def largest(values):
    """A NaN, or else the first of the largest."""
    nans = [number for number, value in enumerate(values) if math.isnan(value)]
    return nans[0] if nans else values.index(max(values))


def _last(values):
    return len(values) - 1 - values[::-1].index(max(values)) if not any(map(math.isnan, values)) else largest(values)


def _largest_number(values):
    numbers = [value for value in values if not math.isnan(value)]
    return values.index(max(numbers)) if numbers else 0


def _stuck(values):
    best = 0
    for number, value in enumerate(values):
        best = number if value > values[best] else best
    return best


def _after_nan(values):
    best = 0
    for number, value in enumerate(values):
        best = number if not value <= values[best] else best
    return best


# ---- Cases ----

SMALL = st.integers(-4, 4).map(float)
SPECIAL = st.sampled_from([math.nan, -math.inf, -math.inf, 1.0, -1.0, math.inf])


@st.composite
def poolings(draw, values=SMALL, max_planes=2):
    """All windows have an element inside of the plane: padding is at most half of the kernel, as PyTorch asks."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple([draw(st.integers(0, k // 2)) for k in kernel])
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    # A plane smaller than `dilation` could lie between two elements of a window.
    plane = [draw(st.integers(max(d * (k - 1) + 1 - 2 * p, d), d * (k - 1) + 4 - p))
             for k, p, d in zip(kernel, padding, dilation)]
    count = draw(st.integers(1, max_planes))
    numbers = draw(st.lists(values, min_size=count * math.prod(plane), max_size=count * math.prod(plane)))
    return Pooling(np.reshape(numbers, (count, *plane)), kernel, stride, padding, dilation,
                   draw(st.sampled_from([1, 2, 100])))


# ---- Running a loop ----


def _all(loop, chunks, first, second, third, sizes, steps):
    for number in prange(len(chunks)):
        loop(chunks[number][0], chunks[number][1], first, second, third, sizes, steps)


def run(loop, chunks, arrays, names, out, case, call):
    """Run the chunks of a loop, each of which could be another thread's, on flat arrays, which it fills.

    Raises CheckFailed for races, for what is read or written outside of an array, or never written; and for an error.
    """
    made = trace(_all, loop, chunks, *arrays, case.sizes, case.steps, out=out,
                 names=("loop", "chunks", *names, "sizes", "steps"))
    for problem in made.problems[:1]:
        message = problem.message.replace("iterations", "ranges").replace("iteration", "range")
        raise CheckFailed(call, note=message)


def ranges(case, units, what):
    """In words, which ranges a loop is called for."""
    chunks = case.chunks(units)
    return f"all {what}s at once" if len(chunks) == 1 else \
        ", ".join(f"{begin} to {end}" for begin, end in chunks[:3]) + (", ..." if len(chunks) > 3 else "")
