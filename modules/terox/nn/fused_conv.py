"""Convolution on the device "cpu", a few images at a time. Provided.

The learner's conv2d unfolds the whole batch, and then multiplies: the columns are kernel_h * kernel_w times as large as
the input, and travel to memory and back. Here they are made for so few images that they stay in the second cache of a
core until they have been used, and are made again for the gradient of the weight. BLAS writes each product where the
result lies, and the bias is added there while it is still near. The jobs are shared by Python's own threads (see
workers.py), with products in pieces for which BLAS uses no threads itself; where such pieces would be too thin, this
thread does all jobs, and BLAS uses its threads for each product.

Which images make a job follows from the sizes alone, and partial sums are added up in the order of the jobs. So the
number of threads changes nothing.

Where the hand-over to BLAS is disabled, for whole numbers and for sizes of 0, the learner's functions do it.

In PyTorch: `aten/src/ATen/native/ConvolutionMM2d.cpp`; what is used by default is `mkldnn/Conv.cpp`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from terox.nn import fused_loops
from terox.nn.windows import Pair, windows
from terox.parallel import compiler, handover, workers
from terox.parallel.kernels import begins
from terox.tensors.dispatcher import COMPOSITE, KERNELS, register
from terox.tensors.iterator import empty
from terox.tensors.tensor import Tensor

CACHE = 1 << 17  # elements: columns of a job; a float32 takes 4 bytes, the second cache of a core holds 1 to 2 MiB
THIN = 16  # columns: a product of fewer at a time is slow


class Job(NamedTuple):
    """Images `first` to `last`, of each the channels `channel` to `end`, and the windows of rows `top` to `bottom`."""

    first: int
    last: int
    group: int
    channel: int
    end: int
    top: int
    bottom: int


class Plan:
    """How one convolution is cut into jobs, with all of its sizes; what kernels get of them."""

    def __init__(self, input_size: tuple[int, ...], weight_size: tuple[int, ...], stride: Pair, padding: Pair,
                 dilation: Pair, groups: int) -> None:
        n, channels, *plane = input_size
        kernels, deep, *kernel = weight_size
        self.of = windows("convolution", tuple(plane), tuple(kernel), stride, padding, dilation)  # type: ignore
        self.n, self.channels, self.deep, self.groups = n, channels, deep, groups
        self.out_h, self.out_w = self.of.counts
        self.wide = plane[1] + 2 * padding[1] if stride == (1, 1) else self.out_w
        self.taps = kernel[0] * kernel[1]
        self.steps = np.array(self.of.steps, np.int64)
        self.weights = groups, kernels // groups, deep * self.taps
        self.out_size = n, kernels, self.out_h, self.out_w
        self.results = n, groups, kernels // groups, self.out_h * self.out_w
        columns = channels * self.taps * self.out_h * self.wide
        self.whole = columns <= 2 * CACHE  # whether jobs are whole images
        if self.whole:
            jobs = -(-n // max(1, CACHE // columns))
            count = -(-n // (jobs + jobs % 2))  # an even number of jobs, of about the same size
            self.by_rows = [Job(first, min(first + count, n), 0, 0, channels, 0, self.out_h)
                            for first in range(0, n, count)]
            self.by_channels = self.by_rows
        else:
            high = max(1, CACHE // (deep * self.taps * self.out_w))
            part = max(1, CACHE // (self.taps * self.out_h * self.wide))
            self.by_rows = [Job(image, image + 1, group, group * deep, (group + 1) * deep, top,
                                min(top + high, self.out_h))
                            for image in range(n) for group in range(groups) for top in range(0, self.out_h, high)]
            self.by_channels = [Job(image, image + 1, group, first, min(first + part, (group + 1) * deep), 0,
                                    self.out_h)
                                for image in range(n) for group in range(groups)
                                for first in range(group * deep, (group + 1) * deep, part)]
        # Whether Python's threads share the jobs, each with products in pieces; else BLAS has its own for each product.
        self.threads = self.weights[1] * self.weights[2] * THIN <= handover.SMALL
        self.multiply = handover.in_pieces if self.threads else np.matmul

    def share(self, do: Callable[[int], None], jobs: list[Job]) -> None:
        """`do(number)` for all jobs."""
        if self.threads:
            workers.share(do, len(jobs))
        else:
            for number in range(len(jobs)):
                do(number)

    def unfold(self, job: Job, input: np.ndarray, name: str) -> np.ndarray:
        """The columns of a job: (channels, kernel_h, kernel_w, rows, out_w) for each image, flat."""
        height, width = self.of.plane
        kernel = compiler.kernel(fused_loops.unfold_planes, (name, name))
        count = (job.last - job.first) * (job.end - job.channel) * self.taps * (job.bottom - job.top) * self.out_w
        columns = scratch(count + fused_loops.PIECE, input.dtype)
        sizes = np.array([height, width, *self.of.kernel, self.out_w, job.top, job.bottom], np.int64)
        first = job.first * self.channels + job.channel
        planes = (job.last - job.first) * (job.end - job.channel)
        kernel.serial(0, planes, columns, input[first * height * width :], sizes, self.steps)
        return columns[:count]


plan = functools.lru_cache(1024)(Plan)
_memory = threading.local()


def scratch(count: int, dtype: np.dtype, which: str = "columns") -> np.ndarray:
    """Memory for a job, the same for the next job of this thread; but not kept if it is large."""
    found = getattr(_memory, which, None)
    size = count * dtype.itemsize
    if found is None or len(found) < size:
        found = np.empty(size, np.uint8)
        if count <= 3 * CACHE:
            setattr(_memory, which, found)
    return found[:size].view(dtype)


def forget_scratch() -> None:
    """Give back the memory that is kept for jobs: 1.5 MiB and less for each thread."""
    global _memory
    _memory = threading.local()


def _by_hand(*tensors: Tensor | None) -> bool:
    """Whether the learner's functions are asked for, or better."""
    dtype = tensors[0].impl.storage.dtype  # type: ignore[union-attr]
    return not handover.state.enabled or not dtype.is_floating_point or any(
        [tensor is not None and (0 in tensor.impl.sizes or tensor.impl.storage.dtype is not dtype)
         for tensor in tensors])


