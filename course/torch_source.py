"""Where a symbol of PyTorch is: in the installed torch (found, not imported), and on the web.

The wheel holds the Python sources, the C++ headers and the YAML files that code is generated from; no .cpp.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from course.parsing import parse

WEB = "https://github.com/pytorch/pytorch/blob/v{release}/{path}"
# Place in PyTorch's repository -> where the wheel puts it, relative to the folder that holds `torch/`.
_IN_WHEEL = {
    "tools/autograd/": "torchgen/packaged/autograd/",
    "aten/src/ATen/native/native_functions.yaml": "torchgen/packaged/ATen/native/native_functions.yaml",
    "aten/src/ATen/": "torch/include/ATen/",
    "c10/": "torch/include/c10/",
    "torch/csrc/": "torch/include/torch/csrc/",
    "torch/headeronly/": "torch/include/torch/headeronly/",
}
# The wheel's build puts this line before a header's first one: its lines are one off those on the web.
_WRAPPED = "#if !defined(TORCH_STABLE_ONLY)"


@dataclass(frozen=True)
class Torch:
    """An installed torch: the folder that holds `torch/`, and the version without the build's suffix."""

    folder: Path
    version: str


@dataclass(frozen=True)
class Place:
    """Where a symbol is. `file` is None if this torch has no such file, `first` 0 if no such symbol."""

    path: str  # in PyTorch's repository
    symbol: str
    file: Path | None = None
    first: int = 0  # lines, counted from 1
    last: int = 0

    def text(self) -> str:
        """The lines of the symbol."""
        if self.file is None or not self.first:
            return ""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return "\n".join(lines[self.first - 1: self.last]) + "\n"

    def url(self, release: str, *, with_line: bool = False) -> str:
        """The file on the web, at a release. A line makes sense only if `file` is of that release, too."""
        address = WEB.format(release=release, path=self.path)
        if not with_line or self.file is None or not self.first:
            return address
        wrapped = self.file.read_text(encoding="utf-8").startswith(_WRAPPED)
        return f"{address}#L{self.first - wrapped}"


def find_torch() -> Torch | None:
    """The torch that `import torch` would find, without importing it."""
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    folder = Path(spec.origin).resolve().parent
    try:
        text = (folder / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"__version__\s*=\s*['\"]([^'\"+]+)", text)
    return Torch(folder.parent, match.group(1) if match else "of an unknown version")


def locate(entry: str, torch: Torch | None) -> Place:
    """The place that an entry of the manifest's `pytorch` lists names: "path in the repository:symbol"."""
    path, _, symbol = entry.partition(":")
    if torch is None:
        return Place(path, symbol)
    inside = next((new + path[len(old):] for old, new in _IN_WHEEL.items() if path.startswith(old)), path)
    file = torch.folder / inside
    if not file.is_file():
        return Place(path, symbol)
    text = file.read_text(encoding="utf-8")
    if not symbol:
        return Place(path, symbol, file, 1, len(text.splitlines()))
    if file.suffix == ".py":
        span = _python_span(text, symbol)
    elif file.suffix in {".h", ".cuh"}:
        span = _header_span(text.splitlines(), symbol)
    else:
        span = _first_word(text.splitlines(), symbol)
    return Place(path, symbol, file, *(span or (0, 0)))


def _python_span(text: str, symbol: str) -> tuple[int, int] | None:
    body: list[ast.stmt] = parse(text).body
    found: ast.stmt | None = None
    for name in symbol.split("."):
        found = next((node for node in body if name in _defined(node)), None)
        if found is None:
            return None
        body = getattr(found, "body", [])
    return None if found is None else (found.lineno, found.end_lineno or found.lineno)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        # Overloads are for type checkers and come first; the one to read comes after them.
        overload = any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)
        return set() if overload else {node.name}
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _header_span(lines: list[str], symbol: str) -> tuple[int, int] | None:
    """First and last line of a struct, class or namespace; of anything else one line: where its body begins, if that is
    a line with its name, and else the first line that has the name.
    """
    first, last = 1, len(lines)
    for name in re.split(r"::|\.", symbol):
        opening = re.compile(rf"^\s*(?:struct|class|namespace)\s+(?:[A-Z0-9_]+\s+)?{re.escape(name)}\b[^;]*$")
        start = next((number for number in range(first, last + 1) if opening.match(lines[number - 1])), None)
        if start is None:
            span = _begins_body(lines[:last], name, first) or _first_word(lines[:last], name, first)
            if span is None:
                return None
            first, last = span
        else:
            first, last = start, _closing(lines, start, last)
    return first, last


def _closing(lines: list[str], start: int, last: int) -> int:
    depth, opened = 0, False
    for number in range(start, last + 1):
        code = lines[number - 1].split("//")[0]
        depth += code.count("{") - code.count("}")
        opened = opened or "{" in code
        if opened and depth <= 0:
            return number
    return last


def _begins_body(lines: list[str], name: str, first: int) -> tuple[int, int] | None:
    """The line of a function's definition, where a call stands above it: "int name(int a) const {"."""
    pattern = re.compile(rf"^\s*(?!return\b|else\b)[^=;(/]*[\w>&*]\s+{re.escape(name)}\(.*{{\s*$")
    number = next((number for number in range(first, len(lines) + 1) if pattern.match(lines[number - 1])), None)
    return None if number is None else (number, number)


def _first_word(lines: list[str], word: str, first: int = 1) -> tuple[int, int] | None:
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        if pattern.search(line) and not line.lstrip().startswith(("//", "*", "/*")):
            return number, number
    return None
