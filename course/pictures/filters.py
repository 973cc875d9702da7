"""The kernels of a convolution, as they are: what each of them looks for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from course.pictures.plots import INK, SHADES, Picture, _figure


def draw_filters(weight: Any, *, columns: int = 6, title: str = "The filters of a convolution") -> Picture:
    """Each kernel as a square: blue where it wants ink, orange and a minus where it wants none.

    weight: (O, KH, KW), or (O, 1, KH, KW). All kernels share one scale; white is 0.
    """
    weight = np.asarray(weight, dtype=float)
    weight = weight.reshape(len(weight), *weight.shape[-2:])  # (O, KH, KW)

    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("signs", SHADES)
    most = max(float(np.abs(weight).max()), 1e-12)
    columns = min(columns, len(weight))
    figure = _figure(1.35 * columns + 0.9, 1.6 * math.ceil(len(weight) / columns) + 0.4)
    figure.suptitle(title)
    grid = figure.subplots(math.ceil(len(weight) / columns), columns, squeeze=False).ravel()
    for axes in grid[len(weight):]:
        axes.set_axis_off()
    for number, (axes, kernel) in enumerate(zip(grid, weight)):
        shown = axes.imshow(kernel, cmap=shades, vmin=-most, vmax=most)
        for y, x in zip(*np.nonzero(kernel < -0.25 * most)):
            axes.text(x, y, "\N{MINUS SIGN}", ha="center", va="center", color=INK, fontsize=9)
        axes.set(xticks=[], yticks=[])
        axes.set_title(str(number), fontsize=10, color=INK, pad=3)
    figure.colorbar(shown, ax=list(grid), label="weight", shrink=0.8)
    return Picture(figure, f"{title}. {len(weight)} kernels of {weight.shape[1]} x {weight.shape[2]} weights, from "
                           f"{weight.min():.2g} to {weight.max():.2g}; blue is positive, orange with a minus negative.")
