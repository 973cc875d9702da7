"""What reports say: short, printable, and nothing that a learner is not to see."""

from __future__ import annotations

import json

import numpy as np

from course.grading import box
from course.grading.sealed import Call
from course.grading.words import GONE, Words
from course.leaks import secrets
from course.manifest import ROOT, load
from course.runner.explain import Explainer
from course.runner.rows import example_rows
from course.runner.source import PathMap, Sources

MANIFEST = load()
SECRET = b"the secret of test_grading_words"


def test_what_was_asked_is_shown_short():
    call = Call("add", {"xs": np.arange(3.0), "many": np.zeros((50, 50)), "names": ["a"] * 500, "n": 3}, "sums")
    text = call.asked()
    assert text.startswith("add(xs=[0.0, 1.0, 2.0], many=an array (50, 50) of float64, names=['a', ")
    assert text.endswith("n=3)") and len(text) <= 1000


def test_lines_of_the_reference_are_left_out():
    """However they are indented or joined."""
    words = Words(ROOT / "solutions", [], SECRET)
    for number, (_, line) in enumerate(secrets(ROOT / "solutions").lines.values()):
        if number % 40 == 0:
            cleaned = words.clean(f"before\n    {line}\nafter")
            assert cleaned == f"before\n{GONE}\nafter"
            if len("".join(line.split())) > 20:
                assert line not in words.clean(f"ValueError: 'x\\n{line}\\ny'")
            if len("".join(line[:40].split())) > 20:  # what stands there is cut
                assert words.clean(f"    {line[:40]}") == GONE


def test_the_secret_is_in_no_report():
    words = Words(ROOT / "solutions", [], b"0123456789abcdef")
    assert words.clean("it is 0123456789ABCDEF.") == "it is (the secret)."


def test_a_place_elsewhere_shows_no_line(tmp_path):
    """Events may name any file: none is read that does not lie in the judged tree."""
    (tmp_path / "tree/terox").mkdir(parents=True)
    (tmp_path / "secret").write_text("what nobody sees\n")
    paths = PathMap(tmp_path / "tree", tmp_path / "tree")
    sources = Sources(tmp_path / "tree", MANIFEST, paths)
    for file in (str(tmp_path / "secret"), "../secret", "/dev/zero", "/proc/self/environ", "a\0b"):
        assert sources.lines(file) == []
        failure = {"kind": "recursion", "frames": [], "notes": [], "message": "", "type": "RecursionError",
                   "output": [], "recursion": {"file": file, "line": 1, "function": "f"}}
        if "\0" not in file:
            text = "\n".join(Explainer(sources).failure("0.1", None, failure))
            assert "what nobody sees" not in text and "Too deep a recursion" in text


def test_what_events_say_is_cut():
    """So no text in them keeps the grader busy."""
    long = {"event": "finished", "test": "t", "failure": {"notes": ["Draw 1: " + " " * 5000 + "x"] * 1500,
                                                          "a": [[[[[[[[[[[1]]]]]]]]]]], "message": "a" * 10**6}}
    (event,) = box._events(json.dumps(long).encode() + b"\n[1]\n{\n")
    assert len(event["failure"]["notes"]) == box.PARTS_LIMIT
    assert len(json.dumps(event)) < 2 * box.PARTS_LIMIT * box.TEXT_LIMIT
    example_rows(event["failure"]["notes"], "")


def test_a_report_is_cut_and_printable():
    words = Words(ROOT / "solutions", [ROOT], SECRET)
    text = words.clean("\x1b[2J" + "x" * 10**6 + "\n" * 10**5 + f"{ROOT}/solutions at 0x7f0012345678")
    assert len(text) <= 2000 and "\x1b" not in text
    assert words.clean(f"{ROOT}/a.py at 0x7f0012345678") == "a.py at 0x..."