def _rows(tensor: Tensor) -> tuple[np.ndarray, str]:
    """The numbers, row by row, and what they are."""
    impl = tensor.contiguous().impl
    return begins(impl)[: impl.numel], impl.storage.dtype.name


def convolution(input: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair,
                groups: int) -> Tensor:
    """(N, C, H, W) and (O, C / groups, KH, KW) to (N, O, OH, OW)."""
    if _by_hand(input, weight, bias):
        return KERNELS["convolution", COMPOSITE](input, weight, bias, stride, padding, dilation, groups)
    cut = plan(input.impl.sizes, weight.impl.sizes, stride, padding, dilation, groups)
    (source, name), matrices = _rows(input), _rows(weight)[0].reshape(cut.weights)
    out = empty(cut.out_size, input.impl.storage.dtype, "cpu")
    result = out.impl.storage.array.reshape(cut.results)
    added = None if bias is None else bias.impl.numpy().reshape(cut.weights[0], cut.weights[1], 1)

    def do(number: int) -> None:
        job = cut.by_rows[number]
        columns = cut.unfold(job, source, name)
        groups = slice(None) if cut.whole else slice(job.group, job.group + 1)
        part = result[job.first : job.last, groups, :, job.top * cut.out_w : job.bottom * cut.out_w]
        with np.errstate(all="ignore"):
            cut.multiply(matrices[groups], columns.reshape(len(part), part.shape[1], cut.weights[2], -1), part)
            if added is not None:
                np.add(part, added[groups], out=part)

    cut.share(do, cut.by_rows)
    return out


