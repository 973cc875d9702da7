"""What the tests of the tracer share: the kinds of problems, and the place of a line as messages name it."""

from __future__ import annotations

import inspect
import os


def kinds(made) -> list[str]:
    return [problem.kind for problem in made.problems]


def line_with(function, text: str) -> str:
    """The place of the one line of a function that has this text, as messages give it."""
    lines, first = inspect.getsourcelines(function)
    found = [first + n for n, line in enumerate(lines) if text in line]
    return f"{os.path.basename(inspect.getfile(function))}:{found[0]}"
