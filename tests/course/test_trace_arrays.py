"""The tracer's arrays, which record and check indices; and the recorder itself."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_places import kinds, line_with

from course.trace import Memory, Place, RecordedArray, Recorder, find_races, trace, trace_chunks

TABLE = np.array([1.0, 2.0, 4.0])
prange = range  # the name is what counts; Numba's own is recognized under any name


def doubled(out, a):
    for i in prange(len(a)):
        out[i] = a[i] + a[i]


def copied(begin, end, out, a, sizes, strides):
    for i in range(begin, end):
        out[i] = a[i]


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
    trace_chunks(copied, 0, 4, np.zeros(0), np.zeros(0), sizes=(0, 3), strides=[[3, 1], [3, 1]]).check()


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


@pytest.mark.parametrize("file, shown", [("/tmp/ipykernel_41/12.py", "line 2 of cell In[3]"),
                                         ("/course/reduce.py", "reduce.py:2")])
def test_a_cell_of_a_notebook_has_the_name_that_the_notebook_shows(file, shown, monkeypatch):
    def format_code_name(name):
        return ("Cell", "In[3]") if name == "/tmp/ipykernel_41/12.py" else None

    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=format_code_name))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert str(Place(file, 2)) == shown


@pytest.mark.parametrize("shell", [None, SimpleNamespace(compile=None)])
def test_a_cell_whose_number_is_not_known_is_this_cell(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert str(Place("/tmp/ipykernel_41/12.py", 2)) == "line 2 of this cell"
    assert str(Place("/course/reduce.py", 2)) == "reduce.py:2"
