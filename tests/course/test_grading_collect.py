"""Collecting a submission: named files only, wherever they stand, and what is odd becomes a note."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.grading import collect as collecting
from course.grading.collect import collect, from_archive, name_of, submissions_in
from course.manifest import ROOT, load

MANIFEST = load()
FILE = "terox/foundations/functional.py"


def _fill(folder: Path, root: str) -> Path:
    path = folder / root / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes("\ufeff# caf\u00e9\r\nx = 1\r\n".encode())
    (folder / root / "terox/foundations/other.py").write_text("no file of the manifest")
    return folder


@pytest.mark.parametrize("root", ["", "modules", "somebody", "somebody/modules", "work/My Course/terox-main/modules"])
@pytest.mark.parametrize("form", ["folder", "zip", "tar", "gztar", "bztar", "xztar"])
def test_a_submission_is_found_in_every_form(root, form, tmp_path):
    """A folder or an archive, whose `terox/` stands at its top, in modules/ or some folders down."""
    folder = _fill(tmp_path / "work", root)
    path = folder if form == "folder" else Path(shutil.make_archive(str(tmp_path / "packed"), form, folder))
    found = collect(path, MANIFEST)
    assert found.files == {FILE: "# caf\u00e9\nx = 1\n"}
    assert found.notes == []


def test_the_digest_follows_the_content_alone(tmp_path):
    """Not the name, and not the form."""
    folder = _fill(tmp_path / "one", "")
    other = _fill(tmp_path / "two", "modules")
    assert collect(folder, MANIFEST).digest() == collect(other, MANIFEST).digest()
    (other / "modules" / FILE).write_text("x = 2\n")
    assert collect(folder, MANIFEST).digest() != collect(other, MANIFEST).digest()


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\3\4", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0"]))
def test_random_bytes_cost_a_note(data, start):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work"
        path.write_bytes(start + data)
        found = from_archive(path, MANIFEST.files)
        assert not found.files and found.notes


def test_a_folder_may_hold_what_was_sent(tmp_path):
    """Where classes hand in, a folder of the learner's name has an archive in it; of several, the last by name."""
    work = _fill(tmp_path / "work", "somebody")
    place = tmp_path / "Ada Lovelace_4711"
    place.mkdir()
    (place / "onlinetext.html").write_text("See the file.")
    shutil.make_archive(str(place / "first"), "zip", work)
    found = collect(place, MANIFEST)
    assert found.name == "Ada Lovelace_4711" and FILE in found.files and found.notes == []
    (work / "somebody" / FILE).write_text("x = 2\n")
    shutil.make_archive(str(place / "second"), "gztar", work)
    found = collect(place, MANIFEST)
    assert found.files == {FILE: "x = 2\n"} and found.notes == ["Of 2 archives, only second.tar.gz is read."]
    (place / "third.zip").symlink_to(place / "first.zip")
    assert collect(place, MANIFEST).files == found.files


def test_names_in_an_archive_may_have_backslashes(tmp_path):
    """As some programs on Windows write them."""
    path = tmp_path / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modules\\" + FILE.replace("/", "\\"), "x = 1\n")
    assert collect(path, MANIFEST).files == {FILE: "x = 1\n"}


def test_a_submission_is_called_as_its_learner(tmp_path):
    """Not as the form that it was handed in; two that would have one name keep their endings."""
    for name in ("ada", "ben.b", ".hidden", "dora"):
        (tmp_path / name).mkdir()
    for name in ("chen.tar.gz", "Dora.ZIP", "notes.txt", "eva.zip"):
        (tmp_path / name).write_bytes(b"")
    found = submissions_in(tmp_path)
    assert {name: path.name for name, path in found.items()} == {
        "notes.txt": "notes.txt", "ada": "ada", "ben.b": "ben.b", "chen": "chen.tar.gz", "dora": "dora",
        "Dora.ZIP": "Dora.ZIP", "eva": "eva.zip"}


def test_nothing_is_written(tmp_path):
    """Neither beside the archive nor above it."""
    path = tmp_path / "below/work.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped", "x")
        archive.writestr(FILE, "x = 1\n")
    assert collect(path, MANIFEST).files == {FILE: "x = 1\n"}
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["below", "work.zip"]


def test_of_several_roots_the_first_counts(tmp_path):
    """A second `terox/` is not mixed in."""
    folder = _fill(tmp_path, "")
    (folder / "modules/terox/tensors").mkdir(parents=True)
    (folder / "modules/terox/tensors/layout.py").write_text("x = 1\n")
    assert list(collect(folder, MANIFEST).files) == [FILE]


@pytest.mark.parametrize("other", ["solutions", ".venv/lib", "a/solutions", "a/tests/wheats/module_0", "__MACOSX"])
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_what_is_not_the_learners_is_no_root(form, other, tmp_path):
    """The whole course folder, with references that were handed out and what tools leave behind."""
    folder = _fill(tmp_path / "work", "course/modules")
    (folder / other / FILE).parent.mkdir(parents=True)
    (folder / other / FILE).write_text("x = 2\n")
    path = folder if form == "folder" else Path(shutil.make_archive(str(tmp_path / "packed"), form, folder))
    assert collect(path, MANIFEST).files == {FILE: "# caf\u00e9\nx = 1\n"}
    shutil.rmtree(folder / "course")
    path = folder if form == "folder" else Path(shutil.make_archive(str(tmp_path / "packed"), form, folder))
    assert collect(path, MANIFEST).files == {} and "No file of the course" in collect(path, MANIFEST).notes[0]


