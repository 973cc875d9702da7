"""Numba's errors, in the words of someone who writes a loop. Provided."""

from __future__ import annotations

import re
from typing import Any

from terox.parallel.compiler import CompileError


def explain(error: Exception, source: Any, text: str, what: str) -> CompileError:
    """The error to raise instead of one of Numba's."""
    lines = [int(number) for number in re.findall(r'File "[^"]*kernel_\w+\.py", line (\d+)', str(error))]
    where = ""
    for line in reversed(lines):
        place = source.original(text, line)
        if place is not None:
            where = f"{place[0]}:{place[1]}: "
            break
    return CompileError(f"{where}{what} cannot be compiled: {error}")
