"""Reads what faulthandler writes when Python crashes or a time limit is over."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_DUMP_FRAME = re.compile(r'^\s*File "(.*)", line (\d+) in (.+)$')
_REASON = re.compile(r"^(?:Fatal Python error|Windows fatal exception): (.+)$", re.MULTILINE)


def dump_reason(dump: str) -> str | None:
    """Why Python crashed, e.g. "Segmentation fault"."""
    found = _REASON.search(dump)
    return found.group(1) if found else None


def dump_frames(dump: str, inside: Callable[[str], str | None]) -> list[list[Any]]:
    """[file, line, function] of the thread that matters in faulthandler's text, outermost first."""
    threads: list[tuple[bool, list[list[Any]]]] = []
    for line in dump.splitlines():
        if "(most recent call first):" in line and "C stack" not in line:
            threads.append((line.startswith("Current thread"), []))
        found = _DUMP_FRAME.match(line)
        if found is not None and threads:
            threads[-1][1].append([_unescaped(found.group(1)), int(found.group(2)), found.group(3)])
    current = [frames for is_current, frames in threads if is_current]
    learners = [frames for _, frames in threads if any(inside(frame[0]) for frame in frames)]
    chosen = next((frames for frames in current if any(inside(frame[0]) for frame in frames)), None)
    chosen = chosen or (learners or current or [[]])[0]
    return chosen[::-1]


def _unescaped(path: str) -> str:
    """faulthandler writes other letters than ASCII as \\xe9, \\u0105 or \\U0001f600."""
    return re.sub(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", lambda found: chr(int(found.group(0)[2:], 16)), path)
