"""Functions that networks are made of, as `torch.nn.functional` has them. Provided: names.

What is given is checked in `*_functions.py`; what computes stands in the learner's files and, for every device, in
window_ops.py.

In PyTorch: `torch/nn/functional.py`.
"""

from __future__ import annotations

from terox.nn.activation_functions import gelu, leaky_relu, relu, sigmoid, silu, tanh
from terox.nn.conv_functions import conv1d, conv2d, fold, unfold
from terox.nn.loss_functions import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
    nll_loss,
    softmax,
)
from terox.nn.norm_functions import batch_norm, dropout, layer_norm
from terox.nn.pool_functions import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from terox.tensors.network_ops import linear

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm",
           "binary_cross_entropy_with_logits", "conv1d", "conv2d", "cross_entropy", "dropout", "fold", "gelu",
           "layer_norm", "leaky_relu", "linear", "log_softmax", "max_pool1d", "max_pool2d", "mse_loss", "nll_loss",
           "relu", "sigmoid", "silu", "softmax", "tanh", "unfold"]
