"""The test runner, end to end, on miniature courses: one child process judges many kinds of mistakes at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from course.runner import Outcome, run_tests
from course.runner.report import lines

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


def message(outcome: Outcome, task: str) -> str:
    return outcome.task(task).message or ""


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
    assert text[-2:] == ["1 of 24 tasks passed, 10 of 250 points.", "Next: make hint TASK=0.4"]
    assert sum(" failed: " in line or "cannot read" in line for line in lines(outcome, None, verbose=True)) > 10
    assert "\x1b" not in "".join(text) and "\x1b[31m" in "".join(lines(outcome, None, color=True))


def test_nothing_is_left_behind(mixed):
    course, _ = mixed
    names = {path.name for path in course.root.rglob("*")}
    assert not names & {"__pycache__", ".hypothesis", ".pytest_cache"}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Outcome:
    """Loops and crashes: every one costs a child."""
    course = Miniature(tmp_path_factory.mktemp("stopped"))
    hypothesis_test = "@given(st.integers(0, 9))\ndef test_f(x):\n    '''It ends.'''\n    part.f(x)\n"
    loop = "class C:\n    def f(self, x):\n        while x > 5:\n            pass\n\ndef f(x):\n    C().f(x)\n"
    course.part("0.1", loop,
                hypothesis_test + "\ndef test_second():\n    pass\n", functions="C.f")
    course.part("0.2", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n", needs="0.1")
    course.part("0.3", "def f(x):\n    return 3 ** 10 ** 9 if x > -1 else x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.4", "import os\n\ndef f(x):\n    os.abort()\n", "def test_f():\n    part.f(1)\n")
    course.part("0.5", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.6", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n", needs="0.2 0.3")
    return course.run(time_limit=1.0)


def test_endless_loop(stopped):
    text = message(stopped, "0.1")
    for part in ("It ends.", "stopped after 1 s", "modules/terox/small/part_0_1.py:", "in C.f"):
        assert part in text
    assert stopped.task("0.1").status == "failed"
    assert (stopped.task("0.2").status, stopped.task("0.2").blocked_by) == ("blocked", ["0.1"])


def test_endless_loop_in_compiled_code(stopped):
    assert "did not come to an end" in message(stopped, "0.3")
    assert "part_0_3.py:2, in f" in message(stopped, "0.3")


def test_crash(stopped):
    assert "crashed the Python interpreter" in message(stopped, "0.4")
    assert "part_0_4.py:4, in f" in message(stopped, "0.4")


def test_the_rest_still_runs(stopped):
    assert stopped.task("0.5").status == "passed"
    assert stopped.task("0.6").status == "blocked"
    assert stopped.seconds < 30


def test_python_ended(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "import os\n\ndef f(x):\n    os._exit(0)\n", "def test_f():\n    part.f(1)\n")
    course.part("0.2", "while True:\n    pass\n", "def test_f():\n    part.f(1)\n")
    course.part("0.3", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    outcome = course.run(time_limit=0.6)
    assert "Python ended in the middle of the test, with exit status 0" in message(outcome, "0.1")
    assert "part_0_2.py:" in message(outcome, "0.2") and "come to an end" in message(outcome, "0.2")
    assert outcome.task("0.3").status == "passed"


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.2", "import pathlib, time\n\ndef f(x):\n    pathlib.Path('here').touch()\n    time.sleep(30)\n",
                "@pytest.mark.time_limit(60)\ndef test_f():\n    part.f(1)\n")
    program = ("import sys, pathlib\nfrom course.runner import run_tests\n"
               "sys.exit(run_tests(0, course_root=pathlib.Path(sys.argv[1])).exit_status)")
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[2], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    start = time.monotonic()
    while not (tmp_path / "here").exists() and time.monotonic() - start < 20:
        time.sleep(0.05)
    parent.send_signal(signal.SIGINT)
    out, err = parent.communicate(timeout=10)
    assert parent.returncode == 1 and not err
    assert "0.1  passed" in out and "Stopped by you (Ctrl-C)" in out and "not run to its end" in out


@pytest.mark.parametrize(("asked", "words", "device"), [
    ('CUDA = "sim"', "Kernels for the GPU ran in the simulator.", "simulator"),
    ('CUDA = "numba"', "Kernels for the GPU ran in Numba's simulator.", "Numba's simulator"),
    ('import types\nCUDA, GPU = "gpu", types.SimpleNamespace(name="NVIDIA X")',
     "Kernels for the GPU ran on NVIDIA X.", "NVIDIA X"),
    ("", "", None)])
def test_where_kernels_ran(tmp_path, asked, words, device):
    course = Miniature(tmp_path)
    (tmp_path / "modules/terox/_numba.py").write_text(asked)
    course.part("0.1", "import terox._numba\n\ndef f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    outcome = course.run()
    text = "\n".join(lines(outcome, None))
    assert words in text and outcome.to_json().get("device") == device and outcome.exit_status == 0
    assert ("Kernels" in text) == bool(words)


def test_stop_at_first_and_one_task(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return 1\n", "def test_f():\n    check.close(part.f(1), 2)\n")
    course.part("0.2", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    outcome = course.run(stop_at_first=True)
    assert [task.status for task in outcome.tasks] == ["failed", "blocked"]
    outcome = course.run(tasks=["0.2"], json_path=tmp_path / "out.json", seed=3)
    assert outcome.exit_status == 0
    assert json.loads((tmp_path / "out.json").read_text()) == {"module": 0, "tasks": [
        {"id": "0.2", "title": "Part 0.2", "status": "passed", "blocked_by": [], "passed": 1, "failed": 0, "points": 10,
         "points_possible": 10, "message": None, "where": None, "from_reference": False}]}


def test_a_quick_edit_is_seen(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return 1\n", "def test_f():\n    check.close(part.f(1), 2)\n")
    file = tmp_path / "modules/terox/small/part_0_1.py"
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(file)], check=True)
    before = file.stat()
    file.write_text(file.read_text().replace("1\n", "2\n"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert course.run().exit_status == 0


def test_tests_that_cannot_be_trusted(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n", head="")
    outcome = course.run()
    assert outcome.exit_status == 1 and "carries no task" in outcome.problems[0]
    assert "No test of this task ran" in message(outcome, "0.1")
    test = tmp_path / "tests/module_0/test_0_1_it.py"
    test.write_text("import pytest\npytestmark = pytest.mark.task('9.9')\ndef test_f():\n    pass\n")
    assert "9.9, which course.toml does not have" in course.run().problems[0]
    test.write_text("def broken(:\n")
    assert "SyntaxError" in message(course.run(), "0.1")
    (tmp_path / "tests/module_0/conftest.py").write_text("1 / 0\n")
    outcome = course.run()
    assert outcome.exit_status == 1 and "ZeroDivisionError" in outcome.problems[0]
    test.unlink()
    outcome = course.run()
    assert outcome.exit_status == 1 and "No tests were found" in outcome.problems[0]


def test_reference(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    course = Miniature(tmp_path)
    shared = "terox/small/shared.py"
    course.part("0.1", "", None, file=shared)
    learner = ('import math\n\ndef helper(x):\n    return x / 0\n\ndef f(x):\n    # TODO 0.1: it\n'
               '    raise NotImplementedError("Task 0.1: f")\n\ndef g(x):\n    return helper(f(x))\n')
    tests = ("def test_g():\n    part.g(1.0)\n\n@pytest.mark.task('0.1')\ndef test_f():\n"
             "    check.close(part.f(1.0), 1.0)\n")
    course.part("0.2", learner, tests, functions="g", file=shared)
    reference = ("import math\n\ndef f(x):\n    y = x\n    y = math.fabs(y)\n    return y\n\n"
                 "def g(x):\n    return f(x)\n")
    (tmp_path / "solutions/terox/small").mkdir(parents=True)
    for path in ("terox/__init__.py", "terox/small/__init__.py"):
        (tmp_path / "solutions" / path).write_text("")
    (tmp_path / "solutions" / shared).write_text(reference)

    outcome = course.run(reference="0.1")
    assert [(task.status, task.points) for task in outcome.tasks] == [("passed", 0), ("failed", 0)]
    assert "modules/terox/small/shared.py:4, in helper" in message(outcome, "0.2")  # the learner's own line
    assert course.run(reference="0").exit_status == 0
    assert course.run(code="solutions").exit_status == 0

    run_tests(0, course_root=tmp_path, reference="0.1")
    text = capsys.readouterr().out
    assert text.startswith("Module 0: Small (on modules/ with 0.1 from solutions/)\n")
    assert "(from the reference)" in text and "\x1b" not in text
    for wrong, words in (("3", "no module 3"), ("0.7", "no task 0.7"), ("0.2-0.1", "backward"),
                         ("x", "neither"), ("", "names no")):
        outcome = course.run(reference=wrong)
        assert outcome.exit_status == 2 and words in outcome.problems[0], wrong
    (tmp_path / "solutions").rename(tmp_path / "gone")
    assert "does not have" in course.run(reference="0.1").problems[0]
    assert "comes without solutions/" in course.run(code="solutions").problems[0]


def test_wrong_calls(tmp_path, capsys):
    course = Miniature(tmp_path)
    course.part("0.1", "", None)
    for options, words in (({"code": "nowhere"}, "CODE=nowhere holds no folder terox/"),
                           ({"tasks": ["0.9"]}, "has no task 0.9"),
                           ({"profile": "fast"}, "no profile 'fast'"), ({"time_limit": -1.0}, "above 0"),
                           ({"json_path": tmp_path / "no" / "out.json"}, "there is no folder")):
        outcome = course.run(**options)
        assert outcome.exit_status == 2 and words in outcome.problems[0]
    assert run_tests(4, course_root=tmp_path).exit_status == 2
    assert "There is no module 4" in capsys.readouterr().err
