"""The judge of task 0.3 tells verdicts from errors, on a small collection: `absolute(x)` of a whole number."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from course.check import CheckFailed
from course.judge import judge
from course.specimens import Collection

ABSOLUTE = Collection("absolute", "`x` without its sign",
                      lambda x: None if isinstance(x, int) else "`x` was not a whole number.")


@ABSOLUTE.correct()
def built_in(x):
    return abs(x)


@ABSOLUTE.correct("An int subclass will do.")
def comparison(x):
    return True if x == 1 else max(x, -x)


@ABSOLUTE.faulty("wrong when `x` is negative")
def unchanged(x):
    return x


@ABSOLUTE.faulty("wrong when `x` is positive")
def negative(x):
    return -abs(x)


@ABSOLUTE.faulty("fails for zero")
def divides(x):
    return x * x // abs(x)


@ABSOLUTE.faulty("returns nothing")
def nothing(x):
    return None


def wanted(impl):
    @given(st.integers())
    def is_absolute(x):
        size = impl(x)
        assert size is not None and size >= 0 and size in (x, -x)

    is_absolute()


def message(prop, collection=ABSOLUTE):
    with pytest.raises(CheckFailed) as caught:
        judge(prop, collection)
    assert caught.value.__cause__ is None and caught.value.__context__ is None  # no traceback shows a specimen
    return str(caught.value)


def test_a_good_property_passes():
    """A property that accepts the correct and rejects the faulty specimens passes, with Hypothesis or without."""
    judge(wanted, ABSOLUTE)

    def loops(impl):
        for x in range(-3, 4):
            assert impl(x=x) == max(x, -x)

    judge(loops, ABSOLUTE)

    def pytest_fails(impl):
        for x in range(-3, 4):
            if impl(x) != abs(x):
                pytest.fail("no")

    judge(pytest_fails, ABSOLUTE)

    def trips_over_none(impl):  # None >= 0 is a TypeError, only where an implementation returns None
        for x in range(-3, 4):
            assert impl(x) >= 0 and abs(impl(x)) == abs(x)

    judge(trips_over_none, ABSOLUTE)

    def several_at_once(impl):  # Hypothesis raises a group of failures then
        @settings(report_multiple_bugs=True, suppress_health_check=list(HealthCheck))
        @given(st.integers(-2, 2))
        def inner(x):
            size = impl(x)
            assert x <= 0 or size == x
            assert x >= 0 or size == -x
            assert x != 0 or size == 0

        inner()

    judge(several_at_once, ABSOLUTE)


def test_the_worked_example_is_right():
    """The property that the learner is shown accepts and rejects what it should."""
    from terox.foundations import properties

    properties.property_absolute(abs)
    for wrong in (lambda x: x, lambda x: x * x, lambda x: -abs(x)):
        with pytest.raises(AssertionError):
            properties.property_absolute(wrong)
    assert properties.raises(ValueError, lambda: int("x")) and not properties.raises(ValueError, lambda: int("1"))


def test_stubs_come_through():
    """A TODO is neither a verdict nor an error, also where a property calls another task's stub."""
    def stub(impl):
        raise NotImplementedError("Task 0.3: property_clip")

    def calls_one(impl):
        @given(st.integers())
        def inner(x):
            stub(impl)

        inner()

    for prop in (stub, calls_one):
        with pytest.raises(NotImplementedError, match="Task 0.3"):
            judge(prop, ABSOLUTE)


def test_properties_that_try_nothing():
    """A property that never calls the implementation, or asserts nothing, is told so."""
    def empty(impl):
        pass

    def never_run(impl):
        @given(st.integers())
        def inner(x):
            assert impl(x) == abs(x)

        return inner

    def asserts_nothing(impl):
        impl(3)

    def swallows(impl):
        try:
            wanted(impl)
        except Exception:
            return

    assert "never called absolute" in message(empty) and "`holds()`" in message(empty)
    assert "`holds()`" in message(never_run)
    assert "no assertion failed" in message(asserts_nothing)
    assert "`try`" in message(swallows)


