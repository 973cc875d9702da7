"""Reading: PyTorch's layers, and the convolution below them, now that you have written your own.

`make read MODULE=5` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"_ConvNd"` for `torch.nn.modules.conv._ConvNd`.

    a. Your `reset_parameters` draws the weight evenly between two bounds. Which function of `init` does PyTorch call
       for the weight?
       In torch/nn/modules/conv.py, _ConvNd.reset_parameters.
    """
    # TODO 5.R: read each place, then answer with the name.
    raise NotImplementedError("Task 5.R: answers")
