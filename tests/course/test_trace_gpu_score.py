"""The tracer of kernels for the GPU: how often memory is touched, by one thread, by all, and by warps."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_kernels import NUMBER, add, few_examples, multiplied, reduced
from hypothesis import given
from hypothesis import strategies as st

from course.trace.gpu import compare_scores, trace_kernel
from terox._numba import cuda
from terox.cuda import matmul
from terox.cuda.simulator import Dim3


@few_examples
@given(st.integers(1, 3), st.integers(1, 30), st.sampled_from([1, 2, 4, 8]))
def test_counts_and_the_score_are_those_of_the_kernel(results, length, block):
    made, _, a = reduced(results=results, length=length, block=block)
    reads, writes = made.counts("a")
    assert reads.tolist() == [1] * a.size and not writes.any()
    score, steps = made.score(), block.bit_length() - 1
    assert made.barriers == steps + 2
    assert score == (-(-length // block), 1, 2 * steps + 1, 1 + steps)
    assert score.total == made.total == (a.size, results, results * (2 * (block - 1) + block),
                                         results * (block + block - 1))
    assert made.counts("values")[0].sum() == score.total.shared_reads
    assert made.writers("out") == [[(Dim3(n, 0, 0), Dim3(0, 0, 0))] for n in range(results)]
    assert [len(each) for each in made.writers("values")[:1]] == [results]
    assert [(step.element, step.write) for step in made.steps if step.memory.name == "out"] == [
        (n, True) for n in range(results)]
    with pytest.raises(KeyError, match="no array is called 'tile'; there are out, a, values"):
        made.counts("tile")


def test_tiles_read_global_memory_less_often():
    traces = {"tiled": multiplied(n=8, m=8, k=8, tile=4)[0],
              "plain": multiplied(matmul.plain_matmul_kernel, n=8, m=8, k=8, tile=4)[0]}
    assert traces["tiled"].total.global_reads * 4 == traces["plain"].total.global_reads == 2 * 8 ** 3
    table = compare_scores(traces)
    lines = str(table).splitlines()
    assert lines[0] == "The most that any one thread does" and lines[1].split("  ")[-1] == "shared writes"
    assert [line.split() for line in lines[2:]] == [["tiled", "4", "1", "16", "4"], ["plain", "16", "1", "0", "0"]]
    assert "<td>16</td>" in table._repr_html_() and table.__rich__().row_count == 2
    assert "1024" in str(compare_scores(traces, total=True))


def test_warps_tell_coalesced_from_strided():
    def kernel(out, a, step):
        for i in range(cuda.grid(1), 128, cuda.gridsize(1)):
            out[i] = a[i * step]

    for step, segments in ((1, 1), (2, 2), (32, 32), (0, 1)):
        made = trace_kernel(kernel, 1, 64, np.zeros(128, NUMBER), np.ones(128 * 32, NUMBER), step)
        found = made.warps("a")
        assert [(each.warp, each.threads[0], len(each.threads), each.segments) for each in found] == [
            (0, 0, 32, segments), (0, 0, 32, segments), (1, 32, 32, segments), (1, 32, 32, segments)]
        assert found[1].elements == tuple(step * (64 + t) for t in range(32)) and not found[0].write
    assert [each.segments for each in made.warps("out")] == [1] * 4
    assert len(made.warps("a", warp=16)) == 8


def test_64_threads_pass_six_barriers():
    made = reduced(block=64, results=1, length=64)[0]
    assert max(step.phase.barriers for step in made.steps) >= 6


def test_names_of_shared_arrays_tell_them_apart():
    def helper(x):
        values = cuda.shared.array(4, np.float32)
        values[cuda.threadIdx.x] = x
        return values[cuda.threadIdx.x]

    def kernel(out, a):
        values: np.ndarray = cuda.shared.array(4, np.float32)
        values[cuda.threadIdx.x] = a[cuda.threadIdx.x]
        out[cuda.threadIdx.x] = add(helper(values[cuda.threadIdx.x]), 1)

    made = trace_kernel(kernel, 1, 4, np.zeros(4, NUMBER), np.ones(4, NUMBER))
    first, second = made.shared
    assert first == "values" and second.startswith("values (test_trace_gpu_score.py:")
    assert made.counts(second)[1].tolist() == [1] * 4
