"""What is handed over to libraries that do it best: BLAS for products, NumPy's vector functions. Provided.

PyTorch does not multiply matrices itself either: it calls MKL or OpenBLAS, and SLEEF for `exp` of a whole vector.
`handover.disabled()` is a context in which the learner's own kernels do all the work.

In PyTorch: `aten/src/ATen/native/CPUBlas.cpp`, `gemm`; `aten/src/ATen/cpu/vec/vec256/vec256_float.h`,
`Sleef_expf8_u10`; `torch/backends/mkl/__init__.py`, `is_available`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from terox.foundations import operators as base
from terox.tensors import operators as ops


class _State(threading.local):
    enabled = True


state = _State()


@contextlib.contextmanager
def disabled() -> Iterator[None]:
    """Everything by the learner's own kernels, in this thread, as long as the context lasts."""
    before, state.enabled = state.enabled, False
    try:
        yield
    finally:
        state.enabled = before


# Multiplications: what OpenBLAS does on the thread that asks, without copying the operands first (where the processor
# has AVX-512), and from where on its threads are worth what they cost.
SMALL, LARGE = 10**6, 8 * 10**6


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """`out = a @ b` by BLAS; matrices of a middle size in pieces.

    For these, the threads of BLAS save little, and cost a lot where anything else has threads: after each product they
    look for another, busily, for a while, on the core that others need. Meanwhile a loop on two threads takes several
    milliseconds instead of a half, and so does the next product if its second thread has to wait for a core.
    """
    if a.ndim == b.ndim == 2 and SMALL < a.size * b.shape[1] <= LARGE:
        in_pieces(a, b, out)
    else:
        np.matmul(a, b, out=out)


def in_pieces(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """`out = a @ b`, also for batches of matrices, on this thread alone: so many columns at a time that BLAS uses no
    threads."""
    columns = SMALL // (a.shape[-2] * a.shape[-1] or 1) or 1
    if columns > 16:
        columns -= columns % 16  # whole vectors
    for start in range(0, b.shape[-1], columns):
        np.matmul(a, b[..., start : start + columns], out=out[..., start : start + columns])


PIECE = 65536  # elements: few enough for the second cache, many enough beside what a call costs


def sigmoid(x: np.ndarray, out: np.ndarray) -> None:
    """`1 / (1 + exp(-x))`, for pieces that stay in the cache between one step and the next.

    Where exp overflows, 1 / inf is 0; a choice between two formulas, element by element, would take five times as long.
    """
    for start in range(0, len(x), PIECE):
        piece = out[start : start + PIECE]
        np.negative(x[start : start + PIECE], out=piece)
        np.exp(piece, out=piece)
        np.add(piece, 1, out=piece)
        np.reciprocal(piece, out=piece)


# Functions that a library computes for many numbers at once better than any loop that calls `math`.
VECTOR: dict[Callable[..., Any], Callable[..., Any]] = {
    base.exp: np.exp, base.log: np.log, base.tanh: np.tanh, ops.sin: np.sin, ops.cos: np.cos, base.sigmoid: sigmoid,
}

# Likewise for folding: the larger of two numbers is one instruction, where `max` has comparisons to jump over.
FOLDS: dict[Callable[..., Any], np.ufunc] = {base.max: np.maximum, ops.min: np.minimum}
