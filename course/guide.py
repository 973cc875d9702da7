"""`make next`, `make hint`, `make reveal`, `make progress`: what to do now, and help one step at a time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from course import edition
from course import progress as records
from course.manifest import ROOT, ManifestError, Module, Task, load
from course.markers import MarkerError, find_blocks
from course.progress import State, Work, states
from course.runner.source import split_lines
from course.term import count, style, wrapped

_LOOKS = {"passed": "green", "failed": "red", "to do": "yellow", "changed": "yellow", "not run": "yellow",
          "blocked": "yellow"}


def record(outcome: Any, root: Path = ROOT) -> None:
    """Remember what a run of the tests on `modules/` found. Called by the test runner."""
    records.record(outcome, root, load(root))


def has_begun(module: int, root: Path = ROOT) -> bool:
    """Whether a learner has written something of a module: a stub is gone, or a run of its tests is recorded."""
    manifest = load(root)
    work, store = Work(root, manifest), records.load(root)
    return any(len(work.stubs(task)) < len(task.functions) or task.id in store.reveals
               or store.tasks.get(task.id, {}).get("status") in ("passed", "failed")
               for task in manifest.module(module).tasks)


# ---- make next ----


def next_step(root: Path = ROOT, module: int | None = None) -> int:
    """Print what to do now: a task that failed, the first function to do, or the tests to run. Runs no test.

    `module` looks at one module only. Returns an exit status: 0, or 2 for a module that does not exist.
    """
    try:
        manifest = load(root)
        modules = manifest.modules if module is None else (manifest.module(module),)
    except ManifestError as error:
        return _wrong(str(error))
    found, work = states(root, manifest), Work(root, manifest)
    _print_syntax_problem(work)
    for each in modules:
        mine = [found[task.id] for task in each.tasks]
        for state in mine:
            gone = [file for file in state.task.files if not (work.source / file).is_file()]
            if gone:
                print(f"modules/{gone[0]} is missing. To bring it back: git checkout modules/{gone[0]}")
                return 0
            if state.status == "failed":
                return _print_failed(state, mine)
            if state.stubs and state.status != "passed":
                return _print_stub(state, each)
        waiting = [state for state in mine if state.status != "passed"]
        if waiting:
            return _print_run(each, waiting)
    if module is not None:
        print(f"Module {module} is done: all of its tasks passed.")
        later = [other for other in manifest.modules if other.number > module]
        if later:
            print("Next: make next")
        return 0
    print(style("All modules are done.", "green"))
    if manifest.modules and manifest.modules[-1].reaches:
        print(wrapped(manifest.modules[-1].reaches))
    return 0


def _print_syntax_problem(work: Work) -> None:
    for file, problem in sorted(work.sources.problems().items()):
        print(wrapped(f"First mend modules/{file}:{problem.line}: Python cannot read this file "
                      f"({problem.message.rstrip('.')})."))
        print()
        return


def _print_failed(state: State, mine: list[State]) -> int:
    task = state.task
    print(f"{style(f'Task {task.id} failed', 'red')} in its last run: {task.title}")
    # The first line of the message says again which task it is.
    for line in (state.verdict or {}).get("message", "").splitlines()[1:]:
        print(line)
    print()
    print(f"Hint:     make hint TASK={task.id}")
    print(f"Check it: make test-module-{task.module}")
    after = [other for other in mine if other.stubs and (other is state or other.status == "to do")]
    if after:
        stub = after[0].stubs[0]
        print(f"Or go on: {stub.function} of task {after[0].task.id}, modules/{stub.file}:{stub.line}")
    return 0


def _print_stub(state: State, module: Module) -> int:
    task, stub = state.task, state.stubs[0]
    print(style(f"Task {task.id}: {task.title}", "bold"))
    print(f"  Write     {stub.function} ({len(state.stubs)} of {count(len(task.functions), 'function')} left)")
    print(f"  Open      modules/{stub.file}:{stub.line}")
    if stub.todo:
        print(wrapped(stub.todo, indent=" " * 12, first="  To do     "))
    print(f"  Read      modules/{module.package}/README.md")
    print(f"  Check it  make test-module-{module.number} (with TASK={task.id}: this task alone, sooner)")
    print(f"  Stuck?    make hint TASK={task.id}")
    return 0


def _print_run(module: Module, waiting: list[State]) -> int:
    changed = [state.task.id for state in waiting if state.status == "changed"]
    print(f"Nothing is left to write in module {module.number}, {module.title}.")
    if changed:
        print(f"Changed since the last run: {', '.join(changed)}.")
    print(f"Now run its tests: make test-module-{module.number}")
    return 0


# ---- make hint ----


def hint(task_id: str, level: int | None = None, *, again: bool = False, root: Path = ROOT) -> int:
    """Show the next hint of a task, or hint number `level` (from 1), or with `again` those already shown.

    Returns an exit status: 0, or 2 for a task or hint that does not exist.
    """
    try:
        task = load(root).task(task_id.upper())
    except ManifestError as error:
        return _wrong(str(error))
    total = len(task.hints)
    if level is not None and not 1 <= level <= total:
        return _wrong(f"Task {task.id} has {count(total, 'hint')}, numbered from 1; there is no hint {level}.")
    store = records.load(root)
    shown = min(store.hints.get(task.id, 0), total)
    if not total:
        print(f"Task {task.id} has no hints.")
        return 0
    if again and level is None:
        if not shown:
            print(f"No hint of task {task.id} was shown yet. For the first one: make hint TASK={task.id}")
            return 0
        numbers = list(range(1, shown + 1))
    elif level is not None:
        numbers = [level]
    elif shown < total:
        numbers = [shown + 1]
    else:
        _say_all_shown(task, root, total)
        return 0
    if numbers[-1] > shown:
        store.hints[task.id] = shown = numbers[-1]
        records.save(root, store)
    print(style(f"Task {task.id}: {task.title}", "bold"))
    for number in numbers:
        print(f"\nHint {number} of {total}")
        print(wrapped(task.hints[number - 1], indent="  "))
    print()
    if shown < total:
        print(f"{count(total - shown, 'more hint')}: make hint TASK={task.id}")
    else:
        _say_all_shown(task, root, total, again=not again)
    return 0


def _say_all_shown(task: Task, root: Path, total: int, again: bool = True) -> None:
    print(f"That was the last of {count(total, 'hint')} of task {task.id}."
          + (f"\nTo read them again: make hint TASK={task.id} ARGS=--again" if again else ""))
    if edition.missing_reference([task.module], root) is None and edition.reveal_allowed(root):
        print(f"To see the reference's code: make reveal TASK={task.id}")


# ---- make reveal ----


def reveal(task_id: str, *, yes: bool = False, root: Path = ROOT) -> int:
    """Print the reference's code of a task, after its last hint (`yes`: also before), and note it.

    Returns an exit status: 0 shown, 1 not shown, 2 for a task that does not exist.
    """
    try:
        task = load(root).task(task_id.upper())
    except ManifestError as error:
        return _wrong(str(error))
    if not edition.reveal_allowed(root):
        print("In this edition of the course, make reveal is turned off. Ask your instructor.")
        return 1
    missing = edition.missing_reference([task.module], root)
    if missing:
        print(wrapped(f"{missing} So there is nothing to reveal. The last hint is an outline of the code."))
        print(f"To read the hints again: make hint TASK={task.id} ARGS=--again")
        return 1
    store = records.load(root)
    left = len(task.hints) - store.hints.get(task.id, 0)
    if left > 0 and not yes:
        print(f"{count(left, 'hint')} of task {task.id} {'is' if left == 1 else 'are'} left: make hint TASK={task.id}")
        print(f"To see the code all the same: python -m course reveal {task.id} --yes")
        return 1
    try:
        parts = _reference(task, root)
    except (MarkerError, OSError) as error:
        print(f"The reference cannot be read: {error}")
        return 1
    if not parts:
        print(f"solutions/{task.file} has no part of task {task.id} between markers.")
        return 1
    print(style(f"Task {task.id}: {task.title}", "bold"))
    print("One way to write it. Read it, close it, and write your own.")
    for where, function, lines in parts:
        print(f"\n{style(function, 'bold')}  ({where})")
        print("\n".join(lines))
    store.reveals.setdefault(task.id, time.strftime("%Y-%m-%d"))
    records.save(root, store)
    return 0


def _reference(task: Task, root: Path) -> list[tuple[str, str, list[str]]]:
    """("file:line", function, lines) of each block of a task."""
    found = []
    for file in task.files:
        path = root / "solutions" / file
        text = path.read_text(encoding="utf-8")
        lines = split_lines(text)
        for block in find_blocks(text, f"solutions/{file}"):
            if block.task == task.id:
                inside = [line[len(block.indent):] if line.startswith(block.indent) else line.lstrip()
                          for line in lines[block.begin: block.end - 1]]
                found.append((f"solutions/{file}:{block.begin + 1}", block.function,
                              [("    " + line).rstrip() for line in inside]))
    return found


# ---- make progress ----


def progress(root: Path = ROOT) -> int:
    """Print the whole map: modules, tasks, points, hours. Returns an exit status: 0, or 2 without a manifest."""
    try:
        manifest = load(root)
    except ManifestError as error:
        return _wrong(str(error))
    found = states(root, manifest)
    for module in manifest.modules:
        mine = [found[task.id] for task in module.tasks]
        points, possible = sum(state.points for state in mine), sum(state.task.points for state in mine)
        print(style(f"Module {module.number}: {module.title}", "bold") + f", {points} of {possible} points")
        for state in mine:
            print(_line(state))
        print()
    every = list(found.values())
    passed = [state for state in every if state.status == "passed"]
    hours = sum(state.task.hours for state in every if state.status != "passed")
    print(f"{len(passed)} of {count(len(every), 'task')} passed, {sum(state.points for state in every)} of "
          f"{sum(state.task.points for state in every)} points.")
    if hours:
        print(f"About {count(round(hours, 1), 'hour')} of work left.")
    print("Next: make next" if hours or len(passed) < len(every) else "All modules are done.")
    return 0


def _line(state: State) -> str:
    task, words = state.task, state.status
    extra = [f"{count(task.points, 'point')}"]
    if state.status == "to do":
        extra.append(f"{len(state.stubs)} of {count(len(task.functions), 'function')} left")
    elif state.status == "changed":
        extra.append(f"changed since it {(state.verdict or {}).get('status', 'ran')}")
    elif state.status == "not run":
        extra.append("written, and not tested yet")
    elif state.status == "blocked":
        extra.append("waits for " + ", ".join((state.verdict or {}).get("blocked_by", [])))
    if state.hints:
        extra.append(f"{count(state.hints, 'hint')} used")
    if state.revealed:
        extra.append("revealed")
    text = wrapped(f"{task.title}: {', '.join(extra)}", indent=" " * 16)
    return f"  {task.id:<4} {style(f'{words:<8}', _LOOKS[words])} {text[16:]}"


def _wrong(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 2
