"""The grader's hold on one launcher: starts jobs, asks questions, reads what a job has left, ends what does not end."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from course.grading import wire
from course.grading.sandbox import Limits
from course.grading.sealed import Call, answered
from course.grading.wire import Value

START_LIMIT, END_LIMIT = 120.0, 20.0  # seconds until the launcher is ready, and that it may be late
EVENTS_LIMIT = 8 << 20  # bytes of what a run of public tests tells
TEXT_LIMIT, PARTS_LIMIT = 4000, 1000  # characters of a text in it, parts of a list


class BoxError(Exception):
    """The grader's own machinery does not work: no verdict on any submission."""


class Box:
    """One launcher, and a folder of its own. Use as a context manager; one job at a time."""

    def __init__(self, stage: Path, *, trusted: bool = False, limits: Limits | None = None) -> None:
        if not hasattr(os, "fork"):
            raise BoxError("Grading needs a system that can fork: Linux, macOS, or WSL on Windows.")
        self.limits, self._stage, self._trusted = limits or Limits(), stage, trusted
        self._folder = Path(tempfile.mkdtemp(prefix="terox-box-"))
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._text = b""
        self.missing: list[str] = []
        self.cpu = 0.0  # seconds that the last job has computed
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        own = self._folder / "own"
        own.mkdir(exist_ok=True)
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(self._stage), "LANG": "C.UTF-8",
                       "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
                       "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2", "TEROX_CUDA": "sim", "HOME": str(own)}
        command = [sys.executable, "-P", "-s", "-X", "faulthandler=0", "-m", "course.grading.launcher",
                   str(theirs.fileno()), str(self._stage.parent / "probe"), str(own),
                   "trusted" if self._trusted else "closed"]
        with theirs:
            self._process = subprocess.Popen(command, env=environment, cwd=own, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                                             start_new_session=True)
        self._socket = ours
        self.missing = self._hear(START_LIMIT)["missing"]
        if self.missing and not self._trusted:
            raise BoxError("This system does not offer what grading needs. Not closed off are:\n"
                           + "\n".join(f"  {each}" for each in self.missing)
                           + "\nGrade in a container or a virtual machine, and say --trust there.")

    def _hear(self, limit: float) -> dict[str, Any]:
        end = time.monotonic() + limit
        while b"\n" not in self._text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                raise BoxError("The process that starts the sandboxes does not answer.")
            part = self._socket.recv(1 << 16)
            if not part:
                raise BoxError("The process that starts the sandboxes has ended.")
            self._text += part
        line, _, self._text = self._text.partition(b"\n")
        return json.loads(line)

    def _job(self, kind: str, tree: Path, kernels: Path | None, limits: Limits, **more: Any) -> dict[str, Any]:
        self._number += 1
        folder = self._folder / f"job{self._number}"
        for name in ("out", "tmp", "tmp/home"):
            (folder / name).mkdir(parents=True)
        if kernels is not None and kernels.is_dir():
            shutil.copytree(kernels, folder / "tmp/kernels")
        temporary = str(folder / "tmp")
        environment = {"PATH": "/usr/bin:/bin", "HOME": f"{temporary}/home", "TMPDIR": temporary, "LANG": "C.UTF-8",
                       "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
                       "TEROX_KERNELS": f"{temporary}/kernels", "TEROX_CUDA": "sim", "OPENBLAS_NUM_THREADS": "1",
                       "NUMBA_NUM_THREADS": "2", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                       "HYPOTHESIS_STORAGE_DIRECTORY": f"{temporary}/hypothesis",
                       "TEROX_TEST_REQUEST": str(folder / "request.json")}
        return {"kind": kind, "tree": str(tree), "folder": str(folder), "out": str(folder / "out"),
                "temporary": temporary, "limits": asdict(limits), "environment": environment, **more}

    def _send(self, job: dict[str, Any], files: list[int]) -> None:
        try:
            socket.send_fds(self._socket, [json.dumps(job).encode() + b"\n"], files)
        except OSError as error:
            raise BoxError("The process that starts the sandboxes has ended.") from error

    # Public tests

    def tests(self, tree: Path, task: str, files: list[str], order: list[str], *, limit: float = 10.0,
              kernels: Path | None = None, keep: Path | None = None,
              limits: Limits | None = None) -> tuple[list[dict[str, Any]], str, str]:
        """Run a task's public tests. Returns (events, what a hang or crash wrote, why it was ended, "" if by itself).

        All of it comes from a process that the submission had in its hands. `limit`: seconds a test may go without a
        sign of life. `keep`: where the kernels that the run has compiled are to go (only where the code is trusted).
        """
        limits = limits or self.limits
        job = self._job("public", tree, kernels, limits, files=files)
        out = Path(job["out"])
        request = {"run": [task], "skip": [], "order": order, "limit": limit, "usual_limit": 10.0,
                   "import_limit": 2 * limit, "profile": "student", "seed": None, "stop_at_first": True,
                   "root": str(tree), "tests": str(self._stage / "tests"), "events": str(out / "events"),
                   "hang": str(out / "hang"), "crash": str(out / "crash")}
        job["environment"]["TEROX_TEST_REQUEST"] = str(out / "request.json")
        (out / "request.json").write_text(json.dumps(request), encoding="utf-8")
        try:
            self._send(job, [])
            ended = self._hear(limits.wall + END_LIMIT)
            self.cpu = float(ended["cpu"])
            events = _events(_bytes(out / "events", EVENTS_LIMIT))
            words = "".join(_bytes(out / name, 20_000).decode("utf-8", "replace") for name in ("hang", "crash"))
            if keep is not None and (out.parent / "tmp/kernels").is_dir():
                shutil.copytree(out.parent / "tmp/kernels", keep, dirs_exist_ok=True)
            return events, words, ended["why"] or _status(ended["ended"], events)
        finally:
            _remove(out.parent)

    # Sealed checks

    def ask(self, tree: Path, task: str, calls: list[Call], *, limit: float = 20.0, kernels: Path | None = None,
            keep: Path | None = None, limits: Limits | None = None) -> Iterator[Value]:
        """The answers to `calls`, as long as they come. After the last, "raised" says why there are no more.

        `limit`: seconds that one answer may take.
        """
        job = self._job("sealed", tree, kernels, limits or self.limits)
        (asked, to_ask), (to_answer, answers) = os.pipe(), os.pipe()
        try:
            self._send(job, [asked, answers])
            os.close(asked)
            os.close(answers)
            asked = answers = -1
            os.set_blocking(to_ask, False)
            for call in calls:
                end = time.monotonic() + limit
                try:
                    yield answered(task, call, tree, partial(_write, to_ask, end), partial(_read, to_answer, end))
                except (wire.WireError, OSError) as error:
                    words = f"no answer within {limit:g} s" if isinstance(error, TimeoutError) else str(error)
                    yield {"kind": "raised", "type": "no answer", "message": words or type(error).__name__}
                    return
        finally:
            for file in (asked, answers, to_ask, to_answer):
                if file >= 0:
                    os.close(file)
            with contextlib.suppress(OSError):
                self._socket.sendall(b"stop\n")
            self.cpu = float(self._hear(END_LIMIT)["cpu"])
            if keep is not None and (Path(job["temporary"]) / "kernels").is_dir():
                shutil.copytree(Path(job["temporary"]) / "kernels", keep, dirs_exist_ok=True)
            _remove(Path(job["folder"]))

    def hang_up(self) -> None:
        """Leave the launcher without a grader: it ends with what runs in it, and whoever waits for it gets BoxError."""
        with contextlib.suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the launcher and whatever runs in it."""
        if self._process is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._socket.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        _remove(self._folder)

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _status(status: int, events: list[dict[str, Any]]) -> str:
    if any(event.get("event") == "finish" for event in events):
        return ""
    return f"signal {-status}" if status < 0 else f"status {status}"


def _bytes(path: Path, limit: int) -> bytes:
    """The beginning of a file that a submission could have put there: a regular one, and no link."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return b""
    with os.fdopen(file, "rb") as stream, contextlib.suppress(OSError):
        return stream.read(limit)
    return b""


