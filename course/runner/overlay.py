"""`--reference`: a copy of the learner's `terox` in which some modules and tasks come from `solutions/`.

A module is exchanged as a folder. Of a single task, the functions are exchanged, line by line, so that the learner's
own helpers, imports and other tasks in the same file stay as they are.
"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

from course.manifest import Manifest, Task
from course.markers import MarkerError, function_lines
from course.parsing import parse
from course.runner.outcome import UsageError
from course.runner.source import PathMap, Sources, split_lines

_PART = re.compile(r"^(\d+)(?:\.(\w+))?$")
Line = tuple[str, Path, int]  # text, file it comes from, its number there


def parse_reference(text: str, manifest: Manifest) -> list[str]:
    """Task ids that "0-1,2.1-2.3" names, in the manifest's order. Raises UsageError for an unknown one."""
    chosen: set[str] = set()
    for part in text.replace(" ", "").split(","):
        if part:
            ends = part.split("-")
            if len(ends) > 2:
                raise UsageError(f"REFERENCE={text}: {part!r} is no range. Write, for example, 0-1,2.1-2.3.")
            groups = [_ids(end, text, manifest) for end in ends]
            order = list(manifest.tasks)
            first, last = order.index(groups[0][0]), order.index(groups[-1][-1])
            if first > last:
                raise UsageError(f"REFERENCE={text}: {part!r} runs backward.")
            chosen.update(order[first: last + 1])
    if not chosen:
        raise UsageError(f"REFERENCE={text!r} names no module and no task. Write, for example, 0-1,2.1-2.3.")
    return [task for task in manifest.tasks if task in chosen]


def _ids(part: str, text: str, manifest: Manifest) -> list[str]:
    found = _PART.match(part)
    if found is None:
        raise UsageError(f"REFERENCE={text}: {part!r} is neither a module nor a task. Write, for example, 0-1,2.1-2.3.")
    if found.group(2) is None:
        tasks = [task for task, data in manifest.tasks.items() if data.module == int(part)]
        if not tasks:
            known = ", ".join(str(module.number) for module in manifest.modules)
            raise UsageError(f"REFERENCE={text}: there is no module {part}. The modules are {known}.")
        return tasks
    task_id = f"{int(found.group(1))}.{found.group(2).upper()}"
    if task_id not in manifest.tasks:
        raise UsageError(f"REFERENCE={text}: there is no task {part}. The tasks are {', '.join(manifest.tasks)}.")
    return [task_id]


def build(tasks: list[str], manifest: Manifest, code: Path, solutions: Path, to: Path, base: Path,
          skeleton: Path | None = None) -> PathMap:
    """Write the overlay under `to`; the result maps its lines to those of `code` and `solutions`.

    `skeleton`: where what `code` lacks is taken from, if that is a learner's own files alone.
    """
    paths = PathMap(to, base)
    for root in (skeleton, code):
        if root is not None:
            _lay(root, "terox", paths)
    single: dict[str, list[str]] = {}
    reference = Sources(solutions, manifest, PathMap(solutions, base))
    for module in manifest.modules:
        mine = [task for task in module.tasks if task.id in tasks]
        if mine and len(mine) == len(module.tasks) and (solutions / module.package).is_dir():
            shutil.rmtree(to / module.package, ignore_errors=True)
            _lay(solutions, module.package, paths)
        else:
            for task in mine:
                for name in task.functions:
                    single.setdefault(_file_of(name, task, reference), []).append(name)
    for file, names in single.items():
        _exchange(file, names, paths.origin.get(file, code / file), solutions / file, to / file, paths)
    return paths


def _lay(root: Path, folder: str, paths: PathMap) -> None:
    """Copy a folder of `root` over what is there already, and note where its files come from."""
    shutil.copytree(root / folder, paths.root / folder, ignore=shutil.ignore_patterns("__pycache__"),
                    dirs_exist_ok=True)
    for path in (root / folder).rglob("*"):
        if path.is_file():
            paths.origin[path.relative_to(root).as_posix()] = path


def _file_of(name: str, task: Task, reference: Sources) -> str:
    """The file in which the reference has a task's function."""
    for file in reference.files_of(task):
        if any(name == found for _, found in reference.heads(file)):
            return file
    raise UsageError(f"solutions/ has no function {name} of task {task.id}.")


