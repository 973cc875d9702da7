"""Rows of small images: what a layer makes of an image, channel by channel; the kernels that it does it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course.pictures.plots import BLUE, VERMILION, Picture, _figure

MAX_ACROSS = 16


def image_rows(rows: Mapping[str, Any], *, title: str, signed: bool = False, size: float = 0.85) -> Picture:
    """One row of images for each name.

    rows: name to images (N, H, W), N at most 16. Each row has its own scale, from white to its largest number, black;
    signed: white is 0, vermilion negative, blue positive, and a scale at the right says so. size: of one image, in inches.

    Raises ValueError for more images in a row, or another number of dimensions.
    """
    from matplotlib.colors import LinearSegmentedColormap

    arrays = {name: np.asarray(images, dtype=float) for name, images in rows.items()}
    for name, images in arrays.items():
        if images.ndim != 3 or not 1 <= len(images) <= MAX_ACROSS:
            raise ValueError(f"{name}: an array (N, H, W) with N from 1 to {MAX_ACROSS} is drawn, not one of shape "
                             f"{images.shape}")
    across = max(map(len, arrays.values()))
    figure = _figure(size * across + 1.2, (size + 0.32) * len(arrays) + 0.45)
    figure.suptitle(title, fontsize=12)
    grid = figure.subplots(len(arrays), across, squeeze=False)
    colors = LinearSegmentedColormap.from_list("signed", [VERMILION, "white", BLUE])
    shown, words = None, []
    for axes, (name, images) in zip(grid, arrays.items()):
        most = float(np.abs(images).max()) or 1.0
        for each, image in zip(axes, images):
            shown = each.imshow(image, cmap=colors if signed else "gray_r", vmin=-most if signed else 0.0, vmax=most,
                                interpolation="nearest")
        for number, each in enumerate(axes):
            each.set(xticks=[], yticks=[])
            if number >= len(images):
                each.set_axis_off()
        axes[0].set_title(name, fontsize=10, loc="left")
        if signed and shown is not None:
            figure.colorbar(shown, ax=axes.tolist(), ticks=[-most, 0.0, most], format="%.2g", fraction=0.05)
        high, wide = images.shape[1:]
        words.append(f"{name}: {len(images)} of {high} x {wide}, from {images.min():.2g} to {images.max():.2g}")
    return Picture(figure, f"{title}. {'; '.join(words)}.")
