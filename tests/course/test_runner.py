"""The test runner, end to end, on a miniature course: one child process judges many kinds of mistakes at once."""

from __future__ import annotations

import pytest
from miniature import Miniature, message

from course.runner import Outcome
from course.runner.report import lines

STUB = '''
    def f(x):
        raise NotImplementedError("Task {task}: f")
'''


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> tuple[Miniature, Outcome]:
    """Everything that one child survives."""
    course = Miniature(tmp_path_factory.mktemp("mixed"))
    course.part("0.1", "def f(x):\n    print('not shown')\n    return x\n", '''
        @given(st.floats(allow_nan=False))
        def test_same(x):
            """f(x) is x."""
            check.close(part.f(x), x)
        ''')
    course.part("0.2", '''
        def f(x):
            return x

        def g(x):
            """To do."""
            # TODO 0.2: later
            raise NotImplementedError("Task 0.2: g")
        ''', '''
        def test_f():
            check.close(part.f(1.0), 1.0)

        @given(st.integers())
        def test_g(x):
            part.g(x)
        ''', functions="f g")
    course.part("0.3", '''
        from terox.small.part_0_2 import g

        def f(x):
            return g(x) + 1
        ''', '''
        @given(st.integers())
        def test_f(x):
            part.f(x)
        ''', needs="0.2")
    course.part("0.4", '''
        def f(x):
            print("seen", x)
            return x if x < 100 else 0
        ''', '''
        @given(st.integers(0, 10**6), st.booleans())
        def test_f(x, flag):
            """f(x) is x,
            however large.

            Not shown.
            """
            check.equal(part.f(x), x, call=f"f({x})", mistakes={"Large numbers were lost.": 0})
        ''')
    course.part("0.5", 'def f(x):\n    raise NotImplementedError("later")\n', "def test_f():\n    part.f(1)\n")
    course.part("0.6", "def h(x):\n    return 1 / x\n\ndef f(x):\n    return h(x)\n", '''
        @given(st.integers())
        def test_f(x):
            part.f(x)
        ''')
    course.part("0.7", "def f(x):\n    return f(x + 1)\n", "def test_f():\n    part.f(1)\n")
    course.part("0.8", "import sys\n\ndef f(x):\n    sys.exit(0)\n", '''
        @given(st.integers())
        def test_f(x):
            part.f(x)
        ''')
    course.part("0.9", "seen = []\n\ndef f(x):\n    seen.append(x)\n    return len(seen)\n", '''
        @given(st.integers())
        def test_f(x):
            check.that(part.f(x) != 3, "it is three")
        ''')
    course.part("0.10", "def f(x):\n    return x\n\ndef g(x):\n    return (x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.24", "def f():\n<<<<<<< HEAD\n    return 1\n=======\n    return 2\n>>>>>>> upstream/main\n",
                "def test_f():\n    part.f()\n")
    course.part("0.11", "import numpie\n\ndef f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.12", "def f(x):\n    return x\n", "def test_f():\n    pytest.skip('no')\n")
    course.part("0.13", "def f(x):\n    return x\n", None)
    course.part("0.14", "import sys\nsys.exit(3)\n", "def test_f():\n    part.f(1)\n")
    course.part("0.15", b"def f(x):\n    return 'caf\xe9'\n", "def test_f():\n    part.f(1)\n")
    course.part("0.16", "def f(x):\n    return x\n", '''
        @given(st.data())
        def test_f(data):
            x = data.draw(st.integers(0, 50), label="the x")
            check.equal(part.f(x) > 10, False, call=f"f({x})")
        ''')
    course.part("0.17", "def f(x):\n    return x\n", '''
        @pytest.fixture
        def broken():
            raise ValueError("no fixture")

        def test_f(broken):
            part.f(1)
        ''')
    course.part("0.18", "def renamed(x):\n    return x\n", "from terox.small.part_0_18 import f\n")
    course.part("0.19", STUB.format(task="0.19") + "\n    f(1)\n", "def test_f():\n    part.f(1)\n")
    course.part("0.20", "from terox.small import part_0_10\n", "def test_f():\n    part.f(1)\n")
    course.part("0.21", "def f(x):\n    return x\n", '''
        @pytest.mark.xfail
        def test_f():
            assert part.f(1) == 2
        ''')
    course.part("0.22", "def f(x):\n    raise KeyboardInterrupt\n", "def test_f():\n    part.f(1)\n")
    course.part("0.23", "def f(x):\n    breakpoint()\n", "def test_f():\n    part.f(1)\n")
    course.part("0.R", 'def f(x):\n    raise NotImplementedError("Task 7.7: f")\n', "def test_f():\n    part.f(1)\n")
    return course, course.run(verbose=True)


