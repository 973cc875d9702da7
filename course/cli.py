"""The command line: one subcommand for each target of the Makefile, each handed on to the file that does it.

Standard library only up to where a command is known: its layer is installed first (`course/bootstrap.py`), and the
command then runs in that environment.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from course import bootstrap
from course.edition import has_reference, needs_reference
from course.grade_arguments import add_arguments as add_grading
from course.manifest import ROOT, ManifestError
from course.runner.command import add_arguments


class WrongCall(Exception):
    """What was asked for cannot be done. Exit status 2."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one sentence: who typed `make test-module-x` has seen none of the options."""

    def error(self, message: str) -> NoReturn:
        said = re.sub(r"^argument (\S+): invalid (?:int|float) value: (.*)", r"\1 has to be a number, not \2", message)
        self.exit(2, f"{said[:1].upper()}{said[1:]}. `{self.prog} --help` says what it takes.\n")


def main(argv: list[str]) -> int:
    """Run one command. Returns its exit status: 0 done, 1 not passed, 2 a wrong call, 130 stopped with Ctrl-C."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a console that lacks a character still gets the rest
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if options.layer is not None:
            interpreter = bootstrap.ensure(options.layer)
            if interpreter is not None:
                return _go_on(interpreter, argv)
        return options.run(options)
    except (bootstrap.SetupError, ManifestError, WrongCall) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, `head` for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


def _go_on(interpreter: Path, argv: list[str]) -> int:
    """Carry out the same command with another Python."""
    command = [str(interpreter), "-m", "course", *argv]
    if os.name == "posix":  # in place of this process, which would kill it soon after a Ctrl-C, before it has tidied up
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.run(command).returncode


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m course", description=__doc__.split("\n")[0],
                                     epilog="The Makefile's targets call these; see README.md.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, help_text: str, run: Callable[[argparse.Namespace], int], layer: str | None = "base",
                ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(run=run, layer=layer)
        return sub

    setup = command("setup", "make the environment and install what is missing", _setup, None)
    setup.add_argument("--layer", choices=bootstrap.LAYERS, default="base", dest="wanted",
                       help="how much: the test loop, also notebooks and pictures, maintainers' tools, PyTorch; gpu: "
                            "the compiler for NVIDIA's GPUs; instructor: what compares submissions")
    test = command("test", "judge one module", _test)
    add_arguments(test)
    command("check", "what CI runs: everything on the reference, and the tooling's own tests", _check, "learn")
    command("demo", "train on the reference, and draw what came of it", _demo, "learn")
    following = command("next", "what to do now, in all modules or in one", _next, None)
    following.add_argument("module", type=int, nargs="?", help="look at this one only")
    hint = command("hint", "the next hint for a task", _hint, None)
    hint.add_argument("task")
    hint.add_argument("--again", action="store_true", help="show the hints that were given already")
    reveal = command("reveal", "the reference of one task, after its last hint", _reveal, None)
    reveal.add_argument("task")
    reveal.add_argument("--yes", action="store_true", help="although hints are left")
    command("progress", "the whole map", _progress, None)
    watch = command("watch", "test again whenever a file is saved", _watch, "learn")
    watch.add_argument("module", type=int)
    command("doctor", "look at this machine and say what is missing", _doctor, None)
    submission = command("submission", "write a zip of what you have written, to hand in", _submission, None)
    submission.add_argument("out", type=Path, nargs="?", help="the file (build/submission.zip)")
    train = command("train", "run a module's training program on your code", _train, "learn")
    train.add_argument("module", type=int)
    train.add_argument("rest", nargs=argparse.REMAINDER, help="options of the program")
    command("notebooks", "open the notebooks in Jupyter Lab, on your code", _notebooks, "learn")
    read = command("read", "the places in PyTorch that a module's reading task names", _read)
    read.add_argument("module", type=int)
    read.add_argument("--open", action="store_true", help="open the first of them")
    release = command("release", "write the learner's edition, or add a release to its line", _release, None)
    release.add_argument("out", type=Path)
    release.add_argument("--uncommitted", action="store_true", help="with changes that are not committed")
    hand_out = command("release-reference", "write the reference of some modules, to hand out",
                       _release_reference, None)
    hand_out.add_argument("modules", help="for example 0-2")
    hand_out.add_argument("out", type=Path, nargs="?", help="a new folder, or a new file with the ending .zip")
    hand_out.add_argument("--uncommitted", action="store_true", help="with changes that are not committed")
    made_up = command("class", "write a made-up class of 20 submissions, to try the grading on", _class)
    made_up.add_argument("out", type=Path)
    similarity = command("similarity", "compare the submissions of a class with each other", _similarity, "instructor")
    similarity.add_argument("folder", type=Path)
    similarity.add_argument("out", type=Path)
    similarity.add_argument("--module", type=int, help="this one only")
    similarity.add_argument("--shown", type=float, default=50, help="least percentage of a pair that is listed (50)")
    gradescope = command("gradescope", "write Gradescope's autograder for a module", _gradescope)
    gradescope.add_argument("module", type=int)
    gradescope.add_argument("--out", type=Path, help="the zip file (build/gradescope/module_N.zip)")
    gradescope.add_argument("--secret", type=Path, help="what the sealed checks are drawn from")
    gradescope.add_argument("--trust", action="store_true", help="grade also where a container cannot close code in")
    gradescope.add_argument("--wheels", type=Path, help="folder of wheels, for an image without a network")
    skeleton = command("skeleton", "bring modules/ in step with solutions/", _skeleton, "base")
    skeleton.add_argument("--force", action="store_true", help="throw away edits in modules/")
    chaffs = command("chaffs", "prove the tests: wheats pass, chaffs are caught", _chaffs)
    chaffs.add_argument("module", type=int, nargs="?")
    flake = command("flake", "run a module many times with other random examples", _flake)
    flake.add_argument("module", type=int)
    flake.add_argument("--seeds", type=int, default=100)
    add_grading(command("grade", "grade one submission, in a sandbox", _grade), whole_class=False)
    add_grading(command("grade-all", "grade a folder of submissions", _grade), whole_class=True)
    command("bench", "measure speed, as ratios", _bench, "dev")
    command("lint", "ruff and mypy", _lint, "dev")
    return parser


def _setup(options: argparse.Namespace) -> int:
    bootstrap.ensure(options.wanted)
    print("Ready. Next: make next")
    return 0


def _test(options: argparse.Namespace) -> int:
    from course.runner.command import run

    return run(options)


def _check(options: argparse.Namespace) -> int:
    from course import everything

    return everything.check() if has_reference() else everything.check_learner()


def _demo(options: argparse.Namespace) -> int:
    if has_reference():
        return run_with_code(ROOT / "solutions", ["-m", "course.demo"])
    return run_with_code(ROOT / "modules", ["-m", "course.demo", "--built"])


def _next(options: argparse.Namespace) -> int:
    from course import guide

    return guide.next_step(ROOT, options.module)


def _hint(options: argparse.Namespace) -> int:
    from course import guide

    return guide.hint(options.task, again=options.again, root=ROOT)


def _reveal(options: argparse.Namespace) -> int:
    from course import guide

    return guide.reveal(options.task, yes=options.yes, root=ROOT)


def _progress(options: argparse.Namespace) -> int:
    from course import guide

    return guide.progress(ROOT)


def _watch(options: argparse.Namespace) -> int:
    from course import watch

    return watch.watch(options.module, root=ROOT)


def _doctor(options: argparse.Namespace) -> int:
    from course import doctor

    return doctor.doctor(ROOT)


def _submission(options: argparse.Namespace) -> int:
    from course import submission

    return submission.write(options.out, root=ROOT)


def _train(options: argparse.Namespace) -> int:
    from course import manifest

    program = manifest.load().module(options.module).train
    if not program:
        raise WrongCall(f"Module {options.module} has no training program.")
    return run_with_code(ROOT / "modules", ["-m", program, *options.rest])


def _notebooks(options: argparse.Namespace) -> int:
    return run_with_code(ROOT / "modules", ["-m", "jupyterlab", str(ROOT / "notebooks")])


def _read(options: argparse.Namespace) -> int:
    from course import reading

    return reading.read(options.module, open_first=options.open)


def _release(options: argparse.Namespace) -> int:
    need_reference("make release")
    from course import release

    return release.release(options.out, root=ROOT, uncommitted=options.uncommitted)


def _release_reference(options: argparse.Namespace) -> int:
    need_reference("make release-reference")
    from course import references

    return references.release(options.modules, options.out, root=ROOT, uncommitted=options.uncommitted)


def _class(options: argparse.Namespace) -> int:
    need_reference("make class")
    from course.grading import make_class

    return make_class.run(options.out, root=ROOT)


def _similarity(options: argparse.Namespace) -> int:
    need_reference("make similarity")
    from course.grading import similarity

    return similarity.run(options.folder, options.out, root=ROOT, shown=options.shown / 100, only=options.module)


def _gradescope(options: argparse.Namespace) -> int:
    need_reference("make gradescope")
    from course.grading import gradescope

    return gradescope.run(options.module, options.out, options.secret, options.wheels, trust=options.trust, root=ROOT)


def _skeleton(options: argparse.Namespace) -> int:
    need_reference("make skeleton")
    from course import markers, skeleton

    try:
        return skeleton.write(ROOT, force=options.force)
    except (markers.MarkerError, skeleton.SkeletonError) as error:
        print(error, file=sys.stderr)
        return 1


def _chaffs(options: argparse.Namespace) -> int:
    need_reference("make chaffs")
    from course import chaffs

    return chaffs.run(options.module, root=ROOT)


def _flake(options: argparse.Namespace) -> int:
    need_reference("make flake")
    from course import flake

    return flake.flake(options.module, seeds=options.seeds, root=ROOT)


def _grade(options: argparse.Namespace) -> int:
    need_reference("make grade")
    from course.grading import command

    return command.run(options)


def _bench(options: argparse.Namespace) -> int:
    need_reference("make bench")
    return run_with_code(ROOT / "solutions", ["-m", "course.bench"])


def _lint(options: argparse.Namespace) -> int:
    checks = (["ruff", "check", "."], ["mypy"])
    return max(subprocess.run([sys.executable, "-m", *check], cwd=ROOT).returncode for check in checks)


def need_reference(what: str) -> None:
    """Raises WrongCall where there is no reference."""
    sentence = needs_reference(what)
    if sentence:
        raise WrongCall(sentence)


def run_with_code(code: Path, arguments: list[str]) -> int:
    """Run this Python with `code` as the root of `terox`; returns the exit status."""
    path = os.pathsep.join([str(code), str(ROOT)])
    return subprocess.run([sys.executable, *arguments], env={**os.environ, "PYTHONPATH": path}, cwd=ROOT).returncode
