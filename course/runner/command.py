"""The command line of the test runner: `python -m course test N ...`."""

from __future__ import annotations

import argparse
from pathlib import Path

from course.runner.profiles import PROFILES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `python -m course test` takes."""
    parser.add_argument("module", type=int, help="number of the module")
    parser.add_argument("--code", metavar="DIR", help="another folder that holds a terox/ (default: modules)")
    parser.add_argument("--reference", metavar="PARTS", help="take these from solutions/, for example 0-1,2.1-2.3")
    parser.add_argument("--task", action="append", metavar="ID", dest="tasks", help="judge this task only (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", dest="json_path", help="write the result there, too")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="student", help="how many examples to try")
    parser.add_argument("--seed", type=int, help="choose the examples at random, from this seed")
    parser.add_argument("--stop-at-first", action="store_true", help="stop at the first failure")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="for one test without a sign of life (10)")
    parser.add_argument("-v", "--verbose", action="store_true", help="show all failures, not only the first")


def run(options: argparse.Namespace) -> int:
    """Carry out parsed arguments. Returns the exit status."""
    from course.runner.parent import run_tests

    names = ("code", "reference", "tasks", "json_path", "profile", "seed", "stop_at_first", "time_limit", "verbose")
    return run_tests(options.module, **{name: getattr(options, name) for name in names}).exit_status


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, print. Returns 0 when every task passed, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m course test", description="Judge one module.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))
