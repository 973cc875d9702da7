"""The rows of a failure's block: "  Name:        value", 80 columns wide, and what goes into some of them."""

from __future__ import annotations

import inspect
import re
import textwrap

WIDTH = 80
NOTES, LONGEST = 50, 2000  # what is shown of an input: draws, and characters of each
LABEL = 13
_PATHS = ("Where", "Your code", "Test")  # never broken: editors and terminals make links of them
# "Falsifying example: test_f(x=0)" or, in newer releases, "Failing test case: ..."
_EXAMPLE = re.compile(r"^(?:Falsifying|Failing)[\w ]*: \w+\((.*)\)\s*$", re.DOTALL)
_DRAWN = re.compile(r"^Draw \d+(?: \((.*?)\))?: (.*)$", re.DOTALL)
_CALL = re.compile(r"[a-z_]\w*\(")
_DIGITS = re.compile(r"(?<=\d)_(?=\d)")  # 1_000: Hypothesis writes large numbers so
_OTHER = re.compile(r"(?<!\s)\s*# or any other generated value$")


def row(label: str, text: str) -> list[str]:
    """"  Label:     text", wrapped; lines of the text stay lines."""
    head = f"  {label}:".ljust(LABEL + 2) if label else " " * (LABEL + 2)
    found: list[str] = []
    for line in (text.splitlines() or [""]):
        first = head if not found else " " * (LABEL + 2)
        found += textwrap.wrap(line, WIDTH, initial_indent=first, subsequent_indent=" " * (LABEL + 2),
                               break_on_hyphens=False,
                               break_long_words=label not in _PATHS) or [first.rstrip()]
    return found


def first_paragraph(doc: str) -> str:
    """The first lines of a docstring up to an empty one, as one line."""
    return " ".join(inspect.cleandoc(doc).split("\n\n")[0].split()) if doc.strip() else ""


def first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]


def example_rows(notes: list[str], call: str) -> list[str]:
    """Hypothesis' shrunk counterexample: the arguments, and what was drawn; nothing that the call says already."""
    found: list[str] = []
    for note in notes[:NOTES]:
        example = _EXAMPLE.match(note.strip())
        drawn = _DRAWN.match(note)
        if example is not None:
            arguments = [_OTHER.sub("", line).strip().rstrip(",") for line in example.group(1).splitlines()]
            arguments = [line for line in arguments if line and not line.startswith("#") and line != "data=data(...)"]
            if not all(_DIGITS.sub("", line.partition("=")[2]) in call for line in arguments):
                found += [_spaced(line) for line in arguments]
        elif drawn is not None:
            label, value = drawn.group(1), _OTHER.sub("", drawn.group(2))
            found.append(f"{label} = {value}" if label else value)
    return row("Input", "\n".join(line[:LONGEST] for line in found)) if found else []


def _spaced(argument: str) -> str:
    """"x = 1.0". A call says itself what it is, and so does a `case`, which stands for all of the input."""
    name, equals, value = argument.partition("=")
    if name == "case" or _CALL.match(value):
        return value
    return f"{name} = {value}" if equals and name.isidentifier() else argument
