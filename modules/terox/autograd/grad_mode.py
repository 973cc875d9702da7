"""Whether operations are recorded: the public place of `no_grad` and its kin.

In PyTorch: `torch/autograd/grad_mode.py`.
"""

from terox._grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]
