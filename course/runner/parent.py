"""`run_tests`: judges one module. Starts the child, follows its events, restarts it, and sums up."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from course import edition
from course.manifest import ROOT, Manifest, ManifestError, Module, Task, load
from course.runner import overlay
from course.runner.explain import Explainer
from course.runner.outcome import Outcome, UsageError
from course.runner.profiles import PROFILES
from course.runner.report import Progress, report
from course.runner.session import USUAL_LIMIT, Session
from course.runner.source import PathMap, Sources
from course.runner.verdict import Verdict


def run_tests(module: int, *, code: Path | str | None = None, reference: str | None = None,
              json_path: Path | str | None = None, verbose: bool = False, tasks: list[str] | None = None,
              profile: str = "student", seed: int | None = None, stop_at_first: bool = False,
              time_limit: float | None = None, quiet: bool = False, course_root: Path | None = None) -> Outcome:
    """Run the tests of a module, print the report (unless `quiet`), and return what was found.

    `code`: another folder that holds a `terox/` (default: `modules/`). `reference`: modules and tasks to take from
    `solutions/`, as in "0-1,2.1-2.3". `tasks`: judge these only. `profile`: student, watch, ci or thorough.
    `time_limit`: seconds that a test may go without a sign of life (default: `TEROX_TIME_LIMIT`, else 10).
    A wrong call does not raise: the outcome's `exit_status` is 2 and its `problems` say why.
    """
    start = time.monotonic()
    base = Path(os.path.abspath(course_root or ROOT))
    outcome, manifest = Outcome(module), None
    try:
        manifest = load(base)
        _check_options(profile, json_path)
        with tempfile.TemporaryDirectory(prefix="terox-", ignore_cleanup_errors=True) as folder:
            _judge(outcome, manifest, base, Path(folder).resolve(), code, reference, tasks, Progress(not quiet),
                   {"limit": _limit(time_limit), "profile": profile, "seed": seed, "stop_at_first": stop_at_first})
        outcome.seconds = time.monotonic() - start
        if json_path is not None:
            outcome.write_json(Path(json_path))
    except (UsageError, ManifestError) as error:
        outcome.usage, outcome.problems = True, [str(error)]
    own = code is None and reference is None and course_root is None
    if own and not (quiet or outcome.usage or outcome.interrupted):
        _record(outcome)
    if not quiet:
        report(outcome, manifest, verbose=verbose)
    return outcome


def run_quietly(module: int, **options: Any) -> Outcome:
    """`run_tests` without a word on the terminal: for chaffs, flake hunts and graders."""
    return run_tests(module, quiet=True, **options)


def _judge(outcome: Outcome, manifest: Manifest, base: Path, folder: Path, code: Path | str | None,
           reference: str | None, tasks: list[str] | None, progress: Progress, options: dict[str, Any]) -> None:
    module = manifest.module(outcome.module)
    chosen = _chosen(module, tasks)
    root = _code_root(base, code)
    parts = overlay.parse_reference(reference, manifest) if reference is not None else []
    numbers = [each.number for each in manifest.modules if any(task.id in parts for task in each.tasks)]
    missing = edition.missing_reference(numbers, base, manifest)
    if missing:
        raise UsageError(f"REFERENCE={reference}: {missing}")
    paths = PathMap(root, base)
    outcome.title, outcome.code = module.title, paths.shown(root) + "/"
    Sources(root, manifest, paths).drop_bytecode()
    handed_in = not (root / "terox/__init__.py").is_file()  # the learner's files alone
    if handed_in:
        outcome.code += ", filled up from modules/"
    if reference is not None:
        outcome.code += f" with {reference} from solutions/"
    if handed_in or reference is not None:
        root = folder / "overlay"
        paths = overlay.build(parts, manifest, paths.root, base / "solutions", root, base,
                              base / "modules" if handed_in else None)
    explainer = Explainer(Sources(root, manifest, paths))
    findings = Session(outcome, chosen, base, folder, explainer, progress).run(options)
    Verdict(findings, explainer, outcome).fill(chosen, parts, options["stop_at_first"])


def _chosen(module: Module, tasks: list[str] | None) -> list[Task]:
    if tasks is None:
        return list(module.tasks)
    known = {task.id: task for task in module.tasks}
    for task in tasks:
        if task not in known:
            raise UsageError(f"Module {module.number} has no task {task}. Its tasks are {', '.join(known)}.")
    return [task for task in module.tasks if task.id in tasks]


def _code_root(base: Path, code: Path | str | None) -> Path:
    root = Path(os.path.abspath(base / (code or "modules")))
    if code is not None and base == ROOT and Path(code).is_dir():  # relative to where it was typed
        root = Path(os.path.abspath(code))
    if not (root / "terox").is_dir() and (root / "modules/terox").is_dir():  # the course folder of a learner
        root /= "modules"
    if root == base / "solutions" and edition.is_learners(base) and (root / "terox").is_dir():
        raise UsageError("CODE=solutions needs the whole reference, and solutions/ has some modules of it only. "
                         "Those can be taken with REFERENCE=, for example REFERENCE=0-1.")
    if not (root / "terox").is_dir():
        if code is not None and root.name == "solutions":
            raise UsageError("This edition of the course comes without solutions/.")
        what = f"CODE={code}" if code is not None else "modules/"
        if root.is_file():
            raise UsageError(f"{what} is a file. Unpack it first.")
        raise UsageError(f"{what} holds no folder terox/ to test.")
    return root


def _check_options(profile: str, json_path: Path | str | None) -> None:
    if profile not in PROFILES:
        raise UsageError(f"There is no profile {profile!r}. The profiles are {', '.join(PROFILES)}.")
    if json_path is not None:
        file = Path(os.path.abspath(json_path))
        if file.is_dir():
            raise UsageError(f"--json {json_path} is a folder.")
        if not file.parent.is_dir():
            raise UsageError(f"--json {json_path}: there is no folder {file.parent} to write it to.")


def _limit(given: float | None) -> float:
    text = os.environ.get("TEROX_TIME_LIMIT", "") if given is None else str(given)
    try:
        limit = float(text or USUAL_LIMIT)
    except ValueError:
        limit = 0.0
    if not 0.0 < limit < 1e6:
        raise UsageError(f"The time limit is a number of seconds above 0, not {text!r} (TEROX_TIME_LIMIT).")
    return limit


def _record(outcome: Outcome) -> None:
    try:
        from course.guide import record
    except ImportError:
        return
    try:
        record(outcome)
    except OSError as error:
        print(f"The progress could not be saved: {error.strerror}.", file=sys.stderr)
