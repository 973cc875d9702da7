"""Batch normalization. Task 5.6.

Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015. In PyTorch: `torch/nn/functional.py`, `batch_norm`;
`aten/src/ATen/native/Normalization.cpp`, `batch_norm_cpu_transform_input_template`,
`batch_norm_cpu_update_stats_template`.
"""

from __future__ import annotations

from terox._grad_mode import no_grad  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None,
               bias: Tensor | None, training: bool, momentum: float, eps: float) -> Tensor:
    """`(input - mean) / sqrt(var + eps) * weight + bias`, channel by channel.

    Shapes: input (N, C, ...), all others (C,), result as the input. In training, mean and variance are those of the
    batch: over all dimensions but the second, the variance without correction (the sum of squares divided by the number
    of elements, n). Else they are the running ones. The gradient flows through mean and variance of the batch.

    The variance is the mean of the squared differences from the mean, as `var` computes it: the mean of the squares
    minus the square of the mean has no digits left where the mean is large.

    In training, the running statistics, where there are any, move in place, without a graph:

        running_mean <- (1 - momentum) * running_mean + momentum * mean
        running_var <- (1 - momentum) * running_var + momentum * var * n / (n - 1)

    n is at least 2. weight and bias may be None: factor 1, nothing added.

    In PyTorch: `torch.nn.functional.batch_norm`.
    """
    # TODO 5.6: which statistics? Their shape, so that channels meet channels; running ones under no_grad, with copy_.

    raise NotImplementedError("Task 5.6: batch_norm")


# End of the file.
