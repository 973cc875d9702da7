"""Terox: a small PyTorch, built by its learner.

The names stand here as they do in `torch/__init__.py`. Each is imported when it is first used (PEP 562), so that
an unfinished or broken later module never breaks an earlier one, and `import terox` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_SUBPACKAGES = ("autograd", "foundations", "nn", "optim")

# Public name -> module that defines it.
_NAMES = {
    "Scalar": "terox.autograd.scalar",
    "no_grad": "terox.autograd.grad_mode",
    "enable_grad": "terox.autograd.grad_mode",
    "set_grad_enabled": "terox.autograd.grad_mode",
    "is_grad_enabled": "terox.autograd.grad_mode",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _SUBPACKAGES:
        value = importlib.import_module(f"terox.{name}")
    else:
        raise AttributeError(f"module 'terox' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES, *_SUBPACKAGES])
