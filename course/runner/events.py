"""What parent and child say to each other: one request (a JSON file), and a stream of events (JSON lines).

A file, not a pipe: it keeps what a child wrote before it crashed, nobody waits on a full buffer, and it works the
same on every system.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

REQUEST = "TEROX_TEST_REQUEST"  # environment variable: path of the request file
TODO_MESSAGE = re.compile(r"^Task (\d+\.\w+): (.+)$")
FILE_NAME = re.compile(r"^test_(\d+)_(\d+|[rR])(?:_.*)?\.py$")


def task_of_file(name: str) -> str | None:
    """The task of a test file by its name: `test_0_1_operators.py` is of 0.1."""
    found = FILE_NAME.match(name)
    return f"{found.group(1)}.{found.group(2).upper()}" if found else None


def todo_task(error: BaseException) -> tuple[str, str] | None:
    """(task, function) where `error` is what a stub raises, and only that."""
    if type(error) is not NotImplementedError or len(error.args) != 1:
        return None
    found = TODO_MESSAGE.match(str(error.args[0]))
    return (found.group(1), found.group(2)) if found else None


class Writer:
    """The child's end. Each event is flushed, so that it survives a crash."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8", newline="\n")

    def __call__(self, kind: str, **fields: Any) -> None:
        self._file.write(json.dumps({"event": kind, **fields}) + "\n")
        self._file.flush()


class Reader:
    """The parent's end: `read()` gives the events since the last call."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def read(self) -> list[dict[str, Any]]:
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                new = file.read()
        except OSError:
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return [json.loads(line) for line in lines]
