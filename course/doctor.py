"""`make doctor`: looks at this machine, and says what is missing and what to do about it."""

from __future__ import annotations

import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from course import bootstrap
from course.manifest import ROOT
from course.runner.source import CONFLICT, conflict
from course.term import style, wrapped

OLDEST, NEWEST = (3, 11), bootstrap.NEWEST
BASE = ("numpy", "numba", "pytest", "hypothesis", "rich", "safetensors")  # the test loop
LATER = ("watchfiles", "matplotlib", "jupyterlab", "nbclient")  # installed when first asked for
SETUP = "python -m course setup"
OK, WARNING, PROBLEM = "ok", "warning", "problem"
_LOOKS = {OK: "green", WARNING: "yellow", PROBLEM: "red"}
MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

# Runs in the course's environment: versions from the metadata, and one real import, for a library that is there but
# does not load is the worst case.
_PROBE = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found[name] = None
print("versions", json.dumps(found), flush=True)
if found.get("numba"):
    import numba
    print("numba", numba.__version__, flush=True)
"""


@dataclass(frozen=True)
class Line:
    """One finding: `status` is "ok", "warning" or "problem"; `advice` says what to do."""

    status: str
    what: str
    advice: str = ""


def doctor(root: Path = ROOT) -> int:
    """Print one line for each thing looked at. Returns 0, or 1 where there is a problem."""
    lines = [python_version(sys.version_info[:3])]
    environment, interpreter = environment_line()
    lines += [environment, *packages(interpreter, root), gpu(interpreter), disk(root), *data(root), make(), git(root),
              *conflicts(root), *writable(root)]
    for line in lines:
        print(f"{style(f'{line.status:<8}', _LOOKS[line.status])} {wrapped(line.what, indent=' ' * 9).lstrip()}")
        if line.advice:
            print(wrapped(line.advice, indent=" " * 9))
    problems = sum(line.status == PROBLEM for line in lines)
    warnings = sum(line.status == WARNING for line in lines)
    print()
    if problems:
        print(f"{problems} {'problem' if problems == 1 else 'problems'} to solve first.")
        return 1
    print("The course can run here." + (" The warnings tell what is not as usual." if warnings else ""))
    return 0


def python_version(version: tuple[int, ...]) -> Line:
    text = "Python " + ".".join(map(str, version))
    tested = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    if version[:2] < OLDEST:
        return Line(PROBLEM, text, f"The course needs Python {tested}. With another one installed, for example: "
                    "make PYTHON=python3.12 setup")
    if version[:2] > NEWEST:
        return Line(WARNING, text, f"The course is tested with Python {tested}; for this one, numba may not exist yet.")
    return Line(OK, text)


def environment_line() -> tuple[Line, Path | None]:
    """The finding, and the interpreter that runs the tests (None where there is none yet)."""
    folder = bootstrap.folder()
    if folder is None:
        return Line(OK, "TEROX_VENV=none: the course uses this Python as it is"), Path(sys.executable)
    python = bootstrap.python_of(folder)
    shown = folder.name if folder.parent == ROOT else str(folder)
    if not python.exists():
        return Line(WARNING, f"There is no virtual environment {shown} yet",
                    f"The first test run makes it. To make it now: {SETUP}"), None
    return Line(OK, f"Virtual environment {shown}"), python


def packages(interpreter: Path | None, root: Path = ROOT, timeout: float = 120.0) -> list[Line]:
    """Versions against constraints.txt, and whether numba can be imported."""
    if interpreter is None:
        return []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    output, trouble = "", ""
    try:
        result = subprocess.run([str(interpreter), "-c", _PROBE, *BASE, *LATER], capture_output=True, text=True,
                                timeout=timeout, env=environment, cwd=tempfile.gettempdir(), errors="replace")
        output = result.stdout
        if result.returncode:
            trouble = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
        trouble = f"no answer within {timeout:g} seconds"
    except OSError as error:
        trouble = error.strerror or str(error)
    answers = dict(line.split(" ", 1) for line in output.splitlines() if " " in line)
    if "versions" not in answers:
        return [Line(PROBLEM, f"The environment's Python does not run: {trouble}",
                     f"Remove the folder {interpreter.parent.parent.name}, then: {SETUP}")]
    found, pinned = json.loads(answers["versions"]), constraints(root)
    lines = [_package(name, found[name], pinned.get(name)) for name in BASE]
    absent = [name for name in LATER if not found[name]]
    lines += [_package(name, found[name], pinned.get(name)) for name in LATER if found[name]]
    if absent:
        lines.append(Line(OK, f"Not installed yet: {', '.join(absent)}. The first command that needs them does it"))
    if found["numba"]:
        if "numba" in answers:
            lines.append(Line(OK, "numba can be imported"))
        else:
            lines.append(Line(PROBLEM, f"numba cannot be imported: {trouble}",
                              f"Often numpy and numba do not fit together. To install both anew, remove the "
                              f"environment's folder, then: {SETUP}"))
    return lines


def _package(name: str, found: str | None, pinned: str | None) -> Line:
    if found is None:
        return Line(PROBLEM, f"{name} is not installed", f"To install it: {SETUP}")
    if pinned is not None and found != pinned:
        return Line(WARNING, f"{name} {found}; the course is tested with {pinned}", f"If tests behave oddly: {SETUP}")
    return Line(OK, f"{name} {found}")


def constraints(root: Path = ROOT) -> dict[str, str]:
    """Package to version, from constraints.txt; empty where it cannot be read."""
    try:
        text = (root / "constraints.txt").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {name.lower().replace("_", "-"): version
            for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", text, re.MULTILINE)}


def gpu(interpreter: Path | None = None) -> Line:
    """A GPU's name, or the simulator. Later modules need one or the other."""
    choice = os.environ.get("TEROX_CUDA", "auto") or "auto"
    if choice not in ("auto", "gpu", "sim", "numba"):
        return Line(PROBLEM, f"TEROX_CUDA is {choice!r}",
                    "It has to be auto, gpu, sim or numba; without it, auto counts.")
    if choice != "auto" and choice != "gpu":
        which = "the simulator" if choice == "sim" else "Numba's own simulator, which is slow"
        return Line(OK, f"TEROX_CUDA={choice}: GPU kernels run in {which}")
    name = _gpu_name()
    if name and _can_compile(interpreter):
        return Line(OK, f"GPU: {name}")
    if name:
        return Line(PROBLEM if choice == "gpu" else WARNING, f"GPU: {name}, but the compiler for it is not installed",
                    f"{SETUP} --layer gpu installs it (about 200 MB). Until then GPU kernels run in the simulator.")
    if choice == "gpu":
        return Line(PROBLEM, "TEROX_CUDA=gpu, but no GPU with a driver was found",
                    "Install NVIDIA's driver, or unset TEROX_CUDA to use the simulator.")
    return Line(OK, "No NVIDIA GPU: GPU kernels run in the simulator, and nothing else needs one")


