"""Task 4.5: two parts of a row become one."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from gpu_softmax import NUMBER, part_of
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from course.check import Whole
from terox.cuda.softmax import join

pytestmark = pytest.mark.task("4.5")

EMPTY = (-math.inf, 0.0)
SPECIAL = st.sampled_from([-math.inf, -math.inf, math.nan, math.inf])
OFFSET = st.sampled_from([0.0, 0.0, 1000.0, -1000.0, 30000.0])
rows = st.lists(NUMBER, max_size=4)
WIDE = st.lists(st.sampled_from([-2000.0, -1000.0, -1.0, 0.0, 1.0, 1000.0, 2000.0]), max_size=4)


def called(*parts):
    numbers = ", ".join(f"{float(x):.9g}" for part in parts for x in part)
    return f"join({numbers})"


def pair(got, call):
    """Two numbers."""
    check.that(isinstance(got, tuple) and len(got) == 2, "join returns a pair, (top, total)." + (
        " It returned None. Is a `return` missing?" if got is None else ""), call=call, got=got)
    return got


def nan_stays(top, total, call):
    """NaN in a part is in the joined pair."""
    check.that(math.isnan(top) or math.isnan(total), "NaN got lost. It stays in the joined maximum, through which "
               "`max` lets it (a comparison with NaN is false), or in the joined total.", call=call, got=(top, total))


def raw(row):
    """(top, total) of some elements. That of one alone is (x, 1.0), also where x is not finite."""
    return (row[0], 1.0) if len(row) == 1 else part_of(row)


def slips(first, second):
    """Totals that known mistakes give, for parts of finite numbers."""
    (top, total), (other_top, other_total) = first, second
    best, least = max(top, other_top), min(top, other_top)

    def scaled(by):
        try:
            return math.exp(by)
        except OverflowError:
            return float("inf")

    both = total * scaled(top - best), other_total * scaled(other_top - best)
    both_wrong = total * scaled(other_top - best), other_total * scaled(top - best)
    as_it_is = f"The total of the {'first' if top < other_top else 'second'} part was added as it is."
    with np.errstate(all="ignore"):
        return {
            f"{as_it_is} It is in terms of {least:.9g}, and has to be multiplied by exp({least:.9g} - {best:.9g}).":
                total + other_total,
            "The larger maximum is the second part's, so it is the first total that has to be multiplied."
            if other_top > top else "The larger maximum is the first part's, so it is the second total that has to be "
            "multiplied.": sum(both_wrong),
            "The total is in terms of the smaller maximum. It has to be in terms of the joined one.":
                float(np.float64(total) * scaled(top - least) + np.float64(other_total) * scaled(other_top - least)),
            "The first total is missing.": both[1],
            "The second total is missing.": both[0],
            "The totals were divided by exp(its maximum - the joined one), and not multiplied.":
                float(total * np.exp(best - top) + other_total * np.exp(best - other_top)),
            "The total is that of exp(x), not of exp(x - top).":
                total * scaled(top) + other_total * scaled(other_top),
        }


@given(first=st.one_of(rows, WIDE), second=st.one_of(rows, WIDE), offset=OFFSET)
@example(first=[1.0], second=[1.0], offset=0.0)
@example(first=[2.0], second=[1.0], offset=0.0)
@example(first=[1.0], second=[2.0], offset=0.0)
@example(first=[1.0, 0.0], second=[3.0, 2.0, 2.5], offset=0.0)
@example(first=[1.0, 3.0], second=[-2.0], offset=0.0)
@example(first=[1.0], second=[2.0], offset=1000.0)
@example(first=[2.0], second=[1.0], offset=-1000.0)
@example(first=[2000.0], second=[-2000.0], offset=0.0)
@example(first=[-2000.0], second=[2000.0], offset=0.0)
@example(first=[], second=[1.0, 2.0], offset=0.0)
@example(first=[1.0, 2.0], second=[], offset=0.0)
@example(first=[], second=[], offset=0.0)
def test_join(first, second, offset):
    """The larger maximum, and the sum of exp(x - that maximum) over the elements of both parts."""
    first, second = [[x + offset for x in row] for row in (first, second)]
    parts = part_of(first), part_of(second)
    call = Whole(f"{called(*parts)}, the parts of {first} and {second}")
    top, total = pair(join(*parts[0], *parts[1]), call)
    wanted, right = part_of(first + second)
    check.close(top, wanted, rtol=0.0, atol=0.0, call=Whole(f"the top of {call}"), mistakes={
        "That is the smaller one.": min(parts[0][0], parts[1][0]), "The first part's was taken.": parts[0][0],
        "The second part's was taken.": parts[1][0]})
    if wanted == -math.inf:
        check.that(not math.isnan(total) and math.isfinite(total), "-inf - -inf is NaN. Where both maxima are -inf, "
                   "there is nothing to rescale.", call=Whole(f"the total of {call}"), got=total)
        return
    empty = not first or not second
    check.close(total, right, rtol=8 * np.finfo(float).eps * (4 + 2000), atol=1e-300,
                call=Whole(f"the total of {call}"), mistakes={} if empty else slips(*parts),
                note="A part without elements, (-inf, 0), leaves the other one as it is." if empty else
                "Each total is multiplied by exp(its maximum - the joined one), which is never above 1, so nothing "
                "overflows.")


@given(row=st.lists(st.one_of(NUMBER, SPECIAL), min_size=1, max_size=4), cut=st.integers(0, 4))
@example(row=[-math.inf, 1.0], cut=1)
@example(row=[1.0, -math.inf], cut=1)
@example(row=[-math.inf, -math.inf], cut=1)
@example(row=[-math.inf, -math.inf], cut=0)
@example(row=[math.nan, 1.0], cut=1)
@example(row=[1.0, math.nan], cut=1)
@example(row=[math.nan, -math.inf], cut=1)
@example(row=[-math.inf, math.nan], cut=1)
@example(row=[math.inf, 1.0], cut=1)
@example(row=[1.0, math.inf], cut=1)
@example(row=[math.inf, math.inf], cut=1)
@example(row=[math.nan], cut=1)
@example(row=[math.nan], cut=0)
@example(row=[math.nan, -math.inf, -math.inf], cut=1)
@example(row=[math.inf], cut=1)
def test_not_finite(row, cut):
    """-inf counts for nothing beside a number; NaN goes through; +inf makes the total NaN; two -inf do not."""
    parts = raw(row[:cut]), raw(row[cut:])
    wanted, right = part_of(row)
    call = Whole(f"{called(*parts)}, the parts of {row[:cut]} and {row[cut:]}")
    top, total = pair(join(*parts[0], *parts[1]), call)
    if math.isnan(wanted):
        nan_stays(top, total, call)
        return
    check.close(top, wanted, rtol=0.0, atol=0.0, call=Whole(f"the top of {call}"))
    if wanted == -math.inf:
        check.that(math.isfinite(total), "-inf - -inf is NaN. Where both maxima are -inf, there is nothing to rescale.",
                   call=Whole(f"the total of {call}"), got=total)
    else:
        check.close(total, right, rtol=1e-13, atol=0.0, call=Whole(f"the total of {call}"),
                    note="exp(inf - inf) is NaN, and so is the total: softmax of +inf is NaN."
                    if math.isnan(right) else "exp(-inf - top) is 0.")


@given(numbers=st.lists(st.one_of(NUMBER, SPECIAL), min_size=1, max_size=8), seed=st.integers(0, 999))
@example(numbers=[1.0, 2.0, 3.0], seed=0)
@example(numbers=[3.0, 2.0, 1.0, 2.0], seed=1)
@example(numbers=[-math.inf, -math.inf, 2.0, -math.inf], seed=2)
def test_any_order(numbers, seed):
    """Associative and commutative: the parts may be joined in any order, as a tree or one after the other."""
    random = np.random.default_rng(seed)
    parts = [(x, 1.0) for x in numbers]
    one_by_one = pair(reduce(lambda x, y: join(*x, *y), parts, EMPTY), f"join, one after the other, of {numbers}")
    parts.append(EMPTY)
    while len(parts) > 1:
        first = parts.pop(int(random.integers(len(parts))))
        second = parts.pop(int(random.integers(len(parts))))
        parts.append(join(*first, *second))
    wanted, right = part_of(numbers)
    for how, (top, total) in (("one after the other, beginning with (-inf, 0)", one_by_one),
                              ("in any order, (-inf, 0) among them", parts[0])):
        call = Whole(f"{numbers}, joined {how}")
        if math.isnan(wanted):
            nan_stays(top, total, call)
            continue
        check.close(top, wanted, rtol=0.0, atol=0.0, call=Whole(f"the top of {call}"))
        if wanted > -math.inf:
            check.close(total, right, rtol=1e-13, atol=0.0, call=Whole(f"the total of {call}"))


@given(numbers=st.lists(st.one_of(NUMBER, SPECIAL), min_size=1, max_size=5))
@example(numbers=[math.inf])
@example(numbers=[1.0, math.inf])
@example(numbers=[math.inf, 1.0])
@example(numbers=[math.nan, 1.0])
@example(numbers=[1.0, math.nan])
@example(numbers=[math.nan, math.inf])
@example(numbers=[-math.inf, -math.inf, 1.0, -math.inf])
def test_one_by_one(numbers):
    """Elements (x, 1.0), joined to (-inf, 0) one after the other: NaN goes through, +inf makes the total NaN."""
    top, total = pair(reduce(lambda part, x: join(*part, x, 1.0), numbers, EMPTY), f"join of {numbers}")
    wanted, right = part_of(numbers)
    call = Whole(f"{numbers}, joined one after the other, beginning with (-inf, 0)")
    if math.isnan(wanted):
        nan_stays(top, total, call)
        return
    check.close(top, wanted, rtol=0.0, atol=0.0, call=Whole(f"the top of {call}"))
    if wanted > -math.inf:
        check.close(total, right, rtol=1e-13, atol=0.0, call=Whole(f"the total of {call}"),
                    note="exp(inf - inf) is NaN, also for the part that has the larger maximum."
                    if math.inf in numbers else None)
    else:
        check.that(math.isfinite(total), "-inf - -inf is NaN. Where both maxima are -inf, there is nothing to rescale.",
                   call=Whole(f"the total of {call}"), got=total)


@given(first=rows, second=rows, shift=st.sampled_from([1024.0, -1024.0, 65536.0]))
@example(first=[1.0], second=[2.0], shift=1024.0)
def test_shift(first, second, shift):
    """A number added to all elements changes the maximum by as much, and not the total."""
    first, second = ([float(round(x * 16)) / 16 for x in row] for row in (first, second))  # exact after the shift, too
    parts = part_of(first), part_of(second)
    plain = pair(join(*parts[0], *parts[1]), called(*parts))
    moved = [(top + shift, total) for top, total in parts]
    call = Whole(f"{called(*moved)}, where {called(*parts)} is {tuple(map(float, plain))}")
    top, total = pair(join(*moved[0], *moved[1]), call)
    check.close(top, plain[0] + shift, rtol=0.0, atol=0.0, call=Whole(f"the top of {call}"))
    if first or second:
        check.close(total, plain[1], rtol=1e-13, atol=0.0, call=Whole(f"the total of {call}"),
                    note="Only differences of maxima may matter.")
