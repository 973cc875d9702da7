"""A right solution built another way: the parts in a list."""

from __future__ import annotations

from typing import Any


def accumulate_grad(variable: Any, gradient: Any) -> None:
    parts = [part for part in (variable.grad, gradient) if part is not None]
    variable.grad = parts[0] if len(parts) == 1 else parts[0] + parts[1]
