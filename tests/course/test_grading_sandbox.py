"""The sandbox: what a closed-in process can no longer do, tried out in one."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from course.grading import landlock, sandbox, seccomp
from course.grading.sandbox import Limits

resource = pytest.importorskip("resource")
needs_linux = pytest.mark.skipif(not (landlock.offered() and seccomp.offered()),
                                 reason="this system has nothing to close a process in with")


def closed(action: Callable[[], object], own: Path, limits: Limits | None = None) -> str:
    """What `action` does in a closed-in process: "done", the name of an exception, or "signal N"."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(read)
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)
            sandbox.close_in([], [own], limits or Limits(cpu=20))
            try:
                action()
                word = "done"
            except BaseException as error:  # noqa: B036 - told to the other side
                word = type(error).__name__
            os.write(write, word.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        word = stream.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return f"signal {-status}" if status < 0 else word


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


REFUSED = {
    "reads a file": lambda: open("/etc/passwd").close(),
    "lists a folder": lambda: os.listdir("/"),
    "reads its parent's environment": lambda: open(f"/proc/{os.getppid()}/environ").close(),
    "reads its own memory's map": lambda: open("/proc/self/maps").close(),
    "forks": _fork,
    "starts a program": lambda: subprocess.run([sys.executable, "-c", ""]),
    "replaces itself": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
    "opens a socket": socket.socket,
    "opens a pair of sockets": socket.socketpair,
    "signals its parent": lambda: os.kill(os.getppid(), 0),
    "signals its group": lambda: os.kill(0, 0),
    "signals all": lambda: os.kill(-1, 0),
    "binds its parent to a core": lambda: os.sched_setaffinity(os.getppid(), [0]),
    "slows its parent down": lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "limits its parent": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU),
    "makes memory that is counted nowhere": lambda: os.memfd_create("x"),
    "takes another root": lambda: os.chroot("/"),
}


@needs_linux
@pytest.mark.parametrize("what", REFUSED)
def test_it_may_not(what, tmp_path):
    assert closed(REFUSED[what], tmp_path) == "PermissionError"


@needs_linux
def test_files_outside_stay_as_they_are(tmp_path):
    """Neither content nor name nor rights can be changed, and no link to one be made."""
    own, file = tmp_path / "own", tmp_path / "file"
    own.mkdir()
    file.write_text("alive")
    tries = [lambda: file.write_text("gone"), file.unlink, lambda: file.rename(own / "file"), lambda: file.chmod(0),
             lambda: os.truncate(file, 0), lambda: open(tmp_path / "new", "w").close(),
             lambda: os.link(file, own / "link"),
             lambda: (own / "link").symlink_to(file), lambda: os.mkfifo(own / "pipe"),
             lambda: os.setxattr(file, "user.x", b"x")]
    for attempt in tries:
        assert closed(attempt, own) in ("PermissionError", "OSError")
    assert file.read_text() == "alive" and file.stat().st_mode & 0o400
    assert list(own.iterdir()) == [] and sorted(path.name for path in tmp_path.iterdir()) == ["file", "own"]


@needs_linux
def test_times_outside_stay_as_they_are(tmp_path):
    """Setting them seems to work, and does nothing."""
    (tmp_path / "own").mkdir()
    before = tmp_path.stat().st_mtime
    assert closed(lambda: os.utime(tmp_path, (1, 1)), tmp_path / "own") == "done"
    assert tmp_path.stat().st_mtime == before


@needs_linux
def test_what_honest_code_does_still_works(tmp_path):
    """Its own folder, threads, the standard library, NumPy and Numba."""
    def work() -> None:
        (tmp_path / "file").write_text("x")
        (tmp_path / "file").unlink()
        _thread()
        import colorsys  # noqa: F401 - a module that nobody has imported yet

        import numpy as np
        assert np.linalg.norm(np.ones(4)) == 2.0
        os.kill(os.getpid(), 0)
        open("/dev/null", "w").write("x")

    assert closed(work, tmp_path) == "done"


@needs_linux
def test_memory_ends(tmp_path):
    assert closed(lambda: bytearray(1 << 33), tmp_path) == "MemoryError"


@needs_linux
def test_files_end(tmp_path):
    """A file has a limit, and the parent sees what lies there altogether."""
    assert closed(lambda: (tmp_path / "big").write_bytes(bytes(1 << 20)), tmp_path, Limits(file=1 << 16)) == "OSError"


@needs_linux
def test_time_ends(tmp_path):
    """Seconds of computing are counted by the system."""
    def turn() -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            pass

    assert closed(turn, tmp_path, Limits(cpu=1)) in (f"signal {signal.SIGKILL}", f"signal {signal.SIGXCPU}")


@needs_linux
def test_limits_are_not_raised_again(tmp_path):
    """Also where the grader itself is root."""
    for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
        assert closed(lambda which=which: resource.setrlimit(which, (1 << 45, 1 << 45)), tmp_path) in (
            "ValueError", "PermissionError")


@needs_linux
def test_the_system_signals_nobody_for_it(tmp_path, monkeypatch):
    """Whoever waits for a pipe can have a signal sent, to any process. (Landlock refuses it only from version 6 on.)

    Nor does anybody wait for a file because of it.
    """
    import fcntl

    def own(command: int) -> None:
        fcntl.fcntl(os.pipe()[0], command, os.getppid())

    monkeypatch.setattr(landlock, "_SCOPES_FROM", 99)
    for command in (fcntl.F_SETOWN, 10, fcntl.F_SETLEASE):  # 10: F_SETSIG
        assert closed(lambda command=command: own(command), tmp_path) == "PermissionError"


