"""Which thread of a kernel reads and writes what, from barrier to barrier, drawn from what the tracer has recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from course.pictures.accesses import ranges
from course.pictures.cells import EMPTY, FILLS, PALE, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

if TYPE_CHECKING:
    from course.trace.gpu import KernelTrace
    from course.trace.gpu_memory import Phase, Thread

CELL, TOP, SIDE, GAP = 30.0, 40.0, 26.0, 26.0
BAND = 30.0  # for the words above what lies between two barriers
WIDTH = 1000.0  # of the page; a wider array has a line of its own
MAX_CELLS = 256  # of one array
MAX_COLUMNS = 32
MAX_BANDS = 10
MAX_STRIPES = 4
STRIPE = 9.0


@dataclass
class _Panel:
    """One array, read or written between two barriers."""

    name: str
    words: str
    grid: np.ndarray  # (rows, columns) of flat places, -1 where there is no cell
    matrix: bool
    touched: dict[int, list[Any]] = field(default_factory=dict)  # labels by place, each once
    race: set[int] = field(default_factory=set)


def draw_threads(trace: KernelTrace, arrays: str | Sequence[str] | None = None, *,
                 sizes: Mapping[str, Sequence[int]] | None = None, block: int | Sequence[int] | None = None,
                 title: str = "") -> Svg:
    """The elements that a kernel touches as cells, each with the thread that reads or writes it.

    From one barrier to the next there is a line of its own. With several blocks, a cell says block:thread, and the
    color is that of the block. A cell that several threads touch has a stripe for each, of up to four; a thick frame
    says that it is part of a race. A dashed cell is not touched.

    arrays: names; by default, all that are touched, shared memory too. sizes: {name: (rows, columns)} for flat memory
        that holds a matrix. block: draws one block alone.

    Raises KeyError for a name that is not there, ValueError for more than 256 cells, two dimensions or 10 barriers.
    """
    chosen = None if block is None else tuple([*block, 0, 0][:3] if isinstance(block, Sequence) else (block, 0, 0))
    names = [arrays] if isinstance(arrays, str) else list(arrays or [])
    known = [*trace.memories, *trace.shared]
    for name in names:
        if name not in known:
            raise KeyError(f"no array is called {name!r}; there are {', '.join(known)}")
    several = max(trace.grid) > 1 and chosen is None
    writer = _Words(trace, several)
    bands = _bands(trace, names or known, sizes or {}, chosen, several)
    if len(bands) > MAX_BANDS:
        raise ValueError(f"the kernel has {len(bands) - 1} barriers, too many to read in a picture; at most "
                         f"{MAX_BANDS - 1} are drawn")
    parts: list[str] = []
    lines: list[float] = []
    top, width = 0.0, 300.0
    if title:
        parts.append(label(0.0, 14.0, title, size=16, bold=True, anchor="start"))
        top, width = 34.0, max(width, len(title) * ADVANCE * 16.5)
    said = []
    for number, panels in bands.items():
        words = _between(number, max(bands))
        if len(bands) > 1:
            if number:
                lines.append(top - 4.0)
            parts.append(label(0.0, top + 16.0, words, size=13, color=QUIET, anchor="start"))
            top += BAND
            said.append(f"{words}:")
        drawn, used, top = _side_by_side(panels, top, writer)
        parts += drawn
        width = max(width, used)
        said += [writer.sentence(panel) for panel in panels]
    every = [panel for panels in bands.values() for panel in panels]
    notes = ["block:thread" if several else "in each cell: its thread" + (", as x,y" if max(trace.block[1:]) > 1
                                                                        else "")]
    notes += ["(n): by n threads"] if any(words.startswith("(") for panel in every
                                         for words in map(writer.cell, panel.touched.values())) else []
    notes += ["thick frame: a race"] if any(panel.race for panel in every) else []
    notes += ["dashed: not touched"] if any(place >= 0 and place not in panel.touched for panel in every
                                            for place in panel.grid.ravel().tolist()) else []
    parts += [f'<path class="barrier" d="M 0 {y:.1f} H {width:.1f}" stroke="{QUIET}" stroke-width="1.5" '
              'stroke-dasharray="7 4"/>' for y in lines]
    width = max(width, len("; ".join(notes)) * ADVANCE * 12.5)
    parts.append(label(0.0, top + 10.0, "; ".join(notes), size=12, color=QUIET, anchor="start"))
    return page("\n".join(parts), width, top + 16.0, title=title or "Which thread touches what",
                description=" ".join(said))


def _between(number: int, last: int) -> str:
    if number == 0:
        return "before the first barrier" if last > 1 else "before the barrier"
    if number == last:
        return "after the last barrier" if last > 1 else "after the barrier"
    return f"between barriers {number} and {number + 1}"


def _bands(trace: KernelTrace, names: Sequence[str], sizes: Mapping[str, Sequence[int]], block: Any,
           several: bool) -> dict[int, list[_Panel]]:
    """What is touched, by the number of barriers before. Reads come before writes, arguments before shared memory."""
    found: dict[int, dict[Any, _Panel]] = {0: {}}
    for memory, element, write, who, phase, _ in trace.steps:
        where, thread = cast("Thread", who)
        barriers = cast("Phase", phase).barriers
        if memory.name not in names or block is not None and where != block:
            continue
        shared = memory.scratch
        name = f"{memory.name} of block {_index(where, trace.grid)}" if shared and several else memory.name
        key = (shared, write, names.index(memory.name), name)
        if key not in found.setdefault(barriers, {}):
            grid, matrix = _grid(memory.name, memory.shape, sizes.get(memory.name))
            found[barriers][key] = _Panel(name, "written by" if write else "read by", grid, matrix)
        panel = found[barriers][key]
        touched = panel.touched.setdefault(element, [])
        if (where, thread) not in touched:
            touched.append((where, thread))
        if (id(memory), element) in trace.raced:
            panel.race.add(element)
    return {number: [panels[key] for key in sorted(panels, key=lambda key: (key[1], key[0], key[2]))]
            for number, panels in sorted(found.items())}


def _grid(name: str, shape: tuple[int, ...], sizes: Sequence[int] | None) -> tuple[np.ndarray, bool]:
    sizes = shape if sizes is None else tuple(sizes)
    if len(sizes) > 2:
        raise ValueError(f"{name} has {len(sizes)} dimensions; at most 2 are drawn")
    count = math.prod(sizes)
    if count > MAX_CELLS:
        raise ValueError(f"{name} has {count} cells, too many to read in a picture; at most {MAX_CELLS} are drawn")
    if len(sizes) == 2:
        return np.arange(count).reshape(sizes), True
    columns = max(min(count, MAX_COLUMNS), 1)
    grid = np.full(-(-count // columns) * columns, -1)
    grid[:count] = np.arange(count)
    return grid.reshape(-1, columns), False


def _index(index: Any, sizes: Any) -> str:
    used = 3 if sizes[2] > 1 else 2 if sizes[1] > 1 else 1
    return ",".join(map(str, index[:used]))


class _Words:
    """What threads are called in a picture, and which colors they have."""

    def __init__(self, trace: KernelTrace, several: bool) -> None:
        self.trace, self.several = trace, several

    def number(self, who: Any) -> int:
        """A thread, counted with x running fastest through its block (and blocks through the grid)."""
        (block, thread), size, grid = who, self.trace.block, self.trace.grid
        inside = (thread[2] * size.y + thread[1]) * size.x + thread[0]
        return ((block[2] * grid.y + block[1]) * grid.x + block[0]) * math.prod(size) + inside

    def color(self, who: Any) -> str:
        number = self.number(who)
        return FILLS[(number // math.prod(self.trace.block) if self.several else number) % len(FILLS)]

    def short(self, who: Any) -> str:
        thread = _index(who[1], self.trace.block)
        return f"{_index(who[0], self.trace.grid)}:{thread}" if self.several else thread

    def cell(self, labels: Sequence[Any]) -> str:
        """ "3", "0-7", or how many there are. """
        ordered = sorted(labels, key=self.number)
        if len(ordered) < 2:
            return "".join(map(self.short, ordered))
        flat = max(self.trace.block[1:]) == 1 and not self.several
        if flat and self.number(ordered[-1]) - self.number(ordered[0]) == len(ordered) - 1:
            return f"{self.short(ordered[0])}-{self.short(ordered[-1])}"
        if flat and len(ordered) == 2:
            return ",".join(map(self.short, ordered))
        return f"({len(ordered)})"

    def sentence(self, panel: _Panel) -> str:
        """One array in words."""
        by_labels: dict[tuple[int, ...], tuple[list[int], list[Any]]] = {}
        for place in sorted(panel.touched):
            labels = sorted(panel.touched[place], key=self.number)
            by_labels.setdefault(tuple(map(self.number, labels)), ([], labels))[0].append(place)
        said = []
        for places, labels in list(by_labels.values())[:6]:
            who = " and ".join(map(self.short, labels)) if len(labels) < 4 else (
                f"{len(labels)} threads, {self.short(labels[0])} to {self.short(labels[-1])}")
            said.append(f"{ranges(places)} by {'thread ' if len(labels) == 1 else ''}{who}")
        said += ["and so on"] if len(by_labels) > 6 else []
        cells = [place for place in panel.grid.ravel().tolist() if place >= 0]
        idle = [place for place in cells if place not in panel.touched]
        text = f"{panel.name}, {len(cells)} cells, {panel.words}: {'; '.join(said)}."
        text += f" Not touched: {ranges(idle)}." if idle else ""
        return text + (f" A race: {ranges(sorted(panel.race))}." if panel.race else "")


def _side_by_side(panels: Sequence[_Panel], top: float, words: _Words) -> tuple[list[str], float, float]:
    """All panels, beside each other where there is room; with the width, and the y below them."""
    parts: list[str] = []
    x, width, below = 0.0, 0.0, top
    for panel in panels:
        rows, columns = panel.grid.shape
        longest = max([len(words.cell(labels)) for labels in panel.touched.values()], default=1)
        cell = max(CELL, longest * ADVANCE * 12 + 8)
        wide = max(SIDE + columns * cell, (len(panel.name) + 14) * ADVANCE * 14)
        if x and x + wide > WIDTH:
            x, top = 0.0, below
        parts += [f'<g transform="translate({x:.1f} 0)">', *_draw(panel, top, cell, words), "</g>"]
        below = max(below, top + TOP + rows * CELL + GAP)
        width = max(width, x + wide)
        x += wide + GAP
    return parts, width, below


def _draw(panel: _Panel, top: float, wide: float, words: _Words) -> list[str]:
    parts = [label(0.0, top + 13.0, panel.name, size=14, bold=True, anchor="start"),
             label(len(panel.name) * ADVANCE * 14 + 14.0, top + 13.0, panel.words, color=QUIET, anchor="start")]
    begin = top + TOP
    rows, columns = panel.grid.shape
    side = SIDE if rows > 1 or panel.matrix else 0.0
    for column in range(columns):
        parts.append(label(side + (column + 0.5) * wide, begin - 5.0, str(column), size=10, color=QUIET))
    for row in range(rows):
        y = begin + row * CELL
        if side:
            parts.append(label(side - 6.0, y + CELL / 2 + 4.0, str(row if panel.matrix else row * columns), size=10,
                               color=QUIET, anchor="end"))
        for column in range(columns):
            place = int(panel.grid[row, column])
            if place >= 0:
                parts.append(_cell(side + column * wide, y, wide, panel.touched.get(place, []), place in panel.race,
                                   words))
    return parts


def _cell(x: float, y: float, wide: float, labels: Sequence[Any], race: bool, words: _Words) -> str:
    rows = [f'<g class="cell{" strong" if race else ""}">']
    stripes = sorted(labels, key=words.number)[:MAX_STRIPES]
    high = CELL if len(labels) < 2 else STRIPE  # the names of several stand on white, above the stripes
    for at, who in enumerate(stripes):
        part = wide / len(stripes)
        rows.append(f'<rect x="{x + at * part:.1f}" y="{y + CELL - high:.1f}" width="{part:.1f}" height="{high:g}" '
                    f'fill="{words.color(who)}"/>')
    border = f'stroke="{INK}"' if labels else f'stroke="{PALE}" stroke-dasharray="3 2"'
    rows.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{CELL:g}" '
                f'fill="{"none" if labels else EMPTY}" stroke-width="1" {border}/>')
    if race:
        rows.append(f'<rect x="{x + 1.5:.1f}" y="{y + 1.5:.1f}" width="{wide - 3:.1f}" height="{CELL - 3:g}" '
                    f'fill="none" stroke="{INK}" stroke-width="3"/>')
    if labels:
        rows.append(label(x + wide / 2, y + (CELL / 2 + 4.5 if len(labels) < 2 else 16.0), words.cell(labels), size=12,
                          bold=True))
    return "\n".join([*rows, "</g>"])
