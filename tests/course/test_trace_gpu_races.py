"""The tracer of kernels for the GPU: races are named each time, with where a barrier is missing; what is right is not
accused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from gpu_kernels import NUMBER, add, changed, few_examples, kinds, line_in, line_of_copy, multiplied, reduced, softmaxed
from hypothesis import given
from hypothesis import strategies as st

from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda import elementwise, matmul, puzzles, reduce, softmax

ORDERS = ("forward", "reversed", "shuffled", lambda indices: sorted(indices, key=lambda index: hash(index) % 7))


def numbers(*sizes):
    return np.arange(1, 1 + int(np.prod(sizes)), dtype=NUMBER).reshape(sizes)


def squared(x):
    return x * x


# ---- The reference is right ----

PUZZLES = [
    (puzzles.shift, 1, 7, [(7,)], lambda a: a + 10), (puzzles.guarded, 1, 9, [(5,)], lambda a: 2 * a),
    (puzzles.transposed, 1, (4, 5), [(3, 4)], lambda a: a.T), (puzzles.outer, 1, (5, 4), [(3, 1), (1, 4)], np.multiply),
    (puzzles.blocks, 3, 4, [(10,)], lambda a: a * a),
    (puzzles.reversed_blocks, 2, 8, [(16,)], lambda a: a.reshape(2, 8)[:, ::-1].ravel()),
    (puzzles.pooled, 1, 8, [(6,)], lambda a: a + np.r_[0, a[:-1]] + np.r_[0, 0, a[:-2]]),
    (puzzles.running_sum, 1, 8, [(8,)], np.cumsum)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kernel", "grid", "block", "sizes", "expected"), PUZZLES, ids=lambda each: getattr(
    each, "__name__", None))
def test_the_reference_of_the_puzzles_is_not_accused(kernel, grid, block, sizes, expected, order):
    given_arrays = [numbers(*each) for each in sizes]
    wanted = expected(*given_arrays)
    out = np.zeros(wanted.shape, NUMBER)
    made = trace_kernel(kernel, grid, block, out, *given_arrays, once=True, order=order)
    made.check()
    np.testing.assert_array_equal(out, wanted)


@few_examples
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 9),
       st.sampled_from(ORDERS))
def test_elementwise_kernels_are_not_accused(sizes, grid, block, order):
    count, strides = int(np.prod(sizes)), tuple(int(np.prod(sizes[d + 1:])) for d in range(len(sizes)))
    # The result is written in the order of another tensor: with its first dimension running fastest.
    turned = tuple(int(np.prod(sizes[:d])) for d in range(len(sizes)))
    a, b, out = numbers(count), numbers(1), np.zeros(count, NUMBER)
    trace_kernel(elementwise.map_kernel, grid, block, squared, out, a, count, tuple(sizes), (turned, strides),
                 once=True, order=order).check()
    np.testing.assert_array_equal(out.reshape(sizes[::-1]), (a * a).reshape(sizes).T)
    made = trace_kernel(elementwise.zip_kernel, grid, block, lambda x, y: x - y, out, a, b, count, tuple(sizes),
                        (strides, strides, (0,) * len(sizes)), once=True, order=order)
    made.check()
    np.testing.assert_array_equal(out, a - 1)
    assert made.counts("b")[0].tolist() == [count]


@few_examples
@given(st.integers(1, 3), st.integers(1, 40), st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 3),
       st.sampled_from(ORDERS))
def test_the_reduction_is_not_accused(results, length, block, parts, order):
    made, out, a = reduced(results=results, length=length, block=block, parts=parts, order=order)
    made.check()
    np.testing.assert_array_equal(out.reshape(results, parts).sum(1), a.sum(1))
    assert made.shared == ["values"] and made.counts("a")[0].tolist() == [1] * a.size


@few_examples
@given(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), st.integers(0, 7), st.integers(1, 4),
       st.sampled_from(ORDERS))
def test_the_product_of_matrices_is_not_accused(batch, n, m, k, tile, order):
    made, out, a, b = multiplied(batch=batch, n=n, m=m, k=k, tile=tile, order=order)
    made.check()
    np.testing.assert_array_equal(out, a @ b)
    plain, out, a, b = multiplied(matmul.plain_matmul_kernel, batch=batch, n=n, m=m, k=k, tile=tile, order=order)
    plain.check()
    np.testing.assert_array_equal(out, a @ b)


@few_examples
@given(st.integers(1, 3), st.integers(1, 20), st.sampled_from([1, 2, 4, 8]), st.sampled_from(ORDERS))
def test_softmax_is_not_accused(rows, length, block, order):
    made, out, a = softmaxed(rows=rows, length=length, block=block, order=order)
    made.check()
    wanted = np.exp(a - a.max(1, keepdims=True))
    np.testing.assert_allclose(out, wanted / wanted.sum(1, keepdims=True), rtol=1e-5)


def test_what_a_thread_wrote_itself_and_what_all_read_is_no_race():
    def kernel(out, a):
        t = cuda.threadIdx.x
        own = cuda.shared.array(8, np.float32)
        own[t] = a[0]
        own[t] += own[t] + a[1]
        cuda.atomic.add(out, 0, own[t])
        cuda.atomic.max(out, 1, t)
        mine = cuda.local.array(2, np.float32)
        mine[0] = mine[1] = t
        out[2 + cuda.grid(1)] = mine[0]
        out[2 + cuda.grid(1)] += mine[1]

    for order in ORDERS:
        out = np.zeros(18, NUMBER)
        trace_kernel(kernel, 2, 8, out, numbers(2), fresh=False, order=order).check()
        np.testing.assert_array_equal(out, [64, 7, *[2 * t for t in range(8)] * 2])


# ---- A barrier is missing ----


SYNC = "cuda.syncthreads()"
BETWEEN, AT_THE_END = "after {file}:{}, before line {}", "after {file}:{}, at the end of the loop's body"
IN_THE_LOOP = "into the loop after line {}"


def folds(number, **options):
    return reduced(changed(reduce.block_fold, SYNC, number=number), **options)[0]


def multiplies(number, **options):
    return multiplied(changed(matmul.matmul_kernel, SYNC, number=number), **options)[0]


def joins(number, **options):
    return softmaxed(changed(softmax.block_join, SYNC, number=number), **options)[0]


def sums(number, **options):
    return trace_kernel(changed(puzzles.running_sum, SYNC, number=number), 1, 8, np.zeros(8, NUMBER), numbers(8),
                        **options)


# What runs, which barrier is missing, which array is raced for, and what to do, with the texts of the lines meant.
MISSING = [
    (folds, 0, "values", BETWEEN, ("values[t] = value", "values[t] = fn")),
    (folds, 1, "values", IN_THE_LOOP, ("values[t] = fn",)),
    (multiplies, 0, "tile_a", BETWEEN, ("tile_a[y, x] =", "total +=")),
    (multiplies, 1, "tile_a", AT_THE_END, ("total +=",)),
    (joins, 0, "tops", BETWEEN, ("= (top, total)", "= join")),
    (joins, 1, "tops", IN_THE_LOOP, ("= join",)),
    (sums, 0, "sums", BETWEEN, ("sums[i] = a[i]", "before =")),
    (sums, 1, "sums", BETWEEN, ("before =", "sums[i] +=")),
    (sums, 2, "sums", AT_THE_END, ("sums[i] +=",))]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("run", "number", "array", "words", "lines"), MISSING)
def test_a_missing_barrier_is_found_in_every_order_and_the_message_says_where(run, number, array, words, lines, order):
    made = run(number, order=order)
    first = made.problems[0]
    assert (first.kind, first.array) == ("race", array)
    file = first.lines[0].file
    assert words.format(*(line_of_copy(file, text) for text in lines), file=file) in first.message
    assert f"element {first.element} of {array}" in first.message
    assert all(made.recorder.words(label) in first.message for label in first.iterations)
    assert len(set(first.iterations)) == 2 and all(str(line) in first.message for line in first.lines)
    assert "not initialized" not in kinds(made)
    with pytest.raises(AssertionError, match="race: thread"):
        made.check()


def test_the_barrier_after_the_result_matters_when_the_function_is_called_again():
    def kernel(kind, out, a):
        total = block_fold(add, kind, a[cuda.grid(1)])
        out[cuda.grid(1)] = block_fold(add, kind, a[cuda.grid(1)] + total)

    given_arrays = (NUMBER, np.zeros(8, NUMBER), numbers(8))
    block_fold = reduce.block_fold
    trace_kernel(kernel, 2, 4, *given_arrays, constants={"BLOCK": 4}).check()
    assert given_arrays[1].tolist() == [50] * 4 + [130] * 4
    block_fold = changed(reduce.block_fold, SYNC, number=2)
    made = trace_kernel(kernel, 2, 4, *given_arrays, constants={"BLOCK": 4})
    assert kinds(made) == ["race"]
    file = made.problems[0].lines[0].file
    assert sorted(line.line for line in made.problems[0].lines) == [
        line_of_copy(file, text) for text in ("values[t] = value", "result = values[0]")]
    said = made.problems[0].message
    assert "block_fold is called again" in said and "loop" not in said
    assert "read into a variable, then cuda.syncthreads(), then return" in said


def test_the_same_run_gives_the_same_problems_and_another_order_the_same_kinds():
    for run, number, *_ in MISSING:
        one, two = run(number), run(number)
        said = [[re.sub(r"changed_\d+", "", str(each)) for each in made.problems] for made in (one, two)]
        assert said[0] == said[1]
        forward, *others = ({(each.kind, each.array, *sorted(line.line for line in each.lines))
                             for each in run(number, order=order).problems} for order in ORDERS)
        assert all(found == forward for found in others)


def test_a_statement_that_reads_what_others_write_needs_a_variable():
    def kernel(out, a):
        kept = cuda.shared.array(8, np.float32)
        t = cuda.threadIdx.x
        kept[t] = a[t]
        cuda.syncthreads()
        kept[t] = kept[(t + 1) % 8]
        cuda.syncthreads()
        out[t] = kept[t]

    made = trace_kernel(kernel, 1, 8, np.zeros(8, NUMBER), numbers(8))
    assert kinds(made) == ["race"]
    assert "read into a variable, then cuda.syncthreads(), then write" in made.problems[0].message
    assert made.problems[0].lines[0].line == line_in(kernel, "kept[(t + 1) % 8]")


def test_what_is_added_in_place_from_a_neighbor_is_to_be_read_first_although_a_barrier_follows():
    def kernel(out, a):
        sums = cuda.shared.array(8, np.float32)
        t, distance = cuda.threadIdx.x, 1
        sums[t] = a[t]
        cuda.syncthreads()
        while distance < 8:
            if t >= distance:
                sums[t] += sums[t - distance]
            cuda.syncthreads()
            distance *= 2
        out[t] = sums[t]

    for order in ORDERS:
        made = trace_kernel(kernel, 1, 8, np.zeros(8, NUMBER), numbers(8), order=order)
        assert set(kinds(made)) == {"race"}
        assert "read into a variable, then cuda.syncthreads(), then write" in made.problems[0].message


# ---- Global memory ----


def test_all_threads_writing_one_element_is_a_race_and_so_are_blocks():
    def kernel(out, a):
        out[0] = a[0]

    for order in ORDERS:
        made = trace_kernel(kernel, 1, 3, np.zeros(1, NUMBER), numbers(1), order=order)
        assert kinds(made) == ["race"] and "Let one thread alone write it" in made.problems[0].message
        across = trace_kernel(kernel, 3, 1, np.zeros(1, NUMBER), numbers(1), order=order)
        assert kinds(across) == ["race"] and "No barrier holds blocks together" in across.problems[0].message
        assert "of block" in across.problems[0].message


def test_a_block_that_reads_what_another_one_wrote_is_a_race_even_behind_a_barrier():
    def kernel(out, a):
        i = cuda.grid(1)
        out[i] = a[i]
        cuda.syncthreads()
        out[i] = out[(i + 4) % 8] + 1

    made = trace_kernel(kernel, 2, 4, np.zeros(8, NUMBER), numbers(8))
    assert set(kinds(made)) == {"race"}
    assert "let the next launch read them" in made.problems[0].message
    one, other = made.problems[0].iterations
    assert one.block != other.block


def test_atomic_operations_race_with_plain_ones_only():
    def kernel(out, a):
        cuda.atomic.add(out, 0, a[0])
        if cuda.grid(1) == 0:
            out[0] = 1

    for grid, words in ((1, "let a barrier stand between"), (2, "both have to be")):
        made = trace_kernel(kernel, grid, 3 - grid, np.zeros(1, NUMBER), numbers(1), fresh=False)
        assert kinds(made)[0] == "race" and any(words in each.message for each in made.problems)
    assert any(each.lines[0].line == line_in(kernel, "atomic") or each.lines[1].line == line_in(kernel, "atomic")
               for each in made.problems)
