"""`make gradescope MODULE=N`: the zip file that Gradescope takes as an autograder for one module.

At its root stand `setup.sh` (once, when the image is built) and `run_autograder` (once for each submission), both
executable; beside them the course with its reference, and the secret that sealed checks draw from. So the file is for
the instructor alone. Gradescope puts a submission into /autograder/submission and reads
/autograder/results/results.json; TEROX_AUTOGRADER names another root, to try the scripts elsewhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from course import edition
from course.grade_arguments import STATE
from course.grading.known import SecretError, load_secret
from course.manifest import ROOT, ManifestError, load
from course.release import ReleaseError, source_files
from course.whole_files import replacing
from course.zips import write_zip

# What grading does not need.
LEFT_OUT = ("docs/", "notebooks/", "examples/", "tests/attacks/", "tests/course/", "tests/wheats/",
            "tests/chaffs/", ".ci/", ".github/")

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image. Choose a base image with Python 3.11 or newer
# (Ubuntu 24.04 has 3.12); on an older one, Python 3.11 is installed.
set -euo pipefail
root="${TEROX_AUTOGRADER:-/autograder}"
cd "$root/source"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT="$PWD/constraints.txt"
# With a folder wheels/ in the zip, nothing is fetched; else pip takes the pinned versions from where it is set up to.
if [ -d wheels ]; then export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels"; fi
python="${TEROX_PYTHON:-python3}"
if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        apt-get install -y --no-install-recommends python3-venv
    else
        apt-get install -y --no-install-recommends python3.11 python3.11-venv
        python=python3.11
    fi
fi
TEROX_VENV="$root/venv" "$python" -m course setup
# The reference has to get all points here; what it answers is kept, so that grading is quicker.
"$root/venv/bin/python" -m course.grading.gradescope_run warm --module MODULETRUST
"""

RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission. Whatever happens, results.json is there at the end, and says something.
root="${TEROX_AUTOGRADER:-/autograder}"
results="$root/results/results.json"
mkdir -p "$root/results"
cd "$root/source" &&
    "$root/venv/bin/python" -m course.grading.gradescope_run grade --module MODULETRUST \\
        --submission "$root/submission" --results "$results"
if [ ! -s "$results" ]; then
    printf '%s\\n' '{"score": 0, "output": "The grader could not be started. Tell your instructor."}' > "$results"
fi
"""


class GradescopeError(Exception):
    """The zip cannot be written. Nothing was."""


def build(module: int, out: Path, secret: bytes, *, wheels: Path | None = None, trust: bool = False,
          root: Path = ROOT) -> int:
    """Write the autograder of a module to the file `out`; returns how many files it has.

    `wheels`: a folder of wheels to install from, for an image without a network. `trust`: grade also where the
    container cannot close a submission in (its code could then read the reference). Raises GradescopeError.
    """
    load(root).module(module)
    if out.is_dir():
        raise GradescopeError(f"{out} is a folder; the zip file's name is needed.")
    try:
        files, _ = source_files(root)
    except ReleaseError as error:
        raise GradescopeError(str(error)) from error
    files = [file for file in files if not file.startswith(LEFT_OUT)]
    for needed in ("solutions/terox/__init__.py", "course/grading/gradescope_run.py", "course/grading/grade.py"):
        if needed not in files:
            raise GradescopeError(f"{needed} is missing, or git does not track it.")
    contents: dict[str, bytes] = {file: (root / file).read_bytes() for file in files}
    if wheels is not None:
        found = sorted(wheels.glob("*.whl"))
        if not found:
            raise GradescopeError(f"{wheels} holds no wheels (*.whl).")
        contents |= {f"wheels/{path.name}": path.read_bytes() for path in found}
    scripts = {"setup.sh": SETUP, "run_autograder": RUN}
    contents |= {name: text.replace("MODULE", str(module)).replace("TRUST", " --trust" if trust else "").encode()
                 for name, text in scripts.items()}
    contents["secret"] = secret
    with replacing(out) as file:
        os.chmod(file.name, 0o600)  # it holds the reference and the secret
        write_zip(file, contents, modes={**dict.fromkeys(scripts, 0o755), "secret": 0o600})
    return len(contents)


def run(module: int, out: Path | None, secret: Path | None = None, wheels: Path | None = None, *, trust: bool = False,
        root: Path = ROOT) -> int:
    """The command. Returns an exit status: 0 written, 2 a wrong call."""
    missing = edition.needs_reference("make gradescope", root)
    out = Path(os.path.abspath(out or root / "build" / "gradescope" / f"module_{module}.zip"))
    try:
        if missing:
            raise GradescopeError(missing)
        number = build(module, out, load_secret(root / STATE, secret), wheels=wheels, trust=trust, root=root)
    except (GradescopeError, ManifestError, SecretError, OSError) as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 2
    print(f"{out}: {number} files, {out.stat().st_size / 1e6:.1f} MB. It holds the reference and the grading secret: "
          "keep it to yourself.\nIn Gradescope: a programming assignment of 100 points; Configure Autograder, "
          "Zip file upload.")
    return 0
