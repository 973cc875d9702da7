"""Task 4.5: softmax of rows that lie anywhere, on a GPU where there is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_products import places
from gpu_softmax import GUARD, KIND, NUMBER, Rows, lengths_near, many_rows, rows_close, short, softmax_rows, tolerance
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.cuda.runtime import BLOCK

pytestmark = pytest.mark.task("4.5")

# One thing at a time first: what fails then says what is wrong.
EXAMPLES = [
    Rows((1, BLOCK)),
    Rows((1, 3 * BLOCK)),
    Rows((1, 2 * BLOCK + 1)),
    Rows((1, BLOCK - 1)),
    Rows((1, 1)),
    Rows((2, BLOCK)),
    Rows((3, 2)),
    Rows((1, BLOCK), (BLOCK, 1), (2 * BLOCK, 2)),
    Rows((1, BLOCK), (2 * BLOCK, 2), (BLOCK, 1)),
    Rows((2, BLOCK), (1, 2), (BLOCK, 1)),
    Rows((2, BLOCK), (BLOCK, 1), (1, 2)),
    Rows((2, 3), (3, 1), (0, 1)),
    Rows((2, 3), (3, 1), (1, 0)),
    Rows((2, 2, 3), (6, 3, 1), (3, 6, 1)),
    Rows((2, 3, BLOCK + 1), (3, 1, 6), (3 * BLOCK + 3, BLOCK + 1, 1)),
    Rows((2, BLOCK), kind="float32"),
    Rows((2, BLOCK // 2), block=BLOCK // 2),
    Rows((1, BLOCK + 3), block=2),
    Rows((2, 5), block=1),
]


def examples(test):
    for case in reversed(EXAMPLES):
        test = example(case=case, seed=1)(test)
    return test


def slips(case, a):
    """The results that known mistakes give."""
    rows = case.read(a, 1)
    flat = [np.array(row, float) for row in rows]
    threads, length = case.block, case.sizes[-1]
    own_out, own_a = case.own
    powers = [np.exp(row - row.max()) for row in flat]

    def each(function):
        return np.concatenate([function(row, power) for row, power in zip(flat, powers)]).tolist()

    found = {
        "Each has still to be divided by the total.": each(lambda row, power: power),
        "Each has to be divided by the total, and was multiplied by it.": each(lambda row, power: power * power.sum()),
        "top and total are those of the first elements only, one for each thread. A thread goes on in steps of all "
        "threads.": each(lambda row, power: np.exp(row - row[:threads].max()) /
                         np.exp(row[:threads] - row[:threads].max()).sum()),
        "Each element was divided by the total of its own thread. block_join has to join them.":
            each(lambda row, power: np.array([np.exp(row[i] - row[i % threads :: threads].max()) / np.exp(
                row[i % threads :: threads] - row[i % threads :: threads].max()).sum() for i in range(length)])),
    }
    for text, strides in {
        "The steps of `out` were used for `a`. Each operand has its own: steps[1] is that of `a`.":
            (*own_a[:-1], own_out[-1]),
        "A step from one element to the next was taken to be 1. It is steps[1] in `a`.": (*own_a[:-1], 1),
        "The rows of `a` were looked for where those of `out` begin. strides[1] are those of `a`.":
            (*own_out[:-1], own_a[-1]),
        "All rows have the results of the first one. Where row number blockIdx.x begins, offset says.":
            (*[0] * (len(own_a) - 1), own_a[-1]),
    }.items():
        other = case.read(a, 1, strides)
        if strides != own_a and other is not None:
            found[text] = softmax_rows(other)
    return found


def judge(case, out, a):
    """out holds the softmax of each row, and nothing else of it has changed."""
    rows = case.read(a, 1)
    results = [x for row in case.read(out, 0) for x in row]
    tolerances = [tolerance(row, case.kind, case.sizes[-1]) for row in rows]
    rtol, atol = (max(each) for each in zip(*tolerances))
    try:
        all_written(case, rows, results)
        rows_close(results, rows, rtol, atol, shown(case, rows),
                   slips(case, a) if np.isfinite(rows).all() else None, why)
    except check.CheckFailed:
        case.checked([np.full_like(out, GUARD), a.copy()])  # a race explains any number
        raise
    rest = np.ones(len(out), bool)
    rest[places(case.sizes, case.own[0])] = False
    check.that((out[rest] == GUARD).all(), "Memory between or behind the elements of `out` was written.",
               call=repr(case))


def all_written(case, rows, results):
    """Every element of the results was written."""
    length = case.sizes[-1]
    missing = [i for i, x in enumerate(results) if x == GUARD]
    if missing:
        row, number = divmod(missing[0], length)
        raise check.CheckFailed(shown(case, rows), f"row {row}, element {number}: not written", note=(
            f"{len(missing)} of {len(results)} results were not written. Thread t has the elements t, t + threads, ... "
            f"of its row, where threads is cuda.blockDim.x, here {case.block}"
            + ("." if case.block == BLOCK else f"; BLOCK is {BLOCK}.")))


def why(row, got):
    """What to think of a wrong row, where no slip is known that gives it; None where nothing is."""
    finite, unknown = np.isfinite(row).all(), np.isnan(got)
    if unknown.any() and finite:
        return ("0 / 0 is NaN: the total is 0 where top is far above all elements. With which maximum does a thread "
                "begin? Below every number is kind(-math.inf) alone.")
    if unknown.any() and not np.isnan(row).any() and max(row) < math.inf:
        return ("-inf - -inf is NaN. A thread that has met nothing but -inf so far, or no element at all, has nothing "
                "to rescale: join asks for that, and what is written in its place has to.")
    if np.isfinite(got).all() and finite and abs(sum(got) - 1.0) > 1e-3:
        return (f"The results of the row add up to {sum(got):.4g}, and not to 1: top and total have to be those of the "
                "whole row, the same ones in all threads.")
    return None


def shown(case, rows):
    """The case, with its numbers where they are few."""
    numbers = f", of {', '.join(map(short, rows))}" if case.count * case.sizes[-1] <= 12 else ""
    return check.Whole(f"{case!r}{numbers}")


@given(case=many_rows(BLOCK, lengths_near(BLOCK)), seed=st.integers(0, 99))
@examples
def test_softmax(case, seed):
    """out[i] = exp(a[i] - top) / total for each row: of any length, any strides, any number of rows."""
    out, a = case.memories(np.random.default_rng(seed).integers(-12, 13, case.sizes) / 4, spare=3)
    before = a.copy()
    case.run((out, a))
    judge(case, out, before)
    check.that(np.array_equal(a, before, equal_nan=True), "`a` has changed. It is an input.", call=repr(case))


@given(row=st.lists(NUMBER, min_size=1, max_size=BLOCK + 3), offset=st.sampled_from([1000.0, -1000.0, 30000.0]),
       kind=KIND)
@example(row=[1.0, 2.0, 0.5], offset=1000.0, kind="float64")
@example(row=[1.0, 2.0, 0.5], offset=-1000.0, kind="float32")
def test_large_numbers(row, offset, kind):
    """Where exp alone would overflow, or give 0 for all, differences from the maximum do not."""
    case = Rows((1, len(row)), kind=kind)
    out, a = case.memories(np.array([row]) + offset)
    case.run((out, a))
    judge(case, out, a)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_far_below(kind):
    """A row of numbers far below 0, however far, beside -inf or not."""
    least = float(np.finfo(kind).min)
    for low in (-1e7, -1e35, least / 4):
        for row in ([low], [low, 2 * low, low], [low] * (BLOCK + 1), [-math.inf, low], [-math.inf] * BLOCK + [low]):
            case = Rows((2, len(row)), kind=kind)
            out, a = case.memories(np.array([row, row[::-1]]))
            case.run((out, a))
            judge(case, out, a)


SPECIAL = st.sampled_from([math.nan, math.inf, -math.inf, -math.inf])


@given(numbers=st.lists(st.one_of(NUMBER, SPECIAL), min_size=1, max_size=BLOCK + 3), kind=KIND)
@example(numbers=[1.0, -math.inf], kind="float64")
@example(numbers=[-math.inf, 1.0, 2.0], kind="float32")
@example(numbers=[-math.inf] * (BLOCK + 1) + [1.0], kind="float64")
@example(numbers=[-math.inf] * (BLOCK + 1), kind="float64")
@example(numbers=[-math.inf], kind="float32")
@example(numbers=[1.0, math.nan, 2.0], kind="float64")
@example(numbers=[math.nan] + [1.0] * BLOCK, kind="float32")
@example(numbers=[1.0] * BLOCK + [math.nan], kind="float32")
@example(numbers=[1.0, math.inf], kind="float64")
@example(numbers=[math.inf, math.inf], kind="float32")
def test_not_finite(numbers, kind):
    """-inf gives 0; NaN, +inf, or -inf everywhere make the whole row NaN, and no other row."""
    plain = [0.25] * len(numbers)
    case = Rows((3, len(numbers)), kind=kind)
    out, a = case.memories(np.array([plain, numbers, plain]))
    case.run((out, a))
    judge(case, out, a)


def test_long_row():
    """A row of many times as many elements as there are threads; the largest one comes late."""
    case = Rows((2, 20 * BLOCK + 1))
    values = np.random.default_rng(2).uniform(-3, 3, case.sizes)
    values[:, -2] = 50.0
    out, a = case.memories(values)
    case.run((out, a))
    judge(case, out, a)
