"""Many test runs in a row, without starting Python, pytest and Hypothesis anew for each. For `make chaffs`.

A *nursery* is a process that has imported what every run needs, nothing of the course, and forks itself for each run:
nearly half of what a short run costs is saved, and each is as fresh as a new process. Within `Nurseries()`, runs start
there; where processes cannot fork (Windows), they start as always.

Runs in nurseries also share, until the end, a folder of things that follow from a file's text alone: bytecode, with the
assertions that pytest rewrites, and the constants that Hypothesis picks out of the code under test. So whoever changes
a file between two runs has to change its time or size as well.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parents[2]
MODULES = ("pytest", "_pytest.helpconfig", "_pytest.skipping", "_pytest.tracemalloc", "_pytest.unittest",
           "_pytest.warnings", "_hypothesis_pytestplugin", "hypothesis", "hypothesis.strategies", "hypothesis.errors",
           "hypothesis.extra.numpy", "hypothesis.internal.conjecture.engine", "numpy", "numpy.random", "numpy.ma")


class Forked:
    """A run in a process forked by a nursery, as `subprocess.Popen` shows one."""

    def __init__(self, server: Nursery, pid: int) -> None:
        self._server, self.pid = server, pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired where the run has not ended after `timeout` seconds."""
        if self.returncode is None:
            self.returncode = self._server.answer(timeout)
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, 9)


class Nursery:
    """The process that forks. One run at a time."""

    def __init__(self, modules: Sequence[str], shared: Path) -> None:
        self.shared = shared
        environment = {**os.environ, "PYTHONPATH": str(COURSE), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-P", "-m", "course.runner.forking", *modules]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        bufsize=0)
        self._last: Forked | None = None

    def start(self, arguments: list[str], cwd: Path, environment: dict[str, str], log: Path) -> Forked:
        """`python -m pytest` with these arguments, in a session of its own, its output in the file `log`."""
        if self._last is not None:
            self._last.wait()
        request = {"arguments": arguments, "cwd": str(cwd), "log": str(log), "bytecode": str(self.shared / "bytecode"),
                   "environment": {**environment, "HYPOTHESIS_STORAGE_DIRECTORY": str(self.shared / "hypothesis")}}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self._last = Forked(self, self.answer(None))
        return self._last

    def answer(self, timeout: float | None) -> int:
        """The next number that the process has to say."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("pytest", timeout or 0.0)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The process that forks test runs has ended.")
        return int(line)

    def close(self) -> None:
        """End the process, after its last run."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Nurseries:
    """A nursery for each thread that starts runs, from `with` on until its end, when no thread may still be at it."""

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self._modules, self._of_thread = modules, threading.local()
        self._all: list[Nursery] = []

    def of_thread(self) -> Nursery:
        """That of this thread."""
        if not hasattr(self._of_thread, "nursery"):
            self._of_thread.nursery = Nursery(self._modules, Path(self._shared.name))
            self._all.append(self._of_thread.nursery)
        return self._of_thread.nursery

    def __enter__(self) -> Nurseries:
        global _nurseries
        self._shared = tempfile.TemporaryDirectory(prefix="terox-nursery-", ignore_cleanup_errors=True)
        _nurseries = self if hasattr(os, "fork") else None
        return self

    def __exit__(self, *exception: object) -> None:
        global _nurseries
        _nurseries = None
        for nursery in self._all:
            nursery.close()
        self._shared.cleanup()


_nurseries: Nurseries | None = None


def current() -> Nursery | None:
    """The nursery of this thread, if there are any now."""
    return None if _nurseries is None else _nurseries.of_thread()


# ---- In the process that forks ----


def _serve() -> dict[str, Any] | None:
    """Fork for each request. Returns the request in the forked process, None in this one, at the end."""
    for line in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            request: dict[str, Any] = json.loads(line)
            return request
        os.write(1, f"{pid}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    return None


def _look_at_files() -> None:
    """Have Hypothesis find out now which modules are installed ones: it remembers that, by their paths."""
    from hypothesis.internal.constants_ast import is_local_module_file

    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file is not None:
            is_local_module_file(file)


def _become(request: dict[str, Any]) -> None:
    """Make this process what `python -X faulthandler -P -m pytest` would be."""
    import faulthandler

    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    sys.stdin = open(0, closefd=False)
    faulthandler.enable()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.pycache_prefix, sys.dont_write_bytecode = request["bytecode"], False
    sys.path.remove(str(COURSE))
    sys.path[:0] = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    for name in [name for name in sys.modules if name == "course" or name.startswith("course.")]:
        del sys.modules[name]  # a run imports its own
    sys.argv = ["pytest", *request["arguments"]]


def main(modules: Sequence[str]) -> int:
    """Serve; in a forked process, run pytest. Returns the exit status."""
    for name in (*MODULES, *modules):
        importlib.import_module(name)
    _look_at_files()
    gc.collect()
    gc.freeze()  # what stands here already is no forked process's to look through, and to copy
    request = _serve()
    if request is None:
        return 0
    _become(request)
    import pytest

    status = int(pytest.main(request["arguments"]))
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
