"""Which edition of the course this is: the full repository, or the learner's edition, which has no `solutions/`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from course.manifest import ROOT

FILE = "EDITION"  # written by `make release`
TEXT = """learner

This is the learner's edition of the course. It comes without solutions/, so what runs on the reference
does not run here; everything else does. `make release` of the full repository wrote it.
"""


def is_learners(root: Path = ROOT) -> bool:
    """Whether `make release` wrote this folder."""
    try:
        return (root / FILE).read_text(encoding="utf-8").split()[:1] == ["learner"]
    except (OSError, UnicodeDecodeError):
        return False


def has_reference(root: Path = ROOT) -> bool:
    """Whether `solutions/terox` is there."""
    return (root / "solutions" / "terox").is_dir()


def needs_reference(what: str, root: Path = ROOT) -> str | None:
    """The sentence to print where `what` (as in "make demo") cannot run for lack of `solutions/`; None if it can."""
    if has_reference(root):
        return None
    if is_learners(root):
        return f"{what} runs on the reference, and this is the learner's edition, which comes without solutions/."
    return f"{what} runs on the reference, but there is no folder solutions/terox here."


def reveal_allowed(root: Path = ROOT) -> bool:
    """Whether `make reveal` may show the reference: `[course] reveal = false` in course.toml turns it off."""
    try:
        data = tomllib.loads((root / "course.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(data.get("course", {}).get("reveal", True))
