"""Networks: layers, losses, and the functions that they call.

Names are imported when they are first used, so that `terox.nn.Module` costs nothing, and a slip in a file shows only
where that file is needed.

In PyTorch: `torch/nn/__init__.py`, `torch/nn/modules/__init__.py`.
"""

from __future__ import annotations

import importlib
from typing import Any

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter

_MODULES = ("functional", "init")

# Public name -> file of this package.
_NAMES: dict[str, str] = {}
for _file, _names in {
    "activations": "ReLU LeakyReLU GELU SiLU Sigmoid Tanh Softmax LogSoftmax",
    "containers": "Sequential ModuleList Flatten Identity",
    "layers": "Linear Conv2d",
    "lenet": "LeNet",
    "loss_layers": "CrossEntropyLoss NLLLoss MSELoss BCEWithLogitsLoss",
    "norm_layers": "Dropout BatchNorm1d BatchNorm2d LayerNorm",
    "other_layers": "Conv1d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d",
}.items():
    _NAMES |= dict.fromkeys(_names.split(), _file)

__all__ = ["Module", "Parameter", *_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(f"terox.nn.{_NAMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"terox.nn.{name}")
    else:
        raise AttributeError(f"module 'terox.nn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
