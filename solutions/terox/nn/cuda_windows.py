"""Windows on the device "cuda": kernels of window_kernels.py in the place of the learner's loops. Provided.

A loop of the CPU does a plane or a row at a time, a thread of the GPU one element of the result.

In PyTorch: `aten/src/ATen/native/cuda/Im2Col.cu`, `Col2Im.cu`, `DilatedMaxPool2d.cu`.
"""

from __future__ import annotations

import math
from typing import Any

from terox.cuda.kernels import begins
from terox.cuda.launching import KINDS, over_elements
from terox.nn import window_kernels as kernels
from terox.nn.loops import register_loops
from terox.tensors.storage import TensorImpl

_KERNELS = {"unfold_range": kernels.im2col_kernel, "fold_range": kernels.col2im_kernel,
            "max_pool_range": kernels.max_pool_kernel, "max_pool_back_range": kernels.max_pool_back_kernel}


def run(loop: Any, count: int, work: int, operands: list[TensorImpl], sizes: Any, steps: Any) -> None:
    """What `loop` does, for all elements of the first operand, by its kernel."""
    elements = math.prod(operands[0].sizes)
    if elements:
        dtypes = tuple([impl.dtype.name for impl in operands])
        over_elements(_KERNELS[loop.__name__], dtypes, elements, *[begins(impl) for impl in operands], elements, sizes,
                      steps, kind=KINDS[dtypes[0]])


register_loops("cuda", run)
