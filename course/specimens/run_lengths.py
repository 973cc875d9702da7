"""Specimens of `run_lengths(values)`. Open this after you pass task 0.3."""

from __future__ import annotations

from itertools import groupby

from course.specimens.collection import Collection, not_a_list


def _outside(values: list[int]) -> str | None:
    return not_a_list(values, (int,))


SPECIMENS = Collection(
    "run_lengths", "a list of pairs (value, count), one for each run of equal values, in order", _outside)


@SPECIMENS.correct()
def grouped(values):
    return [(value, len(list(run))) for value, run in groupby(values)]


@SPECIMENS.correct()
def one_loop(values):
    found = []
    for value in values:
        if found and found[-1][0] == value:
            found[-1] = (value, found[-1][1] + 1)
        else:
            found.append((value, 1))
    return found


@SPECIMENS.correct("It may use up a list of its own.")
def from_the_back(values):
    rest, found = list(values), []
    while rest:
        value, count = rest.pop(), 1
        while rest and rest[-1] == value:
            rest.pop()
            count += 1
        found.insert(0, (value, count))
    return found


@SPECIMENS.correct()
def between_borders(values):
    borders = [place for place in range(len(values)) if place == 0 or values[place - 1] != values[place]]
    return [(values[start], end - start) for start, end in zip(borders, [*borders[1:], len(values)])]


@SPECIMENS.faulty("equal values side by side are not counted together")
def never_merges(values):
    return [(value, 1) for value in values]


@SPECIMENS.faulty("equal values are counted together though others stand between them")
def counts_all(values):
    return [(value, values.count(value)) for value in dict.fromkeys(values)]


@SPECIMENS.faulty("loses the last run")
def forgets_the_end(values):
    return grouped(values)[:-1]


@SPECIMENS.faulty("counts one too few")
def counts_from_zero(values):
    return [(value, count - 1) for value, count in grouped(values)]


@SPECIMENS.faulty("fails for an empty list")
def needs_a_value(values):
    runs, current, count = [], values[0], 0
    for value in values:
        if value != current:
            runs.append((current, count))
            current, count = value, 0
        count += 1
    return [*runs, (current, count)]


@SPECIMENS.faulty("loses values that Python takes for false")
def skips_zeros(values):
    return [(value, count) for value, count in grouped(values) if value]


@SPECIMENS.faulty("changes the list that it was given")
def uses_it_up(values):
    runs = grouped(values)
    values.clear()
    return runs


@SPECIMENS.faulty("the runs come in the wrong order")
def backward(values):
    return grouped(values)[::-1]


@SPECIMENS.faulty("adds a run that is empty")
def empty_run_at_the_end(values):
    return [*grouped(values), (values[-1] + 1 if values else 0, 0)]


@SPECIMENS.faulty("breaks a run apart when it is longer than two")
def at_most_two(values):
    runs = []
    for value, count in grouped(values):
        runs += [(value, min(2, count - start)) for start in range(0, count, 2)]
    return runs
