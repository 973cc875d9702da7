"""The tracer: what goes wrong in parallel is named each time, and what is right is not accused."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.trace import Memory, RecordedArray, Recorder, find_races, trace, trace_chunks

TABLE = np.array([1.0, 2.0, 4.0])
prange = range  # the name is what counts; Numba's own is recognized under any name


def numbers(count: int) -> np.ndarray:
    return np.arange(1, count + 1, dtype=np.float32)


def kinds(made) -> list[str]:
    return [problem.kind for problem in made.problems]


def line_with(function, text: str) -> str:
    """The place of the one line of a function that has this text, as messages give it."""
    import inspect
    lines, first = inspect.getsourcelines(function)
    found = [first + n for n, line in enumerate(lines) if text in line]
    return f"test_trace.py:{found[0]}"


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


# ---- Out of range ----


def test_a_negative_index_is_named_unless_it_stands_there():
    def border(out, a):
        for i in prange(len(a)):
            out[i] = a[i - 1]

    def meant(out, a):
        for i in prange(len(a)):
            out[i] = a[-1] + a[:-1][
                -1]

    made = trace(border, np.zeros(3), np.ones(3), out="out")
    assert kinds(made) == ["negative index"] and made.problems[0].element == -1
    assert made.problems[0].message.startswith(f"In iteration 0, {line_with(border, 'a[i - 1]')} reads element -1 of a")
    assert made.problems[0].iterations == (0,)
    trace(meant, np.zeros(3), np.ones(3), out="out").check()


def test_an_index_out_of_range_is_named():
    def kernel(out, a):
        for i in prange(len(a) + 1):
            out[i] = a[i]

    made = trace(kernel, np.zeros(4), np.ones(3), out="out")
    assert kinds(made) == ["out of range"] and made.problems[0].element == 3
    assert "reads element 3 of a, which has 3 elements, 0 to 2" in made.problems[0].message
    made = trace(kernel, np.zeros(3), np.ones(4), out="out")
    assert "writes element 3 of out, which has 3 elements" in made.problems[0].message


@pytest.mark.parametrize("bounds, kind", [((1, 4), "out of range"), ((-1, 2), "negative index"), ((0, 3), None),
                                          ((3, 3), None), ((2, 1), None)])
@pytest.mark.parametrize("step", [None, 1])
def test_a_slice_beyond_the_end_is_named(bounds, kind, step):
    def kernel(a):
        for _ in prange(1):
            a[bounds[0] : bounds[1] : step].fill(2.0)

    made = trace(kernel, np.ones(3))
    assert kinds(made) == ([kind] if kind else [])
    if kind:
        assert f"the slice [{bounds[0]} : {bounds[1]}] of a, which has a size of 3" in made.problems[0].message


def test_a_slice_with_a_step_may_end_behind_its_last_element():
    def kernel(out, a, step):
        column = a[1 : 1 + 3 * step : step]
        for i in range(len(column)):
            out[i] = column[i]

    out = np.zeros(3)
    trace(kernel, out, np.arange(6.0), 2, out="out").check()
    assert out.tolist() == [1.0, 3.0, 5.0]
    assert kinds(trace(kernel, out, np.arange(6.0), 3, out="out")) == ["out of range"]


@pytest.mark.parametrize("index, words", [((2, 0), "row 2 of scratch, which has 2 rows, 0 to 1"),
                                          ((0, 3), "column 3 of scratch, which has 3 columns, 0 to 2"),
                                          ((0, -1), "column -1 of scratch")])
def test_two_dimensions_are_checked_each(index, words):
    def kernel(index):
        scratch = np.zeros((2, 3))
        scratch[index] = 1.0

    made = trace(kernel, index)
    assert words in made.problems[0].message


def test_an_index_in_a_slice_is_checked_against_the_slice():
    def kernel(a):
        row = a[2:4]
        row[2] = 0.0

    made = trace(kernel, np.ones(6))
    assert "element 2 of the slice of a from element 2 to element 3" in made.problems[0].message


def test_as_many_must_be_written_as_there_are():
    def kernel(out, n):
        scratch = np.zeros(4)
        out[0:n] = scratch[:4]

    assert kinds(trace(kernel, np.zeros(4), 3, out="out")) == ["shape"]
    trace(kernel, np.zeros(4), 4, out="out").check()


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


# ---- Arrays ----


@given(st.sampled_from([np.float32, np.float64, np.float16]), st.floats(-1e300, 1e300), st.floats(-1e3, 1e3))
def test_what_is_written_is_rounded_to_the_type(dtype, x, y):
    def kernel(out, x, y):
        out[0] = x * y
        out[1] = out[0]

    out = np.zeros(2, dtype)
    trace(kernel, out, x, y, out="out").check()
    with np.errstate(over="ignore"):
        expected = dtype(np.float64(x) * np.float64(y))
    assert out.tolist() == [expected, expected]


@pytest.mark.parametrize("dtype, value, expected", [
    (np.int64, 2.9, 2), (np.int64, -2.9, -2), (np.int64, 2**63, -(2**63)), (np.uint8, 257, 1), (np.bool_, 0.5, True),
    (np.int64, math.nan, -(2**63)), (np.int32, 2**31, -(2**31))])
def test_numbers_are_cut_as_compiled_code_cuts_them(dtype, value, expected):
    def kernel(out, value):
        out[0] = value
        out[1:2] = value if abs(value) < 100 else out[0]

    out = np.zeros(2, dtype)
    trace(kernel, out, value, out="out").check()
    assert out.tolist() == [expected, expected]


def test_division_and_functions_have_results_as_compiled():
    def kernel(out, a):
        out[0] = 1.0 / a[0]
        out[1] = a[0] / a[0]
        out[2] = math.exp(a[1])
        out[3] = math.log(a[0])
        out[4] = math.sqrt(-a[1])

    out = np.zeros(5, np.float32)
    trace(kernel, out, np.array([0.0, 1000.0]), out="out").check()
    np.testing.assert_array_equal(out, [math.inf, math.nan, math.inf, -math.inf, math.nan])


def test_arrays_have_what_kernels_use():
    def kernel(out, a, sizes):
        rows, columns = a.shape
        scratch = np.full((rows, columns), 1.0, a.dtype)
        scratch[:] = a
        scratch[1, :] += scratch[0] * 2
        scratch.T[0, 1] = -1.0
        first, *others = scratch[1]
        flat = np.empty_like(scratch).reshape(rows * columns)
        flat.fill(first)
        flat[1:3] += 1.0
        for at, x in enumerate(others):
            flat[at] -= x * TABLE[at]
        out[0] = flat.sum() + np.max(scratch) + scratch.size + scratch.ndim + len(scratch) + sizes[-1]
        out[1:] = flat[out.size - 3 :: 2][:2]

    out, a = np.zeros(3, np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    trace(kernel, out, a, np.array([2, 3]), out="out").check()

    scratch = a.copy()
    scratch[1] += scratch[0] * 2
    scratch[1, 0] = -1.0
    flat = np.full(6, -1.0)
    flat[1:3] += 1.0
    flat[:2] -= scratch[1, 1:] * TABLE[:2]
    assert out.tolist() == [flat.sum() + scratch.max() + 6 + 2 + 2 + 3, flat[0], flat[2]]


@pytest.mark.parametrize("error", [NotImplementedError("Task 3.2: ..."), ValueError("n must be positive")])
def test_other_errors_pass_through(error):
    def kernel(out):
        raise error

    with pytest.raises(type(error)) as caught:
        trace(kernel, np.zeros(1), out="out")
    assert caught.value is error


def test_zero_sizes():
    made = trace(doubled, np.zeros(0), np.zeros(0), out="out").check()
    assert list(made.accesses) == []
    trace_chunks(scaled, 0, 4, np.zeros(0), np.zeros(0), sizes=(0, 3), strides=[[3, 1], [3, 1]]).check()


# ---- The recorder alone, for a machine that is not a prange ----


def test_barriers_divide_time_and_labels_can_be_anything():
    def record(barrier: bool) -> Recorder:
        recorder = Recorder(words=lambda label: f"thread {label[1]} of block {label[0]}")
        memory = Memory(recorder, "shared", np.zeros(2), written=False)
        array = RecordedArray(memory)
        for phase in range(2):
            recorder.phase = phase if barrier else 0
            for thread in range(2):
                recorder.label = (7, thread)
                if phase == 0:
                    array[thread] = thread
                else:
                    assert array[1 - thread] == 1 - thread
        find_races(recorder)
        return recorder

    assert record(barrier=True).problems == []
    recorder = record(barrier=False)
    assert recorder.problems[0].message.startswith("race: thread 1 of block 7 writes element 1 of shared")
    assert [(access.element, access.write, access.label) for access in recorder.accesses()] == [
        (0, True, (7, 0)), (1, True, (7, 1)), (1, False, (7, 0)), (0, False, (7, 1))]


def test_labels_and_phases_can_be_looked_at_in_another_way():
    recorder = Recorder()
    array = RecordedArray(Memory(recorder, "out", np.zeros(1)))
    for block in range(2):
        recorder.label, recorder.phase = (block, 0), (block, 0)
        array[0] = block
    find_races(recorder)
    assert not recorder.problems  # each block has phases of its own
    find_races(recorder, who=lambda label, phase: label[0], when=lambda label, phase: 0)
    assert [problem.iterations for problem in recorder.problems] == [((0, 0), (1, 0))]


def test_an_access_takes_microseconds():
    a = np.ones(4000)
    best = min(_seconds(a) for _ in range(5))
    assert best / 8000 < 15e-6  # about 1.2e-6 on a quiet machine


def _seconds(a: np.ndarray) -> float:
    start = time.perf_counter()
    trace(doubled, np.zeros(len(a)), a, out="out")
    return time.perf_counter() - start
