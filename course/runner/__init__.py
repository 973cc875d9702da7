"""Judges a module: runs its tests in a child process and says in words what was found.

`run_tests` prints a report, `run_quietly` only returns the `Outcome`; `main` is the command line of both.
"""

from __future__ import annotations

from course.runner.outcome import Failure, Outcome, TaskResult, UsageError

__all__ = ["Failure", "Outcome", "TaskResult", "UsageError", "main", "run_quietly", "run_tests"]


def __getattr__(name: str):
    # Imported when first used: pytest imports this package in the child, too, for the plugin.
    if name in ("run_tests", "run_quietly"):
        from course.runner import parent
        return getattr(parent, name)
    if name == "main":
        from course.runner.command import main
        return main
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
