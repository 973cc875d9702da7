"""Convolution on the device "cpu", a few windows at a time. Provided.

The learner's conv2d unfolds the whole batch, and then multiplies: the columns are kernel_h * kernel_w times as large as
the input, and travel to memory and back. Here loops work on a tile of some 1000 windows at a time. With a stride of 1
they need no columns (flat_loops.py); otherwise they make those of the tile, multiply, and forget them (fused_loops.py).
The products are their own (fused_products.py), since BLAS cannot be called from a compiled loop. Tiles are shared by
threads that sleep when idle (workers.py).

What makes a tile follows from the sizes alone, and partial sums are added up in order. So the number of threads changes
nothing.

Where the hand-over is disabled, for whole numbers and for sizes of 0, the learner's functions do it.

In PyTorch: `aten/src/ATen/native/ConvolutionMM2d.cpp`; what is used by default is `mkldnn/Conv.cpp`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from terox._numba import add_any_order
from terox.nn import flat_loops, fused_loops
from terox.nn.windows import Pair, windows
from terox.parallel import compiler, elementwise, handover, workers
from terox.parallel.kernels import begins
from terox.parallel.threads import get_num_threads
from terox.tensors.dispatcher import COMPOSITE, KERNELS, register
from terox.tensors.iterator import empty
from terox.tensors.tensor import Tensor

WINDOWS = 1024  # of a tile, about: rows of that length are long enough for vectors, and four fit the first cache
CACHE = 1 << 18  # elements: columns of a tile, about, which the second cache should hold
SHORTEST = 64  # windows of an image for which it pays to make no columns: their rows are this long
MOST_FOR_NOTHING = 1.5  # times the windows that count: as many may be computed then
PARTS = 16  # of the gradient for the weight, at most: each is as large as the weight
JOBS = 2  # for each thread: each should take longer than to wake one
OPERATIONS = 8  # multiplications, in a product, that take as long as one element of an elementwise op


def _images(about: float, n: int) -> int:
    """How many of `n` images make a tile, about as many as given: a power of 2, as the sizes of most batches are."""
    return min(2 ** max(round(math.log2(about)), 0), n)


class Plan:
    """How one convolution is cut into tiles, and what loops get of it."""

    def __init__(self, input_size: tuple[int, ...], weight_size: tuple[int, ...], stride: Pair, padding: Pair,
                 dilation: Pair, groups: int) -> None:
        n, channels, *plane = input_size
        kernels, deep, *kernel = weight_size
        of = windows("convolution", tuple(plane), tuple(kernel), stride, padding, dilation)  # type: ignore[arg-type]
        (out_h, out_w), taps = of.counts, kernel[0] * kernel[1]
        k, own, across = deep * taps, kernels // groups, plane[1] + 2 * padding[1]
        self.out_size, self.matrices = (n, kernels, out_h, out_w), (groups, own, k)
        most = max(min(WINDOWS, CACHE // k), 1)  # windows of a tile
        self.flat = stride == (1, 1) and out_h * out_w >= SHORTEST and MOST_FOR_NOTHING * out_w >= across
        if self.flat:
            images, wide, channels_of_tile = 1, across, CACHE // (across * (plane[0] + 2 * padding[0])) // 4 * 4
        else:
            images, wide, channels_of_tile = _images(most / (out_h * out_w), n), out_w, CACHE // (taps * out_h * out_w)
        high = min(max(most // wide, 1), out_h)
        part = min(max(channels_of_tile, 4 if self.flat else 1), deep)
        self.tiles = -(-n // images) * -(-out_h // high)
        self.work = max(k * kernels * images * high * wide // OPERATIONS, 1)
        several = -(-self.tiles // PARTS)
        self.parts = -(-self.tiles // several)
        self.of_part = several * self.work
        self.input_tiles = -(-n // images) * groups * -(-deep // part)
        self.input_work = max(part * taps * own * images * out_h * wide // OPERATIONS, 1)
        sizes = (n, channels, *plane, *kernel, out_h, out_w, kernels, groups)
        together = images if not self.flat else max(min(most // (high * wide), several), 1) if high == out_h else 1
        self.sizes = np.array([*sizes, high, several, together], np.int64)
        self.input_sizes = np.array([*sizes, part, images], np.int64)
        self.steps = np.array([stride, padding, dilation], np.int64)


plan = functools.lru_cache(1024)(Plan)


def _by_hand(*tensors: Tensor | None) -> bool:
    """Whether the learner's functions are asked for, or better."""
    dtype = tensors[0].impl.storage.dtype  # type: ignore[union-attr]
    return not handover.state.enabled or not dtype.is_floating_point or any(
        [tensor is not None and (0 in tensor.impl.sizes or tensor.impl.storage.dtype is not dtype)
         for tensor in tensors])


def _rows(tensor: Tensor) -> np.ndarray:
    """The numbers, row by row."""
    impl = tensor.contiguous().impl
    return begins(impl)[: math.prod(impl.sizes)]


