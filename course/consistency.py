"""Whether `course.toml`, the markers, the tests, the handouts and the texts agree. `make test` fails where not.

A task that no test covers, a marker that no task names, a hint that gives a line of the solution away: each is one
sentence in the list that `problems` returns.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from course.manifest import ROOT, TASK_ID, Manifest, Module, Task, load
from course.markers import Block, MarkerError, find_blocks
from course.parsing import parse

MOST_TASKS, MOST_STUBS, MOST_LINES, MOST_IN_FUNCTION = 8, 35, 250, 40
HINTS = 3
MENTION = re.compile(r"(?:TASK=|[Tt]asks? )(\d+\.(?:\d+|R))\b")


def problems(root: Path = ROOT) -> list[str]:
    """Everything that does not agree, one sentence each; empty if all does."""
    manifest = load(root)
    found: list[str] = []
    blocks: dict[str, list[Block]] = {}
    for path in sorted((root / "solutions/terox").rglob("*.py")):
        name = path.relative_to(root / "solutions").as_posix()
        try:
            blocks[name] = find_blocks(path.read_text(encoding="utf-8"), f"solutions/{name}")
        except MarkerError as error:
            found.append(str(error))
    for module in manifest.modules:
        found += _module(module, blocks, root)
        for task in module.tasks:
            found += _task(task, blocks, root)
    found += _unknown_markers(manifest, blocks)
    found += _marks(manifest, root)
    found += _mentions(manifest, root)
    return found


def _module(module: Module, blocks: dict[str, list[Block]], root: Path) -> list[str]:
    name = f"Module {module.number}"
    mine = [block for path, each in blocks.items() for block in each if path.startswith(module.package + "/")]
    lines = sum(block.end - block.begin - 1 for block in mine)
    found = []
    if len(module.tasks) > MOST_TASKS:
        found.append(f"{name} has {len(module.tasks)} tasks; at most {MOST_TASKS}.")
    if len(mine) > MOST_STUBS:
        found.append(f"{name} has {len(mine)} stubs; at most {MOST_STUBS}.")
    if lines > MOST_LINES:
        found.append(f"{name} has {lines} lines of solution; at most {MOST_LINES}.")
    found += [f"{name}: the solution of {block.function} has {block.end - block.begin - 1} lines; "
              f"at most {MOST_IN_FUNCTION}." for block in mine if block.end - block.begin - 1 > MOST_IN_FUNCTION]
    points = sum(task.points for task in module.tasks)
    if points != 100:
        found.append(f"{name} has {points} points; they have to be 100.")
    if not module.tasks or not module.tasks[-1].id.endswith(".R"):
        found.append(f"{name}: its last task has to be the reading task, {module.number}.R.")
    if not (root / "notebooks" / module.notebook).is_file():
        found.append(f"{name}: there is no notebooks/{module.notebook}.")
    if not (root / "solutions" / module.package / "README.md").is_file():
        found.append(f"{name}: there is no handout, solutions/{module.package}/README.md.")
    return found


def _task(task: Task, blocks: dict[str, list[Block]], root: Path) -> list[str]:
    found = []
    for function in task.functions:
        file = task.file_of(function)
        matching = [block for block in blocks.get(file, []) if block.function == function]
        if not matching:
            found.append(f"Task {task.id}: solutions/{file} has no solution block in {function}.")
        elif matching[0].task != task.id:
            found.append(f"Task {task.id}: the TODO of {function} in solutions/{file} names task {matching[0].task}.")
    if len(task.hints) != HINTS or not all(hint.strip() for hint in task.hints):
        found.append(f"Task {task.id} has {len(task.hints)} hints; they have to be {HINTS}.")
    if not 5 <= len(task.bugs) <= 12:
        found.append(f"Task {task.id} has {len(task.bugs)} bug classes; they have to be 5 to 12.")
    if not task.pytorch:
        found.append(f"Task {task.id} does not say where it is in PyTorch.")
    handout = root / "solutions" / Path(task.file).parent / "README.md"
    if handout.is_file() and not re.search(rf"^#+ {re.escape(task.id)} ", handout.read_text(encoding="utf-8"), re.M):
        found.append(f"Task {task.id} has no heading in {handout.relative_to(root).as_posix()}.")
    return found


def _unknown_markers(manifest: Manifest, blocks: dict[str, list[Block]]) -> list[str]:
    named = {(task.file_of(function), function) for task in manifest.tasks.values() for function in task.functions}
    return [f"solutions/{path}:{block.begin}: no task of course.toml names {block.function}."
            for path, each in blocks.items() for block in each if (path, block.function) not in named]


def marks(folder: Path) -> Counter[str]:
    """How many tests of a folder carry each task, read without running anything ("" for a test without one)."""
    found: Counter[str] = Counter()
    for path in sorted(folder.glob("test_*.py")):
        tree = parse(path.read_text(encoding="utf-8"), filename=str(path))
        of_file = [task for node in tree.body if isinstance(node, ast.Assign)
                   and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
                   for task in _task_marks(node.value)]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [task for decorator in node.decorator_list for task in _task_marks(decorator)]
                found[(own or of_file or [""])[0]] += 1
    return found


def _task_marks(expression: ast.expr) -> list[str]:
    return [str(call.args[0].value) for call in ast.walk(expression)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "task"
            and call.args and isinstance(call.args[0], ast.Constant)]


def _marks(manifest: Manifest, root: Path) -> list[str]:
    found = []
    for module in manifest.modules:
        folder = root / f"tests/module_{module.number}"
        counts = marks(folder)
        found += [f"Task {task.id}: no test in tests/module_{module.number}/ carries it." for task in module.tasks
                  if not counts[task.id]]
        for mark in counts:
            if mark not in manifest.tasks:
                found.append(f"tests/module_{module.number}/: a test carries "
                             + (f"task {mark!r}, which does not exist." if mark else "no task."))
            elif manifest.tasks[mark].module != module.number:
                found.append(f"tests/module_{module.number}/: a test carries task {mark} of another module.")
    return found


def _mentions(manifest: Manifest, root: Path) -> list[str]:
    """Texts for people that speak of a task which does not exist."""
    texts = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md")),
             *sorted((root / "solutions/terox").rglob("README.md")), *sorted((root / "notebooks").glob("*.ipynb"))]
    built = {module.number for module in manifest.modules}
    found = []
    for path in texts:
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for mentioned in MENTION.findall(line):
                known = TASK_ID.match(mentioned)
                if mentioned not in manifest.tasks and known and int(known.group(1)) in built:
                    found.append(f"{path.relative_to(root).as_posix()}:{number}: there is no task {mentioned}.")
    return found
