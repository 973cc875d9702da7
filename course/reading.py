"""The reading tasks, N.R: the places to read, and whether an answer about them is right.

The answers stand in `solutions/` alone. `make skeleton` writes `tests/module_N/reading.json` from them, where
each answer, right or plausibly wrong, is a salted digest: enough to tell, and nothing to copy.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import runpy
import shlex
import subprocess
import tomllib
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import manifest
from course.check import CheckFailed, shown
from course.markers import TODO
from course.torch_source import Place, Torch, find_torch, locate

_WITH_PLUS_LINE = {"vi", "vim", "nvim", "gvim", "nano", "emacs", "emacsclient", "micro", "kak", "less"}
_WITH_GOTO = {"code", "codium", "cursor"}


class ReadingError(ValueError):
    """A reading task's questions, answers and notes do not fit together, or were not generated."""


# ---- python -m course read N ----


def read(module_number: int, *, open_first: bool = False) -> int:
    """Print the places that module N's reading task names; open the first if asked to. Returns the status.

    Raises ManifestError for a number that is no module of the course.
    """
    course = manifest.load()
    module, torch = course.module(module_number), find_torch()
    if torch is None:
        install = f"pip install torch=={course.torch}"
        print(f"torch is not installed here; to have it: {install}. Until then, on the web:")
    else:
        print(f"torch {torch.version} is installed in {torch.folder / 'torch'}")
        if torch.version != course.torch:
            print(f"Note: the questions are about {course.torch}, to which the links lead; yours may differ.")
    reading = [task for task in module.tasks if task.id.endswith(".R")]
    for task in reading:
        _print_places(f"Task {task.id}, in this order:", task.pytorch, torch, course.torch)
    for task in module.tasks:
        if task not in reading and task.pytorch:
            _print_places(f"What you wrote in {task.id}, {task.title}:", task.pytorch, torch, course.torch)
    if not reading:
        print(f"\nModule {module_number} has no reading task.")
        return 0
    check = f"make test-module-{module_number}"
    print(f"\nThe questions are in modules/{reading[0].file}; {check} checks the answers.")
    if open_first and reading[0].pytorch:
        return _open(locate(reading[0].pytorch[0], torch), torch, course.torch)
    return 0


def _print_places(heading: str, entries: tuple[str, ...], torch: Torch | None, release: str) -> None:
    print(f"\n{heading}")
    for entry in entries:
        place = locate(entry, torch)
        print(f"  {place.path}" + (f": {place.symbol}" if place.symbol else ""))
        if place.file is not None:
            print(f"    {place.file}" + (f":{place.first}" if place.first else f" has no {place.symbol}"))
        if place.file is None or not place.first or (torch is not None and torch.version != release):
            print(f"    {place.url(release)}")


def _open(place: Place, torch: Torch | None, release: str) -> int:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor and place.file is not None:
        command = shlex.split(editor, posix=os.name != "nt")
        kind, line = Path(command[0]).stem.lower(), max(place.first, 1)
        if kind in _WITH_PLUS_LINE:
            command += [f"+{line}", str(place.file)]
        elif kind in _WITH_GOTO:
            command += ["--goto", f"{place.file}:{line}"]
        else:
            command.append(str(place.file))
        try:
            return 1 if subprocess.call(command) else 0
        except OSError as error:
            print(f"\nThe editor {editor!r} could not be started: {error.strerror}.")
            return 1
    # The page, and never the file itself: what some platforms do to open a .py file is to run it.
    if webbrowser.open(place.url(release, with_line=torch is not None and torch.version == release)):
        return 0
    print("\nNo browser could be started. Set EDITOR, or open the place above yourself.")
    return 1


# ---- Questions and answers ----


@dataclass(frozen=True)
class Question:
    """One question of a reading task, as `tests/module_N/reading.json` has it."""

    task: str
    key: str
    text: str
    path: str  # where to look: file in PyTorch's repository, and symbol
    symbol: str
    digest: str
    loose: str  # of the answer without letter case and without underscores at its ends
    near: dict[str, str] = field(default_factory=dict)  # digest of a wrong answer -> a sentence about it


def questions(module_number: int, tests_root: Path | None = None) -> tuple[Question, ...]:
    """The questions of module N's reading task. Raises ReadingError if their file is missing or broken."""
    path = (tests_root or manifest.ROOT / "tests") / f"module_{module_number}" / "reading.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Question(task=data["task"], **entry) for entry in data["questions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadingError(f"tests/{path.parent.name}/{path.name} is missing or broken ({error}). "
                           "git checkout brings it back; in the full repository, make skeleton "
                           "writes it.") from error


