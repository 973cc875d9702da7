"""Ops for the device "cpu", each one pass over memory: softmax and its relatives, linear, a step of SGD. Provided.

Elsewhere these ops are made of others (`terox/tensors/reductions.py`, `network_ops.py`, `terox/optim/sgd.py`). A kernel
registered here wins over that. The loops stand in softmax.py, which is yours, and fused.py.

In PyTorch: `aten/src/ATen/native/SoftMax.cpp`, `Linear.cpp`, `LossNLL.cpp`, `cpu/FusedSGDKernel.cpp`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from terox.parallel import compiler, elementwise, fused, handover, softmax
from terox.parallel.coalescing import coalesce, reorder
from terox.parallel.kernels import begins, table
from terox.tensors import network_ops, reductions
from terox.tensors.iterator import empty
from terox.tensors.storage import TensorImpl
from terox.tensors.table import COMPOSITE, KERNELS, register
from terox.tensors.tensor import Tensor

# How much more one call of exp costs than one addition.
EXP_WORK = 4


@functools.lru_cache(4096)
def _row_plan(dim: int, sizes: tuple[int, ...], *strides: tuple[int, ...]) -> tuple[int, int, np.ndarray, np.ndarray]:
    """How many rows there are along `dim`, and how long they are; sizes and strides with `dim` last and the others
    coalesced."""
    others = [d for d in range(len(sizes)) if d != dim]
    of_others = [tuple(each[d] for d in others) for each in (sizes, *strides)]
    kept, steps = coalesce(*reorder(of_others[0], of_others[1:]))
    rows = math.prod([sizes[d] for d in others])
    return rows, sizes[dim], *table((*kept, sizes[dim]), [(*before, each[dim]) for before, each in zip(steps, strides)])


def over_rows(loop: Callable[..., None], dim: int, *impls: TensorImpl) -> None:
    """Run a loop whose units are rows along `dim`. The operands have one shape, without a 0 in it."""
    names = tuple([impl.storage.dtype.name for impl in impls])
    _over_rows(loop, names, dim, impls[0].sizes, *[impl.strides for impl in impls])(*[begins(impl) for impl in impls])


def _over_rows(loop: Callable[..., None], names: tuple[str, ...], dim: int, shape: tuple[int, ...],
               *strides: tuple[int, ...]) -> Callable[..., None]:
    """What runs the loop on arrays, of which dtype names and strides are given."""
    rows, length, of_sizes, of_strides = _row_plan(dim, shape, *strides)
    kernel = compiler.kernel(loop, names)
    return lambda *arrays: elementwise.launch(kernel, rows, EXP_WORK * length, *arrays, of_sizes, of_strides)


def _fits(dims: Sequence[int], *tensors: Tensor) -> bool:
    """Whether rows along one dimension, of floats of one kind, are what is asked for."""
    first = tensors[0].impl
    return len(dims) == 1 and 0 not in first.sizes and first.dtype.is_floating_point and all(
        [tensor.impl.sizes == first.sizes and tensor.impl.dtype is first.dtype for tensor in tensors])


def _by_rows(op: str, loop: Callable[..., None], otherwise: Callable[..., Tensor]) -> None:
    """Register `loop` for an op on tensors of one shape, whose last argument is `dims`."""

    def kernel(*args: Any) -> Tensor:
        *tensors, dims = args
        if not _fits(dims, *tensors):
            return otherwise(*args)
        first = tensors[0].impl
        out = empty(first.sizes, first.dtype, first.device)
        over_rows(loop, dims[0], out.impl, *[tensor.impl for tensor in tensors])
        return out

    register(op, "cpu", kernel)


_by_rows("softmax", softmax.softmax_range, reductions.softmax)
_by_rows("log_softmax", fused.log_softmax_range, reductions.log_softmax)
_by_rows("softmax_back", softmax.softmax_back_range, KERNELS["softmax_back", COMPOSITE])
_by_rows("log_softmax_back", fused.log_softmax_back_range, KERNELS["log_softmax_back", COMPOSITE])


def logsumexp(self: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    """log(sum(exp(self))) along `dims`."""
    if not _fits(dims, self):
        return reductions.logsumexp(self, dims, keepdim)
    impl = self.impl
    out = empty([1 if d in dims else size for d, size in enumerate(impl.sizes)], impl.dtype, impl.device)
    over_rows(fused.logsumexp_range, dims[0], out.impl.expand(impl.sizes), impl)
    return out if keepdim else reductions.without(out, dims)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`input @ weight.T + bias`: BLAS writes into the result, to which the bias is added where it lies.

    For a few rows, the transposed product, `weight @ input.T`, is up to twice as fast: BLAS copies both operands into
    an order of its own, and the large one is better for that as the left one. Adding the bias turns it over.
    """
    sizes, columns = input.impl.sizes, weight.impl.sizes[0]
    dtype = input.impl.storage.dtype
    if not handover.state.enabled or 0 in sizes or not columns or not dtype.is_floating_point:
        return KERNELS["linear", COMPOSITE](input, weight, bias)
    out = empty((*sizes[:-1], columns), dtype, "cpu")
    rows, weights = input.impl.numpy(), weight.impl.numpy()
    if len(sizes) != 2:  # one large product instead of a batch of small ones
        rows = rows.reshape(-1, sizes[-1])
    result = out.impl.storage.array.reshape(-1, columns)
    with np.errstate(all="ignore"):
        if bias is not None and 2 * len(rows) <= columns:
            turned = np.empty((columns, len(rows)), result.dtype)
            handover.product(weights, rows.T, turned)
            np.add(turned.T, bias.impl.numpy(), out=result)
        else:
            handover.product(rows, weights.T, result)
            if bias is not None:
                np.add(result, bias.impl.numpy(), out=result)
    return out


