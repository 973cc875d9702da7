"""Task 2.3: elementwise, over operands with layouts of every kind."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from impls import Operand, cut, described, from_zero, in_a_row, judge, memory, plain, read_from, run, trial, written_to
from layouts import Layout, shapes

from course import check
from terox.tensors import kernels
from terox.tensors.other_kernels import exact

pytestmark = pytest.mark.task("2.3")

# By the number of inputs. Their arguments cannot change places.
FUNCTIONS = {
    1: ("f(a) = -a", lambda a: -a),
    2: ("f(a, b) = a - b", lambda a, b: a - b),
    3: ("f(a, b, c) = a - b + 2 * c", lambda a, b, c: a - b + 2 * c),
}
NAMES = "abc"


class Call:
    """Layouts for one call of elementwise, and the dtype of all operands."""

    def __init__(self, out, *ins, dtype="float64"):
        self.layouts, self.dtype = (out, *ins), dtype
        self.formula, self.fn = FUNCTIONS[len(ins)]

    def operands(self):
        out, *ins = self.layouts
        return Operand.output(out, self.dtype), *[
            Operand.counted(name, each, self.dtype, 10**n) for n, (name, each) in enumerate(zip(NAMES, ins))]

    def __repr__(self):
        names = ", ".join(["f", "out", *NAMES[: len(self.layouts) - 1]])
        return f"elementwise({names}), {self.formula}\n{described(*self.operands())}"


SHAPES = shapes(max_dims=3)


@st.composite
def calls(draw, sizes=SHAPES):
    """With one input to three; without inputs there is nothing to get wrong about layouts but those of out."""
    sizes = draw(sizes)
    number = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(("float64", "float32")))
    return Call(draw(written_to(sizes)), *[draw(read_from(sizes)) for _ in range(number)], dtype=dtype)


# ---- What is computed ----


@given(calls())
@example(Call(plain(2, 2), plain(2, 2)))
@example(Call(Layout((2, 2), (1, 2)), Layout((2, 2), (4, 1))))
@example(Call(plain(2, 3), Layout((2, 3), (1, 2))))
@example(Call(Layout((2,), (2,), 1), plain(2), Layout((2,), (3,), 2)))
@example(Call(plain(2, 2), plain(2, 2), Layout((2, 2), (0, 1))))
@example(Call(plain(2, 1, 2, 1), plain(2, 1, 2, 1), plain(2, 1, 2, 1), plain(2, 1, 2, 1)))
def test_elementwise(case):
    """elementwise writes fn of the inputs' elements, index by index, whatever the layouts."""
    out, *ins = case.operands()
    run(case, kernels.elementwise, case.fn, out.impl, *[each.impl for each in ins])

    def with_places(find):
        """The memory of out, if these were the places of the inputs."""
        return trial(lambda: memory(out, [case.fn(*row) for row in zip(
            *[[each.before[place] for place in find(each)] for each in ins])]))

    columns = [each.numbers() for each in ins]
    expected = [case.fn(*row) for row in zip(*columns)]
    mistakes = {"out has strides, too: its elements were written one after the other.":
                memory(out, expected, in_a_row(out)),
                "The offset of out is left out: its elements do not begin at place 0.":
                memory(out, expected, from_zero(out)),
                "The offset of an input is left out: its elements do not begin at place 0.": with_places(from_zero),
                "The strides of the inputs are left out: their elements do not lie one after the other.":
                with_places(in_a_row),
                "The arguments of fn are in the wrong order: they come as the inputs do.":
                memory(out, [case.fn(*row) for row in zip(*columns[::-1])])}
    for each in (out, ins[0]):
        mistakes["Every operand has its own strides and offset: here, all inputs are read at the places of "
                 f"{each.name}."] = with_places(lambda _, each=each: each.places)
    judge(repr(case), out, ins, expected, mistakes=mistakes, explain=lambda index: shown_at(index, ins))


@given(st.sampled_from(("float64", "float32")), st.integers(1, 3), st.integers(0, 2))
def test_elementwise_without_dimensions(dtype, number, offset):
    """Operands without dimensions have one element; its index is ()."""
    case = Call(plain(offset=offset), *[plain(offset=n) for n in range(number)], dtype=dtype)
    out, *ins = case.operands()
    run(case, kernels.elementwise, case.fn, out.impl, *[each.impl for each in ins])
    judge(repr(case), out, ins, [case.fn(*[each.at(()) for each in ins])], explain=lambda index: shown_at(index, ins))


@given(calls(st.sampled_from([(0,), (2, 0), (0, 2), (0, 0), (1, 0, 3)])))
def test_elementwise_without_elements(case):
    """Where a size is 0 there is no element: fn is not called, and nothing is read or written."""
    out, *ins = case.operands()

    def fn(*numbers):
        raise check.CheckFailed(repr(case), f"a call of fn with {numbers}", "no call of fn",
                                "There is no index if one of the sizes is 0.")

    run(case, kernels.elementwise, fn, out.impl, *[each.impl for each in ins])
    judge(repr(case), out, ins, [])


