"""The tracer and kernels: what goes wrong in parallel is named each time, and what is right is not accused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_places import kinds, line_with

from course.trace import trace, trace_chunks

prange = range  # the name is what counts; Numba's own is recognized under any name


def numbers(count: int) -> np.ndarray:
    return np.arange(1, count + 1, dtype=np.float32)


# ---- Kernels that are right ----


def twice_of(x):
    return x + x


def doubled(out, a):
    for i in prange(len(a)):
        out[i] = twice_of(a[i])


def blocked(out, a):
    """Tiles with scratch of their own, a tail, slices, rows of a 2-D array, and reshaped memory."""
    n = a.size
    for tile in prange((n + 7) // 8):
        begin = tile * 8
        count = min(8, n - begin)
        scratch = np.empty((2, 8), a.dtype)
        scratch[0, :] = 0.0
        row = a[begin : begin + count]
        for i in range(count):
            scratch[0, i] += row[i]
            scratch[1][i] = 3.0 * row[i]
        for i in range(count):
            scratch[0, i] += scratch[1, i]
        out[begin : begin + count] = scratch.reshape(-1)[:count]


def summed(out, a):
    total, largest = 0.0, a[0]
    for i in prange(len(a)):
        x = a[i]
        total += x
        largest = max(largest, x)
    out[0] = total
    out[1] = largest


def in_two_steps(out, a):
    partial = np.zeros(4, np.float64)
    for part in prange(4):
        for i in range(part, len(a), 4):
            partial[part] += a[i]
    for i in prange(len(out)):
        out[i] = partial[0] + partial[1] + partial[2] + partial[3]


@pytest.mark.parametrize("function, expected", [
    (doubled, lambda a: 2 * a), (blocked, lambda a: 4 * a), (summed, lambda a: [a.sum(), a.max()]),
    (in_two_steps, lambda a: [a.sum()] * 3)])
@pytest.mark.parametrize("order", ["forward", "reversed", "shuffled", lambda numbers: sorted(numbers, key=str)])
def test_a_right_kernel_is_not_accused(function, expected, order):
    a = numbers(21)
    wanted = np.asarray(expected(a))
    out = np.zeros(wanted.shape, np.float32)
    trace(function, out, a, out="out", order=order).check()
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(a, numbers(21))


def test_a_compiled_function_is_traced_in_its_python_form():
    from terox._numba import njit
    from terox._numba import prange as prange_of_numba

    def kernel(out, a):
        for i in other_name(len(a)):
            out[i - 1] = a[i]

    other_name = prange_of_numba
    made = trace(njit(kernel), np.zeros(3), np.ones(3), out="out")
    assert kinds(made) == ["negative index"]


def test_only_copies_are_changed():
    before = dict(globals())
    trace(blocked, np.zeros(9), np.zeros(9), out="out")
    assert globals()["np"] is np and globals()["prange"] is range
    assert {name: value for name, value in globals().items() if name in before} == before


def test_reading_by_all_and_touching_again_by_one_is_right():
    def kernel(out, a):
        for i in prange(len(out)):
            out[i] = 0.0
            for j in range(len(a)):
                out[i] += a[j]

    made = trace(kernel, np.zeros(3), np.ones(4), out="out").check()
    reads, writes = made.counts("out")
    assert reads.tolist() == [4, 4, 4] and writes.tolist() == [5, 5, 5]
    assert made.counts("a")[0].tolist() == [3, 3, 3, 3]
    assert made.readers("a") == [[0, 1, 2]] * 4 and made.writers("out") == [[0], [1], [2]]
    assert kinds(trace(kernel, np.zeros(3), np.ones(4), out="out", once=True)) == ["written twice"]


# ---- Races ----


def racy(out, a):
    for i in prange(len(a)):
        out[3] += a[i]


@pytest.mark.parametrize("order, pair", [("forward", (0, 1)), ("reversed", (4, 3))])
def test_a_race_is_named_with_element_iterations_and_lines(order, pair):
    made = trace(racy, np.zeros(4), np.ones(5), order=order)
    problem = made.problems[0]
    assert (problem.kind, problem.element, problem.array, problem.iterations) == ("race", 3, "out", pair)
    line = line_with(racy, "out[3] +=")
    assert [str(place) for place in problem.lines] == [line, line]
    assert problem.message.startswith(f"race: iterations {pair[0]} and {pair[1]} both write element 3 of out ({line})")
    with pytest.raises(AssertionError, match="race: iterations"):
        made.check()


def test_a_read_of_what_another_iteration_writes_is_a_race():
    def kernel(a):
        for i in prange(len(a) - 1):
            a[i] = a[i + 1]

    (problem,) = trace(kernel, np.ones(3)).problems
    assert problem.kind == "race" and problem.element == 1 and set(problem.iterations) == {0, 1}
    assert "iteration 1 writes element 1 of a" in problem.message and "iteration 0 reads it" in problem.message


def test_scratch_that_all_iterations_share_is_a_race():
    def kernel(out, a):
        scratch = np.empty(2, a.dtype)
        for i in prange(len(a)):
            scratch[:] = a[i]
            out[i] = scratch[0] + scratch[1]

    made = trace(kernel, np.zeros(3), np.ones(3), out="out")
    assert kinds(made) == ["race", "race"]
    assert "scratch is made outside of them" in made.problems[0].message
    assert line_with(kernel, "np.empty") in made.problems[0].message


def test_one_iteration_and_two_loops_do_not_race():
    def kernel(out, a):
        for i in prange(len(a)):
            out[i] = a[i]
        for i in prange(len(a)):
            out[len(a) - 1 - i] += 1.0

    trace(kernel, np.zeros(4), np.ones(4), out="out").check()
    trace(racy, np.zeros(4), np.ones(1)).check()


def test_what_runs_before_and_after_a_loop_does_not_race_with_it():
    def kernel(out, a):
        scratch = np.empty(2)
        scratch[0] = a[0]
        out[:] = 0.0
        for i in prange(len(a)):
            out[i] += scratch[0]
        scratch[0] = out[0]
        out[1] = scratch[0]

    trace(kernel, np.zeros(4), np.ones(4), out="out").check()


def test_a_prange_in_a_prange_is_a_range():
    def kernel(out):
        for i in prange(2):
            for j in prange(3):
                out[i] = j

    trace(kernel, np.zeros(2), out="out").check()


def test_helpers_and_functions_given_are_traced():
    def add_to(out, i, x):
        out[0] += x

    def kernel(fn, out, a):
        for i in prange(len(a)):
            fn(out, i, a[i])

    made = trace(kernel, add_to, np.zeros(1), np.ones(2))
    assert kinds(made) == ["race"] and line_with(add_to, "out[0]") in made.problems[0].message


@given(st.integers(1, 12), st.integers(1, 12), st.integers(-2, 2))
def test_chunks_race_exactly_where_they_overlap(count, grain, more):
    def loop(begin, end, out, a, sizes, strides):
        for i in range(begin, min(end + more, sizes[0])):
            out[i * strides[0, 0]] = a[i]

    ends = [min(begin + grain, count) for begin in range(0, count, grain)]
    made = trace_chunks(loop, count, grain, np.zeros(3 * count), np.ones(count), sizes=(count,), strides=[[3], [1]])
    begins = [0, *ends[:-1]]
    overlap = any(min(end + more, count) > next_begin for end, next_begin in zip(ends, begins[1:]))
    covered = set().union(*(range(begin, min(end + more, count)) for begin, end in zip(begins, ends)))
    assert kinds(made) == ["race"] * overlap + ["never written"] * (len(covered) < count)


# ---- What is written ----


def test_an_input_must_stay_as_it_is_and_a_result_must_be_complete():
    def kernel(out, a):
        for i in prange(len(a) // 4 * 4):
            out[i] = a[i]
        a[0] = 0.0

    made = trace(kernel, np.zeros(10), np.ones(10), out="out")
    assert kinds(made) == ["read only", "never written"]
    assert "2 of the 10 elements of out are never written: 8, 9." in made.problems[1].message
    assert kinds(trace(kernel, np.zeros(8), np.ones(8), out="out", read_only=())) == []


def test_scratch_and_results_are_not_read_before_they_are_written():
    def kernel(out, a):
        for i in prange(len(a)):
            total = np.empty(1)
            total[0] += a[i]
            out[i] += total[0]

    made = trace(kernel, np.zeros(2), np.ones(2), out="out")
    assert kinds(made) == ["not initialized"] * 2
    assert {problem.array for problem in made.problems} == {"total", "out"}
    assert [problem.array for problem in trace(kernel, np.zeros(2), np.ones(2), out="out", fresh=False).problems] == [
        "total"]


def test_in_place_input_and_result_are_one():
    a = np.ones(5)
    trace(doubled, a, a, out="out").check()
    assert a.tolist() == [2.0] * 5


def scaled(begin, end, out, a, sizes, strides):
    """Units are elements, of two dimensions."""
    columns = sizes[-1]
    for unit in range(begin, end):
        i, j = unit // columns, unit % columns
        out[i * strides[0, 0] + j * strides[0, 1]] = 2.0 * a[i * strides[1, 0] + j * strides[1][-1]]


def test_chunks_write_the_elements_that_sizes_and_strides_say():
    out, a = np.zeros(12), np.arange(3.0)
    trace_chunks(scaled, 6, 4, out, a, sizes=(2, 3), strides=[[6, 2], [0, 1]]).check()
    assert out.reshape(2, 3, 2)[..., 0].tolist() == [[0.0, 2.0, 4.0]] * 2 and not out[1::2].any()

    def as_if_contiguous(begin, end, out, a, sizes, strides):
        for unit in range(begin, end):
            out[unit] = a[unit % 3]

    made = trace_chunks(as_if_contiguous, 6, 4, out, a, sizes=(2, 3), strides=[[6, 2], [0, 1]])
    assert kinds(made) == ["outside", "never written"]
    assert "In chunk [0, 4)" in made.problems[0].message and made.problems[0].element == 1


def test_chunks_take_functions_in_front_and_several_results():
    def loop(fn, begin, end, total, largest, a, sizes, strides):
        for row in range(begin, end):
            values = a[row * strides[2, 0] : row * strides[2, 0] + sizes[1]]
            total[row] = fn(values[0], values[1])
            largest[row] = max(values[0], values[1])

    total, largest = np.zeros(3), np.zeros(3)
    given = (total, largest, np.arange(6.0))
    geometry = {"sizes": (3, 2), "strides": [[1, 0], [1, 0], [2, 1]]}
    trace_chunks(loop, 3, [(0, 1), (1, 3)], *given, leading=(math.hypot,), outs=2, **geometry).check()
    assert largest.tolist() == [1.0, 3.0, 5.0]
    made = trace_chunks(loop, 3, 2, *given, leading=(math.hypot,), outs=1, **geometry)
    assert (kinds(made), made.problems[0].array) == (["read only"], "largest")


def test_a_loop_can_take_its_arrays_in_one_tuple():
    def loop(begin, end, memory, sizes, strides):
        out, a = memory
        for i in range(begin, end):
            out[i] = a[i - begin]

    out = np.zeros(5)
    made = trace_chunks(loop, 5, 3, out, np.arange(5.0), sizes=(5,), strides=[[1], [1]]).check()
    assert out.tolist() == [0.0, 1.0, 2.0, 0.0, 1.0] and made.counts("a")[0].tolist() == [2, 2, 1, 0, 0]
    made = trace_chunks(loop, 3, 3, out, np.arange(5.0), sizes=(5,), strides=[[1], [1]], elements={"out": range(3)})
    assert not made.problems


def test_what_is_one_instruction_has_its_python_form():
    from terox import _numba

    def kernel(out, a):
        for i in prange(len(a)):
            out[i] = instruction(a[i], 2.0)

    instruction = _numba.maximum
    out = np.zeros(3)
    trace(kernel, out, np.array([1.0, 3.0, math.nan]), out="out").check()
    np.testing.assert_array_equal(out, [2.0, 3.0, math.nan])


# ---- The order of the iterations ----


def test_a_variable_that_is_carried_over_is_named():
    def shifted(out, a):
        last = 0.0
        for i in prange(len(a)):
            out[i] = last
            last = a[i]

    def last_one(out, a):
        for i in prange(len(a)):
            x = a[i]
            out[i] = x
        out[0] += x  # noqa: F821

    for kernel, name in ((shifted, "last"), (last_one, "x")):
        out = np.zeros(4)
        made = trace(kernel, out, numbers(4), out="out")
        assert kinds(made) == ["order"]
        assert f"Look at `{name}`" in made.problems[0].message
    assert out.tolist() == [5.0, 2.0, 3.0, 4.0]  # as in the forward order


def test_a_variable_that_each_iteration_assigns_is_not_accused():
    def kernel(out, a):
        x, total = 0.0, 0.0
        for i in prange(len(a)):
            if a[i] > 2.0:
                x = a[i]
            else:
                x = -a[i]
            for j in range(2):
                y = x * j
                total += y
            out[i] = x

    trace(kernel, np.zeros(4), numbers(4), out="out").check()
    spread = np.array([1e20, -1e20, 1.0, 3e-5] * 3)
    trace(summed, np.zeros(2), spread, out="out").check()  # the order of a sum is not the kernel's affair
