"""How many threads and blocks a kernel of the device "cuda" gets; and the start itself. Provided.

A grid has at most 2147483647 blocks in x, but 65535 in y and z: what does not fit is done in several launches.

In PyTorch: `aten/src/ATen/cuda/detail/KernelUtils.h`; `aten/src/ATen/native/cuda/Reduce.cuh`, `setReduceConfig`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from terox.cuda import compiler, runtime
from terox.cuda.elementwise import blocks_for

MOST_X = 2**31 - 1
MOST_YZ = 2**16 - 1

# Of the numbers of each dtype, the kind in which kernels compute. bool is counted.
KINDS: dict[str, Any] = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "bool": np.int64}

WARP = 32  # threads that run in step; a smaller block would leave some of them idle


def launch(loop: Callable[..., None], dtypes: tuple[str, ...], grid: Any, block: Any, *args: Any,
           **bound: Any) -> None:
    """Run a kernel. dtypes: those of the arrays among `args`; bound: the kernel's first parameters."""
    compiler.kernel(loop, dtypes, **bound).launch(grid, block, *args)


def over_elements(loop: Callable[..., None], dtypes: tuple[str, ...], count: int, *args: Any, **bound: Any) -> None:
    """Run a kernel with a grid-stride loop over `count` elements, at least 1."""
    launch(loop, dtypes, blocks_for(count, runtime.BLOCK, runtime.MOST_BLOCKS), runtime.BLOCK, *args, **bound)


def block_for(length: int) -> int:
    """Threads of a block that shares `length` elements: a power of two, at most BLOCK, not many more than elements."""
    threads = WARP if runtime.ON_GPU else 1
    while threads < length and threads < runtime.BLOCK:
        threads *= 2
    return threads