# ---- How fn is called ----


@given(calls())
@example(Call(plain(2), plain(2)))
@example(Call(plain(2), Layout((2,), (0,)), plain(2)))
def test_elementwise_calls_once(case):
    """fn is called once for each element, with one number from each input."""
    out, *ins = case.operands()
    seen = []

    def fn(*numbers):
        seen.append(numbers)
        return case.fn(*numbers)

    run(case, kernels.elementwise, fn, out.impl, *[each.impl for each in ins])
    wanted = sorted(zip(*[each.numbers() for each in ins]))
    note = "These are the arguments of all calls of fn, sorted."
    if len(seen) != len(wanted):
        note = f"There are {len(wanted)} elements, and fn was called {len(seen)} times."
        if set(seen) == set(wanted):
            note += " Keep its result instead of asking again." if len(seen) > len(wanted) else (
                " Elements whose inputs are equal need a call each.")
    check.equal(sorted(seen), wanted, call=repr(case), note=note)


@given(shapes(max_dims=3).flatmap(written_to))
@example(plain(3))
@example(plain())
def test_elementwise_without_inputs(layout):
    """Without inputs, fn has no arguments; it is still called once for each element, and may give another number each
    time.
    """
    out, call = Operand.output(layout), "elementwise(f, out), where f() gives 1, 2, 3, ..."
    numbers = itertools.count(1)
    run(f"{call}\n{out}", kernels.elementwise, lambda: next(numbers), out.impl)
    called = next(numbers) - 1
    after = sorted(out.array[out.places].tolist())
    wanted = [float(n + 1) for n in range(layout.numel)]
    mistakes = {"fn was called once for all elements together.": [1.0] * len(wanted),
                "Nothing was written. How many elements there are is for out to say, not for the inputs.":
                sorted(out.before[place] for place in out.places)}
    check.equal(after, wanted, call=f"{call}\n{out}", note="These are the elements of out, sorted.",
                mistakes=mistakes if wanted else None)
    check.equal(called, layout.numel, call=f"{call}\n{out}", note="This is how often fn was called.")


# ---- dtypes ----


@given(shapes(max_dims=2).flatmap(lambda sizes: st.tuples(written_to(sizes), *[read_from(sizes)] * 3)))
@example((plain(3), plain(3), plain(3), plain(3)))
def test_elementwise_of_several_dtypes(layouts):
    """Operands may have different dtypes: a condition of bool among numbers, a comparison that is written as bool."""
    condition = Operand("a", layouts[1], lambda place: place % 3 == 0, "bool")
    first = Operand.counted("b", layouts[2], "float32")
    second = Operand.counted("c", layouts[3], "float64", 10)
    out = Operand.output(layouts[0], "float32")
    call = f"elementwise(f, out, a, b, c), f(a, b, c) = b if a else c\n{described(out, condition, first, second)}"
    run(call, kernels.elementwise, lambda a, b, c: b if a else c, out.impl, condition.impl, first.impl, second.impl)
    chosen = [b if a else c for a, b, c in zip(condition.numbers(), first.numbers(), second.numbers())]
    judge(call, out, [condition, first, second], chosen)
    out = Operand.output(layouts[0], "bool")
    call = f"elementwise(f, out, b, c), f(b, c) = 1.0 if 9 * b < c else 0.0\n{described(out, first, second)}"
    run(call, kernels.elementwise, lambda b, c: 1.0 if 9 * b < c else 0.0, out.impl, first.impl, second.impl)
    less = [9 * b < c for b, c in zip(first.numbers(), second.numbers())]
    judge(call, out, [first, second], less)


@given(calls())
@example(Call(plain(2), plain(2)))
def test_elementwise_of_whole_numbers(case):
    """The kernel also works where `out.storage.data` is a list, in which whole numbers wait to be cut to 64 bits."""
    case = Call(*case.layouts, dtype="int64")
    out, *ins = case.operands()
    big = 2**62 + 1
    call = f"{case}\nAll results of f are multiplied by 2**62 + 1."
    run(call, exact(kernels.elementwise, 1), lambda *numbers: case.fn(*numbers) * big, out.impl,
        *[each.impl for each in ins])
    wanted = [case.fn(*row) * big for row in zip(*[each.numbers() for each in ins])]
    judge(call, out, ins, [cut(number) for number in wanted],
          mistakes={"Digits are lost: whole numbers above 2**53 have to stay ints, and must not become floats.":
                    memory(out, [cut(int(float(number))) for number in wanted])})


def shown_at(index, ins):
    where = ", ".join(map(str, index))
    return f"There, {', '.join(f'{each.name}[{where}]' for each in ins)} = " + ", ".join(
        repr(each.at(index)) for each in ins) + "." if ins and where else ""
