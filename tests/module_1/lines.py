"""What the tests of task 1.6 share: a model of one weight and one bias, its batches, and its derivatives by hand."""

from __future__ import annotations

from hypothesis import strategies as st

import terox
from terox.autograd.scalar import Scalar
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter

SMALL = st.integers(-4, 4).map(float)
BATCHES = st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=5)


class Line(Module):
    """`w * x + b`. It remembers in which mode it was called, and whether that was recorded."""

    def __init__(self, w, b):
        super().__init__()
        self.w, self.b = Parameter(Scalar(w)), Parameter(Scalar(b))
        self.seen = []

    def forward(self, xs):
        self.seen.append((self.training, terox.is_grad_enabled()))
        return self.w * xs[0] + self.b


def square(out, target):
    return (out - target) * (out - target)


def by_hand(w, b, batch):
    """Loss and its two derivatives, each the mean over the batch."""
    rests = [w * x + b - target for x, target in batch]
    count = len(batch)
    return (
        sum(rest * rest for rest in rests) / count,
        sum(2.0 * rest * x for rest, (x, _) in zip(rests, batch)) / count,
        sum(2.0 * rest for rest in rests) / count,
    )


def split(batch):
    return [[x] for x, _ in batch], [target for _, target in batch]
