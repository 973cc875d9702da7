"""The measurements of nets: that a step and its peak of memory can be measured, and what is said about them."""

from __future__ import annotations

import pytest

from course.bench import nets


def test_memory_is_told_with_its_limit():
    line = nets.told_memory({"terox": 3 * 2**20, "torch": 2.0 * 2**20})
    assert "1.50 times torch (limit 2.00)" in line and "terox 3.0 MiB, torch 2.0 MiB" in line
    assert "MISSED" in nets.told_memory({"terox": 5.0, "torch": 2.0})


def test_peaks_of_a_step():
    pytest.importorskip("torch")
    import numpy as np

    import terox

    before = terox.get_default_device()
    terox.set_default_device("cpu")
    try:
        functions = nets.steps(np.random.default_rng(0), batch=4)
        found = nets.peaks(functions)
    finally:
        terox.set_default_device(before)
    # The result of the first convolution alone, and its gradient beside it.
    assert min(found.values()) > 2 * 4 * 6 * 28 * 28 * 4
    assert max(found.values()) < 2**23
