"""Task 5.1: how many windows there are."""

from __future__ import annotations

import pytest
from convolutions import count_windows
from hypothesis import example, given
from hypothesis import strategies as st

from course.check import CheckFailed, shown
from terox.nn.sliding import output_size

pytestmark = pytest.mark.task("5.1")


def mistakes(size, kernel, stride, padding, dilation):
    """Sentence -> the number that this mistake gives."""
    reach, padded = dilation * (kernel - 1) + 1, size + 2 * padding
    rest = (padded - reach) % stride
    return {
        "Padding is put on both sides; it was counted on one.": (size + padding - reach) // stride + 1,
        "The padding was not counted.": (size - reach) // stride + 1,
        "The stride was not used: a window begins `stride` elements after the one before.": padded - reach + 1,
        "The dilation was not used: a window's elements are `dilation` apart.": (padded - kernel) // stride + 1,
        "A window of `kernel` elements, `dilation` apart, reaches over dilation * (kernel - 1) + 1: behind the last "
        "one there is no gap.": (padded - dilation * kernel) // stride + 1,
        "The 1 is a whole window, and not divided by the stride.": (padded - reach + 1) // stride,
        "A dilation of 1 means neighbors, so a window reaches over dilation * (kernel - 1) + 1.":
            (padded - (kernel + dilation * (kernel - 1))) // stride + 1,
        "A last window that does not lie inside as a whole was counted: round down.":
            (padded - reach) // stride + 1 + (rest > 0),
        "A window reaches over one element more: dilation * (kernel - 1) + 1.": (padded - reach + 1) // stride + 1,
        "The first window is missing: where it can move in n steps, there are n + 1 windows.":
            (padded - reach) // stride,
        "The kernel's size was not taken off.": padded // stride,
    }


@given(size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 4), padding=st.integers(0, 3),
       dilation=st.integers(1, 3))
@example(5, 3, 1, 0, 1)
@example(5, 3, 1, 1, 1)
@example(5, 3, 2, 0, 1)
@example(6, 3, 2, 0, 1)
@example(7, 3, 1, 0, 2)
@example(1, 1, 4, 0, 1)
@example(28, 5, 1, 2, 1)
@example(9, 3, 2, 2, 3)
@example(3, 3, 2, 0, 1)
def test_output_size(size, kernel, stride, padding, dilation):
    """output_size is the number of windows that lie inside, padding included; 0 or less where none does."""
    got = output_size(size, kernel, stride, padding, dilation)
    expected = count_windows(size, kernel, stride, padding, dilation)
    call = f"output_size({size}, {kernel}, stride={stride}, padding={padding}, dilation={dilation})"
    if type(got) is not int:
        raise CheckFailed(call, shown(got), shown(expected), "It returned None. Is a `return` missing?" if got is None
                          else "A number of windows is a whole number: divide by //, not by /.")
    if got == expected or got <= 0 and expected == 0:
        return
    known = mistakes(size, kernel, stride, padding, dilation)
    begins = list(range(0, size + 2 * padding, stride))[:expected]
    found = next((words for words, wrong in known.items() if wrong == got), f"The windows begin at {begins}, counted "
                 "from the first element, padding included.")
    if expected == 0:
        found = (f"Not even one window fits: it reaches over {dilation * (kernel - 1) + 1} elements, and with padding "
                 f"there are {size + 2 * padding}. The result is then 0 or negative.")
    raise CheckFailed(call, shown(got), shown(expected), found)


def test_defaults():
    """Without more than two arguments, output_size means a stride of 1, no padding, and neighbors."""
    got = output_size(5, 3)
    if got != 3:
        raise CheckFailed("output_size(5, 3)", shown(got), "3", "Windows begin at 0, 1 and 2.")
