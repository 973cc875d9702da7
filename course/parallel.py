"""Many test runs side by side: threads that each wait for a child process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


def cores() -> int:
    """How many processes may run at once on this machine, for this process."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def in_parallel(jobs: Sequence[Callable[[], T]], *, workers: int | None = None,
                seconds: float | None = None) -> Generator[tuple[int, T], None, None]:
    """Yield (place of the job, its result) as the jobs end. Closing the iterator starts no further job.

    After `seconds` no further job starts, either, and only those that run are waited for. A job's exception comes
    through.
    """
    end = None if seconds is None else time.monotonic() + seconds
    executor = ThreadPoolExecutor(workers or cores())
    places: dict[Future[T], int] = {executor.submit(job): place for place, job in enumerate(jobs)}
    waiting = set(places)
    try:
        while waiting:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                waiting = {future for future in waiting if not future.cancel()}
                end = left = None
                continue
            done, waiting = wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=places.__getitem__):
                yield places[future], future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
