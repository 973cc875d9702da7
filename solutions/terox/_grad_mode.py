"""The one flag that says whether operations are recorded, below everything that has to ask.

The flag belongs to the thread, as in PyTorch. `terox.autograd.grad_mode` is the public place of these names.

In PyTorch: `c10/core/GradMode.h`; `torch/autograd/grad_mode.py`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


class _State(threading.local):
    enabled = True


state = _State()


def is_grad_enabled() -> bool:
    """Whether operations are recorded now, in this thread."""
    return state.enabled


class set_grad_enabled:
    """Switch recording on or off at once, and, used with `with`, back again at the end of the block."""

    def __init__(self, mode: bool) -> None:
        self.before = state.enabled
        state.enabled = bool(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        state.enabled = self.before


class _Mode:
    """A context manager, and a decorator, under which recording is on or off."""

    mode: bool
    before: Any = None

    def __enter__(self) -> None:
        # A stack, since one object may be entered again while it is active.
        self.before = (state.enabled, self.before)
        state.enabled = self.mode

    def __exit__(self, kind: object = None, error: object = None, traceback: object = None) -> None:
        state.enabled, self.before = self.before

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_Mode):
    """Nothing is recorded under `with no_grad():`, or in a function decorated with `@no_grad()`."""

    mode = False


class enable_grad(_Mode):
    """Operations are recorded, also inside a `no_grad` block."""

    mode = True
