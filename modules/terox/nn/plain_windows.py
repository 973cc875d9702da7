"""Windows on the device "python": the learner's loops as they stand. Provided."""

from __future__ import annotations

from typing import Any

from terox.nn.loops import register_loops
from terox.tensors.storage import TensorImpl


def run(loop: Any, count: int, work: int, operands: list[TensorImpl], sizes: Any, steps: Any) -> None:
    """All units, one after the other. A loop gets arrays, and no memoryviews, so that it may write whole slices."""
    loop(0, count, *[impl.storage.array[impl.offset :] for impl in operands], sizes, steps)


register_loops("python", run)
