"""A course of one module, in a folder, for the tests of the runner."""

from __future__ import annotations

import textwrap
from pathlib import Path

from course.runner import Outcome, run_tests

TEST_HEAD = """
import pytest
from hypothesis import given, strategies as st
from course import check
pytestmark = pytest.mark.task("{task}")
"""


class Miniature:
    """A course of one module, written into a folder: `part` adds a task with its code and its tests."""

    def __init__(self, root: Path) -> None:
        self.root, self.tasks = root, []
        (root / "modules/terox/small").mkdir(parents=True)
        (root / "tests/module_0").mkdir(parents=True)
        (root / "modules/terox/__init__.py").write_text("")
        (root / "modules/terox/small/__init__.py").write_text("")

    def part(self, task: str, code: str | bytes, tests: str | None, *, functions: str = "f", needs: str = "",
             file: str | None = None, head: str = TEST_HEAD) -> None:
        name = task.replace(".", "_").lower()
        file = file or f"terox/small/part_{name}.py"
        path = self.root / "modules" / file
        path.write_bytes(code if isinstance(code, bytes) else textwrap.dedent(code).encode())
        if tests is not None:
            text = head.format(task=task) + f"from terox.small import {path.stem} as part\n" + textwrap.dedent(tests)
            (self.root / f"tests/module_0/test_{name}_it.py").write_text(text)
        points = "\n".join(f'"{function}" = 10' for function in functions.split())
        wanted = ", ".join(f'"{needed}"' for needed in needs.split())
        self.tasks.append(f'[[module.task]]\nid = "{task}"\ntitle = "Part {task}"\nhours = 1\nfile = "{file}"\n'
                          f'needs = [{wanted}]\n[module.task.functions]\n{points}\n')
        (self.root / "course.toml").write_text('[[module]]\nnumber = 0\nname = "small"\ntitle = "Small"\nhours = 1\n'
                                               + "".join(self.tasks))

    def run(self, **options) -> Outcome:
        return run_tests(0, **{"code": None, "reference": None, "json_path": None, "verbose": False,
                               "course_root": self.root, "quiet": True, **options})


def message(outcome: Outcome, task: str) -> str:
    return outcome.task(task).message or ""
