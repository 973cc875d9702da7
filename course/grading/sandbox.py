"""Closes this process in, before a submission's code runs in it, and says what the system does not offer for that.

Limits on CPU, memory, files; on Linux, only named folders can be opened (`landlock.py`), and there are no other
processes, no signals to them and no network (`seccomp.py`). Nothing of it needs privileges, and whoever has some loses
them.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course.grading import landlock, seccomp

# What a submission needs of the installed packages; not torch or SciPy, which hold what the learner is to write.
PACKAGES = ("numpy", "numpy.libs", "numba", "llvmlite", "llvmlite.libs", "pytest", "_pytest", "pluggy", "iniconfig",
            "packaging", "pygments", "hypothesis", "_hypothesis_pytestplugin.py", "_hypothesis_globals.py",
            "_hypothesis_ftz_detector.py", "sortedcontainers", "attr", "attrs", "exceptiongroup", "rich", "markdown_it",
            "mdurl")
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store")
_ABOUT = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system", "/dev/urandom", "/dev/zero")


@dataclass(frozen=True)
class Limits:
    """`cpu` and `wall` in seconds, the others in bytes. `folder`: of all files together in the job's own folder."""

    cpu: int = 120
    wall: float = 180.0
    memory: int = 4 << 30
    file: int = 32 << 20
    folder: int = 128 << 20
    open_files: int = 128


def close_in(read: list[Path], write: list[Path], limits: Limits, *, trusted: bool = False) -> None:
    """Close this process in: it reads Python, packages and `read`, and writes beneath `write`. There is no way back.

    Raises OSError where the system does not do what it offers; with `trusted`, goes on where it offers nothing.
    """
    _limit(limits)
    if not sys.platform.startswith("linux"):
        if not trusted:
            raise OSError("This system offers no isolation.")
        return
    _no_privileges()
    if not landlock.offered() and not trusted:
        raise OSError("This system has no Landlock, or an old one.")
    if landlock.version():
        landlock.restrict([*_everyone(), *((path, landlock.READ) for path in read),
                           *((path, landlock.WRITE) for path in write)])
    if seccomp.offered():
        seccomp.restrict()
    elif not trusted:
        raise OSError("There is no filter of system calls for this system.")


def _everyone() -> list[tuple[Path | str, int]]:
    """What any Python process needs to read."""
    found: list[tuple[Path | str, int]] = [(path, landlock.LOAD) for path in _SYSTEM]
    found += [(path, landlock.READ) for path in _ABOUT]
    found.append((os.devnull, landlock.WRITE))
    names = sysconfig.get_paths()
    packages = {Path(names["purelib"]), Path(names["platlib"])}
    standard = {Path(names["stdlib"]), Path(names["platstdlib"])}
    for folder in standard:
        # Where packages lie inside of the standard library's folder, its parts are named one by one.
        if any(other.is_relative_to(folder) for other in packages) or (folder / "site-packages").exists():
            found.append((folder, landlock.LIST))
            found += [(path, landlock.LOAD) for path in folder.iterdir()
                      if path.name not in ("site-packages", "dist-packages")]
        else:
            found.append((folder, landlock.LOAD))
    library = sysconfig.get_config_var("LIBDIR")
    if library:
        found += [(path, landlock.LOAD) for path in Path(library).glob("libpython*")]
    for folder in packages:
        found.append((folder, landlock.LIST))
        found += [(folder / name, landlock.LOAD) for name in PACKAGES]
    return found


def _limit(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {"RLIMIT_CPU": limits.cpu, "RLIMIT_AS": limits.memory, "RLIMIT_FSIZE": limits.file, "RLIMIT_CORE": 0,
              "RLIMIT_NOFILE": limits.open_files, "RLIMIT_MEMLOCK": 0, "RLIMIT_MSGQUEUE": 0, "RLIMIT_NICE": 0,
              "RLIMIT_RTPRIO": 0}
    for name, value in wanted.items():
        which = getattr(resource, name, None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(which, (value, value))
            except (OSError, ValueError):
                if sys.platform.startswith("linux"):
                    raise


def _no_privileges() -> None:
    """No capability, even for root, and none to come."""
    library = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        library.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; fails where there is nothing to drop
    header = struct.pack("Ii", 0x20080522, 0)
    nothing = bytes(24)
    if library.capset(ctypes.c_char_p(header), ctypes.c_char_p(nothing)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    if library.prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
        raise OSError(ctypes.get_errno(), "no_new_privs")


# ---- What the system offers, tried out ----

_SENTENCES = {
    "files": "files: the code can read and write whatever you can (Linux with Landlock, 6.2 or newer, prevents that)",
    "processes": "processes: the code can start others, which may outlive it, and signal yours",
    "network": "network: the code can reach it",
}


def missing(elsewhere: Path, own: Path) -> list[str]:
    """What holds nobody here, found out by trying in a child: sentences, none where all is closed.

    `elsewhere`: a file that must not be readable, and not be emptied. `own`: a folder that may be written.
    """
    if not hasattr(os, "fork"):
        return list(_SENTENCES.values())
    pid = os.fork()
    if not pid:
        status = 128
        try:
            close_in([], [own], Limits(), trusted=True)
            tries: list[list[Callable[[], object]]] = [  # one of each for a sentence
                [lambda: open(elsewhere, "rb").close(), lambda: os.truncate(elsewhere, 0)], [_fork], [socket.socket]]
            status = sum(1 << place for place, attempts in enumerate(tries) if not all(map(_refused, attempts)))
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not 0 <= status < 8:
        return list(_SENTENCES.values())
    return [sentence for place, sentence in enumerate(_SENTENCES.values()) if status >> place & 1]


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    except OSError:
        return False
    return False