def test_properties_that_ask_too_much():
    """Who rejects a correct implementation sees the call, the own assertion, and what is allowed."""
    def all_wrong(impl):
        assert impl(2) is None

    def no_subclass(impl):
        @given(st.integers(0, 9))
        def inner(x):
            assert type(impl(x)) is int, "a plain int"

        inner()

    def of_texts(impl):
        assert impl("a") == "a"

    text = message(all_wrong)
    assert "absolute(2) gave 2" in text and "assert impl(2) is None" in text
    assert "rejects a correct implementation" in text
    text = message(no_subclass)
    assert "absolute(1) gave True" in text and "An int subclass will do." in text and "a plain int" in text
    text = message(of_texts)
    assert "raised TypeError" in text and "not a whole number" in text
    assert "before it called" in message(lambda impl: (_ for _ in ()).throw(AssertionError()))


def test_faults_that_slip_through():
    """Who misses a fault is told its kind, and not the faulty code."""
    def forgets_zero(impl):
        @given(st.integers(1, 9), st.sampled_from([1, -1]))
        def inner(size, sign):
            assert impl(sign * size) == size

        inner()

    def tries_two(impl):
        assert impl(-2) == 2 and impl(2) == 2

    def lets_errors_go(impl):
        @given(st.integers(-9, 9))
        def inner(x):
            try:
                size = impl(x)
            except ZeroDivisionError:
                return
            assert size == max(x, -x)

        inner()

    text = message(forgets_zero)
    assert "A fault slipped through: fails for zero." in text and "//" not in text
    assert "only once" not in text and "only 2 times" in message(tries_two)
    assert "raised ZeroDivisionError" in message(lets_errors_go)


def _name_error(impl):
    assert impl(1) == undefined  # noqa: F821


def _name_error_when_it_rejects(impl):
    assert impl(1) == 1 and impl(-1) == 1 and impl(0) == 0, undefined  # noqa: F821


def _type_error(impl):
    assert impl(1) == "1" + 1


def _missing_given(impl):
    def inner(x):
        assert impl(x) == abs(x)

    inner()


def _too_many_arguments(impl):
    assert impl(1, 2) == 1


def _invalid_strategy(impl):
    @given(st.integers(3, 1))
    def inner(x):
        assert impl(x) == abs(x)

    inner()


def _nothing_left(impl):
    @given(st.integers())
    def inner(x):
        assume(x < 0 < x)
        assert impl(x) == abs(x)

    inner()


def _filters_nearly_all(impl):
    @given(st.integers(), st.integers())
    def inner(x, y):
        assume(y == x + 1000)
        assert impl(x) == abs(x)

    inner()


def _assume_outside(impl):
    assume(impl(1) == 2)


def _two_verdicts(impl):
    calls = []

    @given(st.integers())
    def inner(x):
        calls.append(impl(x))
        assert len(calls) != 7

    inner()


def _skips(impl):
    impl(1)
    pytest.skip("later")


@pytest.mark.filterwarnings("ignore:Using `assume` outside")
@pytest.mark.parametrize("prop, words", [
    (_name_error, "NameError: name 'undefined' is not defined, in line"),
    (_name_error_when_it_rejects, "NameError"),
    (_type_error, "an error of the property itself"),
    (_missing_given, "Is `@given(...)` missing"),
    (_too_many_arguments, "absolute(x) was called with wrong arguments: too many"),
    (_invalid_strategy, "got arguments that do not fit"),
    (_nothing_left, "an error of the property itself"),
    (_filters_nearly_all, "throws nearly all examples away"),
    (_assume_outside, "an error of the property itself"),
    (_two_verdicts, "two verdicts for one input"),
    (_skips, "may not skip"),
])
def test_errors_of_the_property_are_no_verdicts(prop, words):
    """An error in the property's own code is named as such, and never taken for a rejection."""
    text = message(prop)
    assert words in text and "rejects a correct implementation" not in text


def test_settings_are_put_back():
    """Judging leaves Hypothesis' settings as they were."""
    before = settings.default
    judge(wanted, ABSOLUTE)
    message(_name_error)
    assert settings.default is before
