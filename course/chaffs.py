"""`make chaffs [MODULE=N]`: the tests catch every known mistake, and accept what is right though written differently.

A *chaff* is the reference with one plausible mistake. It is data, in `tests/chaffs/*.toml`:

    [[chaff]]
    task = "1.3"                     # whose tests have to catch it
    bug = "ignores-upstream"         # one of the task's bug classes in course.toml
    mistake = "Mul.backward returns the other factor, without the upstream gradient."
    inside = "Mul.backward"          # the function that is changed
    replace = "grad * y, grad * x"   # occurs exactly once in it
    by = "y, x"
    says = "upstream gradient"       # a part of the message that the learner gets (optional)
    file = "terox/..."               # where the function stands (optional: one of the task's files)

A *wheat* is a correct solution, built another way. Its files, `tests/wheats/module_N/<name>/terox/...`, hold
only the functions that differ, under their names; they are laid over the reference, so that what is provided there
never has to be carried over.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course import edition
from course.copies import Copies, Copy
from course.manifest import ROOT, Manifest, ManifestError, Module, load
from course.markers import MarkerError, function_lines
from course.parallel import in_parallel
from course.runner import Outcome, run_tests
from course.runner.forking import Nurseries
from course.runner.overlay import splice
from course.term import count, style

BUDGET = 1200.0  # seconds a module may take
WHEATS = 3  # at least so many a module
COMPILED = (3, 4, 5)  # modules whose tests import Numba nearly always
_NEEDED = ("task", "bug", "mistake", "inside", "replace", "by")
_OPTIONAL = ("says", "file")


@dataclass(frozen=True)
class Chaff:
    """One mistake. `where` is "tests/chaffs/module_1.toml:12"."""

    where: str
    task: str
    bug: str
    mistake: str
    inside: str
    replace: str
    by: str
    says: str = ""
    file: str = ""

    @property
    def name(self) -> str:
        return f"{self.task} {self.bug} ({self.where})"


@dataclass(frozen=True)
class Wheat:
    """One correct solution: `folder` holds a `terox/`."""

    module: int
    folder: Path

    def name(self, root: Path) -> str:
        return self.folder.relative_to(root).as_posix()

    def files(self) -> list[Path]:
        return [path for path in sorted((self.folder / "terox").rglob("*.py")) if "__pycache__" not in path.parts]


def run(module: int | None = None, root: Path = ROOT, *, budget: float = BUDGET) -> int:
    """Check, build and judge all chaffs and wheats, of one module or of all.

    Prints a line for each chaff that escapes and each wheat that fails. Returns an exit status: 0 when all chaffs are
    caught and all wheats pass, 1 when not, 2 for a wrong call.
    """
    try:
        manifest = load(root)
        modules = manifest.modules if module is None else (manifest.module(module),)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    missing = edition.needs_reference("make chaffs", root)
    if missing:
        print(missing, file=sys.stderr)
        return 2
    found, problems = load_chaffs(root)
    caught = escaped = passed = failing = 0
    for each in modules:
        mine = [chaff for chaff in found if chaff.task in {task.id for task in each.tasks}]
        wheats = load_wheats(each, root)
        problems += _missing(each, mine, wheats)
        jobs, broken = _jobs(each, manifest, mine, wheats, root)
        problems += broken
        start, done = time.monotonic(), 0
        with (many_runs(each, root),
              contextlib.closing(in_parallel([job for _, job in jobs], seconds=budget)) as results):
            for place, trouble in results:
                done += 1
                what, _ = jobs[place]
                if trouble:
                    print(f"{style('Escaped' if isinstance(what, Chaff) else 'Wheat fails', 'red')}: {trouble}")
                    sys.stdout.flush()
                if isinstance(what, Wheat):
                    passed, failing = passed + (not trouble), failing + bool(trouble)
                else:
                    caught, escaped = caught + (not trouble), escaped + bool(trouble)
        seconds = time.monotonic() - start
        if done < len(jobs) or seconds > budget:
            problems.append(f"Module {each.number} took more than its {budget:g} s: {len(jobs) - done} of {len(jobs)} "
                            "chaffs and wheats were not judged.")
        print(f"Module {each.number}: {count(len(mine), 'chaff')} and {count(len(wheats), 'wheat')} "
              f"in {seconds:.0f} s.")
        sys.stdout.flush()
    if module is None:
        known = set(manifest.tasks)
        problems += [f"{chaff.where}: there is no task {chaff.task}." for chaff in found if chaff.task not in known]
        problems += _unknown_wheats(manifest, root)
    for problem in problems:
        print(style("Problem", "red") + ": " + problem)
    print(f"{caught} chaffs caught, {escaped} escaped; {passed} wheats passed.")
    return 1 if problems or escaped or failing else 0


# ---- Reading ----


def load_chaffs(root: Path = ROOT) -> tuple[list[Chaff], list[str]]:
    """All chaffs, and what is wrong with the files that they stand in."""
    found: list[Chaff] = []
    problems: list[str] = []
    for path in sorted((root / "tests" / "chaffs").glob("*.toml")):
        file = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        try:
            entries = tomllib.loads(text).get("chaff", [])
        except tomllib.TOMLDecodeError as error:
            problems.append(f"{file} is not valid TOML: {error}.")
            continue
        lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "[[chaff]]"]
        for place, entry in enumerate(entries):
            where = f"{file}:{lines[place]}" if place < len(lines) else file
            absent = [key for key in _NEEDED if key not in entry]
            unknown = [key for key in entry if key not in (*_NEEDED, *_OPTIONAL)]
            wrong = [key for key, value in entry.items() if not isinstance(value, str)]
            if absent or unknown or wrong:
                problems += [f"{where}: the chaff has no `{key}`." for key in absent]
                problems += [f"{where}: a chaff has no key `{key}`." for key in unknown]
                problems += [f"{where}: `{key}` has to be a string." for key in wrong if key not in unknown]
                continue
            found.append(Chaff(where, **entry))
    return found, problems


def load_wheats(module: Module, root: Path = ROOT) -> list[Wheat]:
    """The wheats of a module: every folder in `tests/wheats/module_N` that holds a `terox/`."""
    folder = root / "tests" / "wheats" / f"module_{module.number}"
    return [Wheat(module.number, path) for path in sorted(folder.glob("*")) if (path / "terox").is_dir()]


def _missing(module: Module, mine: list[Chaff], wheats: list[Wheat]) -> list[str]:
    have = {(chaff.task, chaff.bug) for chaff in mine}
    problems = [f"Task {task.id}: no chaff has its bug class {bug}." for task in module.tasks for bug in task.bugs
                if (task.id, bug) not in have]
    if len(wheats) < WHEATS:
        problems.append(f"Module {module.number} has {count(len(wheats), 'wheat')} in "
                        f"tests/wheats/module_{module.number}/, and needs {WHEATS}.")
    return problems


def _unknown_wheats(manifest: Manifest, root: Path) -> list[str]:
    known = {f"module_{module.number}" for module in manifest.modules}
    return [f"tests/wheats/{path.name}: there is no such module." for path in sorted((root / "tests/wheats").glob("*"))
            if path.is_dir() and path.name not in known]


# ---- Building ----


class ChaffError(ValueError):
    """A chaff or wheat that cannot be built. The message begins with its place."""


def changed(chaff: Chaff, manifest: Manifest, root: Path = ROOT) -> tuple[str, str]:
    """(file, relative to the source root; its text with the mistake). Raises ChaffError where that does not work."""
    task = manifest.task(chaff.task)
    if chaff.bug not in task.bugs:
        raise ChaffError(f"{chaff.where}: {chaff.bug} is no bug class of task {task.id} in course.toml.")
    candidates = [chaff.file] if chaff.file else list(task.files)
    for file in candidates:
        try:
            text = (root / "solutions" / file).read_text(encoding="utf-8")
            functions = function_lines(text, f"solutions/{file}")
        except (OSError, MarkerError) as error:
            raise ChaffError(f"{chaff.where}: {error}") from error
        if chaff.inside in functions:
            return file, _replaced(chaff, file, text, *functions[chaff.inside])
    raise ChaffError(f"{chaff.where}: there is no function {chaff.inside} in {' and '.join(candidates)} of solutions/.")


def _replaced(chaff: Chaff, file: str, text: str, first: int, last: int) -> str:
    lines = text.splitlines(keepends=True)
    before, inside, after = ("".join(lines[: first - 1]), "".join(lines[first - 1: last]), "".join(lines[last:]))
    times = inside.count(chaff.replace) if chaff.replace else 0
    if times != 1:
        raise ChaffError(f"{chaff.where}: `replace` occurs {times} times in {chaff.inside} of solutions/{file}, "
                         "and has to occur once.")
    if chaff.replace == chaff.by:
        raise ChaffError(f"{chaff.where}: `by` is the same as `replace`.")
    result = before + inside.replace(chaff.replace, chaff.by) + after
    try:
        compile(result, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise ChaffError(f"{chaff.where}: with the mistake, solutions/{file} does not parse: {error}.") from error
    return result


def _wheat_problem(wheat: Wheat, root: Path) -> str | None:
    for path in wheat.files():
        shown = path.relative_to(root).as_posix()
        if not (root / "solutions" / path.relative_to(wheat.folder)).is_file():
            return f"{shown}: solutions/ has no such file."
        try:
            compile(path.read_bytes(), shown, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return f"{shown} does not parse: {error}."
    return None


# ---- Judging ----


@contextlib.contextmanager
def many_runs(module: Module, root: Path = ROOT) -> Iterator[None]:
    """What makes the many runs of a module quick, as long as it lasts."""
    global _copies
    # Numba's own simulator has to be chosen before Numba is imported.
    compiled = module.number in COMPILED and os.environ.get("TEROX_CUDA", "").strip().lower() != "numba"
    with Copies(root / "solutions") as _copies, Nurseries(["numba"] if compiled else []):
        try:
            yield
        finally:
            _copies = None


_copies: Copies | None = None


@contextlib.contextmanager
def a_copy(root: Path) -> Iterator[Copy]:
    """The reference, to be changed: this thread's copy, or a new one."""
    if _copies is not None:
        with _copies.one() as copy:
            yield copy
    else:
        with Copies(root / "solutions") as copies, copies.one() as copy:
            yield copy


