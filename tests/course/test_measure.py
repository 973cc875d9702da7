"""Measuring a machine: plausible numbers, whatever else runs on it, and clear words where it cannot be done."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from course import measure
from course.manifest import ROOT


def small(monkeypatch):
    monkeypatch.setattr(measure, "NUMBERS", 1000 * 1000 + 1)  # no multiple of the number of threads
    monkeypatch.setattr(measure, "REPEATS", 16)
    monkeypatch.setattr(measure, "MATRIX", 64)


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_machine_has_a_bandwidth_and_a_peak(monkeypatch, threads):
    small(monkeypatch)
    machine = measure.measure(threads, rounds=2)
    assert machine.threads == threads or threads is None and machine.threads >= 1
    assert 0.01 < machine.bandwidth < 1e5 and 0.01 < machine.compiled < 1e6
    assert (machine.blas is None) == (threads is not None)
    assert machine.peak == max(machine.compiled, machine.blas or 0.0)
    assert f"{machine.bandwidth:.3g} GB/s" in str(machine) and f"{machine.peak:.3g} GFLOP/s" in str(machine)


def test_the_triad_and_the_polynomial_do_what_they_are_named_after():
    import numpy as np

    rng = np.random.default_rng(0)
    a, b, x = rng.random((3, 100), dtype=np.float32)
    out, half = np.zeros(100, dtype=np.float32), np.float32(0.5)
    triad, horner = measure._loops()
    triad(out, a, b, half)
    np.testing.assert_allclose(out, a + half * b, rtol=1e-6)
    expected = x.astype(float)
    for _ in range(2 * measure.DEGREE):
        expected = 0.5 * expected + 0.5
    horner(x, half, half, 2)
    np.testing.assert_allclose(x, expected, rtol=1e-5)


def test_the_least_time_of_several_rounds():
    calls = []

    def sleep(seconds):
        calls.append(seconds)
        time.sleep(seconds if len(calls) != 2 else 50.0 * seconds)

    assert 0.01 <= measure.time_of(sleep, 0.01, rounds=3) < 0.4
    assert len(calls) == 6  # one uncounted and one counted in each round


def test_functions_are_timed_in_turn():
    order = []
    found = measure.times_of({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert set(found) == {"a", "b"} and all(seconds >= 0.0 for seconds in found.values())
    assert order == ["a", "b"] * 4


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(threads):
    with pytest.raises(ValueError, match="at least 1"):
        measure.measure(threads)


def test_without_compiling_there_is_nothing_to_measure():
    result = subprocess.run(
        [sys.executable, "-c", "from course.measure import measure\n"
                               "try: measure()\nexcept RuntimeError as error: print(error)"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True,
        text=True, cwd=ROOT, timeout=60)
    assert "NUMBA_DISABLE_JIT=1 is set" in result.stdout, result.stderr
