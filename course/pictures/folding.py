"""A block folds its values in shared memory: half of the threads in each step, with barriers between. A tree."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from course.pictures.cells import EMPTY, FILLS, PALE, label, short
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

WIDE, HIGH = 46.0, 28.0
STEP = 78.0  # from one row of cells to the next
SIDE = 14.0
MAX_VALUES = 16


def draw_folding(values: Sequence[Any], combine: Callable[[Any, Any], Any] = operator.add, *,
                 title: str = "A block folds its values", name: str = "values") -> Svg:
    """The values in shared memory after each step of a fold as a tree; a power of two of them, at most 16.

    In a step with `half`, thread t < half takes over the value of thread t + half: `combine(values[t], values[t +
    half])`. A dashed line is a barrier. What is gray and crossed out is still there, but not needed any more.

    Raises ValueError for another number of values.
    """
    count = len(values)
    if not 1 <= count <= MAX_VALUES or count & (count - 1):
        raise ValueError(f"1, 2, 4, 8 or 16 values are drawn, not {count}")
    now = list(values)
    parts = [label(0.0, 14.0, title, size=16, bold=True, anchor="start")]
    top, half = 56.0, count
    width = SIDE + count * WIDE
    parts += [label(SIDE + (t + 0.5) * WIDE, top - 6.0, str(t), size=10, color=QUIET) for t in range(count)]
    parts += _row(now, half, top, "every thread writes its value", width)
    said = [f"{name} begins as {_list(now)}."]
    while half > 1:
        half //= 2
        parts += _between(half, top, width)
        top += STEP
        now[:half] = [combine(now[t], now[t + half]) for t in range(half)]
        who = "thread 0 works" if half == 1 else f"threads 0 {'and' if half == 2 else 'to'} {half - 1} work"
        parts += _row(now, half, top, f"half = {half}: {who}", width)
        said.append(f"half = {half}: {who}; {_list(now[:half])}.")
    parts.append(f'<path class="barrier" d="M 0 {top + HIGH + 15:.1f} H {width:.1f}" stroke="{QUIET}" '
                 'stroke-width="1.5" stroke-dasharray="7 4"/>')
    last = f"every thread reads {name}[0]"
    parts.append(label(SIDE, top + HIGH + 36.0, last, size=12, anchor="start"))
    parts.append(label(0.0, top + HIGH + 58.0, _LEGEND, size=12, color=QUIET, anchor="start"))
    width = max(width + 31 * ADVANCE * 12 + 16, len(title) * ADVANCE * 16.5, len(_LEGEND) * ADVANCE * 12.5)
    return page("\n".join(parts), width, top + HIGH + 64.0, title=title,
                description=" ".join([*said, f"Then {last}."]))


_LEGEND = "dashed line: a barrier; gray, crossed out: not needed any more"


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(short, values))


def _row(values: Sequence[Any], live: int, top: float, words: str, width: float) -> list[str]:
    parts = ['<g class="row">']
    for t, value in enumerate(values):
        x, here = SIDE + t * WIDE, t < live
        parts.append(f'<rect class="{"live" if here else "done"}" x="{x:.1f}" y="{top:.1f}" width="{WIDE:g}" '
                     f'height="{HIGH:g}" fill="{FILLS[0] if here else EMPTY}" stroke="{INK if here else PALE}" '
                     f'stroke-width="1"/>')
        parts.append(label(x + WIDE / 2, top + 18.5, short(value), size=13, bold=here, color=INK if here else PALE))
        if not here:
            parts.append(f'<path d="M {x + 8:.1f} {top + HIGH - 6:.1f} L {x + WIDE - 8:.1f} {top + 6:.1f}" '
                         f'stroke="{PALE}" stroke-width="1.2"/>')
    return [*parts, "</g>", label(width + 16.0, top + 18.5, words, size=12, anchor="start")]


def _between(half: int, top: float, width: float) -> list[str]:
    """The barrier, and lines from both values to the one that they become."""
    begin, end = top + HIGH, top + STEP
    parts = []
    for t in range(half):
        to = SIDE + (t + 0.5) * WIDE
        for source, dy in ((t + half, 3.0), (t, 0.0)):
            x = SIDE + (source + 0.5) * WIDE
            parts.append(f'<path class="edge" d="M {x:.1f} {begin:.1f} C {x:.1f} {begin + 34 + dy:.1f} {to:.1f} '
                         f'{end - 34:.1f} {to:.1f} {end - 7:.1f}" fill="none" stroke="{QUIET}" stroke-width="1.5"/>')
        parts.append(f'<polygon points="{to:.1f},{end:.1f} {to - 4:.1f},{end - 8:.1f} {to + 4:.1f},{end - 8:.1f}" '
                     f'fill="{QUIET}"/>')
    parts.append(f'<path class="barrier" d="M 0 {begin + 9:.1f} H {width:.1f}" stroke="{QUIET}" stroke-width="1.5" '
                 'stroke-dasharray="7 4"/>')
    return parts
