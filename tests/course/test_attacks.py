"""Submissions that try to score without doing the work gain nothing, harm nothing, and get a clear report."""

from __future__ import annotations

import re
import socket
import sys
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from odd_submissions import BUILT, FILE, RIGHT

from course.grading import collect as collecting
from course.grading import landlock, seccomp
from course.grading.collect import collect
from course.grading.grade import Grader, Patience
from course.grading.report import markdown
from course.grading.results import Grade
from course.leaks import secrets
from course.manifest import ROOT, load
from course.parallel import in_parallel
from course.runner.overlay import splice

pytestmark = pytest.mark.skipif(not (landlock.offered() and seccomp.offered()),
                                reason="this system has nothing to close a submission in with")
FOLDER = ROOT / "tests/attacks"
MANIFEST = load()
SECRET = b"the secret of test_attacks"


@dataclass(frozen=True)
class Attack:
    name: str
    what: str
    task: str
    right: tuple[str, ...] = ()
    top: str = ""
    body: str = ""
    bottom: str = ""
    text: str = ""
    says: str = ""
    policed: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    build: Callable[[Path], Path] | None = None

    def write(self, folder: Path, names: dict[str, str]) -> Path:
        """The submission, under `folder`."""
        place = folder / self.name
        place.mkdir()
        if self.build is not None:
            return self.build(place)
        for task in dict.fromkeys([self.task, *self.right]):
            for file in MANIFEST.task(task).files:
                path = place / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._text(file, names), encoding="utf-8")
        for name, text in self.extra.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")
        return place

    def _text(self, file: str, names: dict[str, str]) -> str:
        attacked = MANIFEST.task(self.task)
        if self.text and file in attacked.files:
            return self.text
        done = [name for task in self.right for name in MANIFEST.task(task).functions
                if MANIFEST.task(task).file_of(name) == file]
        text = "\n".join(line for line, _, _ in splice(ROOT / "modules" / file, ROOT / "solutions" / file, done)) + "\n"
        if file in attacked.files:
            top, body = self.top, self.body or "pass"
            for name, value in names.items():
                top, body = top.replace("{" + name + "}", value), body.replace("{" + name + "}", value)
            text = re.sub(rf'^( *)raise NotImplementedError\("Task {self.task}: [^"]*"\)',
                          lambda found: found[1] + body.lstrip("\n ").replace("\n", "\n" + found[1][4:]), text,
                          flags=re.MULTILINE)
            text = text.replace("from __future__ import annotations\n", "from __future__ import annotations\n" + top, 1)
            text += self.bottom
        return text


def _attacks() -> list[Attack]:
    found = [Attack(path.stem, **_tuples(tomllib.loads(path.read_text(encoding="utf-8"))))
             for path in sorted(FOLDER.glob("*.toml"))]
    return found + [Attack(name, what, "0.2", says=says, build=build) for name, (what, build, says) in BUILT.items()]


def _tuples(data: dict) -> dict:
    return {**data, "right": tuple(data.get("right", ()))}


ATTACKS = _attacks()


# ---- All are graded once, side by side ----


@dataclass
class Scene:
    grades: dict[str, Grade]
    heard: list[bytes]
    canary: dict[str, tuple[bytes, int, float]]
    before: dict[str, tuple[bytes, int, float]]
    stage: dict[str, tuple[bytes, int, float]]
    stage_before: dict[str, tuple[bytes, int, float]]
    left: list[str]
    afterward: Grade
    reports: dict[str, str] = field(default_factory=dict)


def _state(folder: Path) -> dict[str, tuple[bytes, int, float]]:
    return {path.relative_to(folder).as_posix(): (path.read_bytes() if path.is_file() else b"", path.stat().st_mode,
                                                  path.stat().st_mtime if path.is_file() else 0.0)
            for path in sorted(folder.rglob("*")) if "bases" not in path.parts}  # made when they are needed


