"""The marker lines in `solutions/`: which lines are the learner's part, and of which task.

    def relu(x):
        ""\"The positive part of `x`.""\"
        # TODO 0.1: zero for a negative `x`.
        # BEGIN SOLUTION
        return x if x > 0.0 else 0.0
        # END SOLUTION
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from course.parsing import parse

BEGIN = "# BEGIN SOLUTION"
END = "# END SOLUTION"
TODO = re.compile(r"#\s*TODO\s+(\d+\.(?:\d+|R)):")


class MarkerError(ValueError):
    """A marker is nested, unclosed, outside a function or without its TODO. The message begins with file:line."""


@dataclass(frozen=True)
class Block:
    """One learner's part. Line numbers count from 1; `begin` and `end` are the marker lines themselves."""

    task: str
    function: str  # qualified name, e.g. "Mul.forward"
    begin: int
    end: int
    indent: str

    @property
    def stub(self) -> str:
        """The line that stands in the skeleton in the block's place."""
        return f'{self.indent}raise NotImplementedError("Task {self.task}: {self.function}")'


def find_blocks(text: str, path: Path | str) -> list[Block]:
    """All blocks of a source text, in order. Raises MarkerError for markers that are not well formed."""
    lines = text.splitlines()
    spans: list[tuple[int, int]] = []
    begin = 0
    for number, line in enumerate(lines, start=1):
        mark = line.strip()
        if mark == BEGIN:
            if begin:
                raise MarkerError(f"{path}:{number}: BEGIN SOLUTION inside the block that begins in line {begin}.")
            begin = number
        elif mark == END:
            if not begin:
                raise MarkerError(f"{path}:{number}: END SOLUTION without a BEGIN SOLUTION before it.")
            if number - begin == 1:
                raise MarkerError(f"{path}:{begin}: the solution block is empty.")
            spans.append((begin, number))
            begin = 0
        elif "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            raise MarkerError(f"{path}:{number}: a marker line must be exactly {BEGIN!r} or {END!r}.")
    if begin:
        raise MarkerError(f"{path}:{begin}: BEGIN SOLUTION is never closed by an END SOLUTION.")
    if not spans:
        return []
    functions = function_lines(text, path)
    return [_block(lines, functions, begin, end, path) for begin, end in spans]


def function_lines(text: str, path: Path | str) -> dict[str, tuple[int, int]]:
    """Qualified name to (first line, last line) of every function and method, decorators included."""
    try:
        tree = parse(text, filename=str(path))
    except SyntaxError as error:
        raise MarkerError(f"{path}:{error.lineno}: the file does not parse: {error.msg}.") from error
    found: dict[str, tuple[int, int]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                found[prefix + child.name] = (first, child.end_lineno or child.lineno)
            elif isinstance(child, ast.ClassDef):
                visit(child, prefix + child.name + ".")
            elif isinstance(child, (ast.If, ast.Try)):
                visit(child, prefix)

    visit(tree, "")
    return found


def _block(lines: list[str], functions: dict[str, tuple[int, int]], begin: int, end: int, path: Path | str) -> Block:
    around = [(first, name) for name, (first, last) in functions.items() if first < begin and end <= last + 1]
    if not around:
        raise MarkerError(f"{path}:{begin}: a solution block has to stand inside a function.")
    first, function = max(around)
    above = reversed(lines[first - 1 : begin - 1])
    task = next((match.group(1) for line in above if (match := TODO.search(line))), None)
    if task is None:
        raise MarkerError(f"{path}:{begin}: no `# TODO N.M:` line stands before the block in `{function}`.")
    marker = lines[begin - 1]
    indent = marker[: len(marker) - len(marker.lstrip())]
    return Block(task, function, begin, end, indent)
