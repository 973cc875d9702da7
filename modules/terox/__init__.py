"""Terox: a small PyTorch, built by its learner.

The names stand here as they do in `torch/__init__.py`. Each is imported when it is first used (PEP 562), so that
an unfinished or broken later module never breaks an earlier one, and `import terox` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_SUBPACKAGES = ("autograd", "cuda", "foundations", "nn", "optim", "tensors")

# Public name -> module that defines it.
_NAMES = {
    "Scalar": "terox.autograd.scalar",
    "no_grad": "terox.autograd.grad_mode",
    "enable_grad": "terox.autograd.grad_mode",
    "set_grad_enabled": "terox.autograd.grad_mode",
    "is_grad_enabled": "terox.autograd.grad_mode",
    "Tensor": "terox.tensors.tensor",
    "Size": "terox.tensors.inspecting",
    "set_default_device": "terox.tensors.device",
    "get_default_device": "terox.tensors.device",
    "set_num_threads": "terox.parallel.threads",
    "get_num_threads": "terox.parallel.threads",
}
for _module, _names in {
    "dtype": "dtype float32 float64 int64 bool get_default_dtype set_default_dtype promote_types result_type "
             "can_cast",
    "factories": "tensor from_numpy full zeros ones empty zeros_like ones_like full_like arange linspace eye "
                 "manual_seed rand randn randint randperm cat stack where",
    "functional": "add sub mul div pow matmul maximum minimum exp log relu sigmoid tanh sqrt rsqrt sin cos erf abs "
                  "clamp sum mean prod amax amin max min argmax argmin all any var std logsumexp softmax log_softmax "
                  "gather broadcast_shapes broadcast_to isclose mm isnan isinf isfinite logical_not permute transpose "
                  "reshape flatten squeeze unsqueeze allclose equal",
}.items():
    _NAMES |= dict.fromkeys(_names.split(), f"terox.tensors.{_module}")


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
