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


# Multiplications: up to which OpenBLAS uses one thread for any product; up to which it also does so, where the
# processor has AVX-512, if the right operand lies row by row; from where on its threads are worth what they cost.
ALONE, SMALL, LARGE = 2 * 10**5, 10**6, 8 * 10**6


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """`out = a @ b` by BLAS; matrices of a middle size in pieces, on this thread alone.

    For these, the threads of BLAS save little, and cost a lot where anything else has threads: after each product they
    look for another, busily, for a while, on the core that others need. Meanwhile a loop on two threads takes several
    milliseconds instead of a half, and so does the next product if its second thread has to wait for a core.
    """
    if not (a.ndim == b.ndim == 2 and ALONE < a.size * b.shape[1] <= LARGE):
        np.matmul(a, b, out=out)
        return
    columns = SMALL // a.size or 1
    if columns > 16:
        columns -= columns % 16  # whole vectors
    row_by_row = b.strides[1] == b.itemsize
    for start in range(0, b.shape[1], columns):
        piece = b[:, start : start + columns]
        np.matmul(a, piece if row_by_row else np.ascontiguousarray(piece), out=out[:, start : start + columns])


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
