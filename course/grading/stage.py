"""What is the same for all submissions: the grader's half that goes into the sandbox, tests, and pristine trees.

For a task of module N, the pristine tree has the reference for the modules before and for what the task builds on
(`needs` in course.toml) or its checks do, and the skeleton for all else: a task cannot be done by another one that is
done by it.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import io
import os
import py_compile
import shutil
import tempfile
import threading
import tokenize
from collections.abc import Sequence
from pathlib import Path

from course import skeleton
from course.grading.sealed import needed_beside
from course.manifest import Manifest, Task
from course.markers import MarkerError, function_lines
from course.policy import without_main
from course.runner.events import task_of_file
from course.runner.overlay import splice
from course.runner.source import PathMap

# Encodings in which Python reads what stands there as UTF-8. In others, what looks like a comment may be code.
PLAIN = ("utf-8", "utf-8-sig", "ascii", "iso-8859-1")
_NOT_STAGED = ("checks", "__pycache__", "bench", "pictures")  # of course/


class Unreadable(Exception):
    """A submission's file that is no Python. The message says where."""


class Stage:
    """A folder that lives as long as one call of the grader."""

    def __init__(self, manifest: Manifest, root: Path, *, links: bool = True) -> None:
        """`links`: trees share their files, which no submission can write where it is closed in."""
        self.manifest, self.root, self._links = manifest, root, links
        self.folder = Path(tempfile.mkdtemp(prefix="terox-stage-"))
        self.grader, self._pool = self.folder / "grader", self.folder / "pool"
        self._bases: dict[str, dict[str, Path]] = {}  # task -> files of its module that are part skeleton
        self._lock = threading.Lock()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        self.grader.mkdir()
        shutil.copytree(self.root / "course", self.grader / "course", ignore=shutil.ignore_patterns(*_NOT_STAGED))
        keep = {"__init__.py", "child.py", "wire.py", "sandbox.py", "landlock.py", "seccomp.py", "launcher.py",
                "programs"}
        for path in (self.grader / "course/grading").iterdir():
            if path.name not in keep:
                path.unlink()
        for module in self.manifest.modules:
            source = self.root / "tests" / f"module_{module.number}"
            shutil.copytree(source, self.grader / "tests" / source.name,
                            ignore=shutil.ignore_patterns("__pycache__", "reading.json", "test_*_R_*.py"))
        (self.grader / "pytest.ini").write_text("[pytest]\nfilterwarnings = ignore\n", encoding="utf-8")
        (self.folder / "probe").write_text("Nobody in the sandbox can read this.\n", encoding="utf-8")
        for name, text in skeleton.render(self.root).items():
            path = self._pool / "skeleton" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        shutil.copytree(self.root / "solutions/terox", self._pool / "solutions/terox",
                        ignore=shutil.ignore_patterns("__pycache__"))
        for folder in (self._pool, self.grader):
            compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)

    def close(self) -> None:
        """Delete it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def test_files(self, task: Task) -> list[str]:
        """Names of the task's test files, relative to the grader's half."""
        folder = self.grader / "tests" / f"module_{task.module}"
        found = [path.relative_to(self.grader).as_posix() for path in sorted(folder.rglob("test_*.py"))]
        mine = [file for file in found if task_of_file(Path(file).name) == task.id]
        return mine or [file for file in found if task_of_file(Path(file).name) is None]

    def tree(self, task: Task, files: dict[str, str], to: Path, own: Sequence[Task] | None = None) -> PathMap:
        """Write the tree in which `task` is judged: its functions from `files`, all else pristine.

        With `own`, the functions of those tasks of the module are from `files`, too, and what is nobody's: helpers that
        stand in its other files. Returns where each line comes from. Raises Unreadable for a file that does not parse.
        """
        bases = self.pristine(task, to)
        paths = PathMap(to, to)
        kept = [task, *(own or ())]
        others = self.manifest.module(task.module).files if own is not None else ()
        for file in dict.fromkeys([*task.files, *(file for file in others if file in files)]):
            skeleton_text = (self._pool / "skeleton" / file).read_text(encoding="utf-8")
            base = bases.get(file, self._pool / "solutions" / file)
            try:
                text, lines = self._spliced(task, kept, file, files.get(file, skeleton_text), base, to)
            except Unreadable:
                if file in task.files:
                    raise
                continue
            _forget(to / file)
            (to / file).write_text(text, encoding="utf-8", newline="\n")
            paths.lines[file] = lines
        return paths

    def _spliced(self, task: Task, kept: Sequence[Task], file: str, text: str, base: Path,
                 to: Path) -> tuple[str, list[tuple[Path, int]]]:
        """The learner's file with the functions of all tasks but `kept` from the pristine one, `base`."""
        try:
            text = without_main(text)  # what is not judged is not run, either, whatever `__name__` is made to be
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            raise Unreadable(f"{file}{f':{line}' if line else ''}: Python cannot read the file "
                             f"({getattr(error, 'msg', None) or error}).") from error
        others = [name for other in self.manifest.tasks.values() if other not in kept
                  for name in other.functions if other.file_of(name) == file]
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            learner = Path(folder) / Path(file).name
            learner.write_text(text, encoding="utf-8", newline="\n")
            try:
                lines = splice(learner, base, others)
            except (MarkerError, SyntaxError, ValueError, RecursionError) as error:
                raise Unreadable(f"{file}: the grader cannot tell its functions apart.") from error
            spliced = "".join(line + "\n" for line, _, _ in lines)
            encoding = _declared(spliced)
            if encoding not in PLAIN:
                raise Unreadable(f"{file} declares the encoding {encoding}. Save it as UTF-8, without that line.")
            # A class that is gone comes back with all of its methods, the task's own among them.
            for name, (first, last) in function_lines(spliced, learner).items():
                mine = name in task.functions and task.file_of(name) == file
                if mine and any(origin == base for _, origin, _ in lines[first - 1: last]):
                    raise Unreadable(f"{file} has no {name}.")
            shown = {learner: to / file, base: Path("reference") / file}
            return spliced, [(shown[origin], number) for _, origin, number in lines]

    def pristine(self, task: Task, to: Path) -> dict[str, Path]:
        """Write the tree of `task` without any submission. Returns the files that are part reference, part skeleton."""
        later = {each.name for each in self.manifest.modules if each.number > task.module}
        for name in sorted(path.name for path in (self._pool / "solutions/terox").iterdir()):
            _link(self._pool / ("skeleton" if name in later else "solutions") / "terox" / name, to / "terox" / name,
                  self._links)
        with self._lock:
            if task.id not in self._bases:
                self._bases[task.id] = self._without_others(task)
        for file, base in self._bases[task.id].items():
            _forget(to / file)
            _link(base, to / file, self._links)
        return self._bases[task.id]

    def _without_others(self, task: Task) -> dict[str, Path]:
        """The files of the task's module with the skeleton's functions for tasks that it does not build on."""
        builds_on = {task.id, *self.manifest.requirements(task.id), *needed_beside(task.id)}
        builds_on |= {more for each in builds_on for more in self.manifest.requirements(each)}
        others: dict[str, list[str]] = {}
        for other in self.manifest.module(task.module).tasks:
            for name in other.functions if other.id not in builds_on else ():
                others.setdefault(other.file_of(name), []).append(name)
        found = {}
        for file, names in others.items():
            found[file] = self._pool / "bases" / task.id / file
            found[file].parent.mkdir(parents=True, exist_ok=True)
            lines = splice(self._pool / "solutions" / file, self._pool / "skeleton" / file, names)
            found[file].write_text("".join(line + "\n" for line, _, _ in lines), encoding="utf-8", newline="\n")
        return found


def _declared(text: str) -> str:
    """The encoding that Python takes a file for: its first two lines may name one."""
    try:
        return tokenize.detect_encoding(io.BytesIO(text.encode()).readline)[0]
    except SyntaxError:
        return "unknown"


def _link(source: Path, to: Path, links: bool) -> None:
    """The same files at another place: hard links where they are wanted and there are any, else copies."""
    if source.is_dir():
        to.mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(source):
            _link(Path(entry.path), to / entry.name, links)
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    if links:
        with contextlib.suppress(OSError):
            os.link(source, to)
            return
    shutil.copy2(source, to)


def _forget(path: Path) -> None:
    """Take a file and its bytecode away, so that writing does not go through the link."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def fingerprint(root: Path) -> str:
    """Digest of all that a verdict depends on besides the submission and the secret."""
    found = hashlib.sha256()
    places = [root / "course.toml", *sorted((root / "solutions/terox").rglob("*.py")),
              *sorted((root / "course").rglob("*.py"))]
    for number in range(100):
        places += sorted((root / "tests" / f"module_{number}").rglob("*.py"))
    places += sorted((root / "tests").glob("module_*/reading.json"))
    for path in places:
        if "__pycache__" not in path.parts and path.is_file():
            found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
