"""Points in the plane with two classes that no straight line separates: a scalar network's first proof.

Each function gives `(points, labels)`: (n, 2) float64 and (n,) int64 of 0 and 1. Half of the points, rounded
up, are of class 0; the order is shuffled. The same arguments give the same points on the same version of
NumPy. `noise` is the standard deviation of the normal noise that is added to every coordinate. A wrong `n` or
`noise` raises ValueError.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["circles", "moons", "spiral", "xor"]

Toy = tuple[np.ndarray, np.ndarray]


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Toy:
    """Two half circles of radius 1 that reach into each other.

    Source: scikit-learn, `sklearn.datasets.make_moons`.
    """
    random, labels, ranks = _start("moons", n, noise, seed)
    angle = math.pi * ranks / (n / 2)  # (n,)
    x = np.where(labels == 0, np.cos(angle), 1.0 - np.cos(angle))
    y = np.where(labels == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _finish(random, x, y, labels, noise)


def circles(n: int = 100, noise: float = 0.05, seed: int = 0) -> Toy:
    """A circle of radius 1 (class 0) around one of radius 0.5.

    Source: scikit-learn, `sklearn.datasets.make_circles`.
    """
    random, labels, ranks = _start("circles", n, noise, seed)
    radius = np.where(labels == 0, 1.0, 0.5)
    angle = 2.0 * math.pi * ranks / (n / 2)
    return _finish(random, radius * np.cos(angle), radius * np.sin(angle), labels, noise)


def xor(n: int = 100, noise: float = 0.0, seed: int = 0) -> Toy:
    """A square in each quadrant, from 0.1 to 1 off each axis; class 1 where x and y differ in sign."""
    random, labels, ranks = _start("xor", n, noise, seed)
    size = random.uniform(0.1, 1.0, (n, 2))
    sign = np.where(ranks % 2 == 0, 1.0, -1.0)  # each class fills both of its quadrants
    x, y = sign * size[:, 0], sign * size[:, 1]
    return _finish(random, x, np.where(labels == 0, y, -y), labels, noise)


def spiral(n: int = 100, noise: float = 0.02, seed: int = 0) -> Toy:
    """Two arms around the origin, one and a quarter turns each, the one the other turned by half a circle."""
    random, labels, ranks = _start("spiral", n, noise, seed)
    along = ranks / (n / 2)  # (n,), from 0 at the center to 1
    radius = 0.1 + 0.9 * along
    angle = 2.5 * math.pi * along + math.pi * labels
    return _finish(random, radius * np.cos(angle), radius * np.sin(angle), labels, noise)


def _start(name: str, n: int, noise: float, seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """The generator, the labels (n,), and for each point its number within its class, from 0 on (n,)."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
        raise ValueError(f"{name}: n, the number of points, has to be a whole number from 2 on, not {n!r}.")
    if not (math.isfinite(noise) and noise >= 0.0):
        raise ValueError(f"{name}: noise has to be a finite number from 0 on, not {noise!r}.")
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    labels, ranks = order % 2, order // 2  # so that neither class nor place follows the order of the points
    return random, labels.astype(np.int64), ranks


def _finish(random: np.random.Generator, x: np.ndarray, y: np.ndarray, labels: np.ndarray,
            noise: float) -> Toy:
    points = np.stack([x, y], axis=1)  # (n, 2)
    return points + noise * random.standard_normal(points.shape), labels
