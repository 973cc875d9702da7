"""The sealed checks: right solutions pass, skeletons get nothing, mistakes are caught without tests."""

from __future__ import annotations

import functools
import hashlib
import importlib

import pytest

from course import chaffs
from course.grading import child, sealed, wire
from course.grading.checks.implementations import NAMES, served, specimens_of
from course.grading.coverage import Questions, with_chaff, with_wheat
from course.grading.hunt import hunt
from course.grading.programs import remote
from course.manifest import ROOT, load

MODULES = tuple(range(6))
SEEDS = (b"one", b"another")
RATE = 0.85  # of a task's chaffs that its sealed checks catch; `python -m course.grading.coverage` measures all of them
MANIFEST = load()
TASKS = [task.id for number in MODULES for task in MANIFEST.module(number).tasks if not task.id.endswith(".R")]


@functools.cache
def questions(task: str, seed: bytes = SEEDS[0]) -> Questions:
    """The calls of a task, with what is right for each: the reference has answered them, and passed."""
    return Questions(task, seed)


def frames(task: str, seed: bytes) -> list[bytes]:
    """What is asked, and what is right where the check itself knows it."""
    return [wire.encode([sealed.question(task, call), None if call.expected is sealed.REFERENCE else call.expected])
            for call in sealed.draw(task, seed)]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_sealed_checks(task):
    """Each task has at least four calls, of programs that exist, and each says in one line what it asks."""
    programs = importlib.import_module(f"course.grading.programs.module_{task.split('.')[0]}")
    calls = sealed.draw(task, SEEDS[0])
    assert len(calls) >= 4
    for call in calls:
        assert call.program == sealed.TEXT_OF or callable(getattr(programs, call.program, None)), call.program
        assert call.says and "\n" not in call.says


@pytest.mark.parametrize("task", TASKS)
def test_draws_depend_on_the_secret_alone(task):
    """The same secret gives the same calls, byte for byte; another one gives others."""
    first = frames(task, SEEDS[0])
    assert first == frames(task, SEEDS[0])
    assert first != frames(task, SEEDS[1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("task", TASKS)
def test_the_reference_passes(task, seed):
    """The reference answers all calls rightly, whatever the secret."""
    assert len(questions(task, seed).expected) == len(questions(task, seed).calls)


@pytest.mark.parametrize("task", TASKS)
def test_the_skeleton_gets_nothing(task):
    """No call is answered rightly by a skeleton on which nobody has worked."""
    wrong = list(questions(task).wrong(ROOT / "modules"))
    assert len(wrong) == len(questions(task).calls)
    assert wrong[0].startswith("still to do: Task ")


def drawn(several, text):
    """One of several, chosen by a hash and by nobody."""
    return min(several, key=lambda each: hashlib.sha256(text(each).encode()).digest())


def drawn_chaffs() -> list[chaffs.Chaff]:
    """One mistake of each task."""
    found, _ = chaffs.load_chaffs()
    return [drawn([chaff for chaff in found if chaff.task == task], lambda chaff: f"{chaff.bug} {chaff.mistake}")
            for task in TASKS]


def test_mistakes_are_caught_without_public_tests():
    """Of mistakes that nobody has chosen, the sealed checks alone catch at least the part that is claimed."""
    sample, escaped = drawn_chaffs(), []
    for chaff in sample:
        with with_chaff(chaff, MANIFEST) as code:
            if not questions(chaff.task).first_wrong(code):
                escaped.append(chaff.name)
    assert len(escaped) <= (1.0 - RATE) * len(sample), escaped


@pytest.mark.parametrize("number", MODULES)
def test_another_right_solution_passes(number):
    """A solution that is right, and written in another way, passes the sealed checks of all tasks of its module."""
    module = MANIFEST.module(number)
    with with_wheat(drawn(chaffs.load_wheats(module), lambda wheat: wheat.folder.name)) as code:
        for task in TASKS:
            if task.startswith(f"{number}."):
                assert questions(task).first_wrong(code) == ""


def test_two_runs_agree():
    """The same code gets the same answers, word for word."""
    chaff = next(chaff for chaff in drawn_chaffs() if chaff.task == "2.2")
    with with_chaff(chaff, MANIFEST) as code:
        first, second = list(questions("2.2").wrong(code)), list(questions("2.2").wrong(code))
    assert first and first == second


@pytest.mark.parametrize("name", NAMES)
def test_an_implementation_far_away_does_what_it_does_here(name, monkeypatch):
    """What it returns, raises, and does to its arguments; and whether it returns one of them."""
    specimens = specimens_of(name)
    every = [*specimens.correct_ones, *specimens.faulty_ones]
    answer = served(every)
    monkeypatch.setattr(child, "ask_back", lambda value: wire.decode(wire.encode(answer(wire.decode(wire.encode(
        value))))))
    inputs = [(1, 0, 5), (-1.0, -3, 0), (7, 2, 2), (1, 5, 0)] if name == "property_clip" else [
        ([3, 1, 2],), ([0, 0, 2.0, 2],), ([],), ([True, float("inf"), -1],)]
    for number, specimen in enumerate(every):
        for arguments in inputs:
            here = outcome(specimen.run, arguments)
            assert outcome(lambda *given, number=number: remote.call(number, list(given)), arguments) == here


def outcome(function, arguments):
    """What comes of a call, on copies of its lists."""
    given = [list(each) if isinstance(each, list) else each for each in arguments]
    try:
        result = function(*given)
    except Exception as error:
        kind = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
        return kind, str(error), repr(given)
    return repr(result), any(each is result for each in given if isinstance(each, list)), repr(given)


@pytest.mark.parametrize("asked", [
    None, 3, [], {}, {"number": 0}, {"number": 99, "arguments": []}, {"number": -1, "arguments": [1, 2, 3]},
    {"number": "0", "arguments": [1, 2, 3]}, {"number": 0, "arguments": [["set", 1], 2, 3]},
    {"number": 0, "arguments": [[], 2, 3]}, {"number": 0, "arguments": ["a" * 6000, 2, 3]},
    {"number": 0, "arguments": [["list", *range(6000)], 2, 3]}, {"number": 0, "arguments": 5}])
def test_what_is_no_call_is_refused(asked):
    """Whatever the sandbox asks back, the grader goes on."""
    sent = []
    call = sealed.Call("verdicts", {}, "", serves=served(specimens_of("property_clip").correct_ones))
    come = iter([{"kind": "asked", "value": asked}, {"kind": "value", "value": 1}])
    assert sealed.answered("0.3", call, ROOT, sent.append, lambda: next(come)) == {"kind": "value", "value": 1}
    assert set(sent[1]) == {"refused"} or sent[1]["raised"]


@pytest.mark.parametrize("body, seeds", [
    ("total = 0.0\n    for x in xs:\n        total = x + total\n    return total", 3), ("return 1e-3", 1)])
def test_the_hunt_finds_what_a_secret_rejects(body, seeds, tmp_path, monkeypatch):
    """A solution that is right passes with every secret; where one is rejected, it stops there and says which."""
    file = tmp_path / "terox/foundations/functional.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"def sum(xs):\n    {body}\n")
    monkeypatch.setattr(chaffs, "load_wheats", lambda *arguments: [chaffs.Wheat(0, tmp_path)])
    monkeypatch.setattr(chaffs.Wheat, "name", lambda self, root: "the wheat")
    found = hunt(MANIFEST.task("0.2"), MANIFEST, 3, 60.0)
    assert found.seeds == seeds and bool(found.wrong) == (seeds == 1)
    assert all("secret 'hunt 0', the wheat: sum and dot" in line for line in found.wrong)
