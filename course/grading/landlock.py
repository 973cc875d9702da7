"""Linux's Landlock through ctypes: from here on this process opens only what it is told it may. Needs no privileges."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR, _EXECUTE = 1 << 2, 1 << 3, 1 << 0
_WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 1, 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # version: how many rights on files there are (later: as in 5)
_NET_FROM, _SCOPES_FROM = 4, 6
NEEDED = 3  # the version from which files cannot be emptied by whoever may only read them, or nothing at all
LIST, READ = _READ_DIR, _READ_DIR | _READ_FILE
LOAD = READ | _EXECUTE  # for shared libraries
WRITE = READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    result = library.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def version() -> int:
    """The version that this system has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def offered() -> bool:
    """Whether this system has what is needed: Linux from 6.2 on, where it is turned on."""
    return version() >= NEEDED


def restrict(allowed: Iterable[tuple[Path | str, int]]) -> None:
    """Only what lies beneath these paths can be opened, each with its rights (LIST, READ, LOAD, WRITE); no TCP.

    Paths that do not exist are passed over. Raises OSError where the system refuses. `no_new_privs` has to be set.
    """
    known = version()
    if not known:
        raise OSError("This system has no Landlock.")
    rights = (1 << _RIGHTS.get(known, 16)) - 1
    net, scopes = 3 * (known >= _NET_FROM), 3 * (known >= _SCOPES_FROM)
    attributes = struct.pack("QQQ", rights, net, scopes)
    size = 24 if known >= _SCOPES_FROM else 16 if known >= _NET_FROM else 8
    ruleset = _call(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, wanted in allowed:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                granted = wanted & rights
                if not os.path.isdir(path):
                    granted &= _OF_FILES
                rule = struct.pack("=Qi", granted, place)
                _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
            finally:
                os.close(place)
        _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