Job = tuple[Chaff | Wheat, Callable[[], str]]  # the call returns what is wrong, or ""


def _jobs(module: Module, manifest: Manifest, mine: list[Chaff], wheats: list[Wheat],
          root: Path) -> tuple[list[Job], list[str]]:
    jobs: list[Job] = []
    problems: list[str] = []
    for wheat in wheats:  # first: they take longest
        problem = _wheat_problem(wheat, root)
        if problem:
            problems.append(problem)
        else:
            jobs.append((wheat, lambda wheat=wheat: judge_wheat(wheat, root)))  # type: ignore[misc]
    for chaff in mine:
        try:
            file, text = changed(chaff, manifest, root)
        except ChaffError as error:
            problems.append(str(error))
        else:
            jobs.append((chaff, lambda chaff=chaff, file=file, text=text:  # type: ignore[misc]
                         judge_chaff(chaff, file, text, root)))
    return jobs, problems


def judge_chaff(chaff: Chaff, file: str, text: str, root: Path = ROOT) -> str:
    """Run the chaff's own task on the reference with `text` in `file`. Returns why it escaped, or "".

    Most mistakes fall to a few examples, so the quick profile comes first; what escapes it is judged as CI does.
    """
    with a_copy(root) as copy:
        copy.write(file, text)
        for profile in ("watch", "ci"):
            outcome = run_tests(int(chaff.task.split(".")[0]), code=copy.folder, tasks=[chaff.task],
                                stop_at_first=True, quiet=True, profile=profile, course_root=root)
            trouble = _escaped(chaff, outcome)
            if not trouble:
                break
    return trouble


