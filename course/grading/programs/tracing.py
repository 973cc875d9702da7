"""What programs share: places of elements, other values for constants, and what a trace has found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


def problems(made: Any) -> list[str]:
    """The kinds of problems of a trace, each once, in alphabetical order."""
    return sorted({problem.kind for problem in made.problems})


def elements(sizes: Sequence[int], strides: Sequence[int]) -> list[int]:
    """The flat places of all elements, the last dimension running fastest."""
    found = np.zeros((), np.int64)
    for size, stride in zip(sizes, strides):
        found = found[..., None] + np.arange(size) * stride
    return found.ravel().tolist()


def table(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and strides as the loops of module 3 take them: int64, (d,) and (number of operands, d)."""
    return np.array(sizes, np.int64), np.array(strides, np.int64).reshape(len(strides), len(sizes))


@contextmanager
def patched(module: Any, **values: Any) -> Iterator[None]:
    """Other values for a module's names, as long as it lasts."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