def _launch(loop: Any, count: int, work: int, sizes: np.ndarray, steps: np.ndarray, *arrays: np.ndarray) -> None:
    kernel = compiler.kernel(loop, (arrays[0].dtype.name,) * len(arrays))
    grain = max(elementwise.GRAIN // work, -(-count // (JOBS * get_num_threads())), 1)

    def do(number: int) -> None:
        kernel.serial(number * grain, min((number + 1) * grain, count), *arrays, sizes, steps)

    workers.share(do, -(-count // grain))


def convolution(input: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair,
                groups: int) -> Tensor:
    """(N, C, H, W) and (O, C / groups, KH, KW) to (N, O, OH, OW)."""
    if _by_hand(input, weight, bias):
        return KERNELS["convolution", COMPOSITE](input, weight, bias, stride, padding, dilation, groups)
    cut = plan(input.impl.sizes, weight.impl.sizes, stride, padding, dilation, groups)
    dtype = input.impl.storage.dtype
    out = empty(cut.out_size, dtype, "cpu")
    array = out.impl.storage.array
    added = np.zeros(cut.out_size[1], array.dtype) if bias is None else _rows(bias)
    loop = flat_loops.flat_forward if cut.flat else fused_loops.forward_tiles
    _launch(loop, cut.tiles, cut.work, cut.sizes, cut.steps, array, _rows(input), _rows(weight),
            added)
    return out


def convolution_input(grad: Tensor, weight: Tensor, input_size: tuple[int, ...], stride: Pair, padding: Pair,
                      dilation: Pair, groups: int) -> Tensor:
    """The gradient for the input, (N, C, H, W)."""
    if not _by_hand(grad, weight) and 0 not in input_size:
        cut = plan(tuple(input_size), weight.impl.sizes, stride, padding, dilation, groups)
        matrices = _rows(weight).reshape(cut.matrices)
        if not cut.flat:
            loop, turned = fused_loops.input_tiles, matrices.swapaxes(1, 2)
        else:
            loop, turned = flat_loops.flat_input, matrices.reshape(*cut.matrices[:2], weight.impl.sizes[1], -1).T
            turned = turned.transpose(3, 0, 1, 2)
        if not cut.flat or np.isfinite(matrices).all():
            out = empty(tuple(input_size), grad.impl.storage.dtype, "cpu")
            _launch(loop, cut.input_tiles, cut.input_work, cut.input_sizes, cut.steps, out.impl.storage.array,
                    _rows(grad), np.ascontiguousarray(turned).reshape(-1))
            return out
    return KERNELS["convolution_input", COMPOSITE](grad, weight, input_size, stride, padding, dilation, groups)


def convolution_weight(grad: Tensor, input: Tensor, weight_size: tuple[int, ...], stride: Pair, padding: Pair,
                       dilation: Pair, groups: int) -> Tensor:
    """The gradient for the weight, (O, C / groups, KH, KW)."""
    if not _by_hand(grad, input) and 0 not in weight_size:
        cut = plan(input.impl.sizes, tuple(weight_size), stride, padding, dilation, groups)
        out = empty(tuple(weight_size), grad.impl.storage.dtype, "cpu")
        array = out.impl.storage.array
        parts = np.empty((cut.parts, len(array)), array.dtype)
        loop = flat_loops.flat_weight if cut.flat else fused_loops.weight_tiles
        _launch(loop, cut.parts, cut.of_part, cut.sizes, cut.steps, parts.reshape(-1), _rows(input), _rows(grad))
        count, own, k = cut.matrices
        with np.errstate(all="ignore"):
            summands = parts.reshape(cut.parts, count, k, own)
            np.add.reduce(summands, axis=0, out=array.reshape(cut.matrices).swapaxes(1, 2))
        if np.isfinite(array).all():  # else, what is not finite may stand where it does not count
            return out
    return KERNELS["convolution_weight", COMPOSITE](grad, input, weight_size, stride, padding, dilation, groups)


def _plane_sums(begin: int, end: int, out: Any, grad: Any, sizes: Any, steps: Any) -> None:
    """The sums of planes `begin` to `end`, of sizes[0] numbers each."""
    n = sizes[0]
    for number in range(begin, end):
        plane, total = grad[number * n : (number + 1) * n], grad.dtype.type(0)
        for x in range(n):
            total = add_any_order(total, plane[x])
        out[number] = total


def convolution_bias(grad: Tensor) -> Tensor:
    """The gradient for the bias, (O,): sums of planes, then their sums in 64 bits."""
    if _by_hand(grad):
        return KERNELS["convolution_bias", COMPOSITE](grad)
    n, kernels, *plane = grad.impl.sizes
    out = empty((kernels,), grad.impl.storage.dtype, "cpu")
    sums = np.empty((n, kernels), out.impl.storage.array.dtype)
    sizes = np.array([plane[0] * plane[1]], np.int64)
    compiler.kernel(_plane_sums, (sums.dtype.name,) * 2).serial(0, n * kernels, sums.reshape(-1), _rows(grad), sizes,
                                                                np.zeros((1, 1), np.int64))
    with np.errstate(all="ignore"):
        out.impl.storage.array[...] = np.add.reduce(sums, axis=0, dtype=np.float64)
    return out


for _op in (convolution, convolution_input, convolution_weight, convolution_bias):
    register(_op.__name__, "cpu", _op)
