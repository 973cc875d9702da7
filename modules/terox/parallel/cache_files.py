"""Where generated sources and their machine code are kept. Provided.

The folder is TEROX_KERNELS, else one in the user's cache. A source's name is the hash of its text; Numba puts the
machine code into `__pycache__` beside it and keeps it as long as the source stays the same. So processes can share a
folder, and a file that was cut short is written again.

In PyTorch: `torch/_inductor/codecache.py`, `write`, `FxGraphCache`; `torch/_inductor/runtime/cache_dir_utils.py`,
`cache_dir`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

KEPT_FILES = 1000  # sources; beyond that, those used longest ago are deleted
KEPT_SECONDS = 3600.0  # but none that was used so recently: another process may be about to load it

_pruned: set[Path] = set()


def folder() -> Path:
    """Where kernels are kept: TEROX_KERNELS, else the user's cache."""
    given = os.environ.get("TEROX_KERNELS")
    if given:
        return Path(given).absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "terox" / "kernels"


def _temporary() -> Path:
    """For those whose cache cannot be written. Machine code is run, so nobody else may be able to put a file there."""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    place = Path(tempfile.gettempdir()) / f"terox-kernels-{owner}"
    place.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (place.stat().st_uid != os.getuid() or place.stat().st_mode & 0o022):
        raise PermissionError(f"{place} belongs to somebody else")
    return place


def load(text: str) -> ModuleType:
    """The module with this text, from a file that is written if it is not there yet."""
    name = "kernel_" + hashlib.sha256(text.encode()).hexdigest()[:20]
    for find in (folder, _temporary):
        try:
            place = find()
            return _execute(name, _write(place, name, text))
        except OSError:
            continue
        except RuntimeError as error:  # Numba's, where it finds no folder to write to beside the source
            if "cannot cache" not in str(error):
                raise
    raise OSError(f"no folder to keep compiled kernels in: {folder()} cannot be written. Set the environment variable "
                  "TEROX_KERNELS to a folder that can be.")


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"terox_kernels.{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Numba finds a function's globals by its module's name
    spec.loader.exec_module(module)
    return module


def _write(place: Path, name: str, text: str) -> Path:
    path = place / f"{name}.py"
    if not (path.is_file() and path.read_bytes() == text.encode()):
        place.mkdir(parents=True, exist_ok=True)
        _prune(place)
        _replace(path, text)
    path.with_suffix(".used").touch()  # not the source itself: its time says whether the machine code belongs to it
    return path


def _replace(path: Path, text: str) -> None:
    """Under another name first: another process may be doing the same."""
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(text.encode())
    try:
        os.replace(file.name, path)
    except OSError:  # Windows, while another process has it open
        Path(file.name).unlink(missing_ok=True)
        if not (path.is_file() and path.read_bytes() == text.encode()):
            raise


def forget(path: Path) -> None:
    """Delete the machine code of a source; it could not be read."""
    for file in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        file.unlink(missing_ok=True)


def _last_used(source: Path) -> float:
    for path in (source.with_suffix(".used"), source):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _prune(place: Path) -> None:
    """Delete what has not been used for longest, sources and machine code, if there is too much; once in a process."""
    if place in _pruned:
        return
    _pruned.add(place)
    before = time.time() - KEPT_SECONDS
    sources = sorted((_last_used(path), path) for path in place.glob("kernel_*.py"))
    for used, source in sources[: max(len(sources) - KEPT_FILES, 0)]:
        if used < before:
            for file in (source, source.with_suffix(".used")):
                file.unlink(missing_ok=True)
            forget(source)
    for file in place.glob("*.tmp"):
        if _last_used(file) < before:
            file.unlink(missing_ok=True)
