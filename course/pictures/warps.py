"""What a warp touches at a time: neighbors in one piece of memory, or strided, with a piece for each thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course.pictures.accesses import ranges
from course.pictures.cells import EMPTY, FILLS, PALE, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

if TYPE_CHECKING:
    from course.trace.gpu import WarpAccess

PIECE = 32  # elements that memory hands over at a time
CELL, HIGH = 21.0, 18.0
SIDE = 52.0  # for the number of a piece's first element
MAX_PIECES = 6  # of one access that are drawn
HEAD = 46.0
GAP = 20.0


def draw_warps(accesses: Mapping[str, WarpAccess] | Sequence[WarpAccess], *, title: str = "") -> Svg:
    """Accesses of a warp to memory, one below the other: every line is a piece of 32 elements that has to be moved.

    A cell that is used has the number of its thread in the warp; the others come along for nothing.

    accesses: {what to call it: an access}, from `KernelTrace.warps`; without names, their lines in the program.

    Raises ValueError where there is no access.
    """
    named = dict(accesses) if isinstance(accesses, Mapping) else {str(each.line): each for each in accesses}
    if not named:
        raise ValueError("there is no access to draw")
    parts: list[str] = []
    top, said = 0.0, []
    if title:
        parts.append(label(0.0, 14.0, title, size=16, bold=True, anchor="start"))
        top = 36.0
    for name, access in named.items():
        pieces: dict[int, dict[int, list[int]]] = {}
        first = min(access.threads) // PIECE * PIECE
        for thread, element in zip(access.threads, access.elements):
            pieces.setdefault(element // PIECE, {}).setdefault(element % PIECE, []).append(thread - first)
        total = _total(access, pieces)
        parts += [label(0.0, top + 13.0, name, size=14, bold=True, anchor="start"),
                  label(0.0, top + 32.0, total, size=12, color=QUIET, anchor="start")]
        top += HEAD
        for piece in sorted(pieces)[:MAX_PIECES]:
            parts += [label(SIDE - 8.0, top + 13.0, str(piece * PIECE), size=10, color=QUIET, anchor="end"),
                      *_piece(top, pieces[piece])]
            top += HIGH + 5.0
        more = len(pieces) - MAX_PIECES
        if more > 0:
            parts.append(label(SIDE, top + 12.0, f"... and {more} more {'piece' if more == 1 else 'pieces'}", size=12,
                               color=QUIET, anchor="start"))
            top += HIGH
        top += GAP
        said.append(f"{name}: {total}. {_sentence(pieces)}")
    words = "filled: used, with the number of its thread in the warp; white: moved for nothing"
    parts.append(label(0.0, top + 4.0, words, size=12, color=QUIET, anchor="start"))
    width = max(SIDE + PIECE * CELL, len(title) * ADVANCE * 16.5)
    return page("\n".join(parts), width, top + 10.0, title=title or "What a warp touches at a time",
                description=" ".join(said))


def _total(access: WarpAccess, pieces: Mapping[int, Mapping[int, Sequence[int]]]) -> str:
    used = sum(map(len, pieces.values()))
    threads, moved = len(access.threads), len(pieces)
    does = ("write" if access.write else "read") + "s" * (threads == 1)
    return (f"{threads} thread{'s' * (threads != 1)} {does} {used} "
            f"element{'s' * (used != 1)}: {moved} piece{'s' * (moved != 1)} of {PIECE}, {moved * PIECE} elements moved")


def _sentence(pieces: Mapping[int, Mapping[int, Sequence[int]]]) -> str:
    shown = [ranges([piece * PIECE + place for place in pieces[piece]]) for piece in sorted(pieces)[:MAX_PIECES]]
    return f"Used: {'; '.join(shown)}{'; and so on' if len(pieces) > MAX_PIECES else ''}."


def _piece(y: float, used: Mapping[int, Sequence[int]]) -> list[str]:
    parts = ['<g class="piece">']
    for place in range(PIECE):
        threads = used.get(place)
        x = SIDE + place * CELL
        parts.append(f'<rect class="{"used" if threads else "unused"}" x="{x:.1f}" y="{y:.1f}" width="{CELL:g}" '
                     f'height="{HIGH:g}" fill="{FILLS[0] if threads else EMPTY}" stroke="{INK if threads else PALE}" '
                     f'stroke-width="1"/>')
        if threads:
            text = str(threads[0]) if len(threads) == 1 else "all" if len(threads) == PIECE else f"({len(threads)})"
            parts.append(label(x + CELL / 2, y + 13.0, text, size=11 if len(text) < 3 else 9, bold=True))
    return [*parts, "</g>"]
