"""Windows that slide over a plane: one product of a kernel after the other, and all windows as columns, in colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.pictures.blocking import Film, played
from course.pictures.cells import ALPHABETS, FILLS, LINES, PALE, hatching, label, short
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

CELL = 30.0
SMALL = 21.0  # cells of columns
GAP = 44.0  # between planes
TOP = 30.0
MAX_SIDE = 12  # of a plane, padding included
MAX_WINDOWS = 64
MAX_COLUMNS = 16
STILLS = 4
INSIDE, OUTSIDE = "#ffffff", "#f2f2f2"
DASHED = ' stroke-dasharray="7 3"'


def draw_sliding(plane: Any, kernel: Any, *, stride: int = 1, padding: int = 0,
                 title: str = "A kernel slides over a plane") -> Film:
    """One product after the other: the window, the kernel, and the element of the result that their sum is.

    plane: (H, W) numbers. kernel: (KH, KW). With padding, at most 12 rows and columns, and at most 64 windows. What is
    hatched is padding: a zero that stands in no memory. A large number is a dark cell, and its value stands in it.

    Raises ValueError for more, or where no window fits.
    """
    a, k = np.asarray(plane, dtype=float), np.asarray(kernel, dtype=float)
    out_h, out_w = _counts(a.shape, k.shape, stride, padding)
    if out_h * out_w > MAX_WINDOWS:
        raise ValueError(f"{out_h * out_w} windows are too many to watch; at most {MAX_WINDOWS} are drawn")
    wide = np.pad(a, padding)
    out = np.array([[(wide[y * stride:y * stride + k.shape[0], x * stride:x * stride + k.shape[1]] * k).sum()
                     for x in range(out_w)] for y in range(out_h)])
    frames = [_frame(wide, k, out, number, stride, padding) for number in range(out.size)]
    left = wide.shape[1] * CELL + GAP
    width = left + max(k.shape[1], 3) * CELL + GAP + max(out_w, 2) * CELL
    height = TOP + max(wide.shape[0], k.shape[0], out_h) * CELL + 30.0
    chosen = list(range(out.size)) if out.size <= STILLS else [0, 1, *range(out_w, out.size, out_w)][:STILLS - 1]
    if out.size > STILLS:
        chosen.append(out.size - 1)
    words = (f"A plane of {a.shape[0]} x {a.shape[1]}{f' with padding {padding}' if padding else ''}, a kernel of "
             f"{k.shape[0]} x {k.shape[1]}, stride {stride}: {out_h} x {out_w} windows, one sum of products each. "
             f"The first sum is {short(out.flat[0])}, the last {short(out.flat[-1])}.")
    head = [label(0.0, 14.0, title, size=16, bold=True, anchor="start")]
    width = max(width, len(title) * ADVANCE * 16.5)
    style, groups = played(frames, 30.0, 0.5)
    moving = page("\n".join([style, *head, *groups]), width, height + 30.0, title=title, description=words)
    parts = list(head)
    across = 2 if width < 420.0 and len(chosen) > 1 else 1
    for place, number in enumerate(chosen):
        x, y = place % across * (width + GAP), 30.0 + place // across * (height + 12.0)
        parts += [f'<g class="frame" transform="translate({x:.1f} {y:.1f})">', *frames[number], "</g>"]
    rows = -(-len(chosen) // across)
    still = page("\n".join(parts), width * across + GAP * (across - 1), 30.0 + rows * (height + 12.0), title=title,
                 description=words)
    return Film(moving, still)


def _counts(plane: Sequence[int], kernel: Sequence[int], stride: int, padding: int) -> tuple[int, int]:
    """How many windows there are, down and across. Raises ValueError where none fits, or a plane is too large."""
    sides = [size + 2 * padding for size in plane]
    if max(sides) > MAX_SIDE:
        raise ValueError(f"a plane of {sides[0]} x {sides[1]}, padding included, is too large to read; at most "
                         f"{MAX_SIDE} x {MAX_SIDE} are drawn")
    counts = [(side - size) // stride + 1 for side, size in zip(sides, kernel)]
    if min(counts) < 1:
        raise ValueError(f"no window of {kernel[0]} x {kernel[1]} fits into {sides[0]} x {sides[1]}")
    return counts[0], counts[1]


def _frame(a: np.ndarray, k: np.ndarray, out: np.ndarray, number: int, stride: int, padding: int) -> list[str]:
    """The plane with its window, the kernel, the result as far as it has come."""
    y, x = divmod(number, out.shape[1])
    top, left = y * stride, x * stride
    parts = [label(a.shape[1] * CELL / 2, TOP - 9.0, "input", size=12, bold=True)]
    parts += _plane(0.0, TOP, a, padding)
    parts.append(_frame_of(left * CELL, TOP + top * CELL, k.shape[1], k.shape[0], LINES[1], "window"))
    at = a.shape[1] * CELL + GAP
    parts += [label(at - GAP / 2, TOP + CELL * 0.75, "*", size=18, bold=True),
              label(at + k.shape[1] * CELL / 2, TOP - 9.0, "kernel", size=12, bold=True), *_plane(at, TOP, k, 0),
              _frame_of(at, TOP, k.shape[1], k.shape[0], LINES[1], "kernel")]
    at += max(k.shape[1], 3) * CELL + GAP
    parts += [label(at - GAP / 2, TOP + CELL * 0.75, "=", size=18, bold=True),
              label(at + out.shape[1] * CELL / 2, TOP - 9.0, "output", size=12, bold=True)]
    parts += _plane(at, TOP, out, 0, shown=number + 1)
    parts.append(_frame_of(at + x * CELL, TOP + y * CELL, 1, 1, LINES[1], "result"))
    parts.append(label(0.0, TOP + max(a.shape[0], k.shape[0], out.shape[0]) * CELL + 20.0,
                       f"window {number + 1} of {out.size}: output[{y}, {x}] = {short(out[y, x])}", size=12,
                       anchor="start"))
    return parts


def _plane(x: float, y: float, a: np.ndarray, padding: int, shown: int | None = None) -> list[str]:
    """Cells with their numbers; shades of gray by size. shown: only so many of them have a number."""
    most = float(np.abs(a).max()) or 1.0
    parts = []
    for number, value in enumerate(a.ravel().tolist()):
        row, column = divmod(number, a.shape[1])
        outside = (min(row, a.shape[0] - 1 - row) < padding or min(column, a.shape[1] - 1 - column) < padding)
        left, top, here = x + column * CELL, y + row * CELL, shown is None or number < shown
        shade = _shade(value / most) if here else INSIDE
        parts.append(f'<rect class="{"outside" if outside else "number" if here else "waiting"}" x="{left:g}" '
                     f'y="{top:g}" width="{CELL:g}" height="{CELL:g}" fill="{OUTSIDE if outside else shade}" '
                     f'stroke="{PALE}" stroke-width="0.8"/>')
        if outside:
            parts.append(hatching(left, top, CELL, CELL))
        elif here:
            parts.append(label(left + CELL / 2, top + CELL / 2 + 4.0, short(value)[:5], size=10,
                               color="#ffffff" if abs(value) / most > 0.62 and value > 0.0 else INK))
    return parts


def _shade(share: float) -> str:
    """White for 0, dark for 1; what is negative gets the color of skies, so that its sign is seen beside its number."""
    if share < 0.0:
        r, g, b = (round(255 - (255 - part) * min(-share, 1.0) * 0.8) for part in (0x56, 0xB4, 0xE9))
        return f"#{r:02x}{g:02x}{b:02x}"
    gray = round(255 - 200 * min(share, 1.0))
    return f"#{gray:02x}{gray:02x}{gray:02x}"


def _frame_of(x: float, y: float, columns: int, rows: int, line: str, kind: str, size: float = CELL) -> str:
    return (f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{columns * size:g}" height="{rows * size:g}" '
            f'fill="none" stroke="{line}" stroke-width="3"/>')


# ---- All windows as columns ----


def draw_unfold(plane: Sequence[int], kernel: Sequence[int], *, stride: int = 1, padding: int = 0,
                title: str = "Windows as columns") -> Svg:
    """Each window becomes a column: the same letter is the same element, which stands in several columns.

    plane: (height, width); as many elements as there are letters, 26, padding not counted. kernel: (KH, KW), at most 9
    elements. At most 16 windows. The first two windows have a frame and are named over their columns.

    Raises ValueError for more, or where no window fits.
    """
    height, width = plane
    if height * width > len(ALPHABETS[0]):
        raise ValueError(f"a plane of {height} x {width} has more elements than there are letters")
    out_h, out_w = _counts(plane, kernel, stride, padding)
    rows = kernel[0] * kernel[1]
    if out_h * out_w > MAX_COLUMNS or rows > 9:
        raise ValueError(f"{out_h * out_w} windows of {rows} elements are too many to read; at most {MAX_COLUMNS} of 9 "
                         "are drawn")
    side_h, side_w = height + 2 * padding, width + 2 * padding
    parts = [label(0.0, 14.0, title, size=16, bold=True, anchor="start"),
             label(side_w * CELL / 2, 46.0, f"input, {height} x {width}", size=12, bold=True)]
    top = 54.0
    for y in range(side_h):
        for x in range(side_w):
            parts += _letter(x * CELL, top + y * CELL, CELL, _at(y - padding, x - padding, height, width), width)
    for number in range(min(2, out_h * out_w)):
        y, x = divmod(number, out_w)
        inset = 3.0 * number  # so that frames do not hide each other
        parts.append(f'<rect class="window" x="{x * stride * CELL + inset:g}" y="{top + y * stride * CELL + inset:g}" '
                     f'width="{kernel[1] * CELL - 2 * inset:g}" height="{kernel[0] * CELL - 2 * inset:g}" fill="none" '
                     f'stroke="{LINES[1 + 4 * number]}" stroke-width="3"{DASHED * number}/>')
    left = side_w * CELL + GAP + 34.0
    counts: dict[str, int] = {}
    parts.append(label(left + out_h * out_w * SMALL / 2, 26.0 + 20.0,
                       f"columns, {rows} x {out_h * out_w}", size=12, bold=True))
    for row in range(rows):
        i, j = divmod(row, kernel[1])
        parts.append(label(left - 8.0, top + row * SMALL + 15.0, f"{i},{j}", size=10, color=QUIET, anchor="end"))
        for column in range(out_h * out_w):
            y, x = divmod(column, out_w)
            letter = _at(y * stride - padding + i, x * stride - padding + j, height, width)
            counts[letter] = counts.get(letter, 0) + 1
            parts += _letter(left + column * SMALL, top + row * SMALL, SMALL, letter, width)
    for number in range(min(2, out_h * out_w)):
        parts.append(f'<rect class="column" x="{left + number * SMALL + 1.5:g}" y="{top - 1.5:g}" '
                     f'width="{SMALL - 3:g}" height="{rows * SMALL + 3:g}" fill="none" '
                     f'stroke="{LINES[1 + 4 * number]}" stroke-width="3"{DASHED * number}/>')
    low = top + max(side_h * CELL, rows * SMALL)
    # The letter that stands in most columns, the first one of several; the only element may stand in none.
    letter, most = max(((letter, count) for letter, count in counts.items() if letter), key=lambda each: each[1],
                       default=("A", 0))
    often = f"{letter} stands in {most} column{'s' * (most != 1)}"
    note = f"{often}; i,j at the left: its place in the window"
    if padding:
        note += "; hatched: padding, 0"
    parts.append(label(0.0, low + 24.0, note, size=12, color=QUIET, anchor="start"))
    total = max(left + out_h * out_w * SMALL, len(note) * ADVANCE * 12.5, len(title) * ADVANCE * 16.5)
    said = (f"A plane of {height} x {width} and windows of {kernel[0]} x {kernel[1]}, stride {stride}, padding "
            f"{padding}: {out_h * out_w} columns of {rows} elements. {often}.")
    return page("\n".join(parts), total, low + 30.0, title=title, description=said)


def _at(y: int, x: int, height: int, width: int) -> str:
    """The letter of an element, "" outside of the plane."""
    return ALPHABETS[0][y * width + x] if 0 <= y < height and 0 <= x < width else ""


def _letter(x: float, y: float, size: float, letter: str, width: int) -> list[str]:
    """A cell with its letter; its color is that of its row in the plane. Hatched where there is none."""
    fill = FILLS[ALPHABETS[0].index(letter) // width % len(FILLS)] if letter else OUTSIDE
    parts = [f'<rect class="{"element" if letter else "outside"}" x="{x:g}" y="{y:g}" width="{size:g}" '
             f'height="{size:g}" fill="{fill}" stroke="{INK}" stroke-width="0.8"/>']
    if not letter:
        return [*parts, hatching(x, y, size, size)]
    return [*parts, label(x + size / 2, y + size / 2 + 4.5, letter, size=13 if size == CELL else 11, bold=True)]