def normalize(answer: str) -> str:
    """The bare name: "`torch.nn.Module.train()`" becomes "train"."""
    text = answer.strip().strip("`'\" ").rstrip(".,;:")
    text = re.sub(r"\s*\(.*\)$", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*(=|:\s).*$", "", text, flags=re.DOTALL)  # an argument with its default or its type
    return re.split(r"::|->|\.", text)[-1].strip("`'\" ")


def check_answer(question: Question, answers: Callable[[], Any]) -> None:
    """The learner's `answers()` has the right name for `question`; raises CheckFailed otherwise."""
    given = answers()
    key, call = question.key, f'answers()["{question.key}"]'
    expected = f"the answer to question {key}: {question.text}"
    where = (f"Look in {question.path} at {question.symbol}; "
             f"`make read MODULE={question.task.split('.')[0]}` shows where that is.")
    if not isinstance(given, dict):
        problem = f"A {type(given).__name__} is not a dict."
        if given is None:
            problem = "It returned None. Is a `return` missing?"
        raise CheckFailed("answers()", shown(given), 'a dict: {"a": "...", "b": "...", ...}', problem)
    answer = given.get(key)
    if answer is None or answer is ... or (isinstance(answer, str) and not normalize(answer)):
        raise CheckFailed(call, "no answer", expected, f"Question {key} has no answer yet. {where}")
    if not isinstance(answer, str):
        problem = f"An answer is a name, written as a string, not a value of type {type(answer).__name__}."
        raise CheckFailed(call, f"your answer was {shown(answer)}", expected, problem)
    name = normalize(answer)
    digest = _digest(question.task, key, name)
    if digest == question.digest:
        return
    note = question.near.get(digest)
    if note is None and _digest(question.task, key, _loose(name)) == question.loose:
        note = "That is nearly the name: look at upper and lower case, and at the underscores around it."
    if note is None and re.search(r"[\s,]", name):
        note = "An answer is one name, without other words."
    note = f"{note} {where}" if note else where
    raise CheckFailed(call, f"your answer was {shown(answer)}", expected, note)


def _loose(name: str) -> str:
    return name.strip("_").lower()


def _digest(task: str, key: str, name: str) -> str:
    return hashlib.sha256(f"terox {task} {key} {name}".encode()).hexdigest()[:32]


# ---- From solutions/ to tests/ ----


def render(solutions_root: Path) -> dict[str, str]:
    """What each `reading.json` has to hold: path relative to `tests/` to text. Imports nothing of terox."""
    notes = load_notes(solutions_root)
    rendered: dict[str, str] = {}
    for path in sorted(solutions_root.glob("terox/*/reading.py")):
        task, answers, docstring = load_answers(path)
        asked, about = parse_questions(docstring), notes.get(task, {})
        if not set(asked) == set(answers) == set(about):
            raise ReadingError(f"{path}: the docstring asks {sorted(asked)}, there are answers to "
                               f"{sorted(answers)}, and reading_notes.toml has {sorted(about)}.")
        entries = [_entry(task, key, *asked[key], answers[key], about[key].get("near", {})) for key in asked]
        text = json.dumps({"task": task, "questions": entries}, indent=1, ensure_ascii=False)
        rendered[f"module_{task.split('.')[0]}/reading.json"] = text + "\n"
    return rendered


def write_digests(solutions_root: Path, tests_root: Path) -> list[Path]:
    """Write each module's `reading.json` below `tests_root`. Returns the files whose text changed."""
    changed = []
    for relative, text in render(solutions_root).items():
        path = tests_root / relative
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


def load_notes(solutions_root: Path) -> dict[str, Any]:
    """`reading_notes.toml`: task id to letter to its proofs and near misses."""
    return tomllib.loads((solutions_root / "reading_notes.toml").read_text(encoding="utf-8"))


def load_answers(path: Path) -> tuple[str, dict[str, str], str]:
    """Task id, answers and docstring of a `reading.py` of `solutions/`."""
    match = TODO.search(path.read_text(encoding="utf-8"))
    if match is None:
        raise ReadingError(f"{path} has no line `# TODO N.R: ...`.")
    function = runpy.run_path(str(path))["answers"]
    return match.group(1), function(), function.__doc__ or ""


def parse_questions(docstring: str) -> dict[str, tuple[str, str, str]]:
    """Letter to (question, path, symbol). A question begins "a. " and ends "In PATH, SYMBOL."."""
    form = re.compile(r"^([a-z])\. (.*?)\n +In (\S+), (\S+)\.$", re.MULTILINE | re.DOTALL)
    found = form.finditer(inspect.cleandoc(docstring))
    return {each[1]: (" ".join(each[2].split()), each[3], each[4]) for each in found}


def _entry(task: str, key: str, text: str, path: str, symbol: str, answer: str,
           near: dict[str, str]) -> dict[str, Any]:
    unclear = [name for name in (answer, *near) if normalize(name) != name or not name]
    if unclear or answer in near:
        raise ReadingError(f"{task}, question {key}: {unclear or answer}: "
                           "write bare names, and the answer not as a miss.")
    return {"key": key, "text": text, "path": path, "symbol": symbol, "digest": _digest(task, key, answer),
            "loose": _digest(task, key, _loose(answer)),
            "near": {_digest(task, key, wrong): sentence for wrong, sentence in near.items()}}
