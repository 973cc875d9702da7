"""Initial numbers for parameters, in place and without a graph. Provided.

In PyTorch: `torch/nn/init.py`.
"""

from __future__ import annotations

from terox._grad_mode import no_grad
from terox.tensors.factories import rand
from terox.tensors.tensor import Tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Fill with numbers drawn evenly from `a` to `b`."""
    with no_grad():
        return tensor.copy_(rand(tensor.shape, dtype=tensor.dtype, device=tensor.device) * (b - a) + a)
