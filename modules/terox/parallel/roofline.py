"""Reading one's own roofline: how fast a kernel could be on this machine. Task 3.6.

Two numbers say much about a kernel before it is written: how many floating-point operations it has to do (FLOP), and
how many bytes it has to move between memory and processor. Two numbers say much about a machine: how many bytes it
moves in a second, and how many floating-point operations it does. `course/measure.py` measures those. No kernel can be
faster than both allow, and that bound is the roofline.

Units, here and everywhere: FLOP (one addition, multiplication, comparison or function such as exp, on one number),
bytes, seconds, GFLOP/s (1e9 FLOP in a second), GB/s (1e9 bytes in a second), FLOP/byte.

After S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore
architectures" (2009). In PyTorch: `torch/utils/flop_counter.py` counts FLOP, and leaves the bytes to you.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a kernel needs at least: floating-point operations, and bytes moved to or from memory. Provided.

    The cost of two kernels, one after the other, is their sum: what the first one writes, the second one reads again.
    """

    flop: int
    bytes: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flop + other.flop, self.bytes + other.bytes)


def numel(shape: Sequence[int]) -> int:
    """How many numbers a tensor of this shape has; 1 for (). Provided.

    Raises ValueError for a size below 1: without numbers there is no kernel to judge; TypeError for what is no shape.
    """
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"a shape is a tuple of sizes, not {shape!r}; `flop` and `itemsize` are given by name")
    if any(size < 1 for size in shape):
        raise ValueError(f"every size has to be at least 1, not {list(shape)}")
    return math.prod(shape)


def positive(**values: float) -> None:
    """Raises ValueError unless all numbers are above 0: `positive(seconds=seconds)`. Provided."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} has to be above 0, not {value}")


def reduce_cost(out: Sequence[int], a: Sequence[int], itemsize: int = 4) -> Cost:
    """What `reduce(fn, out, a, dims, start)` costs, for these shapes. Provided, as an example.

    `fn` is called once for each number of `a`; every number of `a` is read once, every one of `out` written once. The
    values so far are in registers.
    """
    positive(itemsize=itemsize)
    return Cost(flop=numel(a), bytes=itemsize * (numel(a) + numel(out)))


def elementwise_cost(out: Sequence[int], *ins: Sequence[int], flop: int = 1, itemsize: int = 4) -> Cost:
    """What `elementwise(fn, out, *ins)` costs, for these shapes.

    out: the shape of the result. ins: the shapes of the operands before they are broadcast to it, any number of them:
    what is read again comes from a cache, and is moved once. flop: FLOP of one call of `fn`. itemsize: bytes of one
    number.

    A matrix plus a row, `elementwise_cost((2, 3), (2, 3), (3,))`: 6 FLOP, and 4 * (6 + 6 + 3) = 60 bytes.

    Raises ValueError for a size, `flop` or `itemsize` below 1: `numel` and `positive`, provided, do.
    """
    # TODO 3.6: how many calls of fn; how many numbers are written, how many read?

    raise NotImplementedError("Task 3.6: elementwise_cost")


def matmul_cost(n: int, m: int, k: int, itemsize: int = 4) -> Cost:
    """What the product of an (n, k) and a (k, m) matrix costs.

    Each of the n * m results is a sum of k products. The sums begin with 0, so that there are as many additions as
    multiplications. Each matrix is moved once, as if the caches held all of it: no blocking moves less.

    Raises ValueError for a size or `itemsize` below 1.

    In PyTorch: `torch/utils/flop_counter.py`, `mm_flop`.
    """
    # TODO 3.6: what happens in the innermost loop, and how often; what are the shapes of the three matrices?

    raise NotImplementedError("Task 3.6: matmul_cost")


def softmax_cost(rows: int, columns: int, fused: bool, itemsize: int = 4) -> Cost:
    """What a softmax along the rows of a (rows, columns) matrix costs, as one kernel or as five.

    The five, as in `terox/tensors/reductions.py`: the maximum of each row; x minus it; exp; the sum of each row; the
    quotient. Their FLOP are 1 for each number of the matrix in each of the five. Maximum and sum have the shape
    (rows, 1), all else (rows, columns).

    fused: the same operations, but x is read once, the result is written once, and nothing else is in memory. Not
    fused: each of the five reads its operands from memory and writes its result there.

    Raises ValueError for a size or `itemsize` below 1.

    In PyTorch: `aten/src/ATen/native/cpu/SoftmaxKernel.h`, `softmax_lastdim_kernel`: the fused one.
    """
    # TODO 3.6: five costs that are added; which of their bytes are left when nothing between them is in memory?

    raise NotImplementedError("Task 3.6: softmax_cost")


def intensity(cost: Cost) -> float:
    """The arithmetic intensity of a kernel, in FLOP/byte: what it does with each byte that it moves."""
    # TODO 3.6: one quotient.

    raise NotImplementedError("Task 3.6: intensity")


def attainable(intensity: float, bandwidth: float, peak: float) -> float:
    """The roofline: GFLOP/s that a kernel of this intensity (FLOP/byte) can reach at most.

    bandwidth: GB/s of the machine's memory. peak: GFLOP/s of its arithmetic.

    Raises ValueError if any of the three is not above 0.
    """
    # TODO 3.6: bytes come in at `bandwidth`, and each allows `intensity` FLOP. What if that is more than `peak`?

    raise NotImplementedError("Task 3.6: attainable")


def ridge_point(bandwidth: float, peak: float) -> float:
    """The intensity, in FLOP/byte, from which on a kernel can reach `peak` (GFLOP/s), with `bandwidth` in GB/s.

    Raises ValueError if one of the two is not above 0.
    """
    # TODO 3.6: where do the slanted and the flat part of the roof meet?

    raise NotImplementedError("Task 3.6: ridge_point")


def bound_by(cost: Cost, bandwidth: float, peak: float) -> str:
    """What a kernel waits for: "memory" if its intensity lies below the ridge point, else "compute".

    bandwidth: GB/s. peak: GFLOP/s. Raises ValueError if one of the two is not above 0.
    """
    # TODO 3.6: on which side of the ridge does it lie?

    raise NotImplementedError("Task 3.6: bound_by")


def fraction_of_roof(cost: Cost, seconds: float, bandwidth: float, peak: float) -> float:
    """The GFLOP/s that a kernel reaches in `seconds`, divided by those that it could reach at most.

    1.0 is on the roof. More is possible if the operands were in a cache already: that moves more bytes in a second
    than `bandwidth`, which is that of memory.

    bandwidth: GB/s. peak: GFLOP/s. Raises ValueError if one of them, or `seconds`, is not above 0.
    """
    # TODO 3.6: FLOP and seconds give GFLOP/s; then look up.

    raise NotImplementedError("Task 3.6: fraction_of_roof")


# End of the file.
