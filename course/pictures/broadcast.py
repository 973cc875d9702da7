"""Broadcasting, drawn: two shapes, aligned at their last dimension and stretched to one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from course.pictures.cells import ALPHABETS, CELL, FILLS, cell, hatching, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

WIDE, HIGH = 92.0, 40.0  # of a size in the table
ROW = 62.0
HEAD = 40.0
NAMES = 70.0
PLANE = 14.0
APART = 48.0
MAX_ELEMENTS = 48
WRONG = "#a33b00"


def draw_broadcast(a: Sequence[int], b: Sequence[int], *, names: tuple[str, str] = ("a", "b"), title: str = "") -> Svg:
    """The shapes `a` and `b`, one below the other, and what they are broadcast to.

    Sizes that are stretched are hatched; a dimension that is missing is dashed and counts as 1. Below, if the result
    has at most three dimensions and 48 elements, the tensors themselves: hatched elements are not there in memory
    once more, they read the cell with the same letter. Where two sizes do not agree, a thick frame says so, and there
    is no result.
    """
    shapes = [tuple(a), tuple(b)]
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result: list[int | None] = []  # None where the sizes do not agree
    for one, other in zip(*padded):
        agree = one == other or 1 in (one, other)
        result.append((other if one == 1 else one) if agree else None)

    parts, width, height = _table(shapes, result, names)
    shape = tuple(size for size in result if size is not None)
    if len(shape) == rank <= 3 and 0 < math.prod(shape) <= MAX_ELEMENTS:
        drawn, drawn_width, drawn_height = _tensors(shapes, shape, names, height + 34.0)
        parts += drawn
        width, height = max(width, drawn_width), height + 34.0 + drawn_height
    words = title or f"Broadcasting {shapes[0]} with {shapes[1]}"
    parts = [label(0.0, 14.0, words, size=16, bold=True, anchor="start"),
             '<g transform="translate(0 34)">', *parts, "</g>"]
    return page("\n".join(parts), max(width, len(words) * ADVANCE * 17), height + 34.0, title=words,
                description=_words(shapes, padded, result, names))


def _words(shapes: Sequence[tuple[int, ...]], padded: Sequence[tuple[int, ...]], result: Sequence[int | None],
           names: tuple[str, str]) -> str:
    said = [f"{name} has shape {shape}." for name, shape in zip(names, shapes)]
    rank = len(result)
    for dim, size in enumerate(result):
        if size is None:
            said.append(f"At dimension {dim}, {padded[0][dim]} and {padded[1][dim]} do not agree: an error.")
            continue
        for name, shape, full in zip(names, shapes, padded):
            if full[dim] == size and dim >= rank - len(shape):
                continue
            missing = f"{name} has no dimension {dim}, which counts as 1"
            if full[dim] == size:
                said.append(f"{missing}.")
            elif dim < rank - len(shape):
                said.append(f"{missing} and is stretched to {size}.")
            else:
                said.append(f"At dimension {dim}, {name} is stretched from 1 to {size}.")
    if None not in result:
        said.append(f"The result has shape {tuple(result)}.")
    return " ".join(said)


def _table(shapes: Sequence[tuple[int, ...]], result: Sequence[int | None],
           names: tuple[str, str]) -> tuple[list[str], float, float]:
    """One row for each shape and for the result, one column for each dimension of the result."""
    parts = []
    rank = len(result)
    wrong = None in result
    for dim in range(rank):
        parts.append(label(NAMES + (dim + 0.5) * WIDE - 6, 12.0, f"dim {dim}", size=12, color=QUIET))
    for number, (name, shape) in enumerate(zip(names, shapes)):
        y = 20.0 + number * ROW
        parts.append(label(NAMES - 14.0, y + HIGH / 2 + 5, name, size=15, bold=True, anchor="end"))
        for dim, size in enumerate(result):
            at = dim - (rank - len(shape))
            own = shape[at] if at >= 0 else None
            stretched = size is not None and (own is None or own != size)
            text = ("(1)" if own is None else str(own)) + (f" to {size}" if stretched else "")
            parts.append(_size(NAMES + dim * WIDE, y, text, FILLS[number], missing=own is None, stretched=stretched,
                               wrong=size is None))
        parts.append(label(NAMES + rank * WIDE + 8.0, y + HIGH / 2 + 5, f"shape {shape}", color=QUIET, anchor="start"))
    y = 20.0 + 2 * ROW
    parts.append(f'<path d="M 0 {y - 11:.1f} H {NAMES + rank * WIDE:.1f}" stroke="{INK}" stroke-width="1.5"/>')
    parts.append(label(NAMES - 14.0, y + HIGH / 2 + 5, "result", size=15, bold=True, anchor="end"))
    for dim, size in enumerate(result):
        x = NAMES + dim * WIDE
        if size is None:
            parts.append(label(x + WIDE / 2 - 6, y + HIGH / 2 + 5, "do not agree", size=12, color=WRONG, bold=True))
        else:
            parts.append(_size(x, y, str(size), "#ffffff" if wrong else FILLS[3]))
    end = "no result: an error" if wrong else f"shape {tuple(result)}"
    parts.append(label(NAMES + rank * WIDE + 8.0, y + HIGH / 2 + 5, end, color=WRONG if wrong else QUIET, bold=wrong,
                       anchor="start"))
    return parts, NAMES + rank * WIDE + 8.0 + 22 * ADVANCE * 13, y + HIGH + 6.0


def _size(x: float, y: float, text: str, fill: str, *, missing: bool = False, stretched: bool = False,
          wrong: bool = False) -> str:
    kind = "size" + " missing" * missing + " stretched" * stretched + " wrong" * wrong
    dash = ' stroke-dasharray="4 3"' if missing else ""
    rows = [f'<g class="{kind}">',
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{WIDE - 12:g}" height="{HIGH:g}" rx="4" '
            f'fill="{"#ffffff" if missing else fill}" stroke="{WRONG if wrong else INK}" '
            f'stroke-width="{5 if wrong else 1.2}"{dash}/>']
    if stretched:
        rows.append(hatching(x, y, WIDE - 12, HIGH))
    rows.append(label(x + WIDE / 2 - 6, y + HIGH / 2 + 5, text, size=14, bold=True, halo=stretched))
    return "\n".join([*rows, "</g>"])


def _tensors(shapes: Sequence[tuple[int, ...]], result: tuple[int, ...], names: tuple[str, str],
             top: float) -> tuple[list[str], float, float]:
    """Both operands as they look when they are stretched, and the result, side by side."""
    letters: list[np.ndarray] = []
    real: list[np.ndarray] = []  # whether an element is one of the tensor's own, not a repetition
    for shape, alphabet in zip(shapes, ALPHABETS):
        count = math.prod(shape)
        many = count > len(alphabet)
        own = np.array([f"{alphabet[n // 10]}{n % 10}" if many else alphabet[n] for n in range(count)], dtype=object)
        letters.append(np.broadcast_to(own.reshape(shape), result))
        # The first along every stretched dimension is the tensor's own element.
        first = np.ones(result, dtype=bool)
        for dim in range(len(result)):
            at = dim - (len(result) - len(shape))
            if (at < 0 or shape[at] == 1) and result[dim] > 1:
                first &= (np.arange(result[dim]) == 0).reshape([-1 if d == dim else 1 for d in range(len(result))])
        real.append(first)
    both = np.empty(result, dtype=object)
    for index in np.ndindex(*result):
        both[index] = letters[0][index] + letters[1][index]

    parts: list[str] = []
    rows, columns = (1, 1, *result)[-2:]
    planes = result[0] if len(result) == 3 else 1
    one_wide = planes * columns * CELL + (planes - 1) * PLANE
    stacked = 3 * one_wide + 2 * APART > 900
    step = (0.0, rows * CELL + 44.0) if stacked else (one_wide + APART, 0.0)
    blocks = [(f"{names[0]}, stretched", letters[0], real[0], 0), (f"{names[1]}, stretched", letters[1], real[1], 1),
              ("result", both, np.ones(result, dtype=bool), 3)]
    for number, (name, text, own, color) in enumerate(blocks):
        name = name if not own.all() or number == 2 else names[number]
        x, y = number * step[0], top + number * step[1]
        parts.append(label(x, y - 8.0, name, size=13, bold=True, anchor="start"))
        for place, index in enumerate(np.ndindex(*result)):
            plane, rest = divmod(place, rows * columns)
            row, column = divmod(rest, columns)
            across = plane * (columns * CELL + PLANE) + column * CELL
            parts.append(cell(x + across, y + row * CELL, str(text[index]), "", color, hatched=not own[index],
                              kind="element"))
        if number < 2 and not stacked:
            parts.append(label(x + one_wide + APART / 2, y + rows * CELL / 2 + 6, "and" if number == 0 else "give",
                               size=12, color=QUIET))
    width = one_wide if stacked else 3 * one_wide + 2 * APART
    return parts, max(width, 8 * CELL), 3 * rows * CELL + 2 * 44.0 if stacked else rows * CELL
