"""Threads that take jobs: each job once, errors where they belong, and what is left after a fork."""

from __future__ import annotations

import os
import threading

import pytest

import terox
from terox.parallel import threads, workers


@pytest.fixture(autouse=True)
def several(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", None)
    monkeypatch.setattr(workers, "get_num_threads", lambda: 4)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_each_job_once(count):
    done = []
    workers.share(done.append, count)
    assert sorted(done) == list(range(count))


def test_jobs_run_beside_each_other():
    both = threading.Barrier(2, timeout=30)
    workers.share(lambda number: both.wait(), 2)


def test_an_error_is_raised_where_the_jobs_were_asked_for():
    def job(number):
        if number == 3:
            raise ZeroDivisionError("job 3")

    for _ in range(20):
        with pytest.raises(ZeroDivisionError, match="job 3"):
            workers.share(job, 8)
    test_each_job_once(10)


def test_jobs_that_share_jobs():
    done = []
    workers.share(lambda outer: workers.share(lambda inner: done.append((outer, inner)), 5), 6)
    assert sorted(done) == [(outer, inner) for outer in range(6) for inner in range(5)]


def test_one_thread_is_this_one(monkeypatch):
    monkeypatch.setattr(workers, "get_num_threads", lambda: 1)
    names = set()
    workers.share(lambda number: names.add(threading.current_thread()), 9)
    assert names == {threading.current_thread()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_after_a_fork():
    test_each_job_once(10)
    child = os.fork()
    if not child:
        try:
            test_each_job_once(10)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert terox.get_num_threads() >= 1