def _processes(word: str) -> list[str]:
    """Command lines of this machine's processes that have `word` in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:  # less than archives may take, so that it is not for long
        patch.setattr(collecting, "UNPACK_SECONDS", 4)
        patch.setattr(collecting, "UNPACK_MEMORY", 300 << 20)
        return _scene(tmp_path_factory)


def _scene(tmp_path_factory):
    folder, canary = tmp_path_factory.mktemp("attacks"), tmp_path_factory.mktemp("canary")
    (canary / "file").write_text("alive")
    before = _state(canary)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        names = {"canary": str(canary), "port": str(server.getsockname()[1])}
        places = {attack.name: attack.write(folder, names) for attack in ATTACKS}
        patience = Patience(test=3.0, answer=4.0, job=25.0, wall=25.0)
        with Grader(SECRET, tmp_path_factory.mktemp("state"), patience=patience, policed=False) as grader:
            stage_before = _state(grader.stage.folder)

            def job(attack: Attack) -> Grade:
                grader_for = police if attack.policed else grader
                module = MANIFEST.task(attack.task).module
                return grader_for.grade(collect(places[attack.name], MANIFEST), [module])

            with Grader(SECRET, tmp_path_factory.mktemp("state"), patience=patience) as police:
                with closing(in_parallel([lambda attack=attack: job(attack) for attack in ATTACKS])) as results:
                    grades = {ATTACKS[place].name: grade for place, grade in results}
            honest = folder / "honest" / FILE
            honest.parent.mkdir(parents=True)
            honest.write_text(RIGHT.read_text(encoding="utf-8"), encoding="utf-8")
            afterward = grader.grade(collect(folder / "honest", MANIFEST), [0])
            stage = _state(grader.stage.folder)
            word = str(grader.stage.folder)
        server.settimeout(0)
        heard = []
        try:
            heard.append(server.accept()[0].recv(10))
        except OSError:
            pass
    return Scene(grades, heard, _state(canary), before, stage, stage_before, _processes(word), afterward,
                 {name: markdown(grade) for name, grade in grades.items()})


def test_there_are_at_least_thirty():
    assert len(ATTACKS) >= 30


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_point_is_gained(attack, scene):
    """An attack has the points of what is done rightly, and the report says what was wrong with the rest."""
    grade = scene.grades[attack.name]
    assert not grade.error, grade.error
    expected = {task: MANIFEST.task(task).points for task in attack.right}
    got = {task.id: task.points for module in grade.modules for task in module.tasks if task.points}
    assert got == expected, [(task.id, task.message) for task in grade.modules[0].tasks]
    report = scene.reports[attack.name]
    assert grade.task(attack.task).message
    assert attack.says in report
    assert len(report) < 20_000 and report.isprintable() is False  # of several lines
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", report)


def test_nothing_else_was_harmed(scene):
    """No file outside of a job's folder has changed, nobody was reached by network, and no process is left."""
    assert scene.canary == scene.before
    assert scene.stage == scene.stage_before
    assert scene.heard == []
    assert scene.left == []


def test_the_grader_goes_on(scene):
    """After all of them, an honest submission gets its points."""
    assert scene.afterward.task("0.2").points == MANIFEST.task("0.2").points, scene.afterward.task("0.2").message


def test_no_report_has_a_line_of_a_solution(scene):
    """Whatever an attack has read, its report does not show it."""
    known = [line for line in secrets(ROOT / "solutions").lines if len(line) > 20]
    for name, report in scene.reports.items():
        compact = "".join(report.split())
        assert not [line for line in known if line in compact], name


def test_no_report_shows_the_secret_or_a_path(scene):
    """Nor does it show where the grader works, or what it alone knows."""
    for name, report in scene.reports.items():
        assert SECRET.decode() not in report
        assert "terox-stage-" not in report and "terox-box-" not in report, name
        assert str(ROOT) not in report and sys.prefix not in report, name
