"""A file is written whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import errno
import os
import stat
import sys

import pytest

from course.whole_files import replacing, write_whole


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_after_an_error_the_old_file_is_there_and_nothing_else(error, tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), replacing(path) as file:
        file.write(b"half")
        raise error
    assert os.listdir(tmp_path) == ["kept"] and path.read_bytes() == b"old"


def test_a_file_that_cannot_be_replaced_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def refuse(one, other):
        raise PermissionError(errno.EACCES, "Permission denied", str(one), None, str(other))

    with monkeypatch.context() as patch, pytest.raises(PermissionError) as caught:
        patch.setattr(os, "replace", refuse)
        write_whole(path, b"new")
    assert str(path) in str(caught.value) and ".part" not in str(caught.value)
    assert os.listdir(tmp_path) == ["kept"] and path.read_bytes() == b"old"


def test_an_error_names_the_file_and_not_the_one_beside_it(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError) as caught:
        write_whole(tmp_path / "file" / "inside", b"new")
    assert ".part" not in str(caught.value) and "file" in str(caught.value)


def test_folders_are_made_and_text_is_the_same_everywhere(tmp_path):
    write_whole(tmp_path / "a/b/kept", "caf\xe9\n")
    assert (tmp_path / "a/b/kept").read_bytes() == b"caf\xc3\xa9\n"
    assert os.listdir(tmp_path / "a/b") == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_others_may_read_it_as_any_new_file(tmp_path):
    write_whole(tmp_path / "kept", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
