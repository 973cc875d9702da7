"""`make release-reference MODULES=0-2`: the reference of some modules, which learners put beside their `modules/`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from course.edition import named
from course.leaks import leaks
from course.manifest import ROOT, Module, load
from course.markers import MarkerError
from course.release import ReleaseError, source, source_files
from course.runner.outcome import UsageError
from course.runner.overlay import parse_reference
from course.term import count, style
from course.zips import write_zip

SUFFIXES = {".py", ".pyi"}  # handouts and all else are in the learner's edition
TEXT = """The reference of {numbers} of the course, {message}.

This folder, solutions/, belongs into the folder of the learner's edition, beside modules/. Then

    make test-module-{after} REFERENCE={written}

judges module {after} with those modules taken from here, and `make reveal` shows single tasks.
"""


def release(modules: str, out: Path | str | None = None, root: Path = ROOT, *, uncommitted: bool = False) -> int:
    """Write `solutions/` with some modules only, as in "0-2,4", into the new folder or the new file `out` (.zip).

    The default is a file in `build/`. Returns an exit status: 0 written, 1 refused, 2 a wrong call; with the reasons
    printed.
    """
    try:
        chosen = _chosen(modules, root)
    except UsageError as error:
        print(str(error).replace("REFERENCE=", "MODULES="), file=sys.stderr)
        return 2
    written = modules.replace(" ", "")
    out = Path(os.path.abspath(out or root / "build" / f"terox-reference-{written}.zip"))
    try:
        number = _release(chosen, written, out, root, uncommitted)
    except (ReleaseError, MarkerError) as error:
        print(f"{style('Nothing was written.', 'red')} {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{style('Nothing was written.', 'red')} {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    print(f"The reference of {named([module.number for module in chosen])} is in {out}: "
          f"{count(number, 'file')}, and no line of another module's solution in any of them.\n"
          f"Learners {'unpack it' if out.suffix == '.zip' else 'copy solutions/'} in the folder of their edition.")
    return 0


def _chosen(text: str, root: Path) -> list[Module]:
    manifest = load(root)
    tasks = parse_reference(text, manifest)
    chosen = [module for module in manifest.modules if any(task.id in tasks for task in module.tasks)]
    if any(task.id not in tasks for module in chosen for task in module.tasks):
        raise UsageError(f"MODULES={text}: whole modules are handed out. Write, for example, 0-2.")
    return chosen


def _release(chosen: list[Module], written: str, out: Path, root: Path, uncommitted: bool) -> int:
    if out.exists() and (out.suffix == ".zip" or not out.is_dir() or any(out.iterdir())):
        raise ReleaseError(f"{out} exists already" + (" and is not empty." if out.is_dir() else "."))
    message, when = source(root, uncommitted)
    packages = tuple(f"{module.package}/" for module in chosen)
    files = [file for file in source_files(root)[0] if Path(file).suffix in SUFFIXES
             and file.startswith(tuple(f"solutions/{package}" for package in packages))]
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        folder = beside / "edition"
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, folder / file)
        numbers = named([module.number for module in chosen])
        last = max(module.number for module in load(root).modules)
        text = TEXT.format(numbers=numbers, message=message, written=written, after=min(chosen[-1].number + 1, last))
        (folder / "solutions/README.txt").write_text(text, encoding="utf-8", newline="\n")
        found = leaks(folder, root / "solutions", only=lambda name: not name.startswith(packages))
        if found:
            raise ReleaseError(f"{count(len(found), 'line')} of other modules can be read there:\n"
                               + "\n".join(f"  {leak}" for leak in found[:20]))
        if out.suffix == ".zip":
            contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
                        if path.is_file()}
            write_zip(beside / "packed", contents, when=when)
            os.rename(beside / "packed", out)
        else:
            if out.exists():
                out.rmdir()
            os.rename(folder, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(files) + 1
