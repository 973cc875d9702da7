"""`make flake MODULE=N SEEDS=100`: a correct solution passes, whichever examples Hypothesis happens to draw."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

from course import edition
from course.manifest import ROOT, ManifestError, load
from course.parallel import in_parallel
from course.runner import Outcome, run_tests
from course.term import count, style

EVERY = 10  # seconds between two lines of progress


def flake(module: int, seeds: int = 100, root: Path = ROOT) -> int:
    """Run a module's tests on the reference with the seeds 0, 1, ..., `seeds - 1`.

    Stops at the first failure, and prints it with its seed. Returns an exit status: 0 when every run passed, 1 when
    one did not, 2 for a wrong call.
    """
    try:
        load(root).module(module)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    if seeds < 1:
        print(f"SEEDS is a number from 1, not {seeds}.", file=sys.stderr)
        return 2
    missing = edition.needs_reference("make flake", root)
    if missing:
        print(missing, file=sys.stderr)
        return 2

    def job(seed: int) -> Outcome:
        return run_tests(module, code="solutions", profile="student", seed=seed, quiet=True, course_root=root)

    start = said = time.monotonic()
    done = 0
    with closing(in_parallel([lambda seed=seed: job(seed) for seed in range(seeds)])) as outcomes:  # type: ignore[misc]
        for seed, outcome in outcomes:
            if outcome.exit_status:
                _print_failure(module, seed, done, outcome)
                return 1
            done += 1
            if time.monotonic() - said > EVERY and done < seeds:
                said = time.monotonic()
                print(f"{done} of {seeds} seeds passed, {said - start:.0f} s")
                sys.stdout.flush()
    print(f"{style('No flake', 'green')}: module {module} passed with {count(seeds, 'seed')} "
          f"in {time.monotonic() - start:.0f} s.")
    return 0


def _print_failure(module: int, seed: int, passed: int, outcome: Outcome) -> None:
    print(style(f"Seed {seed} fails", "red") + f" ({passed} passed before it).")
    for failure in outcome.failures[:1]:
        print("\n".join(failure.lines))
    for task in outcome.tasks:
        if task.status in ("todo", "blocked"):
            print(f"{task.id}: {task.message}")
    for problem in outcome.problems:
        print(problem)
    print(f"\nAgain: python -m course test {module} --code solutions --seed {seed}")
