"""The product of matrices in tiles, as one block of a GPU computes it: load two tiles, barrier, add, barrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course.pictures.blocking import Film, played
from course.pictures.cells import FILLS, LINES, PALE, hatching, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

CELL = 17.0
GAP = 14.0  # between matrices
AWAY = 46.0  # from global to shared memory
TOP = 54.0
BELOW = 44.0
APART = 40.0
MAX_SIZE = 12
MAX_TILE = 5
STILLS = 6


@dataclass(frozen=True)
class _Plan:
    """Sizes (n, m, k), the side of a tile, the block (row, column) and its thread (row, column) that is watched."""

    n: int
    m: int
    k: int
    tile: int
    block: tuple[int, int]
    thread: tuple[int, int]

    @property
    def pieces(self) -> int:
        return -(-self.k // self.tile)

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of out where the block begins."""
        return self.block[0] * self.tile, self.block[1] * self.tile

    @property
    def element(self) -> tuple[int, int]:
        """Row and column of out that the watched thread computes."""
        return self.corner[0] + self.thread[0], self.corner[1] + self.thread[1]


def draw_tiling(sizes: Sequence[int], tile: int, *, block: Sequence[int] = (0, 0), thread: Sequence[int] = (1, 0),
                title: str = "A product in tiles of shared memory") -> Film:
    """`out = a @ b`, as one block computes its tile of `out`: for each piece of the sums it loads, then it adds.

    sizes: (n, m, k); out is (n, m), a is (n, k), b is (k, m). tile: its side, TILE. block, thread: (row, column) of the
    block that is shown, and of the one of its threads whose elements have a thick frame: what it loads, then what it
    multiplies. A hatched cell of a tile has no element in the matrix: it is loaded as 0.

    Raises ValueError for sizes outside of 1 to 12, tiles outside of 1 to 5, and a block or thread that is not there.
    """
    n, m, k = sizes
    if min(sizes) < 1 or max(sizes) > MAX_SIZE or not 1 <= tile <= MAX_TILE:
        raise ValueError(f"sizes of 1 to {MAX_SIZE} and tiles of 1 to {MAX_TILE} are drawn, not {tuple(sizes)} and "
                         f"{tile}")
    plan = _Plan(n, m, k, tile, (block[0], block[1]), (min(thread[0], tile - 1), min(thread[1], tile - 1)))
    if min(*block, *thread) < 0 or plan.corner[0] >= n or plan.corner[1] >= m:
        raise ValueError(f"there is no block {tuple(block)} of {-(-n // tile)} x {-(-m // tile)} blocks")
    frames = [_frame(plan, piece, adding) for piece in range(plan.pieces) for adding in (False, True)]
    loaded = 2 * plan.pieces
    total = (f"a block of {tile} x {tile} threads; each thread reads at most {loaded} numbers from global memory, "
             f"without tiles {2 * k}")
    words = (f"a is {n} x {k}, b {k} x {m}, out {n} x {m}, tiles {tile} x {tile}; the block is that in row "
             f"{block[0]}, column {block[1]}. {total}. " + " ".join(
                 _sentence(plan, number // 2, number % 2 == 1) for number in range(min(len(frames), 6))))
    return Film(_moving(plan, frames, title, total, words), _still(plan, frames, title, total, words))


_LEGEND = "filled: loaded or used now; black frame: of one thread; hatched: no such element, loaded as 0"


def _apart(plan: _Plan) -> float:
    """From the left edge of one tile to that of the other: their names need room, too."""
    return max(plan.tile * CELL + GAP, 7 * ADVANCE * 13)


def _measures(plan: _Plan) -> tuple[float, float]:
    wide = (plan.k + plan.m) * CELL + GAP + AWAY + max(_apart(plan) + plan.tile * CELL, 19 * ADVANCE * 12)
    return max(wide, 72 * ADVANCE * 12), (plan.k + plan.n) * CELL + GAP + BELOW


def _head(title: str, total: str) -> list[str]:
    return [label(0.0, 14.0, title, size=16, bold=True, anchor="start"),
            label(0.0, 34.0, total, size=12, color=QUIET, anchor="start")]


def _wide(title: str, total: str, width: float) -> float:
    return max(width, len(title) * ADVANCE * 17, len(total) * ADVANCE * 12.5, len(_LEGEND) * ADVANCE * 12.5)


def _moving(plan: _Plan, frames: Sequence[Sequence[str]], title: str, total: str, words: str) -> Svg:
    wide, high = _measures(plan)
    styles, groups = played(frames, TOP, 1.8)
    parts = [styles, *_head(title, total), *groups,
             label(0.0, TOP + high + 14.0, _LEGEND, size=12, color=QUIET, anchor="start")]
    return page("\n".join(parts), _wide(title, total, wide), TOP + high + 20.0, title=title, description=words)


def _still(plan: _Plan, frames: Sequence[Sequence[str]], title: str, total: str, words: str) -> Svg:
    wide, high = _measures(plan)
    chosen = list(frames) if len(frames) <= STILLS else [*frames[: STILLS - 2], *frames[-2:]]
    across = min(2, len(chosen))
    parts = _head(title, total)
    for place, frame in enumerate(chosen):
        x, y = place % across * (wide + APART), TOP + place // across * (high + APART / 2)
        parts += [f'<g class="frame" transform="translate({x:.1f} {y:.1f})">', *frame, "</g>"]
    below = TOP + -(-len(chosen) // across) * (high + APART / 2)
    parts.append(label(0.0, below + 6.0, _LEGEND, size=12, color=QUIET, anchor="start"))
    return page("\n".join(parts), _wide(title, total, across * (wide + APART) - APART), below + 12.0, title=title,
                description=words)


def _caption(plan: _Plan, piece: int, adding: bool) -> str:
    step = f"Piece {piece + 1} of {plan.pieces}"
    if adding:
        return f"{step}: each thread adds {plan.tile} product{'s' * (plan.tile > 1)} from shared memory. Barrier"
    return f"{step}: each thread loads one element of a and one of b. Barrier"


def _sentence(plan: _Plan, piece: int, adding: bool) -> str:
    if adding:
        return f"{_caption(plan, piece, adding)}."

    def span(noun: str, first: int, end: int) -> str:
        return f"{noun} {first}" if end - first == 1 else f"{noun}s {first} to {end - 1}"

    (row, column), first, tile = plan.corner, piece * plan.tile, plan.tile
    p = (first, min(first + tile, plan.k))
    return (f"Piece {piece + 1}: {span('row', row, min(row + tile, plan.n))}, {span('column', *p)} of a and "
            f"{span('row', *p)}, {span('column', column, min(column + tile, plan.m))} of b are loaded. Barrier.")


# ---- One frame ----


def _frame(plan: _Plan, piece: int, adding: bool) -> list[str]:
    """b above, a to the left, out where their rows and columns meet; to the right the two tiles."""
    n, m, k, tile = plan.n, plan.m, plan.k, plan.tile
    side, (row, column), first = k * CELL + GAP, plan.element, piece * tile
    y, x = plan.thread
    tops, lefts = plan.corner
    parts = [_grid(0.0, side, n, k), _grid(side, 0.0, k, m), _grid(side, side, n, m)]
    areas = ((0, 0.0, side, (tops, first), (n, k)), (1, side, 0.0, (first, lefts), (k, m)),
             (2, side, side, (tops, lefts), (n, m)))
    for color, left, top, (at, beside), (rows, columns) in areas:
        high, wide = min(tile, rows - at), min(tile, columns - beside)
        loading = color < 2 and not adding
        parts.append(_area(left + beside * CELL, top + at * CELL, wide, high, FILLS[color] if loading else "none",
                           LINES[color], "part" if color < 2 else "result"))
    shared = side + m * CELL + AWAY
    tile_b = shared + _apart(plan)
    down = (max(k * CELL + GAP, 30.0) + n * CELL) / 2 - tile * CELL / 2
    for color, left, (at, beside), (rows, columns) in ((0, shared, (tops, first), (n, k)),
                                                       (1, tile_b, (first, lefts), (k, m))):
        high, wide = min(tile, rows - at), min(tile, columns - beside)
        parts += [_area(left, down, tile, tile, FILLS[color] if not adding else "none", LINES[color], "tile"),
                  *(f'<g class="missing">{hatching(left + c * CELL, down + r * CELL, CELL, CELL)}</g>'
                    for r in range(tile) for c in range(tile) if r >= high or c >= wide),
                  _grid(left, down, tile, tile)]
    if adding:
        parts += [_area(shared, down + y * CELL, tile, 1, FILLS[0], INK, "used"),
                  _area(tile_b + x * CELL, down, 1, tile, FILLS[1], INK, "used"),
                  _grid(shared, down + y * CELL, 1, tile), _grid(tile_b + x * CELL, down, tile, 1)]
    else:
        parts += [_area(shared + x * CELL, down + y * CELL, 1, 1, "none", INK, "own"),
                  _area(tile_b + x * CELL, down + y * CELL, 1, 1, "none", INK, "own")]
        if row < n and first + x < k:
            parts.append(_area((first + x) * CELL, side + row * CELL, 1, 1, "none", INK, "own"))
        if column < m and first + y < k:
            parts.append(_area(side + column * CELL, (first + y) * CELL, 1, 1, "none", INK, "own"))
    if row < n and column < m:
        parts.append(_area(side + column * CELL, side + row * CELL, 1, 1, FILLS[2] if adding else "none", INK, "sum"))
    below = side + n * CELL
    names = ((CELL / 2, side - 5.0, "a"), (side - 9.0, CELL, "b"), (shared + tile * CELL / 2, down - 7.0, "tile_a"),
             (tile_b + tile * CELL / 2, down - 7.0, "tile_b"))
    parts += [label(left, top, name, size=13, bold=True) for left, top, name in names]
    parts.append(label(shared, down + tile * CELL + 18.0, "shared memory", size=11, color=QUIET, anchor="start"))
    parts.append(label(side + m * CELL, below + 15.0, "out", size=13, bold=True, anchor="end"))
    parts.append(label(0.0, below + 34.0, _caption(plan, piece, adding), size=12, anchor="start"))
    return parts


def _area(x: float, y: float, columns: int, rows: int, fill: str, line: str, kind: str) -> str:
    return (f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{columns * CELL:g}" height="{rows * CELL:g}" '
            f'fill="{fill}" stroke="{line}" stroke-width="3"/>')


def _grid(x: float, y: float, rows: int, columns: int) -> str:
    ways = [f"M {x:g} {y + row * CELL:g} h {columns * CELL:g}" for row in range(rows + 1)]
    ways += [f"M {x + column * CELL:g} {y:g} v {rows * CELL:g}" for column in range(columns + 1)]
    return f'<path d="{" ".join(ways)}" fill="none" stroke="{PALE}" stroke-width="0.8"/>'
