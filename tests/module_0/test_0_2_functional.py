"""Task 0.2: map, zip_with, reduce, and what is built from them.

The functions that are handed in here record how they are called, or build a text like "f(f(start, 1.0), 2.0)" from
their arguments: so the tests see every call, its arguments and its place.
"""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.foundations import functional

pytestmark = pytest.mark.task("0.2")

elements = st.floats(-1e6, 1e6)
lists = st.lists(elements, max_size=8)
pairs = st.lists(st.tuples(elements, elements), max_size=8)


def made_by_map(fn):
    return inner(functional.map(fn), "map(fn)")


def made_by_zip_with(fn):
    return inner(functional.zip_with(fn), "zip_with(fn)")


def made_by_reduce(fn, start):
    return inner(functional.reduce(fn, start), "reduce(fn, start)")


def inner(made, call):
    """What a call that has to return a function returned."""
    check.that(made is not None, f"{call} has to return the inner function. Is a `return` missing?", call=call,
               got=made)
    check.that(callable(made), f"{call} has to return a function, which does the work when it is called.", call=call,
               got=made)
    return made


def f(*arguments):
    """The call itself, as a text."""
    return f"f({', '.join(map(str, arguments))})"


def once(values):
    """An iterator: it gives each value once, and has no length and no indices."""
    return iter(tuple(values))


# ---- map ----


@given(lists)
@example([1.0, -2.0, 3.0])
def test_map(xs):
    """map(fn)(xs) is the list of fn(x), for each x in its order."""
    before = list(xs)
    got = made_by_map(f)(xs)
    expected = [f(x) for x in before]
    is_list(got, f"map(f)({before})", expected)
    check.equal(got, expected, call=f"map(f)({before})", mistakes={"The order is reversed.": expected[::-1]})
    check.equal(xs, before, call=f"map(f)({before})", note="The list that was given has changed. Make a new one.")


@given(lists)
@example([1.0, 1.0, 2.0])
def test_map_calls_once(xs):
    """map calls fn exactly once for each element, in order, and is done when it returns."""
    calls = []
    made_by_map(lambda x: calls.append(x))(xs)
    called_in_order(calls, xs, f"map(fn)({xs})")


@given(lists)
@example([])
@example([1.0, 2.0])
def test_map_of_an_iterator(xs):
    """map takes whatever can be iterated: an iterator, a generator, a tuple."""
    for kind, values in (("an iterator", once(xs)), ("a generator", (x for x in xs)), ("a tuple", tuple(xs))):
        got = made_by_map(f)(values)
        check.equal(got, [f(x) for x in xs], call=f"map(f)({kind} over {xs})", note=ONCE)


def test_map_can_be_used_again():
    """What map returns is a function like any other: it can be called again, and two do not disturb each other."""
    negative, doubled = made_by_map(operator.neg), made_by_map(lambda x: 2.0 * x)
    for xs in ([1.0, 2.0], [3.0], [1.0, 2.0]):
        check.equal(negative(xs), [-x for x in xs], call=f"map(neg)({xs})", note=STATE)
        check.equal(doubled(xs), [2.0 * x for x in xs], call=f"map(double)({xs})", note=STATE)


# ---- zip_with ----


@given(pairs)
@example([(1.0, 10.0), (2.0, 20.0)])
def test_zip_with(values):
    """zip_with(fn)(xs, ys) is the list of fn(x, y), for the elements that stand at the same place."""
    xs, ys = [x for x, _ in values], [y for _, y in values]
    got = made_by_zip_with(f)(xs, ys)
    call, expected = f"zip_with(f)({xs}, {ys})", [f(x, y) for x, y in values]
    is_list(got, call, expected)
    crossed = [f(x, y) for x in xs for y in ys]
    check.equal(got, expected, call=call, mistakes={
        "The arguments have changed places: the first one comes from the first iterable.": [f(y, x) for x, y in values],
        "This combines every x with every y. Only those at the same place belong together.": crossed,
        "These are the pairs themselves: fn was not applied.": list(values)})


