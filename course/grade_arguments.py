"""What `python -m course grade` and `grade-all` take. Standard library only; read before anything is installed."""

from __future__ import annotations

import argparse
from pathlib import Path

from course.manifest import ROOT
from course.parallel import cores

STATE = Path(".terox/grading")


def add_arguments(parser: argparse.ArgumentParser, *, whole_class: bool) -> None:
    """What the two commands take."""
    if whole_class:
        parser.add_argument("submissions", type=Path, metavar="DIR", help="holds one folder or archive a submission")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the CSV file to write")
        parser.add_argument("--reports", type=Path, metavar="DIR", help="a report on each, there (default: beside OUT)")
    else:
        parser.add_argument("submission", type=Path, metavar="SUBMISSION", help="a folder, a zip or a tar file")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where the report goes (default: build/grades/NAME)")
    parser.add_argument("--modules", default="", metavar="LIST", help="for example 0-2,4 (default: all)")
    parser.add_argument("--secret", type=Path, metavar="FILE", help="what the sealed checks are drawn from")
    parser.add_argument("--state", type=Path, default=ROOT / STATE, metavar="DIR", help="what is kept between calls")
    parser.add_argument("--workers", type=int, default=cores(), metavar="N", help="how many at a time")
    parser.add_argument("--trust", action="store_true",
                        help="go on where this system cannot close the code in: for containers and virtual machines")
