"""Specimens of `running_max(values)`. Open this after you pass task 0.3."""

from __future__ import annotations

from itertools import accumulate

from course.specimens.collection import Collection, not_a_list


def _outside(values: list[float]) -> str | None:
    return not_a_list(values, (int, float))


SPECIMENS = Collection(
    "running_max", "the element at place `i` is the largest of `values[0]` to `values[i]`, in a list or a tuple",
    _outside)


@SPECIMENS.correct()
def one_loop(values):
    largest = []
    for value in values:
        largest.append(value if not largest or value > largest[-1] else largest[-1])
    return largest


@SPECIMENS.correct("A tuple is as good as a list.")
def as_a_tuple(values):
    return tuple(accumulate(values, max))


@SPECIMENS.correct("It may work in place on a list of its own.")
def on_a_copy(values):
    copy = list(values)
    for place in range(1, len(copy)):
        if copy[place] < copy[place - 1]:
            copy[place] = copy[place - 1]
    return copy


@SPECIMENS.correct()
def in_halves(values):
    if len(values) < 2:
        return values[:]
    half = len(values) // 2
    left, right = in_halves(values[:half]), in_halves(values[half:])
    return left + [max(left[-1], value) for value in right]


@SPECIMENS.faulty("looks only at the previous value")
def of_two_neighbors(values):
    return [max(values[max(place - 1, 0): place + 1]) for place in range(len(values))]


@SPECIMENS.faulty("wrong when the values are negative")
def begins_at_zero(values):
    largest, result = 0, []
    for value in values:
        largest = max(largest, value)
        result.append(largest)
    return result


@SPECIMENS.faulty("the result has one element too few")
def loses_the_last(values):
    return list(accumulate(values, max))[:-1]


@SPECIMENS.faulty("fails for an empty list")
def needs_a_first_value(values):
    result = [values[0]]
    for value in values[1:]:
        result.append(max(result[-1], value))
    return result


@SPECIMENS.faulty("changes the list that it was given")
def in_place(values):
    for place in range(1, len(values)):
        values[place] = max(values[place - 1], values[place])
    return values


@SPECIMENS.faulty("looks ahead, at values that have not come yet")
def of_all(values):
    return [max(values)] * len(values)


@SPECIMENS.faulty("the newest value counts one place too late")
def lags_behind(values):
    return [max(values[: max(place, 1)]) for place in range(len(values))]


@SPECIMENS.faulty("wrong when a value comes more than once")
def once_each(values):
    return list(accumulate(dict.fromkeys(values), max))


@SPECIMENS.faulty("compares sizes without their signs")
def by_size(values):
    return list(accumulate(values, lambda largest, value: value if abs(value) > abs(largest) else largest))


@SPECIMENS.faulty("forgets the largest value again when a smaller one comes")
def restarts(values):
    return [value if place == 0 or value < values[place - 1] else max(values[: place + 1])
            for place, value in enumerate(values)]
