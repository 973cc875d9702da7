"""The basic kernels of the device "cuda": what the host does before a kernel starts; and their registration. Provided.

Each brings the operands into the form that kernels take: memory that begins at the element with index 0, few
dimensions, sizes and strides as tuples; and chooses grid and block. Kernels are the learner's, and loops.py's.

Numbers are added and multiplied in the dtype that they have, as PyTorch does it on a GPU: there, 64 bits can cost many
times as much as 32. A tree of sums keeps the error small.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from terox.cuda import loops, runtime
from terox.cuda.launching import KINDS, MOST_X, MOST_YZ, block_for, launch, over_elements
from terox.cuda.matmul import matmul_kernel
from terox.cuda.memory import DeviceMemory
from terox.cuda.other_elementwise import KERNELS as BY_INPUTS
from terox.cuda.packing import Packed, Sizes, pack, pack_in_order, padded, pieces, place
from terox.cuda.reduce import parts_for, reduce_kernel
from terox.foundations import operators as base
from terox.parallel.coalescing import coalesce, reorder
from terox.tensors import device as devices
from terox.tensors.dispatcher import register
from terox.tensors.dtype import dtype as DType
from terox.tensors.layout import contiguous_strides, is_contiguous
from terox.tensors.storage import Storage, TensorImpl


def allocate(count: int, dtype: DType) -> Storage:
    """Memory of the GPU for a tensor."""
    return Storage(DeviceMemory(count, dtype.numpy), dtype, "cuda")


def begins(impl: TensorImpl, by: int = 0) -> Any:
    """The memory from the element with index 0 on, or from one that lies `by` places further."""
    return impl.storage.array.at(impl.offset + by)


def new(sizes: Sizes, dtype: DType) -> TensorImpl:
    """A contiguous tensor, not set."""
    return TensorImpl(allocate(math.prod(sizes), dtype), sizes, contiguous_strides(sizes))


def set_all(memory: DeviceMemory, value: Any) -> None:
    """Make every number of a piece of memory `value`."""
    if len(memory):
        over_elements(loops.set_kernel, (memory.dtype.name,), len(memory), memory.at(0), len(memory), value)


# ---- Elementwise ----


def elementwise(fn: Callable[..., Any], out: TensorImpl, *ins: TensorImpl) -> None:
    """`out[index] = fn(ins[0][index], ...)`; the contract is that of module 2's `elementwise`, for up to 3 inputs."""
    if 0 in out.sizes:
        return
    if len(ins) >= len(BY_INPUTS):
        raise NotImplementedError(f"the device 'cuda' has no elementwise kernel for {len(ins)} inputs")
    operands = (out, *ins)
    sizes, strides = pack(out.sizes, *[impl.strides for impl in operands])
    count = out.numel
    over_elements(BY_INPUTS[len(ins)], tuple([impl.storage.dtype.name for impl in operands]), count,
                  *[begins(impl) for impl in operands], count, sizes, strides, fn=fn)


def copy(out: TensorImpl, a: TensorImpl) -> None:
    """`out[index] = a[index]`, converted to the dtype of `out`."""
    fn = base.id
    if out.dtype is not a.dtype and out.dtype.name == "bool":
        fn = loops.truth
    elif out.dtype.name == "int64" and a.dtype.is_floating_point:
        fn = loops.whole
    elementwise(fn, out, a)


# ---- Reductions ----


@functools.lru_cache(4096)
def _reduce_plan(sizes: Sizes, strides: Sizes, dims: tuple[int, ...]) -> tuple[Sizes, Sizes, int, Packed]:
    """Kept dimensions in order, their sizes and strides; the number of elements of one result, and where they are."""
    kept = [d for d in range(len(sizes)) if d not in dims]
    of_folded, steps = tuple([sizes[d] for d in dims]), tuple([strides[d] for d in dims])
    of_kept, (steps_kept,) = coalesce(tuple([sizes[d] for d in kept]), [tuple([strides[d] for d in kept])])
    return of_kept, steps_kept, math.prod(of_folded), padded(*coalesce(*reorder(of_folded, [steps])))


def reduce(fn: Callable[..., Any], out: TensorImpl, a: TensorImpl, dims: Sequence[int], start: Any) -> None:
    """`fn` folded along `dims`, as module 2's `reduce` does it; fn is associative and commutative, start neutral."""
    if 0 in out.sizes:
        return
    if out.sizes == a.sizes or 0 in a.sizes:  # one element for each result, or none
        first = new((), a.dtype if out.sizes == a.sizes else out.dtype)
        set_all(first.storage.array, start)
        copy(out, first.expand(out.sizes)) if 0 in a.sizes else elementwise(fn, out, first.expand(out.sizes), a)
        return
    to = out if is_contiguous(out.sizes, out.strides) else new(out.sizes, out.dtype)
    kept, strides, length, folded = _reduce_plan(a.sizes, a.strides, tuple(sorted(dims)))
    number = 0
    for index, sizes in pieces(kept, MOST_X):
        results = math.prod(sizes)
        _fold(fn, start, begins(to, number), to.dtype.name, begins(a, place(index, strides)), a.dtype.name, results,
              length, padded(sizes, [strides]), folded)
        number += results
    if to is not out:
        copy(out, to)


