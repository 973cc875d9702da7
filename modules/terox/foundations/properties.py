"""Properties: sentences that hold for *every* input, written so that a machine can look for a counterexample.

A test with one input shows that one case works. A property says what has to hold whatever the input is, and
Hypothesis tries about a hundred inputs, odd ones among them; when one breaks the property, it looks for the
smallest such input and shows that.

Here you do not write the functions; you write what judges them. Every property below is called with an
implementation `impl`, of which you know only the specification. It returns (None) when `impl` keeps to the
specification. Otherwise it fails: by a failed `assert`, or because it lets an exception of `impl` out. Nobody
shows you the implementations that it will judge: some of them are correct, and written in ways that you may
not expect; the others have one fault each. Accept the former, reject the latter.

Two rules follow. Check *all* of the specification, or a fault slips through. Check *nothing but* the
specification, or you reject somebody's correct work.

The primer in this package's README.md is one page about Hypothesis. In PyTorch: the samples and references of
`torch/testing/_internal/opinfo/core.py`, from which one test judges every operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

Implementation = Callable[..., Any]

# ---- Provided: read these first; they show the form. ----


def property_absolute(impl: Implementation) -> None:
    """`absolute(x)`, for a whole number `x`, is `x` without its sign.

    The idea in use: *invariants*, sentences that are true of every result. One alone is seldom enough: the
    first assertion below would accept the square, the second one `x` itself.
    """

    @given(st.integers())  # hypothesis calls the function below about a hundred times, each time with a new x
    def holds(x: int) -> None:
        size = impl(x)
        assert size >= 0
        assert size == x or size == -x

    holds()  # without this line nothing is tried, and every implementation would be accepted


def raises(kind: type[BaseException], call: Callable[[], Any]) -> bool:
    """Whether `call()` raises an exception of this kind: `raises(ZeroDivisionError, lambda: 1 / 0)` is true."""
    try:
        call()
    except kind:
        return True
    return False


# ---- Task 0.3: the learner's part. ----


def property_clip(impl: Implementation) -> None:
    """`clip(x, low, high)` brings a number into the range from `low` to `high`, both ends included.

    - Where `x` is less than `low`, the result equals `low`; where it is greater than `high`, it equals `high`.
    - Where `x` is in the range, the result equals `x`: nothing is rounded.
    - The three are numbers (int or float), none of them is NaN, and `low <= high`. They may be equal.
    - For `low > high` and for NaN nothing is promised, so do not ask.

    The idea to practice: *invariants*, what is true of every result. Think of the inputs too: faults live at
    the borders, so choose numbers among which ties are common.
    """
    # TODO 0.3: draw numbers, put the bounds in order, call impl, and assert each sentence above.

    raise NotImplementedError("Task 0.3: property_clip")


def property_median(impl: Implementation) -> None:
    """`median(values)` is the value in the middle, once the values are sorted.

    - For an odd number of values it is the middle one; for an even number, half the sum of the middle two.
    - `values` is a list of whole numbers between -1,000,000 and 1,000,000 (so that no result is rounded), in
      any order; some may be equal.
    - The result is a number: an int or a float.
    - `median([])` raises ValueError.
    - The list that was given is not changed.

    The idea to practice: *metamorphic relations*. Change the input in a way of which you know what it does to
    the result, call `impl` again, and compare: what do another order, the opposite sign of all values, or the
    same number added to all of them do to the median? Relations alone often hold for a wrong function as well
    (these hold for the mean), so add an invariant: how many of the values may be less than the median?
    """
    # TODO 0.3: two calls whose results are related, an invariant, the empty list, the list left as it was.

    raise NotImplementedError("Task 0.3: property_median")


def property_running_max(impl: Implementation) -> None:
    """`running_max(values)` says at every place the largest value so far.

    - The result has one element for each value. The one at place `i` equals the largest of `values[0]` to
      `values[i]`, both included.
    - `values` is a list of numbers (int or float, no NaN), and may be empty; then the result is empty too.
    - The result is a list or a tuple: both are correct.
    - The list that was given is not changed.

    The idea to practice: a *model*. Compute the expected result in the plainest way there is, however slow,
    and compare. (The tests of this course do so: their models are NumPy's functions.)
    """
    # TODO 0.3: draw lists, write the model from its definition in one line, compare; see what became of the list.

    raise NotImplementedError("Task 0.3: property_running_max")


def property_run_lengths(impl: Implementation) -> None:
    """`run_lengths(values)` describes a list by its runs of equal values: `[7, 7, 5]` is `[(7, 2), (5, 1)]`.

    - The result is a list of pairs (value, count), one for each run, in the order of the runs.
    - A run is as long as it can be: two runs side by side have different values. No run is empty.
    - `values` is a list of whole numbers, and may be empty; then the result is `[]`.
    - The list that was given is not changed.

    The idea to practice: the *round trip*. Undo what the function did, and you have to be back where you
    began. Then ask which wrong functions come back as well, and rule them out.
    """
    # TODO 0.3: expand the runs again and compare; then the sentences that the round trip cannot see.

    raise NotImplementedError("Task 0.3: property_run_lengths")


# End of the file.
