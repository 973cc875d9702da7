"""Task 0.3, written with oracles: each result is compared with one that another piece of code computes."""

from __future__ import annotations
import itertools
import statistics
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st


def property_absolute(impl):
    @given(st.integers())
    def same(x):
        assert impl(x) == abs(x)

    same()


def property_clip(impl):
    numbers = st.sampled_from([-3, -2.5, -1, 0, 0.0, 0.5, 1, 1.5, 4])

    @given(x=numbers, low=numbers, high=numbers)
    def same(x, low, high):
        assume(low <= high)
        assert impl(x=x, low=low, high=high) == np.clip(x, low, high)

    same()


def property_median(impl):
    @given(st.lists(st.integers(-50, 50) | st.integers(-2, 2)))
    def same(values):
        given_list = values[:]
        if values:
            assert impl(given_list) == statistics.median(values)
        else:
            with pytest.raises(ValueError):
                impl(given_list)
        assert given_list == values

    same()


def property_running_max(impl):
    @given(st.lists(st.floats(-10, 10) | st.sampled_from([-1.0, 0.0, 2.0])))
    def same(values):
        expected = np.maximum.accumulate(values).tolist() if values else []
        copy = values.copy()
        result = impl(copy)
        # An index beyond the end of a result that is too short is an IndexError here: a failed test like any other.
        for place in range(len(values)):
            assert result[place] == expected[place]
        assert len(result) == len(values)
        assert copy == values

    same()


def property_run_lengths(impl):
    @given(st.lists(st.integers(0, 2), max_size=20))
    def same(values):
        copy = values.copy()
        assert impl(copy) == [(value, sum(1 for _ in run)) for value, run in itertools.groupby(values)]
        np.testing.assert_array_equal(copy, values)

    same()
