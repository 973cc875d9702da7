"""Windows on the device "cpu": the learner's loops, compiled by module 3, and what is faster. Provided."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from terox.nn import fused_conv, fused_pool  # noqa: F401  fused_conv registers more.
from terox.nn.loops import register_loops
from terox.parallel import compiler, elementwise
from terox.parallel.kernels import begins
from terox.tensors.storage import TensorImpl


@functools.lru_cache(1024)
def _tables(sizes: Any, steps: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.array(sizes, np.int64), np.array(steps, np.int64)


def run(loop: Any, count: int, work: int, operands: list[TensorImpl], sizes: Any, steps: Any) -> None:
    """The units, shared among the cores where there is enough to do."""
    if count:
        kernel = compiler.kernel(loop, tuple([impl.dtype.name for impl in operands]))
        elementwise.launch(kernel, count, max(work, 1), *[begins(impl) for impl in operands], *_tables(sizes, steps))


register_loops("cpu", run)
fused_pool.register_over_loops()
