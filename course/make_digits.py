"""Makes the digits that ship with the project, data/mnist, from the full MNIST set.

    python -m course.make_digits [--out DIR]

The full set is taken from TEROX_DATA, the cache or a download (`course.datasets.full_mnist`), and has to be
the original one. The same set gives the same digits in the same order on every machine: 400 of each digit
from the train part, 100 from the test part. It prints each file's size and sums; data/README.md repeats them.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from course import datasets
from course.idx import DatasetError, gzip_bytes, idx_bytes, replacing

SEED = 20080
PER_DIGIT = {"train": 400, "test": 100}
NO_FOLDER = "Name a folder that can be written to with --out DIR."


def choose(labels: np.ndarray, per_digit: int, seed: int = SEED) -> np.ndarray:
    """Places of `per_digit` images of each digit, shuffled. (N,) labels to (10 * per_digit,) places.

    Raises DatasetError where a digit has fewer images.
    """
    random = np.random.RandomState(seed)  # not default_rng: NumPy has frozen only this stream (NEP 19)
    order = random.permutation(len(labels))
    chosen = []
    for digit in range(10):
        places = order[labels[order] == digit][:per_digit]
        if len(places) < per_digit:
            raise DatasetError(f"The full set has {len(places)} images of the digit {digit}, and {per_digit} "
                               "are needed. Set TEROX_DATA to a folder with the full MNIST set.")
        chosen.append(places)
    return random.permutation(np.concatenate(chosen))


def make(out: Path, per_digit: Mapping[str, int] = PER_DIGIT) -> list[Path]:
    """Writes the four files of the subset to the folder `out`; returns their paths. Raises DatasetError."""
    contents: dict[str, bytes] = {}
    for part, count in per_digit.items():
        digits = datasets.full_mnist(part)
        for name, array in zip(datasets.FILES[part], (digits.images, digits.labels), strict=True):
            found = datasets.sha256(array)
            if found != datasets.SHA256[name]:
                raise DatasetError(f"{name} of {digits.name} is not the original: its SHA-256 sum is {found}."
                                   " Set TEROX_DATA to a folder with the original files.")
        places = choose(digits.labels, count)
        chosen = (digits.images[places], digits.labels[places])
        for name, array in zip(datasets.FILES[part], chosen, strict=True):
            contents[name] = gzip_bytes(idx_bytes(array))
    paths = []
    for name, content in contents.items():  # only now: a set that lacks a part changes nothing
        path = out / f"{name}.gz"
        with replacing(path, NO_FOLDER) as file:
            file.write(content)
        paths.append(path)
    return paths


def main(arguments: list[str] | None = None) -> int:
    """The command line. Status 0, or 1 with one line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m course.make_digits",
                                     description="Makes data/mnist from the full MNIST set.")
    parser.add_argument("--out", type=Path, default=datasets.SHIPPED, metavar="DIR",
                        help="where to write (default: data/mnist)")
    out = parser.parse_args(arguments).out
    try:
        paths = make(out)
        for path in paths:
            packed = path.read_bytes()
            print(f"{path.name}  {len(packed):,} bytes")
            print(f"    packed    {hashlib.sha256(packed).hexdigest()}")
            print(f"    unpacked  {datasets.sha256(datasets.read_idx(path))}")
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
