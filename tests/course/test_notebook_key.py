"""Every question of the notebooks has an answer in `docs/notebook_key.md`, which learners do not get.

A question is marked by its question mark, in a markdown cell, outside of code: there is no other marking. The key has a
heading for each cell that asks, and a number for each question mark.
"""

from __future__ import annotations

import json
import re

from course.manifest import ROOT, load
from course.notebooks import FOLDER

KEY = ROOT / "docs/notebook_key.md"
NOT_ASKED = re.compile(r'`[^`]*`|"\?"')  # code, and the sign that a picture draws


def asked() -> dict[tuple[int, str], int]:
    """How many questions each cell asks, by (module, cell id)."""
    found = {}
    for module in load().modules:
        for cell in json.loads((FOLDER / module.notebook).read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                number = NOT_ASKED.sub("", "".join(cell["source"])).count("?")
                if number:
                    found[module.number, cell["id"]] = number
    return found


def answered() -> dict[tuple[int, str], list[str]]:
    """The answers of the key, by (module, cell id)."""
    found: dict[tuple[int, str], list[str]] = {}
    module = -1
    for part in re.split(r"^(?=##)", KEY.read_text(encoding="utf-8"), flags=re.MULTILINE):
        heading, _, text = part.partition("\n")
        if heading.startswith("## Module "):
            module = int(heading.split()[2].rstrip(":"))
        elif heading.startswith("### "):
            place = module, heading.removeprefix("### ").strip()
            assert place not in found, f"the key has {place} twice"
            found[place] = [" ".join(each.split()) for each in re.split(r"^(?=\d+\. )", text, flags=re.MULTILINE)
                            if each.strip()]
    return found


def test_every_question_has_its_answer():
    questions, answers = asked(), answered()
    assert len(questions) > 50
    assert {place: len(found) for place, found in answers.items()} == questions


def test_answers_are_numbered_in_order_and_say_something():
    for place, found in answered().items():
        assert [int(each.split(".")[0]) for each in found] == list(range(1, len(found) + 1)), place
        assert all(len(each.split()) >= 5 for each in found), place


def test_code_is_no_question():
    assert NOT_ASKED.sub("", 'reads outside ("?") and `a ? b`: which?').count("?") == 1
