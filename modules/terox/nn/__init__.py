"""Networks. So far the base classes, which module 0 builds; the layers come with module 5.

In PyTorch: `torch/nn/__init__.py`.
"""

from terox.foundations.module import Module
from terox.foundations.parameter import Parameter

__all__ = ["Module", "Parameter"]
