"""Functions that networks are made of, as `torch.nn.functional` has them. Provided: names.

What is given is checked in `*_functions.py`; what computes stands in the learner's files and, for every device, in
window_ops.py.

In PyTorch: `torch/nn/functional.py`.
"""

from __future__ import annotations

from terox.nn.activation_functions import gelu, leaky_relu, relu, sigmoid, silu, tanh
from terox.nn.conv_functions import conv1d, conv2d, fold, unfold
from terox.nn.norm_functions import batch_norm, dropout, layer_norm
from terox.nn.pool_functions import max_pool2d
from terox.tensors.network_ops import cross_entropy, linear

__all__ = ["batch_norm", "conv1d", "conv2d", "cross_entropy", "dropout", "fold", "gelu", "layer_norm", "leaky_relu",
           "linear", "max_pool2d", "relu", "sigmoid", "silu", "tanh", "unfold"]
