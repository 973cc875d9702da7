"""What goes into a table that somebody opens in a spreadsheet."""

from __future__ import annotations


def cell(text: str) -> str:
    """Text on one line that a spreadsheet does not take for a formula. The same name is the same in all tables."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
