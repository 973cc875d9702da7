"""Task 0.3, written without Hypothesis: all small cases, or seeded random ones, in plain loops."""

from __future__ import annotations
import random
from itertools import product


def property_absolute(impl):
    for x in range(-50, 51):
        assert impl(x) == (x if x >= 0 else -x)


def property_clip(impl):
    steps = [n / 2 for n in range(-4, 5)]
    for x, low, high in product(steps, repeat=3):
        if low <= high:
            expected = low if x < low else high if x > high else x
            assert impl(x, low, high) == expected, f"clip({x}, {low}, {high})"


def property_median(impl):
    try:
        impl([])
    except ValueError:
        pass
    else:
        assert False, "median([]) must raise ValueError"
    for size in range(1, 6):
        for values in product(range(-2, 3), repeat=size):
            argument = list(values)
            result = impl(argument)
            ordered = sorted(values)
            assert 2 * result == ordered[(size - 1) // 2] + ordered[size // 2]
            assert argument == list(values)


def property_running_max(impl):
    generator = random.Random(20261122)
    for size in [0, 1, 2, 3, *[generator.randrange(12) for _ in range(60)]]:
        values = [generator.randint(-4, 4) for _ in range(size)]
        argument = values[:]
        result = list(impl(argument))
        assert argument == values
        assert len(result) == size
        for place in range(size):
            assert result[place] == max(values[: place + 1])


def property_run_lengths(impl):
    for size in range(7):
        for values in product((0, 1, -1), repeat=size):
            argument = list(values)
            runs = impl(argument)
            assert argument == list(values)
            back = []
            for value, count in runs:
                assert count >= 1
                assert not back or back[-1] != value
                back.extend([value] * count)
            assert back == argument
