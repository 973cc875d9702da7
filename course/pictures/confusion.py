"""What is taken for what, as a table with shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.pictures.plots import BLUE, INK, VERMILION, Picture, _figure


def confusion_matrix(labels: Any, said: Any, *, classes: int = 10, names: Sequence[str] | None = None,
                     title: str = "What is taken for what") -> Picture:
    """How often a class (a row) is taken for a class (a column). Right answers stand on the diagonal.

    labels, said: N numbers each, from 0 to `classes` - 1. The numbers say how many there are; a zero is left out.
    Shades follow the square root of the share of the row, so that rare mistakes are seen beside frequent right answers.
    """
    labels, said = np.asarray(labels), np.asarray(said)
    names = [str(number) for number in range(classes)] if names is None else names
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (labels, said), 1)
    share = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))  # (classes, classes)
    right = np.eye(classes, dtype=bool)

    from matplotlib.colors import to_rgb

    # White to blue for what is right, white to vermilion for mistakes: bold numbers say the same without the color.
    ink = np.where(right[..., None], to_rgb(BLUE), to_rgb(VERMILION))  # (classes, classes, 3)
    figure = _figure(0.52 * classes + 1.0, 0.52 * classes + 1.0)
    axes = figure.subplots()
    axes.imshow(1.0 - share[..., None] * (1.0 - ink))
    for row in range(classes):
        for column in range(classes):
            if counts[row, column]:
                axes.text(column, row, str(counts[row, column]), ha="center", va="center",
                          color="white" if row == column and share[row, column] > 0.7 else INK,
                          fontweight="normal" if row == column else "bold")
    axes.set(title=title, xlabel="the model says", ylabel="it is", xticks=range(classes), yticks=range(classes),
             xticklabels=names, yticklabels=names)
    wrong = np.where(right, 0, counts)
    words = f"{title}. {np.trace(counts)} of {len(labels)} are right."
    places = [divmod(int(place), classes) for place in np.argsort(-wrong, axis=None, kind="stable")[:3]]
    most = ", ".join(f"{names[row]} for {names[column]} ({wrong[row, column]})" for row, column in places
                     if wrong[row, column])
    return Picture(figure, words + (f" Most often mistaken: {most}." if most else ""))
