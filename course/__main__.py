"""`python -m course COMMAND`: what the Makefile calls, and what serves where there is no make.

This file runs on any Python 3, before anything is installed, so that an old Python gets a sentence and not a
SyntaxError.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    version = ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"Terox needs Python 3.11 or newer; this is {version} ({sys.executable}).\n"
             "Install a newer one and call it by name, e.g. `make PYTHON=python3.12 test-module-0`.")

from course.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
