"""Which edition of the course this is: the full repository, or the learner's edition, which has no `solutions/`.

In the learner's edition, the reference of single modules may come later: `make release-reference` writes it, and a
learner puts it there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from course.manifest import ROOT, Manifest, Module, load

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
    """Whether the whole reference is there: never in the learner's edition, whatever was handed out."""
    return (root / "solutions" / "terox").is_dir() and not is_learners(root)


def has_reference_of(module: Module, root: Path = ROOT) -> bool:
    """Whether the reference of one module is there."""
    return (root / "solutions" / module.package).is_dir()


def handed_out(manifest: Manifest, root: Path = ROOT) -> list[Module]:
    """The modules whose reference is there."""
    return [module for module in manifest.modules if has_reference_of(module, root)]


def missing_reference(modules: list[int], root: Path = ROOT, manifest: Manifest | None = None) -> str | None:
    """The sentence that says why the reference of `modules` cannot be used; None if all of them are there."""
    manifest = manifest or load(root)
    there = handed_out(manifest, root)
    missing = [number for number in modules if manifest.module(number) not in there]
    if not missing:
        return None
    if there:
        return (f"The reference of {named(missing)} is not here. solutions/ has that of "
                f"{named([module.number for module in there])}.")
    if is_learners(root):
        return ("This is the learner's edition of the course, which comes without solutions/, and no reference "
                "was put there.")
    return "There is no folder solutions/terox here."


def named(numbers: list[int]) -> str:
    """"module 0", or "modules 0, 1 and 2"."""
    words = [str(number) for number in numbers]
    return f"modules {', '.join(words[:-1])} and {words[-1]}" if words[1:] else f"module {words[0]}"


def needs_reference(what: str, root: Path = ROOT) -> str | None:
    """The sentence to print where `what` (as in "make bench") cannot run for lack of `solutions/`; None if it can."""
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
