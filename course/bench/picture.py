"""Ratios as bars, with their limits (matplotlib)."""

from __future__ import annotations

from course.pictures.plots import BLUE, INK, ORANGE, VERMILION, Picture, _figure


def ratios(bars: list[tuple[str, float, float | None, str]], title: str) -> Picture:
    """One bar for each (name, ratio, limit or None, whom it is compared with). A mark shows the limit; a hatched bar is
    over it. The axis is logarithmic, and 1 is "as fast as the other".
    """
    figure = _figure(8.0, 0.32 * len(bars) + 1.2)
    axes = figure.subplots()
    said = []
    for place, (name, ratio, limit, beside) in enumerate(bars):
        missed = limit is not None and ratio > limit
        axes.barh(place, ratio - 0.05, left=0.05, height=0.7, color=VERMILION if missed else BLUE if limit else ORANGE,
                  hatch="//" if missed else None, edgecolor="white")
        axes.text(ratio * 1.04, place, f"{ratio:.2f}", va="center", fontsize=8)
        if limit is not None:
            axes.plot([limit, limit], [place - 0.42, place + 0.42], color=INK, linewidth=2)
        said.append(f"{name}: {ratio:.2f} times {beside}" + ("" if limit is None else f", limit {limit:.2f}"))
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(bars)), [f"{name} ({beside})" for name, _, _, beside in bars], fontsize=8)
    axes.invert_yaxis()
    axes.set(xscale="log", xlim=(0.05, max([ratio for _, ratio, _, _ in bars] + [1.0]) * 1.6), title=title,
             xlabel="times the other library; marks are limits")
    return Picture(figure, f"{title}. " + "; ".join(said) + ".")
