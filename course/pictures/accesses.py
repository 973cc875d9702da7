"""Which iteration touches which memory, drawn from what the tracer has recorded."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.pictures.cells import EMPTY, FILLS, PALE, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page
from course.trace import READ, SERIAL, WRITE, Trace

CELL = 30.0
SIDE = 30.0  # for the numbers left of the cells
TOP = 40.0  # for the name of the array and the numbers above the cells
GAP = 22.0
LEGEND = 22.0  # height of a line of the legend
WIDTH = 1000.0  # of the page; a wider array has a line of its own
MAX_CELLS = 512  # of one array
MAX_COLUMNS = 32  # a longer row goes on in the next line
MAX_STRIPES = 4
STRIPE = 10.0  # their height


@dataclass
class _Panel:
    """One array: a grid of flat places, and the numbers of the iterations that touch each."""

    name: str
    words: str  # "written" or "read"
    grid: np.ndarray  # (rows, columns) of places, -1 where there is no cell
    matrix: bool
    touched: list[list[int]]
    race: set[int]  # places that several iterations touch, one of them writing


def draw_accesses(trace: Trace, arrays: str | Sequence[str] | Mapping[str, str] | None = None, *,
                  sizes: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
                  strides: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
                  iterations: Collection[Hashable] | None = None, title: str = "") -> Svg:
    """The memory of arrays as cells, each with the number and the color of the iteration that writes (or reads) it.

    A cell that several iterations touch has a stripe for each, of up to four; a thick frame says that it is a race,
    because one of them writes. A dashed cell is not touched.

    arrays: names, or {name: "read" or "write"}. Of an array that is only named, the writes are drawn where there are
        any, else the reads. By default all arrays of the call, inputs first.
    sizes: (rows, columns) of an array that is a matrix; else its own shape, and a row of cells for one dimension.
        strides: of the matrix, in elements, by default those of contiguous rows. Both for all arrays, or {name: ...}.
    iterations: the labels to be drawn; by default all. A notebook that draws them one after another has an animation.

    Raises KeyError for a name that is not there, and ValueError for more than 512 cells or more than two dimensions.
    """
    known = _labels(trace)
    drawn = known if iterations is None else [one for one in known if one in iterations]
    numbers = {one: one if isinstance(one, int) else at for at, one in enumerate(known)}
    panels = []
    for name, kind in _chosen(trace, arrays).items():
        memory = trace.memories[name]
        grid, matrix = _grid(name, memory.shape, _of(sizes, name), _of(strides, name), memory.index.size)
        reads, writes = trace.readers(name), trace.writers(name)
        race = {place for place, (one, two) in enumerate(zip(writes, reads))
                if one and len({each for each in (*one, *two) if each in drawn}) > 1} if _raced(trace, name) else set()
        touched = [[numbers[one] for one in each if one in drawn] for each in (writes if kind == WRITE else reads)]
        panels.append(_Panel(name, "written" if kind == WRITE else "read", grid, matrix, touched, race))

    legend = [(numbers[one], trace.recorder.words(one)) for one in drawn]
    parts: list[str] = []
    top = 0.0
    if title:
        parts.append(label(0.0, 14.0, title, size=16, bold=True, anchor="start"))
        top = 34.0
    body, width, top = _side_by_side(panels, top)
    width = max(width, 1.1 * len(title) * ADVANCE * 15, 300.0)
    rows, height, used = _legend(legend, top, width, panels)
    return page("\n".join([*parts, *body, *rows]), max(width, used), top + height,
                title=title or "Which iteration touches which memory",
                description=" ".join(_sentence(panel, legend) for panel in panels))


# ---- What is drawn ----


def _labels(trace: Trace) -> list[Hashable]:
    """All iterations: numbers in their order, others as they came."""
    found = list(dict.fromkeys(entry[3][0] for entry in trace.recorder.log if entry[3][0] is not SERIAL))
    return sorted(found) if all(isinstance(one, int) for one in found) else found  # type: ignore[type-var]


def _chosen(trace: Trace, arrays: str | Sequence[str] | Mapping[str, str] | None) -> dict[str, int]:
    """READ or WRITE for each name."""
    if isinstance(arrays, Mapping):
        wrong = [kind for kind in arrays.values() if kind not in ("read", "write")]
        if wrong:
            raise ValueError(f"an array is drawn by 'read' or 'write', not by {wrong[0]!r}")
        chosen = {name: WRITE if kind == "write" else READ for name, kind in arrays.items()}
    else:
        written = {id(entry[0]) for entry in trace.recorder.log if entry[2] == WRITE}
        names = (arrays,) if isinstance(arrays, str) else arrays
        if names is None:
            names = [name for name, memory in trace.memories.items() if memory.counted]
            names.sort(key=lambda name: id(trace.memories[name]) in written)
        chosen = {name: WRITE if name in trace.memories and id(trace.memories[name]) in written else READ
                  for name in names}
    for name in chosen:
        if name not in trace.memories:
            raise KeyError(f"no array is called {name!r}; there are {', '.join(trace.memories)}")
    return chosen


def _of(given: Any, name: str) -> tuple[int, ...] | None:
    chosen = given.get(name) if isinstance(given, Mapping) else given
    return None if chosen is None else tuple(int(part) for part in chosen)


def _raced(trace: Trace, name: str) -> bool:
    """Iterations of different loops may touch one element; only the tracer knows what is a race."""
    return any(problem.kind == "race" and problem.array == trace.memories[name].name for problem in trace.problems)


def _grid(name: str, shape: tuple[int, ...], sizes: tuple[int, ...] | None, strides: tuple[int, ...] | None,
          count: int) -> tuple[np.ndarray, bool]:
    """Places in rows and columns, and whether the rows are those of a matrix."""
    sizes = shape if sizes is None else sizes
    if len(sizes) > 2:
        raise ValueError(f"{name} has {len(sizes)} dimensions; at most 2 are drawn")
    if math.prod(sizes) > MAX_CELLS:
        raise ValueError(f"{name} has {math.prod(sizes)} cells, too many to read in a picture; at most {MAX_CELLS} are "
                         "drawn")
    if len(sizes) == 2:
        down, right = (sizes[1], 1) if strides is None else strides
        grid = np.arange(sizes[0])[:, None] * down + np.arange(sizes[1]) * right
    else:
        size = math.prod(sizes)
        columns = max(min(size, MAX_COLUMNS), 1)
        grid = np.full(-(-size // columns) * columns, -1)
        grid[:size] = np.arange(size) * (1 if strides is None else strides[0])
        grid = grid.reshape(-1, columns)
    if grid.size and grid.max() >= count:
        raise ValueError(f"{name} has {count} elements, fewer than sizes {sizes} and these strides need")
    return grid, len(sizes) == 2


# ---- Drawing ----


def _side_by_side(panels: Sequence[_Panel], top: float) -> tuple[list[str], float, float]:
    """All panels, beside each other where there is room; with the width, and the y below them."""
    parts: list[str] = []
    x, width, below = 0.0, 0.0, top
    for panel in panels:
        rows, columns = panel.grid.shape
        wide = max(SIDE + columns * CELL, (len(panel.name) + 14) * ADVANCE * 14)
        if x and x + wide > WIDTH:
            x, top = 0.0, below
        parts += [f'<g transform="translate({x:.1f} 0)">', *_draw(panel, top), "</g>"]
        below = max(below, top + TOP + rows * CELL + GAP)
        width = max(width, x + wide)
        x += wide + GAP
    return parts, width, below


def _draw(panel: _Panel, top: float) -> list[str]:
    parts = [label(0.0, top + 13.0, panel.name, size=14, bold=True, anchor="start"),
             label(len(panel.name) * ADVANCE * 14 + 14.0, top + 13.0, f"{panel.words} by", color=QUIET,
                   anchor="start")]
    begin = top + TOP
    rows, columns = panel.grid.shape
    for column in range(columns):
        parts.append(label(SIDE + (column + 0.5) * CELL, begin - 5.0, str(column), size=10, color=QUIET))
    for row in range(rows):
        y = begin + row * CELL
        if rows > 1 or panel.matrix:
            number = row if panel.matrix else row * columns
            parts.append(label(SIDE - 6.0, y + CELL / 2 + 4.0, str(number), size=10, color=QUIET, anchor="end"))
        for column in range(columns):
            place = int(panel.grid[row, column])
            if place >= 0:
                parts.append(_cell(SIDE + column * CELL, y, panel.touched[place], place in panel.race))
    return parts


def _cell(x: float, y: float, numbers: Sequence[int], race: bool, kind: str = "cell") -> str:
    """A square with a stripe for each iteration and their numbers."""
    rows = [f'<g class="{kind}{" strong" if race else ""}">']
    stripes = sorted(numbers)[:MAX_STRIPES]
    wide = CELL / max(len(stripes), 1)
    high = CELL if len(stripes) < 2 else STRIPE  # several numbers stand on white, above the stripes
    for at, number in enumerate(stripes):
        rows.append(f'<rect x="{x + at * wide:.1f}" y="{y + CELL - high:.1f}" width="{wide:.1f}" height="{high:g}" '
                    f'fill="{FILLS[number % len(FILLS)]}"/>')
    border = f'stroke="{INK}" stroke-width="1"' if numbers else f'stroke="{PALE}" stroke-width="1" ' \
        'stroke-dasharray="3 2"'
    rows.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{CELL:g}" height="{CELL:g}" '
                f'fill="{"none" if numbers else EMPTY}" {border}/>')
    if race:
        rows.append(f'<rect x="{x + 1.5:.1f}" y="{y + 1.5:.1f}" width="{CELL - 3:g}" height="{CELL - 3:g}" '
                    f'fill="none" stroke="{INK}" stroke-width="3"/>')
    text = _numbers(numbers)
    if text:
        size = {1: 13, 2: 13, 3: 11, 4: 9}.get(len(text), 8)
        rows.append(label(x + CELL / 2, y + (CELL / 2 + 4.5 if len(numbers) < 2 else 15.0), text, size=size,
                          bold=True))
    return "\n".join([*rows, "</g>"])


def _numbers(numbers: Sequence[int]) -> str:
    """ "3", "0,1", "0-4", or how many there are. """
    ordered = sorted(numbers)
    if len(ordered) > 2:
        if ordered[-1] - ordered[0] == len(ordered) - 1:
            return f"{ordered[0]}-{ordered[-1]}"
        return f"({len(ordered)})"
    return ",".join(map(str, ordered))


def _legend(entries: Sequence[tuple[int, str]], top: float, width: float,
            panels: Sequence[_Panel]) -> tuple[list[str], float, float]:
    """A box and words for each iteration, in lines; then what frames and dashes mean. Also the height and width."""
    parts: list[str] = []
    x, y, used = 0.0, top, 0.0
    shown = [(number, words if words.endswith(f" {number}") else f"{number}: {words}") for number, words in entries]
    more = len(shown) - 24
    for number, words in shown[:24]:
        wide = 24.0 + len(words) * ADVANCE * 12 + 16.0
        if x and x + wide > width:
            x, y = 0.0, y + LEGEND
        parts.append(f'<rect class="key" x="{x:.1f}" y="{y:.1f}" width="16" height="16" '
                     f'fill="{FILLS[number % len(FILLS)]}" stroke="{INK}" stroke-width="1"/>')
        parts.append(label(x + 23.0, y + 12.5, words, size=12, anchor="start"))
        x += wide
        used = max(used, x)
    y += LEGEND
    notes = [f"and {more} more"] if more > 0 else []
    notes += ["thick frame: a race"] if any(panel.race for panel in panels) else []
    notes += ["dashed: not touched"] if any(not panel.touched[place] for panel in panels
                                            for place in panel.grid[panel.grid >= 0].tolist()) else []
    for note in notes:
        parts.append(label(0.0, y + 12.5, note, size=12, color=QUIET, anchor="start"))
        y += LEGEND - 4.0
    return parts, y - top, used


def _sentence(panel: _Panel, legend: Sequence[tuple[int, str]]) -> str:
    """One array in words."""
    places = [int(place) for place in panel.grid.ravel() if place >= 0]
    words = dict(legend)
    said = []
    by_labels: dict[tuple[int, ...], list[int]] = {}
    for place in places:
        by_labels.setdefault(tuple(sorted(panel.touched[place])), []).append(place)
    for numbers, some in by_labels.items():
        if not numbers:
            continue
        who = " and ".join(words[number] for number in numbers) if len(numbers) < 4 else (
            f"{len(numbers)} iterations, {words[numbers[0]]} to {words[numbers[-1]]}")
        said.append(f"{ranges(some)} by {who}")
    size = "cell" if len(places) == 1 else "cells"
    shape = f", {panel.grid.shape[0]} rows and {panel.grid.shape[1]} columns" if panel.matrix else ""
    text = f"{panel.name}, {len(places)} {size}{shape}, {panel.words}: {'; '.join(said) or 'none'}."
    if () in by_labels and said:
        text += f" Not touched: {ranges(by_labels[()])}."
    race = sorted(panel.race & set(places))
    return text + (f" A race: {ranges(race)}." if race else "")


def ranges(places: Sequence[int]) -> str:
    """ "0 to 3, 7", or "0 to 8 in steps of 2". """
    ordered = sorted(set(places))
    steps = {after - before for before, after in zip(ordered, ordered[1:])}
    if len(ordered) > 2 and len(steps) == 1 and steps != {1}:
        return f"{ordered[0]} to {ordered[-1]} in steps of {steps.pop()}"
    runs: list[list[int]] = []
    for place in ordered:
        if runs and runs[-1][-1] == place - 1:
            runs[-1][1:] = [place]
        else:
            runs.append([place])
    return ", ".join(" to ".join(map(str, run)) for run in runs)
