"""The roofline of a machine, and kernels under it (matplotlib)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from course.pictures.plots import BLUE, COLORS, INK, Picture, _figure

SHAPES = "os^Dvph<>"
ROOM = 4.0  # the picture reaches this factor beyond what it shows


def draw_roofline(bandwidth: float, peak: float, kernels: Mapping[str, tuple[float, float]], *,
                  title: str = "Roofline") -> Picture:
    """Intensity (FLOP/byte) to the right, GFLOP/s upward, both logarithmic: no kernel is above the roof.

    bandwidth: GB/s. peak: GFLOP/s. kernels: for each name, its intensity in FLOP/byte and the GFLOP/s that it reached.
    A dotted line goes from each kernel up to the roof; the legend says which fraction of it was reached.

    Raises ValueError for numbers that are not above 0 and finite, which have no place on logarithmic axes.
    """
    for number in (bandwidth, peak, *(number for pair in kernels.values() for number in pair)):
        if not 0.0 < number < math.inf:
            raise ValueError(f"all numbers of a roofline have to be above 0 and finite, not {number}")
    ridge = peak / bandwidth
    left = min([ridge / ROOM, *(x for x, _ in kernels.values())]) / ROOM
    right = max([ridge * ROOM, *(x for x, _ in kernels.values())]) * ROOM
    bottom = min([left * bandwidth * ROOM, *(y for _, y in kernels.values())]) / ROOM

    figure = _figure(7.6, 4.4 + 0.24 * len(kernels))
    axes = figure.subplots()
    roof = np.array([left, ridge, right])
    axes.plot(roof, np.minimum(roof * bandwidth, peak), color=INK, linewidth=2.2)
    axes.fill_between(roof[:2], roof[:2] * bandwidth, bottom, color=BLUE, alpha=0.10, linewidth=0)
    axes.axvline(ridge, color="#777777", linewidth=0.9, linestyle="--", zorder=0)
    words = []
    for place, (name, (x, y)) in enumerate(kernels.items()):
        color, top = COLORS[place % len(COLORS)], min(x * bandwidth, peak)
        said = f"{name}: {x:.3g} FLOP/byte, {y:.3g} GFLOP/s, {y / top:.0%} of the roof"
        axes.plot([x, x], [y, top], color=color, linewidth=1.0, linestyle=":")
        axes.plot([x], [y], color=color, marker=SHAPES[place % len(SHAPES)], markersize=9, markeredgecolor="white",
                  linestyle="none", label=said)
        words.append(said)
    highest = max([peak, *(y for _, y in kernels.values())])
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, highest * ROOM), title=title,
             xlabel="arithmetic intensity (FLOP/byte)", ylabel="GFLOP/s")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(lambda value, _: "")
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.text(0.985, peak, f"peak: {peak:.3g} GFLOP/s\n", transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.text(0.015, 0.97, f"slope: {bandwidth:.3g} GB/s", transform=axes.transAxes, va="top")
    axes.text(ridge, 0.015, f" {ridge:.3g} FLOP/byte", transform=axes.get_xaxis_transform(), color="#444444")
    axes.text(ridge, 0.97, "bound by memory  \u25c2", transform=axes.get_xaxis_transform(), ha="right", va="top")
    axes.text(ridge, 0.97, "\u25b8  by compute", transform=axes.get_xaxis_transform(), va="top")
    if kernels:
        figure.legend(loc="outside lower center", frameon=False)
    return Picture(figure, f"{title}. The roof rises with {bandwidth:.3g} GB/s to {peak:.3g} GFLOP/s, which it reaches "
                           f"at {ridge:.3g} FLOP/byte. {'; '.join(words)}{'.' if words else ''}".strip())
