"""Every task has an oral question with what a good answer says, in `docs/oral.md`."""

from __future__ import annotations

import re

from course.manifest import ROOT, load


def test_every_task_has_a_question_and_a_good_answer_in_order():
    text = (ROOT / "docs/oral.md").read_text(encoding="utf-8")
    parts = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert [part.splitlines()[0] for part in parts] == [f"{task.id} {task.title}" for task in load().tasks.values()]
    for part in parts:
        found = re.fullmatch(r".*?\n\n\*\*Ask\.\*\* (.+?)\n\n\*\*A good answer\.\*\* (.+?)(\n\n## [^\n]*)?\n*", part,
                             re.DOTALL)
        assert found, part
        assert len(found.group(1).split()) > 4 and ("?" in found.group(1) or "." in found.group(1))
        assert len(found.group(2)) > 20 or "; 0." in found.group(2)
