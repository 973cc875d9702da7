"""Networks. So far the base classes, which module 0 builds; the layers come with module 5.

In PyTorch: `torch/nn/__init__.py`.
"""

from typing import Any

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter

__all__ = ["Module", "Parameter"]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'terox.nn' has no attribute {name!r}; layers and losses come with module 5")