@given(pairs)
@example([(1.0, 10.0), (1.0, 10.0), (2.0, 20.0)])
def test_zip_with_calls_once(values):
    """zip_with calls fn exactly once for each pair, in order, and is done when it returns."""
    calls = []
    made_by_zip_with(lambda x, y: calls.append((x, y)))([x for x, _ in values], [y for _, y in values])
    called_in_order(calls, values, f"zip_with(fn) on the pairs {values}")


@given(pairs)
@example([])
@example([(1.0, 10.0), (2.0, 20.0)])
def test_zip_with_of_iterators(values):
    """zip_with takes whatever can be iterated, on both sides."""
    xs, ys = [x for x, _ in values], [y for _, y in values]
    expected = [f(x, y) for x, y in values]
    check.equal(made_by_zip_with(f)(once(xs), once(ys)), expected,
                call=f"zip_with(f)(an iterator over {xs}, one over {ys})", note=ONCE)
    check.equal(made_by_zip_with(f)(once(xs), ys), expected, call=f"zip_with(f)(an iterator over {xs}, {ys})",
                note=ONCE)


@given(lists, lists)
@example([1.0, 2.0, 3.0], [1.0, 2.0])
@example([], [1.0])
@example([1.0, 2.0], [1.0, 2.0, 3.0])
def test_zip_with_of_different_lengths(xs, ys):
    """zip_with raises ValueError, naming both lengths, if one iterable is longer than the other."""
    if len(xs) == len(ys):
        xs = [*xs, 0.0]
    combine, lengths = made_by_zip_with(f), (str(len(xs)), str(len(ys)))
    check.raises(ValueError, lambda: combine(xs, ys), call=f"zip_with(f)({xs}, {ys})", mentions=lengths, note=LENGTHS)
    check.raises(ValueError, lambda: combine(once(xs), once(ys)),
                 call=f"zip_with(f)(an iterator over {xs}, one over {ys})",
                 mentions=lengths, note=LENGTHS)


def test_zip_with_can_be_used_again():
    """What zip_with returns can be called again, also after it has raised."""
    difference = made_by_zip_with(operator.sub)
    check.equal(difference([5.0, 7.0], [1.0, 2.0]), [4.0, 5.0], call="zip_with(sub)([5.0, 7.0], [1.0, 2.0])",
                note=STATE)
    check.raises(ValueError, lambda: difference([1.0], []), call="zip_with(sub)([1.0], [])", mentions=("1", "0"),
                 note=LENGTHS)
    check.equal(difference([5.0], [1.0]), [4.0], call="zip_with(sub)([5.0], [1.0]), the third call", note=STATE)


# ---- reduce ----


@given(lists)
@example([1.0, 2.0, 3.0])
@example([1.0])
@example([])
def test_reduce(xs):
    """reduce(fn, start)(xs) folds from the left, beginning with start: fn(fn(start, xs[0]), xs[1]), and so on."""
    before = list(xs)
    got = made_by_reduce(f, "start")(xs)
    left = right = swapped = backwards = "start"
    for x in before:
        left, swapped = f(left, x), f(x, swapped)
    for x in reversed(before):
        right, backwards = f(x, right), f(backwards, x)
    mistakes = {"For an empty iterable the result is start.": None}
    if before:
        without = before[0]
        for x in before[1:]:
            without = f(without, x)
        mistakes = {
            "This begins at the right end.": right, "This goes from right to left.": backwards,
            "The two arguments of fn have changed places: the result so far comes first.": swapped,
            "start is left out: the first call has to be fn(start, xs[0]).": without,
            "This is fn(start, last element): the result so far was not carried along.": f("start", before[-1]),
            "This is the result of the first step. Is the `return` inside the loop?": f("start", before[0])}
    check.equal(got, left, call=f"reduce(f, start)({before})",
                mistakes={sentence: wrong for sentence, wrong in mistakes.items() if wrong != left})
    check.equal(xs, before, call=f"reduce(f, start)({before})", note="The list that was given has changed.")


