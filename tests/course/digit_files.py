"""What the tests of data sets share: nothing of the developer's own is read, and there is a small set like MNIST."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from course import datasets, idx

ROOT = Path(datasets.__file__).resolve().parent.parent
NAMES = tuple(datasets.SHA256)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    """No test reads the developer's own data or cache, or asks a proxy for 127.0.0.1."""
    monkeypatch.delenv("TEROX_DATA", raising=False)
    monkeypatch.setenv("TEROX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("COLUMNS", "100")


def small_set(per_digit: int = 6) -> dict[str, np.ndarray]:
    """A synthetic full set: the four arrays by name."""
    random = np.random.default_rng(5)
    arrays = {}
    for part, count in (("train", 10 * per_digit), ("test", 5 * per_digit)):
        images, labels = datasets.FILES[part]
        arrays[images] = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[labels] = random.permutation(np.arange(count) % 10).astype(np.uint8)
    return arrays


def write_set(folder: Path, arrays: dict[str, np.ndarray], packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        content = idx.idx_bytes(array)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.fixture(name="small")
def the_small_set(monkeypatch):
    """A synthetic full set whose sums count as the known ones."""
    arrays = small_set()
    sums = {name: hashlib.sha256(idx.idx_bytes(array)).hexdigest() for name, array in arrays.items()}
    monkeypatch.setattr(datasets, "SHA256", sums)
    return arrays
