"""Strides, drawn over storage: which cell of memory each element of a tensor reads."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from course.pictures.cells import CELL, LINES, PALE, arrow, cell, label
from course.pictures.looks import Look, looks_of
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

LEVEL = 17.0  # height that the steps along one dimension take
FALL = 46.0  # from the storage down to the elements
HEAD = 24.0
SIDE = 18.0  # for indices, left of the grid and above it
PLANE = 14.0  # between two planes of a grid
NOTES = 112.0  # for "storage" and "elements", left of them
GAP = 30.0  # from one tensor to the next


def draw_strides(tensors: Any, storage: Sequence[Any] | int | None = None, *, title: str = "",
                 changed: Collection[int] = ()) -> Svg:
    """For each tensor: its elements as a grid, its storage as a row of cells, and who reads which cell.

    Arrows above the storage are the steps along each dimension. Lines lead from each cell down to the elements that
    read it, which stand in the order in which a loop visits them (a thick bar ends a row). An element has the letter,
    the color and the value of its cell. Colors are those of the rows of the first tensor. A cell that no element reads
    is dashed.

    tensors: `{"x": x, "x.T": x.T}`, or one alone. Each is a tensor, or `(sizes, strides, offset)`.
    storage: the numbers in the storage of those that are given as `(sizes, strides, offset)`, or how many there are; by
        default, as many as are read.
    changed: places in the (first) storage that get a thick frame, as do the elements that read them.

    An element that reads outside of the storage is drawn too, as "?". Raises ValueError where sizes and strides are
    not as many, and for more than 26 cells or 36 elements.
    """
    named = tensors if isinstance(tensors, Mapping) else {"": tensors}
    looks = looks_of(named, storage)
    grid_width = max(_grid_size(look)[0] for look in looks)
    left = grid_width + NOTES + 24.0  # where the storage begins
    parts: list[str] = []
    y = 0.0
    for look in looks:
        marked = set(changed) if look.memory is looks[0].memory else set()
        body, height = _panel(look, y, left, marked, several=len({id(each.memory) for each in looks}) > 1)
        parts += body
        y += height + GAP
    width = left + max(max(len(look.memory.values), look.places.size) * CELL for look in looks) + 8.0
    width = max(width, *(_text_width(_heading(look)) for look in looks), *(_steps_end(look, left) for look in looks))
    words = title or "Which cell of memory each element reads"
    if title:
        parts = [label(0.0, 14.0, title, size=16, bold=True, anchor="start"),
                 f'<g transform="translate(0 {HEAD + 6:g})">', *parts, "</g>"]
        y += HEAD + 6
        width = max(width, 1.1 * _text_width(title))
    return page("\n".join(parts), width, y - GAP, title=words, description=" ".join(_sentences(looks, changed)))


def _sentences(looks: Sequence[Look], changed: Collection[int]) -> list[str]:
    """The picture in words."""
    said: list[str] = []
    memories = {id(look.memory): look.memory for look in looks}
    for memory in memories.values():
        count = len(memory.values)
        words = f"{memory.name.capitalize()} storage" if len(memories) > 1 else "Storage"
        words += f" of {count} cell{'' if count == 1 else 's'}"
        words += f", {memory.letters[0]} to {memory.letters[count - 1]}" if count > 1 else ""
        words += f", holding {', '.join(memory.values)}" if any(memory.values) else ""
        said.append(f"{words}.")
    if changed:
        said.append(f"Framed: {', '.join(looks[0].letter(place) for place in sorted(changed))}.")
    for look in looks:
        rows = look.places.reshape(-1, look.sizes[-1]) if look.sizes and look.places.size else [look.places.ravel()]
        read = "; ".join(" ".join(look.letter(place) for place in row) for row in np.asarray(rows).tolist())
        where = f" in the {look.memory.name} storage" if len(memories) > 1 else ""
        words = f"reads, row by row, {read}" if look.places.size else "no elements"
        said.append(f"{_heading(look)}: {words}{where}{'; ? is outside of it' if '?' in read else ''}.")
    return said


def _heading(look: Look) -> str:
    geometry = f"sizes {look.sizes}  strides {look.strides}  offset {look.offset}"
    return f"{look.name}:  {geometry}" if look.name else geometry


# ---- Drawing ----


def _panel(look: Look, top: float, left: float, marked: set[int], several: bool) -> tuple[list[str], float]:
    """The drawing of one tensor, and its height."""
    parts = []
    if look.name:
        parts.append(label(0.0, top + 13.0, look.name, size=14, bold=True, anchor="start"))
    start = len(look.name) * ADVANCE * 14 + 18.0 if look.name else 0.0
    parts.append(label(start, top + 13.0, f"sizes {look.sizes}   strides {look.strides}   offset {look.offset}",
                       color=QUIET, anchor="start"))
    top += HEAD
    parts += _grid(look, top, marked)
    steps, height = _steps(look, top, left)
    parts += steps
    y = top + height
    count = len(look.memory.values)
    middle = CELL / 2
    parts.append(label(left - 10.0, y - 4.0, "place", size=11, color=QUIET, anchor="end"))
    parts.append(label(left - 10.0, y + middle + 4.0, f"{look.memory.name} storage" if several else "storage", size=12,
                       color=QUIET, anchor="end"))
    read = set(look.places.ravel().tolist())
    for place in range(count):
        x = left + place * CELL
        parts.append(label(x + middle, y - 4.0, str(place), size=11, color=QUIET))
        parts.append(cell(x, y, look.letter(place), look.value(place),
                          look.memory.colors[place] if place in read else None, strong=place in marked))
    below = y + CELL + FALL
    parts += _elements(look, y + CELL, below, left, marked)
    bottom = below + CELL
    return parts, max(bottom - top, _grid_size(look)[1]) + HEAD


def _elements(look: Look, top: float, below: float, left: float, marked: set[int]) -> list[str]:
    """The elements in the order of a loop, and a line from each to its cell."""
    parts, cells = [], []
    middle = CELL / 2
    for number, place in enumerate(look.places.ravel().tolist()):
        x = left + number * CELL
        color = look.memory.colors.get(place)
        if color is not None:
            start = left + place * CELL + middle
            halfway = (top + below) / 2
            parts.append(f'<path class="read" d="M {start:.1f} {top:.1f} C {start:.1f} {halfway:.1f} '
                         f'{x + middle:.1f} {halfway:.1f} {x + middle:.1f} {below:.1f}" fill="none" '
                         f'stroke="{LINES[color % len(LINES)]}" stroke-width="2"/>')
        cells.append(cell(x, below, look.letter(place), look.value(place), color, strong=place in marked,
                          kind="element"))
    row = look.sizes[-1] if look.sizes else 1
    for number in range(row, look.places.size, row) if len(look.sizes) > 1 and row else ():
        x = left + number * CELL
        cells.append(f'<path d="M {x:.1f} {below - 3:.1f} V {below + CELL + 3:.1f}" stroke="{INK}" stroke-width="4"/>')
    words = "elements" if look.places.size else "no elements"
    return [*parts, *cells, label(left - 10.0, below + middle + 4.0, words, size=12, color=QUIET, anchor="end")]


def _steps(look: Look, top: float, left: float) -> tuple[list[str], float]:
    """Arrows over the storage, one level for each dimension, from the first element on; and their height."""
    parts: list[str] = []
    height = LEVEL * len(look.sizes) + 16.0
    count = len(look.memory.values)
    first = left + (look.offset + 0.5) * CELL
    if look.sizes and 0 <= look.offset < count:
        parts.append(f'<path d="M {first:.1f} {top + LEVEL / 2:.1f} V {top + height - 15:.1f}" stroke="{PALE}" '
                     'stroke-width="1" stroke-dasharray="2 2"/>')
    for dim in range(len(look.sizes)):
        y = top + LEVEL * (dim + 0.5)
        ends = _ends(look, dim)
        for place in ends:
            parts.append(arrow(left + (place - look.strides[dim] + 0.5) * CELL, left + (place + 0.5) * CELL, y))
        if 0 <= look.offset < count:
            parts.append(f'<circle cx="{first:.1f}" cy="{y:.1f}" r="3" fill="{QUIET}"/>')
        parts.append(label(_note_at(look, dim, left), y + 4.0, _note(look, dim), size=12, anchor="start", halo=True))
    return parts, height


def _ends(look: Look, dim: int) -> list[int]:
    """Where the steps along one dimension arrive, as far as they stay in the storage."""
    stride = look.strides[dim]
    ends = [look.offset + number * stride for number in range(1, look.sizes[dim])] if stride else []
    inside = range(len(look.memory.values)) if look.places.size else range(0)
    return [place for place in ends if place in inside and look.offset in inside]


def _note(look: Look, dim: int) -> str:
    if look.sizes[dim] < 2:
        return f"dim {dim}: no step, size {look.sizes[dim]}"
    return f"dim {dim}: {look.strides[dim]:+d} a step" if look.strides[dim] else f"dim {dim}: 0 a step, stays"


def _note_at(look: Look, dim: int, left: float) -> float:
    inside = min(max(look.offset, 0), max(len(look.memory.values) - 1, 0))
    return left + (max([inside, *_ends(look, dim)]) + 0.5) * CELL + 9.0


def _steps_end(look: Look, left: float) -> float:
    return max([_note_at(look, dim, left) + len(_note(look, dim)) * ADVANCE * 12 for dim in range(len(look.sizes))],
               default=0.0)


def _grid(look: Look, top: float, marked: set[int]) -> list[str]:
    """The elements as rows and columns; further dimensions as planes beside each other, with their index on top."""
    parts = []
    planes, rows, columns = _planes(look)
    places = look.places.reshape(math.prod(planes), rows, columns)
    begin = top + SIDE * (1 + bool(planes))
    for number, plane in enumerate(np.ndindex(*planes)):
        left = SIDE + number * (columns * CELL + PLANE)
        if planes:
            index = ", ".join(map(str, plane))
            parts.append(label(left + columns * CELL / 2, top + 12.0, f"[{index}]", size=12, color=QUIET, bold=True))
        for column in range(columns if look.sizes else 0):
            parts.append(label(left + (column + 0.5) * CELL, begin - 4.0, str(column), size=11, color=QUIET))
        for row in range(rows):
            if len(look.sizes) > 1 and number == 0:
                parts.append(label(SIDE - 6.0, begin + (row + 0.5) * CELL + 4.0, str(row), size=11, color=QUIET,
                                   anchor="end"))
            for column in range(columns):
                place = int(places[number, row, column])
                parts.append(cell(left + column * CELL, begin + row * CELL, look.letter(place), look.value(place),
                                  look.memory.colors.get(place), strong=place in marked, kind="entry"))
    return parts


def _planes(look: Look) -> tuple[tuple[int, ...], int, int]:
    """The dimensions in front, and the number of rows and columns."""
    rows, columns = (1, 1, *look.sizes)[-2:]
    return look.sizes[:-2], rows, columns


def _grid_size(look: Look) -> tuple[float, float]:
    planes, rows, columns = _planes(look)
    count = math.prod(planes)
    return SIDE + count * columns * CELL + (count - 1) * PLANE, SIDE * (1 + bool(planes)) + rows * CELL


def _text_width(text: str) -> float:
    return len(text) * ADVANCE * 14
