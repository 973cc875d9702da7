"""Module 1, Scalar autodiff: functions with a forward and a backward, the graph they leave, and the engine.

Its handout is the README.md beside this file. In PyTorch: `torch/autograd/`, `torch/csrc/autograd/`.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module that defines it; imported on first use, as in terox/__init__.py.
_NAMES = {
    "Function": "function",
    "Node": "node",
    "Scalar": "scalar",
    "Variable": "variable",
    "backward": "engine",
    "grad": "engine",
    "gradcheck": "numeric",
    "enable_grad": "grad_mode",
    "is_grad_enabled": "grad_mode",
    "no_grad": "grad_mode",
    "set_grad_enabled": "grad_mode",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'terox.autograd' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"terox.autograd.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES])
