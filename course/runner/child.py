"""The child process as the parent sees it: started, watched, ended.

The child ends itself when a test makes no progress (see `plugin.Watchdog`); the parent's own limit is for a child
that cannot even do that.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.runner import forking
from course.runner.events import REQUEST, Reader
from course.runner.forking import Forked

COURSE = Path(__file__).resolve().parents[2]  # the folder that holds `course`
START_LIMIT = 60.0  # seconds until the first event: Python, pytest and Hypothesis on a cold disk
GRACE = 5.0  # seconds that the child's own limit has before the parent's
NOT_NEEDED = ("cacheprovider", "junitxml", "pastebin", "doctest", "stepwise", "setuponly", "setupplan", "faulthandler",
              "terminal", "terminalprogress", "legacypath", "debugging", "unraisableexception", "threadexception",
              "logging", "subtests")


class Child:
    """One `python -m pytest` with the plugin, and its files in `folder`."""

    def __init__(self, folder: Path, course_root: Path, request: dict[str, Any], files: list[str]) -> None:
        folder.mkdir(parents=True)
        self.hang_file, self.crash_file, self.log_file = folder / "hang", folder / "crash", folder / "log"
        self._events_file = folder / "events"
        self._reader = Reader(self._events_file)
        self.timed_out = False
        self._first_limit = START_LIMIT + request["import_limit"]
        request = {**request, "events": str(folder / "events"), "hang": str(self.hang_file),
                   "crash": str(self.crash_file)}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = ignore\n", encoding="utf-8")
        arguments = ["-c", str(folder / "pytest.ini"), "--rootdir", str(course_root), "--confcutdir", str(course_root),
                     "--basetemp", str(folder / "tmp"), "--continue-on-collection-errors"]
        for name in NOT_NEEDED:
            arguments += ["-p", f"no:{name}"]
        arguments += ["-p", "_hypothesis_pytestplugin", "-p", "course.runner.plugin"]
        if request["seed"] is not None:
            arguments += ["--hypothesis-seed", str(request["seed"])]
        environment = _environment(folder, course_root, request["root"])
        self.process = self._start([*arguments, *files], course_root, environment)

    def _start(self, arguments: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.Popen[bytes] | Forked:
        nursery = forking.current()
        if nursery is not None:
            return nursery.start(arguments, cwd, environment, self.log_file)
        apart: dict[str, Any] = {"start_new_session": True}  # a Ctrl-C is the parent's to handle
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        with open(self.log_file, "wb") as log:
            return subprocess.Popen([sys.executable, "-X", "faulthandler", "-P", "-m", "pytest", *arguments], cwd=cwd,
                                    env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **apart)

    def events(self) -> Iterator[dict[str, Any]]:
        """Events as they come, until the child has ended or has been silent for too long."""
        limit, last, pause = self._first_limit, time.monotonic(), 0.005
        while True:
            over = self.process.poll() is not None
            new = self._reader.read()
            for event in new:
                limit = event.get("limit", limit if event["event"] == "alive" else self._first_limit)
                yield event
            if over:
                return
            now = time.monotonic()
            if new:
                last, pause = now, 0.005
            elif now - last > limit + GRACE:
                self.timed_out = True
                self.kill()
                return
            pause = min(pause * 1.3, 0.05)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(pause)

    def all_events(self) -> list[dict[str, Any]]:
        """Every event so far, also those that `events` gave already."""
        return Reader(self._events_file).read()

    def close(self, patience: float = 2.0) -> int | None:
        """Wait a moment for the end, else kill. Returns the exit status."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """End the child and what it started."""
        if self.process.poll() is None:
            if sys.platform == "win32":
                command = ["taskkill", "/T", "/F", "/PID", str(self.process.pid)]
                subprocess.run(command, capture_output=True, check=False)
            else:
                with contextlib.suppress(OSError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)

    @staticmethod
    def text(path: Path, limit: int = 200_000) -> str:
        with contextlib.suppress(OSError):
            with open(path, "rb") as file:
                return file.read(limit).decode("utf-8", errors="replace")
        return ""


# What would change how the tests run, without anyone seeing why.
_UNSET = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONOPTIMIZE")


def _environment(folder: Path, course_root: Path, root: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
    paths = [root, str(course_root), str(COURSE), environment.get("PYTHONPATH", "")]
    environment.update({
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"), REQUEST: str(folder / "request.json")})
    return environment
