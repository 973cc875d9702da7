"""The assertions of the tests: what they accept, what they reject, and what they say."""

from __future__ import annotations

import math

import pytest

from course import check


def fields(call) -> tuple:
    with pytest.raises(check.CheckFailed) as caught:
        call()
    error = caught.value
    return error.call, error.got, error.expected, error.note


@pytest.mark.parametrize(("got", "expected"), [
    (1.0, 1.0 + 1e-12), (math.nan, math.nan), (math.inf, math.inf), (0, 0.0), (-0.0, 0.0), (1e-13, 0.0),
])
def test_close_accepts(got, expected):
    check.close(got, expected)


@pytest.mark.parametrize(("got", "expected"), [
    (1.0, 1.1), (math.nan, 1.0), (1.0, math.nan), (math.inf, 1e308), (math.inf, -math.inf), (1e308, math.inf),
])
def test_close_rejects(got, expected):
    assert fields(lambda: check.close(got, expected, call="f(1)"))[:3] == ("f(1)", repr(got), repr(expected))


def test_close_names_a_known_mistake():
    note = fields(lambda: check.close(2.0, 6.0, mistakes={"the upstream gradient was ignored": 2.0}))[3]
    assert note == "the upstream gradient was ignored"


@pytest.mark.parametrize(("got", "words"), [(None, "return"), ("1.0", "str"), ([1.0], "list")])
def test_close_says_what_is_no_number(got, words):
    assert words in fields(lambda: check.close(got, 1.0))[3]


def test_all_close():
    check.all_close([1.0, 2.0], (1.0, 2.0))
    assert "2 numbers were expected, not 1" in fields(lambda: check.all_close([1.0], [1.0, 2.0]))[3]
    assert "place 1" in fields(lambda: check.all_close([1.0, 3.0], [1.0, 2.0]))[3]
    assert "return" in fields(lambda: check.all_close(None, [1.0]))[3]
    swapped = {"the two are swapped": [2.0, 1.0]}
    assert fields(lambda: check.all_close([2.0, 1.0], [1.0, 2.0], mistakes=swapped))[3] == "the two are swapped"


def test_equal_tells_kinds_apart_but_not_numbers():
    check.equal(1, 1.0)
    check.equal([1.0, math.nan], [1, math.nan])
    for got, expected in (((1,), [1]), ([1], [2]), (None, 1), ("a", "b"), ([[1]], [[2]])):
        assert fields(lambda got=got, expected=expected: check.equal(got, expected))[1] == repr(got)


def test_raises_returns_the_error_and_looks_for_words():
    def fail():
        raise ValueError("lengths 2 and 3")

    assert isinstance(check.raises(ValueError, fail, mentions=("2", "3")), ValueError)
    assert "mentions" in fields(lambda: check.raises(ValueError, fail, mentions=("4",)))[2]
    assert fields(lambda: check.raises((TypeError, ValueError), lambda: 5))[1:3] == (
        "no error; it returned 5", "TypeError or ValueError")


def test_a_stub_is_never_the_expected_error():
    def stub():
        raise NotImplementedError("Task 0.1: relu")

    with pytest.raises(NotImplementedError):
        check.raises(RuntimeError, stub)


def test_another_error_than_the_expected_goes_through():
    with pytest.raises(ZeroDivisionError):
        check.raises(ValueError, lambda: 1 / 0)


def test_a_broken_repr_does_no_harm():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "Broken" in check.shown(Broken())
    assert len(check.shown("x" * 10_000)) <= 300
