"""Whether sealed checks accept what is right, whatever the secret: the reference and all wheats, with many secrets.

    python -m course.grading.hunt MODULE [--task N.M] [--seeds 200] [--seconds 60]

`make flake` does the same for public tests. Without a sandbox: all of this code is ours.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from course import chaffs
from course.grading.coverage import with_wheat
from course.grading.sealed import Call, ask_trusted, draw
from course.manifest import ROOT, Manifest, Task, load
from course.parallel import in_parallel
from course.term import count, style


@dataclass
class Found:
    """What was found for one task: how many secrets were tried, and what was rejected, in sentences."""

    task: str
    seeds: int = 0
    wrong: list[str] = field(default_factory=list)


def hunt(task: Task, manifest: Manifest, seeds: int, seconds: float, first: int = 0, root: Path = ROOT) -> Found:
    """Ask the questions of the secrets "hunt 0", "hunt 1", ..., until all are asked or the time is over.

    Stops at the first secret with which something right is rejected.
    """
    found, end = Found(task.id), time.monotonic() + seconds
    with ExitStack() as stack:
        roots = {"the reference": root / "solutions"}
        for wheat in chaffs.load_wheats(manifest.module(task.module), root):
            if {path.relative_to(wheat.folder).as_posix() for path in wheat.files()} & set(task.files):
                roots[wheat.name(root)] = stack.enter_context(with_wheat(wheat, root))
        answers = {}
        streams = itertools.tee(_calls(task, seeds, first), len(roots) + 1)
        for (name, code), stream in zip(roots.items(), streams[1:]):
            asked = ask_trusted(task.id, (call for _, call in stream), code, root)  # type: ignore[arg-type]
            answers[name] = stack.enter_context(closing(asked))  # type: ignore[type-var]
        for seed, call in streams[0]:
            if seed != found.seeds:
                found.seeds = seed
                if found.wrong or time.monotonic() > end:
                    return found
            given = {name: next(stream) for name, stream in answers.items()}
            expected = call.right(given["the reference"])
            for name, answer in given.items():
                reason = call.wrong(answer, expected)
                if reason:
                    found.wrong.append(f"secret 'hunt {first + seed}', {name}: {reason}\n    {call.asked()}")
        found.seeds += 1
    return found


def _calls(task: Task, seeds: int, first: int) -> Iterator[tuple[int, Call]]:
    for seed in range(seeds):
        for call in draw(task.id, f"hunt {first + seed}".encode()):
            yield seed, call


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each task, and what was rejected. Returns 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m course.grading.hunt", description=__doc__.split("\n")[0])
    parser.add_argument("module", type=int)
    parser.add_argument("--task", metavar="N.M", help="this task alone")
    parser.add_argument("--seeds", type=int, default=200, help="how many secrets (200)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first of them (0)")
    parser.add_argument("--seconds", type=float, default=60.0, help="that a task may take (60)")
    options = parser.parse_args(arguments)
    manifest = load()
    tasks = [task for task in manifest.module(options.module).tasks
             if not task.id.endswith(".R") and options.task in (None, task.id)]
    bad = 0
    jobs = [lambda task=task: hunt(task, manifest, options.seeds, options.seconds, options.first)  # type: ignore[misc]
            for task in tasks]
    with contextlib.closing(in_parallel(jobs)) as results:
        for _, found in results:
            bad += bool(found.wrong)
            print(f"{found.task}: {count(found.seeds, 'secret')}, " + (
                style("rejects what is right", "red") if found.wrong else "no flake"), flush=True)
            for line in found.wrong[:5]:
                print(f"  {line}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
