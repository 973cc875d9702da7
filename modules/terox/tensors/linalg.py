"""Products of matrices. Provided; the loops are the learner's kernel.

In PyTorch: `aten/src/ATen/native/LinearAlgebra.cpp`, `_matmul_impl`.
"""

from __future__ import annotations

from terox.tensors import dtype as dtypes
from terox.tensors.broadcasting import broadcast_shapes
from terox.tensors.dispatcher import COMPOSITE, call, find_kernel, register
from terox.tensors.iterator import empty
from terox.tensors.tensor import Tensor


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b`. A vector on the left is a row, on the right a column; that dimension is dropped from the result."""
    if not isinstance(b, Tensor):
        raise TypeError(f"matmul(): argument 'other' must be Tensor, not {type(b).__name__}")
    if not a.dim() or not b.dim():
        raise RuntimeError(f"matmul: both arguments need to be at least 1D, but they are {a.dim()}D and {b.dim()}D")
    if a.shape[-1] != b.shape[-2 if b.dim() > 1 else -1]:
        raise _not_aligned(a, b)
    left = a.unsqueeze(0) if a.dim() == 1 else a
    right = b.unsqueeze(1) if b.dim() == 1 else b
    out = call("mm" if left.dim() == right.dim() == 2 else "bmm", left, right)
    if b.dim() == 1:
        out = out.squeeze(-1)
    if a.dim() == 1:
        out = out.squeeze(-1 if b.dim() == 1 else -2)
    out._view = None  # nobody else has what it is a view of, so it may be changed in place
    return out


def _not_aligned(a: Tensor, b: Tensor) -> RuntimeError:
    where = "the last but one" if b.dim() > 1 else "the only one"
    return RuntimeError(f"matmul: mat1 and mat2 shapes cannot be multiplied ({list(a.shape)} and {list(b.shape)}): the "
                        f"last size of the first ({a.shape[-1]}) must match {where} of the second "
                        f"({b.shape[-2 if b.dim() > 1 else -1]})")


def mm(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b` for two matrices, and only for them."""
    if a.dim() != 2 or b.dim() != 2:
        raise RuntimeError(f"mm: both arguments must be matrices, got shapes {list(a.shape)} and {list(b.shape)}")
    return call("mm", a, b)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of products of two vectors of the same length."""
    if a.dim() != 1 or b.dim() != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.dim()}D and {b.dim()}D tensors")
    if a.shape != b.shape:
        raise RuntimeError(f"inconsistent tensor size, expected tensor {list(a.shape)} and src {list(b.shape)} to have "
                           "the same number of elements")
    return matmul(a, b)


def _matmul(self: Tensor, other: Tensor) -> Tensor:
    """Matrices, or batches of them, of two dimensions or more."""
    left, right = self.impl, other.impl
    dtype, device = left.storage.dtype, left.storage.device
    if dtype is not right.storage.dtype:
        raise RuntimeError(f"matmul: expected both tensors to have the same dtype, but got {dtype.name} and "
                           f"{other.dtype.name}")
    if dtype is dtypes.bool:
        raise RuntimeError("matmul: not implemented for bool tensors")
    (*batch, rows, inner), (*of_right, below, columns) = left.sizes, right.sizes
    if inner != below:
        raise _not_aligned(self, other)
    if batch != of_right:
        batch = _batch(self, other)
        left, right = left.expand((*batch, rows, inner)), right.expand((*batch, inner, columns))
    out = empty((*batch, rows, columns), dtype, device)
    find_kernel("matmul", device)(out.impl, left, right)
    return out


def _batch(a: Tensor, b: Tensor) -> list[int]:
    """The sizes in front of two matrices, broadcast."""
    try:
        return list(broadcast_shapes(a.impl.sizes[:-2], b.impl.sizes[:-2]))
    except NotImplementedError:
        raise
    except RuntimeError:
        raise RuntimeError(f"matmul: the batch dimensions of shapes {list(a.shape)} and {list(b.shape)} cannot be "
                           "broadcast") from None


register("mm", COMPOSITE, _matmul)
register("bmm", COMPOSITE, _matmul)
