"""Removable hooks: functions that a module calls before and after its `forward`.

In PyTorch: `torch/utils/hooks.py`, `RemovableHandle`.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

_ids = itertools.count()


class RemovableHandle:
    """What `register_forward_hook` returns. `remove()` takes the hook away, also when called twice or in `with`."""

    def __init__(self, hooks: dict[int, Callable[..., Any]]) -> None:
        self.id = next(_ids)
        self._hooks = weakref.ref(hooks)

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class HookDict(dict):
    """A dict that can be referred to weakly, so that a handle does not keep a module alive."""

    __slots__ = ("__weakref__",)

    def add(self, hook: Callable[..., Any]) -> RemovableHandle:
        handle = RemovableHandle(self)
        self[handle.id] = hook
        return handle
