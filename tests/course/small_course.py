"""A course of two modules and three tasks, written into a folder: what the tooling's tests run on."""

from __future__ import annotations

import textwrap
from pathlib import Path

from course import skeleton

MANIFEST = """
# The manifest of the small course.
[course]
torch = "2.13.0"

[[module]]
number = 0
name = "first"
title = "First things"
hours = 2
reaches = "You can double."

[[module.task]]
id = "0.1"
title = "Double and half"
hours = 1.5
file = "terox/first/double.py"
needs = []
hints = ["Think of two.", "Add it to itself.", "Outline:\\n\\n    take x\\n    return twice x"]
pytorch = ["a.py:b"]
[module.task.functions]
double = 40
"terox/first/half.py::half" = 20
[module.task.bugs]
square = "It squares."  # the trap
nothing = "It returns nothing."

[[module.task]]
id = "0.2"
title = "Four times"
hours = 0.5
file = "terox/first/double.py"
needs = ["0.1"]
hints = ["Double it.", "Double that.", "Outline."]
pytorch = ["a.py:b"]
[module.task.functions]
"Times.four" = 40
[module.task.bugs]
once = "It doubles once."

[[module]]
number = 1
name = "second"
title = "Second things"
hours = 1
reaches = "You can sum."

[[module.task]]
id = "1.1"
title = "Sum of doubles"
hours = 1
file = "terox/second/total.py"
needs = ["0.1"]
hints = []
pytorch = ["a.py:b"]
[module.task.functions]
total = 100
[module.task.bugs]
"""

DOUBLE = '''
"""Doubling."""


def double(x):
    """Twice `x`."""
    # TODO 0.1: twice the number,
    # whatever its sign.
    # BEGIN SOLUTION
    twofold_number = x + x
    return twofold_number
    # END SOLUTION


class Times:
    """Multiples."""

    def four(self, x):
        """Four times `x`, which is double(double(x))."""
        # TODO 0.2: double it twice.
        # BEGIN SOLUTION
        return double(double(x))
        # END SOLUTION


def helper(x):
    """Provided."""
    return abs(x) + 12345
'''

HALF = '''
def half(x):
    """Half of `x`."""
    # TODO 0.1: the other direction.
    # BEGIN SOLUTION
    return x / 2.0
    # END SOLUTION
'''

TOTAL = '''
from terox.first.double import double


def total(values):
    """The sum of the doubles."""
    # TODO 1.1: add them up.
    # BEGIN SOLUTION
    return sum(double(value) for value in values)
    # END SOLUTION
'''

TEST = """
import pytest
from hypothesis import given, strategies as st
from course import check
from terox.first.double import Times, double
from terox.first.half import half

pytestmark = pytest.mark.task("{task}")
"""

TEST_01 = TEST.format(task="0.1") + '''

@given(st.integers(-1000, 1000))
def test_double(x):
    """double(x) is twice x."""
    got = double(x)
    check.equal(got, 2 * x, call=f"double({x})", mistakes={"That is the square.": x * x})


def test_half():
    """half(x) is half of x."""
    check.close(half(3.0), 1.5, call="half(3.0)")
'''

TEST_02 = TEST.format(task="0.2") + '''

@given(st.integers(-1000, 1000))
def test_four(x):
    """Times().four(x) is four times x."""
    check.equal(Times().four(x), 4 * x, call=f"Times().four({x})")
'''

TEST_11 = '''
import pytest
from course import check
from terox.second.total import total

pytestmark = pytest.mark.task("1.1")


def test_total():
    """The doubles are summed."""
    check.equal(total([1, 2]), 6, call="total([1, 2])")
'''

CHAFFS = """
[[chaff]]
task = "0.1"
bug = "square"
mistake = "It squares the number."
inside = "double"
replace = "x + x"
by = "x * x"
says = "That is the square."

[[chaff]]
task = "0.1"
bug = "nothing"
mistake = "It forgets to return."
inside = "half"
replace = "return x / 2.0"
by = "x / 2.0"
says = "Is a `return` missing?"

[[chaff]]
task = "0.2"
bug = "once"
mistake = "It doubles once."
inside = "Times.four"
replace = "return double(double(x))"
by = "return double(x)"
"""


def write(folder: Path, file: str, text: str) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8", newline="\n")
    return path


def small_course(root: Path) -> Path:
    """The whole course under `root`: solutions, skeleton, tests, chaffs, wheats, texts. Returns `root`."""
    write(root, "course.toml", MANIFEST)
    for file in ("__init__.py", "first/__init__.py", "second/__init__.py"):
        write(root, f"solutions/terox/{file}", "")
    write(root, "solutions/terox/first/double.py", DOUBLE)
    write(root, "solutions/terox/first/half.py", HALF)
    write(root, "solutions/terox/first/README.md", "# First things\n\nRead this.\n")
    write(root, "solutions/terox/second/total.py", TOTAL)
    for name, text in skeleton.render(root).items():
        write(root / "modules", name, "").write_text(text, encoding="utf-8", newline="\n")
    write(root, "tests/module_0/test_0_1_double.py", TEST_01)
    write(root, "tests/module_0/test_0_2_four.py", TEST_02)
    write(root, "tests/module_1/test_1_1_total.py", TEST_11)
    write(root, "tests/chaffs/module_0.toml", CHAFFS)
    for name, body in (("by_two", "2 * x"), ("shifted", "x << 1"), ("taken_away", "x - (-x)")):
        write(root, f"tests/wheats/module_0/{name}/terox/first/double.py",
              DOUBLE.replace("x + x", body))
    return root


def solve(root: Path, file: str) -> None:
    """Put the reference's file in the place of the skeleton's."""
    write(root / "modules", file, (root / "solutions" / file).read_text(encoding="utf-8"))


def edit(root: Path, file: str, old: str, new: str) -> None:
    """Replace a text that occurs once."""
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
    (root / file).write_text(text.replace(old, new), encoding="utf-8", newline="\n")
