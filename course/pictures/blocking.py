"""A product of matrices in blocks: which part of `a`, of `b` and of the result each step works on. An animation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from course.pictures.cells import FILLS, LINES, PALE, label
from course.pictures.svg import ADVANCE, INK, QUIET, Svg, page

CELL = 14.0
GAP = 12.0  # between the matrices
BELOW = 40.0  # for the words under a frame
APART = 34.0  # between frames
TOP = 52.0  # for the title and the total
MAX_SIZE = 16  # of a matrix
MAX_STEPS = 64
STILLS = 8  # frames of the still picture
TIMES = 3  # it plays, and then rests on the last frame: nothing on a page should move forever


@dataclass(frozen=True)
class Film:
    """A picture that moves, and `still`: frames of it side by side, for paper and for those who want no motion.

    Where a reader's system asks for less motion, `moving` rests on its last frame, too.
    """

    moving: Svg
    still: Svg

    @property
    def alt(self) -> str:
        """What both show, in words."""
        return self.still.alt

    def save(self, path: Path | str) -> Path:
        """Write the picture that moves as an SVG, and the folder that it belongs to, and return the path."""
        return self.moving.save(path)

    def __repr__(self) -> str:
        return f"<film: {self.still.title}>"

    def _repr_html_(self) -> str:
        return self.moving._repr_html_().replace('alt="', f'alt="{escape("Animation. ")}', 1)


@dataclass(frozen=True)
class _Step:
    """Rows i to i + rows, columns j to j + columns of the result, and terms p to p + depth of its sums."""

    i: int
    j: int
    p: int
    rows: int
    columns: int
    depth: int

    @property
    def loaded(self) -> tuple[int, int]:
        """How many numbers of `a` and of `b` this step needs."""
        return self.rows * self.depth, self.depth * self.columns

    @property
    def products(self) -> int:
        return self.rows * self.columns * self.depth


def draw_blocking(sizes: Sequence[int], blocks: Sequence[int], *, title: str = "A product in blocks") -> Film:
    """`out = a @ b` step by step: what each step needs of `a` and `b`, and where in `out` it adds.

    sizes: (n, m, k); out is (n, m), a is (n, k), b is (k, m). blocks: (rows, columns, depth) of a step, as in
    `matmul_range`: one block of `out` after another along its rows, and in each the pieces of the sum. (1, 1, k) are
    the loops i, j, p, one result after another; (1, m, 1) are the loops i, p, j.

    Raises ValueError for a size or a block below 1, for a size above 16, and for more than 64 steps.
    """
    n, m, k = sizes
    if min(*sizes, *blocks) < 1 or max(sizes) > MAX_SIZE:
        raise ValueError(f"sizes of 1 to {MAX_SIZE} and blocks of at least 1 are drawn, not {tuple(sizes)} and "
                         f"{tuple(blocks)}")
    steps = [_Step(i, j, p, min(blocks[0], n - i), min(blocks[1], m - j), min(blocks[2], k - p))
             for i in range(0, n, blocks[0]) for j in range(0, m, blocks[1]) for p in range(0, k, blocks[2])]
    if len(steps) > MAX_STEPS:
        raise ValueError(f"{len(steps)} steps are too many for a picture; at most {MAX_STEPS} are drawn")
    loaded, products = sum(sum(step.loaded) for step in steps), sum(step.products for step in steps)
    total = (f"{_count(len(steps), 'step')}, {loaded} numbers in, {products} products: {products / loaded:.3g} for "
             "each number")
    words = (f"a is {n} x {k}, b {k} x {m}, out {n} x {m}; a step's block is {blocks[0]} x {blocks[1]} of out, with "
             f"{_count(blocks[2], 'term')} of each sum. {total}. " + " ".join(map(_sentence, _chosen(steps, 4))))
    return Film(_moving(steps, (n, m, k), title, total, words), _still(steps, (n, m, k), title, total, words))


def _chosen(steps: Sequence[_Step], at_most: int) -> list[tuple[int, _Step]]:
    """Steps with their numbers, the first ones and the last one."""
    numbers = list(range(len(steps)))
    if len(steps) > at_most:
        numbers = [*numbers[: at_most - 1], numbers[-1]]
    return [(number, steps[number]) for number in numbers]


def _sentence(numbered: tuple[int, _Step]) -> str:
    number, step = numbered

    def span(noun: str, first: int, size: int) -> str:
        return f"{noun} {first}" if size == 1 else f"{noun}s {first} to {first + size - 1}"

    def part(first: tuple[int, int], second: tuple[int, int]) -> str:
        return f"{span('row', *first)}, {span('column', *second)}"

    i, j, p = (step.i, step.rows), (step.j, step.columns), (step.p, step.depth)
    return f"Step {number + 1}: {part(i, p)} of a; {part(p, j)} of b; {part(i, j)} of out."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# ---- Drawing ----


def _measures(sizes: tuple[int, int, int]) -> tuple[float, float]:
    """Width and height of a frame."""
    n, m, k = sizes
    return max((k + m) * CELL + GAP, 36 * ADVANCE * 11), (k + n) * CELL + GAP + BELOW


def _head(title: str, total: str, sizes: tuple[int, int, int]) -> list[str]:
    return [_definitions(sizes), label(0.0, 14.0, title, size=16, bold=True, anchor="start"),
            label(0.0, 34.0, total, size=12, color=QUIET, anchor="start")]


def _wide(title: str, total: str, width: float) -> float:
    return max(width, len(title) * ADVANCE * 17, len(total) * ADVANCE * 12.5, len(_LEGEND) * ADVANCE * 12.5)


_LEGEND = "filled: needed in this step; hatched: finished"


def _still(steps: Sequence[_Step], sizes: tuple[int, int, int], title: str, total: str, words: str) -> Svg:
    wide, high = _measures(sizes)
    chosen = _chosen(steps, STILLS)
    across = min(4, len(chosen))
    parts = _head(title, total, sizes)
    for place, (number, _) in enumerate(chosen):
        x, y = place % across * (wide + APART), TOP + place // across * (high + APART / 2)
        parts += [f'<g class="frame" transform="translate({x:.1f} {y:.1f})">', *_frame(steps, number, sizes), "</g>"]
    below = TOP + -(-len(chosen) // across) * (high + APART / 2)
    parts.append(label(0.0, below + 8.0, _LEGEND, size=12, color=QUIET, anchor="start"))
    return page("\n".join(parts), _wide(title, total, across * (wide + APART) - APART), below + 14.0, title=title,
                description=words)


def _moving(steps: Sequence[_Step], sizes: tuple[int, int, int], title: str, total: str, words: str) -> Svg:
    """All frames in one place, each visible in its turn. Without animation, the last one is seen."""
    wide, high = _measures(sizes)
    styles, frames = played([_frame(steps, number, sizes) for number in range(len(steps))], TOP)
    parts = [styles, *_head(title, total, sizes), *frames,
             label(0.0, TOP + high + 18.0, _LEGEND, size=12, color=QUIET, anchor="start")]
    return page("\n".join(parts), _wide(title, total, wide), TOP + high + 24.0, title=title, description=words)


def played(frames: Sequence[Sequence[str]], top: float, slowest: float = 0.9) -> tuple[str, list[str]]:
    """The style sheet and the groups that show frames in turn, the last one in the end. slowest: seconds of a frame."""
    last = len(frames) - 1
    seconds = len(frames) * min(max(9.0 / len(frames), 0.25), slowest)
    styles, parts = [], []
    for number, frame in enumerate(frames):
        begin, end = 100.0 * number / len(frames), 100.0 * (number + 1) / len(frames)
        turns = [*(["0% {visibility: hidden}"] if number else []), f"{begin:.3f}% {{visibility: visible}}"]
        turns += [] if number == last else [f"{end:.3f}% {{visibility: hidden}}", "100% {visibility: hidden}"]
        if last:
            styles.append(f"@keyframes turn{number} {{{' '.join(turns)}}}")
            styles.append(f"#frame{number} {{animation: turn{number} {seconds:.2f}s step-end {TIMES} forwards}}")
        seen = "visible" if number == last else "hidden"
        parts += [f'<g class="frame" id="frame{number}" visibility="{seen}" transform="translate(0 {top:.0f})">',
                  *frame, "</g>"]
    styles.append("@media (prefers-reduced-motion: reduce) {.frame {animation: none !important}}")
    return "\n".join(["<style>", *styles, "</style>"]), parts


def _frame(steps: Sequence[_Step], number: int, sizes: tuple[int, int, int]) -> list[str]:
    """b above, a to the left, out where their rows and columns meet."""
    n, m, k = sizes
    step, side = steps[number], k * CELL + GAP
    fills, frames = [], []
    for color, x, y, part in ((0, 0.0, side, (step.i, step.p, step.rows, step.depth)),
                              (1, side, 0.0, (step.p, step.j, step.depth, step.columns)),
                              (2, side, side, (step.i, step.j, step.rows, step.columns))):
        top, left, high, wide = (CELL * each for each in part)
        box = f'x="{x + left:g}" y="{y + top:g}" width="{wide:g}" height="{high:g}"'
        fills.append(f'<rect class="part" {box} fill="{FILLS[color]}"/>')
        frames.append(f'<rect {box} fill="none" stroke="{LINES[color]}" stroke-width="3"/>')
    parts = [_done(steps, number, side, k), *fills, f'<use href="#grid-{n}-{m}-{k}"/>', *frames]
    a, b = step.loaded
    below = side + n * CELL
    parts += [label(-4.0 + CELL, side - 5.0, "a", size=13, bold=True), label(side - 9.0, CELL, "b", size=13, bold=True),
              label(side + m * CELL, below + 15.0, "out", size=13, bold=True, anchor="end"),
              label(0.0, below + 15.0, f"step {number + 1} of {len(steps)}", size=12, bold=True, anchor="start"),
              label(0.0, below + 32.0, f"{a} + {b} numbers in, {_count(step.products, 'product')}", size=11,
                    color=INK, anchor="start")]
    return parts


def _done(steps: Sequence[_Step], number: int, side: float, k: int) -> str:
    """Hatching on the blocks of out that were finished before."""
    here = (steps[number].i, steps[number].j)
    ways = [f"M {side + step.j * CELL:g} {side + step.i * CELL:g} h {step.columns * CELL:g} v {step.rows * CELL:g} "
            f"h {-step.columns * CELL:g} z" for step in steps[:number]
            if step.p + step.depth == k and (step.i, step.j) != here]
    return f'<path class="done" d="{" ".join(ways)}" fill="url(#finished)"/>'


def _definitions(sizes: tuple[int, int, int]) -> str:
    """What all frames share: the lines of the three matrices, and the hatching."""
    n, m, k = sizes
    side, ways = k * CELL + GAP, []
    for x, y, rows, columns in ((0.0, side, n, k), (side, 0.0, k, m), (side, side, n, m)):
        ways += [f"M {x:g} {y + row * CELL:g} h {columns * CELL:g}" for row in range(rows + 1)]
        ways += [f"M {x + column * CELL:g} {y:g} v {rows * CELL:g}" for column in range(columns + 1)]
    return (f'<defs><path id="grid-{n}-{m}-{k}" d="{" ".join(ways)}" fill="none" stroke="{PALE}" stroke-width="0.8"/>'
            '<pattern id="finished" width="7" height="7" patternUnits="userSpaceOnUse"><path d="M 0 7 L 7 0" '
            f'fill="none" stroke="{INK}" stroke-width="0.9" stroke-opacity="0.7"/></pattern></defs>')
