"""The pytest plugin inside the child process: runs the tests in task order and writes what happens as events.

It draws no conclusions: which task is to do, blocked or failed, and in which words, is the parent's work.
"""

from __future__ import annotations

import faulthandler
import functools
import json
import os
import sys
import time
import unittest
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from course.runner.describe import Describer
from course.runner.events import REQUEST, Writer, task_of_file, todo_task
from course.runner.profiles import load_profile

TASK: pytest.StashKey[str] = pytest.StashKey()
HEARTBEAT = 0.5  # seconds between two signs of life within one test
MOST_BUSY = 8.0  # times a limit, at most


def _device() -> str | None:
    """What ran kernels for the GPU, if any test asked for that: a GPU's name, or which simulator."""
    known = vars(sys.modules.get("terox._numba", object))
    names = {"sim": "simulator", "numba": "Numba's simulator", "gpu": getattr(known.get("GPU"), "name", "a GPU")}
    return names.get(known.get("CUDA", ""))


class TodoReached(unittest.SkipTest):
    """A stub's NotImplementedError on its way through Hypothesis, which hands a SkipTest on without shrinking."""

    def __init__(self, original: NotImplementedError) -> None:
        super().__init__(str(original))
        self.original = original


class Ended(Exception):
    """A test raised what would end the whole run."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(str(original))
        self.original = original


class Debugger(Exception):
    """The learner's code calls `breakpoint()`, where nobody can answer."""


def _breakpoint(*args: Any, **kwargs: Any) -> None:
    raise Debugger("Your code stops in the debugger. Remove the call of breakpoint().")


def on_a_busy_machine(limit: float) -> float:
    """A time limit for a machine that is shared: as much longer as there are processes that want each of its cores.

    Where a test gets a fifth of a core, what takes 3 seconds takes 15, and nothing is wrong with it.
    """
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows does not tell
        return limit
    return limit * min(max(load / (os.cpu_count() or 1), 1.0), MOST_BUSY)