def _exchange(file: str, names: list[str], learner: Path, reference: Path, to: Path, paths: PathMap) -> None:
    if not learner.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(reference, to)
        paths.origin[file] = reference
        return
    try:
        lines = splice(learner, reference, names)
    except MarkerError:  # the learner's file does not parse: it stays as it is, and the run says so
        return
    to.write_text("".join(text + "\n" for text, _, _ in lines), encoding="utf-8")
    paths.lines[file] = [(origin, number) for _, origin, number in lines]


def splice(learner: Path, reference: Path, names: list[str]) -> list[Line]:
    """The learner's file with the functions `names` (qualified) taken from the reference.

    Raises MarkerError where the learner's file does not parse.
    """
    theirs_text, ours_text = _read(learner), _read(reference)
    theirs, ours = function_lines(theirs_text, learner), function_lines(ours_text, reference)
    their_lines = [(text, learner, number) for number, text in enumerate(split_lines(theirs_text), start=1)]
    our_lines = [(text, reference, number) for number, text in enumerate(split_lines(ours_text), start=1)]
    instead: dict[int, list[Line]] = {}  # first line of what goes away -> what comes
    gone: set[int] = set()
    after: dict[int, list[Line]] = {}  # line -> what comes after it
    for name in names:
        if name not in ours:
            raise UsageError(f"{reference.name} of the reference has no function {name}.")
        first, last = ours[name]
        new = our_lines[first - 1: last]
        if name in theirs:
            first, last = theirs[name]
            instead[first] = _indented_like(their_lines[first - 1][0], new)
            gone.update(range(first, last + 1))
        else:
            place, new = _missing(name, new, theirs_text, ours_text, our_lines, len(their_lines))
            after.setdefault(place, []).extend(new)
    for place, new in _missing_names(theirs_text, ours_text, our_lines, [ours[name] for name in names]):
        after[place] = new + after.get(place, [])
    result = list(after.get(0, []))
    for number, line in enumerate(their_lines, start=1):
        result += instead.get(number, [])
        if number not in gone:
            result.append(line)
        result += after.get(number, [])
    return result


def _indented_like(example: str, new: list[Line]) -> list[Line]:
    """`new` at the depth of the line `example`: not everyone indents a method by four spaces."""
    indent, wanted = (text[: len(text) - len(text.lstrip())] for text in (new[0][0], example))
    if indent == wanted:
        return new
    return [(wanted + text[len(indent):] if text.startswith(indent) and text.strip() else text, origin, number)
            for text, origin, number in new]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MarkerError(f"{path}: {error}") from error


def _missing(name: str, new: list[Line], theirs: str, ours: str, our_lines: list[Line],
             end: int) -> tuple[int, list[Line]]:
    """Where a function goes that the learner removed: the end of its class, or of the file (with the whole class)."""
    if "." in name:
        class_name = name.split(".")[0]
        for node in parse(theirs).body:
            if isinstance(node, ast.ClassDef) and node.name == class_name:
                return node.end_lineno or end, new
        for node in parse(ours).body:
            if isinstance(node, ast.ClassDef) and node.name == class_name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return end, our_lines[first - 1: node.end_lineno]
    return end, new


def _missing_names(theirs: str, ours: str, our_lines: list[Line],
                   ranges: list[tuple[int, int]]) -> list[tuple[int, list[Line]]]:
    """The reference's imports and constants that its functions use and the learner's file lacks.

    (Editors remove unused imports.) Imports go to the top, constants after the learner's own imports.
    """
    tree, own = parse(ours), parse(theirs)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
            and any(first <= node.lineno <= last for first, last in ranges)}
    bound = {name for node in own.body for name in _bound(node)}
    imports: list[Line] = []
    constants: list[Line] = []
    # From the end, since a constant may use another one that stands before it.
    for node in reversed(tree.body):
        is_import = isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__"
        if is_import or isinstance(node, (ast.Assign, ast.AnnAssign)):
            if any(name in used and name not in bound for name in _bound(node)):
                lines = our_lines[node.lineno - 1: node.end_lineno]
                if is_import:
                    imports = lines + imports
                else:
                    constants = lines + constants
                    used |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    place = last_import = 0
    for position, node in enumerate(own.body):
        docstring = position == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if docstring or future:
            place = node.end_lineno or 0
        if future or isinstance(node, (ast.Import, ast.ImportFrom)):
            last_import = node.end_lineno or 0
    return [(place, imports), (max(place, last_import), constants)]


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
