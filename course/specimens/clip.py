"""Specimens of `clip(x, low, high)`. Open this after you pass task 0.3."""

from __future__ import annotations

from course.specimens.collection import Collection


def _outside(x: float, low: float, high: float) -> str | None:
    if not all(isinstance(value, (int, float)) for value in (x, low, high)):
        return "The three arguments have to be numbers."
    if x != x or low != low or high != high:
        return "One of the arguments was NaN, and nothing is promised for NaN."
    if low > high:
        return "There `low` was greater than `high`, and nothing is promised for that."
    return None


SPECIMENS = Collection(
    "clip", "the result is `low` where `x` is less, `high` where `x` is greater, and otherwise `x`; equal is enough",
    _outside)


@SPECIMENS.correct()
def min_of_max(x, low, high):
    return min(max(x, low), high)


@SPECIMENS.correct()
def with_a_check(x, low, high):
    if not low <= high:
        raise ValueError("clip: low must not be greater than high")
    if x <= low:
        return low
    if x >= high:
        return high
    return x


@SPECIMENS.correct()
def middle_of_three(x, low, high):
    return sorted((low, x, high))[1]


@SPECIMENS.correct("It may return an int where the equal float was given.")
def whole_where_possible(x, low, high):
    result = high if high < x else low if x < low else x
    return int(result) if isinstance(result, float) and result.is_integer() else result


@SPECIMENS.faulty("values below the range stay as they are")
def no_lower_bound(x, low, high):
    return min(x, high)


@SPECIMENS.faulty("values above the range stay as they are")
def no_upper_bound(x, low, high):
    return max(x, low)


@SPECIMENS.faulty("values outside of the range end at the wrong bound")
def bounds_mixed_up(x, low, high):
    return high if x < low else low if x > high else x


@SPECIMENS.faulty("wrong when `x` is exactly on a bound")
def open_range(x, low, high):
    if x > high:
        return high
    return x if low <= x < high else low


@SPECIMENS.faulty("wrong when `low` equals `high`")
def refuses_a_point(x, low, high):
    if low >= high:
        return x
    return max(low, min(high, x))


@SPECIMENS.faulty("values within the range do not stay as they are")
def nearest_bound(x, low, high):
    return low if abs(x - low) <= abs(high - x) else high


@SPECIMENS.faulty("wrong when `x` is not a whole number")
def rounds(x, low, high):
    return low if x < low else high if x > high else int(x)


@SPECIMENS.faulty("wrong when `x` is negative")
def loses_the_sign(x, low, high):
    return max(low, min(high, abs(x)))


@SPECIMENS.faulty("wrong when a bound is zero")
def zero_is_no_bound(x, low, high):
    if low and x < low:
        return low
    return high if high and x > high else x
