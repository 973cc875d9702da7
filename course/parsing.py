"""Python's parser, for a program with many threads."""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.Lock()


def parse(text: str, filename: str = "<unknown>") -> ast.Module:
    """`ast.parse`, one thread at a time. Raises SyntaxError, ValueError, RecursionError and MemoryError as it does.

    While Python makes the tree, it counts how deep it is, and Python 3.11 and 3.12 count for all threads together
    (python/cpython#106905): two at a time may end in a SystemError, or in a RecursionError for a harmless text.
    """
    with _one_at_a_time:
        return ast.parse(text, filename)
