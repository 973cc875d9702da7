"""Small images side by side: what a layer makes of an image, channel by channel; the kernels that it does it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course.pictures.plots import BLUE, VERMILION, Picture, _figure

ACROSS = 8  # more of a name go on in the next line
MAX_IMAGES = 64  # of one name


def image_row(images: Mapping[str, Any], *, title: str, signed: bool = False, size: float = 1.4) -> Picture:
    """One image (H, W) for each name, at most 8, side by side. Scales and errors are those of `image_rows`."""
    arrays = {name: _checked(name, image, 2)[None] for name, image in images.items()}
    if not 1 <= len(arrays) <= ACROSS:
        raise ValueError(f"from 1 to {ACROSS} images are drawn, not {len(arrays)}")
    figure = _figure(max(size * len(arrays), 3.2), size + 0.55 + 0.3 * signed)
    figure.suptitle(title, fontsize=12)
    for axes, (name, array) in zip(figure.subplots(1, len(arrays), squeeze=False)[0], arrays.items()):
        shown, most = _show([axes], array, signed)
        axes.set_title(name, fontsize=10)
        if signed:
            figure.colorbar(shown, ax=axes, ticks=[-most, 0.0, most], format="%.2g", location="bottom", fraction=0.06)
    return Picture(figure, _words(title, arrays))


def image_rows(rows: Mapping[str, Any], *, title: str, signed: bool = False, size: float = 0.95) -> Picture:
    """The images of each name, 8 in a line.

    rows: name to images (N, H, W), N at most 64. Each name has its own scale, from white to black, its largest number.
    signed: white is 0, vermilion negative, blue positive, and a scale at the right says so. size: of one image, in
    inches.

    Raises ValueError for more images of one name, or another number of dimensions.
    """
    arrays = {name: _checked(name, images, 3) for name, images in rows.items()}
    across = min(max(map(len, arrays.values())), ACROSS)
    lines = {name: -(-len(images) // across) for name, images in arrays.items()}
    count = sum(lines.values())
    figure = _figure(max(size * across + 1.0 * signed, 3.2), size * count + 0.3 * len(arrays) + 0.5)
    figure.suptitle(title, fontsize=12)
    grid, line = figure.subplots(count, across, squeeze=False), 0
    for name, images in arrays.items():
        axes = grid[line: line + lines[name]].ravel()
        shown, most = _show(axes, images, signed)
        axes[0].set_title(name, fontsize=10, loc="left")
        if signed:
            figure.colorbar(shown, ax=axes.tolist(), ticks=[-most, 0.0, most], format="%.2g", fraction=0.05)
        line += lines[name]
    return Picture(figure, _words(title, arrays))


def _checked(name: str, images: Any, dimensions: int) -> np.ndarray:
    array = np.asarray(images, dtype=float)
    if array.ndim != dimensions or not array.size or (dimensions == 3 and len(array) > MAX_IMAGES):
        form = "an image (H, W)" if dimensions == 2 else f"an array (N, H, W) with N from 1 to {MAX_IMAGES}"
        raise ValueError(f"{name}: {form} is drawn, not an array of shape {array.shape}")
    return array


def _show(grid: Any, images: np.ndarray, signed: bool) -> tuple[Any, float]:
    """Draw the images into the axes; those left over are switched off. Returns the last one, and the largest number."""
    from matplotlib.colors import LinearSegmentedColormap

    most, shown = float(np.abs(images).max()) or 1.0, None
    colors = LinearSegmentedColormap.from_list("signed", [VERMILION, "white", BLUE]) if signed else "gray_r"
    for number, axes in enumerate(grid):
        axes.set(xticks=[], yticks=[])
        if number >= len(images):
            axes.set_axis_off()
            continue
        shown = axes.imshow(images[number], cmap=colors, vmin=-most if signed else 0.0, vmax=most,
                            interpolation="nearest")
    return shown, most


def _words(title: str, arrays: Mapping[str, np.ndarray]) -> str:
    parts = [f"{name}: {f'{len(images)} of ' if len(images) > 1 else ''}{images.shape[1]} x {images.shape[2]}, from "
             f"{images.min():.2g} to {images.max():.2g}" for name, images in arrays.items()]
    return f"{title}. {'; '.join(parts)}."