def convolution_input(grad: Tensor, weight: Tensor, input_size: tuple[int, ...], stride: Pair, padding: Pair,
                      dilation: Pair, groups: int) -> Tensor:
    """The gradient for the input, (N, C, H, W)."""
    if _by_hand(grad, weight) or 0 in input_size:
        return KERNELS["convolution_input", COMPOSITE](grad, weight, input_size, stride, padding, dilation, groups)
    cut = plan(tuple(input_size), weight.impl.sizes, stride, padding, dilation, groups)
    (upstream, name), matrices = _rows(grad), _rows(weight)[0].reshape(cut.weights)
    flat = stride == (1, 1)
    if flat and cut.wide != cut.out_w and not np.isfinite(matrices).all():
        # Zeros behind the rows, times inf, would be NaN.
        return KERNELS["convolution_input", COMPOSITE](grad, weight, input_size, stride, padding, dilation, groups)
    out = empty(tuple(input_size), grad.impl.storage.dtype, "cpu")
    result, (height, width), dtype = out.impl.storage.array, cut.of.plane, upstream.dtype
    upstream = upstream.reshape(cut.results)
    fold = compiler.kernel(fused_loops.fold_wide if flat else fused_loops.fold_planes, (name, name))
    sizes = np.array([height, width, *cut.of.kernel, cut.out_h, cut.out_w], np.int64)
    turned = matrices.swapaxes(1, 2)
    length = cut.out_h * cut.wide

    def do(number: int) -> None:
        job = cut.by_channels[number]
        images, channels = job.last - job.first, job.end - job.channel
        groups = slice(None) if cut.whole else slice(job.group, job.group + 1)
        rows = slice(None) if cut.whole else slice((job.channel - job.group * cut.deep) * cut.taps,
                                                   (job.end - job.group * cut.deep) * cut.taps)
        part = upstream[job.first : job.last, groups]
        if cut.wide != cut.out_w:
            part = _widened(part, cut, name)
        columns = scratch(images * channels * cut.taps * length, dtype)
        with np.errstate(all="ignore"):
            cut.multiply(turned[groups, rows], part, columns.reshape(images, part.shape[1], -1, length))
        first = job.first * cut.channels + job.channel
        fold.serial(0, images * channels, result[first * height * width :], columns, sizes, cut.steps)

    cut.share(do, cut.by_channels)
    return out


def _widened(part: np.ndarray, cut: Plan, name: str) -> np.ndarray:
    """The same with zeros behind each row of out_w, as many as there are columns in a plane with its padding."""
    count = part.size // cut.out_w
    wide = scratch(count * cut.wide, part.dtype, "wide")
    kernel = compiler.kernel(fused_loops.widen_rows, (name, name))
    kernel.serial(0, count, wide, np.ascontiguousarray(part).reshape(-1), np.array([cut.out_w, cut.wide], np.int64),
                  cut.steps)
    return wide.reshape(*part.shape[:-1], cut.out_h * cut.wide)


def convolution_weight(grad: Tensor, input: Tensor, weight_size: tuple[int, ...], stride: Pair, padding: Pair,
                       dilation: Pair, groups: int) -> Tensor:
    """The gradient for the weight, (O, C / groups, KH, KW)."""
    if _by_hand(grad, input) or 0 in weight_size:
        return KERNELS["convolution_weight", COMPOSITE](grad, input, weight_size, stride, padding, dilation, groups)
    cut = plan(input.impl.sizes, tuple(weight_size), stride, padding, dilation, groups)
    (source, name), upstream = _rows(input), _rows(grad)[0].reshape(cut.results).swapaxes(2, 3)
    out = empty(tuple(weight_size), grad.impl.storage.dtype, "cpu")
    result = out.impl.storage.array.reshape(cut.weights).swapaxes(1, 2)  # (groups, deep * taps, kernels)
    partial: list[Any] = [None] * len(cut.by_channels)

    def do(number: int) -> None:
        job = cut.by_channels[number]
        columns = cut.unfold(job, source, name)
        part = upstream[job.first : job.last, slice(None) if cut.whole else slice(job.group, job.group + 1)]
        with np.errstate(all="ignore"):
            columns = columns.reshape(*part.shape[:2], -1, part.shape[2])
            products = np.empty((*columns.shape[:3], part.shape[3]), columns.dtype)
            cut.multiply(columns, part, products)
            partial[number] = np.add.reduce(products, axis=0)

    cut.share(do, cut.by_channels)
    with np.errstate(all="ignore"):
        if cut.whole:
            np.add.reduce(partial, axis=0, out=result)
        else:
            result[...] = 0
            for job, each in zip(cut.by_channels, partial):
                first = job.channel - job.group * cut.deep
                result[job.group, first * cut.taps : (first + job.end - job.channel) * cut.taps] += each[0]
    return out


def convolution_bias(grad: Tensor) -> Tensor:
    """The gradient for the bias, (O,): sums of planes, then their sums in 64 bits."""
    if _by_hand(grad):
        return KERNELS["convolution_bias", COMPOSITE](grad)
    n, kernels, *plane = grad.impl.sizes
    out = empty((kernels,), grad.impl.storage.dtype, "cpu")
    with np.errstate(all="ignore"):
        sums = np.add.reduce(_rows(grad)[0].reshape(n, kernels, plane[0] * plane[1]), axis=2)
        out.impl.storage.array[...] = np.add.reduce(sums, axis=0, dtype=np.float64)
    return out


for _op in (convolution, convolution_input, convolution_weight, convolution_bias):
    register(_op.__name__, "cpu", _op)
