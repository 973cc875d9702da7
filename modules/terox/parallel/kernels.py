"""The basic kernels of the device "cpu": what happens before a loop runs; and their registration. Provided.

Each brings the operands into the form that loops take (see compiler.py): arrays that begin at the element with index 0,
as few dimensions as possible, strides in one table. What was found out for one set of sizes and strides is kept for the
next call.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from terox.foundations import operators as base
from terox.parallel import compiler, constant_rows, elementwise, handover
from terox.parallel import matmul as products
from terox.parallel import reduce as reductions
from terox.parallel.coalescing import coalesce, reorder
from terox.tensors import operators as ops
from terox.tensors.dispatcher import register
from terox.tensors.layout import is_contiguous
from terox.tensors.storage import TensorImpl

Table = tuple[np.ndarray, np.ndarray]  # sizes (d,), strides (operands, d)


def table(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> Table:
    """Sizes and strides as loops take them."""
    return (np.array(sizes, np.int64),
            np.ascontiguousarray(np.array(strides, np.int64).reshape(len(strides), len(sizes))))


def begins(impl: TensorImpl) -> np.ndarray:
    """The memory from the element with index 0 on."""
    return impl.storage.array[impl.offset :] if impl.offset else impl.storage.array


@functools.lru_cache(4096)
def _plan(fn: Callable[..., Any], sizes: tuple[int, ...], *operands: Any) -> tuple[compiler.Kernel, int, Any, Any]:
    """Kernel, number of elements, sizes and strides. Of each operand, its strides and its dtype are given."""
    strides, dtypes = operands[::2], tuple([dtype.name for dtype in operands[1::2]])
    if not sizes:
        sizes, strides = (1,), ((0,),) * len(strides)
    of_sizes, steps = table(*coalesce(*reorder(sizes, list(strides))))
    row = constant_rows.BY_STEPS.get(tuple(steps[:, -1].tolist()), elementwise.ROWS[len(dtypes) - 1])
    kernel = compiler.kernel(elementwise.elementwise_range, dtypes, row=row, fn=fn)
    return kernel, math.prod(sizes), of_sizes, steps


def elementwise_(fn: Callable[..., Any], out: TensorImpl, *ins: TensorImpl) -> None:
    """`out[index] = fn(ins[0][index], ...)`; the contract is that of module 2's `elementwise`."""
    if 0 in out.sizes:
        return
    if fn in handover.VECTOR and handover.state.enabled and _vector(fn, out, ins[0]):
        return
    layout: list[Any] = []
    memory = []
    for impl in (out, *ins):
        storage = impl.storage
        layout += (impl.strides, storage.dtype)
        memory.append(storage.array[impl.offset :] if impl.offset else storage.array)
    kernel, count, sizes, strides = _plan(fn, out.sizes, *layout)
    if kernel.changed():  # a function was reloaded
        _plan.cache_clear()
        kernel, count, sizes, strides = _plan(fn, out.sizes, *layout)
    if count < 2 * elementwise.GRAIN:  # the second chunk would be a small rest: not worth waking a core
        kernel.serial(0, count, *memory, sizes, strides)
    else:
        elementwise.launch(kernel, count, 1, *memory, sizes, strides)


def _vector(fn: Callable[..., Any], out: TensorImpl, a: TensorImpl) -> bool:
    """Let NumPy do it, if both are contiguous floats of one kind."""
    if out.dtype is not a.dtype or not out.dtype.is_floating_point or not (
            is_contiguous(out.sizes, out.strides) and is_contiguous(a.sizes, a.strides)):
        return False
    count = out.numel
    with np.errstate(all="ignore"):
        handover.VECTOR[fn](begins(a)[:count], out=begins(out)[:count])
    return True


