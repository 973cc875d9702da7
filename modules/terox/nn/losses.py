"""How wrong a classifier is, and the gradient of that, as one Function. Task 5.5.

In PyTorch: `torch/nn/functional.py`, `log_softmax`, `cross_entropy`; `aten/src/ATen/native/LossNLL.cpp`,
`cross_entropy_loss`.
"""

from __future__ import annotations

from typing import Any

from terox.autograd.function import Function
from terox.tensors.tensor import Tensor


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """`log(exp(input) / sum of exp(input) along dim)`, without ever computing exp of a large number.

    Shapes: input any, result the same. To subtract the same number from all elements along `dim` changes nothing, so
    subtract the largest: the largest exponent is then 0. Take the logarithm of the sum only: log(exp(x)) is x. Write it
    with `exp`, `log`, `sum`, `amax`.

    In PyTorch: `torch.nn.functional.log_softmax`.
    """
    # TODO 5.5: subtract the maximum; then subtract the logarithm of the sum of exp.

    raise NotImplementedError("Task 5.5: log_softmax")


class CrossEntropy(Function):
    """The mean of `-log_softmax(input, 1)[n, target[n]]` over the batch.

    Shapes: input (N, C) with N > 0, target (N,) int64 from 0 to C - 1, result ().
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor) -> Tensor:
        """The loss. Save what backward needs: `input` and `target`, not what was computed from them."""
        # TODO 5.5: log-softmax, the right one of each row (gather), the mean.

        raise NotImplementedError("Task 5.5: CrossEntropy.forward")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        """The gradient for `input`, and None for `target`: softmax, minus 1 at the right class, times grad / N.

        `log_softmax(input, 1).exp()` is softmax. Write it with differentiable operations: there may be a second
        derivative. `-input.new_ones(shape)` is a tensor of -1, of the input's dtype and on its device;
        `scatter_add(1, index, source)` gives a new tensor.
        """
        # TODO 5.5: softmax; scatter_add puts a -1 in each row; the scale. Two values are returned.

        raise NotImplementedError("Task 5.5: CrossEntropy.backward")


# End of the file.
