"""Copies of the reference in which `make chaffs` makes its mistakes: one for each thread, used again and again.

The same file under the same path is the same for every cache: Python's bytecode, which then is made once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

State = dict[str, tuple[int, int]]  # file, relative to the copy: its time and size


class Copy:
    """One copy: `folder` holds a `terox/`."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._source, self.folder = source, folder
        self._changes = 0
        self._fill()

    def _fill(self) -> None:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self._source / "terox", self.folder / "terox", ignore=skip)
        self._state = self._now()

    def _now(self) -> State:
        found = {}
        for folder, _, files in os.walk(self.folder):
            for name in files:
                path = os.path.join(folder, name)
                status = os.stat(path)
                found[path] = (status.st_mtime_ns, status.st_size)
        return found

    def write(self, file: str, text: str) -> None:
        """Change a file, until `restore`."""
        path = self.folder / file
        path.write_text(text, encoding="utf-8", newline="")
        # Python tells stale bytecode by whole seconds and size. So each change gets a second that no other one has.
        self._changes += 1
        second = self._state[str(path)][0] // 10**9 + self._changes
        os.utime(path, (second, second))

    def restore(self) -> None:
        """Undo what was written, and whatever else a run has left."""
        now = self._now()
        for path in now.keys() - self._state.keys():
            os.unlink(path)
        for path, state in self._state.items():
            if now.get(path) != state:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._source / Path(path).relative_to(self.folder), path)


class Copies:
    """A copy of `source` for each thread that asks, from `with` on until its end."""

    def __init__(self, source: Path) -> None:
        self._source, self._of_thread = source, threading.local()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Copies:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def one(self) -> Iterator[Copy]:
        """That of this thread; at the end it is as it was."""
        if not hasattr(self._of_thread, "copy"):
            folder = self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="terox-chaff-", ignore_cleanup_errors=True))
            self._of_thread.copy = Copy(self._source, Path(folder))
        try:
            yield self._of_thread.copy
        finally:
            self._of_thread.copy.restore()
