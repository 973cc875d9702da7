"""Makes `.venv` and installs what a command needs, then runs the command there. Standard library only.

There are four layers: `base` (the test loop), `learn` (notebooks, pictures, watch), `dev` (maintainers) and `torch`
(PyTorch as an oracle for the course's own tests). Each includes those before it. Two more need `base` only: `gpu`, the
compiler for NVIDIA's GPUs, for those who have one, and `instructor`, what compares the submissions of a class. A layer
that was installed is remembered by a stamp; it is installed again when the pinned versions change.

TEROX_VENV names another folder for the environment. TEROX_VENV=none uses the Python that runs, as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from course.manifest import ROOT

CHAIN = ("base", "learn", "dev", "torch")  # each with those before it
LAYERS = (*CHAIN, "gpu", "instructor")
NEWEST = (3, 14)


class SetupError(RuntimeError):
    """The environment could not be made. The message says what to do."""


def folder() -> Path | None:
    """The environment's folder; None if TEROX_VENV=none."""
    name = os.environ.get("TEROX_VENV", "")
    if name == "none":
        return None
    return Path(name).resolve() if name else ROOT / ".venv"


def python_of(environment: Path) -> Path:
    """The interpreter in an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def inside(environment: Path) -> bool:
    """Whether this process runs in `environment`."""
    return Path(sys.prefix).resolve() == environment.resolve()


def ensure(layer: str) -> Path | None:
    """Install what is missing. Returns the interpreter to go on with, or None if it is this one already."""
    environment = folder()
    if environment is None:
        return None
    wanted = CHAIN[: CHAIN.index(layer) + 1] if layer in CHAIN else ("base", layer)
    if any(not _is_installed(environment, each) for each in wanted):
        install(environment, wanted)
    return None if inside(environment) else python_of(environment)


def install(environment: Path, layers: tuple[str, ...]) -> None:
    """Create `environment` if it is not there, and install `layers` into it."""
    if sys.version_info[:2] > NEWEST:
        print(f"Note: the course is tested up to Python {NEWEST[0]}.{NEWEST[1]}; this is {sys.version.split()[0]}.")
    python = python_of(environment)
    if not _works(python):
        if inside(environment):
            raise SetupError(f"{environment} is damaged. Remove it, and call this again from outside of it.")
        print(f"Making the environment in {_shown(environment)} ...", flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        try:
            venv.create(environment, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(
                f"No environment could be made in {environment}: {error}\n"
                "On Debian and Ubuntu: sudo apt install python3-venv. On a full disk: make room."
            ) from error
    extras = [each for each in layers if each != "base"]
    target = f".[{','.join(extras)}]" if extras else "."
    what = {"base": "the test loop", "learn": "notebooks and pictures", "dev": "the maintainers' tools",
            "torch": "PyTorch", "gpu": "the compiler for NVIDIA's GPUs",
            "instructor": "what compares submissions"}[layers[-1]]
    print(f"Installing {what} (once; this takes a minute or two) ...", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "-c", str(ROOT / "constraints.txt"), "-e", target]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise SetupError("The installation failed; pip says above why. Without a network: connect once, later calls "
                         "need none. What was installed is kept, so simply call this again.")
    for each in layers:
        _stamp(environment, each).write_text(_fingerprint(), encoding="utf-8")


def _is_installed(environment: Path, layer: str) -> bool:
    try:
        return _stamp(environment, layer).read_text(encoding="utf-8") == _fingerprint()
    except OSError:
        return False


def _stamp(environment: Path, layer: str) -> Path:
    return environment / f"terox-{layer}.stamp"


def _fingerprint() -> str:
    """Changes when what has to be installed changes, or when the checkout was moved (the install is editable)."""
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return hashlib.sha256(content + str(ROOT).encode()).hexdigest()


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
