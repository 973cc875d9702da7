"""Zip files with the same bytes whenever and wherever they are written."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

FIRST = 315_532_800  # seconds since 1970 when the format's calendar begins, in 1980


def write_zip(out: Path | BinaryIO, contents: Mapping[str, bytes], *, when: int = FIRST,
              modes: Mapping[str, int] | None = None) -> None:
    """Pack `contents` (name, with "/", to bytes), by name. `when`: the date of each, in seconds since 1970.

    `modes`: rights on Unix of those files that have others than 0o644.
    """
    date = time.gmtime(max(when, FIRST))[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            entry.create_system = 3  # Unix
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED)