def test_a_class_is_not_taken_for_a_submission_unseen(tmp_path):
    """Where several folders have such files, the first is read, and a note says so."""
    for name in ("ada", "ben", "chen"):
        _fill(tmp_path, f"{name}/modules")
    found = collect(tmp_path, MANIFEST)
    assert list(found.files) == [FILE]
    assert found.notes == ["It was found in ada/; ben/, chen/ have such files, too, which are not read."]


def test_what_lies_there_instead_is_told(tmp_path):
    (tmp_path / "work.7z").write_bytes(b"7z")
    assert "It holds work.7z." in collect(tmp_path, MANIFEST).notes[0]


def test_a_large_archive_is_read(tmp_path):
    """The course folder with its environment: what is not asked for costs nothing."""
    path = tmp_path / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20):
            archive.writestr(f"course/.venv/{number}", os.urandom(4 << 20))
        archive.writestr("course/modules/" + FILE, "x = 1\n")
    assert path.stat().st_size > 80_000_000
    assert collect(path, MANIFEST).files == {FILE: "x = 1\n"}


@pytest.mark.parametrize("name, word", [("work.txt", "neither a folder nor a zip or tar"), ("work.zip", "broken"),
                                        ("work.7z", "neither a folder nor a zip or tar")])
def test_what_is_no_submission_says_so(name, word, tmp_path):
    (tmp_path / name).write_text("I had no time.\n")
    found = collect(tmp_path / name, MANIFEST)
    assert found.files == {} and word in found.notes[0]


def test_a_broken_member_costs_only_itself(tmp_path):
    path = tmp_path / "work.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(_fill(tmp_path / "work", "") / FILE, FILE)
        link = tarfile.TarInfo("terox/tensors/layout.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    found = collect(path, MANIFEST)
    assert list(found.files) == [FILE] and "layout.py is left out" in found.notes[0]


# ---- What costs much ----


def _headers(path: Path, kind: bytes, data: bytes) -> Path:
    """A tar file of one header of a kind that is read as a whole."""
    member = tarfile.TarInfo("header")
    member.type, member.size = kind, len(data)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member.tobuf() + data + bytes(-len(data) % 512) + tarfile.TarInfo("x").tobuf() + bytes(1024))
    return path


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="this system has no limits for processes")
def test_an_archive_has_limits_of_its_own(tmp_path, monkeypatch):
    """One that asks for all memory, or takes hours, costs a note."""
    monkeypatch.setattr(collecting, "UNPACK_MEMORY", 200 << 20)
    path = _headers(tmp_path / "long_name.tar.gz", tarfile.GNUTYPE_LONGNAME, b"a" * (300 << 20))
    assert collect(path, MANIFEST).notes == ["The submission cannot be read: it takes too much memory."]
    monkeypatch.setattr(collecting, "UNPACK_SECONDS", 1)
    notes = collect(_headers(tmp_path / "slow.tar.gz", tarfile.XHDTYPE, b"1" * (1 << 19)), MANIFEST).notes
    assert len(notes) == 1 and notes[0].startswith("The submission cannot be read: ")
    if sys.version_info < (3, 11, 10):  # later ones read it at once, and say that it is broken
        assert "too long" in notes[0]


@pytest.mark.parametrize("text", ["import " + "a." * 5000 + "a", "import a" + " \\\n .a" * 3000, "x = " + "1" * 6000])
def test_a_name_without_end_is_left_out(text, tmp_path):
    """Python takes minutes for a dotted name of 100 KB."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(text)
    found = collect(tmp_path, MANIFEST)
    assert not found.files and "a name of more than 5000 characters" in found.left_out[FILE]


def test_every_file_that_is_right_has_short_names():
    for path in [*(ROOT / "solutions/terox").rglob("*.py"), *(ROOT / "tests/wheats").rglob("*.py")]:
        collecting._text(path.read_bytes())


# ---- Names ----


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_no_text_are_written_as_in_an_address(tmp_path):
    """As they come out of zip files of other systems. No two submissions have the same one."""
    for name in (b"m\xfcller", b"m%FCller", b"tab\there", "zo\u00eb".encode()):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    paths = submissions_in(tmp_path)
    assert sorted(paths) == ["m%FCller", "m%FCller~", "tab%09here", "zo\u00eb"]
    assert len(set(paths.values())) == 4
    for name, path in paths.items():
        name.encode("utf-8")
        collect(path, MANIFEST, name).digest()
    os.mkdir(os.fsencode(tmp_path / "tab\there") + b"/\xff")
    assert "%FF" in collect(tmp_path / "tab\there", MANIFEST).notes[0]


@pytest.mark.parametrize("text, right", [
    ("plain \u00e9", "plain \u00e9"), ("\udcfc", "%FC"), ("\ud800x", "%ED%A0%80x"), ("a\nb\x1b", "a%0Ab%1B"), ("", "")])
def test_any_text_becomes_readable(text, right):
    assert collecting.readable(text) == right


def test_no_name_takes_anothers_place(tmp_path):
    for name in ("bob.zip", "bob.tar", "bob.zip.zip", "...zip", "ada.zip"):
        (tmp_path / "class").mkdir(exist_ok=True)
        (tmp_path / "class" / name).write_text("")
    found = {name: path.name for name, path in submissions_in(tmp_path / "class").items()}
    assert found == {"bob.zip": "bob.zip", "bob.tar": "bob.tar", "bob.zip.zip": "bob.zip.zip", "ada": "ada.zip"}
    assert name_of(tmp_path / "..zip") == "..zip" and name_of(tmp_path / "...zip") == "...zip"
