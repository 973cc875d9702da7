"""The similarity report: a copy under other names is found, what was written independently is not."""

from __future__ import annotations

import csv
import os

import pytest

from course.chaffs import load_wheats
from course.grading import similarity, similarity_pages
from course.grading.make_class import renamed
from course.manifest import ROOT, load


@pytest.fixture(scope="module", autouse=True)
def copydetect():
    """The library of the layer instructor. Without it tests are skipped; where TEROX_REQUIRE_COPYDETECT=1 they fail."""
    if os.environ.get("TEROX_REQUIRE_COPYDETECT") == "1":
        import copydetect
        return copydetect
    return pytest.importorskip("copydetect", reason="needs copydetect: make setup ARGS='--layer instructor'")


@pytest.fixture(scope="module")
def independent():
    """Submissions that nobody copied: the wheats of two modules, each over the untouched skeleton."""
    manifest = load(ROOT)
    empty = {name: (ROOT / "modules" / name).read_text(encoding="utf-8") for name in manifest.files}
    made = {}
    for number in (1, 3):
        for wheat in load_wheats(manifest.module(number), ROOT):
            mine = {path.relative_to(wheat.folder).as_posix(): path.read_text(encoding="utf-8")
                    for path in wheat.files()}
            made[wheat.folder.name] = {**empty, **{name: text for name, text in mine.items() if name in empty}}
    return made


@pytest.fixture(scope="module")
def with_a_copy(independent):
    copied = {name: renamed(text) for name, text in independent["straight"].items()}
    return similarity.compare({**independent, "copycat": copied}, ROOT, shown=0.4, only=3)


def test_a_copy_under_other_names_is_at_the_top(with_a_copy):
    pairs, notes, pages = with_a_copy
    first = pairs[0]
    assert {first.one, first.other} == {"straight", "copycat"} and first.module == 3 and first.alike > 0.95
    assert notes == [] and "module_3.html" in pages


def test_independent_work_is_not_in_the_table(with_a_copy):
    pairs, _, _ = with_a_copy
    assert [(pair.one, pair.other) for pair in pairs[1:]] == []


def test_a_page_shows_the_most_alike_pairs_only(independent, monkeypatch):
    """All pairs are in the table; a page with thousands of them would open in no browser."""
    class_ = {name: independent["straight"] for name in ("ada", "ben", "carla", "dina")}
    monkeypatch.setattr(similarity_pages, "BESIDE", 2)
    pairs, _, pages = similarity.compare(class_, ROOT, only=3)
    few = pages["module_3.html"]
    monkeypatch.setattr(similarity_pages, "BESIDE", 200)
    every = similarity.compare(class_, ROOT, only=3)[2]["module_3.html"]
    assert len(pairs) == 6 and 3 * few.count("<span") == every.count("<span") > 0
    monkeypatch.setattr(similarity_pages, "LISTED", 3)
    text = similarity_pages.index(pairs, [], 4, 0.5)
    assert text.count("<tr><td>") == 3 and "Of 6 pairs, the 3 most alike stand here" in text


def test_the_skeleton_alone_is_compared_with_nobody(independent):
    empty = {name: (ROOT / "modules" / name).read_text(encoding="utf-8") for name in independent["straight"]}
    assert similarity.compare({"ben": empty, "carla": empty}, ROOT, only=3)[0] == []


def test_whoever_has_the_reference_is_found(independent):
    copied = dict(independent["straight"])
    for name in ("matmul", "reduce", "elementwise"):
        path = f"terox/parallel/{name}.py"
        copied[path] = renamed((ROOT / "solutions" / path).read_text(encoding="utf-8"))
    pairs, _, _ = similarity.compare({"dan": copied}, ROOT, only=3)
    assert [(pair.one, pair.other, pair.module) for pair in pairs] == [("dan", similarity.REFERENCE, 3)]


def test_half_a_copy_shows_in_the_share_of_the_smaller_one(independent):
    path = next(name for name, text in independent["straight"].items()  # one that this wheat has, and is long
                if name.startswith("terox/parallel/") and text != (ROOT / "modules" / name).read_text(encoding="utf-8"))
    half = {**independent["straight"], path: (ROOT / "modules" / path).read_text(encoding="utf-8")}
    pairs, _, _ = similarity.compare({"erin": independent["straight"], "finn": half}, ROOT, only=3)
    assert pairs[0].alike > 0.95 > min(pairs[0].share_of_one, pairs[0].share_of_other)


def test_what_does_not_parse_is_named_and_what_is_named_oddly_is_escaped(independent, tmp_path, monkeypatch, capsys):
    broken = {**independent["straight"], "terox/parallel/matmul.py": "def f(:\n"}
    evil = "<script>alert(1)</script>"
    monkeypatch.setattr(similarity, "read_class", lambda folder, manifest: (
        {"=cmd": independent["straight"], evil: independent["straight"], "broken": broken}, []))
    assert similarity.run(tmp_path, tmp_path / "report", ROOT, only=3) == 0
    assert "broken: terox/parallel/matmul.py does not parse" in capsys.readouterr().out
    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "report").iterdir()}
    assert set(texts) == {"index.html", "similarity.csv", "module_3.html"}
    assert all("<script>alert(1)" not in text for name, text in texts.items() if name.endswith(".html"))
    assert all(str(tmp_path) not in text and "terox-alike" not in text for text in texts.values())
    rows = list(csv.DictReader(texts["similarity.csv"].splitlines()))
    assert rows[0]["alike"] == "1.000" and "'=cmd" in {rows[0]["one"], rows[0]["other"]}


def test_wrong_calls_end_with_a_sentence(tmp_path, capsys, monkeypatch):
    assert similarity.run(tmp_path / "nowhere", tmp_path / "out", ROOT) == 2
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    assert similarity.run(tmp_path, tmp_path / "full", ROOT) == 2
    monkeypatch.setattr(similarity, "read_class", lambda folder, manifest: ({"only": {}}, []))
    assert similarity.run(tmp_path, tmp_path / "out", ROOT) == 2
    assert "two are needed" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_all_modules_are_compared_side_by_side(monkeypatch):
    """In as many processes as there are cores, with the outcome in the modules' order."""
    files = load(ROOT).files
    ada = {name: (ROOT / "solutions" / name).read_text(encoding="utf-8") for name in files}
    monkeypatch.setattr(similarity, "cores", lambda: 2)
    pairs, notes, pages = similarity.compare({"ada": {**ada, files[0]: "def f(:\n"}}, ROOT)
    assert {pair.module for pair in pairs} == set(range(6)) and len(pairs) == 6
    assert notes == [f"ada: {files[0]} does not parse, and is not compared."]
    assert list(pages) == [f"module_{number}.html" for number in range(6)]


def test_a_process_that_is_ended_from_outside_is_told(tmp_path, monkeypatch, capsys):
    class Ends:
        """A text that ends the process that unpacks it."""

        def __reduce__(self):
            return os._exit, (9,)

    monkeypatch.setattr(similarity, "cores", lambda: 2)
    monkeypatch.setattr(similarity, "read_class", lambda folder, manifest: (
        {name: {"terox/operators.py": Ends()} for name in ("ada", "ben")}, []))
    assert similarity.run(tmp_path, tmp_path / "out", ROOT) == 2
    assert "Is memory short?" in capsys.readouterr().err