def _events(data: bytes) -> list[dict[str, Any]]:
    """Those lines that are events, with nothing in them that it would take long to read."""
    found = []
    for line in data.split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                found.append(_cut(event, 0))
    return found


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value[:TEXT_LIMIT]
    if isinstance(value, (list, dict)) and depth > 8:
        return None
    if isinstance(value, list):
        return [_cut(each, depth + 1) for each in value[:PARTS_LIMIT]]
    if isinstance(value, dict):
        return {key[:100]: _cut(each, depth + 1) for key, each in itertools.islice(value.items(), PARTS_LIMIT)}
    return value


def _write(file: int, end: float, value: Value) -> None:
    """Send a value, if all of it is taken before `end`. Raises TimeoutError, OSError, WireError."""
    view = memoryview(wire.encode(value))
    while view:
        if not select.select([], [file], [], max(0.0, end - time.monotonic()))[1]:
            raise TimeoutError
        with contextlib.suppress(BlockingIOError):
            view = view[os.write(file, view):]


def _read(file: int, end: float) -> Value:
    """The next value, if all of it comes before `end`. Raises TimeoutError, OSError, WireError."""
    data, wanted = bytearray(), 12
    while len(data) < wanted:
        if not select.select([file], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(file, min(wanted - len(data), 1 << 20))
        if not part:
            raise OSError("the process has ended")
        data += part
        if len(data) == 12 and wanted == 12:
            wanted = 12 + sum(wire.lengths(bytes(data)))
    return wire.decode(bytes(data))


def _remove(folder: Path) -> None:
    """Delete a job's folder, whatever the job has left there. Never raises."""
    with contextlib.suppress(Exception):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # rmtree calls itself for each folder in a folder, and gives up; rm does not
        with contextlib.suppress(OSError):
            subprocess.run(["rm", "-rf", "--", folder], capture_output=True)
