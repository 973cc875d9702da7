"""The digits that ship, a set that TEROX_DATA names, and what is made of digits."""

from __future__ import annotations

import gzip
import hashlib
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from digit_files import NAMES, ROOT, nothing_set, small_set, the_small_set, write_set  # noqa: F401

from course import datasets
from course.datasets import DatasetError, full_mnist, load_digits

# The digits that ship


@pytest.mark.parametrize(("part", "each"), [("train", 400), ("test", 100)])
def test_the_digits_that_ship_are_balanced_and_without_pattern(part, each):
    digits = load_digits(part)
    assert digits.images.shape == (10 * each, 28, 28) and digits.images.dtype == np.uint8
    assert digits.labels.shape == (10 * each,) and digits.labels.dtype == np.uint8
    assert len(digits) == 10 * each and part in digits.name
    assert np.array_equal(np.bincount(digits.labels), [each] * 10)
    assert len(set(digits.labels[:100].tolist())) == 10  # not sorted
    assert digits.images.min() == 0 and digits.images.max() == 255


def test_no_image_that_ships_occurs_twice():
    images = [image.tobytes() for part in ("train", "test") for image in load_digits(part).images]
    assert len(set(images)) == len(images) == 5000


def test_the_labels_that_ship_belong_to_the_images():
    """A linear fit on the zeros and ones of one part holds on the other."""
    sides = []
    for part in ("train", "test"):
        pair = datasets.two_digits(load_digits(part), 0, 1)
        inputs = datasets.average_pool(pair.images).reshape(len(pair), -1)
        sides.append((np.c_[inputs, np.ones(len(pair))], 2 * pair.labels - 1))
    (inputs, wanted), (held_out, answers) = sides
    weights = np.linalg.lstsq(inputs, wanted, rcond=None)[0]
    assert np.mean(np.sign(held_out @ weights) == answers) > 0.97


def test_the_files_that_ship_have_the_sums_and_sizes_in_the_readme():
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `([\w.-]+)` \|(?: ([\d,]+) \|)? `([0-9a-f]{64})` \|", text)
    packed = {name: (int(size.replace(",", "")), digest) for name, size, digest in rows if size}
    files = {path.name: path.read_bytes() for path in datasets.SHIPPED.iterdir() if path.is_file()}
    assert packed == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    assert sorted(files) == sorted(f"{name}.gz" for name in NAMES)
    listed = [(name, digest) for name, size, digest in rows if not size]
    assert dict(listed[:4]) == datasets.SHA256
    assert dict(listed[4:]) == {
        name: hashlib.sha256(gzip.decompress(files[f"{name}.gz"])).hexdigest() for name in NAMES}
    assert sum(map(len, files.values())) < 1_200_000
    assert "CC BY-SA" in text or "Attribution-ShareAlike 3.0" in text


def test_an_unknown_part_is_an_error():
    for load in (load_digits, full_mnist):
        with pytest.raises(DatasetError, match="'train' and 'test'"):
            load("validation")


def test_a_missing_shipped_file_says_how_to_get_it_back(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path)
    with pytest.raises(DatasetError, match="does not exist.*git checkout -- data/mnist"):
        load_digits()


def test_importing_the_module_is_cheap():
    heavy = "rich", "numba", "matplotlib", "terox"
    code = f"import sys, course.datasets; print([name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# TEROX_DATA


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("below", ["", "mnist"])
def test_terox_data_is_read_plain_or_packed(tmp_path, monkeypatch, packed, below):
    arrays = small_set()
    write_set(tmp_path / "given" / below, arrays, packed)
    monkeypatch.setenv("TEROX_DATA", str(tmp_path / "given"))
    for part in ("train", "test"):
        digits = load_digits(part, full=True)
        images, labels = datasets.FILES[part]
        assert np.array_equal(digits.images, arrays[images]) and np.array_equal(digits.labels, arrays[labels])
    assert not (tmp_path / "cache").exists()


