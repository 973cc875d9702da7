"""What the tests of task 3.5 share: softmax and its gradient from their definitions, number by number, in floats."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

KIND = st.sampled_from(["float64", "float32"])
GUARD = -7.0  # what results hold before the call


def by_definition(row):
    """exp(x) / sum(exp), for floats."""
    top = math.nan if any(map(math.isnan, row)) else max(row)
    if math.isnan(top) or math.isinf(top):
        return [math.nan] * len(row)
    powers = [math.exp(x - top) for x in row]
    total = math.fsum(powers)
    return [power / total for power in powers]


def gradient_by_definition(grad, y):
    """The sum over j of grad[j] * dy[j] / dx[i], where dy[j] / dx[i] is y[j] * ((i == j) - y[i])."""
    return [math.fsum(g * at * ((i == j) - y[i]) for j, (g, at) in enumerate(zip(grad, y))) for i in range(len(y))]


def forward_tolerance(row, kind, terms):
    """(relative, absolute). A difference from the maximum is rounded, which changes its exp in proportion to its size;
    exp is off by two units at most; then come a sum of positive terms, a quotient and a product.
    """
    widest = min(max(row) - min(row), 750.0 if kind == "float64" else 104.0)
    eps = float(np.finfo(kind).eps)
    return eps * (8 + terms + widest), 2 * float(np.finfo(kind).smallest_normal)


def backward_tolerance(grad, y, kind, terms):
    """Absolute: all products and differences are rounded, the sum of products `terms` times."""
    largest = max(map(abs, grad)) + math.fsum(abs(g * at) for g, at in zip(grad, y))
    return float(np.finfo(kind).eps) * (4 + terms) * largest * max(map(abs, y))


def short(kind, values):
    """A row as a message shows it."""
    return "[" + ", ".join(f"{float(x):.9g}" for x in np.asarray(values, kind)) + "]"
