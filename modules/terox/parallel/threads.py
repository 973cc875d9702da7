"""How many threads parallel kernels use, and what is left of them after a fork. Provided.

In PyTorch: `aten/src/ATen/ParallelOpenMP.cpp`, `set_num_threads`, `get_num_threads`; for a fork,
`torch/cuda/__init__.py`, `_is_in_bad_fork`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

_wanted: int | None = None
_started = False  # whether this process has a pool of threads
_forked = False  # whether the parent had one: it did not come along, and cannot be started a second time
_lock = threading.Lock()  # Numba's simplest pool must not be entered twice at a time


def set_num_threads(n: int) -> None:
    """Let parallel kernels use `n` threads, from now on and in all of Python's threads.

    There are never more than NUMBA_NUM_THREADS, an environment variable that has to be set before Terox is imported;
    by default the number of processors. Results do not depend on `n`. Raises TypeError unless n is an int, RuntimeError
    unless it is at least 1.

    In PyTorch: `torch.set_num_threads`.
    """
    global _wanted
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {n}")
    _wanted = n


def get_num_threads() -> int:
    """How many threads a parallel kernel uses.

    In PyTorch: `torch.get_num_threads`.
    """
    from terox import _numba

    return min(_wanted or _numba.MOST_THREADS, _numba.MOST_THREADS)


def run(compiled: Callable[[], Any], plain: Any, chunk: Any, count: int, grain: int, operands: Any) -> None:
    """`parallel_for(chunk, count, grain, operands)`: compiled, on all threads; or, where there are none, as it stands.

    A forked process has no threads but the one that forked it, and GNU's OpenMP ends it if it asks for more. There the
    same chunks are done one after the other, with the same result.
    """
    global _started
    if _forked:
        plain(chunk, count, grain, operands)
        return
    driver = compiled()
    with _lock:
        _started = True
        if _wanted is not None:
            from terox import _numba

            _numba.set_num_threads(get_num_threads())  # Numba's number is for one of Python's threads only
        driver(chunk, count, grain, operands)


def _after_fork() -> None:
    global _forked, _lock
    _forked = _forked or _started
    _lock = threading.Lock()  # perhaps another thread had it, and that thread is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