def _escaped(chaff: Chaff, outcome: Outcome) -> str:
    problems = "; ".join(outcome.problems)
    if problems or not outcome.tasks:
        return f"{chaff.name}: the tests could not judge it: {problems or 'no task ran'}"
    result = outcome.task(chaff.task)
    if result.status != "failed":
        return f"{chaff.name}: {chaff.mistake} The task is {result.status}."
    if " ".join(chaff.says.split()) not in " ".join((result.message or "").split()):
        return (f"{chaff.name}: it is caught, but the message does not say {chaff.says!r}:\n"
                + "\n".join("    " + line for line in (result.message or "").splitlines()))
    return ""


def judge_wheat(wheat: Wheat, root: Path = ROOT) -> str:
    """Run the module's tests on the reference with the wheat's files. Returns what is wrong, or ""."""
    with a_copy(root) as copy:
        for path in wheat.files():
            file = path.relative_to(wheat.folder)
            copy.write(file.as_posix(), laid_over(copy.folder / file, path))
        outcome = run_tests(wheat.module, code=copy.folder, quiet=True, profile="ci", course_root=root)
    if outcome.exit_status == 0:
        return ""
    reasons = [failure.text for failure in outcome.failures[:1]] or outcome.problems or [
        f"task {task.id} is {task.status}: {task.message}" for task in outcome.tasks if task.status != "passed"]
    return f"{wheat.name(root)}:\n" + "\n".join("    " + line for line in "\n".join(reasons).splitlines())


def laid_over(target: Path, wheat: Path) -> str:
    """The reference's file with every function that the wheat's file has, and the imports that they need."""
    lines = splice(target, wheat, list(function_lines(wheat.read_text(encoding="utf-8"), wheat)))
    return "".join(text + "\n" for text, _, _ in lines)