@given(lists)
@example([1.0, 2.0])
def test_reduce_of_an_iterator(xs):
    """reduce takes whatever can be iterated, and calls fn exactly once for each element."""
    calls = []

    def add(result, x):
        calls.append(x)
        return result + x

    got = made_by_reduce(add, 100.0)(once(xs))
    expected = 100.0
    for x in xs:
        expected += x
    called_in_order(calls, xs, f"reduce(fn, 100.0)(an iterator over {xs})")
    check.equal(got, expected, call=f"reduce(add, 100.0)(an iterator over {xs})", note=ONCE)


def test_reduce_can_be_used_again():
    """What reduce returns begins anew, with start, on every call."""
    total = made_by_reduce(operator.sub, 10.0)
    for xs, expected in (([1.0, 2.0], 7.0), ([1.0, 2.0], 7.0), ([], 10.0), ([0.5], 9.5)):
        check.equal(total(xs), expected, call=f"reduce(sub, 10.0)({xs}), called after other lists", note=STATE)


# ---- sum and dot ----


@given(lists)
@example([1.0, 2.0, 3.5])
@example([])
def test_sum(xs):
    """sum(xs) is the sum of all elements, and 0.0 for none."""
    for kind, values in (("", xs), (", as an iterator", once(xs))):
        got = functional.sum(values)
        exact = float(sum(map(Fraction, xs)))
        note = "The sum of nothing is 0.0." if not xs else None
        check.close(got, exact, call=f"sum({xs}){kind}", rtol=0.0, atol=rounding(xs), note=note)


@given(pairs)
@example([(1.0, 10.0), (2.0, 20.0)])
@example([])
def test_dot(values):
    """dot(xs, ys) is the sum of the products of the elements that stand at the same place."""
    xs, ys = [x for x, _ in values], [y for _, y in values]
    exact = float(sum(Fraction(x) * Fraction(y) for x, y in values))
    mistakes = {"This is the sum of both lists: the elements have to be multiplied.": sum(xs) + sum(ys),
                "This is the product of the two sums.": sum(xs) * sum(ys)}
    for kind, one, other in (("", xs, ys), (", as iterators", once(xs), once(ys))):
        got = functional.dot(one, other)
        check.close(got, exact, call=f"dot({xs}, {ys}){kind}", rtol=0.0, atol=rounding([x * y for x, y in values]),
                    mistakes=mistakes)


@given(lists, lists)
@example([1.0, 2.0], [3.0])
@example([], [3.0])
def test_dot_of_different_lengths(xs, ys):
    """dot raises ValueError, naming both lengths, if they differ."""
    if len(xs) == len(ys):
        ys = [*ys, 0.0]
    check.raises(ValueError, lambda: functional.dot(xs, ys), call=f"dot({xs}, {ys})",
                 mentions=(str(len(xs)), str(len(ys))), note=LENGTHS)


# ---- What these tests say ----

ONCE = "An iterator gives each element once, has no length and no indices: go over it a single time."
STATE = "Something is kept from one call to the next. All that changes has to begin anew inside the inner function."
LENGTHS = "A pair that silently falls away is a bug that nobody sees: the message has to name the lengths."


def is_list(got, call, expected):
    if got is not None and not isinstance(got, list):
        why = ": an iterator computes nothing until somebody asks, and only once" if hasattr(got, "__next__") or not (
            hasattr(got, "__len__")) else ""
        check.that(False, f"The result has to be a list, and this is of type {type(got).__name__}{why}.", call=call,
                   got=got, expected=expected)


def called_in_order(calls, expected, call):
    expected = list(expected)
    note = "These are the arguments that fn was called with, in their order."
    if not calls and expected:
        note = "fn was not called at all before the result was returned."
    elif len(calls) > len(expected):
        note = "fn was called more often than there are elements: keep its result instead of asking again."
    check.equal(calls, expected, call=call, note=note)


def rounding(terms):
    """How far a sum in floats may be from the exact one: n additions, each off by half an ulp at most, in any order.

    The constant is for products so small that floats have lost digits.
    """
    return (len(terms) + 1) * 2.0**-52 * sum(map(abs, terms)) + 1e-300
