"""Runs that start in a nursery end as they do in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from miniature import Miniature

from course.runner import forking, run_tests

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Miniature:
    course = Miniature(tmp_path_factory.mktemp("forking"))
    one = "def test_f():\n    part.f(1)\n"
    course.part("0.1", "def f(x):\n    return x\n", one)
    course.part("0.2", "def f(x):\n    assert x == 2\n", one)
    course.part("0.3", "import os\n\ndef f(x):\n    os._exit(3)\n", one)
    course.part("0.4", "import os\n\ndef f(x):\n    os.abort()\n", one)
    course.part("0.5", "def f(x):\n    while True: pass\n", one)
    course.part("0.6", "import sys, course.runner, os\n\ndef f(x):\n    print(sys.argv, os.getcwd())\n", one)
    return course


def _found(course: Miniature, task: str) -> tuple[str, str]:
    outcome = course.run(tasks=[task], time_limit=1.0)
    assert not outcome.problems, outcome.problems
    return outcome.task(task).status, outcome.task(task).message or ""


@pytest.mark.parametrize("task, status", [("0.1", "passed"), ("0.2", "failed"), ("0.3", "failed"), ("0.4", "failed"),
                                          ("0.5", "failed"), ("0.6", "passed")])
def test_a_run_ends_as_it_does_in_a_new_process(course, task, status):
    alone = _found(course, task)
    with forking.Nurseries():
        assert _found(course, task) == alone
        assert _found(course, "0.1") == ("passed", "")  # and the next one is not harmed
    assert alone[0] == status
    assert forking.current() is None


def test_every_thread_has_a_nursery_and_all_end(course):
    made = []
    with forking.Nurseries() as nurseries:
        threads = [threading.Thread(target=lambda: made.append((nurseries.of_thread(), _found(course, "0.1"))))
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [status for _, (status, _) in made] == ["passed", "passed"]
    assert made[0][0] is not made[1][0]
    assert [nursery.process.returncode for nursery, _ in made] == [0, 0]


def test_a_run_has_its_own_code_and_nothing_of_the_last_one(tmp_path):
    """Two trees in turn: what the first run imported is not what the second one gets."""
    results = []
    with forking.Nurseries():
        for number in (1, 2):
            course = Miniature(tmp_path / str(number))
            course.part("0.1", f"def f(x):\n    return {number}\n", "def test_f():\n    assert part.f(0) == 2\n")
            results.append(run_tests(0, course_root=course.root, quiet=True).task("0.1").status)
    assert results == ["failed", "passed"]


def test_a_nursery_imports_nothing_of_the_package_that_is_judged():
    code = ("import sys, importlib\nfrom course.runner import forking\n"
            "for name in (*forking.MODULES, 'numba'): importlib.import_module(name)\n"
            "print([name for name in sys.modules if name.split('.')[0] == 'terox'])")
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(Path(forking.__file__).parents[2])})
    assert done.stdout.strip() == "[]"