def _fold(fn: Callable[..., Any], start: Any, to: Any, dtype: str, a: Any, dtype_a: str, results: int, length: int,
          kept: Packed, folded: Packed) -> None:
    """Blocks fold; where several share a result, a second pass folds what they have got."""
    kind = KINDS[dtype_a]
    bound = {"fn": fn, "start": start if kind is not np.int64 else int(start), "kind": kind}
    block = block_for(length)
    parts = parts_for(results, length, block, runtime.MOST_BLOCKS)
    (kept_sizes, (kept_strides,)), (sizes, (strides,)) = kept, folded
    if parts == 1:
        launch(reduce_kernel, (dtype, dtype_a), results, block, to, a, length, 1, kept_sizes, kept_strides, sizes,
               strides, **bound)
        return
    name = np.dtype(kind).name
    partials = DeviceMemory(results * parts, kind)
    launch(reduce_kernel, (name, dtype_a), results * parts, block, partials.at(0), a, length, parts, kept_sizes,
           kept_strides, sizes, strides, **bound)
    launch(reduce_kernel, (dtype, name), results, block_for(parts), to, partials.at(0), parts, 1, (results,),
           (parts,), (parts,), (1,), **bound)


def arg_reduce(better: Callable[..., Any], out: TensorImpl, a: TensorImpl, dim: int) -> None:
    """The index along `dim` of the best element; NaN beats everything, and of several that are equal, it is the first.
    """
    if 0 in out.sizes:
        return
    length = a.sizes[dim]
    threads = block_for(length)
    while threads > length:  # each thread begins with an element of its own
        threads //= 2
    rows = tuple([size for d, size in enumerate(a.sizes) if d != dim])
    strides = [tuple([step for d, step in enumerate(impl.strides) if d != dim]) for impl in (out, a)]
    for index, sizes in pieces(rows, MOST_X):
        launch(loops.arg_reduce_kernel, (out.dtype.name, a.dtype.name), math.prod(sizes), threads,
               begins(out, place(index, strides[0])), begins(a, place(index, strides[1])), length, a.strides[dim],
               *pack(sizes, *strides), better=better, kind=KINDS[a.dtype.name])


# ---- Products of matrices ----


def matmul(out: TensorImpl, a: TensorImpl, b: TensorImpl) -> None:
    """`out = a @ b`, with a batch of equal dimensions in front."""
    if 0 in out.sizes:
        return
    *batch, n, m = out.sizes
    k, tile = a.sizes[-1], runtime.TILE
    if k == 0:
        zero = new((), out.dtype)
        set_all(zero.storage.array, 0)
        copy(out, zero.expand(out.sizes))
        return
    operands = (out, a, b)
    strides = [impl.strides[:-2] for impl in operands]
    steps = tuple([impl.strides[-2:] for impl in operands])
    across, most = -(-m // tile), MOST_YZ * tile
    for index, sizes in pieces(tuple(batch), MOST_YZ):
        moves = [place(index, each) for each in strides]
        of_batch, batch_strides = pack(sizes, *strides)
        for row in range(0, n, most):
            rows = min(n - row, most)
            launch(matmul_kernel, (out.dtype.name,) * 3, (across, -(-rows // tile), math.prod(sizes)), (tile, tile),
                   begins(out, moves[0] + row * steps[0][0]), begins(a, moves[1] + row * steps[1][0]),
                   begins(b, moves[2]), (rows, m, k), steps, of_batch, batch_strides, kind=KINDS[out.dtype.name])


# ---- Elements by number ----


def fetch(out: TensorImpl, a: TensorImpl, numbers: TensorImpl) -> None:
    """`out[index]` = element number `numbers[index]` of `a`, counted with the last dimension running fastest."""
    if 0 in out.sizes:
        return
    count = out.numel
    over_elements(loops.fetch_kernel, (out.dtype.name, a.dtype.name, "int64"), count, begins(out), begins(a),
                  begins(numbers), count, *pack(out.sizes, out.strides, numbers.strides),
                  *_one(pack_in_order(a.sizes, a.strides)))


def store(out: TensorImpl, numbers: TensorImpl, source: TensorImpl, accumulate: bool) -> None:
    """Element number `numbers[index]` of `out` becomes `source[index]`, or, with `accumulate`, larger by it.

    Where several become the same element, one of them wins; nobody knows which. So it is in PyTorch.
    """
    if 0 in numbers.sizes:
        return
    count = numbers.numel
    loop = loops.store_kernel
    if accumulate:
        loop = loops.store_or_kernel if out.dtype.name == "bool" else loops.store_add_kernel
    over_elements(loop, (out.dtype.name, "int64", source.dtype.name), count, begins(out), begins(numbers),
                  begins(source), count, *pack(numbers.sizes, numbers.strides, source.strides),
                  *_one(pack_in_order(out.sizes, out.strides)))


def _one(packed: Packed) -> tuple[Sizes, Sizes]:
    """Sizes and strides of a single operand."""
    sizes, (strides,) = packed
    return sizes, strides


devices.ALLOCATORS["cuda"] = allocate
for _name, _kernel in {"elementwise": elementwise, "reduce": reduce, "arg_reduce": arg_reduce, "matmul": matmul,
                       "copy": copy, "fetch": fetch, "store": store}.items():
    register(_name, "cuda", _kernel)

from terox.cuda import fused_ops, index_ops  # noqa: E402, F401  They need what stands above, and register more.