def reduce(fn: Callable[..., Any], out: TensorImpl, a: TensorImpl, dims: Sequence[int], start: Any) -> None:
    """`fn` folded along `dims`, as module 2's `reduce` does it; fn is associative, and start neutral."""
    if 0 in out.sizes:
        return
    if 0 in a.sizes:
        out.numpy()[...] = start
        return
    if fn in handover.FOLDS and handover.state.enabled:
        with np.errstate(all="ignore"):
            handover.FOLDS[fn].reduce(a.numpy(), axis=tuple(dims), out=out.numpy(), keepdims=True)
        return
    start = int(start) if a.dtype.name == "int64" else float(start)
    results, folded, sizes, strides, columns = _reduce_plan(a.sizes, out.strides, a.strides, tuple(sorted(dims)))
    names = (out.dtype.name, a.dtype.name)
    to, source = begins(out), begins(a)
    if columns:
        kernel = compiler.kernel(reductions.columns_range, names, fn=fn, start=start)
        blocks = -(-int(sizes[2]) // reductions.COLUMNS)
        elementwise.launch(kernel, int(sizes[0]) * blocks, folded * reductions.COLUMNS, to, source, sizes, strides)
    elif results == 1 and len(sizes) == 1 and folded > reductions.BLOCK:
        _long(fn, start, names, folded, to, source, sizes, strides)
    else:
        kernel = compiler.kernel(reductions.reduce_range, names, fn=fn, start=start)
        elementwise.launch(kernel, results, folded, to, source, sizes, strides)


def _long(fn: Callable[..., Any], start: Any, names: tuple[str, str], folded: int, to: np.ndarray, source: np.ndarray,
          sizes: np.ndarray, strides: np.ndarray) -> None:
    """One result, of one long row: blocks first, then what they come to."""
    kind = "int64" if names[1] == "int64" else "float64"
    blocks = -(-folded // reductions.BLOCK)
    partials = np.empty(blocks, kind)
    kernel = compiler.kernel(reductions.partial_range, (kind, names[1]), fn=fn, start=start)
    elementwise.launch(kernel, blocks, reductions.BLOCK, partials, source, sizes, strides)
    kernel = compiler.kernel(reductions.reduce_range, (names[0], kind), fn=fn, start=start)
    kernel.serial(0, 1, to, partials, *table((blocks,), [(0,), (1,)]))


@functools.lru_cache(4096)
def _reduce_plan(sizes: tuple[int, ...], out: tuple[int, ...], a: tuple[int, ...],
                 dims: tuple[int, ...]) -> tuple[int, int, np.ndarray, np.ndarray, bool]:
    """Kept dimensions first, then folded ones, each kind coalesced; and whether columns_range fits."""
    kept = [d for d in range(len(sizes)) if d not in dims and sizes[d] != 1]
    folded = [d for d in dims if sizes[d] != 1]
    parts = []
    for group, of_out in ((kept, out), (folded, [0] * len(sizes))):
        if group:
            size = tuple(sizes[d] for d in group)
            parts.append(coalesce(*reorder(size, [tuple(of_out[d] for d in group), tuple(a[d] for d in group)])))
    results = math.prod([sizes[d] for d in kept])
    length = math.prod([sizes[d] for d in folded])
    if kept and folded and len(parts[1][0]) == 1 and len(parts[0][0]) <= 2 and parts[0][1][1][-1] == 1 \
            and parts[1][1][1][0] != 1:
        (*outer, columns), (of_out, of_a) = parts[0]
        (n,), (_, (step,)) = parts[1]
        outer, before = (outer[0], (of_out[0], of_a[0])) if outer else (1, (0, 0))
        return results, length, *table((outer, n, columns), [(before[0], 0, of_out[-1]), (before[1], step, 1)]), True
    joined = [size for part in parts for size in part[0]] or [1]
    strides = [[step for part in parts for step in part[1][k]] or [0] for k in range(2)]
    return results, length, *table(joined, strides), False


_ARG = {ops.gt: np.argmax, base.lt: np.argmin}


def arg_reduce(better: Callable[..., Any], out: TensorImpl, a: TensorImpl, dim: int) -> None:
    """The index along `dim` of the best element, handed over to NumPy, whose NaN wins as PyTorch's does."""
    out.numpy()[...] = _ARG[better](a.numpy(), axis=dim, keepdims=True) if a.sizes else 0


def matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    """`out = a @ b`, by BLAS for floats; else, or where the hand-over is disabled, by the learner's loop."""
    if 0 in out.sizes:
        return
    if handover.state.enabled and out.dtype.is_floating_point:
        with np.errstate(all="ignore"):
            handover.product(a.numpy(), b.numpy(), out.numpy())
        return
    own_matmul(out, a, b)


def own_matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    """`out = a @ b` by the learner's loop."""
    *batch, n, m = out.sizes
    sizes = (*batch, n, m, a.sizes[-1])
    strides = [(*out.strides, 0), (*a.strides[:-1], 0, a.strides[-1]),
               (*b.strides[:-2], 0, b.strides[-1], b.strides[-2])]
    kernel = compiler.kernel(products.matmul_range, (out.dtype.name,) * 3)
    blocks = products.matmul_blocks(sizes)
    work = max(math.prod(sizes) // blocks, 1)
    elementwise.launch(kernel, blocks, work, begins(out), begins(a), begins(b), *table(sizes, strides))


def copy(out: TensorImpl, a: TensorImpl) -> None:
    """`out[index] = a[index]`, converted to the dtype of `out`: NumPy's loops, for any two layouts."""
    if out.dtype is a.dtype:  # nothing that NumPy could warn of
        out.numpy()[...] = a.numpy()
        return
    with np.errstate(all="ignore"):
        out.numpy()[...] = a.numpy()


def fetch(out: TensorImpl, a: TensorImpl, numbers: TensorImpl) -> None:
    """`out[index]` = element number `numbers[index]` of `a`."""
    out.numpy()[...] = a.numpy().reshape(-1)[numbers.numpy()]


def store(out: TensorImpl, numbers: TensorImpl, source: TensorImpl, accumulate: bool) -> None:
    """Element number `numbers[index]` of `out` becomes `source[index]`, or, with `accumulate`, larger by it."""
    if 0 in numbers.sizes:
        return
    where = np.unravel_index(numbers.numpy(), out.sizes) if out.sizes else ()
    if accumulate and out.sizes:
        np.add.at(out.numpy(), where, source.numpy())
    elif accumulate:
        out.numpy()[()] += source.numpy().sum()
    else:
        out.numpy()[where] = source.numpy() if out.sizes else source.numpy().reshape(-1)[-1]


register("elementwise", "cpu", elementwise_)
register("reduce", "cpu", reduce)
register("arg_reduce", "cpu", arg_reduce)
register("matmul", "cpu", matmul)
register("copy", "cpu", copy)
register("fetch", "cpu", fetch)
register("store", "cpu", store)

from terox.parallel import fused_ops  # noqa: E402, F401  It needs what stands above, and registers more.
