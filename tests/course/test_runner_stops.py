"""The test runner and code that does not come to an end, or ends Python; and other ways to call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature import Miniature, message

from course.runner import Outcome, run_tests
from course.runner.report import lines


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
    for part in ("It ends.", "stopped after more than 1 s.", "modules/terox/small/part_0_1.py:", "in C.f"):
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


def test_python_ended(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "import os\n\ndef f(x):\n    os._exit(0)\n", "def test_f():\n    part.f(1)\n")
    course.part("0.2", "while True:\n    pass\n", "def test_f():\n    part.f(1)\n")
    course.part("0.3", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    outcome = course.run(time_limit=1.0)
    assert "Python ended in the middle of the test, with exit status 0" in message(outcome, "0.1")
    assert "part_0_2.py:" in message(outcome, "0.2") and "come to an end" in message(outcome, "0.2")
    assert outcome.task("0.3").status == "passed"


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="this system does not tell how busy it is")
def test_a_busy_machine_changes_no_message(tmp_path, monkeypatch):
    """It waits longer, but says the same, so that two reports on the same code are the same."""
    busy = tmp_path / "busy"
    busy.mkdir()
    (busy / "sitecustomize.py").write_text("import os\nos.getloadavg = lambda: (1.5 * os.cpu_count(), 0.0, 0.0)\n")
    monkeypatch.setenv("PYTHONPATH", str(busy))
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    while True: pass\n", "def test_f():\n    part.f(1)\n")
    outcome = course.run(time_limit=1.0)
    assert "stopped after more than 1 s." in message(outcome, "0.1") and outcome.seconds > 1.5


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c(tmp_path):
    course = Miniature(tmp_path)
    course.part("0.1", "def f(x):\n    return x\n", "def test_f():\n    part.f(1)\n")
    course.part("0.2", "import pathlib, time\n\ndef f(x):\n    pathlib.Path('here').touch()\n    time.sleep(30)\n",
                "@pytest.mark.time_limit(60)\ndef test_f():\n    part.f(1)\n")
    # Where the whole run is in the background, a shell has told it to pass over Ctrl-C; this one shall not.
    program = ("import signal, sys, pathlib\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
               "from course.runner import run_tests\n"
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
    assert "no folder solutions/terox" in course.run(reference="0.1").problems[0]
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
