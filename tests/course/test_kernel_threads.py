"""Compiled kernels and threads: how many, Python's own beside them, and what is left of them after a fork."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from kernel_modules import kernels_folder  # noqa: F401

import terox
from terox.foundations import operators
from terox.parallel import compiler, elementwise, threads


def total(n, grain):
    a = np.linspace(0.0, 1.0, n)
    out = np.zeros(n)
    kernel = compiler.kernel(elementwise.elementwise_range, ("float64",) * 2, row=elementwise.map_row, fn=operators.neg)
    kernel.parallel(n, grain, out, a, np.array([n]), np.array([[1], [1]]))
    assert (out == -a).all()
    return out


@pytest.fixture
def restored_threads(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", None)


def test_number_of_threads(restored_threads):
    most = terox.get_num_threads()
    assert most >= 1
    results = []
    for n in (1, 2, 1000):
        terox.set_num_threads(n)
        assert terox.get_num_threads() == min(n, most)
        results.append(total(10_000, 100))
    assert (results[0] == results[1]).all() and (results[0] == results[2]).all()
    with pytest.raises(RuntimeError, match="positive integer"):
        terox.set_num_threads(0)
    for wrong in (1.0, True, "2"):
        with pytest.raises(TypeError, match="expects an int"):
            terox.set_num_threads(wrong)


def test_several_python_threads_at_once(restored_threads):
    """All of them compile, and run, the same kernels."""
    compiler._kernels.clear()
    problems = []

    def work():
        try:
            for _ in range(20):
                total(5_000, 50)
        except BaseException as error:  # noqa: BLE001
            problems.append(error)

    running = [threading.Thread(target=work) for _ in range(6)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    assert not problems and not any(thread.is_alive() for thread in running)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_after_a_fork():
    """The child has no threads, and must not ask for any: GNU's OpenMP would end it."""
    expected = total(10_000, 100)
    with threads._lock:  # as if another thread were just computing
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if (total(10_000, 100) == expected).all() else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (total(10_000, 100) == expected).all()
