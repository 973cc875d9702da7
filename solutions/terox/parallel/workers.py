"""Threads of Python that share the jobs of a long loop, and sleep when there are none. Provided.

The threads of OpenMP, on which `parallel_for` runs, look busily for more work for a while after each loop, and those of
BLAS after each large product: each on the core that the other one needs, if there are as many threads as cores. Where a
step of training has products and loops in turn, both wait. The threads here wait without using a core, and whoever is
free takes the next job, so one that wakes up late costs nothing. To wake takes about as long as 100,000 additions.

A job is one call of a compiled function, which lets go of the interpreter. It should take 60 microseconds or more: a
thread that wants the interpreter back needs that long to notice that it is free.

In PyTorch: `c10/core/thread_pool.h`, `ThreadPool`.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from terox.parallel.threads import get_num_threads

_waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
_count = 0
_lock = threading.Lock()


def share(job: Callable[[int], None], count: int) -> None:
    """`job(0)` to `job(count - 1)`, each once, in any order, at the same time on as many threads as kernels use.

    This thread does what nobody else has begun, so it never waits for a thread that is busy, or gone after a fork.
    What a job raises is raised here.
    """
    helpers = min(get_num_threads(), count) - 1
    if helpers < 1:
        for number in range(count):
            job(number)
        return
    task = _Task(job, count)
    _start(helpers)
    for _ in range(helpers):
        _waiting.put(task)
    task.run()
    task.finish()


class _Task:
    """Jobs of which each thread takes the next one."""

    def __init__(self, job: Callable[[int], None], count: int) -> None:
        self.job, self.count = job, count
        self.next = itertools.count().__next__  # one step of the interpreter: no two threads get the same number
        self.left = count
        self.error: BaseException | None = None
        self.lock, self.done = threading.Lock(), threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        finished = 0
        while (number := self.next()) < self.count:
            try:
                if self.error is None:
                    self.job(number)
            except BaseException as error:  # noqa: BLE001 - raised by `finish`, in the thread that asked
                self.error = error
            finished += 1
        if finished:
            with self.lock:
                self.left -= finished
                if not self.left:
                    self.done.release()

    def finish(self) -> None:
        self.done.acquire()
        if self.error is not None:
            raise self.error


def _start(helpers: int) -> None:
    global _count
    with _lock:
        for _ in range(helpers - _count):
            threading.Thread(target=_work, args=(_waiting,), daemon=True, name="terox worker").start()
            _count += 1


def _work(waiting: queue.SimpleQueue[Any]) -> None:
    while True:
        waiting.get().run()


def _after_fork() -> None:
    global _waiting, _count, _lock
    _waiting, _count, _lock = queue.SimpleQueue(), 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
