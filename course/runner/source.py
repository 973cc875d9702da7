"""What the parent knows of a source root without importing it: syntax errors, remaining stubs, whose line is whose.

All of it reads text, not syntax trees, because it has to work on files that do not parse.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from course.manifest import Manifest, Task
from course.runner.unreachable import unreachable

_HEAD = re.compile(r"^(\s*)(?:async\s+)?(def|class)\s+(\w+)")
_STUB = re.compile(r"""^\s*raise\s+NotImplementedError\(\s*['"]Task (\d+\.\w+): ([^'"]+)['"]\s*\)""")
_TODO = re.compile(r"#\s*TODO\s+(\d+\.\w+):")


@dataclass(frozen=True)
class SyntaxProblem:
    """A file that Python cannot read. `file` is relative to the root; `line` counts from 1."""

    file: str
    line: int
    offset: int | None
    text: str | None
    message: str


class PathMap:
    """Where a line of the root that runs stands for the person who edits: "modules/terox/...", line.

    An overlay sets `origin` (file of the overlay to the file it was copied from) and `lines` (file of the overlay to,
    for each of its lines, the file and line it came from).
    """

    def __init__(self, root: Path, base: Path) -> None:
        self.root, self.base = root, base
        self.origin: dict[str, Path] = {}
        self.lines: dict[str, list[tuple[Path, int]]] = {}

    def where(self, file: str | Path, line: int) -> tuple[str, int]:
        """(path to show, line) of a line in a file given absolutely or relative to the root."""
        path = Path(file)
        inside = self.inside(path)
        if inside is None:
            return self.shown(path), line
        if inside in self.lines:
            lines = self.lines[inside]
            if not lines:
                return self.shown(self.origin[inside]), line
            origin, real = lines[min(max(line, 1), len(lines)) - 1]
            return self.shown(origin), real
        return self.shown(self.origin.get(inside, self.root / inside)), line

    def inside(self, file: str | Path) -> str | None:
        """The path relative to the root, with "/"; None for a file elsewhere."""
        path = os.path.normcase(os.path.abspath(self.root / file))
        root = os.path.normcase(os.path.abspath(self.root)) + os.sep
        if not path.startswith(root):
            return None
        return os.path.abspath(self.root / file)[len(root):].replace(os.sep, "/")

    def shown(self, path: Path) -> str:
        """`path` relative to the repository where it lies inside, with "/"."""
        try:
            return Path(os.path.abspath(path)).relative_to(os.path.abspath(self.base)).as_posix()
        except ValueError:
            return str(path)


class Sources:
    """The files of one source root, as text."""

    def __init__(self, root: Path, manifest: Manifest, paths: PathMap) -> None:
        self.root, self.manifest, self.paths = root, manifest, paths
        self._lines: dict[str, list[str]] = {}

    def files_of(self, task: Task) -> list[str]:
        """The files that a task's functions stand in: its own one first, then others of its module."""
        found = [task.file]
        missing = set(task.functions) - {name for _, name in self.heads(task.file)}
        if missing:
            claimed = {(other.file, name) for other in self.manifest.tasks.values() if other.id != task.id
                       for name in other.functions}
            package = self.root / self.manifest.module(task.module).package
            for path in sorted(package.glob("*.py")):
                file = path.relative_to(self.root).as_posix()
                names = {name for _, name in self.heads(file) if (file, name) not in claimed}
                if file != task.file and missing & names:
                    found.append(file)
        return found

    @cached_property
    def files(self) -> dict[str, list[str]]:
        """File to the tasks that have a part in it."""
        found: dict[str, list[str]] = {}
        for task in self.manifest.tasks.values():
            for file in self.files_of(task):
                found.setdefault(file, []).append(task.id)
        return found

    @cached_property
    def owners(self) -> dict[tuple[str, str], str]:
        """(file, qualified name) of a function that is a task's, to that task."""
        tasks = self.manifest.tasks
        return {(file, name): task for file, ids in self.files.items() for task in reversed(ids)
                for name in tasks[task].functions}

    def lines(self, file: str) -> list[str]:
        """Lines of a file (relative to the root), whatever is in it; none if it cannot be read, or lies elsewhere."""
        if file not in self._lines:
            data = b""
            with contextlib.suppress(OSError, ValueError):
                # Where a run has failed is told by the code that ran, which may name any file.
                if self.paths.inside(self.root / file) is not None and (self.root / file).is_file():
                    data = (self.root / file).read_bytes()
            self._lines[file] = split_lines(data.decode("utf-8", errors="replace"))
        return self._lines[file]

    def line(self, file: str, number: int) -> str:
        lines = self.lines(file)
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def heads(self, file: str) -> list[tuple[int, str]]:
        """(line, qualified name) of every function, in order."""
        found: list[tuple[int, str]] = []
        around: list[tuple[int, str]] = []
        for number, line in enumerate(self.lines(file), start=1):
            head = _HEAD.match(line)
            if head is None:
                continue
            indent = len(head.group(1).expandtabs())
            while around and around[-1][0] >= indent:
                around.pop()
            around.append((indent, head.group(3)))
            if head.group(2) == "def":
                found.append((number, ".".join(name for _, name in around)))
        return found

    def function_at(self, file: str, line: int, name: str | None = None) -> str | None:
        """Qualified name of the last function that begins at or before `line` (and is called `name`)."""
        before = [found for number, found in self.heads(file) if number <= line]
        if name is not None:
            before = [found for found in before if found.split(".")[-1] == name]
        return before[-1] if before else None

    def owner(self, file: str, function: str) -> str | None:
        """The task whose function, or function inside that, this is."""
        parts = function.split(".")
        for length in range(len(parts), 0, -1):
            task = self.owners.get((file, ".".join(parts[:length])))
            if task is not None:
                return task
        return None

    def task_at(self, file: str, line: int) -> str | None:
        """The task nearest to a line: of the function or TODO above it, else the first one of the file."""
        tasks = self.files.get(file)
        if not tasks:
            return None
        near: list[tuple[int, str]] = []
        for number, name in self.heads(file):
            task = self.owner(file, name)
            if task is not None and number <= line:
                near.append((number, task))
        for number, text in enumerate(self.lines(file)[:line], start=1):
            todo = _TODO.search(text)
            if todo is not None and todo.group(1) in self.manifest.tasks:
                near.append((number, todo.group(1)))
        return max(near)[1] if near else tasks[0]

    def stubs(self, task_id: str) -> list[tuple[str, str, int]]:
        """(function, file, line) of the stubs of a task that still stand there."""
        return [(function, file, number) for file in self.files_of(self.manifest.task(task_id))
                for number, task, function in self.stub_lines(file) if task == task_id]

    def stub_lines(self, file: str) -> list[tuple[int, str, str]]:
        """(line, task, function) of every stub in a file. One that is left over, behind a `return` say, is none."""
        found = [(number, stub.group(1), stub.group(2)) for number, line in enumerate(self.lines(file), start=1)
                 if (stub := _STUB.match(line)) is not None]
        dead = unreachable("".join(line + "\n" for line in self.lines(file))) if found else ()
        return [each for each in found if each[0] not in dead]

    def place(self, call: str, task_id: str) -> tuple[str, int, str] | None:
        """(file, line, function) of the function of a task that a call like "sigmoid(-1.0)" names."""
        task = self.manifest.task(task_id)
        heads = [(file, number, name) for file in self.files_of(task) for number, name in self.heads(file)
                 if name in task.functions]
        for wanted in re.findall(r"(?<![\w.])[A-Za-z_][\w.]*(?=\()", call):
            exact = [head for head in heads if head[2] == wanted]
            alike = [head for head in heads if head[2].split(".")[-1] == wanted.split(".")[-1]]
            if exact or len(alike) == 1:  # "Mul.forward(...)", else one possible meaning of "module.train()"
                return (exact or alike)[0]
        return None

    def problem(self, file: str) -> SyntaxProblem | None:
        """Why Python cannot read a file; None where it can."""
        try:
            source = (self.root / file).read_bytes()
        except OSError as error:
            return SyntaxProblem(file, 1, None, None, f"The file cannot be read: {error.strerror}.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(source, file, "exec", dont_inherit=True)
        except SyntaxError as error:
            line = conflict(source.decode("utf-8", errors="replace"))
            if line is not None:
                return SyntaxProblem(file, line, None, None, CONFLICT)
            return SyntaxProblem(file, error.lineno or 1, error.offset, error.text, _words(error))
        except (ValueError, OverflowError, RecursionError, MemoryError) as error:
            line = source[: source.find(b"\0")].count(b"\n") + 1 if b"\0" in source else 1
            return SyntaxProblem(file, line, None, None, str(error) or type(error).__name__)
        return None

    def problems(self) -> dict[str, SyntaxProblem]:
        """Every file of the root's `terox` that Python cannot read."""
        files = sorted(path.relative_to(self.root).as_posix() for path in (self.root / "terox").rglob("*.py"))
        found = {file: self.problem(file) for file in files}
        return {file: problem for file, problem in found.items() if problem is not None}

    def drop_bytecode(self) -> None:
        """Remove the root's bytecode. Python tells a stale one by whole seconds and size, which a quick edit beats."""
        for path in (self.root / "terox").rglob("*.py"):
            try:
                os.unlink(importlib.util.cache_from_source(str(path)))
            except OSError:
                pass


CONFLICT = ("A merge of git left both versions here, one above and one below =======. Keep what is right, and remove "
            "the lines <<<<<<<, ======= and >>>>>>>. To go back to before the merge: git merge --abort")


def conflict(text: str) -> int | None:
    """The line of the first conflict that a merge has left in a text, from 1; None where there is none."""
    found = re.search(r"^<{7} .*\n(?:.*\n)*?>{7} ", text.replace("\r\n", "\n"), re.MULTILINE)
    return None if found is None else text.replace("\r\n", "\n")[: found.start()].count("\n") + 1


def split_lines(text: str) -> list[str]:
    """Lines as Python counts them (`str.splitlines` also splits at form feeds and others)."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines[:-1] if lines and not lines[-1] else lines


def _words(error: SyntaxError) -> str:
    help_ = " Save the file as UTF-8." if "codec can't decode" in str(error.msg) else ""
    return f"{type(error).__name__}: {error.msg or 'invalid syntax'}{help_}"
