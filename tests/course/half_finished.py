"""Half-finished trees of learners, and later editions of the course: what the tests of upgrades work with."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course.markers import BEGIN, find_blocks, function_lines

Body = list[str]
Write = Callable[[list[str], int, Body], None]  # changes the lines: number of the stub's line, body to put there


@dataclass(frozen=True)
class Learner:
    """How someone writes: `write` fills a stub in, `around` changes the whole file."""

    name: str
    write: Write
    around: Callable[[str], str] = staticmethod(lambda text: text)  # type: ignore[assignment]
    keeps_todos: bool = True


def fill(skeleton: str, solution: str, chosen: Callable[[str], bool], learner: Learner) -> str:
    """The skeleton's text with the functions of the `chosen` tasks written as `learner` writes."""
    lines, bodies = skeleton.split("\n"), solution.splitlines()
    blocks = [block for block in find_blocks(solution, "solution") if chosen(block.task)]
    for block in reversed(blocks):
        learner.write(lines, lines.index(block.stub), bodies[block.begin: block.end - 1])
    return learner.around("\n".join(lines)) if blocks else skeleton


# ---- Ways to write ----


def plain(lines: list[str], stub: int, body: Body) -> None:
    lines[stub: stub + 1] = body


def commented(lines: list[str], stub: int, body: Body) -> None:
    indent = _indent(lines[stub])
    lines[stub: stub + 1] = [f"{indent}# I had to think about this one.", *body, f"{indent}# (Done.)"]


def spaced(lines: list[str], stub: int, body: Body) -> None:
    lines[stub: stub + 1] = ["", *[part for line in body for part in (line + "  # so", "")]]


def with_helper_below(lines: list[str], stub: int, body: Body) -> None:
    method = len(_indent(lines[stub])) > 4
    helper = ["    def my_helper(self):", "        return 1"] if method else ["", "def my_helper(x):", "    return x"]
    lines[stub: stub + 1] = [*body, "", *helper]


def beside_the_stub(lines: list[str], stub: int, body: Body) -> None:
    lines[stub: stub + 1] = [lines[stub].replace("raise", "# raise"), *body]


def above_the_stub(lines: list[str], stub: int, body: Body) -> None:
    lines[stub: stub] = [*body, ""]


def with_a_nested_function(lines: list[str], stub: int, body: Body) -> None:
    indent = _indent(lines[stub])
    lines[stub: stub + 1] = [f"{indent}def nested(y):", f"{indent}    return y", "", *body]


def without_todo(lines: list[str], stub: int, body: Body) -> None:
    first = next(number for number in range(stub, 0, -1) if "# TODO" in lines[number])
    lines[first: stub + 1] = body


def without_blank(lines: list[str], stub: int, body: Body) -> None:
    lines[stub - 1: stub + 1] = body


def mixed(lines: list[str], stub: int, body: Body) -> None:
    ways = (plain, commented, spaced, beside_the_stub, above_the_stub, with_a_nested_function)
    random.Random(lines[stub]).choice(ways)(lines, stub, body)


def more_imports(text: str) -> str:
    future = "from __future__ import annotations\n"
    return text.replace(future, f"{future}\nimport itertools\nimport math as my_math\n", 1)


def from_windows(text: str) -> str:
    return text.replace("\n", "\r\n")


LEARNERS = (
    Learner("plain", plain),
    Learner("comments", commented),
    Learner("blank lines", spaced),
    Learner("helpers", with_helper_below),
    Learner("imports", plain, more_imports),
    Learner("CRLF", commented, from_windows),
    Learner("the stub kept as a comment", beside_the_stub),
    Learner("the stub kept below", above_the_stub),
    Learner("nested functions", with_a_nested_function),
    Learner("mixed", mixed),
    Learner("TODOs deleted", without_todo, keeps_todos=False),
    Learner("no blank line", without_blank, keeps_todos=False),
)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


# ---- Later editions ----


def second_edition(root: Path) -> None:
    """Much changes, all of it beside what learners write: docstrings, provided functions, texts, tests, a new task."""
    for path in _files(root):
        text = path.read_text(encoding="utf-8")
        text = _revise_docstrings(text, single=False) + ADDED
        path.write_text(text, encoding="utf-8", newline="\n")
    for path in sorted((root / "solutions/terox").rglob("README.md")):
        _edit(path, lambda text: text + "\nThe second edition.\n")
    for path in sorted((root / "tests").glob("module_*/test_*.py")):
        _edit(path, lambda text: text + "\n\n# The second edition.\n")
    hint = re.compile(r'^hints = \[\n\s*"+', re.MULTILINE)
    _edit(root / "course.toml", lambda text: hint.sub(r"\g<0>In the second edition: ", text) + NEW_TASK)
    package = root / "solutions/terox/nn"
    (package / "added.py").write_text(NEW_FILE, encoding="utf-8", newline="\n")


def third_edition(root: Path) -> None:
    """Each TODO says something else, and so does each docstring of one line above it."""
    for path in _files(root):
        text = _revise_docstrings(path.read_text(encoding="utf-8"), single=True)
        text = re.sub(r"# TODO (\S+):", r"# TODO \1: (third edition)", text)
        path.write_text(text, encoding="utf-8", newline="\n")


def fourth_edition(root: Path) -> None:
    """The first function of the course changes its name: a stub's own line is another one."""
    path = root / "solutions/terox/foundations/operators.py"
    text = path.read_text(encoding="utf-8")
    name = find_blocks(text, path)[0].function
    _edit(path, lambda text: re.sub(rf"\bdef {name}\(", f"def {name}_renamed(", text, count=1))


ADDED = '''

def added_at_the_end(x: float) -> float:
    """Provided since the second edition."""
    return x
'''

NEW_FILE = f'''"""New in the second edition."""

from __future__ import annotations


def added_task(x: float) -> float:
    """A new task."""
    # TODO 5.8: give it back.
    {BEGIN}
    second_edition_result = x + 0.0
    return second_edition_result
    # END SOLUTION
'''

NEW_TASK = '''
[[module.task]]
id = "5.8"
title = "New in the second edition"
hours = 1
file = "terox/nn/added.py"
needs = []
hints = ["Give it back.", "It has a name.", "return it"]
pytorch = ["a.py:b"]
[module.task.functions]
added_task = 0
[module.task.bugs]
none = "It gives nothing back."
'''


def _files(root: Path) -> list[Path]:
    return [path for path in sorted((root / "solutions/terox").rglob("*.py"))
            if BEGIN in path.read_text(encoding="utf-8")]


def _edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before, path
    path.write_text(after, encoding="utf-8", newline="\n")


def _revise_docstrings(text: str, *, single: bool) -> str:
    """Another first line for docstrings: those of several lines, and all of provided functions; or single ones."""
    lines, learners = text.split("\n"), {block.function for block in find_blocks(text, "text")}
    written = {span for name, span in function_lines(text, "text").items() if name in learners}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            doc = node.body[0]
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            of_one_line = doc.lineno == doc.end_lineno and (first, node.end_lineno) in written
            if of_one_line == single:
                lines[doc.lineno - 1] = lines[doc.lineno - 1].replace('"""', '"""Revised. ', 1)
    return "\n".join(lines)
