"""What `make similarity` writes: an index, a page for each module with both texts side by side, and a table."""

from __future__ import annotations

import csv
import hashlib
import html
from dataclasses import dataclass
from pathlib import Path

from course.grading.tables import cell
from course.manifest import Module

BESIDE, LISTED = 200, 1000  # pairs, the most alike: of a module with both texts on its page, and of all in the index


@dataclass(frozen=True, order=True)
class Pair:
    """Two submissions that are alike in a module: the share of each one's own code that the other one has, too."""

    alike: float  # the larger of both shares, 0 to 1
    module: int
    one: str
    other: str
    share_of_one: float
    share_of_other: float
    size: int  # how many characters are alike, each name counted as one


def write_csv(path: Path, pairs: list[Pair]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["alike", "module", "one", "other", "share_of_one", "share_of_other", "size"])
        for pair in pairs:
            writer.writerow([f"{pair.alike:.3f}", pair.module, cell(pair.one), cell(pair.other),
                             f"{pair.share_of_one:.3f}", f"{pair.share_of_other:.3f}", pair.size])


_STYLE = """body {font-family: sans-serif; max-width: 110em; margin: 2em auto}
td, th {padding: 0.2em 1em; text-align: left}
section {display: grid; grid-template-columns: 1fr 1fr; gap: 1em; border-top: 1px solid #888; margin-top: 2em}
h2 {grid-column: 1 / 3; font-size: 1em}
pre {overflow-x: auto; margin: 0}
span {background: #ffd9b3}"""


def _anchor(pair: Pair) -> str:
    return hashlib.sha256(f"{pair.one}\0{pair.other}".encode()).hexdigest()[:12]


def page(module: Module, pairs: list[tuple[Pair, str, str]]) -> str:
    """Both texts of each pair, HTML already, side by side. It needs nothing from the network."""
    parts = [f"<section id='{_anchor(pair)}'><h2>{pair.alike:.0%}: {html.escape(pair.one)} ({pair.share_of_one:.0%}) "
             f"and {html.escape(pair.other)} ({pair.share_of_other:.0%})</h2>\n<pre>{one}</pre>\n<pre>{other}</pre>"
             "</section>\n" for pair, one, other in pairs]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Module {module.number}: what is alike</title>
<style>
{_STYLE}
</style>
<h1>Module {module.number}, {html.escape(module.title)}: what is alike</h1>
<p>Of each pair, what they wrote themselves, laid out by Python, without comments and docstrings. What the other one
has, too, is marked. <a href="index.html">All pairs</a></p>
{"".join(parts)}
</html>
"""


def index(pairs: list[Pair], notes: list[str], submissions: int, shown: float) -> str:
    rows = "\n".join(
        f"<tr><td>{pair.alike:.0%}</td><td><a href='module_{pair.module}.html#{_anchor(pair)}'>{pair.module}</a></td>"
        f"<td>{html.escape(pair.one)} ({pair.share_of_one:.0%})</td>"
        f"<td>{html.escape(pair.other)} ({pair.share_of_other:.0%})</td><td>{pair.size}</td></tr>"
        for pair in pairs[:LISTED])
    if len(pairs) > LISTED:
        notes = [f"Of {len(pairs)} pairs, the {LISTED} most alike stand here; similarity.csv has all.", *notes]
    said = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Similarity</title>
<style>
{_STYLE}
</style>
<h1>What is alike in {submissions} submissions</h1>
<p>Alike is not copied: short tasks have few right forms, and hints, lectures and books are shared. In brackets the
share of each one's own code that the other one has, too; the last column says how much that is, every name counted as
one character. Pairs below {shown:.0%} are left out. A module's page shows both texts of its {BESIDE} most alike
pairs.</p>
<table><tr><th>alike</th><th>module</th><th>one</th><th>other</th><th>size</th></tr>
{rows}
</table>
<ul>
{said}
</ul></html>
"""