class Watchdog:
    """Ends this process when a test makes no progress, after writing where it is.

    faulthandler's own thread does it, in C: it also stops a loop that never returns to the interpreter.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "w", encoding="utf-8")
        self._limit = self._end = self._last = 0.0

    def start(self, limit: float, total: float) -> None:
        self._limit, self._end = limit, time.monotonic() + total
        self._arm()

    def progress(self) -> bool:
        """Count anew, unless that was done a moment ago or the test has used up its total time."""
        now = time.monotonic()
        if now - self._last < HEARTBEAT or now > self._end:
            return False
        self._arm()
        return True

    def stop(self) -> None:
        faulthandler.cancel_dump_traceback_later()

    def _arm(self) -> None:
        self._last = time.monotonic()
        faulthandler.dump_traceback_later(self._limit, exit=True, file=self._file)


class Runner:
    """All hooks, around one request."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.write = Writer(request["events"])
        self.watchdog = Watchdog(request["hang"])
        self.describe = Describer(request["root"], request["tests"])
        self.examples = load_profile(request["profile"], request["seed"], request["limit"])
        self.skip = set(request["skip"])
        self.results: dict[str, dict[str, Any]] = {}
        self.crash_file = open(request["crash"], "w", encoding="utf-8")
        faulthandler.enable(file=self.crash_file)
        sys.breakpointhook = _breakpoint

    # Collection

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        if not isinstance(collector, pytest.Module):
            return (yield)
        usual = self.request["import_limit"]
        limit = on_a_busy_machine(usual)
        self.write("collecting", file=collector.path.name, limit=limit, usual=usual)
        self.watchdog.start(limit, limit)
        try:
            return (yield)
        except SystemExit as error:  # pytest itself would end here, without a word
            self._collection_error(collector, error)
            return pytest.CollectReport(collector.nodeid, "failed", "SystemExit", [])
        finally:
            self.watchdog.stop()

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if isinstance(report, pytest.CollectReport):
            self._collection_error(node, call.excinfo.value)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome == "skipped":
            name = report.nodeid.split("::")[0].rsplit("/", 1)[-1]
            self.write("collection_error", file=name, task=task_of_file(name),
                       failure={"kind": "skipped", "type": "Skipped", "message": "", "notes": [], "frames": []})

    def _collection_error(self, node: Any, error: BaseException) -> None:
        while isinstance(error, pytest.Collector.CollectError) and error.__cause__ is not None:
            error = error.__cause__
        path = getattr(node, "path", None)
        name = path.name if path is not None else node.nodeid
        todo = todo_task(error)
        self.write("collection_error", file=name, task=task_of_file(name), todo=todo, failure=self.describe(error))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        order = {task: place for place, task in enumerate(self.request["order"])}
        chosen, unmarked, foreign = [], [], []
        for place, item in enumerate(items):
            marker = item.get_closest_marker("task")
            task = str(marker.args[0]) if marker is not None and marker.args else None
            if task not in order:
                unmarked.append({"test": item.nodeid, "task": task})
                continue
            item.stash[TASK] = str(task)
            if self.request["profile"] == "watch" and item.get_closest_marker("slow"):
                continue
            if task in self.request["run"] and item.nodeid not in self.skip:
                chosen.append((order[task], place, item))
            elif task not in self.request["run"]:
                foreign.append({"test": item.nodeid, "task": task})
        chosen.sort(key=lambda entry: entry[:2])
        items[:] = [item for _, _, item in chosen]
        self.write("collected", unmarked=unmarked, foreign=foreign, tests=[self._test(item) for item in items])

    @staticmethod
    def _test(item: pytest.Item) -> dict[str, Any]:
        function = getattr(item, "function", None)
        return {"id": item.nodeid, "task": item.stash[TASK], "name": item.name, "file": str(item.path),
                "line": (item.location[1] or 0) + 1, "function": getattr(function, "__name__", ""),
                "doc": getattr(function, "__doc__", None) or ""}

    # Running

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        marker = item.get_closest_marker("time_limit")
        usual = self.request["limit"] * (float(marker.args[0]) / self.request["usual_limit"] if marker else 1.0)
        limit = on_a_busy_machine(usual)
        self.results[item.nodeid] = {"outcome": "passed", "failure": None, "todo": None}
        self.write("started", test=item.nodeid, limit=limit, usual=usual)
        self._prepare(item)
        self.watchdog.start(limit, limit * 3 * max(1.0, self.examples / 100))
        try:
            return (yield)
        finally:
            self.watchdog.stop()
            result = self.results.pop(item.nodeid)
            self.write("finished", test=item.nodeid, **result)
            if result["outcome"] == "failed" and self.request["stop_at_first"]:
                item.session.shouldstop = "stopped at the first failure"

    def _prepare(self, item: pytest.Item) -> None:
        """Make a Hypothesis test report its progress, and hand on a stub's exception at once."""
        handle: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
        inner = getattr(handle, "inner_test", None)
        if inner is not None and not hasattr(inner, "terox_inner"):
            handle.inner_test = self._watched(inner, item.config.pluginmanager.getplugin("capturemanager"))

    def _watched(self, inner: Callable[..., Any], capture: Any) -> Callable[..., Any]:
        @functools.wraps(inner)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.watchdog.progress():
                self.write("alive")
            if capture is not None and capture.is_globally_capturing():
                capture.read_global_capture()  # what earlier inputs printed: the last one is the shrunk one
            try:
                return inner(*args, **kwargs)
            except NotImplementedError as error:
                if todo_task(error) is None:
                    raise
                raise TodoReached(error) from error

        watched.terox_inner = inner  # type: ignore[attr-defined]
        return watched

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        # Built here and not by pytest: it would format the whole traceback, which nobody sees.
        result = self.results[item.nodeid]
        if call.excinfo is not None and result["outcome"] == "passed":
            self._record(item, call.excinfo.value, result, call.when)
        return pytest.TestReport(item.nodeid, item.location, {}, "passed" if call.excinfo is None else "failed", None,
                                 call.when, duration=call.duration)  # type: ignore[arg-type]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception) as error:
            # Not a person's Ctrl-C, which only the parent gets: the learner's code raised it, and pytest would end.
            raise Ended(error) from error

    def _record(self, item: pytest.Item, error: BaseException, result: dict[str, Any], when: str) -> None:
        if isinstance(error, (TodoReached, Ended)):
            error = error.original
        result["todo"] = todo_task(error)
        if result["todo"] is not None:
            result["outcome"] = "todo"
            return
        result["outcome"] = "failed"
        failure = self.describe(error)
        if isinstance(error, (pytest.skip.Exception, unittest.SkipTest)):
            failure["kind"] = "skipped"
        failure["when"] = when
        failure["output"] = _tail("".join(text for _, key, text in item._report_sections if key == "stdout"))
        result["failure"] = failure

    # The end

    def pytest_internalerror(self, excrepr: Any, excinfo: Any) -> None:
        lines = str(excrepr).strip().splitlines()
        self.write("internal_error", lines=lines[-6:])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.write("finish", status=int(exitstatus), device=_device())

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        # All is said: neither a learner's thread that never ends nor an exit function holds anyone up.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _tail(text: str, lines: int = 5, width: int = 400) -> list[str]:
    """The last lines of what a learner's code printed."""
    return [line[:200] for line in text[-width:].splitlines()[-lines:]] if text.strip() else []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: left out by the profile `watch`")
    config.addinivalue_line("markers", "task(id): the task of the course that a test judges")
    config.addinivalue_line("markers", "time_limit(seconds): the test may go that long without a sign of life")
    path = os.environ.get(REQUEST)
    if path:
        request = json.loads(Path(path).read_text(encoding="utf-8"))
        config.pluginmanager.register(Runner(request), "terox-runner")
