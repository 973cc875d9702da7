"""Whether a line of a solution, from between the markers, can be read somewhere in an edition of the course."""

from __future__ import annotations

import ast
import gzip
import json
import re
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.markers import Block, find_blocks

SHORTEST = 12  # characters, blanks not counted: shorter lines stand in any program
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Leak:
    """A line of a solution in a file of an edition. Both places are "file:line" ("file" where it has no lines)."""

    place: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.place} has a line of {self.source}: {self.text}"


def leaks(edition: Path, solutions: Path) -> list[Leak]:
    """Every line of a solution that stands in any file of `edition`, however it is indented.

    A line counts if it has at least 12 characters besides blanks, if it says something (`if x is None:` does not, nor
    does `optimizer.step()`), and if a learner does not see it anyway, outside of the markers in the Python files of
    `solutions`. Notebooks, other JSON and TOML are read as what they hold, gzip files
    unpacked, and whatever is no text is searched as bytes. Raises MarkerError for markers that are not well formed.
    """
    secret = secrets(solutions)
    found: list[Leak] = []
    for path in sorted(edition.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found += _in_file(path, path.relative_to(edition).as_posix(), secret)
    return found


def secrets(solutions: Path) -> dict[str, tuple[str, str]]:
    """Line without blanks to ("solutions/file:line", the line), for every line that must not be seen."""
    inside: dict[str, tuple[str, str]] = {}
    outside: list[str] = []
    for path in sorted(solutions.rglob("*.py")):
        if "__pycache__" in path.parts:
            continue
        name = f"{solutions.name}/{path.relative_to(solutions).as_posix()}"
        text = path.read_text(encoding="utf-8")
        blocks = find_blocks(text, name)
        for number, line in enumerate(text.splitlines(), start=1):
            if not any(block.begin <= number <= block.end for block in blocks):
                outside.append(_compact(line))
            elif len(_compact(line)) >= SHORTEST and not _is_marker(number, blocks) and not _says_nothing(line):
                inside.setdefault(_compact(line), (f"{name}:{number}", line.strip()))
        outside.append(_compact(_docstrings(text)))
    seen = "\n".join(outside)
    return {line: where for line, where in inside.items() if line not in seen}


def _is_marker(number: int, blocks: list[Block]) -> bool:
    return any(number in (block.begin, block.end) for block in blocks)


def _says_nothing(line: str) -> bool:
    """A condition, a loop's head or a call with at most two names, no number, no text and no operator."""
    text = line.strip()
    if text.startswith(("if ", "elif ", "while ", "for ")) and text.endswith(":"):
        text = text.removeprefix("el") + " pass"
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    if len(body) != 1 or not isinstance(body[0], (ast.If, ast.While, ast.For, ast.Expr)):
        return False
    if isinstance(body[0], ast.Expr) and not isinstance(body[0].value, ast.Call):
        return False
    names: set[str] = set()
    for node in ast.walk(body[0]):
        if isinstance(node, (ast.BinOp, ast.BoolOp)) or isinstance(node, ast.cmpop) and not isinstance(
                node, (ast.Is, ast.IsNot, ast.In, ast.NotIn)):
            return False
        if isinstance(node, ast.Constant) and not (node.value is None or isinstance(node.value, bool)):
            return False
        names |= {getattr(node, "id", ""), getattr(node, "attr", "")} - {""}
    return len(names) <= 2


def _docstrings(text: str) -> str:
    """All docstrings, each on one line: a learner may read a piece that is folded there."""
    nodes = (node for node in ast.walk(ast.parse(text))
             if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)))
    return " ".join(" ".join((ast.get_docstring(node) or "").split()) for node in nodes)


def _in_file(path: Path, name: str, secret: dict[str, tuple[str, str]]) -> Iterator[Leak]:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            pass
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        for source, line in secret.values():
            if line.encode() in data:
                yield Leak(name, source, line)
        return
    found = list(_in_lines(enumerate(text.splitlines(), start=1), name, secret))
    parse = {".ipynb": json.loads, ".json": json.loads, ".toml": tomllib.loads}.get(path.suffix)
    if parse is not None:
        known = {leak.source for leak in found}
        try:
            found += [leak for leak in _in_lines(_strings(parse(text)), name, secret) if leak.source not in known]
        except ValueError:  # it is only named so
            pass
    yield from found


def _in_lines(lines: Iterator[tuple[int, str]] | enumerate[str], name: str,
              secret: dict[str, tuple[str, str]]) -> Iterator[Leak]:
    """Leaks in (line number, 0 for none; line). Compared as text without blanks, not inside of a longer word."""
    numbered = [(number, _compact(line)) for number, line in lines]
    whole = "\n".join(line for _, line in numbered)
    for short, (source, line) in secret.items():
        if short in whole:
            for number, candidate in numbered:
                if _stands_in(short, candidate):
                    yield Leak(f"{name}:{number}" if number else name, source, line)


def _stands_in(short: str, line: str) -> bool:
    place = line.find(short)
    while place >= 0:
        before, after = line[place - 1: place], line[place + len(short): place + len(short) + 1]
        if not (_WORD.match(short[0]) and _WORD.match(before or " ")) and not (
                _WORD.match(short[-1]) and _WORD.match(after or " ")):
            return True
        place = line.find(short, place + 1)
    return False


def _strings(value: object) -> Iterator[tuple[int, str]]:
    """All lines of all strings in a JSON value."""
    if isinstance(value, str):
        for line in value.splitlines():
            yield 0, line
    elif isinstance(value, list):
        if all(isinstance(part, str) for part in value):  # a notebook's cell may be cut anywhere
            yield from _strings("".join(value))
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield 0, key
            yield from _strings(part)


def _compact(line: str) -> str:
    return "".join(line.split())
