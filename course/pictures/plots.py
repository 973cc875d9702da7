"""Plots by matplotlib, which is imported when the first one is made. No window is opened and no global state used."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

# Okabe and Ito's colors. Lines differ in their dashes too, points in their shape.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
SHAPES = ("o", "^")
SHADES = (ORANGE, "#f8e3b8", "#ffffff", "#c5def0", BLUE)  # from class 0 to class 1
INK = "#1a1a1a"
DPI = 110


class Picture:
    """A figure and what it shows in words. A notebook shows it; `save` writes it, with the words in the file."""

    def __init__(self, figure: Any, alt: str) -> None:
        self.figure = figure
        self.alt = alt
        self._png = b""

    def png(self) -> bytes:
        """The picture as the bytes of a PNG file."""
        if not self._png:  # once: each drawing would settle the layout a little differently
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format="png", dpi=DPI, metadata={"Description": self.alt, "Software": None})
            self._png = buffer.getvalue()
        return self._png

    def save(self, path: Path | str) -> Path:
        """Write the picture as a PNG, and the folder that it belongs to, and return the path."""
        return _write(path, self.png())

    def _repr_png_(self) -> bytes:
        return self.png()

    def _repr_html_(self) -> str:
        return _image(self.alt, "png", self.png())


class Animation:
    """A short film, and `still`: a Picture that shows the same without moving."""

    def __init__(self, gif: bytes, still: Picture) -> None:
        self.gif = gif
        self.still = still
        self.alt = still.alt

    def save(self, path: Path | str) -> Path:
        """Write the film as a GIF, and the folder that it belongs to, and return the path."""
        return _write(path, self.gif)

    def _repr_html_(self) -> str:
        return _image(f"Animation. {self.alt}", "gif", self.gif)


def alt_text(path: Path | str) -> str:
    """The words that are stored in a PNG file; empty if there are none."""
    from PIL import Image

    with Image.open(path) as image:
        return str(image.info.get("Description", ""))


def learning_curve(losses: Sequence[float], accuracies: Sequence[float] | None = None, *, title: str = "Training",
                   label: str = "accuracy on held-out data") -> Picture:
    """Loss, and below it accuracy (0 to 1), over the epochs. `losses`: one for each epoch; `accuracies` likewise."""
    figure = _figure(6.4, 5.2 if accuracies else 3.2)
    axes = figure.subplots(2 if accuracies else 1, 1, sharex=True, squeeze=False)[:, 0]
    epochs = range(1, len(losses) + 1)
    axes[0].plot(epochs, losses, color=BLUE, marker="o", markersize=4)
    axes[0].set_ylabel("loss")
    axes[0].set_ylim(bottom=0.0)
    axes[0].set_title(title)
    words = f"{title}. Loss from {losses[0]:.3g} in epoch 1 to {losses[-1]:.3g} in epoch {len(losses)}."
    if accuracies:
        axes[1].plot(range(1, len(accuracies) + 1), accuracies, color=VERMILION, marker="^", markersize=4)
        axes[1].set_ylabel(label.replace(" on ", "\non "))
        axes[1].set_ylim(max(-0.02, min(0.9, *accuracies) - 0.05), 1.02)
        axes[1].yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        words += f" {label.capitalize()} from {accuracies[0]:.1%} to {accuracies[-1]:.1%}."
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    return Picture(figure, words)


def decision_boundary(predict: Callable[[list[float]], float], points: Any, labels: Sequence[int], *,
                      title: str = "Decision boundary", steps: int = 40) -> Picture:
    """What a classifier says all over the plane, and the points that it learned from.

    predict: from a point [x, y] to a logit (above 0: class 1). points: (N, 2). labels: N times 0 or 1.
    steps: the plane is asked at `steps` times `steps` places.
    """
    points, classes = np.asarray(points, dtype=float), np.asarray(labels)
    low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
    xs, ys = np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps)
    logits = np.array([[predict([float(x), float(y)]) for x in xs] for y in ys])  # (steps, steps)
    chances = 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))

    size = high - low
    figure = _figure(6.4, min(6.0, max(2.6, 4.6 * size[1] / size[0] + 1.0)))
    axes = figure.subplots()
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("classes", SHADES)
    surface = axes.contourf(xs, ys, chances, levels=np.linspace(0.0, 1.0, 11), cmap=shades, alpha=0.75)
    if logits.min() < 0.0 < logits.max():
        axes.contour(xs, ys, logits, levels=[0.0], colors=[INK], linewidths=1.8)
    for label, color in ((0, "#9a5f00"), (1, "#004f80")):
        chosen = points[classes == label]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=34, marker=SHAPES[label], color=color, edgecolor="white",
                     linewidth=0.7, label=f"class {label}")
    right = sum((predict([float(x), float(y)]) > 0.0) == (label == 1) for (x, y), label in zip(points, classes))
    axes.set(title=title, xlabel="x", ylabel="y", aspect="equal")
    axes.legend(loc="upper right", framealpha=0.9)
    figure.colorbar(surface, ax=axes, label="chance of class 1, says the model",
                    ticks=[0.0, 0.25, 0.5, 0.75, 1.0])
    return Picture(figure, f"{title}. {len(points)} points of two classes; the black line is where the model changes "
                           f"its mind. It puts {right} of the {len(points)} points on the right side.")


def digit_grid(images: Any, labels: Sequence[int], predictions: Sequence[int] | None = None, *, columns: int = 8,
               title: str = "Digits") -> Picture:
    """Images of digits with what they are and what a model says. A wrong answer has a thick frame and says so.

    images: (N, H, W). labels, predictions: N digits.
    """
    images = np.asarray(images, dtype=float)
    rows = max(1, math.ceil(len(images) / columns))
    columns = min(columns, max(1, len(images)))
    wide = images.shape[2] / images.shape[1] if images.ndim == 3 else 1.0
    figure = _figure(max(wide * columns, 3.0), 1.25 * rows + 0.5)
    figure.suptitle(title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    said = labels if predictions is None else predictions
    wrong = 0
    for axes in grid[len(images):]:
        axes.set_axis_off()
    for number, (axes, image) in enumerate(zip(grid, images)):
        axes.imshow(image, cmap="gray_r", vmin=0.0, vmax=max(1.0, float(images.max())))
        axes.set(xticks=[], yticks=[])
        mistaken = bool(said[number] != labels[number])
        wrong += mistaken
        text = f"{labels[number]}, says {said[number]}" if mistaken else f"{labels[number]}"
        axes.set_title(text, fontsize=10, color=VERMILION if mistaken else INK, pad=3)
        for side in axes.spines.values():
            side.set(edgecolor=VERMILION if mistaken else "#999999", linewidth=3.0 if mistaken else 0.8)
    words = f"{' '.join(title.split())}. {len(images)} images of digits: {', '.join(str(label) for label in labels)}."
    if predictions is not None:
        words += f" The model is wrong on {wrong} of them."
    return Picture(figure, words)


def functions(curves: Mapping[str, Callable[[float], float]], low: float, high: float, *, title: str = "Functions",
              steps: int = 400, ylim: tuple[float, float] | None = None) -> Picture:
    """Functions of one number, drawn from `low` to `high`. Values that are not finite leave a gap."""
    figure = _figure(6.4, 3.8)
    axes = figure.subplots()
    xs = np.linspace(low, high, steps)
    for (name, function), color, dash in zip(curves.items(), COLORS * 2, DASHES * 2):
        ys = np.array([float(function(float(x))) for x in xs])
        ys[~np.isfinite(ys)] = np.nan
        if ylim is not None:  # no line through a pole
            ys[:-1][np.abs(np.diff(ys)) > ylim[1] - ylim[0]] = np.nan
        axes.plot(xs, ys, color=color, linestyle=dash, linewidth=2, label=name)
    axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=0)
    axes.set(title=title, xlabel="x", ylim=ylim)
    axes.legend()
    return Picture(figure, f"{title}. {', '.join(curves)}, drawn from {low:g} to {high:g}.")


def lines(curves: Mapping[str, Sequence[float]], xs: Sequence[float], *, title: str, xlabel: str, ylabel: str,
          log: bool = False) -> Picture:
    """Measured values over `xs`, one line for each name. log: both axes are logarithmic (zeros leave a gap)."""
    figure = _figure(6.4, 3.8)
    axes = figure.subplots()
    for (name, ys), color, dash, shape in zip(curves.items(), COLORS * 2, DASHES * 2, "o^sDvP" * 2):
        shown = [y if y > 0.0 or not log else math.nan for y in ys]
        axes.plot(xs, shown, color=color, linestyle=dash, marker=shape, markersize=4, label=name)
    if log:
        axes.set(xscale="log", yscale="log")
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.legend()
    ends = "; ".join(f"{name} from {ys[0]:.3g} to {ys[-1]:.3g}, at least {min(ys):.3g}" for name, ys in curves.items())
    return Picture(figure, f"{title}. {ylabel} over {xlabel} from {xs[0]:.3g} to {xs[-1]:.3g}: {ends}.")


def histogram(groups: Mapping[str, Sequence[float]], *, title: str, xlabel: str, bins: int = 30) -> Picture:
    """How often which values occur, for each group; the groups share their bins."""
    figure = _figure(6.4, 3.4)
    axes = figure.subplots()
    edges = np.histogram_bin_edges(np.concatenate([np.asarray(list(v), dtype=float) for v in groups.values()]), bins)
    for (name, values), color, hatch in zip(groups.items(), COLORS, ("", "///", "...", "xxx")):
        axes.hist(list(values), bins=edges, color=color, alpha=0.55, hatch=hatch, edgecolor=INK, linewidth=0.5,
                  label=name)
    axes.set(title=title, xlabel=xlabel, ylabel="how many")
    if len(groups) > 1:
        axes.legend()
    means = ", ".join(f"{name} with mean {np.mean(list(values)):.3g}" for name, values in groups.items())
    return Picture(figure, f"{title}. Histogram of {xlabel}: {means}.")


def descent(function: Callable[[float], float], path: Sequence[float], slopes: Sequence[float] | None = None, *,
            title: str = "Gradient descent", low: float | None = None, high: float | None = None,
            stills: int = 6) -> Animation:
    """Gradient descent on a function of one number, step by step.

    path: where it stood before each step, and at the end. slopes: the derivative at each place, drawn as a tangent.
    """
    reach = max(0.5, 0.25 * (max(path) - min(path)))
    low, high = (min(path) - reach if low is None else low), (max(path) + reach if high is None else high)
    places = sorted({round(n * (len(path) - 1) / max(1, stills - 1)) for n in range(stills)})

    still = _figure(9.6, 2.9 * math.ceil(len(places) / 3) + 0.5)
    still.suptitle(title)
    grid = still.subplots(math.ceil(len(places) / 3), min(3, len(places)), sharex=True, sharey=True, squeeze=False)
    for axes, number in zip(grid.ravel(), places):
        _descent_frame(axes, function, path[: number + 1], slopes, low, high)
    for axes in grid.ravel()[len(places):]:
        axes.set_axis_off()
    for axes in grid.ravel():
        axes.label_outer()
    words = (f"{title}, {len(path) - 1} steps: from x = {path[0]:.3g}, where the function is {function(path[0]):.3g}, "
             f"to x = {path[-1]:.3g}, where it is {function(path[-1]):.3g}.")

    from PIL import Image

    frames = []
    figure = _figure(6.4, 3.8)
    axes = figure.subplots()
    for number in range(len(path)):
        axes.clear()
        _descent_frame(axes, function, path[: number + 1], slopes, low, high, title)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)
        frames.append(Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    film = io.BytesIO()
    # It plays three times and then rests on the last frame: nothing on a page should move forever.
    frames[0].save(film, format="GIF", save_all=True, append_images=frames[1:], loop=2,
                   duration=[400] * (len(frames) - 1) + [2000])
    return Animation(film.getvalue(), Picture(still, words))


def _descent_frame(axes: Any, function: Callable[[float], float], path: Sequence[float], slopes: Sequence[float] | None,
                   low: float, high: float, title: str = "") -> None:
    xs = np.linspace(low, high, 300)
    ys = np.array([function(float(x)) for x in xs])
    axes.plot(xs, ys, color=BLUE, linewidth=2)
    axes.plot(path, [function(x) for x in path], color="#777777", marker="o", markersize=4, linewidth=0.8,
              linestyle=":")
    x, y = path[-1], function(path[-1])
    if slopes is not None:
        half = (high - low) / 8
        slope = slopes[len(path) - 1]
        axes.plot([x - half, x + half], [y - slope * half, y + slope * half], color=VERMILION, linewidth=1.8)
    axes.plot([x], [y], color=VERMILION, marker="D", markersize=9, markeredgecolor="white")
    bottom, top = float(ys.min()), float(ys.max())
    axes.set(xlim=(low, high), ylim=(bottom - 0.1 * (top - bottom), top + 0.1 * (top - bottom)), xlabel="x")
    steps = "start" if len(path) == 1 else "1 step" if len(path) == 2 else f"{len(path) - 1} steps"
    axes.set_title(f"{title}: {steps}" if title else f"{steps}: x = {x:.3g}", fontsize=11)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _image(alt: str, kind: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return f'<img alt="{escape(alt)}" style="max-width: 100%" src="data:image/{kind};base64,{text}">'


def _write(path: Path | str, data: bytes) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
