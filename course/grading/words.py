"""Words for a report from what a sandbox has said, which may be anything: cut, cleaned, and without the reference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from course.leaks import secrets
from course.manifest import Manifest
from course.runner.explain import Explainer
from course.runner.source import PathMap, Sources

LINES, CHARACTERS, WIDTH = 24, 2000, 200
GONE = "(a line that the reference has, too; not shown)"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{5,}")
# What a terminal or an editor would obey instead of showing: control characters, surrogates, changes of direction.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPED = re.compile(r"\\r\\n|\\n|\\r|\n")


class Words:
    """Cleans texts. `folders`: paths of this machine that no report shows. `secret`: the sealed checks' own."""

    def __init__(self, solutions: Path, folders: list[Path], secret: bytes) -> None:
        self._reference = set(secrets(solutions).lines)
        self._secret = re.compile(re.escape(secret.decode("utf-8", "replace")), re.IGNORECASE)
        self._folders = sorted({str(path) for path in folders} | {str(path.resolve()) for path in folders}, key=len,
                               reverse=True)

    def clean(self, text: str, tree: Path | None = None) -> str:
        """At most so many lines and characters, printable, without paths, addresses and lines of the reference."""
        text = text[: 20 * CHARACTERS]
        for folder in [*([str(tree)] if tree else []), *self._folders]:
            text = text.replace(folder + "/", "").replace(folder, ".")
        text = self._secret.sub("(the secret)", text)
        text = _CONTROL.sub("?", _ADDRESS.sub("0x...", text))
        lines = [self._without_reference(line) for line in text.splitlines()]
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], "..."]
        text = "\n".join(line if len(line) <= WIDTH else line[: WIDTH - 3] + "..." for line in lines)
        return text if len(text) <= CHARACTERS else text[: CHARACTERS - 3] + "..."

    def _without_reference(self, line: str) -> str:
        for part in _ESCAPED.split(line):
            compact = "".join(part.split())
            # The beginning of one, too: a line of code stands there cut.
            if compact in self._reference or any(
                    len(line) > 20 and line in compact or len(compact) > 20 and line.startswith(compact)
                    for line in self._reference):
                return GONE
        return line


class Told:
    """What one run of public tests says, in words. The events are not to be trusted: nothing here raises."""

    def __init__(self, manifest: Manifest, paths: PathMap, events: list[dict[str, Any]]) -> None:
        self._explainer = Explainer(Sources(paths.root, manifest, paths))
        self._events = events
        self.tests = {event["test"]["id"]: event["test"] for event in self._tests()}
        self.finished = {event["test"]: event for event in events
                         if event["event"] == "finished" and isinstance(event.get("test"), str)}

    def _tests(self) -> list[dict[str, Any]]:
        return [{"test": test} for event in self._events
                if event["event"] == "collected" and isinstance(event.get("tests"), list)
                for test in event["tests"] if isinstance(test, dict) and isinstance(test.get("id"), str)]

    def verdict(self, task: str, wanted: list[str], words: str, ended: str, limit: float) -> str:
        """"" if every test of `wanted` has passed, else what is wrong. `words`, `ended`: as `Box.tests` gives them."""
        try:
            return self._verdict(task, wanted, words, ended, limit)
        except Exception as error:  # events of another form than the plugin's
            return f"{task} failed: the tests' own report cannot be read ({type(error).__name__})."

    def _verdict(self, task: str, wanted: list[str], words: str, ended: str, limit: float) -> str:
        for event in self._events:
            if event["event"] == "collection_error":
                if event.get("todo"):
                    return f"{event['todo'][0]} is still to do: {event['todo'][1]}"
                return "\n".join(self._explainer.imported(task, event["file"], event["failure"]))
        for test, event in self.finished.items():
            if event["outcome"] == "todo":
                return f"{event['todo'][0]} is still to do: {event['todo'][1]}"
            if event["outcome"] != "passed":
                return "\n".join(self._explainer.failure(task, self.tests.get(test), event["failure"]))
        started = [event["test"] for event in self._events if event["event"] == "started"]
        info = self.tests.get(started[-1]) if started and started[-1] not in self.finished else None
        if "Timeout" in words or ended == "time":
            return "\n".join(self._explainer.stopped(task, info, words, limit))
        if ended == "folder":
            return f"{task} failed: the code has written more than it may."
        if ended:
            status = int(ended.split()[1]) if ended.split()[0] in ("signal", "status") else 1
            status = -status if ended.startswith("signal") else status
            return "\n".join(self._explainer.crashed(task, info, words, status))
        lost = [test for test in wanted if test not in self.finished]
        if lost:
            return f"{task} failed: {len(lost)} of {len(wanted)} tests did not run, so nothing says that it is right."
        return ""
