"""The process that forks one closed-in process a job. It runs no submission's code, and knows no secret.

`python -m course.grading.launcher FD PROBE OWN TRUSTED` listens on the socket FD: a line of JSON for each job, with two
file descriptors where the job is to answer questions. It answers "ended" when the job's process has. Python, NumPy,
pytest and Hypothesis are imported once, here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.metadata
import json
import math
import os
import select
import signal
import socket
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from course.grading import child, sandbox
from course.runner.child import NOT_NEEDED

MODULES = ("pytest", "_hypothesis_pytestplugin", "hypothesis", "hypothesis.strategies", "hypothesis.errors",
           "hypothesis.extra.numpy", "hypothesis.stateful", "numpy", "numpy.random", "numba", "numba.extending",
           "llvmlite.ir", "course.runner.plugin", "course.check", "course.graphs", "course.oracle", "course.judge",
           "course.trace.gpu", "resource", "faulthandler", "ctypes", "encodings.idna", "inspect", "doctest")
LOOK_EVERY = 0.2  # seconds between two looks at a job's folder
DEEPEST = 1000  # characters that a path in it may have; the system takes 4096
PLUGINS_OFF = (*NOT_NEEDED, "capture")


class _Away(importlib.abc.MetaPathFinder):
    """Installed packages that a submission does not get: for Python, they are not installed."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _absent() -> set[str]:
    allowed = {name.removesuffix(".py") for name in sandbox.PACKAGES}
    found: set[str] = set()
    for folder in {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}:
        found |= {name.split(".")[0] for name in os.listdir(folder) if not name.endswith((".dist-info", ".pth"))}
    return found - allowed


def main(arguments: list[str]) -> int:
    """Serve until the socket is closed."""
    connection = socket.socket(fileno=int(arguments[0]))
    trusted = arguments[3] == "trusted"
    here = os.path.abspath(sys.path[0]) if sys.path and sys.path[0] else os.getcwd()
    packages = set(sysconfig.get_paths().values())
    sys.path[:] = [here] + [path for path in sys.path[1:] if path in packages or path.startswith(
        (sys.base_prefix + os.sep, sys.base_exec_prefix + os.sep)) or path == sysconfig.get_paths()["purelib"]]
    for name in MODULES:
        with contextlib.suppress(ModuleNotFoundError):  # Numba may be absent where only modules 0 to 2 are graded
            importlib.import_module(name)
    sys.meta_path.insert(0, _Away(_absent()))
    missing = sandbox.missing(Path(arguments[1]), Path(arguments[2]))
    connection.sendall(json.dumps({"missing": missing}).encode() + b"\n")
    gc.collect()
    gc.freeze()
    while True:
        job, files = _receive(connection)
        if job is None:
            return 0
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            connection.close()
            _become(job, files, here, trusted)
        for file in files:
            os.close(file)
        status, why, cpu = _watch(connection, pid, job)
        connection.sendall(json.dumps({"ended": status, "why": why, "cpu": cpu}).encode() + b"\n")


def _receive(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    text = b""
    files: list[int] = []
    while not text.endswith(b"\n"):
        try:
            part, new, _, _ = socket.recv_fds(connection, 1 << 16, 4)
        except ConnectionError:
            return None, files
        if not part:  # the grader is gone
            return None, files
        text, files = text + part, files + new
    lines = [line for line in text.split(b"\n") if line and line != b"stop"]  # a stop that came too late
    if not lines:
        return _receive(connection)
    return json.loads(lines[-1]), files


def _watch(connection: socket.socket, pid: int, job: dict[str, Any]) -> tuple[int, str, float]:
    """Wait for the end, or bring it about. Returns (exit status, why it was ended, seconds that it has computed).

    Why: "" where it ended by itself, else time, folder or stopped.
    """
    end, look, why, pause = time.monotonic() + job["limits"]["wall"], 0.0, "", 0.001
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), why, used.ru_utime + used.ru_stime
        now = time.monotonic()
        if not why and now > end:
            why = "time"
        elif not why and now > look:
            look = now + LOOK_EVERY
            if _size(job["folder"]) + _held(pid) > job["limits"]["folder"]:
                why = "folder"
        if not why and select.select([connection], [], [], pause)[0]:
            why = "stopped"
            if not connection.recv(64):  # the grader is gone
                os.kill(pid, signal.SIGKILL)
                os._exit(0)
        if why:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        pause = min(pause * 1.5, 0.02)


def _size(folder: str) -> float:
    """Bytes of all files in a folder, each one block at least. Infinite where it is too deep to look at all."""
    total, waiting = 0, [folder]
    while waiting and total < 1 << 34:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += max(4096, entry.stat(follow_symlinks=False).st_blocks * 512)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        if len(entry.path) > len(folder) + DEEPEST:
                            return math.inf
    return total


def _held(pid: int) -> int:
    """Bytes of the files that a process has open and that have no name any more."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:  # not there: no Linux
        for entry in entries:
            with contextlib.suppress(OSError):
                about = os.stat(entry.path)
                total += about.st_blocks * 512 if not about.st_nlink else 0
    return total


# ---- In the forked process ----


def _become(job: dict[str, Any], files: list[int], here: str, trusted: bool) -> None:
    """Close this process in and do the job. Never returns."""
    status = 96
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for target in (0, 1, 2):
            os.dup2(nothing, target)
        keep = []
        for place, file in enumerate(files):
            keep.append(os.dup2(file, 200 + place))
        os.closerange(3, 200)
        os.closerange(200 + len(keep), 1024)
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["temporary"])
        sys.path[:0] = [job["tree"]]
        limits = sandbox.Limits(**{**job["limits"], "open_files": 256})
        sandbox.close_in([Path(job["tree"]), Path(here)],
                         [Path(job["out"]), Path(job["temporary"])], limits, trusted=trusted)
        if job["kind"] == "sealed":
            with os.fdopen(keep[0], "rb") as asked, os.fdopen(keep[1], "wb") as answers:
                child.serve(asked, answers)
        else:
            _pytest(job, here)
        status = 0
    except BaseException:  # noqa: B036 - whatever it was, this process must end here and not go on as the launcher
        status = 97
    finally:
        os._exit(status)


def _pytest(job: dict[str, Any], here: str) -> None:
    import pytest

    arguments = ["-c", f"{here}/pytest.ini", "--rootdir", here, "--confcutdir", here, "--basetemp",
                 f"{job['temporary']}/pytest", "--continue-on-collection-errors"]
    for name in PLUGINS_OFF:
        arguments += ["-p", f"no:{name}"]
    arguments += ["-p", "_hypothesis_pytestplugin", "-p", "course.runner.plugin"]
    pytest.main([*arguments, *(f"{here}/{file}" for file in job["files"])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
