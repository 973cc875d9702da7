"""The data that the course learns from: digits that ship with the project, full MNIST, and 2-D toy sets.

    digits = load_digits("train")                 # 4,000 images that ship in data/mnist
    ones = two_digits(digits, 0, 1)               # zeros against ones
    inputs = average_pool(ones.images, 7)         # (N, 7, 7), from 0 to 1
    everything = load_digits("train", full=True)  # 60,000 images: TEROX_DATA, the cache, or a download

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", CC BY-SA 3.0.
data/README.md says more.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from course.idx import DatasetError, idx_bytes, read_idx, replacing
from course.toy import circles, moons, spiral, xor

__all__ = ["DatasetError", "Digits", "average_pool", "circles", "full_mnist", "load_digits", "moons",
           "read_idx", "spiral", "two_digits", "xor"]

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "mnist"
FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}
# Sums of the unpacked files of the full set. How a mirror has packed them does not matter.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
TIMEOUT = 30.0  # seconds without a byte before a mirror is given up
MAX_DOWNLOAD = 32 * 2**20  # bytes; the largest packed file has 9.9 million
FOUR_FILES = ", ".join(SHA256)
NO_CACHE = ("Free some space or allow writing there, or set TEROX_CACHE to another folder, "
            "or TEROX_DATA to a folder that already holds the MNIST files.")


@dataclass(frozen=True, eq=False)
class Digits:
    """Handwritten digits. `images`: (N, 28, 28) uint8, 0 is paper, 255 ink. `labels`: (N,) uint8, 0 to 9."""

    images: np.ndarray
    labels: np.ndarray
    name: str

    def __len__(self) -> int:
        return len(self.labels)


def load_digits(part: str = "train", *, full: bool = False) -> Digits:
    """The digits that ship with the project: 4,000 for `part="train"`, 1,000 for "test", balanced.

    They come in an order without pattern, so that any run of them is a fair sample. `full=True` gives all of
    MNIST (60,000 and 10,000), as `full_mnist` finds it. Raises DatasetError for a missing or damaged file.
    """
    if full:
        return full_mnist(part)
    remedy = "It ships with the project: get the folder data/mnist again (`git checkout -- data/mnist`)."
    images, labels = (read_idx(SHIPPED / f"{name}.gz", remedy=remedy) for name in _names(part))
    return _pair(images, labels, name=f"MNIST subset, {part}", where=str(SHIPPED))


def full_mnist(part: str = "train", *, mirrors: Sequence[str] = MIRRORS) -> Digits:
    """The full MNIST set: 60,000 images for `part="train"`, 10,000 for "test".

    Where TEROX_DATA is set, its folder has to hold the files (plain or .gz; in it, or in a `mnist` folder in
    it), and nothing else is tried. Otherwise they are read from the cache (TEROX_CACHE, or `~/.cache/terox`),
    and what is missing or damaged there is downloaded from the first of `mirrors` (addresses of folders) that
    has it whole. Downloads are checked against the known sums. Raises DatasetError, which says what to do.
    """
    names = _names(part)
    given = os.environ.get("TEROX_DATA", "")
    if given:
        folder = _given_folder(given, names)
        images, labels = (read_idx(_plain_or_packed(folder, name)) for name in names)
        return _pair(images, labels, name=f"MNIST, {part}", where=str(folder))
    folder = _cache_folder()
    images, labels = (_cached(folder / f"{name}.gz", name, mirrors) for name in names)
    return _pair(images, labels, name=f"MNIST, {part}", where=str(folder))


def sha256(array: np.ndarray) -> str:
    """The SHA-256 sum of the unpacked IDX file that holds `array`."""
    return hashlib.sha256(idx_bytes(array)).hexdigest()


def two_digits(digits: Digits, a: int, b: int) -> Digits:
    """Only the images of `a` and `b`, in their order, with label 0 for `a` and 1 for `b`.

    The labels are int64, so that `2 * labels - 1` is -1 and 1 (with uint8 it would be 255 and 1). Raises
    ValueError where `a` equals `b` or one of them does not occur.
    """
    if a == b:
        raise ValueError(f"two_digits: two different digits are needed, not {a} twice.")
    for digit in (a, b):
        if not np.any(digits.labels == digit):
            raise ValueError(f"two_digits: {digits.name} has no image with the label {digit!r}.")
    chosen = (digits.labels == a) | (digits.labels == b)
    labels = (digits.labels[chosen] == b).astype(np.int64)
    return Digits(digits.images[chosen], labels, f"{digits.name}, {a} against {b}")


def average_pool(images: np.ndarray, size: int = 7) -> np.ndarray:
    """Means of equal square blocks: (..., H, H) uint8 to (..., size, size) float64 from 0 to 1.

    Raises TypeError for other values than uint8, and ValueError where the images are not square or `size`
    does not divide their side. In PyTorch: `torch.nn.functional.avg_pool2d(images / 255, side // size)`.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise TypeError(f"average_pool: images of uint8 are needed, not {images.dtype}.")
    if images.ndim < 2 or images.shape[-1] != images.shape[-2]:
        raise ValueError(f"average_pool: square images (..., side, side) are needed, not {images.shape}.")
    side = images.shape[-1]
    if size < 1 or side == 0 or side % size:
        raise ValueError(f"average_pool: {size} blocks do not divide a side of {side} pixels.")
    block = side // size
    blocks = images.reshape(*images.shape[:-2], size, block, size, block)  # (..., size, block, size, block)
    return blocks.mean(axis=(-3, -1)) / 255.0  # (..., size, size)


