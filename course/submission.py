"""`make submission`: a zip of the files in which a learner writes, to hand in, and what is in it, in words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from course import policy
from course.manifest import ROOT, Module, Task, load
from course.progress import State, Work, states
from course.term import count, style
from course.whole_files import replacing
from course.zips import write_zip

NOTE = "HELP.md"  # where a learner says who has helped; at the root of the repository, and taken along


def write(out: Path | str | None = None, root: Path = ROOT) -> int:
    """Write the zip file `out` (default: build/submission.zip), in place of an earlier one.

    Returns an exit status: 0 written, 1 written with a file in it that Python cannot read, 2 not written.
    """
    manifest = load(root)
    out = Path(os.path.abspath(out or root / "build" / "submission.zip"))
    files = [f"modules/{name}" for name in manifest.files]
    present = [file for file in [*files, NOTE] if (root / file).is_file()]
    try:
        contents = {file: (root / file).read_bytes() for file in present}
        if out.is_dir():
            raise IsADirectoryError(21, "It is a folder; the zip file's name is needed", str(out))
        with replacing(out) as archive:
            write_zip(archive, contents)
    except OSError as error:
        print(f"{style('Nothing was written.', 'red')} {error.strerror}: {error.filename}", file=sys.stderr)
        return 2
    found = states(root, manifest)
    for module in manifest.modules:
        print(_line(module, [found[task.id] for task in module.tasks]))
    work = Work(root, manifest)
    sources = work.sources
    broken = [f"modules/{file}:{problem.line}: Python cannot read this file ({problem.message.rstrip('.')})."
              for file, problem in sorted(sources.problems().items())]
    broken += [f"{file} is not encoded as UTF-8. Save it again, as UTF-8." for file in files
               if file in contents and not _is_utf_8(contents[file])]
    broken += [sentence for state in found.values() if _begun(state) for sentence in _not_allowed(state.task, work)]
    for file in files:
        if file not in contents:
            print(f"{style('Missing', 'red')}: {file}. To bring it back: git checkout {file}")
    for sentence in broken:
        print(f"{style('Its tasks would have no points', 'red')}: {sentence}")
    begun = any(map(_begun, found.values()))
    print(f"\n{sources.paths.shown(out)}: {count(len(contents), 'file')}. "
          + ("Mend the above, and write it again." if broken else
             "Hand it in as it is." if begun else "Nothing is written in them yet."))
    return 1 if broken else 0


def _line(module: Module, mine: list[State]) -> str:
    """One module, as far as its last runs and the text say."""
    passed = sum(state.status == "passed" for state in mine)
    others = [f"{state.task.id} {state.status}" for state in mine if state.status not in ("passed", "to do")]
    for state in mine:
        written = len(state.task.functions) - len(state.stubs)
        if state.status == "to do" and written:
            others.append(f"{state.task.id} has {written} of {count(len(state.task.functions), 'function')}")
    todo = sum(not _begun(state) for state in mine)
    if todo == len(mine):
        return f"Module {module.number}: not begun"
    return f"Module {module.number}: " + ", ".join([
        f"{passed} of {count(len(mine), 'task')} passed", *others, *([f"{todo} to do"] if todo else [])])


def _begun(state: State) -> bool:
    return state.status != "to do" or len(state.stubs) < len(state.task.functions)


def _not_allowed(task: Task, work: Work) -> Iterator[str]:
    """What the task's files use and a grader refuses, outside of other tasks' functions."""
    for file in task.files:
        hits = policy.hits(task.id, "".join(line + "\n" for line in work.sources.lines(file)))
        others = work.lines_of_others(task, file) if hits else set()
        for hit in hits:
            if hit.line not in others:
                yield f"modules/{file}:{hit.line} uses {hit.what}. A grader does not allow it for task {task.id}."


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