@needs_linux
def test_what_may_only_be_read_cannot_be_emptied(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "other").write_text("x")
    assert closed(lambda: os.truncate(tmp_path / "other", 0), tmp_path / "own") == "PermissionError"
    assert closed(lambda: os.open(tmp_path / "other", os.O_TRUNC), tmp_path / "own") == "PermissionError"
    assert (tmp_path / "other").read_text() == "x"


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_landlock_is_none(version, tmp_path, monkeypatch):
    """It knows nothing of truncate()."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the words for Linux")
    monkeypatch.setattr(landlock, "version", lambda: version)
    assert not landlock.offered()
    monkeypatch.setattr(sandbox, "_limit", lambda limits: None)
    monkeypatch.setattr(sandbox, "_no_privileges", lambda: None)
    with pytest.raises(OSError, match="Landlock"):
        sandbox.close_in([], [tmp_path], Limits())


@needs_linux
@pytest.mark.parametrize("version", [1, 2])
def test_an_old_landlock_closes_what_it_can(version, tmp_path, monkeypatch):
    """Where somebody goes on all the same: nothing else can be read, and it is told that files are not closed off."""
    monkeypatch.setattr(landlock, "version", lambda: version)
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").write_text("x")
    found = sandbox.missing(tmp_path / "elsewhere", tmp_path / "own")
    assert [sentence.split(":")[0] for sentence in found] == ["files"]
    monkeypatch.setattr(landlock, "offered", lambda: True)
    assert closed(lambda: (tmp_path / "elsewhere").read_text(), tmp_path / "own") == "PermissionError"


@needs_linux
def test_this_system_closes_everything(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").write_text("x")
    assert sandbox.missing(tmp_path / "elsewhere", tmp_path / "own") == []


def test_what_is_missing_is_found_by_trying(tmp_path, monkeypatch):
    """Without Landlock and the filter, each thing that holds nobody is told."""
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(seccomp, "offered", lambda: False)
    (tmp_path / "elsewhere").write_text("x")
    found = sandbox.missing(tmp_path / "elsewhere", tmp_path)
    assert [sentence.split(":")[0] for sentence in found] == ["files", "processes", "network"]


def test_without_isolation_nothing_runs_unless_told_so(monkeypatch, tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("the words for Linux")
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(sandbox, "_limit", lambda limits: None)
    monkeypatch.setattr(sandbox, "_no_privileges", lambda: None)
    with pytest.raises(OSError, match="Landlock"):
        sandbox.close_in([], [tmp_path], Limits())


# ---- The filter, run by hand ----


def _run(program: bytes, number: int, architecture: int, first: int = 0, second: int = 0) -> int:
    """What the kernel would do with a call: a small machine for the instructions that the filter uses."""
    data = struct.pack("<IIQQQ", number, architecture, 0, first, second)
    lines = [struct.unpack_from("HBBI", program, place) for place in range(0, len(program), 8)]
    place = value = 0
    while True:
        code, true, false, constant = lines[place]
        place += 1
        if code == 0x20:
            value = struct.unpack_from("<I", data, constant)[0]
        elif code == 0x06:
            return constant
        else:
            holds = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            place += true if holds else false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_does_what_its_tables_say(machine):
    """Each refused call, each call that may only mean the process itself, threads, and all others."""
    column, architecture = seccomp._ARCHITECTURES[machine]
    program = seccomp.program(77, machine)
    assert len(program) // 8 < 4096
    refused, allowed = seccomp._ERRNO | 1, seccomp._ALLOW
    named = set()
    for pair in seccomp._REFUSED.values():
        if pair[column] is not None:
            named.add(pair[column])
            assert _run(program, pair[column], architecture) == refused
    for table, others in ((seccomp._OWN_ONLY, [0, 1, 76, 0xFFFFFFFF]), (seccomp._OWN_OR_ZERO, [1, 76, 0xFFFFFFFF])):
        for pair in table.values():
            named.add(pair[column])
            assert _run(program, pair[column], architecture, 77) == allowed
            assert all(_run(program, pair[column], architecture, other) == refused for other in others)
    for table, these, others in ((seccomp._BARRED, refused, allowed), (seccomp._ALLOWED, allowed, refused)):
        for pair, commands in table.values():
            named.add(pair[column])
            assert {_run(program, pair[column], architecture, 3, command) for command in commands} == {these}
            assert {_run(program, pair[column], architecture, 3, other) for other in (9, 11, 1024, 1 << 31)} == {others}
    for pair in seccomp._IGNORED.values():
        named.add(pair[column])
    clone, clone3 = seccomp._CLONE[column], seccomp._CLONE3[column]
    assert _run(program, clone, architecture, 0x3D0F00) == allowed  # a thread
    assert _run(program, clone, architecture, 17) == refused  # a process
    assert _run(program, clone3, architecture) == seccomp._ERRNO | 38
    for number in set(range(480)) - named - {clone, clone3}:
        assert _run(program, number, architecture) == allowed
    assert _run(program, 0, architecture ^ 1) == seccomp._KILL
    if machine == "x86_64":
        assert _run(program, 0x40000000 | 57, architecture) == refused
