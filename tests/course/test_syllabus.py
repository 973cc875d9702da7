"""The syllabus has every task once, in order, with hours that add up to what `course.toml` says."""

from __future__ import annotations

from course.manifest import ROOT, load


def test_weeks_have_all_tasks_and_their_hours():
    tasks = load().tasks
    text = (ROOT / "docs/syllabus.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("| ") and line[2].isdigit()][:12]
    assert [row[0] for row in rows] == [str(week) for week in range(1, 13)]
    seen = []
    for _, ids, hours, _checkpoint in rows:
        mine = ids.split(", ")
        assert float(hours) == sum(tasks[each].hours for each in mine)
        seen += mine
    assert seen == list(tasks)
    assert f"{sum(task.hours for task in tasks.values()):g} hours" in text
    handed_in = [int(row[3].split("module ")[1][0]) for row in rows if "hand in module" in row[3]]
    assert handed_in == [module.number for module in load().modules]
