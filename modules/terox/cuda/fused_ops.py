"""Ops for the device "cuda", each in few kernels: softmax and its relatives, linear, cross-entropy, SGD. Provided.

Elsewhere these ops are made of others (`terox/tensors/reductions.py`, `network_ops.py`, `terox/optim/sgd.py`). A kernel
registered here wins over that.

In PyTorch: `aten/src/ATen/native/cuda/SoftMax.cu`, `Blas.cpp`, `Loss.cu`, `FusedSgdKernel.cu`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from terox.cuda import checks, fused, kernels
from terox.cuda.kernels import begins, new
from terox.cuda.launching import KINDS, MOST_X, block_for, launch, over_elements
from terox.cuda.packing import Sizes, pack, pieces, place
from terox.cuda.softmax import softmax_kernel
from terox.foundations import operators as base
from terox.tensors import reductions
from terox.tensors.iterator import empty
from terox.tensors.storage import TensorImpl
from terox.tensors.table import COMPOSITE, KERNELS, register
from terox.tensors.tensor import Tensor


def over_rows(loop: Callable[..., None], dim: int, impls: Sequence[TensorImpl], more: tuple[Any, ...] = ()) -> None:
    """Run a kernel with a block for each row along `dim`. The operands have one shape, without a 0 in it.

    more: what the kernel takes between its arrays and the length of a row.
    """
    sizes = impls[0].sizes
    length, block = sizes[dim], block_for(sizes[dim])
    dtypes = tuple([impl.storage.dtype.name for impl in impls])
    steps = tuple([impl.strides[dim] for impl in impls])
    strides = [_without(impl.strides, dim) for impl in impls]
    for index, rows in pieces(_without(sizes, dim), MOST_X):
        arrays = [begins(impl, place(index, each)) for impl, each in zip(impls, strides)]
        launch(loop, dtypes, math.prod(rows), block, *arrays, *more, length, steps, *pack(rows, *strides),
               kind=KINDS[dtypes[1]])


def _without(sizes: Sizes, dim: int) -> Sizes:
    return sizes[:dim] + sizes[dim + 1 :]


def _by_rows(op: str, loop: Callable[..., None], otherwise: Callable[..., Tensor]) -> None:
    """Register `loop` for an op on floats of one kind and shape, whose last argument is `dims`."""

    def kernel(*args: Any) -> Tensor:
        *tensors, dims = args
        first = tensors[0].impl
        if len(dims) != 1 or 0 in first.sizes or not first.dtype.is_floating_point or any(
                [tensor.impl.sizes != first.sizes or tensor.impl.dtype is not first.dtype for tensor in tensors]):
            return otherwise(*args)
        out = empty(first.sizes, first.dtype, "cuda")
        over_rows(loop, dims[0], [out.impl, *[tensor.impl for tensor in tensors]])
        return out

    register(op, "cuda", kernel)


_by_rows("softmax", softmax_kernel, reductions.softmax)
_by_rows("log_softmax", fused.log_softmax_kernel, reductions.log_softmax)
_by_rows("softmax_back", fused.softmax_back_kernel, KERNELS["softmax_back", COMPOSITE])
_by_rows("log_softmax_back", fused.log_softmax_back_kernel, KERNELS["log_softmax_back", COMPOSITE])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`input @ weight.T + bias`: one product of matrices; the bias is added where the result lies."""
    sizes, columns = input.impl.sizes, weight.impl.sizes[0]
    if 0 in sizes or not columns or not input.impl.dtype.is_floating_point:
        return KERNELS["linear", COMPOSITE](input, weight, bias)
    out = empty((*sizes[:-1], columns), input.impl.dtype, "cuda")
    rows = input.reshape(-1, sizes[-1]).impl  # one large product instead of a batch of small ones
    result = out.impl.look((rows.sizes[0], columns), (columns, 1), 0)
    kernels.matmul(result, rows, weight.mT.impl)
    if bias is not None:
        kernels.elementwise(base.add, result, result, bias.impl.expand(result.sizes))
    return out


def cross_entropy_loss(input: Tensor, target: Tensor) -> Tensor:
    """The mean over the rows; each row is read once."""
    sizes = input.impl.sizes
    if 0 in sizes:
        return KERNELS["cross_entropy_loss", COMPOSITE](input, target)
    losses = new((sizes[0], 1), input.impl.dtype)
    note, number = checks.note(lambda found: IndexError(
        f"cross_entropy: Target {found} is out of bounds; there are {sizes[1]} classes"))
    over_rows(fused.cross_entropy_kernel, 1, [losses.expand(sizes), input.impl, _column(target).expand(sizes)],
              (note, number))
    checks.started()
    return Tensor._of(losses.look((sizes[0],), (1,), 0)).mean()


def cross_entropy_loss_back(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """The gradient for the logits; their probabilities are computed again, row by row."""
    sizes = input.impl.sizes
    if 0 in sizes or grad_output.impl.dtype is not input.impl.dtype:
        return KERNELS["cross_entropy_loss_back", COMPOSITE](grad_output, input, target)
    out = empty(sizes, input.impl.dtype, "cuda")
    over_rows(fused.cross_entropy_back_kernel, 1, [out.impl, grad_output.impl.expand(sizes), input.impl,
                                                   _column(target).expand(sizes)], (sizes[0],))
    return out


def _column(target: Tensor) -> TensorImpl:
    """(N,) as (N, 1)."""
    impl = target.impl
    return impl.look((*impl.sizes, 1), (*impl.strides, 1), impl.offset)


def sgd_step(parameter: Tensor, gradient: Tensor, velocity: Tensor | None, lr: float, momentum: float,
             weight_decay: float) -> Tensor | None:
    """One step of SGD, in place, in one pass; returns the velocity, None without momentum."""
    of_parameter, of_gradient = parameter.impl, gradient.impl
    sizes, dtype = of_parameter.sizes, of_parameter.dtype
    if (0 in sizes or 0 in of_parameter.strides or of_gradient.device != "cuda" or of_gradient.dtype is not dtype
            or of_gradient.storage is of_parameter.storage):
        return KERNELS["sgd_step", COMPOSITE](parameter, gradient, velocity, lr, momentum, weight_decay)
    if momentum and velocity is None:
        velocity = empty(sizes, dtype, "cuda")
        velocity.impl.storage.array.fill(0)
    operands = (of_parameter, of_gradient if velocity is None else velocity.impl, of_gradient)
    count = of_parameter.numel
    over_elements(fused.sgd_kernel, (dtype.name,) * 3, count, *[begins(impl) for impl in operands], float(lr),
                  float(momentum), float(weight_decay), count, *pack(sizes, *[impl.strides for impl in operands]),
                  kind=KINDS[dtype.name])
    of_parameter.storage.version += 1
    return velocity


for _op, _kernel in {"linear": linear, "cross_entropy_loss": cross_entropy_loss,
                     "cross_entropy_loss_back": cross_entropy_loss_back, "sgd_step": sgd_step}.items():
    register(_op, "cuda", _kernel)
