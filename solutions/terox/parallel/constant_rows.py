"""Rows in which one operand is a single number, as in `x * 2` or in a column that is added to a matrix. Provided.

Its step is 0, so `zip_row` would take its loop for any steps, which does not become vector instructions. The number
is read once, and the others' elements are neighbors: kernels.py takes these rows where the steps are (1, 1, 0) or
(1, 0, 1).

In PyTorch: `aten/src/ATen/native/cpu/Loops.h`, `vectorized_loop`, whose `S` says which operand is a single number.
"""

from __future__ import annotations

from typing import Any


def zip_number_right(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn(a, number)`."""
    out, a, b = memory
    row, left, number = out[places[0] : places[0] + n], a[places[1] : places[1] + n], b[places[2]]
    for i in range(n):
        row[i] = fn(left[i], number)


def zip_number_left(fn: Any, n: int, memory: Any, places: Any, steps: Any) -> None:
    """`out = fn(number, b)`."""
    out, a, b = memory
    row, number, right = out[places[0] : places[0] + n], a[places[1]], b[places[2] : places[2] + n]
    for i in range(n):
        row[i] = fn(number, right[i])


BY_STEPS = {(1, 1, 0): zip_number_right, (1, 0, 1): zip_number_left}
