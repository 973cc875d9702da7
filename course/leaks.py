"""Whether a line of a solution, from between the markers, can be read somewhere in an edition of the course."""

from __future__ import annotations

import ast
import gzip
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from course.markers import find_blocks
from course.parsing import parse

SHORTEST = 12  # characters, blanks not counted: shorter lines, as `else:` or `total = 0.0`, stand in any program
FOLDED = 24  # from here on, a line is also found where it is cut into several
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Leak:
    """A line of a solution in a file of an edition. Both places are "file:line" ("file" where it has no lines)."""

    place: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.place} has a line of {self.source}: {self.text}"


@dataclass(frozen=True)
class Secrets:
    """What must not be seen, without blanks, to ("solutions/file:line", the line as it is).

    `lines` count by themselves. `pairs` are for lines that are too short to: such a line and the one next to it.
    """

    lines: dict[str, tuple[str, str]]
    pairs: dict[tuple[str, str], tuple[str, str]]


def leaks(edition: Path, solutions: Path, texts: Mapping[str, str] = MappingProxyType({}),
          only: Callable[[str], bool] | None = None) -> list[Leak]:
    """Every line of a solution that stands in any file of `edition`, or in its name, however it is indented or folded.

    A line counts if it has at least 12 characters besides blanks, if it says something (`if x is None:` does not, nor
    does `optimizer.step()`), and if a learner does not see it anyway, outside of the markers in the Python files of
    `solutions`; a shorter line counts together with its neighbor. Notebooks, other JSON and TOML are read as what they
    hold, gzip files unpacked, and whatever is no text is searched as bytes. `texts` (name to text) are searched like
    files; `only` chooses among the files of `solutions`, by their path there. Raises MarkerError for markers that are
    not well formed.
    """
    secret = secrets(solutions, only)
    found: list[Leak] = []
    for path in sorted(edition.rglob("*")):
        name = path.relative_to(edition).as_posix()
        found += _in_lines([(0, path.name), (0, path.stem)], name, secret)
        if path.is_file() and not path.is_symlink():
            found += _in_file(path, name, secret)
    for name, text in texts.items():
        found += _in_lines(list(enumerate(text.splitlines(), start=1)), name, secret)
    return found


def secrets(solutions: Path, only: Callable[[str], bool] | None = None) -> Secrets:
    """What of `solutions` must not be seen."""
    inside: dict[str, tuple[str, str]] = {}
    weak: dict[tuple[str, str], tuple[str, str]] = {}
    outside: list[str] = []
    for path in sorted(solutions.rglob("*.py")):
        if "__pycache__" in path.parts:
            continue
        name = path.relative_to(solutions).as_posix()
        where = f"{solutions.name}/{name}"
        text = path.read_text(encoding="utf-8")
        blocks = find_blocks(text, where)
        lines = text.splitlines()
        covered = {number for block in blocks for number in range(block.begin, block.end + 1)}
        outside += [compact for number, line in enumerate(lines, start=1)
                    if number not in covered and (compact := _compact(line))]
        outside.append(_compact(_docstrings(text)))
        for block in blocks if only is None or only(name) else []:
            body = [(f"{where}:{number}", lines[number - 1].strip()) for number in range(block.begin + 1, block.end)
                    if lines[number - 1].strip()]
            for source, line in body:
                if len(_compact(line)) >= SHORTEST and not _says_nothing(line):
                    inside.setdefault(_compact(line), (source, line))
            for (source, line), (_, after) in zip(body, body[1:]):
                pair = (_compact(line), _compact(after))
                if min(map(len, pair)) < SHORTEST <= sum(map(len, pair)):
                    weak.setdefault(pair, (source, f"{line}; {after}"))
    seen = "\n".join(outside)
    seen_pairs = set(zip(outside, outside[1:]))
    alone = {line: where for line, where in inside.items() if line not in seen}
    pairs = {pair: where for pair, where in weak.items() if pair not in seen_pairs and not alone.keys() & set(pair)}
    return Secrets(alone, pairs)


def _says_nothing(line: str) -> bool:
    """A condition, a loop's head or a call with at most two names, no number, no text and no operator."""
    text = line.strip()
    if text.startswith(("if ", "elif ", "while ", "for ")) and text.endswith(":"):
        text = text.removeprefix("el") + " pass"
    try:
        body = parse(text).body
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
    nodes = (node for node in ast.walk(parse(text))
             if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)))
    return " ".join(" ".join((ast.get_docstring(node) or "").split()) for node in nodes)


def _in_file(path: Path, name: str, secret: Secrets) -> Iterator[Leak]:
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
        for source, line in secret.lines.values():
            if line.encode() in data:
                yield Leak(name, source, line)
        return
    found = list(_in_lines(list(enumerate(text.splitlines(), start=1)), name, secret))
    parse = {".ipynb": json.loads, ".json": json.loads, ".toml": tomllib.loads}.get(path.suffix)
    if parse is not None:
        known = {leak.source for leak in found}
        try:
            found += [leak for leak in _in_lines(list(_strings(parse(text))), name, secret) if leak.source not in known]
        except ValueError:  # it is only named so
            pass
    yield from found


def _in_lines(lines: list[tuple[int, str]], name: str, secret: Secrets) -> Iterator[Leak]:
    """Leaks in (line number, 0 for none; line). Compared as text without blanks, not inside of a longer word."""
    numbered = [(number, compact) for number, line in lines if (compact := _compact(line))]
    whole = "\n".join(line for _, line in numbered)
    folded = whole.replace("\n", "")
    for short, (source, line) in secret.lines.items():
        if short in whole:
            for number, candidate in numbered:
                if _stands_in(short, candidate):
                    yield Leak(_place(name, number), source, line)
        elif len(short) >= FOLDED and short in folded:
            yield Leak(name, source, line)
    bare = [(number, line.strip("#`>")) for number, line in numbered]
    for (number, line), (_, after) in zip(bare, bare[1:]):
        if (line, after) in secret.pairs:
            yield Leak(_place(name, number), *secret.pairs[line, after])


def _place(name: str, number: int) -> str:
    return f"{name}:{number}" if number else name


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
