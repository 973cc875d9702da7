"""SVG pictures, of boxes and arrows among others, with a title and a description for those who do not see them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from course.pictures.layers import Point, layered

SIZE, SMALL = 15.0, 13.0  # font sizes
LINE = 19.0  # from one line of text to the next
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
ADVANCE = 0.62  # width of a character of these fonts, in font sizes
PAD = 12.0
MARGIN = 14.0
INK, QUIET, LIMIT = "#1a1a1a", "#4d4d4d", 40

# Fill and border of a kind of box. Kinds differ in shape too: round corners, square ones, a thick border.
STYLES = {"leaf": ("#dcecf7", "#0072b2", 14.0), "operation": ("#fdf0d8", "#b26b00", 3.0),
          "plain": ("#f2f2f2", "#595959", 8.0)}


@dataclass(frozen=True)
class Box:
    """One box: lines of text, the first one bold. `strong` gives it a thick border."""

    lines: tuple[str, ...]
    kind: str = "operation"
    strong: bool = False

    def size(self) -> tuple[float, float]:
        widths = [len(_cut(line)) * ADVANCE * (SMALL if n else SIZE) for n, line in enumerate(self.lines)]
        return max(widths) + 2 * PAD, LINE * len(self.lines) + PAD


@dataclass(frozen=True)
class Svg:
    """A picture as SVG text. A notebook shows it; `save` writes it."""

    text: str
    title: str
    description: str

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        return f"{self.title}. {self.description}"

    def save(self, path: Path | str) -> Path:
        """Write the picture, and the folder that it belongs to, and return the path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8", newline="\n")
        return path

    def __repr__(self) -> str:
        return f"<picture: {self.title}>"

    def _repr_svg_(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        # JupyterLab prefers this to the SVG, and only here there is a place for the alternative text.
        data = base64.b64encode(self.text.encode()).decode()
        return f'<img alt="{escape(self.alt)}" style="max-width: 100%" src="data:image/svg+xml;base64,{data}">'


def draw(boxes: Sequence[Box], edges: Sequence[tuple[int, int]], *, title: str, description: str,
         arrows: bool = True, down: bool = False) -> Svg:
    """Boxes and the edges (source, target) between them, laid out from left to right, or `down` the page."""
    sizes = [box.size() for box in boxes]
    if down:  # laid out as if the page were turned
        layout = layered([(height, width) for width, height in sizes], edges, gap_x=34.0, gap_y=26.0)
    else:
        layout = layered(sizes, edges)
    parts = [_edge(route, arrows, down) for route in layout.routes]
    parts += [_box(box, center[::-1] if down else center) for box, center in zip(boxes, layout.centers)]
    width, height = (layout.height, layout.width) if down else (layout.width, layout.height)
    return page("\n".join(parts), width, height, title=title, description=description)


def page(body: str, width: float, height: float, *, title: str, description: str) -> Svg:
    """A picture with SVG elements as its body, which takes `width` times `height`; a margin goes around it."""
    width, height = width + 2 * MARGIN, height + 2 * MARGIN
    # Several pictures share one page: the names in it have to differ.
    mark = hashlib.sha256((title + description + body).encode()).hexdigest()[:10]
    text = f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" \
viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="title-{mark} description-{mark}" \
font-family="{FONT}">
<title id="title-{mark}">{escape(title)}</title>
<desc id="description-{mark}">{escape(description)}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">
{body}
</g>
</svg>
"""
    return Svg(text, title, description)


def _cut(line: str) -> str:
    return line if len(line) <= LIMIT else line[: LIMIT - 3] + "..."


def _box(box: Box, center: Point) -> str:
    width, height = box.size()
    x, y = center[0] - width / 2, center[1] - height / 2
    fill, border, radius = STYLES[box.kind]
    rows = [f'<g class="node {box.kind}">',
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" '
            f'fill="{fill}" stroke="{border}" stroke-width="{3.5 if box.strong else 1.5}"/>']
    for number, line in enumerate(box.lines):
        style = (f'font-size="{SMALL:g}" fill="{QUIET}"' if number else
                 f'font-size="{SIZE:g}" font-weight="bold" fill="{INK}"')
        baseline = y + PAD / 2 + LINE * (number + 0.75)
        rows.append(f'<text x="{center[0]:.1f}" y="{baseline:.1f}" text-anchor="middle" {style}>'
                    f"{escape(_cut(line))}</text>")
    return "\n".join([*rows, "</g>"])


def _edge(route: Sequence[Point], arrows: bool, down: bool) -> str:
    def at(along: float, across: float) -> str:
        return f"{across:.1f} {along:.1f}" if down else f"{along:.1f} {across:.1f}"

    tip, level = route[-1]
    points = [*route[:-1], (tip - (8.0 if arrows else 0.0), level)]
    way = [f"M {at(*points[0])}"]
    for number, (start, end) in enumerate(zip(points, points[1:])):
        if number % 2 == 0:  # straight across a layer, between its boxes
            way.append(f"L {at(*end)}")
        else:
            middle = (start[0] + end[0]) / 2
            way.append(f"C {at(middle, start[1])} {at(middle, end[1])} {at(*end)}")
    line = f'<path class="edge" d="{" ".join(way)}" fill="none" stroke="{QUIET}" stroke-width="1.5"/>'
    if not arrows:
        return line
    head = f"{at(tip, level)} {at(tip - 9, level - 4.5)} {at(tip - 9, level + 4.5)}"
    return f'{line}\n<polygon points="{head}" fill="{QUIET}"/>'
