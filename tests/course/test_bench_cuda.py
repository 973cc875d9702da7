"""The measurements on a GPU: that they run, at tiny sizes and wherever kernels run here; and what they say."""

from __future__ import annotations

import pytest

from course.bench import cuda
from course.bench.cuda import TINY, Result
from terox import _numba


def test_every_measurement_runs():
    results = cuda.measure(TINY)
    assert all(result.seconds > 0 for result in results)
    names = [result.name for result in results]
    assert len(set(names)) == len(names) and [name.split(",")[0] for name in names[:2]] == ["copy", "add"]
    assert any("matmul" in name for name in names) and any("training step" in name for name in names)
    figures = cuda.figures_of(results)
    assert len([name for name in figures if "share" in name]) == 9


def test_a_share_and_a_ratio_are_told_with_their_limits():
    slow = Result("add, 10", 2e-6, share=0.5, least=0.8, rate="7 GB/s")
    assert slow.told().split(None, 2)[2] == "2.0 microseconds, 7 GB/s, 0.50 of a copy's bandwidth (aim 0.80); MISSED"
    fine = Result("matmul", 2e-6, times=9.0, most=10.0)
    assert "9.00 times PyTorch's (limit 10.00)" in fine.told() and "MISSED" not in fine.told()
    assert "MISSED" in Result("matmul", 2e-6, times=11.0, most=10.0).told()


def test_without_a_gpu_nothing_is_claimed(capsys):
    if _numba.CUDA == "gpu":
        pytest.skip("there is a GPU here")
    assert cuda.main() == {}
    text = capsys.readouterr().out
    assert len(text.strip().splitlines()) == 1 and "unproven" in text
