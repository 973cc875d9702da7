"""The tracer of kernels for the GPU: what threads touch, indices, barriers, memory that nobody has written, counts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from gpu_kernels import NUMBER, changed, compiled, few_examples, kinds, line_in, multiplied, using
from hypothesis import given
from hypothesis import strategies as st

import terox._numba
from course.check import CheckFailed
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox._numba import cuda as another_name
from terox.cuda import elementwise, matmul, puzzles, runtime
from terox.cuda.simulator import Dim3, Simulator

WIDTH = 8


def numbers(count):
    return np.arange(1, count + 1, dtype=NUMBER)


def zeros(*sizes):
    return np.zeros(sizes, NUMBER)


def only(made, kind):
    assert kinds(made) == [kind], [str(each) for each in made.problems]
    return made.problems[0]


# ---- Indices ----


@few_examples
@given(st.integers(1, 9), st.integers(1, 5))
def test_a_missing_guard_is_an_index_out_of_range_with_thread_line_and_a_hint(count, more):
    made = trace_kernel(puzzles.shift, 1, count + more, zeros(count), numbers(count))
    found = only(made, "out of range")
    assert found.element == count and found.iterations == ((Dim3(0, 0, 0), Dim3(count, 0, 0)),)
    assert found.lines[0].line == line_in(puzzles.shift, "out[i] = a[i] + 10", -1)
    assert f"In thread {count}, puzzles.py:{found.lines[0].line} reads element {count} of a" in found.message
    assert "There are more threads than elements" in found.message
    with pytest.raises(CheckFailed, match="more threads than elements") as failed:
        made.check()
    assert failed.value.call == f"shift[1, {count + more}](out, a)"


def test_a_guard_for_one_dimension_is_not_enough_for_two():
    kernel = changed(puzzles.transposed, "if i < a.shape[0]", "if i < a.shape[0]:")
    found = only(trace_kernel(kernel, 1, (4, 4), zeros(3, 4), zeros(4, 3)), "out of range")
    assert "thread (3, 0), " in found.message and "column 3 of a" in found.message
    assert "more threads than columns" in found.message
    block = trace_kernel(changed(puzzles.blocks, "if i <", "if True:"), 2, 4, zeros(5), numbers(5)).problems[0]
    assert "In thread 1 of block 1, " in block.message and "more threads than elements" in block.message


def test_an_index_far_out_of_range_has_no_hint_about_threads():
    def kernel(out, a):
        out[cuda.grid(1)] = a[100 * (cuda.grid(1) + 1)]

    found = only(trace_kernel(kernel, 1, 4, zeros(4), numbers(4)), "out of range")
    assert "element 100 of a" in found.message and "more threads" not in found.message


def test_shared_memory_is_compared_with_the_threads_of_one_block():
    def kernel(out, a):
        kept = cuda.shared.array(4, np.float32)
        t = cuda.threadIdx.x
        kept[t + far] = a[t]
        out[cuda.grid(1)] = kept[t + far]

    far = 2
    found = only(trace_kernel(kernel, 4, 4, zeros(16), numbers(4)), "out of range")
    assert found.array == "kept" and found.element == 4 and "more threads" not in found.message
    far = 0
    more = only(trace_kernel(kernel, 1, 5, zeros(5), numbers(5)), "out of range")
    assert "more threads than elements" in more.message


def test_a_negative_index_is_named():
    def kernel(out, a):
        t = cuda.threadIdx.x
        out[t] = a[t - 1]

    found = only(trace_kernel(kernel, 1, 4, zeros(4), numbers(4)), "negative index")
    assert found.element == -1 and "In thread 0, " in found.message and "an `if` has to keep" in found.message
    assert found.lines[0].line == line_in(kernel, "a[t - 1]")


def test_an_index_from_the_end_and_that_of_a_single_column_are_told_apart_from_a_missing_guard():
    def backward(out, a):
        out[cuda.threadIdx.x] = a[-1 - cuda.threadIdx.x]

    def same(out, a):
        out[cuda.threadIdx.x] = a[0, cuda.threadIdx.x]

    found = only(trace_kernel(backward, 1, 4, zeros(4), numbers(4)), "negative index")
    assert "the last index is 3 here" in found.message
    found = only(trace_kernel(same, 1, 4, zeros(4), numbers(4).reshape(4, 1)), "out of range")
    assert "There is one column only" in found.message and "more threads" not in found.message


def test_a_row_for_a_number_and_three_numbers_for_an_index_are_named():
    def row(out, a):
        out[cuda.threadIdx.x] = a[cuda.threadIdx.x] * 2

    def three(out, a):
        out[cuda.threadIdx] = a[0, 0]

    def two(out, a):
        out[cuda.threadIdx.x, 0] = a[0, 0]

    found = only(trace_kernel(row, 1, 4, zeros(4), numbers(8).reshape(4, 2)), "shape")
    assert "writes an array of sizes (2,) to element 0 of out" in found.message and "a[i, j]" in found.message
    with pytest.raises(IndexError, match="take one of them, as in cuda.threadIdx.x"):
        trace_kernel(three, 1, 4, zeros(4), numbers(8).reshape(4, 2))
    with pytest.raises(IndexError, match="out has 1 dimension, and 2 indices were given"):
        trace_kernel(two, 1, 4, zeros(4), numbers(8).reshape(4, 2))


# ---- Memory that nobody has written, and inputs ----


def test_reading_shared_memory_that_no_thread_has_written_is_named():
    kernel = compiled("def kernel(out, a):\n    kept = cuda.shared.array(8, np.float32)\n    t = cuda.threadIdx.x\n"
                      "    if t > 0:\n        kept[t] = a[t]\n    cuda.syncthreads()\n    out[t] = kept[7 - t]\n",
                      "kernel", vars(puzzles))
    for order in ("forward", "reversed"):
        found = only(trace_kernel(kernel, 1, 8, zeros(8), numbers(8), order=order), "not initialized")
        assert (found.element, found.array, found.lines[0].line) == (0, "kept", 7)
        assert "thread 7" in found.message and "no thread of its block has written before" in found.message


def test_shared_memory_of_one_block_is_not_that_of_another():
    def kernel(out, a):
        kept = cuda.shared.array(4, np.float32)
        if cuda.blockIdx.x == 0:
            kept[cuda.threadIdx.x] = a[cuda.threadIdx.x]
        out[cuda.grid(1)] = kept[cuda.threadIdx.x]

    found = only(trace_kernel(kernel, 2, 4, zeros(8), numbers(4)), "not initialized")
    assert found.iterations[0].block == Dim3(1, 0, 0)


def test_an_input_that_is_written_is_named_and_so_is_what_is_never_written_or_outside():
    def kernel(out, a):
        t = cuda.threadIdx.x
        a[t] = 0
        out[2 * t] = a[t]

    made = trace_kernel(kernel, 1, 3, zeros(7), numbers(3))
    assert kinds(made) == ["read only", "never written"]
    assert "In thread 0, " in made.problems[0].message and "element 0 of a" in made.problems[0].message
    assert "4 of the 7 elements of out are never written: 1, 3, 5, 6" in made.problems[1].message
    outside = trace_kernel(kernel, 1, 3, zeros(7), numbers(3), read_only=(), elements={"out": [0, 4]})
    assert only(outside, "outside").element == 2


def test_an_element_written_twice_is_named_only_if_that_matters():
    def kernel(out, a):
        out[cuda.threadIdx.x] = 0
        for i in range(a.size):
            out[cuda.threadIdx.x] += a[i]

    assert kinds(trace_kernel(kernel, 1, 3, zeros(3), numbers(4))) == []
    assert only(trace_kernel(kernel, 1, 3, zeros(3), numbers(4), once=True), "written twice").element == 0


def test_sums_in_a_result_that_was_not_written_before_are_named():
    def kernel(out, a):
        out[cuda.threadIdx.x] += a[cuda.threadIdx.x]

    assert "nobody has written before" in only(trace_kernel(kernel, 1, 3, zeros(3), numbers(3)),
                                               "not initialized").message
    assert kinds(trace_kernel(kernel, 1, 3, zeros(3), numbers(3), fresh=False)) == []


# ---- Barriers ----


def test_a_divergent_barrier_is_a_problem_with_its_lines():
    def kernel(out, a):
        t = cuda.threadIdx.x
        if t < 5:
            out[t] = a[t]
            cuda.syncthreads()

    found = only(trace_kernel(kernel, 1, 8, zeros(8), numbers(8)), "divergent barrier")
    assert found.lines[0].line == line_in(kernel, "cuda.syncthreads()")
    assert "threads 0 to 4 at syncthreads()" in found.message and "5, 6, 7 at the end of the kernel" in found.message
    assert [label.thread.x for label in found.iterations] == [0, 5]
    two = only(trace_kernel(changed(puzzles.pooled, "cuda.syncthreads()", "cuda.syncthreads() if i < 3 else "
                                    "cuda.syncthreads()"), 2, 8, zeros(8), numbers(8), out=()), "divergent barrier")
    assert "In block 0: " in two.message


def test_the_message_of_a_divergent_barrier_names_what_parts_the_threads():
    def waits():
        cuda.syncthreads()

    def branch(out):
        if cuda.threadIdx.x < 3:
            waits()
        out[cuda.threadIdx.x] = 0

    def leaves(out):
        t = cuda.threadIdx.x
        if t > 2:
            out[t] = 0
            return
        cuda.syncthreads()
        out[t] = 1

    def loops(out):
        t = cuda.threadIdx.x
        for _ in range(t):
            cuda.syncthreads()
        out[t] = 0

    for kernel, words, text in ((branch, "Look at the `if` in", "if cuda"), (loops, "Look at the loop in", "for _"),
                                (leaves, "Look at the `return` in", "return")):
        found = only(trace_kernel(kernel, 1, 4, zeros(4), out=()), "divergent barrier")
        assert f"{words} test_trace_gpu.py:{line_in(kernel, text)}, " in found.message
    assert ", in waits)" in only(trace_kernel(branch, 1, 4, zeros(4), out=()), "divergent barrier").message


def test_two_arrays_on_one_line_are_named_and_so_is_a_size_that_is_not_known_early():
    def kernel(out, a):
        one, two = cuda.shared.array(8, np.float32), cuda.shared.array((8,), np.float32)
        t = cuda.threadIdx.x
        one[t] = two[t] = a[t]
        out[t] = one[t] + two[t]

    found = only(trace_kernel(kernel, 1, 8, zeros(8), numbers(8)), "shared on one line")
    assert found.lines[0].line == line_in(kernel, "one, two") and "a line of its own" in found.message

    def late(out, a):
        kept = cuda.shared.array(cuda.blockDim.x, np.float32)
        kept[cuda.threadIdx.x] = 1
        out[cuda.threadIdx.x] = kept[cuda.threadIdx.x]

    assert "`blockDim`" in only(trace_kernel(late, 1, 8, zeros(8), numbers(8)), "shape").message

    def own(out, a):
        kept = np.zeros(8, np.float32)
        kept[cuda.threadIdx.x] = a[cuda.threadIdx.x]
        out[cuda.threadIdx.x] = kept[cuda.threadIdx.x]

    assert "np.zeros" in trace_kernel(own, 1, 8, zeros(8), numbers(8)).problems[0].message


def test_shared_memory_has_no_place_for_each_thread_of_the_grid():
    def kernel(out, a):
        kept = cuda.shared.array(4, np.float32)
        i = cuda.grid(1)
        kept[i] = a[i]
        cuda.syncthreads()
        out[i] = kept[i]

    found = only(trace_kernel(kernel, 2, 4, zeros(8), numbers(8)), "out of range")
    assert "memory of one block" in found.message and "more threads than" not in found.message


def test_endless_loops_end():
    def reads(out, a):
        i = cuda.threadIdx.x
        while i < a.size:
            out[i] = a[i]

    def waits(out, a):
        while a.size:
            cuda.syncthreads()

    for kernel in (reads, waits):
        found = only(trace_kernel(kernel, 1, 4, zeros(4), numbers(4)), "endless")
        assert "a loop does not end" in found.message and found.lines[0].line


# ---- What stands in for what ----


def test_cuda_is_replaced_under_every_name_and_the_functions_stay_as_they_are():
    def kernel(out, a):
        out[another_name.grid(1)] = a[terox._numba.cuda.threadIdx.x]
        assert terox._numba.cuda is another_name is not before[0]

    before = [cuda]  # in a list, where the tracer leaves it
    trace_kernel(kernel, 1, 4, zeros(4), numbers(4)).check()
    text = "import numba\ndef kernel(out, a):\n    out[numba.cuda.grid(1)] = a[numba.cuda.threadIdx.x]\n"
    trace_kernel(compiled(text, "kernel", {}), 1, 4, zeros(4), numbers(4)).check()
    assert puzzles.cuda is cuda is another_name is before[0]


@few_examples
@given(st.integers(1, 5))
def test_constants_of_modules_are_replaced_for_one_run(tile):
    before = matmul.TILE
    made, out, a, b = multiplied(tile=tile)
    np.testing.assert_array_equal(out, a @ b)
    assert made.counts("tile_a")[0].shape == (tile, tile)
    assert matmul.TILE == runtime.TILE == before


def test_values_are_those_of_the_simulator():
    a = np.linspace(-3, 3, 23, dtype=NUMBER)
    kernel, rest = elementwise.map_kernel, (23, (23,), ((1,), (1,)))
    for fn in (lambda x: x * x / 3 + 1, lambda x: x / 0):
        one, two = zeros(23), zeros(23)
        trace_kernel(kernel, 2, 4, fn, one, a, *rest).check()
        simulator = Simulator()
        simulator.launch(using(kernel, cuda=simulator), 2, 4, (fn, two, a, *rest))
        np.testing.assert_array_equal(one, two)


def test_errors_of_the_kernel_come_through_with_the_thread():
    def kernel(out, a):
        if cuda.threadIdx.x == 2:
            raise NotImplementedError("Task 4.1: kernel")
        cuda.syncthreads()

    with pytest.raises(NotImplementedError, match="Task 4.1") as failed:
        trace_kernel(kernel, 1, 4, zeros(4), numbers(4))
    assert failed.value.__notes__ == ["In thread 2 of block 0."]
    with pytest.raises(ValueError, match="no array is called 'result'"):
        trace_kernel(kernel, 1, 4, zeros(4), numbers(4), out="result")
    with pytest.raises(TypeError, match=r"kernel\(out, a\) was launched with 1 arguments"):
        trace_kernel(kernel, 1, 4, zeros(4))


# ---- In a notebook ----


SESSION = """
from IPython.core.interactiveshell import InteractiveShell
from ipykernel.compiler import XCachingCompiler
from traitlets import Type

class Shell(InteractiveShell):
    compiler_class = Type(XCachingCompiler)

shell = Shell.instance()
shell.run_cell("import numpy as np\\nfrom course.trace.gpu import trace_kernel\\nfrom terox._numba import cuda",
               store_history=True)
shell.run_cell("def helper(a):\\n    return a[cuda.threadIdx.x]\\n\\ndef kernel(out, a):\\n"
               "    out[cuda.grid(1)] = helper(a)", store_history=True)
shell.run_cell("made = trace_kernel(kernel, 1, 4, np.zeros(4), np.ones(3))\\nprint(made.problems[0])\\n"
               "trace_kernel(kernel, 1, 3, np.zeros(3), np.ones(3)).check()", store_history=True)
"""


def test_lines_of_a_notebook_are_those_of_its_cell():
    done = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True, check=True)
    assert "In thread 3, line 2 of cell In[2] reads element 3 of a" in done.stdout, done.stdout + done.stderr
    assert "Error" not in done.stdout
