"""The table of the capstone, `a @ b` in both code bases: every file and symbol that it names is there."""

from __future__ import annotations

import ast
import re

import pytest

from course import manifest, torch_source

ROOT = next(root for root in (manifest.ROOT / "solutions", manifest.ROOT / "modules") if (root / "terox").is_dir())
HANDOUT = (ROOT / "terox" / "nn" / "README.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
        for line in HANDOUT.splitlines() if re.match(r"\| \d+\. ", line)]
PLACE = re.compile(r"`([\w/.]+\.\w+)`(?:: ((?:`[\w.:]+`(?:, )?)+))?")


def places(cell):
    """The pairs of file and symbol in a cell of the table."""
    return [(file, symbol) for file, symbols in PLACE.findall(cell) for symbol in re.findall("`(.*?)`", symbols)]


def defined(text):
    """Names of functions and classes of a file, methods with their class and without."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_the_table_has_all_steps_in_order():
    numbers = [int(row[0].split(".")[0]) for row in ROWS]
    assert numbers == list(range(1, len(ROWS) + 1)) and len(ROWS) >= 15
    assert all(len(row) == 3 for row in ROWS)


def test_every_place_in_terox_is_there():
    seen, missing = 0, []
    for row in ROWS:
        for file, symbol in places(row[1]):
            path, seen = ROOT / "terox" / file, seen + 1
            if not path.is_file() or symbol not in defined(path.read_text(encoding="utf-8")):
                missing.append(f"{file}: {symbol}")
    assert seen > 20 and not missing, missing


def test_every_place_in_pytorch_that_the_wheel_has_is_there():
    """C++ sources (.cpp) and generated files are not in it; the headers, Python files and tables are."""
    release, torch = manifest.load().torch, torch_source.find_torch()
    if torch is None or torch.version != release:
        pytest.skip(f"torch {release} is not installed")
    seen, missing = 0, []
    for row in ROWS:
        for file, symbol in places(row[2]):
            place = torch_source.locate(f"{file}:{symbol}", torch)
            if place.file is None:
                continue
            seen += 1
            if not place.first:
                missing.append(f"{file}: {symbol}")
    assert seen >= 6 and not missing, missing
