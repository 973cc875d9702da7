"""The specimens of task 0.3 are what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from course.specimens import clip, median, run_lengths, running_max

HALVES = [n / 2 for n in range(-4, 5)]
LISTS = [list(values) for size in range(6) for values in itertools.product((-2, -1, 0, 1), repeat=size)]
CLIPS = [list(triple) for triple in itertools.product(HALVES, repeat=3) if triple[1] <= triple[2]]


def runs_of(values):
    borders = np.flatnonzero(np.diff(values)) + 1
    return [(int(part[0]), len(part)) for part in np.split(np.array(values, dtype=int), borders) if len(part)]


ALL = {
    "clip": (clip.SPECIMENS, CLIPS, lambda arguments: float(np.clip(*arguments))),
    "median": (median.SPECIMENS, [[values] for values in LISTS if values],
               lambda arguments: float(np.median(*arguments))),
    "running_max": (running_max.SPECIMENS, [[values] for values in LISTS if values],
                    lambda arguments: np.maximum.accumulate(*arguments).tolist()),
    "run_lengths": (run_lengths.SPECIMENS, [[values] for values in LISTS if values],
                    lambda arguments: runs_of(*arguments)),
}
EMPTY = {"running_max": [], "run_lengths": []}


def keeps_to_it(specimen, arguments, expected):
    """Whether the result is right, of the right kind, and the arguments are as they were."""
    copies = [list(value) if isinstance(value, list) else value for value in arguments]
    try:
        result = specimen.run(*copies)
    except Exception:
        return False
    same = list(result) == expected if isinstance(expected, list) else result == expected
    return bool(same) and copies == arguments


def right_for_empty(name, specimen):
    if name in EMPTY:
        return keeps_to_it(specimen, [[]], EMPTY[name])
    if name == "median":
        try:
            specimen.run([])
        except ValueError:
            return True
        return False
    return True


@pytest.mark.parametrize("name", ALL)
def test_correct_specimens_are_correct(name):
    """Each correct specimen gives what NumPy gives, for all small inputs, and leaves its arguments alone."""
    collection, inputs, oracle = ALL[name]
    assert len(collection.correct_ones) >= 3
    for specimen in collection.correct_ones:
        for arguments in inputs:
            assert collection.outside(*arguments) is None
            assert keeps_to_it(specimen, arguments, oracle(arguments)), (specimen.run.__name__, arguments)
        assert right_for_empty(name, specimen), specimen.run.__name__


@pytest.mark.parametrize("name", ALL)
def test_faults_are_faults_and_can_be_found(name):
    """Each faulty specimen goes wrong for the empty list, or for at least one in sixteen of the small inputs.

    Each length of a list counts the same, however many lists there are of it: so does Hypothesis.
    """
    collection, inputs, oracle = ALL[name]
    assert 6 <= len(collection.faulty_ones) <= 12
    assert len({specimen.fault for specimen in collection.faulty_ones}) == len(collection.faulty_ones)
    for specimen in collection.faulty_ones:
        sizes: dict[int, list[bool]] = {}
        for arguments in inputs:
            size = len(arguments[0]) if isinstance(arguments[0], list) else 0
            sizes.setdefault(size, []).append(not keeps_to_it(specimen, arguments, oracle(arguments)))
        wrong = np.mean([np.mean(found) for found in sizes.values()])
        assert wrong >= 1 / 16 or not right_for_empty(name, specimen), (specimen.run.__name__, wrong)


@pytest.mark.parametrize("name", ALL)
def test_specimens_share_their_signature(name):
    """All specimens of a function can be called with the same names."""
    collection = ALL[name][0]
    for specimen in collection.correct_ones + collection.faulty_ones:
        names = specimen.run.__code__.co_varnames[: specimen.run.__code__.co_argcount]
        assert list(names) == list(collection.signature.parameters)


def test_outside():
    """What the specifications do not cover is recognized."""
    assert "NaN" in clip.SPECIMENS.outside(float("nan"), 0, 1)
    assert "greater" in clip.SPECIMENS.outside(0, 1, 0)
    assert "numbers" in clip.SPECIMENS.outside("a", 1, 0)
    assert "tuple" in median.SPECIMENS.outside((1, 2))
    assert "float" in median.SPECIMENS.outside([0.5])
    assert "1,000,000" in median.SPECIMENS.outside([10**7])
    assert "NaN" in running_max.SPECIMENS.outside([float("nan")])
    assert "str" in run_lengths.SPECIMENS.outside(["a"])
