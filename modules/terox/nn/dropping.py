"""Dropout. Task 5.6.

Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014. In PyTorch:
`torch/nn/functional.py`, `dropout`; `aten/src/ATen/native/Dropout.cpp`.
"""

from __future__ import annotations

from terox.tensors.factories import rand  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor


def dropout(input: Tensor, p: float, training: bool) -> Tensor:
    """In training, each element is replaced by 0 with probability `p`, independently of all others, and those that stay
    are divided by 1 - p, so that the mean stays what it was. Else the input as it is.

    Shapes: input any floats, result the same, on the same device and of the same dtype. p from 0 to 1; where it is 1,
    the result is `input * 0`. The gradient goes the same way as the numbers: 0 for those dropped, scaled for the rest.

    In PyTorch: `torch.nn.functional.dropout`.
    """
    # TODO 5.6: nothing to do outside of training; rand gives numbers from 0 to 1, on a device, in a dtype.

    raise NotImplementedError("Task 5.6: dropout")


# End of the file.
