"""Cells of memory, and elements that read them: what the pictures of strides and of broadcasting share.

What belongs together has the same letter and the same color. The letter says which cell; the color only helps.
"""

from __future__ import annotations

from html import escape
from typing import Any

from course.pictures.svg import INK, QUIET

CELL = 34.0  # width and height of a cell
# For the first storage of a picture, the second and the third.
ALPHABETS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "αβγδεζηθικλμνξοπρστυφχψωΓΔ")
# Fills are Okabe and Ito's colors, lines darker forms of them that can be seen on white.
FILLS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00")
LINES = ("#1b6ea1", "#96650a", "#00684c", "#7d7400", "#93406e", "#963f00")
EMPTY, PALE = "#ffffff", "#8a8a8a"


def cell(x: float, y: float, letter: str, value: str, color: int | None, *, strong: bool = False,
         hatched: bool = False, kind: str = "cell") -> str:
    """One square with its left upper corner at (x, y): the letter, and a value below it.

    color: number of a fill; None for a cell that nobody reads, which is dashed. strong: a thick frame. hatched: lines
    across it, for an element that is not there in memory once more.
    """
    fill = EMPTY if color is None else FILLS[color % len(FILLS)]
    border = f'stroke="{PALE}" stroke-width="1" stroke-dasharray="3 2"' if color is None else \
        f'stroke="{INK}" stroke-width="1"'
    rows = [f'<g class="{kind}{" strong" if strong else ""}{" hatched" if hatched else ""}">',
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{CELL:g}" height="{CELL:g}" fill="{fill}" {border}/>']
    if hatched:
        rows.append(hatching(x, y))
    if strong:
        rows.append(f'<rect x="{x + 1.5:.1f}" y="{y + 1.5:.1f}" width="{CELL - 3:g}" height="{CELL - 3:g}" '
                    f'fill="none" stroke="{INK}" stroke-width="3"/>')
    ink = PALE if color is None else INK
    middle = x + CELL / 2
    if letter:
        rows.append(label(middle, y + (16 if value else 22), letter, size=14, color=ink, bold=True, halo=hatched))
    if value:
        rows.append(label(middle, y + (29 if letter else 21), value, size=10, color=QUIET if color is None else INK,
                          halo=hatched))
    return "\n".join([*rows, "</g>"])


def hatching(x: float, y: float, width: float = CELL, height: float = CELL) -> str:
    """Diagonal lines over a rectangle with its left upper corner at (x, y)."""
    ways, step = [], 8.0
    at = step / 2
    while at < width + height:  # from the left or lower edge up to the upper or right edge
        from_x, from_y = (0.0, at) if at <= height else (at - height, height)
        to_x, to_y = (at, 0.0) if at <= width else (width, at - width)
        ways.append(f"M {x + from_x:.1f} {y + from_y:.1f} L {x + to_x:.1f} {y + to_y:.1f}")
        at += step
    return f'<path d="{" ".join(ways)}" fill="none" stroke="{INK}" stroke-width="0.9" stroke-opacity="0.55"/>'


def label(x: float, y: float, text: str, *, size: float = 13, color: str = INK, bold: bool = False,
          anchor: str = "middle", halo: bool = False) -> str:
    """A line of text with its baseline at y. halo: a white edge, where something is drawn behind it."""
    style = ' font-weight="bold"' if bold else ""
    style += ' stroke="#ffffff" stroke-width="3" stroke-opacity="0.85" paint-order="stroke"' if halo else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" fill="{color}"{style} '
            f'xml:space="preserve">{escape(text)}</text>')


def arrow(x: float, to: float, y: float, color: str = QUIET) -> str:
    """A level arrow from x to `to`."""
    back = -1.0 if to > x else 1.0
    head = f"{to:.1f},{y:.1f} {to + 7 * back:.1f},{y - 3.5:.1f} {to + 7 * back:.1f},{y + 3.5:.1f}"
    return (f'<path d="M {x:.1f} {y:.1f} L {to + 6 * back:.1f} {y:.1f}" stroke="{color}" stroke-width="1.5"/>'
            f'<polygon points="{head}" fill="{color}"/>')


def short(value: Any) -> str:
    """A value in few characters: five, which fit in a cell, where that is possible."""
    if isinstance(value, bool):
        return str(value)
    for digits in (4, 3, 2, 1):
        text = f"{float(value) + 0.0:.{digits}g}"  # + 0.0: nobody wants to read -0
        text = text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
        if len(text) <= 5:
            break
    return text
