"""Batch normalization in NumPy, with its gradients, and what known mistakes give instead."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

EPS = 0.25  # so large that a mistake with it shows in every number


def along(per_channel, dims):
    """(C,) as (1, C, 1, ...)."""
    return np.asarray(per_channel).reshape(1, -1, *[1] * (dims - 2))


def statistics(x):
    """Mean and variance (not corrected) of each channel, and how many elements a channel has."""
    others = tuple(d for d in range(x.ndim) if d != 1)
    mean = x.mean(axis=others)
    return mean, ((x - along(mean, x.ndim)) ** 2).mean(axis=others), x.size // x.shape[1]


def affine(normal, weight, bias):
    if weight is not None:
        normal = normal * along(weight, normal.ndim)
    return normal if bias is None else normal + along(bias, normal.ndim)


def normalized(x, mean, var, eps=EPS):
    return (x - along(mean, x.ndim)) / np.sqrt(along(var, x.ndim) + eps)


def input_gradient(x, weight, grad, through_mean=True, through_var=True, eps=EPS):
    """The gradient for the input in training, or what comes out where one of the statistics is a constant."""
    mean, var, n = statistics(x)
    others = tuple(d for d in range(x.ndim) if d != 1)
    normal = normalized(x, mean, var, eps)
    up = grad if weight is None else grad * along(weight, x.ndim)
    total = up.copy()
    if through_mean:
        total -= along(up.sum(axis=others) / n, x.ndim)
    if through_var:
        total -= normal * along((up * normal).sum(axis=others) / n, x.ndim)
    return total / np.sqrt(along(var, x.ndim) + eps)


def parameter_gradients(normal, grad):
    """The gradients for weight and bias."""
    others = tuple(d for d in range(grad.ndim) if d != 1)
    return (grad * normal).sum(axis=others), grad.sum(axis=others)


class Batch:
    """An input, parameters, running statistics and an upstream gradient, all float64."""

    def __init__(self, x, weight, bias, running_mean, running_var, momentum=0.25, strided=False):
        self.x = np.array(x, dtype=np.float64)
        self.weight, self.bias = _array(weight), _array(bias)
        self.running_mean, self.running_var = _array(running_mean), _array(running_var)
        self.momentum, self.strided = momentum, strided
        self.grad = (np.arange(self.x.size) % 5 + 1.0).reshape(self.x.shape) * np.where(self.x > 0, 1, -2)

    def call(self, training):
        names = ("running_mean", "running_var", "weight", "bias")
        rest = ", ".join(f"{name}={_shown(getattr(self, name))}" for name in names)
        return (f"batch_norm({self.x.tolist()}, {rest}, training={training}, momentum={self.momentum}, eps={EPS})"
                + (", whose input has gaps in memory" if self.strided else ""))

    def __repr__(self):
        return f"an input of shape {list(self.x.shape)}"


def _array(numbers):
    return None if numbers is None else np.array(numbers, dtype=np.float64)


def _shown(array):
    return None if array is None else array.tolist()


SHAPES = [(2, 1), (3, 2), (4, 3), (2, 2, 2), (1, 2, 3), (2, 3, 4), (2, 2, 1, 3), (3, 2, 2, 2), (1, 3, 2, 1)]
# On this one, each mistake gives numbers of its own; all sizes differ, so that a vector fits one dimension at most.
PLAIN = Batch([[[1.0, 2.0, 3.0, 0.0], [4.0, -1.0, 2.0, -3.0], [2.0, 2.0, 5.0, 1.0]],
               [[3.0, 4.0, -1.0, 2.0], [0.0, 5.0, 1.0, 7.0], [-2.0, 3.0, 1.0, 0.0]]],
              [2.0, 3.0, 5.0], [10.0, 20.0, 40.0], [5.0, -5.0, 1.0], [4.0, 9.0, 25.0])


@st.composite
def batches(draw, parameters=True):
    shape = draw(st.sampled_from(SHAPES))
    channels, count = shape[1], int(np.prod(shape))
    x = np.array(draw(st.lists(st.integers(-6, 6), min_size=count, max_size=count))).reshape(shape) / 2.0
    few = st.lists(st.integers(1, 9), min_size=channels, max_size=channels)
    weight, bias, mean, var = (np.array(draw(few), dtype=float) for _ in range(4))
    with_weight, with_bias = (True, True) if parameters else (draw(st.booleans()), draw(st.booleans()))
    return Batch(x, weight if with_weight else None, bias - 4 if with_bias else None, mean - 5, var / 2,
                 draw(st.sampled_from([0.1, 0.25, 0.75])), draw(st.booleans()))
