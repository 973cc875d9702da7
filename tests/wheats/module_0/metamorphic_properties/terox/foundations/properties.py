"""Task 0.3, written with invariants and relations only: no expected result is ever computed."""

from __future__ import annotations
from hypothesis import example, given, settings
from hypothesis import strategies as st

whole = st.integers(min_value=-3, max_value=3)

quarters = whole.map(lambda n: n / 4)


def property_absolute(impl):
    @given(st.integers())
    def related(x):
        assert impl(x) == impl(-x) == impl(impl(x)) >= x

    related()


def property_clip(impl):
    @settings(max_examples=300)
    @given(quarters, quarters, st.integers(0, 6).map(lambda n: n / 4))
    def related(x, low, width):
        high = low + width
        once = impl(x, low, high)
        assert low <= once <= high
        assert impl(once, low, high) == once  # clipping twice is clipping once
        assert impl(-x, -high, -low) == -once  # the mirror image
        assert impl(x + 2, low + 2, high + 2) == once + 2
        assert abs(x - once) == max(0, low - x, x - high)  # it moves no farther than it must

    related()


def property_median(impl):
    @settings(deadline=1000)
    @given(st.lists(whole, min_size=1), st.randoms(use_true_random=False))
    def related(values, random):
        frozen = tuple(values)
        middle = impl(values)
        assert tuple(values) == frozen
        shuffled = list(frozen)
        random.shuffle(shuffled)
        assert impl(shuffled) == middle
        assert impl([7 - value for value in frozen]) == 7 - middle
        assert impl([-9, *frozen, 1000]) == middle  # one more at either end
        assert sum(value < middle for value in frozen) <= len(frozen) / 2
        assert sum(value > middle for value in frozen) <= len(frozen) / 2

    related()
    try:
        impl([])
    except ValueError:
        return
    raise AssertionError("the median of nothing")


def property_running_max(impl):
    @example([])
    @given(st.lists(whole))
    def related(values):
        before = list(values)
        result = impl(values)
        assert values == before
        assert len(result) == len(values)
        largest = None
        for value, high in zip(values, result):
            assert high >= value  # no value is above it
            assert high == value or high == largest  # it rises only to the value that has just come
            assert largest is None or high >= largest  # it never falls
            largest = high

    related()


def property_run_lengths(impl):
    @given(st.lists(whole), st.lists(whole))
    def related(left, right):
        both = left + right
        first, second, joined = impl(left), impl(right), impl(both)
        assert both == left + right
        if first and second and first[-1][0] == second[0][0]:
            seam = [(first[-1][0], first[-1][1] + second[0][1])]
            assert joined == first[:-1] + seam + second[1:]
        else:
            assert joined == first + second

    @given(whole, st.integers(1, 6))
    def one_run(value, count):
        values = [value] * count
        assert impl(values) == [(value, count)]
        assert values == [value] * count

    assert impl([]) == []
    related()
    one_run()