def _can_compile(interpreter: Path | None) -> bool:
    """Whether the course's environment has numba-cuda."""
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('numba_cuda') is None)"
    try:
        return subprocess.run([str(interpreter or sys.executable), "-c", probe], timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _gpu_name() -> str | None:
    program = shutil.which("nvidia-smi")
    if program:
        try:
            result = subprocess.run([program, "--query-gpu=name", "--format=csv,noheader"], capture_output=True,
                                    text=True, timeout=20)
            names = [line.strip() for line in result.stdout.splitlines() if line.strip()]
            return names[0] if result.returncode == 0 and names else None
        except (OSError, subprocess.TimeoutExpired):
            return None
    if ctypes.util.find_library("nvcuda" if os.name == "nt" else "cuda"):
        return "an NVIDIA driver is there (nvidia-smi, which would name the GPU, is not)"
    return None


def disk(root: Path = ROOT) -> Line:
    """Free space where the course lies."""
    free = shutil.disk_usage(root).free / 2**30
    if free < 1.0:
        return Line(WARNING, f"{free:.1f} GiB of disk are free",
                    "The environment with Jupyter takes about 1 GiB. Make some room.")
    return Line(OK, f"{free:.0f} GiB of disk are free")


def data(root: Path = ROOT) -> list[Line]:
    """The digits that ship with the course, and TEROX_DATA where it is set."""
    missing = [name for name in MNIST if not (root / "data" / "mnist" / f"{name}.gz").is_file()]
    lines = [Line(PROBLEM, f"data/mnist lacks {', '.join(missing)}", "git checkout data brings the files back.")
             if missing else Line(OK, "The digits in data/mnist are there")]
    given = os.environ.get("TEROX_DATA")
    if given:
        folder = Path(given).expanduser()
        places = [folder, folder / "mnist"]
        if not folder.is_dir():
            lines.append(Line(PROBLEM, f"TEROX_DATA is {given}, which is no folder",
                              "Set it to a folder with the MNIST files, or unset it."))
        elif not any(all((place / name).is_file() or (place / f"{name}.gz").is_file() for name in MNIST)
                     for place in places):
            lines.append(Line(WARNING, f"TEROX_DATA is {given}, which does not hold the four files of MNIST",
                              f"They are {', '.join(MNIST)}, plain or with .gz."))
        else:
            lines.append(Line(OK, f"TEROX_DATA: full MNIST in {given}"))
    return lines


def make() -> Line:
    found = shutil.which("make") or shutil.which("gmake")
    if found:
        return Line(OK, "make")
    python = "py" if os.name == "nt" else "python3"
    return Line(WARNING, "There is no make", f"Nothing needs it: {python} -m course --help lists the same commands "
                f"(make test-module-0 is {python} -m course test 0).")


def git(root: Path = ROOT) -> Line:
    if not shutil.which("git"):
        return Line(WARNING, "There is no git", "With it, you can go back to what you had yesterday.")
    if not (root / ".git").exists():
        return Line(WARNING, "This folder is not under git",
                    "To be able to go back to what you had: git init && git add -A && git commit -m start. New "
                    "releases are for those who cloned the edition, or copied it with its folder .git.")
    return Line(OK, "git")


def conflicts(root: Path = ROOT) -> list[Line]:
    """What a merge of a new release has left to do."""
    found = []
    for path in sorted((root / "modules").rglob("*")):
        if path.is_file() and path.suffix in (".py", ".md"):
            line = conflict(path.read_text(encoding="utf-8", errors="replace"))
            if line is not None:
                found.append(Line(PROBLEM, f"{path.relative_to(root).as_posix()}:{line} holds a conflict", CONFLICT))
    if (root / ".git" / "MERGE_HEAD").is_file():
        found.append(Line(WARNING, "A merge is not finished", "To go on: git status says what is left. To go back to "
                          "before it: git merge --abort"))
    return found


def writable(root: Path = ROOT) -> list[Line]:
    """Whether the course can write where it wants to."""
    wrong = []
    for folder in (root, root / "modules", root / ".terox", root / "build"):
        if folder.is_dir():
            try:
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError:
                wrong.append("the course's folder" if folder == root else folder.name + "/")
    if wrong:
        return [Line(PROBLEM, f"Nothing can be written in {', '.join(wrong)}",
                     "Copy the course to a folder of your own, or change the permissions.")]
    return [Line(OK, "The course's folders can be written to")]
