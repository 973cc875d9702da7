"""A right solution built another way: the sum in the other order."""

from __future__ import annotations

from typing import Any


def accumulate_grad(variable: Any, gradient: Any) -> None:
    before = variable.grad
    variable.grad = gradient if before is None else gradient + before
