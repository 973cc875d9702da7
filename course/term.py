"""Text for the terminal: 80 columns, and color that only says again what a word says."""

from __future__ import annotations

import os
import sys
import textwrap

WIDTH = 80
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def style(text: str, look: str) -> str:
    """`text` in a color ("green", "red", "yellow") or weight ("bold", "dim"), where standard output shows it."""
    if look not in _CODES:
        raise ValueError(f"There is no style {look!r}. The styles are {', '.join(sorted(_CODES))}.")
    return f"\x1b[{_CODES[look]}m{text}\x1b[0m" if in_color() else text


def in_color() -> bool:
    """On a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return False
    if sys.platform == "win32":
        os.system("")  # makes the console of Windows understand colors
    return True


def wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    """Prose folded to 80 columns. Lines that begin with a blank are code, or a list, and stay as they are.

    `first` stands before the first line instead of `indent`.
    """
    found: list[str] = []
    prose: list[str] = []

    def fold() -> None:
        if prose:
            found.extend(textwrap.wrap(" ".join(prose), WIDTH - len(indent), break_long_words=False,
                                       break_on_hyphens=False))
            prose.clear()

    for line in text.strip("\n").splitlines():
        if line.strip() and not line[0].isspace():
            if line.startswith(("- ", "* ")):
                fold()
            prose.append(line.strip())
        else:
            fold()
            found.append(line.rstrip())
    fold()
    lines = [(indent + line).rstrip() for line in found]
    if first is not None and lines:
        lines[0] = first + lines[0][len(indent):]
    return "\n".join(lines)


def count(number: int | float, noun: str) -> str:
    """"1 hint", "2 hints", "1.5 hours"."""
    shown = f"{number:g}"
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"