def linear_back_weight(grad_output: Tensor, input: Tensor) -> Tensor:
    """`grad_output.T @ input` by BLAS, without a view of ours for the transpose."""
    (n, rows), columns, dtype = grad_output.impl.sizes, input.impl.sizes[1], input.impl.storage.dtype
    if not handover.state.enabled or not n * rows * columns or not dtype.is_floating_point:
        return KERNELS["linear_back_weight", COMPOSITE](grad_output, input)
    out = empty((rows, columns), dtype, "cpu")
    with np.errstate(all="ignore"):
        handover.product(grad_output.impl.numpy().T, input.impl.numpy(), out.impl.numpy())
    return out


def cross_entropy_loss(input: Tensor, target: Tensor) -> Tensor:
    """The mean over the rows; each row is read once."""
    sizes = input.impl.sizes
    if 0 in sizes:
        return KERNELS["cross_entropy_loss", COMPOSITE](input, target)
    dtype, of_target = input.impl.storage.dtype, (target.impl.strides[0], 0)
    losses = np.empty(sizes[0])
    _over_rows(fused.cross_entropy_range, ("float64", dtype.name, "int64"), 1, sizes, (1, 0), input.impl.strides,
               of_target)(losses, begins(input.impl), begins(target.impl))
    mean = np.add.reduce(losses) / sizes[0]
    if mean != mean:  # NaN: a class that does not exist, or a NaN among the logits
        network_ops.check_classes(input, target)
    out = empty((), dtype, "cpu")
    out.impl.storage.array[0] = mean
    return out


def cross_entropy_loss_back(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """The gradient for the logits; their probabilities are computed again, row by row."""
    sizes = input.impl.sizes
    dtype, of_target = input.impl.storage.dtype, (target.impl.strides[0], 0)
    if 0 in sizes or grad_output.impl.storage.dtype is not dtype:
        return KERNELS["cross_entropy_loss_back", COMPOSITE](grad_output, input, target)
    out = empty(sizes, dtype, "cpu")
    share = begins(grad_output.impl)[:1] / sizes[0]
    _over_rows(fused.cross_entropy_back_range, (dtype.name, dtype.name, dtype.name, "int64"), 1, sizes,
               out.impl.strides, (0, 0), input.impl.strides, of_target)(
        out.impl.storage.array, share, begins(input.impl), begins(target.impl))
    return out


def sgd_step(parameter: Tensor, gradient: Tensor, velocity: Tensor | None, lr: float, momentum: float,
             weight_decay: float) -> Tensor | None:
    """One step of SGD, in place, in one pass; returns the velocity, None without momentum."""
    of_parameter, of_gradient = parameter.impl, gradient.impl
    sizes = of_parameter.sizes
    if (0 in sizes or 0 in of_parameter.strides or of_gradient.device != "cpu"
            or of_gradient.storage is of_parameter.storage):
        return KERNELS["sgd_step", COMPOSITE](parameter, gradient, velocity, lr, momentum, weight_decay)
    if momentum and velocity is None:
        velocity = empty(sizes, of_parameter.dtype, "cpu")
        velocity.impl.storage.array.fill(0)
    of_velocity = of_gradient if velocity is None else velocity.impl
    count, of_sizes, strides = _step_plan(sizes, of_parameter.strides, of_velocity.strides, of_gradient.strides)
    kernel = compiler.kernel(fused.sgd_range, (*[of_parameter.dtype.name] * 3, "float64"))
    elementwise.launch(kernel, count, 1, begins(of_parameter), begins(of_velocity), begins(of_gradient),
                       np.array([lr, momentum, weight_decay]), of_sizes, strides)
    of_parameter.storage.version += 1
    return velocity


@functools.lru_cache(4096)
def _step_plan(sizes: tuple[int, ...], *strides: tuple[int, ...]) -> tuple[int, Any, Any]:
    of_sizes, steps = coalesce(*reorder(sizes, list(strides)))
    return (math.prod(sizes), *table(of_sizes, [*steps, (0,) * len(of_sizes)]))


for _op, _kernel in {"logsumexp": logsumexp, "linear": linear, "linear_back_weight": linear_back_weight,
                     "cross_entropy_loss": cross_entropy_loss,
                     "cross_entropy_loss_back": cross_entropy_loss_back, "sgd_step": sgd_step}.items():
    register(_op, "cpu", _kernel)
