"""`make skeleton`: writes what the learner edits, `modules/`, from the one source, `solutions/`.

Every solution block becomes a line that raises `NotImplementedError("Task N.M: name")`; all else is copied as it
is. The result is checked before anything is written: it parses, signatures and docstrings are those of the
solution, each stub raises with the id of its task, and no line of a solution is left over.

A learner's work is never overwritten unasked. The generated state is remembered as a digest for each file; a file
that is no longer as it was generated is shown, and nothing is written, unless `--force` says so.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from course import reading
from course.manifest import ROOT
from course.markers import Block, find_blocks
from course.parsing import parse

COPIED = {".py", ".md", ".pyi", ".typed"}
# Beside the generated tree, so that it travels with it: file name to digest of what was generated.
DIGESTS = "modules/.generated.json"
LAST_LINE = "# End of the file."  # what a later release appends goes above it


class SkeletonError(ValueError):
    """The skeleton cannot be generated. The message names file and line."""


def render(root: Path = ROOT) -> dict[str, str]:
    """The whole skeleton as it should be: file name, relative to `modules/`, to text."""
    source = root / "solutions"
    return {name: strip_blocks(text, f"solutions/{name}") if name.endswith(".py") else text
            for name, text in _sources(source)}


def strip_blocks(text: str, path: str) -> str:
    """The text with each solution block replaced by its stub line, checked against the original.

    Git merges two changes if at least one line between them is as it was. So that a new release can change what stands
    around a stub that a learner has filled in, a blank line stands above each stub, and a last line below the last.
    """
    blocks = find_blocks(text, path)
    lines = text.splitlines()
    kept: list[str] = []
    after = 0
    for block in blocks:
        kept += lines[after : block.begin - 1]
        kept += [*([""] if kept[-1].strip() else []), block.stub]
        after = block.end
    kept += lines[after:]
    if blocks and not any(line.strip() for line in lines[after:]):
        kept += ["", "", LAST_LINE]
    result = "\n".join(kept) + "\n"
    _check(text, result, blocks, path)
    return result


def write(root: Path = ROOT, *, force: bool = False) -> int:
    """Bring `modules/` in step. Returns an exit status: 0 done, 1 a learner's edits would be lost."""
    wanted = render(root)
    target = root / "modules"
    generated = _digests(root)
    lost = [name for name in sorted(_existing(target) | set(wanted))
            if (target / name).exists() and _would_lose(target / name, wanted.get(name), generated.get(name))]
    if lost and not force:
        print("modules/ holds work that would be lost. Nothing was written.\n")
        for name in lost:
            print(_difference(target / name, wanted.get(name), name))
        print("To throw this work away: python -m course skeleton --force")
        return 1
    for name, text in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != text.encode():
            path.write_bytes(text.encode())
    for name in sorted(_existing(target) - set(wanted)):
        if generated.get(name) is not None or force:
            (target / name).unlink()
    for folder in sorted((p for p in target.rglob("*") if p.is_dir()), reverse=True):
        if folder.name == "__pycache__":
            shutil.rmtree(folder, ignore_errors=True)
        elif not any(folder.iterdir()):
            folder.rmdir()
    (root / DIGESTS).write_text(json.dumps({name: _digest(text) for name, text in sorted(wanted.items())}, indent=1)
                                + "\n", encoding="utf-8")
    reading.write_digests(root / "solutions", root / "tests")
    print(f"modules/ is in step with solutions/: {len(wanted)} files.")
    return 0


def out_of_step(root: Path = ROOT) -> list[str]:
    """One line for each generated file that is not as it would be generated now; empty if all is in step."""
    wanted = render(root)
    target = root / "modules"
    problems = []
    for name in sorted(_existing(target) | set(wanted)):
        path = target / name
        if name not in wanted:
            problems.append(f"modules/{name}: solutions/ has no such file")
        elif not path.exists():
            problems.append(f"modules/{name}: missing")
        elif path.read_bytes() != wanted[name].encode():
            problems.append(f"modules/{name}: differs from what solutions/{name} gives")
    if _digests(root) != {name: _digest(text) for name, text in wanted.items()}:
        problems.append(f"{DIGESTS}: differs")
    for file, text in reading.render(root / "solutions").items():
        existing = root / "tests" / file
        if not existing.exists() or existing.read_text(encoding="utf-8") != text:
            problems.append(f"tests/{file}: differs from the answers in solutions/")
    return problems


def _sources(source: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((source / "terox").rglob("*")):
        if path.is_file() and path.suffix in COPIED and "__pycache__" not in path.parts:
            yield path.relative_to(source).as_posix(), path.read_text(encoding="utf-8")


def _existing(target: Path) -> set[str]:
    return {path.relative_to(target).as_posix() for path in (target / "terox").rglob("*")
            if path.is_file() and path.suffix in COPIED and "__pycache__" not in path.parts}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digests(root: Path) -> dict[str, str]:
    try:
        return json.loads((root / DIGESTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _would_lose(path: Path, wanted: str | None, generated: str | None) -> bool:
    """Whether the file holds something that neither the last generation nor the next one wrote."""
    try:
        text = path.read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return True
    return text != wanted and _digest(text) != generated


def _difference(path: Path, wanted: str | None, name: str) -> str:
    old = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if wanted is None:
        return f"modules/{name}: would be removed ({len(old)} lines; solutions/ has no such file)"
    rows = list(difflib.unified_diff(old, wanted.splitlines(), f"modules/{name} (now)", f"modules/{name} (generated)",
                                     n=0, lineterm=""))
    shown = rows[:40]
    return "\n".join(shown) + (f"\n... {len(rows) - 40} more lines" if len(rows) > 40 else "") + "\n"


# ---- The checks ----


def _check(original: str, result: str, blocks: list[Block], path: str) -> None:
    try:
        tree = parse(result)
    except SyntaxError as error:
        raise SkeletonError(f"{path}: the skeleton does not parse: line {error.lineno}: {error.msg}") from error
    if _surface(parse(original)) != _surface(tree):
        raise SkeletonError(f"{path}: signatures or docstrings differ between solution and skeleton")
    stubs = [str(node.exc.args[0].value) for node in ast.walk(tree)
             if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
             and isinstance(node.exc.func, ast.Name) and node.exc.func.id == "NotImplementedError"
             and node.exc.args and isinstance(node.exc.args[0], ast.Constant)
             and str(node.exc.args[0].value).startswith("Task ")]
    expected = [f"Task {block.task}: {block.function}" for block in blocks]
    if sorted(stubs) != sorted(expected):
        raise SkeletonError(f"{path}: the stubs {stubs} are not those of the blocks {expected}")
    if "SOLUTION" in result:
        raise SkeletonError(f"{path}: a marker is left over in the skeleton")


def _surface(tree: ast.Module) -> list[tuple[str, str, str | None]]:
    """Name, signature and docstring of every class and function that stands outside of a function."""
    found: list[tuple[str, str, str | None]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                found.append((prefix + child.name, ", ".join(map(ast.unparse, child.bases)), ast.get_docstring(child)))
                visit(child, prefix + child.name + ".")
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returns = ast.unparse(child.returns) if child.returns else ""
                decorators = " ".join(map(ast.unparse, child.decorator_list))
                found.append((prefix + child.name, f"{decorators} ({ast.unparse(child.args)}) -> {returns}",
                              ast.get_docstring(child)))

    visit(tree, "")
    return found