def _names(part: str) -> tuple[str, str]:
    if part not in FILES:
        raise DatasetError(f"MNIST has no part {part!r}. Its parts are 'train' and 'test'.")
    return FILES[part]


def _pair(images: np.ndarray, labels: np.ndarray, *, name: str, where: str) -> Digits:
    """Checks that images and labels belong together: files of two sets, or two swapped ones, are an error."""
    problem = ""
    if images.ndim != 3 or images.shape[1:] != (28, 28) or labels.ndim != 1:
        problem = f"images have the shape {images.shape} and labels {labels.shape}, not (N, 28, 28) and (N,)"
    elif len(images) != len(labels):
        problem = f"there are {len(images):,} images and {len(labels):,} labels"
    elif len(labels) == 0:
        problem = "there are no images"
    elif labels.max() > 9:
        problem = f"a label is {labels.max()}, not a digit"
    if problem:
        raise DatasetError(f"The files of {name} in {where} do not make a data set: {problem}. "
                           "Get both files again, from one place.")
    return Digits(images, labels, name)


def _given_folder(given: str, names: tuple[str, str]) -> Path:
    folder = Path(given).expanduser()
    advice = f"Set TEROX_DATA to a folder with {FOUR_FILES} (plain or .gz), or unset it."
    if not os.path.isdir(folder):  # os.path, because Path.exists raises where a folder may not be looked into
        what = "which is not a folder" if os.path.exists(folder) else "which does not exist"
        raise DatasetError(f"TEROX_DATA is {given}, {what}. {advice}")
    for candidate in (folder, folder / "mnist"):
        if any(os.path.exists(_plain_or_packed(candidate, name)) for name in names):
            folder = candidate
            break
    missing = [name for name in names if not os.path.exists(_plain_or_packed(folder, name))]
    if missing:
        raise DatasetError(f"TEROX_DATA is {given}, which has no {' and no '.join(missing)}. {advice}")
    return folder


def _plain_or_packed(folder: Path, name: str) -> Path:
    return folder / name if os.path.exists(folder / name) else folder / f"{name}.gz"


def _cache_folder() -> Path:
    given = os.environ.get("TEROX_CACHE", "")
    try:
        return (Path(given).expanduser() if given else Path.home() / ".cache" / "terox") / "mnist"
    except RuntimeError as error:  # no home folder is known
        raise DatasetError(f"No cache folder for the MNIST files is known: {error} "
                           "Set TEROX_CACHE to a folder for them.") from error


def _cached(path: Path, name: str, mirrors: Sequence[str]) -> np.ndarray:
    """The array in `path`, downloaded first where `path` is missing or is not what it should be."""
    try:
        array = read_idx(path)
        if sha256(array) == SHA256[name]:
            return array
    except DatasetError:
        pass  # a cache mends itself; what stands in the way of that is reported below
    failures = []
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{path.name}"
        try:
            return _download(address, path, name)
        except _MirrorFailed as error:
            failures.append(f"{address}: {error}")
    reasons = "; ".join(failures or ["no mirror is named"])
    raise DatasetError(f"{name} could not be downloaded: {reasons}. Check the network and run it again, "
                       f"or set TEROX_DATA to a folder with {FOUR_FILES} (plain or .gz).")


class _MirrorFailed(Exception):
    """One mirror did not give the file. The next one may."""


def _download(address: str, path: Path, name: str) -> np.ndarray:
    with replacing(path, NO_CACHE) as file:
        _fetch(address, file)
        file.flush()
        try:
            array = read_idx(file.name, name="what it sent", remedy="")
        except DatasetError as error:
            raise _MirrorFailed(str(error).rstrip(". ")) from error
        if sha256(array) != SHA256[name]:
            raise _MirrorFailed("what it sent has a wrong checksum (SHA-256)")
        return array


def _fetch(address: str, file: BinaryIO) -> None:
    """Copies what stands at `address` into `file`. An OSError is one of `file`, never of the network."""
    try:
        response = urllib.request.urlopen(address, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _MirrorFailed(f"the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _MirrorFailed(f"no connection ({getattr(error, 'reason', error)})") from error
    with response:
        length = response.headers.get("Content-Length", "")
        promised = int(length) if length.isdigit() else None
        received = 0
        with _progress(address.rsplit("/", 1)[-1], promised) as advance:
            while True:
                try:
                    chunk = response.read(2**16)
                except (OSError, http.client.HTTPException) as error:
                    raise _MirrorFailed(f"the connection broke after {received:,} bytes ({error})") from error
                if not chunk:
                    break
                received += len(chunk)
                if received > MAX_DOWNLOAD:
                    raise _MirrorFailed(f"it sent more than {MAX_DOWNLOAD:,} bytes")
                file.write(chunk)
                advance(len(chunk))
    if promised is not None and received != promised:
        raise _MirrorFailed(f"the connection broke after {received:,} of {promised:,} bytes")


@contextmanager
def _progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # here, because most runs download nothing
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
