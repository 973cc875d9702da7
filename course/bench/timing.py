"""Times several functions in turn, so that a machine that slows down slows all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

PAUSE = 0.005  # seconds


def interleaved(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each function over `rounds` rounds, after one round that is not counted.

    In each round every function runs once, in order; the garbage of one is collected before the next is timed.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            gc.collect()
            begin = time.perf_counter()
            function()
            if number:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(each) for name, each in times.items()}


def fastest(functions: dict[str, Callable[[], object]], rounds: int, repeats: int = 1) -> dict[str, float]:
    """Seconds of one call of each function: `repeats` calls in a row in each round, and of all rounds the fastest.

    One round before is not counted. For calls so short that whatever else the machine does shows in every median.

    A pause goes before each, since the threads of another library look for work, busily, for a while after their last
    call, and would have the core on which this one's thread is to run; then calls that are not counted.
    """
    times = {name: float("inf") for name in functions}
    gc.collect()
    for number in range(rounds + 1):
        for name, function in functions.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            while time.perf_counter() - begin < PAUSE:
                function()
            begin = time.perf_counter()
            for _ in range(repeats):
                function()
            if number:
                times[name] = min(times[name], (time.perf_counter() - begin) / repeats)
    return times


def step_of(model: Any, loss_of: Any, optimizer: Any, x: Any, t: Any) -> Callable[[], object]:
    """One step of training, of either library: forget the gradients, forward, backward, optimizer."""

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x), t).backward()
        optimizer.step()

    return step
