"""Tests of course/toy.py: two classes of points in the plane."""

from __future__ import annotations

import math

import numpy as np
import pytest

from course import datasets, toy

TOYS = [toy.moons, toy.circles, toy.xor, toy.spiral]


@pytest.mark.parametrize("make", TOYS)
@pytest.mark.parametrize("n", [2, 3, 50, 101])
def test_toy_sets_are_balanced_and_repeatable(make, n):
    points, labels = make(n, 0.1, 3)
    assert points.shape == (n, 2) and points.dtype == np.float64 and np.all(np.isfinite(points))
    assert labels.shape == (n,) and labels.dtype == np.int64
    assert np.array_equal(np.bincount(labels, minlength=2), [n - n // 2, n // 2])
    again, same = make(n, noise=0.1, seed=3)
    assert np.array_equal(points, again) and np.array_equal(labels, same)
    assert not np.array_equal(points, make(n, 0.1, 4)[0])
    assert getattr(datasets, make.__name__) is make


@pytest.mark.parametrize("make", TOYS)
def test_toy_sets_are_shuffled_and_no_line_separates_them(make):
    points, labels = make(400, 0.0, 0)
    assert 60 < labels[:200].sum() < 140
    for half in (points[:200], points[200:]):  # neither half covers only a part of the shape
        assert np.allclose(half.min(axis=0), points.min(axis=0), atol=0.2)
        assert np.allclose(half.max(axis=0), points.max(axis=0), atol=0.2)
    inputs = np.c_[points, np.ones(400)]
    weights = np.linalg.lstsq(inputs, 2.0 * labels - 1.0, rcond=None)[0]
    assert np.mean((inputs @ weights > 0) == labels) < 0.93


def test_toy_sets_without_noise_lie_on_their_shapes():
    points, labels = toy.circles(60, 0.0)
    assert np.allclose(np.hypot(*points.T), np.where(labels == 0, 1.0, 0.5))
    points, labels = toy.moons(60, 0.0)
    centers = np.where(labels[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    assert np.allclose(np.hypot(*(points - centers).T), 1.0)
    points, labels = toy.xor(61)
    assert np.array_equal((points[:, 0] > 0) != (points[:, 1] > 0), labels == 1)
    assert np.abs(points).min() >= 0.1 and np.abs(points).max() <= 1.0
    assert len({(x > 0, y > 0) for x, y in points.tolist()}) == 4
    points, labels = toy.spiral(60, 0.0)
    radius = np.sort(np.hypot(*points.T))
    assert radius[0] >= 0.1 - 1e-12 and radius[-1] <= 1.0


def test_noise_is_a_standard_deviation():
    for make in TOYS:
        moved = make(4000, 0.25, 1)[0] - make(4000, 0.0, 1)[0]
        assert abs(moved.std() - 0.25) < 0.02 and abs(moved.mean()) < 0.02


@pytest.mark.parametrize("make", TOYS)
@pytest.mark.parametrize(("n", "noise"), [(1, 0.1), (0, 0.1), (-4, 0.1), (2.5, 0.1), (True, 0.1), (10, -0.1),
                                          (10, math.nan), (10, math.inf)])
def test_toy_sets_refuse_a_wrong_size_or_noise(make, n, noise):
    with pytest.raises(ValueError, match=f"^{make.__name__}: "):
        make(n, noise)