def test_passed_todo_blocked(mixed):
    _, outcome = mixed
    one, two, three = (outcome.task(task) for task in ("0.1", "0.2", "0.3"))
    assert (one.status, one.passed, one.points, one.message) == ("passed", 1, 10, None)
    assert (two.status, two.passed, two.todo, two.left, two.points) == ("todo", 1, 1, ["g"], 0)
    assert two.where == "modules/terox/small/part_0_2.py:8"
    assert (three.status, three.blocked_by) == ("blocked", ["0.2"])
    assert outcome.task("0.19").status == "todo"  # the stub is called while the file is imported
    assert outcome.exit_status == 1
    assert not outcome.problems


def test_counterexample(mixed):
    _, outcome = mixed
    text = message(outcome, "0.4")
    assert outcome.task("0.4").status == "failed"
    for part in ("0.4 failed: Part 0.4", "f(x) is x, however large.", "f(100)", "Expected:    100", "Got:         0",
                 "Large numbers were lost.", "modules/terox/small/part_0_4.py:2, in f", "seen 100", "flag = False",
                 "tests/module_0/test_0_4_it.py"):
        assert part in text
    assert "Not shown" not in text and "any other" not in text and "Traceback" not in text
    assert "the x = 11" in message(outcome, "0.16") or "f(11)" in message(outcome, "0.16")


@pytest.mark.parametrize(("task", "parts"), [
    ("0.5", ["NotImplementedError: later", "part_0_5.py:2, in f"]),
    ("0.6", ["x = 0", "ZeroDivisionError", "part_0_6.py:2, in h", "return 1 / x"]),
    ("0.7", ["Too deep a recursion: f calls itself", "part_0_7.py:2, in f"]),
    ("0.8", ["SystemExit", "part_0_8.py:4, in f"]),
    ("0.9", ["Two runs with the same input"]),
    ("0.10", ["part_0_10.py:5", "return (x", "^", "never closed"]),
    ("0.11", ["No module named 'numpie'", "part_0_11.py:1", "import numpie"]),
    ("0.12", ["skipped"]),
    ("0.13", ["No test of this task ran"]),
    ("0.14", ["SystemExit", "part_0_14.py:2"]),
    ("0.15", ["part_0_15.py:2", "utf-8"]),
    ("0.17", ["ValueError: no fixture"]),
    ("0.18", ["Was f renamed or removed in terox.small.part_0_18?"]),
    ("0.21", ["assert 1 == 2"]),
    ("0.22", ["KeyboardInterrupt", "part_0_22.py:2, in f"]),
    ("0.23", ["Remove the call of breakpoint()", "part_0_23.py:2, in f"]),
    ("0.24", ["part_0_24.py:2", "<<<<<<< HEAD", "A merge of git left both versions here", "--abort"]),
    ("0.R", ["names task 7.7, which does not exist"]),
])
def test_failures_in_words(mixed, task, parts):
    _, outcome = mixed
    assert outcome.task(task).status == "failed"
    text = message(outcome, task)
    for part in parts:
        assert part in text
    assert "Traceback" not in text and len(text.splitlines()) < 16
    assert max(map(len, text.splitlines())) <= 80


def test_an_import_stopped_by_another_task_is_blocked(mixed):
    _, outcome = mixed
    assert (outcome.task("0.20").status, outcome.task("0.20").blocked_by) == ("blocked", ["0.10"])


def test_report(mixed):
    _, outcome = mixed
    text = lines(outcome, None)
    assert max(map(len, text)) <= 80
    assert text[0] == "Module 0: Small (on modules/)"
    assert "  0.1  passed   1 test  Part 0.1" in text
    assert any(line.startswith("  0.2  to do    g at modules/terox/small/part_0_2.py:8") for line in text)
    assert "  0.3  blocked  by 0.2  Part 0.3" in text
    assert sum(" failed: " in line or "cannot read" in line for line in text) == 1
    assert text[-2:] == ["1 of 25 tasks passed, 10 of 260 points.", "Next: make hint TASK=0.4"]
    assert sum(" failed: " in line or "cannot read" in line for line in lines(outcome, None, verbose=True)) > 10
    assert "\x1b" not in "".join(text) and "\x1b[31m" in "".join(lines(outcome, None, color=True))


def test_nothing_is_left_behind(mixed):
    course, _ = mixed
    names = {path.name for path in course.root.rglob("*")}
    assert not names & {"__pycache__", ".hypothesis", ".pytest_cache"}
