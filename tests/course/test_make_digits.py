"""course/make_digits.py, the script that made the digits that ship."""

from __future__ import annotations

import gzip
import hashlib
import os
from functools import partial

import numpy as np
import pytest
from digit_files import NAMES, nothing_set, the_small_set, write_set  # noqa: F401

from course import datasets, make_digits
from course.datasets import DatasetError, read_idx

FEW = {"train": 4, "test": 2}


def test_make_digits_is_balanced_repeatable_and_takes_real_pairs(tmp_path, monkeypatch, small):
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "full", small)))
    paths = make_digits.make(tmp_path / "one", FEW)
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "plain", small, packed=False)))
    again = make_digits.make(tmp_path / "two" / "deeper", FEW)
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    assert sorted(os.listdir(tmp_path / "one")) == sorted(f"{name}.gz" for name in NAMES)
    for part, count in FEW.items():
        images, labels = (read_idx(tmp_path / "one" / f"{name}.gz") for name in datasets.FILES[part])
        assert np.array_equal(np.bincount(labels), [count] * 10)
        whole_images, whole_labels = (small[name] for name in datasets.FILES[part])
        known = {image.tobytes(): label for image, label in zip(whole_images, whole_labels, strict=True)}
        assert [known[image.tobytes()] for image in images] == labels.tolist()
        assert len({image.tobytes() for image in images}) == len(images)
    before = [path.read_bytes() for path in paths]
    make_digits.make(tmp_path / "one", FEW)  # over the old ones
    assert [path.read_bytes() for path in paths] == before


def test_make_digits_refuses_other_sets_and_writes_nothing(tmp_path, monkeypatch, small):
    out = tmp_path / "out"
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "full", small)))
    with pytest.raises(DatasetError, match="has 6 images of the digit 0, and 7 are needed"):
        make_digits.make(out, {"train": 7})
    with pytest.raises(DatasetError, match="has 3 images"):
        make_digits.make(out, {"train": 4, "test": 4})
    changed = {**small, NAMES[2]: small[NAMES[2]] ^ np.uint8(1)}
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "changed", changed)))
    with pytest.raises(DatasetError, match="not the original"):
        make_digits.make(out, FEW)
    assert not out.exists()


def test_the_choice_of_images_is_the_one_that_numpy_froze():
    labels = np.arange(40) % 10
    random = np.random.RandomState(7)
    order = random.permutation(40)
    expected = random.permutation(np.concatenate([order[order % 10 == digit][:2] for digit in range(10)]))
    assert np.array_equal(make_digits.choose(labels, 2, seed=7), expected)


def test_the_command_prints_sums_and_says_what_is_wrong(tmp_path, monkeypatch, small, capsys):
    monkeypatch.setattr(make_digits, "make", partial(make_digits.make, per_digit=FEW))
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "full", small)))
    assert make_digits.main(["--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for name in NAMES:
        packed = (tmp_path / "out" / f"{name}.gz").read_bytes()
        assert f"{name}.gz  {len(packed):,} bytes" in printed
        assert hashlib.sha256(packed).hexdigest() in printed
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() in printed
    monkeypatch.setenv("TEROX_DATA", str(tmp_path / "nowhere"))
    assert make_digits.main(["--out", str(tmp_path / "out")]) == 1
    assert "TEROX_DATA" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_an_error(tmp_path, monkeypatch, small):
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "full", small)))
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DatasetError, match="--out DIR"):
        make_digits.make(tmp_path / "file" / "below", FEW)


# Where a full set is at hand, the digits that ship are made again from it. Elsewhere there is no such test:
# it neither skips nor passes on nothing; and the synthetic sets above try the same code.
if FULL_SET := os.environ.get("TEROX_DATA"):

    def test_the_digits_that_ship_are_what_the_script_makes(tmp_path, monkeypatch):
        monkeypatch.setenv("TEROX_DATA", FULL_SET)
        for path in make_digits.make(tmp_path):
            made, shipped = path.read_bytes(), (datasets.SHIPPED / path.name).read_bytes()
            assert gzip.decompress(made) == gzip.decompress(shipped)  # zlib's build decides the packed bytes
