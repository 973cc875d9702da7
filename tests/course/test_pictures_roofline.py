"""The picture of a roofline: the roof, every kernel in its place, and the same in words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from course import pictures
from course.pictures.roofline import draw_roofline

KERNELS = {"add": (1 / 12, 1.25), "softmax, fused": (5 / 8, 10.0), "product": (85.0, 80.0)}


def axes_of(picture):
    (axes,) = picture.figure.axes
    return axes


def test_the_roof_rises_to_the_peak_at_the_ridge():
    roof = axes_of(draw_roofline(20.0, 160.0, KERNELS)).lines[0].get_xydata()
    x, y = roof.T
    assert x[1] == 8.0 and y[1] == y[2] == 160.0
    assert y[0] == pytest.approx(20.0 * x[0])


def test_each_kernel_is_where_it_belongs():
    axes = axes_of(draw_roofline(20.0, 160.0, KERNELS))
    assert axes.get_xscale() == axes.get_yscale() == "log"
    points = {line.get_label().split(":")[0]: line for line in axes.lines if not line.get_label().startswith("_")}
    assert {name: tuple(map(float, line.get_xydata()[0])) for name, line in points.items()} == KERNELS
    assert len({(line.get_marker(), line.get_color()) for line in points.values()}) == 3
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert all(left < x < right and bottom < y < top for x, y in KERNELS.values())


def test_words_say_the_same():
    picture = draw_roofline(20.0, 160.0, KERNELS, title="This machine")
    assert "This machine. The roof rises with 20 GB/s to 160 GFLOP/s, which it reaches at 8 FLOP/byte." in picture.alt
    assert "add: 0.0833 FLOP/byte, 1.25 GFLOP/s, 75% of the roof" in picture.alt
    assert "softmax, fused: 0.625 FLOP/byte, 10 GFLOP/s, 80% of the roof" in picture.alt
    assert "product: 85 FLOP/byte, 80 GFLOP/s, 50% of the roof." in picture.alt


def test_it_is_written_as_a_png(tmp_path):
    path = draw_roofline(20.0, 160.0, KERNELS).save(tmp_path / "new" / "roofline.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert "20 GB/s" in pictures.alt_text(path)


@pytest.mark.parametrize("kernels", [{}, {"above": (0.1, 500.0)}, {"far left": (1e-6, 1e-4)}, {"far right": (1e6, 1.0)},
                                     {f"kernel {n}": (0.1 * n, 1.0) for n in range(1, 15)}])
def test_anything_that_can_be_measured_fits(kernels):
    picture = draw_roofline(20.0, 160.0, kernels)
    assert picture.png()
    (left, right), (bottom, top) = axes_of(picture).get_xlim(), axes_of(picture).get_ylim()
    assert all(left < x < right and bottom < y < top for x, y in kernels.values())
    looks = [(line.get_marker(), line.get_color()) for line in axes_of(picture).lines if line.get_label()[0] != "_"]
    assert len(set(looks)) == len(kernels)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, np.nan])
def test_what_has_no_place_on_logarithmic_axes_is_refused(bad):
    for arguments in ((bad, 1.0, {}), (1.0, bad, {}), (1.0, 1.0, {"k": (bad, 1.0)}), (1.0, 1.0, {"k": (1.0, bad)})):
        with pytest.raises(ValueError, match="above 0 and finite"):
            draw_roofline(*arguments)
