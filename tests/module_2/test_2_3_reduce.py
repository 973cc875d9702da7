"""Task 2.3: reduce, along any dimensions, over operands with layouts of every kind."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from impls import (
    Operand,
    cut,
    described,
    from_zero,
    in_a_row,
    judge,
    memory,
    plain,
    read_from,
    run,
    trial,
    twice,
    written_to,
)
from layouts import Layout, indices, row_major, shapes

from course import check
from terox.tensors import kernels
from terox.tensors.other_kernels import exact

pytestmark = pytest.mark.task("2.3")

START = 100


class Call:
    """Layouts for one call of reduce, the dimensions and the dtype of both operands."""

    def __init__(self, out, a, dims, dtype="float64"):
        self.layouts, self.dims, self.dtype = (out, a), dims, dtype

    def operands(self):
        out, a = self.layouts
        return Operand.output(out, self.dtype), Operand.counted("a", a, self.dtype)

    def groups(self):
        """For each index of out, the indices of a that are folded into it."""
        out, a = self.layouts
        found = {index: [] for index in indices(out.sizes)}
        for index in indices(a.sizes):
            found[tuple(0 if d in self.dims else i for d, i in enumerate(index))].append(index)
        return list(found.values())

    def __repr__(self):
        return f"reduce(f, out, a, {self.dims}, {START}), f(so_far, x) = so_far - x\n{described(*self.operands())}"


def folded(sizes, dims):
    return tuple(1 if d in dims else size for d, size in enumerate(sizes))


@st.composite
def calls(draw):
    sizes = draw(shapes(max_dims=3))
    order = draw(st.permutations(range(len(sizes))))
    dims = tuple(order[: draw(st.integers(0, len(sizes)))])
    dtype = draw(st.sampled_from(("float64", "float32")))
    return Call(draw(written_to(folded(sizes, dims))), draw(read_from(sizes)), dims, dtype)


def subtract(so_far, x):
    return so_far - x


def fold(numbers, fn=subtract, start=START):
    for number in numbers:
        start = fn(start, number)
    return start


# ---- What is computed ----


@given(calls())
@example(Call(Layout((1,), (5,), 1), Layout((2,), (2,), 2), (0,)))
@example(Call(plain(1), plain(3, offset=1), (0,)))
@example(Call(plain(2, 1), plain(2, 3), (1,)))
@example(Call(plain(1, 3), plain(2, 3), (0,)))
@example(Call(plain(1, 3), Layout((2, 3), (1, 2)), (0,)))
@example(Call(plain(1, 1, 2), plain(2, 3, 2), (0, 1)))
@example(Call(plain(1, 3, 1), plain(2, 3, 2), (2, 0)))
@example(Call(Layout((2, 1), (2, 5), 1), Layout((2, 2), (0, 3), 2), (1,)))
@example(Call(plain(2, 2), plain(2, 2), ()))
@example(Call(plain(), plain(), ()))
def test_reduce(case):
    """reduce folds along dims, and along them only, beginning with start: fn(fn(start, one element), the next), ..."""
    out, a = case.operands()
    run(case, kernels.reduce, subtract, out.impl, a.impl, case.dims, START)
    judge(repr(case), out, [a], [fold(map(a.at, group)) for group in case.groups()], mistakes=known(case, out, a),
          explain=lambda index: elements_of(index, case, a))


def known(case, out, a):
    """What known mistakes leave behind."""
    groups, sizes, dims = case.groups(), a.layout.sizes, case.dims
    values = [[a.at(index) for index in group] for group in groups]
    right = [fold(each) for each in values]
    numbers = dict(zip(indices(sizes), in_a_row(a)))
    at_zero = dict(zip(indices(sizes), from_zero(a)))
    carried = [fold(sum(values[: n + 1], [])) for n in range(len(values))]
    mistakes = {"With no dims there is still start: each element is folded with it.": memory(
        out, a.numbers())} if not dims else {}


    def read_at(place_of):
        """The memory of out, if these were the places of the elements of a."""
        return trial(lambda: memory(out, [fold(a.before[place_of(index)] for index in group) for group in groups]))

    def by(strides, offset):
        return read_at(lambda index: offset + sum(i * stride for i, stride in zip(index, strides)))

    at_twice = dict(zip(indices(sizes), twice(a)))
    mistakes |= {
        "a was read at places that follow from the strides and the offset of out: each operand has its own.":
        by(out.layout.strides, out.layout.offset),
        "out has strides, too: its elements were written one after the other.": memory(out, right, in_a_row(out)),
        "The offset of out is left out: its elements do not begin at place 0.": memory(out, right, from_zero(out)),
        "The strides of a are left out: its elements do not lie one after the other.":
        trial(lambda: memory(out, [fold(a.before[numbers[index]] for index in group) for group in groups])),
        "The offset of a is left out: its elements do not begin at place 0.":
        memory(out, [fold(a.before[at_zero[index]] for index in group) for group in groups]),
        "The offset of a is added twice.": read_at(at_twice.get),
        "The offset of out is added twice.": memory(out, right, twice(out)),
        "The offset is added twice, that of a and that of out.": trial(lambda: memory(
            out, [fold(a.before[at_twice[index]] for index in group) for group in groups], twice(out))),
        "The arguments of fn have changed places: the value so far comes first.":
        memory(out, [fold(each, lambda so_far, x: x - so_far) for each in values]),
        "Each fold begins with start. Here the value so far was carried on to the next element of out.":
        memory(out, carried),
    }
    if math.prod(sizes):
        mistakes["start is left out: a fold begins with fn(start, first element)."] = memory(
            out, [fold(each[1:], start=each[0]) for each in values])
        mistakes["This is fn(start, last element): the value so far was not carried along."] = memory(
            out, [START - each[-1] for each in values])
        mistakes["The last element of each fold is left out."] = memory(out, [fold(each[:-1]) for each in values])
    for dim in dims if len(dims) > 1 else ():
        mistakes[f"Only dimension {dim} was folded. All of {dims} have to be."] = memory(
            out, [fold(a.at(index) for index in group if all(index[d] == 0 for d in dims if d != dim))
                  for group in groups])
        inner = [{tuple(i for d, i in enumerate(index) if d != dim) for index in group} for group in groups]
        mistakes["start is used more than once for an element of out, again for each fold along dimension "
                 f"{dim}: after the first step, the value so far takes its place."] = memory(
            out, [START - fold(each) - (len(rest) - 1) * START for each, rest in zip(values, inner)])
    if len(dims) > 1:
        mistakes["start is used once for each dimension of dims. For an element of out it is used once."] = [
            memory(out, [value + more * START for value in right])
            for more in (len(dims), len(dims) - 1, -len(dims), 1 - len(dims))]
    return mistakes


def elements_of(index, case, a):
    group = [members for place, members in zip(indices(folded(a.layout.sizes, case.dims)), case.groups())
             if place == index][0]
    numbers = [a.at(each) for each in group]
    if not numbers:
        return "There is nothing to fold, so it is start."
    return f"It is folded from start and {', '.join(map(repr, numbers[:6]))}{', ...' if len(numbers) > 6 else ''}."


EMPTY = [((0,), (0,)), ((2, 0), (1,)), ((0, 3), (0,)), ((2, 0, 2), (2, 1)), ((0, 2), (1, 0))]


@given(st.sampled_from(EMPTY).flatmap(
    lambda each: st.builds(Call, written_to(folded(*each)), read_from(each[0]), st.just(each[1]))))
@example(Call(plain(1), plain(0), (0,)))
@example(Call(plain(2, 1), plain(2, 0), (1,)))
def test_reduce_of_nothing(case):
    """Where there is nothing to fold, the result is start."""
    out, a = case.operands()
    run(case, kernels.reduce, subtract, out.impl, a.impl, case.dims, START)
    judge(repr(case), out, [a], [START] * out.layout.numel,
          explain=lambda index: "There is nothing to fold, so it is start.")


@given(st.sampled_from([((0, 2), (1,)), ((2, 0), (0,)), ((0,), ()), ((0, 2), ())]))
def test_reduce_without_results(shape):
    """Where out has no elements, nothing is read or written."""
    sizes, dims = shape
    case = Call(plain(*folded(sizes, dims), offset=1), plain(*sizes, offset=1), dims)
    out, a = case.operands()
    run(case, kernels.reduce, subtract, out.impl, a.impl, dims, START)
    judge(repr(case), out, [a], [])


# ---- How fn is called ----


@given(calls())
@example(Call(plain(1, 1), plain(2, 2), (0, 1)))
@example(Call(plain(1), Layout((2,), (0,)), (0,)))
def test_reduce_calls_once(case):
    """fn is called once for each element of a, as its second argument. The first is start, or what fn gave before."""
    out, a = case.operands()
    seen, given_before = [], {START}

    def fn(so_far, x):
        check.that(so_far in given_before, "The first argument of fn is neither start nor one of its own results.",
                   call=repr(case), got=so_far)
        seen.append(x)
        given_before.add(so_far - x)
        return so_far - x

    run(case, kernels.reduce, fn, out.impl, a.impl, case.dims, START)
    check.equal(sorted(seen), sorted(a.numbers()), call=repr(case),
                note="These are the second arguments of all calls of fn, sorted.")


# ---- dtypes ----

short = st.floats(-8.0, 8.0, width=32)
starts = st.sampled_from((2.0**24, 0.0, 1.0, -(2.0**24)))


@given(st.sampled_from((1, 2, 3)).flatmap(lambda n: st.lists(st.lists(short, min_size=n, max_size=n), max_size=4)),
       starts)
@example([[1.0], [1.0], [1.0], [1.0]], 2.0**24)
@example([[0.5, 0.5], [0.5, 0.5]], 2.0**24)
@example([[0.5, 0.5, 0.5, 0.5]], 2.0**24)
def test_reduce_of_float32(rows, start):
    """A sum in float32 is rounded once, when it is complete: the value so far is a Python number until then."""
    numbers = [number for each in rows for number in each]
    sizes = (len(rows), len(rows[0]) if rows else 0)
    a = Operand.holding("a", plain(*sizes), numbers, "float32")
    out = Operand.output(plain(1, 1), "float32")
    call = f"reduce(add, out, a, (0, 1), {start}) of float32, a: elements {rows}"
    run(call, kernels.reduce, lambda so_far, x: so_far + x, out.impl, a.impl, (0, 1), start)
    exactly = float(sum(map(Fraction, numbers), Fraction(start)))
    # Each addition is off by half a unit of float64 at most, of a sum that is no larger than that of all magnitudes;
    # the one rounding to float32 by half a unit of float32, or, near 0, half of the smallest number.
    terms = abs(start) + sum(map(abs, numbers))
    bound = (len(numbers) + 1) * 2.0**-53 * terms * 2 + 2.0**-24 * abs(exactly) * (1 + 2.0**-20) + 2.0**-150
    stepwise = np.float32(start)
    for number in numbers:
        stepwise = np.float32(stepwise + np.float32(number))
    judge(call, out, [a], [exactly], near=lambda got, wanted: abs(got - exactly) <= bound, mistakes={
        "The value so far was rounded to float32 at every step. Keep it in a Python number, which is read from "
        "`storage.data` and not from `storage.array`, and write it to out when it is complete.":
        memory(out, [float(stepwise)])})


@given(calls())
@example(Call(plain(1), plain(3), (0,)))
def test_reduce_of_whole_numbers(case):
    """Whole numbers are folded exactly, also where `out.storage.data` is a list, in which they wait to be cut to 64
    bits.
    """
    case = Call(*case.layouts, case.dims, dtype="int64")
    out = case.operands()[0]
    a = Operand("a", case.layouts[1], lambda place: 2**58 + place + 1, "int64")
    call = f"reduce(f, out, a, {case.dims}, {START}), f(so_far, x) = so_far - x\n{described(out, a)}"
    run(call, exact(kernels.reduce, 1), subtract, out.impl, a.impl, case.dims, START)
    judge(call, out, [a], [cut(fold(map(a.at, group))) for group in case.groups()], mistakes={
        "Digits are lost: whole numbers above 2**53 have to stay ints, and start must not become a float.":
        memory(out, [cut(int(fold(map(a.at, group), start=float(START)))) for group in case.groups()])})


@given(shapes(max_dims=2).flatmap(lambda sizes: st.tuples(read_from(sizes), st.sets(st.sampled_from(range(len(sizes))))
                                                          if sizes else st.just(set()))), st.integers(2, 4))
@example((plain(2, 3), {1}), 2)
def test_reduce_of_bool(drawn, period):
    """The same with bools, as `all` needs it: fn(so_far, x) is 1.0 if both are true, else 0.0, and start is True."""
    layout, dims = drawn
    dims = tuple(sorted(dims))
    a = Operand("a", layout, lambda place: place % period != 0, "bool")
    sizes = folded(layout.sizes, dims)
    out = Operand.output(Layout(sizes, row_major(sizes)), "bool")
    call = f"reduce(f, out, a, {dims}, True), f(so_far, x) = 1.0 if so_far and x else 0.0\n{described(out, a)}"
    run(call, kernels.reduce, lambda so_far, x: 1.0 if so_far and x else 0.0, out.impl, a.impl, dims, True)
    groups = Call(out.layout, layout, dims).groups()
    judge(call, out, [a], [all(map(a.at, group)) for group in groups])
