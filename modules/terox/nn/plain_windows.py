"""Windows on the device "python": the learner's loops as they stand. Provided."""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.nn.loops import register_loops
from terox.tensors.storage import TensorImpl


def run(loop: Any, count: int, work: int, operands: list[TensorImpl], sizes: Any, steps: Any) -> None:
    """All units, one after the other."""
    memory = [impl.storage.data[impl.offset :] for impl in operands]
    try:
        loop(0, count, *memory, sizes, steps)
    except TypeError:  # a memoryview is faster, but cannot do `out[a:b] = 0`: an array can
        loop(0, count, *map(np.asarray, memory), sizes, steps)


register_loops("python", run)
