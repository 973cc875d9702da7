"""What this machine can do: the two numbers of a roofline, measured in the process that asks.

Bandwidth, after the triad of J. McCalpin's STREAM benchmark: `out = a + s * b` on arrays that are much larger than the
caches, counted as three arrays moved. (To write a line of memory, most processors read it first. As in STREAM, and in
the costs of task 3.6, that is not counted; so a kernel that reads much and writes little can be above the roof.)

Peak, in float32, twice: a polynomial in Horner's form on numbers that stay in the nearest cache, which is nothing but
fused multiplications and additions, many of them independent; and the product of two matrices by NumPy's BLAS. The
greater one is the peak.

Numbers are the best of several rounds: whatever else runs on the machine can only make them smaller.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.bench.timing import interleaved

NUMBERS = 1 << 24  # of each array of the triad: 64 MiB
NEAR = 2048  # numbers that stay in the nearest cache: 8 KiB
DEGREE = 32  # of the polynomial
REPEATS = 512  # of the polynomial, in one call
MATRIX = 512  # rows and columns of the matrices


@dataclass(frozen=True)
class Machine:
    """GB/s and GFLOP/s (1e9 in a second, float32) of this machine, with this many threads."""

    bandwidth: float  # GB/s of memory: the triad
    compiled: float  # GFLOP/s of a compiled loop of fused multiplications and additions
    blas: float | None  # GFLOP/s of a product of matrices by NumPy's BLAS; None where `threads` was chosen
    threads: int

    @property
    def peak(self) -> float:
        """GFLOP/s: the most that anything reached."""
        return max(self.compiled, self.blas or 0.0)

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        parts = f" (compiled loop {self.compiled:.3g}, BLAS {self.blas:.3g})" if self.blas else ""
        return (f"{self.bandwidth:.3g} GB/s and {self.peak:.3g} GFLOP/s{parts} with {threads}; "
                f"ridge at {self.peak / self.bandwidth:.3g} FLOP/byte")


def times_of(functions: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Least seconds of each function. In each round every function runs in turn, once uncounted and once counted."""
    found = [interleaved(functions, 1) for _ in range(rounds)]
    return {name: min(each[name] for each in found) for name in functions}


def time_of(function: Callable[..., object], *args: Any, rounds: int = 5) -> float:
    """Least seconds of `function(*args)`. For more than one function, `times_of` is fairer."""
    return times_of({"it": lambda: function(*args)}, rounds)["it"]


def measure(threads: int | None = None, rounds: int = 5) -> Machine:
    """Measure this machine, in about a second (the first time, a few more to compile).

    threads: how many work at a time; by default as many as compiled kernels use. BLAS chooses for itself, mostly all
    cores, so it is left out if you choose.

    Raises RuntimeError under NUMBA_DISABLE_JIT=1, where nothing is compiled, and ValueError for less than one thread.
    """
    from terox import _numba

    if not _numba.JIT:
        raise RuntimeError("NUMBA_DISABLE_JIT=1 is set, so loops are not compiled, and their speed would be that of "
                           "the Python interpreter. Measure without it.")
    if threads is not None and threads < 1:
        raise ValueError(f"threads has to be at least 1, not {threads}")
    with_blas = threads is None
    threads = threads or _numba.get_num_threads()
    triad, horner = _loops()
    a, b, out = (np.full(NUMBERS, value, dtype=np.float32) for value in (1.0, 2.0, 0.0))
    near = np.ones((threads, NEAR), dtype=np.float32)
    left, right = (np.full((MATRIX, MATRIX), value, dtype=np.float32) for value in (0.5, 0.25))
    product = np.empty_like(left)
    half = np.float32(0.5)
    edges = np.linspace(0, NUMBERS, threads + 1).astype(np.int64).tolist()
    parts = [slice(begin, end) for begin, end in zip(edges, edges[1:])]

    with ThreadPoolExecutor(threads) as pool:
        functions: dict[str, Callable[[], object]] = {
            "triad": lambda: list(pool.map(lambda part: triad(out[part], a[part], b[part], half), parts)),
            "compiled": lambda: list(pool.map(lambda row: horner(row, half, half, REPEATS), near)),
        }
        if with_blas:
            functions["blas"] = lambda: np.matmul(left, right, out=product)
        seconds = times_of(functions, rounds)
    return Machine(bandwidth=3 * a.nbytes / seconds["triad"] / 1e9,
                   compiled=2 * DEGREE * REPEATS * near.size / seconds["compiled"] / 1e9,
                   blas=2 * MATRIX**3 / seconds["blas"] / 1e9 if with_blas else None, threads=threads)


def _triad(out: Any, a: Any, b: Any, s: Any) -> None:
    for i in range(len(out)):
        out[i] = a[i] + s * b[i]


def _horner(x: Any, slope: Any, start: Any, repeats: int) -> None:
    for _ in range(repeats):
        for i in range(len(x)):
            value = x[i]
            for _ in range(DEGREE):
                value = value * slope + start
            x[i] = value


@functools.cache
def _loops() -> tuple[Any, Any]:
    """The two loops, compiled when they are first called, and kept on disk."""
    from terox import _numba

    return _numba.entry(_triad), _numba.entry(_horner)
