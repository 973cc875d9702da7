"""Specimens of `median(values)`. Open this after you pass task 0.3."""

from __future__ import annotations

import heapq
import statistics

from course.specimens.collection import Collection, not_a_list


def _outside(values: list[int]) -> str | None:
    problem = not_a_list(values, (int,))
    if problem is None and any(abs(value) > 1_000_000 for value in values):
        return "The list held a number beyond 1,000,000: such sums may be rounded, and nothing is promised for them."
    return problem


SPECIMENS = Collection(
    "median", "the middle value in sorted order, or half the sum of the middle two; ValueError for an empty list",
    _outside, promised=(ValueError,))


@SPECIMENS.correct()
def sorted_copy(values):
    if len(values) == 0:
        raise ValueError("median of an empty list")
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[half]
    return ordered[half - 1] + (ordered[half] - ordered[half - 1]) / 2


@SPECIMENS.correct("`statistics.StatisticsError` is a ValueError, and a subclass will do.")
def from_the_library(values):
    return statistics.median(values)


@SPECIMENS.correct("It may work in place on a list of its own.")
def outer_pairs_removed(values):
    rest = values.copy()
    if not rest:
        raise ValueError("nothing to take the median of")
    while len(rest) > 2:
        rest.remove(min(rest))
        rest.remove(max(rest))
    return sum(rest) / len(rest)


@SPECIMENS.correct("It may return a float where an int would do.")
def with_a_heap(values):
    if not values:
        raise ValueError("median needs a value")
    least = heapq.nsmallest(len(values) // 2 + 1, values)
    return float(least[-1]) if len(values) % 2 else (least[-1] + least[-2]) * 0.5


def _middle(ordered):
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@SPECIMENS.faulty("one extreme value moves the result")
def mean(values):
    if not values:
        raise ValueError("empty")
    return sum(values) / len(values)


@SPECIMENS.faulty("wrong for an even number of values")
def upper_middle(values):
    if not values:
        raise ValueError("empty")
    return sorted(values)[len(values) // 2]


@SPECIMENS.faulty("right only for values that come in sorted order")
def does_not_sort(values):
    if not values:
        raise ValueError("empty")
    return _middle(values)


@SPECIMENS.faulty("changes the list that it was given")
def sorts_in_place(values):
    if not values:
        raise ValueError("empty")
    values.sort()
    return _middle(values)


@SPECIMENS.faulty("wrong when some of the values are equal")
def drops_duplicates(values):
    if not values:
        raise ValueError("empty")
    return _middle(sorted(set(values)))


@SPECIMENS.faulty("wrong when the result is not a whole number")
def whole_half(values):
    if not values:
        raise ValueError("empty")
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


@SPECIMENS.faulty("wrong when the result is not a whole number, and the same for a list and its negative")
def toward_zero(values):
    if not values:
        raise ValueError("empty")
    return int(_middle(sorted(values)))


@SPECIMENS.faulty("wrong when some of the values are negative")
def sorts_by_size(values):
    if not values:
        raise ValueError("empty")
    return _middle(sorted(values, key=abs))


@SPECIMENS.faulty("wrong for an odd number of values")
def one_place_too_low(values):
    if not values:
        raise ValueError("empty")
    ordered = sorted(values)
    return ordered[max(len(ordered) // 2 - 1, 0)] if len(ordered) % 2 else _middle(ordered)


@SPECIMENS.faulty("fails when there are only one or two values")
def extremes_left_out(values):
    if not values:
        raise ValueError("empty")
    ordered = sorted(values)[1:-1]
    return _middle(ordered)


@SPECIMENS.faulty("wrong for an empty list")
def zero_for_none(values):
    return _middle(sorted(values)) if values else 0