def test_terox_data_that_points_nowhere_is_an_error_and_no_fallback(tmp_path, monkeypatch, small):
    write_set(tmp_path / "cache" / "mnist", small)  # a cache that could serve
    file = tmp_path / "file"
    file.write_bytes(b"x")
    empty = tmp_path / "empty"
    empty.mkdir()
    half = write_set(tmp_path / "half", {NAMES[0]: small[NAMES[0]]})
    for given, problem in [(tmp_path / "nowhere", "which does not exist"), (file, "which is not a folder"),
                           (empty, f"no {NAMES[0]} and no {NAMES[1]}"), (half, f"has no {NAMES[1]}")]:
        monkeypatch.setenv("TEROX_DATA", str(given))
        with pytest.raises(DatasetError, match=problem) as caught:
            full_mnist("train", mirrors=[])
        assert "TEROX_DATA" in str(caught.value) and str(given) in str(caught.value)
    monkeypatch.setenv("TEROX_DATA", "")  # empty is unset
    assert len(full_mnist("train", mirrors=[])) == 60


@pytest.mark.parametrize(("problem", "change"), [
    ("60 images and 59 labels", lambda arrays: arrays.update({NAMES[1]: arrays[NAMES[1]][:-1]})),
    ("shape", lambda arrays: arrays.update({NAMES[0]: arrays[NAMES[1]], NAMES[1]: arrays[NAMES[0]]})),
    ("shape", lambda arrays: arrays.update({NAMES[0]: arrays[NAMES[0]][:, :27]})),
    ("a label is 10", lambda arrays: arrays.update({NAMES[1]: arrays[NAMES[1]] + np.uint8(1)})),
    ("no images", lambda arrays: arrays.update({name: arrays[name][:0] for name in NAMES[:2]})),
], ids=["counts", "swapped", "27 rows", "label 10", "none"])
def test_files_that_do_not_belong_together_are_an_error(tmp_path, monkeypatch, problem, change):
    arrays = small_set()
    change(arrays)
    monkeypatch.setenv("TEROX_DATA", str(write_set(tmp_path / "given", arrays)))
    with pytest.raises(DatasetError, match=problem) as caught:
        full_mnist("train")
    assert str(tmp_path / "given") in str(caught.value)


# What is made of digits


def test_average_pool_takes_means_of_blocks():
    images = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for size in (1, 2, 4, 7, 14, 28):
        block = 28 // size
        got = datasets.average_pool(images, size)
        assert got.shape == (5, size, size) and got.dtype == np.float64
        for n, row, column in [(0, 0, 0), (4, size - 1, 0), (2, size // 2, size - 1)]:
            part = images[n, row * block:(row + 1) * block, column * block:(column + 1) * block]
            expected = sum(int(value) for value in part.ravel()) / (255 * block * block)
            assert math.isclose(got[n, row, column], expected, rel_tol=1e-12)
    assert datasets.average_pool(images).shape == (5, 7, 7)
    assert datasets.average_pool(images[0]).shape == (7, 7)
    assert datasets.average_pool(images[:0]).shape == (0, 7, 7)
    white = np.full((1, 28, 28), 255, np.uint8)
    assert np.all(datasets.average_pool(white) == 1.0)


def test_average_pool_refuses_what_it_would_scale_wrongly():
    images = np.zeros((2, 28, 28), np.uint8)
    for size in (0, -7, 5, 56):
        with pytest.raises(ValueError, match="do not divide"):
            datasets.average_pool(images, size)
    for wrong in (images[:, :, :14], images[0, 0]):
        with pytest.raises(ValueError, match="square"):
            datasets.average_pool(wrong)
    with pytest.raises(TypeError, match="uint8"):
        datasets.average_pool(images / 255.0)


def test_two_digits_keeps_their_images_in_order():
    digits = load_digits("test")
    pair = datasets.two_digits(digits, 7, 2)
    assert len(pair) == 200 and "7 against 2" in pair.name
    both = zip(digits.images, digits.labels, strict=True)
    wanted = [(image, label == 2) for image, label in both if label in (2, 7)]
    for image, label, (same, is_two) in zip(pair.images, pair.labels, wanted, strict=True):
        assert np.array_equal(image, same) and label == is_two
    assert set((2 * pair.labels - 1).tolist()) == {-1, 1}
    for a, b in [(3, 3), (3, 10), (-1, 3)]:
        with pytest.raises(ValueError, match="two_digits"):
            datasets.two_digits(digits, a, b)
